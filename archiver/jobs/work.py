"""A worker: takes jobs from the queue and carries them out, side by side, with one archive.

An attempt is asked for at least once; in one home it makes exactly one capture. The capture's id follows from the job, the
attempt and when it was begun, so that what is asked for again after a kill finds what is there: sealed, and the job is done;
open, and it is closed and sealed as interrupted before the next attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from archiver.capture import Archive
from archiver.jobs.engine import Done, Order, Queue, serve
from archiver.jobs.job import INTERRUPTED, Job, capture_id, interrupted, unpacked, verdict
from archiver.options import Options, Result
from archiver.outcomes import EXIT_BY_OUTCOME
from archiver.seal import recover
from archiver.walking import Walk
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage.errors import EvidenceError
from storage.files import Lock

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.home import Home

STOPPED = "interrupted by the person"
GRACE_SECONDS = 30.0
Ended = tuple[Outcome, str | None, tuple[str, ...]]
"""(outcome, reason, captures) of an attempt."""


def database(home: Home) -> str:
    """Where the home's queue is. Operational, like state.sqlite: losing it loses what waits, nothing that was captured."""
    path = home.path / "jobs" / "queue.sqlite"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return f"sqlite:///{path.absolute()}"


def worker_lock(home: Path) -> Lock:
    """Held by the home's worker for as long as it lives."""
    return Lock(home / "jobs" / "worker.lock")


class Worker:
    """Carries out orders on the loop that the archive runs on. `said` is told of each attempt's end."""

    def __init__(self, archive: Archive, said: Callable[[Job, Done], None], results: Callable[[Result], None]) -> None:
        self.archive, self.home = archive, archive.home
        self._said, self._results = said, results
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()

    def carry_out(self, order: Order) -> Done:
        """On a thread of the queue's. What a home cannot do now is an outcome like any other; nothing is raised."""
        done = asyncio.run_coroutine_threadsafe(self._carry_out(order), self._loop).result()
        self._said(order.job, done)
        return done

    async def _carry_out(self, order: Order) -> Done:
        if self.archive.stopping:
            return Done("again", str(Outcome.PARTIAL), STOPPED, (), 0.0, order.before)
        target = parse_target(order.job.link)
        try:
            options = unpacked(order.job.options)
        except (TypeError, ValueError) as error:
            return _dead(f"another version of the program queued it: {error}", order)
        if not isinstance(target, Target):
            return _dead(f"{target.reason}. {target.next_step}", order)
        try:
            await asyncio.to_thread(self.home.recipients, list(options.cases))
            work = self._walk if order.job.kind == "crawl" else self._capture
            outcome, reason, captures = await work(order, target, options)
        except EvidenceError as error:
            outcome, reason, captures = Outcome.FAILED, f"expected {error.expected}; found {error.found}", ()
        return ended(order, outcome, reason, captures)

    async def _capture(self, order: Order, target: Target, options: Options) -> Ended:
        wanted = capture_id(order.job.id, order.attempt, order.begun)
        if (there := await self._there(wanted)) is not None:
            return there
        result = await self.archive.capture(target, options, order.job.id, order.attempt, wanted)
        self._results(result)
        return result.outcome, result.reason, (result.capture,)

    async def _there(self, wanted: str) -> Ended | None:
        """What an earlier asking for this attempt left: sealed already, or open and sealed now as interrupted."""
        async with self._turn:
            if (self.home.path / self.home.capture_folder(wanted)).exists():
                await asyncio.to_thread(recover, self.home)
            await asyncio.to_thread(self.home.project)
            row = self.home.catalog.capture(wanted)
        return (Outcome(row["outcome"]), row["reason"], (wanted,)) if row is not None else None

    async def _walk(self, order: Order, target: Target, options: Options) -> Ended:
        run = capture_id(order.job.id, order.attempt, order.begun)
        walk = Walk(self.archive, target, options, self._results, named=run)
        await walk.run()
        found = [(one.outcome, one.reason, one.capture) for one in walk.results]
        found += [(Outcome.FAILED, f"{link}: {error.found}", "") for link, error in walk.failed]
        if not found:
            rows = self.home.catalog.run(run)
            found = [(Outcome(row["outcome"]), row["reason"], row["id"]) for row in rows]
        if not found:
            return Outcome.FAILED, "the walk ended before its first part", ()
        worst = max(found, key=lambda one: (interrupted(one[0], one[1]), EXIT_BY_OUTCOME[one[0]]))
        return worst[0], worst[1], tuple(capture for _, _, capture in found if capture)


def ended(order: Order, outcome: Outcome, reason: str | None, captures: tuple[str, ...]) -> Done:
    """What an attempt's outcome means for the job. What a person interrupts counts against nothing."""
    attempts = dict(order.before)
    name = INTERRUPTED if interrupted(outcome, reason) else str(outcome)
    if reason != STOPPED:
        attempts[name] = attempts.get(name, 0) + 1
    then = verdict(outcome, reason, attempts)
    return Done(then.state, str(outcome), reason, captures, then.again, attempts)


def _dead(reason: str, order: Order) -> Done:
    return Done("dead", str(Outcome.FAILED), reason, (), None, order.before)


async def work(
    archive: Archive,
    queue: Queue,
    at_once: int,
    drain: bool,
    said: Callable[[Job, Done], None],
    results: Callable[[Result], None],
) -> None:
    """Until it is interrupted; with `drain` until nothing is left that could be begun now."""
    home, stop = archive.home, asyncio.Event()
    archive.on_interrupt.append(stop.set)
    worker = Worker(archive, said, results)
    end = await asyncio.to_thread(serve, database(home), home.keys.ledger.name, at_once, worker.carry_out, home.clock)
    try:
        while not stop.is_set():
            if drain and not _left(await asyncio.to_thread(queue.counts)):
                return
            try:
                await asyncio.wait_for(stop.wait(), 0.3 if drain else 3600)
            except TimeoutError:
                continue
    finally:
        await asyncio.to_thread(end, GRACE_SECONDS)


def _left(counts: Mapping[str, int]) -> int:
    return counts.get("waiting", 0) + counts.get("running", 0) + counts.get("again", 0)
