"""A look at what is watched: capture it again, compare, conclude, and write down what follows.

Each look is a capture like any other. Where the platform does not show the post, another one of that platform is captured in the same
run, the control; and where a second way out is set, the second look is taken by it at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from archiver.capture.options import Options
from archiver.casework.diff import posts_with_digests
from archiver.jobs.job import PRIORITIES, Job, interrupted, letters, packed
from archiver.jobs.queue import ENDED, Order, Queue
from archiver.jobs.shared_state import Thing
from archiver.jobs.watch import (
    NOT_SHOWN,
    SOON,
    Concluded,
    Look,
    Sight,
    Watch,
    cannot_tell,
    changes,
    is_there,
    kept,
    not_shown,
    seen,
    sight,
)
from spiders.platforms import platform_named
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage.events import Event
from storage.times import utc_parse

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.jobs.job import Ended
    from archiver.jobs.worker import Worker

CONTROLS = 5
"""How many posts of a platform are remembered that were there when they were looked at last."""
TRIED = 3
"""How many of them are asked for, until one is there."""
FALLBACK = 6 * 3600.0
"""A watch whose job was lost is looked at again after this."""
FOUND = (Outcome.CAPTURED, Outcome.PARTIAL)
CHANNEL_POSTS = 100
"""How many of a channel's newest posts each look walks."""


def derived(*parts: str) -> str:
    return letters({"of": list(parts)})


def walked_whole(home: Home, ended: Ended) -> bool:
    """A walk came to its end or its limit, and every page of it was answered.

    That a file of a post is missing does not matter here, nor what became of things that it found: they are captured by themselves.
    """
    rows = [row for capture in ended[2] if (row := home.catalog.capture(capture)) is not None]
    run = home.state.run(rows[0]["run"]) if rows else None
    if run is None or not run.options.get("walked"):
        return False
    for part in rows:
        if part["target"] != rows[0]["target"]:
            continue
        if Outcome(part["outcome"]) not in FOUND or interrupted(Outcome(part["outcome"]), part["reason"]):
            return False
        pages = [line.get("outcome") for line in home.catalog.inventory(part["id"]) if line.get("kind") == "page"]
        if not all(one in (None, Outcome.CAPTURED, Outcome.SKIPPED) for one in pages):
            return False
    return True


def watches_due(queue: Queue, now: float, moment: datetime, limit: int = 500) -> list[Job]:
    """Queues the looks that are due. Returns what it queued."""
    queued = []
    for thing in queue.board.due("watch", now, limit):
        watch = Watch.of(thing.id, thing.value)
        attempts = queue.attempts(watch.job) if watch.job else []
        if attempts and attempts[-1].state not in ENDED:
            queue.board.moved("watch", Thing(thing.id, now + SOON, thing.value), thing.due)
            continue
        options = Options(cases=watch.cases, media=watch.media, account=watch.account)
        if watch.kind == "channel":
            options = replace(options, limit=CHANNEL_POSTS, media=False)
        name = moment.strftime("%Y%m%dT%H%M%S-") + derived("watch", thing.id, repr(thing.due))
        job = Job(name, "watch", watch.link, packed(options), {"watch": thing.id})
        after = replace(watch, job=job.id).value()
        queue.add([job], PRIORITIES["urgent" if watch.state == "missing" else "normal"])
        if queue.board.moved("watch", Thing(thing.id, now + FALLBACK, after), thing.due):
            queued.append(job)
    return queued


async def look(worker: Worker, order: Order, target: Target, options: Options) -> Ended:
    """The job. Raises `EvidenceError` where the home or the board cannot."""
    thing = worker.board.thing("watch", str(order.job.about.get("watch")))
    if thing is None:
        return Outcome.SKIPPED, "the watch was removed", ()
    watch = Watch.of(thing.id, thing.value)
    looking = _Looking(worker, order, watch)
    ended, concluded = await (looking.channel if watch.kind == "channel" else looking.post)(target, options)
    if concluded is not None:
        looking.keep(thing, concluded)
    return ended


