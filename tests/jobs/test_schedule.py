"""Schedules: rules, daylight saving, catching up, a simulated week, and the commands."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.demo.server import Answer
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.jobs.due_schedules import entry_of, schedules_due
from archiver.jobs.entries import SharedEntry
from archiver.jobs.job import Job
from archiver.jobs.queue import Queue, database
from archiver.jobs.schedule import LOOK_BACK, Rule, Schedule, span
from tests.conftest import Shell, World

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
CHANNEL = "https://t.me/s/ozen_today"


def made(rule: str, base: datetime = NOON, **more: Any) -> Schedule:
    read = Rule.read(rule)
    return Schedule("abcdefgh", "capture", "https://t.me/ozen_today/12", {}, read, base, interval=read.every, **more)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("every 10m", "every 10m"), ("every 90 s", "every 90s"), ("every 36h", "every 36h"), ("every 2 days", "every 2d"),
        ("every day at 6:05 Asia/Almaty", "cron 5 6 * * * Asia/Almaty"), ("cron 0 6 * * 1-5", "cron 0 6 * * 1-5 UTC"),
    ],
)  # fmt: skip
def test_rules_are_read(text: str, shown: str) -> None:
    assert str(Rule.read(text)) == shown
    assert Rule.read(str(Rule.read(text))) == Rule.read(text)


@pytest.mark.parametrize(
    "text",
    ["", "every", "every 0m", "every 5s", "every blue moon", "cron 61 * * * *", "cron 0 0 31 2 *", "cron 0 6 * * * Mars/Olympus",
     "every day at 25:00", "every day at 06:00 Mars/Olympus", "hourly", "cron 0 6 * *"],
)  # fmt: skip
def test_what_is_no_rule_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        Rule.read(text)


@given(st.text(max_size=30))
def test_any_text_is_a_rule_or_a_reason(text: str) -> None:
    try:
        Rule.read(text)
    except UsageError:
        return


def test_spans() -> None:
    assert [span(text) for text in ("90s", "10m", "2h", "1d", "1w", "1.5h")] == [90, 600, 7200, 86400, 604800, 5400]


def test_daylight_saving() -> None:
    """Berlin, 2027: 2 to 3 o'clock is left out on 28 March, and comes twice on 31 October."""
    berlin = ZoneInfo("Europe/Berlin")

    def runs(rule: str, first: datetime, count: int) -> list[str]:
        one = made(rule, first)
        return [base.astimezone(berlin).strftime("%d %H:%M %z") for base in one.nexts(count)[1:]]

    spring, autumn = datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 10, 30, 12, tzinfo=UTC)
    assert runs("every day at 02:30 Europe/Berlin", spring, 4) == ["28 03:00 +0200", "29 02:30 +0200", "30 02:30 +0200"]
    assert runs("every day at 02:30 Europe/Berlin", autumn, 4) == ["31 02:30 +0200", "01 02:30 +0100", "02 02:30 +0100"]
    assert runs("every day at 06:00 Europe/Berlin", spring, 3) == ["28 06:00 +0200", "29 06:00 +0200"]
    hourly = made("cron 0 * * * * Europe/Berlin", datetime(2027, 10, 30, 22, tzinfo=UTC)).nexts(6)
    assert {b - a for a, b in itertools.pairwise(hourly)} == {timedelta(hours=1)}, (
        "each hour, also the second two o'clock"
    )


def test_nothing_drifts_and_nothing_is_done_twice() -> None:
    """Workers come round late, by a little, for a week."""
    one, now = made("every 10m"), NOON
    bases = []
    while now < NOON + timedelta(days=7):
        now += timedelta(seconds=7)
        while one.due <= now:
            one, base = one.due_now(now)
            bases.append(base)
    assert bases == [NOON + timedelta(minutes=10) * n for n in range(len(bases))]
    assert len(bases) == 7 * 24 * 6 + 1


@pytest.mark.parametrize(("catch_up", "done"), [(True, [NOON + timedelta(hours=9)]), (False, [])])
def test_after_sleep(catch_up: bool, done: list[datetime]) -> None:
    one = made("every 1h", catch_up=catch_up)
    one, base = one.due_now(NOON + timedelta(hours=9, minutes=30))
    assert [base] == (done or [None])
    assert one.base == NOON + timedelta(hours=10)
    assert one.missed == (9 if catch_up else 10)


def test_jitter_is_the_same_for_the_same_run_and_not_for_all() -> None:
    waits = {(replace(made("every 1h", jitter=600.0), id=f"{n:08d}").due - NOON).total_seconds() for n in range(50)}
    assert len(waits) > 45
    assert all(0 <= wait < 600 for wait in waits)
    assert made("every 1h", jitter=600.0).due == made("every 1h", jitter=600.0).due


def test_a_busy_channel_is_looked_at_more_often() -> None:
    one = made("every 1h", busy=600.0, quiet=86400.0)
    assert one.learned(None).interval == 3600
    for _ in range(5):
        one = one.learned(3)
    assert one.interval == 600
    for _ in range(40):
        one = one.learned(0)
    assert one.interval == 86400
    assert made("every 1h").learned(3).interval == 3600


@given(st.sampled_from(["every 7m", "every day at 02:30 Europe/Berlin", "cron */13 * * * *"]), st.integers(0, 10**7))
def test_a_schedule_comes_back_from_the_shared_state(rule: str, later: int) -> None:
    one = made(rule, jitter=5.0)
    one, _ = one.due_now(one.due + timedelta(seconds=later))
    assert Schedule.of(one.id, one.value()) == one


# -- through the queue ---------------------------------------------------------------------------------------


@pytest.fixture
def queue(home: Home) -> Any:
    made = Queue(database(home))
    yield made
    made.close()


