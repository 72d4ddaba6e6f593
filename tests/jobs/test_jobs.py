"""Work that waits: the queue, the worker, and what kills and stops do to them."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.options import CaptureOptions
from archiver.demo.server import Answer
from archiver.errors import ExitCode
from archiver.home.home import Home
from archiver.home.people import home_label
from archiver.jobs.job import CASE_ELSEWHERE, PAUSES, Ended, Job, capture_id, decide_retry, packed, unpacked
from archiver.jobs.queue import AttemptResult, JobAttempt, Queue, database, serve
from archiver.jobs.shared_state import Workflows
from archiver.jobs.worker import Worker, result_of
from archiver.ratelimit.limiter import HostLimiter
from archiver.recorder.proxy import Recorder
from spiders.posts import Outcome
from storage.errors import DiskError
from storage.files import Lock
from tests.conftest import Shell, World
from tests.support.engines import capture_engine
from tests.support.forked import Command, Forked
from tests.support.jobs import FILM, POST, until, worker_for, worker_of

NOON = datetime(2026, 11, 28, 12, 0, 1, tzinfo=UTC)


def job_of(link: str, number: int = 0, **options: Any) -> Job:
    return Job(f"20261128T17000{number}-abcdefgh", "capture", link, options)


def standing(shell: Shell, *words: str) -> dict[str, dict[str, Any]]:
    """Link → the job, as `archiver jobs list` shows it."""
    code, lines = shell.json("jobs", "list", *words)
    assert code == 0
    return {str(line["link"]): line for line in lines if "job" in line}


# -- what a job is -----------------------------------------------------------------------------------------


@given(
    st.booleans(), st.lists(st.sampled_from(["inbox", "almaty"]), min_size=1, unique=True),
    st.none() | st.datetimes(timezones=st.just(UTC)), st.none() | st.integers(1, 9),
)  # fmt: skip
def test_options_come_back_out_of_the_queue(media: bool, cases: list[str], since: datetime | None, limit: int) -> None:
    options = CaptureOptions(cases=tuple(cases), media=media, since=since, limit=limit)
    assert unpacked(json.loads(json.dumps(packed(options)))) == options
    assert packed(CaptureOptions()) == {}


def test_a_captures_id_follows_from_the_attempt() -> None:
    one = capture_id("20261128T170000-abcdefgh", 1, NOON)
    assert one == capture_id("20261128T170000-abcdefgh", 1, NOON)
    assert one.startswith("20261128T120001-")
    assert (
        len({one, capture_id("20261128T170000-abcdefgh", 2, NOON), capture_id("20261128T170000-abcdefgj", 1, NOON)})
        == 3
    )


def test_what_an_outcome_means_for_the_job() -> None:
    for outcome in Outcome:
        then = decide_retry(outcome, None, {str(outcome): 1})
        assert (then.state == "again") == (outcome in (Outcome.BLOCKED, Outcome.FAILED)), outcome
    for outcome, pauses in PAUSES.items():
        said = [decide_retry(outcome, None, {str(outcome): n}) for n in range(1, len(pauses) + 2)]
        assert [one.again for one in said] == [*pauses, None]
        assert said[-1].state == "dead"
    assert decide_retry(Outcome.PARTIAL, "interrupted", {"interrupted": 1}).again == 0.0
    assert decide_retry(Outcome.PARTIAL, "interrupted", {"interrupted": 5}).state == "dead"
    assert decide_retry(Outcome.PARTIAL, "1 of 2 attachments not kept", {"partial": 1}).state == "done"


# -- through the commands ------------------------------------------------------------------------------------


def test_links_are_queued_and_done(shell: Shell) -> None:
    code, out, _ = shell("jobs", "add", POST, POST, FILM, "https://t.me/s/ozen_today", "--limit", "2")
    assert code == 0
    assert "3 jobs queued" in out, "the same link once"
    assert {line["state"] for line in standing(shell).values()} == {"waiting"}
    code, out, _ = shell("work", "--drain", "--at-once", "2")
    done = standing(shell)
    assert {line["state"] for line in done.values()} == {"done"}, done
    assert code == 0
    assert done[POST]["outcome"] == "captured"
    assert done["https://t.me/s/ozen_today"]["kind"] == "crawl"
    home = Home(shell.home)
    home.project()
    for line in done.values():
        for capture in line["captures"]:
            row = home.catalog.capture(capture)
            assert row is not None
            assert row["outcome"] in ("captured", "partial")
    assert sorted(c for line in done.values() for c in line["captures"]) == sorted(
        r["id"] for r in home.catalog.captures()
    )
    assert shell("check")[0] == 0
    code, out, _ = shell("jobs", "show", str(done[POST]["job"])[-8:])
    assert code == 0
    assert f"archiver show {done[POST]['captures'][0]}" in out
    assert shell("work", "--drain")[0] == 0, "nothing is done twice"
    assert standing(shell) == done


def test_retries_go_by_the_outcome(shell: Shell, world: World) -> None:
    world.telegram.trouble["/ozen_today/12"] = Answer(429, "text/plain", b"Too Many Requests", [("Retry-After", "1")])
    missing, down = "https://blog.ozen.example/nothing-here", "https://blog.ozen.example/down"
    world.news.trouble["/down"] = Answer(500, "text/plain", b"oops")
    assert shell("jobs", "add", POST, missing, down)[0] == 0
    before = datetime.now(UTC)
    shell("work", "--drain")
    now = standing(shell)
    assert (now[POST]["state"], now[down]["state"], now[missing]["state"]) == ("later", "later", "done")
    assert now[missing]["outcome"] == "unavailable"
    for link, outcome in ((POST, Outcome.BLOCKED), (down, Outcome.FAILED)):
        due = datetime.fromisoformat(str(now[link]["due"]))
        assert 0 <= (due - before).total_seconds() - PAUSES[outcome][0] < 60, link
        assert now[link]["attempt"] == 2
    out = shell("jobs", "show", str(now[POST]["job"]))[1]
    assert "blocked: rate limit (HTTP 429)" in out
    world.telegram.trouble.clear()
    assert shell("jobs", "retry", str(now[POST]["job"]))[0] == 0
    shell("work", "--drain")
    assert (standing(shell)[POST]["state"], standing(shell)[POST]["attempt"]) == ("done", 3)


def test_a_cancelled_job_is_not_begun(shell: Shell, world: World) -> None:
    shell("jobs", "add", POST)
    assert shell("jobs", "cancel", str(standing(shell)[POST]["job"]))[0] == 0
    assert shell("work", "--drain")[0] == 0
    assert standing(shell)[POST]["state"] == "cancelled"
    assert not world.served.log
    assert shell("jobs", "cancel", str(standing(shell)[POST]["job"]))[0] == 1
    assert shell("jobs", "retry", str(standing(shell)[POST]["job"]))[0] == 0
    assert shell("work", "--drain")[0] == 0
    assert standing(shell)[POST]["state"] == "done"


def test_what_comes_first(shell: Shell, world: World) -> None:
    for link, priority in ((POST, "low"), (FILM, "normal"), ("https://t.me/ozen_today/20", "urgent")):
        shell("jobs", "add", link, "--priority", priority)
    shell("work", "--drain", "--at-once", "1")
    home = Home(shell.home)
    home.project()
    assert [row["target"] for row in home.catalog.captures()] == ["https://t.me/ozen_today/20", FILM, POST]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jobs", "show", "nothing"], "archiver jobs list"),
        (["jobs", "add", "https://", "--case", "inbox"], "not a link: its host"),
        (["jobs", "add", POST, "--case", "nowhere"], "archiver case new nowhere"),
    ],
)
def test_words_that_mean_nothing(shell: Shell, words: list[str], said: str) -> None:
    code, _, err = shell(*words)
    assert code == 1
    assert said in err
    assert not standing(shell)


def test_two_workers_of_a_home_share_its_work(shell: Shell, world: World, forked: Callable[[Command], Forked]) -> None:
    links = [f"https://blog.ozen.example/?n={n}" for n in range(12)]
    assert shell("jobs", "add", *links)[0] == 0
    processes = [worker_of(forked, shell, world, "--drain") for _ in range(2)]
    assert {process.wait(120) for process in processes} == {3}, (shell.home.parent / "worker.log").read_text()
    done = standing(shell)
    assert {line["state"] for line in done.values()} == {"done"}
    home = Home(shell.home)
    home.project()
    assert sorted(c for line in done.values() for c in line["captures"]) == sorted(
        row["id"] for row in home.catalog.captures()
    ), "each once"
    assert shell("check")[0] == 0


def test_a_worker_whose_pulse_fails_does_not_go_on_unheard(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours beside the work: the others would take it for dead and do everything once more."""

    def faulty(queue: Queue, now: float) -> list[Job]:
        raise KeyError("a fault")

    monkeypatch.setattr("archiver.jobs.heartbeat.schedules_due", faulty)
    monkeypatch.setattr("archiver.jobs.heartbeat.BEAT_SECONDS", 0.1)
    code, _, err = shell("work")
    assert code == ExitCode.FAULT
    assert "KeyError: 'a fault'" in err


