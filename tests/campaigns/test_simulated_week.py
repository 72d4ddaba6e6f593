"""Time that passes faster: schedules and watches on the miniature platforms, with edits, removals, walls and outages at random.

What may not happen: a post that is there is said to be unavailable; one that is gone is not, after its second look; a scheduled run
is left out, done twice, or drifts. CI simulates a day and a half, `make soak` a week with two thousand posts (EVIDENCE_POSTS).
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from archiver.capture.engine import CaptureEngine
from archiver.demo.server import Answer
from archiver.demo.telegram import Medium
from archiver.home.home import Home
from archiver.jobs.due_schedules import entry_of, schedules_due
from archiver.jobs.due_watches import watches_due
from archiver.jobs.entries import SharedEntry
from archiver.jobs.queue import JobAttempt, Queue, database
from archiver.jobs.schedule import Rule, Schedule
from archiver.jobs.watch import NOT_SHOWN, Watch, new_watch
from archiver.recorder.proxy import Recorder
from spiders.targets import Target, parse_target
from storage.times import utc_text
from tests.conftest import NoLimiter, World
from tests.support.engines import capture_engine
from tests.support.jobs import worker_for
from tests.support.soak import seeded

BEGIN = datetime(2027, 3, 25, 0, 0, tzinfo=UTC)
"""In the week in which Europe's clocks are put forward."""


class Simulation:
    """Carries out what is queued with a worker whose clocks are ours; DBOS is left out, the queue is emptied by hand."""

    def __init__(self, home: Home, world: World, posts: int, seed: int) -> None:
        self.now = BEGIN
        self.home, self.world, self.chance = home, world, random.Random(seed)
        home.clock = lambda: self.now
        self.queue = Queue(database(home))
        self.queue.shared._database._clock = lambda: self.now.timestamp()
        self.channel = world.telegram.channels["ozen_today"]
        plain = [post for post in self.channel.posts if not post.media and not post.service]
        self.channel.posts[:] = [replace(plain[n % len(plain)], id=1000 + n, reply_to=None) for n in range(posts)]
        self.gone: dict[int, datetime] = {}
        self.edits: dict[int, list[datetime]] = {}
        """Words, or a film in the place of what was there."""
        self.runs: list[datetime] = []
        self.done = 0
        for post in self.channel.posts:
            target = parse_target(f"https://t.me/ozen_today/{post.id}")
            assert isinstance(target, Target)
            one = new_watch(target, "post", ("inbox",), 3 * 3600.0, BEGIN)
            self.queue.shared.entries.add(
                "watch", [SharedEntry(one.id, BEGIN.timestamp(), replace(one, steady=True).value())]
            )
        rule = Rule.read("every day at 02:30 Europe/Berlin")
        first = next(rule.moments(BEGIN))
        self.schedule = Schedule("week0000", "capture", "https://t.me/ozen_today/1000", {}, rule, first)
        self.queue.shared.entries.add("schedule", [entry_of(self.schedule)])

    def happens(self) -> None:
        """What people and platforms do meanwhile."""
        trouble = self.world.telegram.trouble
        trouble.clear()
        for post in list(self.channel.posts):
            if post.id == 1000:  # always there: what a control needs
                continue
            what = self.chance.random()
            if what < 0.02:
                self.channel.posts.remove(post)
                self.gone[post.id] = self.now
            elif what < 0.05:
                place = self.channel.posts.index(post)
                number = len(self.edits.setdefault(post.id, [])) + 1
                self.edits[post.id].append(self.now)
                film = Medium("video", f"film-{number}.mp4", seconds=number)
                made = {"media": [film]} if self.chance.random() < 0.3 else {"text": f"{post.text} (edit {number})"}
                self.channel.posts[place] = replace(post, **made, edited=True)
            elif what < 0.15:
                trouble[f"/ozen_today/{post.id}"] = self.chance.choice([
                    Answer(429, "text/plain", b"Too Many Requests"), Answer(500, "text/plain", b"oops"), Answer(503, "text/plain", b"busy"),
                    Answer(200, "text/html", b"<html><body>Are you a robot?</body></html>"), Answer(200, "text/html", b""),
                ])  # fmt: skip

    async def work(self, engine: CaptureEngine) -> None:
        worker = worker_for(engine, self.queue)
        jobs = schedules_due(self.queue, self.now.timestamp())
        self.runs += [self.now for job in jobs]
        while more := watches_due(self.queue, self.now.timestamp(), self.now):
            jobs += more
        turn = asyncio.Semaphore(3)

        async def one(job: Any) -> None:
            async with turn:
                done = await asyncio.to_thread(worker.carry_out, JobAttempt(job, 1, self.now, {}))
                assert done.state in ("done", "again"), done
            self.queue.cancel(self.queue.attempts(job.id)[-1])
            self.done += 1

        await asyncio.gather(*(one(job) for job in jobs))

    def watches(self) -> dict[int, Watch]:
        found = [Watch.of(entry.id, entry.value) for entry in self.queue.shared.entries.all("watch")]
        return {int(one.link.rpartition("/")[2]): one for one in found}

    def events(self, kind: str) -> list[dict[str, Any]]:
        self.home.project()
        return [body["detail"] for body in self.home.catalog.event_bodies((kind,))]