def test_a_run_is_queued_once_however_many_workers_there_are(queue: Queue) -> None:
    one = made("every 10m")
    queue.shared.entries.add("schedule", [entry_of(one)])
    first = schedules_due(queue, NOON.timestamp())
    assert [job.id for job in first] == [one.job()]
    assert schedules_due(queue, NOON.timestamp()) == []
    queue.shared.entries.put("schedule", entry_of(one))  # as after a crash between the queue and the shared state
    schedules_due(queue, NOON.timestamp())
    assert queue.counts() == {"waiting": 1}


def test_a_schedule_that_overlaps_itself_leaves_runs_out(queue: Queue) -> None:
    queue.shared.entries.add("schedule", [entry_of(made("every 10m"))])
    for minutes in (0, 10, 20):
        schedules_due(queue, (NOON + timedelta(minutes=minutes)).timestamp())
    (entry,) = queue.shared.entries.all("schedule")
    one = Schedule.of(entry.id, entry.value)
    assert (one.runs, one.skipped) == (1, 2)
    assert queue.counts() == {"waiting": 1}
    queue.cancel(queue.jobs()[0])
    schedules_due(queue, (NOON + timedelta(minutes=30)).timestamp())
    assert queue.counts() == {"waiting": 1, "cancelled": 1}


def test_a_crawl_goes_back_only_to_what_is_kept_whole(queue: Queue) -> None:
    one = replace(
        made("every 1d"), kind="crawl", whole=NOON - timedelta(days=1), options={"since": "2020-01-01T00:00:00Z"}
    )
    queue.shared.entries.add("schedule", [entry_of(one)])
    (job,) = schedules_due(queue, NOON.timestamp())
    assert job.options["since"].startswith((NOON - timedelta(days=1) - LOOK_BACK).strftime("%Y-%m-%dT%H:%M"))
    assert Job.of(job.value()) == job


def test_a_crawl_is_whole_if_every_page_was_answered(shell: Shell, world: World) -> None:
    """Of one post the file is only in the app, so each crawl is partial: the next goes on from there all the same."""
    assert shell("schedule", "add", f"crawl {CHANNEL} every 10m")[0] == 0
    assert shell("work", "--drain")[0] == 2
    queue = Queue(database(Home(shell.home)))
    one = Schedule.of((entry := queue.shared.entries.all("schedule")[0]).id, entry.value)
    (job,) = schedules_due(queue, one.due.timestamp())
    assert "since" in job.options
    world.telegram.trouble["/s/ozen_today"] = Answer(500, "text/plain", b"oops")
    queue.close()
    shell("work", "--drain")
    queue = Queue(database(Home(shell.home)))
    last = queue.attempts(job.id)
    assert last[0].whole is False, "a page was not answered"
    queue.close()


def test_the_shared_state_gives_what_is_due(queue: Queue) -> None:
    shared = queue.shared
    shared.entries.add("schedule", [SharedEntry(f"{n:03d}", float(n), {"n": n}) for n in range(300)])
    assert [one.id for one in shared.entries.due("schedule", 2.5)] == ["000", "001", "002"]
    assert shared.entries.next_due("schedule") == 0.0
    assert shared.entries.reschedule("schedule", SharedEntry("000", 900.0, {}), 0.0)
    assert not shared.entries.reschedule("schedule", SharedEntry("000", 901.0, {}), 0.0), "another was first"
    assert shared.entries.remove("schedule", "001")
    assert not shared.entries.remove("schedule", "001")
    assert shared.entries.count("schedule") == 299


# -- the commands ----------------------------------------------------------------------------------------------


def test_a_channel_is_crawled_by_schedule(shell: Shell, world: World) -> None:
    code, out, _ = shell(
        "schedule", "add", f"crawl {CHANNEL} every 10m", "--busy", "1m", "--quiet", "1h", "--limit", "3"
    )
    assert code == 0
    assert "next  20" in out
    code, [line] = shell.json("schedule", "list")
    assert code == 0
    assert (line["kind"], line["rule"], line["runs"]) == ("crawl", "every 10m", 0)
    assert "No worker is alive" in shell("schedule", "list")[1]
    assert shell("work", "--drain")[0] == 0
    code, [line] = shell.json("schedule", "list")
    assert (line["runs"], line["state"]) == (1, "done")
    queue = Queue(database(Home(shell.home)))
    entry = queue.shared.entries.all("schedule")[0]
    one = Schedule.of(entry.id, entry.value)
    second = schedules_due(queue, one.due.timestamp())
    assert len(second) == 1
    assert "since" in second[0].options, "the first was whole, and the second goes on from there"
    queue.close()
    assert shell("work", "--drain")[0] == 0
    code, out, _ = shell("schedule", "list")
    assert "runs  2" in out
    assert shell("schedule", "remove", str(line["schedule"]))[0] == 0
    assert "no schedules" in shell("schedule", "list")[1]
    assert shell("schedule", "remove", str(line["schedule"]))[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("crawl",), (f"crawl {CHANNEL}",), (f"look {CHANNEL} every 10m",), (f"crawl {CHANNEL} every now",),
        (f"crawl {CHANNEL} every 10m", "--busy", "1m"), (f"crawl {CHANNEL} every 10m", "--jitter", "soon"),
        (f"capture {CHANNEL} every 10m",), ("crawl https://t.me/ozen_today/12 every 1h",),
        (f"crawl {CHANNEL} every 10m", "--case", "nowhere"), ("crawl nonsense every 10m",),
    ],
)  # fmt: skip
def test_schedules_that_mean_nothing(shell: Shell, words: tuple[str, ...]) -> None:
    code, _, err = shell("schedule", "add", *words)
    assert code == 1
    assert "next" in err
    assert "no schedules" in shell("schedule", "list")[1]