def test_a_fault_in_an_attempt_is_in_the_log(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(worker: Worker, attempt: JobAttempt) -> AttemptResult:
        raise KeyError(attempt.job.link)

    monkeypatch.setattr(Worker, "_once", faulty)
    shell("jobs", "add", POST)
    shell("work", "--drain")
    job = standing(shell)[POST]
    assert job["state"] == "dead"
    said = "".join(path.read_text() for path in (shell.home / "log").glob("*.log"))
    assert f"attempt {job['job']}.1: a fault of ours [KeyError]" in said
    assert "archiver/jobs/worker.py:" in said
    assert POST not in said


def test_pause_resume_and_drain(shell: Shell, world: World, forked: Callable[[Command], Forked]) -> None:
    links = [f"https://blog.ozen.example/?n={n}" for n in range(6)]
    assert shell("jobs", "pause")[0] == 0
    assert shell("jobs", "add", *links)[0] == 0
    code, _, err = shell("work", "--drain")  # there is nothing that it could begin
    assert code == 0
    assert "archiver jobs resume" in err
    process = worker_of(forked, shell, world)
    log = shell.home.parent / "worker.log"
    until(lambda: "working; Ctrl-C" in log.read_text())
    queue = Queue(database(Home(shell.home)))
    until(lambda: [one.alive for one in queue.shared.workers.all()] == [True])
    time.sleep(0.5)  # it would have begun by now: it polls twenty times a second
    assert queue.counts() == {"waiting": 6}
    assert shell("jobs", "resume")[0] == 0
    until(lambda: queue.counts() == {"done": 6})
    code, out, _ = shell("jobs", "drain")
    assert (code, "1 worker will stop" in out) == (0, True)
    assert process.wait(30) == 3
    assert "drained" in log.read_text()
    assert queue.paused
    shell("jobs", "resume")
    assert not queue.paused
    queue.close()


def test_a_queue_that_is_no_database(shell: Shell) -> None:
    shell("jobs", "add", POST)
    for path in (shell.home / "jobs").glob("queue.sqlite*"):
        path.write_bytes(b"this is no database, and was never one" * 100)
    code, _, err = shell("jobs", "list")
    assert code == 4
    assert "nothing captured is lost" in err


@pytest.mark.parametrize("place", ["mysql://h/x", "postgresql://h:port/x", "postgresql://[::1/x", "postgresql:"])
def test_a_place_for_the_queue_that_is_none(shell: Shell, place: str) -> None:
    shell.environment["ARCHIVER_JOBS"] = place
    code, _, err = shell("jobs", "list")
    assert code == 1
    assert "ARCHIVER_JOBS" in err


def test_what_stands_in_the_queue_is_text(shell: Shell) -> None:
    """Whoever can write to a shared database must not run code here: no pickled objects."""
    shell("jobs", "add", POST)
    shell("work", "--drain")
    kept = []
    with sqlite3.connect(shell.home / "jobs" / "queue.sqlite") as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            kept += [str(value) for row in connection.execute(f'SELECT * FROM "{table}"') for value in row if value]
    assert any(POST in value and json.loads(value) for value in kept)
    assert not [value for value in kept if value.startswith("gAS")], "what pickle writes, in base64"


def test_names_in_queues_that_exist_stay(tmp_path: Path) -> None:
    """Classes and functions may be renamed, what stands in databases may not: a worker of another version reads it."""
    url, done = f"sqlite:///{tmp_path / 'queue.sqlite'}", threading.Event()

    def carry_out(attempt: JobAttempt) -> AttemptResult:
        done.set()
        return AttemptResult("done", "captured", None)

    queue = Queue(url)
    queue.add([job_of(POST)])
    queue.begin_serving(1)
    end = serve(url, "ledger/1", carry_out, lambda: NOON)
    assert done.wait(30)
    until(lambda: queue.attempts(job_of(POST).id)[-1].state == "done")
    end(10)
    queue.close()
    with sqlite3.connect(tmp_path / "queue.sqlite") as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'archiver%'")}
        (attempt,) = connection.execute(
            "SELECT workflow_uuid, name, queue_name, application_version FROM workflow_status"
        )
        steps = [
            name for (name,) in connection.execute("SELECT function_name FROM operation_outputs ORDER BY function_id")
        ]
    assert tables >= {"archiver_workers", "archiver_settings", "archiver_claims", "archiver_things"}
    assert attempt == (f"{job_of(POST).id}.1", "attempt", "jobs", "1")
    assert steps == ["begin", "carry out"]


# -- the worker by itself --------------------------------------------------------------------------------------


@pytest.fixture
def asked(shell: Shell, world: World) -> Any:
    """Asks a worker for attempts, each from a thread as the queue does."""
    home = Home(shell.home)

    def ask(*attempts: JobAttempt) -> list[Any]:
        async def main() -> list[Any]:
            recorder = Recorder(HostLimiter(0.0, 4), network=world.network)
            engine = capture_engine(home, recorder)
            worker = worker_for(engine, Queue(database(home)))
            try:
                return [await asyncio.to_thread(worker.carry_out, attempt) for attempt in attempts]
            finally:
                await engine.close()
                recorder.close()

        return asyncio.run(main())

    ask.home = home  # type: ignore[attr-defined]
    return ask


@pytest.mark.parametrize("step", ["begin", "end"])
def test_a_home_that_cannot_remember_an_attempt_does_not_end_the_job(
    asked: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Before the capture the job is tried again; after it the queue hears what was sealed."""

    def full(claims: Any, *arguments: Any) -> None:
        raise DiskError("room on the disk", "none", "Make room.")

    monkeypatch.setattr(f"archiver.jobs.claims.HomeClaims.{step}", full)
    (result,) = asked(JobAttempt(job_of(POST), 1, NOON, {}))
    assert (result.state, len(result.captures)) == (("again", 0) if step == "begin" else ("done", 1))


def test_a_job_of_a_case_that_is_not_here_waits_for_a_home_that_has_it(asked: Any, shell: Shell) -> None:
    """However often it is met here, it is neither captured nor given up; once the case is here it is done."""
    job = replace(job_of(POST), options={"cases": ["onlyaru"]})
    first, later = asked(JobAttempt(job, 1, NOON, {}), JobAttempt(job, 40, NOON, {CASE_ELSEWHERE: 39}))
    assert [(one.state, one.captures) for one in (first, later)] == [("again", ())] * 2
    assert "a home that has the case 'onlyaru'" in first.reason
    assert 0 < first.again < later.again
    assert shell("case", "new", "onlyaru")[0] == 0
    (done,) = asked(JobAttempt(job, 2, NOON, first.attempts))
    assert (done.state, len(done.captures)) == ("done", 1)
    assert (done.machine, done.home) == (socket.gethostname(), home_label(shell.home, asked.home.ledger_key.name))


def test_what_was_sealed_and_not_remembered_is_not_captured_again(asked: Any) -> None:
    attempt = JobAttempt(job_of(POST), 1, NOON, {})
    first, again = asked(attempt, attempt)
    assert first == again
    asked.home.project()
    assert [row["id"] for row in asked.home.catalog.captures()] == [
        capture_id(attempt.job.id, 1, NOON, asked.home.ledger_key.name)
    ]


def test_a_job_of_another_version_is_not_guessed_at(asked: Any) -> None:
    (done,) = asked(JobAttempt(job_of(POST, colour="blue"), 1, NOON, {}))
    assert done.state == "dead"
    assert "another version" in done.reason


def test_a_job_that_kills_its_worker_is_given_up(asked: Any) -> None:
    attempt = JobAttempt(job_of(POST), 5, NOON, {"interrupted": 4})
    done = result_of(attempt, Ended(Outcome.PARTIAL, "interrupted", ()))
    assert done.state == "dead"
    stopped = result_of(attempt, Ended(Outcome.PARTIAL, "interrupted by the person", ()))
    assert (stopped.state, stopped.attempts) == ("again", {"interrupted": 4})


# -- kills and stops ---------------------------------------------------------------------------------------------


def released(home: Home) -> None:
    """Waits for what a killed process's child holds: one that was being started then keeps the locks until it has begun."""
    for _, folder, _ in home.state.open_captures():
        if (home.path / folder).is_dir():
            lock = Lock(home.path / folder / ".lock")
            lock.acquire()
            lock.release()
    home.state.close()


def test_killed_workers_lose_nothing_and_do_nothing_twice(
    shell: Shell, world: World, forked: Callable[[Command], Forked]
) -> None:
    links = [f"https://t.me/ozen_today/{n}" for n in (12, 16, 20, 21)] + [
        f"https://blog.ozen.example/?n={n}" for n in range(6)
    ]
    assert shell("jobs", "add", *links)[0] == 0
    moments = random.Random(8)
    for _ in range(4):
        before = len(world.served.log)
        process = worker_of(forked, shell, world)
        until(lambda before=before, process=process: len(world.served.log) > before or process.poll() is not None)
        time.sleep(moments.uniform(0.0, 0.4))  # the moment is what the test is about
        process.kill()
        process.wait()
        released(Home(shell.home))
    last = worker_of(forked, shell, world, "--drain")
    assert last.wait(120) in (0, 2, 3), (shell.home.parent / "worker.log").read_text()
    home = Home(shell.home)
    home.project()
    rows = {row["id"]: row for row in home.catalog.captures()}
    mentioned: list[str] = []
    queue = Queue(database(home))
    for one in queue.jobs():
        attempts = queue.attempts(one.job.id)
        assert attempts[-1].state == "done", attempts
        for attempt in attempts:
            assert attempt.state in ("done", "again")
            assert (attempt.state == "again") == (attempt.reason == "interrupted")
            mentioned += attempt.captures
        assert len(attempts[-1].captures) == 1
    queue.close()
    assert sorted(mentioned) == sorted(rows), "every capture is one of an attempt, every attempt has one"
    assert shell("check")[0] == 0


def test_a_stopped_worker_leaves_the_rest_waiting(
    shell: Shell, world: World, forked: Callable[[Command], Forked]
) -> None:
    """Two pages are under way and stay so until the worker has heard that it is to stop: however slow either of us is."""
    gate = threading.Event()
    world.news.trouble["/"] = Answer(body=b"<html><body><p>A page with a few words.</p></body></html>", gate=gate)
    assert shell("jobs", "add", *(f"https://blog.ozen.example/?n={n}" for n in range(6)))[0] == 0
    process, log = worker_of(forked, shell, world), shell.home.parent / "worker.log"
    try:
        until(lambda: len(world.served.log) > 1)
        process.send_signal(signal.SIGTERM)
        until(lambda: "stopping: each open page" in log.read_text())
    finally:
        gate.set()
    assert process.wait(90) in (0, 2, 3), log.read_text()
    states = [line["state"] for line in standing(shell).values()]
    assert set(states) <= {"done", "waiting"}, "and nothing is running, or given up"
    assert states.count("waiting") >= 4
    assert shell("work", "--drain")[0] in (0, 2, 3)
    assert {line["state"] for line in standing(shell).values()} == {"done"}
    assert shell("check")[0] == 0


def test_what_a_worker_was_handed_at_its_very_end_waits_again(tmp_path: Path) -> None:
    """DBOS's own thread may mark an attempt as running after it was told to stop, and then nobody begins it."""
    url, begun, over = f"sqlite:///{tmp_path / 'queue.sqlite'}", threading.Event(), threading.Event()

    def carry_out(attempt: JobAttempt) -> AttemptResult:
        begun.set()
        over.wait(60)
        return AttemptResult("done", "captured", None)

    queue = Queue(url)
    queue.add([job_of(POST)])
    queue.begin_serving(1)
    end = serve(url, "ledger/1", carry_out, lambda: NOON)
    try:
        assert begun.wait(30)
        end(0)
        assert queue.counts() == {"running": 1}
        assert queue.give_back("ledger/2") == [], "it is not that worker's"
        assert queue.give_back("ledger/1") == [f"{job_of(POST).id}.1"]
        assert queue.counts() == {"waiting": 1}
    finally:
        over.set()
        queue.close()


def test_a_job_is_found_by_a_part_of_its_id_without_reading_the_queue(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the queue is, a few rows are read; where several fit, they are named."""
    queue = Queue(database(Home(shell.home)))
    ids = [f"20261128T170000-{n:05d}{n % 7:03d}" for n in range(300)]
    queue.add(Job(one, "capture", f"https://blog.ozen.example/?n={n}") for n, one in enumerate(ids))
    read: list[int] = []
    listed, named = Queue._listed, Workflows.jobs_named

    def counted(self: Queue, **asked: Any) -> list[Any]:
        found = listed(self, **asked)
        read.append(len(found))
        return found

    def counted_too(self: Workflows, *asked: Any) -> list[str]:
        found = named(self, *asked)
        read.append(len(found))
        return found

    monkeypatch.setattr(Queue, "_listed", counted)
    monkeypatch.setattr(Workflows, "jobs_named", counted_too)
    for text in (ids[123], ids[123][-8:], ids[123][:-3]):
        code, out, _ = shell("jobs", "show", text)
        assert code == 0
        assert ids[123] in out
    assert sum(read) <= 6, read
    for text in ("20261128T170000-", "001", "0", "_", "%"):
        code, _, err = shell("jobs", "show", text)
        assert code == ExitCode.USAGE
        assert ("several: 20261128T170000-" in err) == (text not in "_%"), err
    assert sum(read) <= 30, read
    assert "a job 'nosuch'" in shell("jobs", "show", "nosuch")[2]
    queue.close()