@pytest.fixture
def world_as_it_was(world: World) -> Iterator[World]:
    channel = world.telegram.channels["ozen_today"]
    before = list(channel.posts)
    yield world
    channel.posts[:] = before
    world.telegram.trouble.clear()


def simulate(home: Home, world: World, posts: int, hours: int, step: float, seed: int) -> None:
    simulation = Simulation(home, world, posts, seed)

    async def main() -> None:
        recorder = Recorder(NoLimiter(), network=world.network, clock=home.clock)
        engine = capture_engine(home, recorder)
        try:
            for _ in range(int(hours / step)):
                simulation.now += timedelta(hours=step)
                simulation.happens()
                await simulation.work(engine)
            world.telegram.trouble.clear()
            for _ in range(4):  # the second looks of what was missed last; nothing more happens
                simulation.now += timedelta(hours=3.1)
                await simulation.work(engine)
        finally:
            await engine.close()
            recorder.close()

    asyncio.run(main())
    there = {post.id for post in simulation.channel.posts}
    words = {post.id: html.unescape(post.text) for post in simulation.channel.posts}
    films = {post.id: len(post.media) for post in simulation.channel.posts}
    said = {int(detail["post"].rpartition("/")[2]): detail for detail in simulation.events("unavailable")}
    assert not there & set(said), "said to be unavailable, and there"
    looked_at = {number: one for number, one in simulation.watches().items() if one.sight is not None}
    for number in set(simulation.gone) & set(looked_at):
        assert number in said, "gone, and not said after the second look"
        assert looked_at[number].state in NOT_SHOWN
        gone = simulation.gone[number].strftime("%Y-%m-%dT%H:%M")
        assert said[number]["first_not_seen"][:16] >= gone
        assert said[number]["last_seen"]["at"][:16] <= gone
        assert len(said[number]["looks"]) >= 2
    for number in there & set(looked_at):
        assert looked_at[number].state == "present"
        edits = [detail for detail in simulation.events("changed") if detail["post"].endswith(f"/{number}")]
        made = simulation.edits.get(number, [])
        assert len(edits) <= len(made)
        seen = sorted(home.catalog.observations(f"ozen_today/{number}"), key=lambda row: str(row["opened"]))
        # Its own first look: other posts' pages may have shown it before, while walls stood before itself.
        looks = [
            row for row in home.catalog.captures_of(f"https://t.me/ozen_today/{number}") if row["outcome"] == "captured"
        ]
        after = [moment for moment in made if utc_text(moment) > looks[0]["opened"]]
        assert bool(edits) == bool(after), "edited, and not said"
        last = json.loads(seen[-1]["line"])
        assert (last["text"], len(last["attachments"])) == (words[number], films[number])
    berlin = [run.strftime("%d") for run in simulation.runs]
    assert len(berlin) == len(set(berlin)), "a day's run twice"
    now = simulation.now.astimezone(ZoneInfo("Europe/Berlin"))
    days = (now.date() - BEGIN.date()).days + (
        now.hour >= 4
    )  # those before today; today's is over by four, summer or winter
    assert len(berlin) == days, "a day's run left out"
    simulation.queue.close()
    print(
        f"\n{simulation.done} looks and runs, {len(simulation.gone)} removed, {len(simulation.edits)} edited; none false, none missed"
    )


def test_a_day_and_a_half(home: Home, world_as_it_was: World) -> None:
    simulate(home, world_as_it_was, posts=8, hours=36, step=3, seed=seeded(8))


@pytest.mark.soak("week")
def test_a_week_of_two_thousand_posts(home: Home, world_as_it_was: World) -> None:
    simulate(
        home,
        world_as_it_was,
        posts=int(os.environ.get("EVIDENCE_POSTS", "2000")),
        hours=7 * 24,
        step=12,
        seed=seeded(9),
    )
