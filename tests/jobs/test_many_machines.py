"""Many machines: homes of their own, one queue in PostgreSQL. Kills, cuts, takeovers, and what is kept twice."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from archiver.capture.options import CaptureOptions
from archiver.home.home import Home
from archiver.jobs.heartbeat import Heartbeat
from archiver.jobs.job import Job
from archiver.jobs.queue import JobAttempt, Queue, database, serve
from archiver.jobs.shared_state import BEAT_SECONDS, SILENT_SECONDS, SharedClaims, SharedState
from archiver.ratelimit.limiter import HostLimiter
from archiver.recorder.proxy import Recorder
from archiver.seal.recovery import recover
from archiver.signer.local import LocalSigner
from spiders.targets import Target, parse_target
from storage.errors import Unreachable
from storage.times import system_clock
from tests.conftest import World
from tests.support.engines import capture_engine
from tests.support.forked import Command, Forked
from tests.support.jobs import HURRIED, until, worker_for
from tests.support.machines import Machine
from tests.support.postgres import Server, served

REST = {"outcome": "captured", "reason": None, "again": None, "attempts": {}}
SOON_SILENT = {**HURRIED, "archiver.jobs.shared_state.SILENT_SECONDS": 5.0}
"""Five beats, as at the pace of a day's work."""
NOON = datetime(2026, 11, 28, 12, 0, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served() as made:
        yield made


@pytest.fixture
def machines(server: Server, tmp_path: Path, world: World, forked: Callable[[Command], Forked]) -> list[Machine]:
    url = server.database()
    return [Machine(tmp_path / f"home-{n}", url, world.network, forked) for n in range(2)]


def jobs(count: int) -> list[Job]:
    return [Job(f"20261128T1700{n:02d}-abcdefgh", "capture", f"https://blog.ozen.example/?n={n}") for n in range(count)]


def test_two_machines_share_the_work(machines: list[Machine]) -> None:
    queue = Queue(database(machines[0].home))
    queue.add(jobs(12))
    processes = [machine.work("--drain") for machine in machines]
    assert [process.wait(120) for process in processes] == [3, 3], machines[0].log.read_text()
    assert queue.counts() == {"done": 12}
    held = [machine.captures() for machine in machines]
    assert all(held), "both did something"
    assert sorted(held[0] + held[1]) == sorted(c for one in queue.jobs() for c in one.captures)
    queue.close()


def test_what_a_dead_machine_was_at_is_taken_over(
    machines: list[Machine], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(database(machines[0].home))
    queue.add(jobs(6))
    before = len(world.served.log)
    for machine in machines:
        machine.constants = SOON_SILENT
    first = machines[0].work()
    until(lambda: len(world.served.log) > before and queue.counts().get("running"))
    first.send_signal(signal.SIGSTOP)  # as a machine that is cut off: it may come back
    running = queue.counts().get("running", 0)
    assert running
    second = machines[1].work("--drain")
    begun = time.monotonic()
    until(lambda: queue.counts().get("done") == 6, 90)
    assert time.monotonic() - begun < 60
    assert SILENT_SECONDS + 2 * BEAT_SECONDS < 60, "within a minute at the pace of a day's work"
    assert second.wait(30) == 3
    first.send_signal(signal.SIGCONT)
    until(lambda: not Home(machines[0].path).state.claims(), 60)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) in (0, 2, 3)
    home = Home(machines[0].path)
    home.project()
    ours, theirs = machines[0].captures(), machines[1].captures()
    said = {c for one in queue.jobs() for c in one.captures}
    assert {one.state for one in queue.jobs()} == {"done"}
    twice = [c for body in home.catalog.event_bodies(("duplicate",)) for c in body["detail"]["captures"]]
    assert set(ours) - said == set(twice), "what is there twice is marked"
    assert set(theirs) <= said
    queue.close()


def test_a_second_capture_is_kept_linked_and_marked(machines: list[Machine], world: World) -> None:
    attempt = JobAttempt(jobs(1)[0], 1, NOON, {})

    async def carried_out(machine: Machine) -> Any:
        recorder = Recorder(HostLimiter(0.0, 4), network=world.network)
        engine = capture_engine(machine.home, recorder)
        worker = worker_for(engine, Queue(database(machine.home)))
        claims = worker.shared.claims
        if machine is machines[1]:  # it had asked before the other had said anything
            claims.get = lambda attempt: None if worker.busy else SharedClaims.get(claims, attempt)  # type: ignore[method-assign]
            add = claims.add
            claims.add = lambda *given: (  # type: ignore[method-assign]
                setattr(claims, "get", lambda attempt: SharedClaims.get(claims, attempt)),
                add(*given),
            )[1]
        try:
            return await asyncio.to_thread(worker.carry_out, attempt)
        finally:
            await engine.close()
            recorder.close()

    first, second = (asyncio.run(carried_out(machine)) for machine in machines)
    assert first == second, "the queue says what was first"
    (one,), (other,) = machines[0].captures(), machines[1].captures()
    assert one != other
    assert first.captures == (one,)
    home = machines[1].home
    home.project()
    (event,) = home.catalog.event_bodies(("duplicate",))
    assert event["detail"] == {
        "job": attempt.job.id, "attempt": 1, "captures": [other],
        "of": {"ledger": machines[0].home.ledger_key.name, "captures": [one]},
    }  # fmt: skip
    assert not machines[0].home.catalog.event_bodies(("duplicate",))
    third = asyncio.run(carried_out(machines[0]))
    assert third == first
    assert len(machines[0].captures()) == 1, "what somebody carried out is not carried out again"


def test_postgresql_restarting_loses_nothing(machines: list[Machine], server: Server, world: World) -> None:
    queue = Queue(database(machines[0].home))
    queue.add(jobs(10))
    queue.close()
    before = len(world.served.log)
    processes = [machine.work("--drain") for machine in machines]
    until(lambda: len(world.served.log) > before + 2)
    server.stop()
    time.sleep(1.0)  # as long as a restart takes
    server.start()
    codes = [process.wait(180) for process in processes]
    queue = Queue(database(machines[0].home))
    if queue.counts().get("later"):  # asked while the limits could not be known: failed, and tried again later
        for one in queue.jobs("later"):
            queue.retry(one)
        last = machines[0].work("--drain")
        assert last.wait(120) in (0, 3, 4)
    assert {one.state for one in queue.jobs()} == {"done"}, (codes, machines[0].log.read_text())
    queue.close()


def test_without_the_database_nothing_is_begun(machines: list[Machine], server: Server) -> None:
    server.stop()
    try:
        process = machines[0].work("--drain")
        assert process.wait(60) == 4
        said = machines[0].log.read_text()
        assert "a queue that answers" in said
        assert "[jobs] database" in said
    finally:
        server.start()


def test_a_database_that_goes_away_while_a_worker_begins_is_said_in_words(server: Server) -> None:
    """It answered a moment before; DBOS finds that it does not any more."""
    url = server.database().replace("postgresql:", "postgresql+psycopg:")
    Queue(url).close()
    server.stop()
    try:
        with pytest.raises(Unreachable, match="Connection refused"):
            serve(url, "a/1", lambda attempt: pytest.fail("nothing can be carried out"), system_clock)
        assert not [one for one in threading.enumerate() if "dbos" in one.name.lower() and not one.daemon]
        with pytest.raises(Unreachable, match="Connection refused"):
            Queue(url)
    finally:
        server.start()


def test_a_worker_ends_in_order_also_while_the_database_is_away(
    machines: list[Machine], server: Server, world: World
) -> None:
    first, second = machines
    second.constants = SOON_SILENT
    queue = Queue(database(first.home))
    queue.add(jobs(6))
    before = len(world.served.log)
    process = first.work()
    until(lambda: len(world.served.log) > before + 1)
    server.stop()
    try:
        until(lambda: "Tried again until it answers" in first.log.read_text(), 30)
        process.send_signal(signal.SIGTERM)
        # 0 where all that was begun was stopped and waits again, and nothing ended before.
        assert process.wait(60) in (0, 2, 3, 4), first.log.read_text()
    finally:
        server.start()
    Home(first.path).project()
    assert not recover(first.home, LocalSigner(first.home)), "nothing was left open"
    last = second.work("--drain")  # what the first could not say any more is asked for again
    assert last.wait(120) in (0, 3, 4), second.log.read_text()
    for one in queue.jobs("later"):
        queue.retry(one)
    queue.close()


def test_what_was_carried_out_while_the_queue_was_away_is_told_once(machines: list[Machine], world: World) -> None:
    """Also by a worker that is never idle, and by two threads at the same moment."""
    first, second = machines
    queue = Queue(database(second.home))
    queue.shared.claims.add(
        f"{jobs(1)[0].id}.1", "another/ledger", {"state": "done", "captures": ["20261128T170000-theirsss"], **REST}
    )

    async def told() -> None:
        recorder = Recorder(HostLimiter(0.0, 4), network=world.network)
        engine = capture_engine(first.home, recorder)
        worker = worker_for(engine, queue)
        ours = {"state": "done", "captures": ["20261128T170000-ourssss1"], **REST}
        first.home.state.claim_made(f"{jobs(1)[0].id}.1", ours)
        try:
            said = await asyncio.gather(
                *(asyncio.to_thread(worker.claims.settle, f"{jobs(1)[0].id}.1", ours) for _ in range(3))
            )
        finally:
            await engine.close()
            recorder.close()
        assert {one.captures for one in said} == {("20261128T170000-theirsss",)}

    asyncio.run(told())
    assert not first.home.state.claims()
    first.home.project()
    assert len(first.home.catalog.event_bodies(("duplicate",))) == 1
    queue.close()


def test_what_was_sealed_but_not_claimed_before_a_kill_is_marked_too(machines: list[Machine], world: World) -> None:
    """Another machine has carried the attempt out since; here nobody asks for it again."""
    first, _ = machines
    attempt = JobAttempt(jobs(1)[0], 1, NOON, {})

    async def run() -> None:
        recorder = Recorder(HostLimiter(0.0, 4), network=world.network)
        engine = capture_engine(first.home, recorder)
        queue = Queue(database(first.home))
        worker = worker_for(engine, queue)
        heartbeat = Heartbeat(worker, "a/1", 2, lambda: None)
        claim_made = first.home.state.claim_made
        kept: list[dict[str, Any]] = []
        first.home.state.claim_made = lambda attempt, done: (  # type: ignore[method-assign]
            kept.append(done) or (claim_made(attempt, done) if len(kept) == 1 else killed())
        )
        try:
            with pytest.raises(KeyboardInterrupt):
                await asyncio.to_thread(worker.carry_out, attempt)
            target = parse_target(attempt.job.link)
            assert isinstance(target, Target)
            await worker.capture(attempt, target, CaptureOptions(), 2, "control")  # a further part of it
            await asyncio.to_thread(heartbeat.once)
            assert not first.home.catalog.event_bodies(("duplicate",)), "nobody else has it yet"
            queue.shared.claims.add(
                attempt.id, "another/ledger", {"state": "done", "captures": ["20261128T170000-theirsss"], **REST}
            )
            await asyncio.to_thread(heartbeat.once)
        finally:
            await engine.close()
            recorder.close()
            queue.close()

    def killed() -> None:
        raise KeyboardInterrupt

    asyncio.run(run())
    assert not first.home.state.claims()
    (event,) = first.home.catalog.event_bodies(("duplicate",))
    assert len(first.captures()) == 2
    assert sorted(event["detail"]["captures"]) == sorted(first.captures())


def test_a_list_leaves_nothing_out(server: Server) -> None:
    """Also of jobs that were queued in the same millisecond, whose rows the database moves about."""
    url = server.database()
    queue = Queue(url.replace("postgresql:", "postgresql+psycopg:"))
    many = [
        Job(f"20261128T17{n // 60:02d}{n % 60:02d}-{n:08d}", "capture", f"http://p.example/{n}") for n in range(1200)
    ]
    queue.add(many)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE dbos.workflow_status SET created_at=created_at/1000*1000")
        connection.execute("UPDATE dbos.workflow_status SET priority=priority WHERE random()<0.3")
    for state in (None, "waiting"):
        assert {one.job.id for one in queue.jobs(state, 2000)} == {job.id for job in many}
    queue.close()


def test_a_worker_is_silent_before_it_is_dead(machines: list[Machine]) -> None:
    now = [1000.0]
    shared = SharedState(database(machines[0].home), lambda: now[0])
    shared.workers.beat("a", "m", "v", 1000.0, 2, 0)
    now[0] += SILENT_SECONDS - 1
    assert [one.alive for one in shared.workers.all()] == [True]
    now[0] += 2
    assert [one.alive for one in shared.workers.all()] == [False]
    assert os.environ.get("ARCHIVER_JOBS") is None
    shared.close()