class _Looking:
    def __init__(self, worker: Worker, order: Order, watch: Watch) -> None:
        self.worker, self.order, self.watch = worker, order, watch
        self.home, self.board = worker.home, worker.board
        self.moment = self.home.clock()
        self.captures: list[str] = []

    # -- one post ----------------------------------------------------------------------------------------

    async def post(self, target: Target, options: Options) -> tuple[Ended, Concluded | None]:
        outcome, reason, captures = await self.worker.capture(self.order, target, options)
        self.captures += captures
        capture = captures[0] if captures else ""
        if capture and self.watch.looked == capture:  # concluded before a kill
            return (outcome, reason, tuple(self.captures)), None
        found = self._sight(capture, target) if outcome in FOUND else None
        if found is not None:
            self._remember_control()
            return (outcome, reason, captures), seen(self.watch, found, self.moment)
        if outcome not in NOT_SHOWN or not (records := self._answers(capture, target.platform)):
            return (outcome, reason, captures), cannot_tell(self.watch, reason or str(outcome))
        concluded = await self._missed(target, options, (outcome, reason, captures), records, 1)
        if concluded.watch.state == "missing" and self.home.config.second_proxy:
            self.watch = concluded.watch
            concluded = await self._second(target, replace(options, second_exit=True), concluded)
        return (outcome, reason, tuple(self.captures)), concluded

    async def _second(self, target: Target, options: Options, first: Concluded) -> Concluded:
        """The second look, by the other way out. Where it cannot tell, the first stands and waits."""
        ended = await self.worker.capture(self.order, target, options, 3)
        self.captures += ended[2]
        found = self._sight(ended[2][0], target) if ended[0] in FOUND else None
        if found is not None:
            return seen(replace(self.watch, state="present"), found, self.moment)
        records = self._answers(ended[2][0], target.platform) if ended[0] in NOT_SHOWN else []
        if not records:
            return first
        then = await self._missed(target, options, ended, records, 3)
        return then if then.watch.looks != self.watch.looks else first

    async def _missed(self, target: Target, options: Options, ended: Ended, records: list[str], part: int) -> Concluded:
        control = await self._control(target, options, part + 1)
        if control is None:
            return cannot_tell(
                self.watch, f"{ended[1]}; but no other post of {target.platform} was answered in the same run"
            )
        row = self.home.catalog.capture(ended[2][0])
        assert row is not None
        one = Look(
            ended[2][0], self.worker.ledger, row["opened"], str(ended[0]), ended[1], tuple(records), control,
            "second" if options.second_exit else None,
        )  # fmt: skip
        return not_shown(self.watch, one, self.moment)

    def _answers(self, capture: str, platform: str) -> list[str]:
        """Records in which the platform itself says so; of a page, in which its server does."""
        lines = self.home.catalog.inventory(capture)
        server = platform_named(platform).promise.server_speaks
        return [
            line["record"]
            for line in lines
            if line.get("outcome") in NOT_SHOWN and line.get("record") and ("absence" in line or server)
        ]

    async def _control(self, target: Target, options: Options, part: int) -> dict[str, Any] | None:
        """Another post of the platform, captured now: link, capture, records. None where none was answered."""
        for link in self._candidates(target):
            other = parse_target(link)
            if not isinstance(other, Target):
                continue
            bare = replace(options, media=False, media_reason="a control: only whether it is answered")
            outcome, _, captures = await self.worker.capture(self.order, other, bare, part, link)
            self.captures += captures
            if outcome in FOUND and (found := self._sight(captures[0], other)) is not None:
                return {"link": link, "capture": captures[0], "records": [found.record]}
        return None

    def _candidates(self, target: Target) -> list[str]:
        """A few posts that were there when they were looked at last, and the one of the settings."""
        known = json.loads(self.board.setting(f"control {target.platform}") or "[]")
        known += [one["link"] for one in list(self.watch.posts.values())[:TRIED]]
        links = [link for link in dict.fromkeys(known) if link != self.watch.link]
        platform = platform_named(target.platform)
        if platform.promise.server_speaks:
            host = target.url.split("/")[2]
            return [link for link in links if link.split("/")[2] == host][:TRIED] or [f"https://{host}/"]
        config = self.home.config.doctor.get(target.platform, platform.known_post or "")
        return [*links[:TRIED], *([config] if config not in (*links[:TRIED], "", self.watch.link) else [])]

    def _remember_control(self) -> None:
        name = f"control {self.watch.platform}"
        known = json.loads(self.board.setting(name) or "[]")
        if self.watch.link not in known[:2]:
            links = list(dict.fromkeys([self.watch.link, *known]))
            self.board.set(name, json.dumps(links[:CONTROLS]))

    def _sight(self, capture: str, target: Target) -> Sight | None:
        row = self.home.catalog.capture(capture)
        if row is None:
            return None
        lines = list(posts_with_digests(self.home, capture).values())
        of_target = [line for line in lines if line.get("role", "target") == "target" and is_there(line)]
        named = [line for line in of_target if line.get("id") == target.id]
        chosen = (named or of_target)[:1]
        return sight(chosen[0], capture, self.worker.ledger, row["opened"]) if chosen else None

    # -- a channel ---------------------------------------------------------------------------------------

    async def channel(self, target: Target, options: Options) -> tuple[Ended, Concluded | None]:
        """The newest posts: new ones are captured, changed ones said, and of those that are not there any more each is looked at."""
        ended = await self.worker.walk(self.order, target, options, alone=True)
        outcome, reason, captures = ended
        present = self._present(captures)
        if not present or not walked_whole(self.home, ended):
            return ended, cannot_tell(self.watch, reason or str(outcome))
        before = self.watch.posts
        fresh = [key for key in present if key not in before]
        # Fewer than were asked for: the walk has come to the channel's beginning, and nothing is older than what it saw.
        ended_there = len(present) < CHANNEL_POSTS
        span = "" if ended_there else min(one["published"] or "" for one in present.values())
        gone = [key for key, one in before.items() if key not in present and (one["published"] or "") >= span]
        different = []
        for key in present:
            if key not in before:
                continue
            was, now = Sight.of(before[key]["sight"]), Sight.of(present[key]["sight"])
            present[key]["sight"] = kept(was, now).value()
            if found := changes(was, now):
                different.append(key)
                detail = {"link": present[key]["link"], "watch": self.watch.id, **now.place(), "changes": found}
                self.event("changed", {**detail, "before": was.place()})
        self._look_at([before[key] for key in gone])
        self._capture([present[key]["link"] for key in (*fresh, *different)], options)
        said = f"{len(present)} posts: {len(fresh)} new, {len(different)} changed, {len(gone)} not there any more"
        self.board.set(
            f"control {target.platform}",
            json.dumps(self._answered([one["link"] for one in present.values()])),
        )
        changed = (
            Sight.of(next(iter(present.values()))["sight"]).at if fresh or different or gone else self.watch.changed
        )
        after = replace(
            self.watch, state="present", posts=present, said=said, looked=captures[0], changed=changed, unsure=0
        )
        return ended, Concluded(after, after.wait(self.moment))

    def _present(self, captures: Sequence[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for capture in captures:
            row = self.home.catalog.capture(capture)
            if row is None:
                continue
            for post in self.home.catalog.posts(capture):
                line = json.loads(post["line"])
                if line.get("role") == "target" and line.get("id") and line.get("url") and is_there(line):
                    one = sight(line, capture, self.worker.ledger, row["opened"]).value()
                    found.setdefault(
                        line["id"], {"sight": one, "link": line["url"], "published": line.get("published_at")}
                    )
        return found

    def _answered(self, links: list[str]) -> list[str]:
        """Those that can be a control: what the home has captured by itself, for lists name what nobody is shown, too."""
        kept = (link for link in links if any(row["outcome"] in FOUND for row in self.home.catalog.captures_of(link)))
        return list(islice(kept, CONTROLS)) or links[:CONTROLS]

    def _look_at(self, gone: list[Any]) -> None:
        """What a walk does not show any more is no proof: each is asked for by itself, as a watch of its own."""
        now = self.board.now()
        things = []
        for one in gone:
            target = parse_target(one["link"])
            if isinstance(target, Target):
                made = Watch(
                    derived("post", target.key), target.url, target.key, target.platform, "post", self.watch.cases,
                    self.watch.every, self.watch.made, self.watch.second_look, self.watch.steady, account=self.watch.account,
                    state="present", sight=Sight.of(one["sight"]),
                )  # fmt: skip
                things.append(Thing(made.id, now, made.value()))
        self.board.add("watch", things)

    def _capture(self, links: list[str], options: Options) -> None:
        """The posts themselves, with their files, each in a job of its own."""
        whole = packed(replace(options, limit=None, media=self.watch.media))
        jobs = []
        for link in links:
            name = f"{self.order.job.id[:15]}-{derived(self.order.job.id, link)}"
            jobs.append(Job(name, "capture", link, whole, {"watch": self.watch.id}))
        if self.worker.queue is not None:
            self.worker.queue.add(jobs)

    # -- what follows ------------------------------------------------------------------------------------

    def keep(self, thing: Thing, concluded: Concluded) -> None:
        """First the ledger, then the board: after a crash between the two the event is found, and not written again."""
        if concluded.event is not None:
            kind, detail = concluded.event
            self.event(kind, {**detail, "capture": concluded.watch.looked})
            if kind in ("changed", "seen-again") and not self.watch.media:
                self._capture([self.watch.link], Options(cases=self.watch.cases, account=self.watch.account))
        now = self.board.now()
        fresh = self.board.thing("watch", thing.id)
        if fresh is not None:
            self.board.moved("watch", Thing(thing.id, now + concluded.wait, concluded.watch.value()), fresh.due)

    def event(self, kind: str, detail: dict[str, Any]) -> None:
        about = ("link", "capture")
        target = parse_target(detail["link"])
        post = {"platform": target.platform, "post": target.id} if isinstance(target, Target) else {}
        if any(
            all(body["detail"].get(key) == detail.get(key) for key in about)
            for body in self.home.catalog.event_bodies((kind,))
        ):
            return
        sealed = self.worker.archive.signer.append([Event(kind, self.home.clock(), {**post, **detail})])[0]
        self.home.project()
        self.worker.heard(kind, {"event": sealed.seq, "cases": self.watch.cases, **post, **detail})


def first_look(board_now: float, watch: Watch) -> Thing:
    """A new watch, due at once; one of something that was just captured a while later."""
    if watch.sight is None:
        return Thing(watch.id, board_now, watch.value())
    age = board_now - utc_parse(watch.sight.at).timestamp()
    return Thing(watch.id, board_now + max(0.0, watch.every - age), watch.value())
