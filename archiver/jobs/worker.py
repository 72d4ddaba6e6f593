"""A worker: takes jobs from the queue and carries them out, side by side, with one archive.

An attempt is asked for at least once; in one home it makes exactly one capture. The capture's id follows from the job, the
attempt and when it was begun, so that what is asked for again after a kill finds what is there: sealed, and the job is done;
open, and it is closed and sealed as interrupted before the next attempt.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archiver.capture.engine import Archive
from archiver.capture.options import Options
from archiver.capture.outcomes import EXIT_BY_OUTCOME
from archiver.capture.result import Result
from archiver.capture.walk import Walk
from archiver.errors import UsageError
from archiver.home.paths import make_folder
from archiver.jobs.job import INTERRUPTED, Ended, Job, capture_id, interrupted, unpacked, verdict
from archiver.jobs.queue import Done, Order, Queue
from archiver.jobs.watch_check import look, walked_whole
from archiver.seal.recovery import recover
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage.errors import EvidenceError, Unreachable
from storage.events import Event
from storage.files import Lock

if TYPE_CHECKING:
    from pathlib import Path


UNDER_WAY = "under way"
"""In the home's claims: the capture that an attempt makes which has not ended yet."""
STOPPED = "interrupted by the person"


def worker_place(home: Path) -> tuple[Lock, int]:
    """A place among the home's workers, the lowest that is free, and the lock that is held for as long as the worker lives."""
    make_folder(home / "jobs")
    for number in range(1, 1000):
        lock = Lock(home / "jobs" / f"worker-{number}.lock")
        if lock.acquire(wait=False):
            return lock, number
    raise UsageError("a free place for a worker", "a thousand at work in this home", "One does many jobs: --at-once.")


class Worker:
    """Carries out orders on the loop that the archive runs on. `said` is told of each attempt's end."""

    def __init__(
        self,
        archive: Archive,
        queue: Queue,
        said: Callable[[Job, Done], None],
        results: Callable[[Result], None],
        heard: Callable[[str, dict[str, Any]], None] = lambda kind, detail: None,
    ) -> None:
        """`heard`: is told of what watches find, by the type of the event and its detail."""
        self.archive, self.home, self.queue, self.board = archive, archive.home, queue, queue.board
        self.heard = heard
        self.ledger = self.home.ledger_key.name
        self._said, self._results = said, results
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._count = threading.Lock()
        self._settling = threading.Lock()
        self._at: Counter[str] = Counter()

    def carry_out(self, order: Order) -> Done:
        """On a thread of the queue's. What a home cannot do now is an outcome like any other; nothing is raised."""
        attempt = f"{order.job.id}.{order.attempt}"
        with self._count:
            self._at[attempt] += 1
        try:
            done = self._once(order, attempt)
        finally:
            with self._count:
                self._at[attempt] -= 1
        self._said(order.job, done)
        return done

    @property
    def busy(self) -> int:
        """How many orders are being carried out."""
        with self._count:
            self._at = +self._at
            return self._at.total()

    def _once(self, order: Order, attempt: str) -> Done:
        """Not again what somebody carried out and could not say to the queue any more."""
        with suppress(Unreachable):
            if (known := self.board.claimed(attempt)) is not None:
                return Done.of(known.done)
        wanted = capture_id(order.job.id, order.attempt, order.begun, self.ledger)
        self.home.state.claim_made(attempt, {UNDER_WAY: wanted})
        done = asyncio.run_coroutine_threadsafe(self._carry_out(order), self._loop).result()
        self.home.state.claim_made(attempt, done.line())
        with suppress(Unreachable):
            return self.settle(attempt, done.line())
        return done

    def settle(self, attempt: str, done: dict[str, Any]) -> Done:
        """Says to all that it was carried out here. Where another was first, what was captured here is marked as a duplicate.

        Both were sealed, because the queue could not be reached from one of them, or it was taken for dead. Raises `Unreachable`.
        """
        first = self.board.claim(attempt, self.ledger, done)
        with self._settling:
            theirs = [one for one in first.done["captures"] if one]
            if first.ledger != self.ledger and done["captures"] and theirs:
                self._mark(attempt, done["captures"], {"ledger": first.ledger, "captures": theirs})
            self.home.state.claim_settled(attempt)
        return Done.of(first.done)

    def left(self, attempt: str, wanted: str) -> None:
        """Of an attempt under way: a kill between a seal and the claim leaves captures of which nobody was told.

        Where another machine has carried it out since, what is sealed here is marked. Else the queue asks for it again. `wanted`:
        the id of its first capture, and of its walk's run; those of any other attempt of the job were told by that. Raises
        `Unreachable`.
        """
        first = self.board.claimed(attempt)
        if first is None or self._at[attempt]:
            return
        self.home.project()
        job, _, number = attempt.rpartition(".")
        told = {one for body in self.home.catalog.event_bodies(("duplicate",)) for one in body["detail"]["captures"]}
        for n in range(1, int(number) + 1):
            told.update(claim.done["captures"] if (claim := self.board.claimed(f"{job}.{n}")) is not None else ())
        sealed = [row["id"] for run in (job, wanted) for row in self.home.catalog.run(run) if row["id"] not in told]
        if sealed or first.ledger == self.ledger:
            self.settle(attempt, {**first.done, "captures": sealed})

    def _mark(self, attempt: str, captures: list[str], of: dict[str, Any]) -> None:
        job, _, number = attempt.rpartition(".")
        detail = {"job": job, "attempt": int(number), "captures": captures, "of": of}
        self.home.project()
        if detail not in [body["detail"] for body in self.home.catalog.event_bodies(("duplicate",))]:
            self.archive.signer.append([Event("duplicate", self.home.clock(), detail)])
            self.home.project()

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
            if order.job.kind == "watch":
                outcome, reason, captures = await look(self, order, target, options)
            else:
                work = self.walk if order.job.kind == "crawl" else self.capture
                outcome, reason, captures = await work(order, target, options)
        except EvidenceError as error:
            outcome, reason, captures = Outcome.FAILED, f"expected {error.expected}; found {error.found}", ()
        done = ended(order, outcome, reason, captures)
        if order.job.kind == "crawl" and "schedule" in order.job.about:
            done = replace(done, whole=walked_whole(self.home, (outcome, reason, captures)))
        return replace(done, fresh=self._fresh(captures, after)) if (after := order.job.about.get("after")) else done

    def _fresh(self, captures: tuple[str, ...], after: str) -> int:
        """How many posts in these captures say that they were published since that moment."""
        found = set()
        for capture in captures:
            for post in self.home.catalog.posts(capture):
                if (post["published_at"] or "") > after:
                    found.add(post["id"])
        return len(found)

    async def capture(self, order: Order, target: Target, options: Options, part: int = 1, what: str = "") -> Ended:
        """One capture of an attempt. `part`, `what`: where it makes several, each of them has an id of its own."""
        beside = f" {part} {what}" if part > 1 else ""
        wanted = capture_id(order.job.id, order.attempt, order.begun, self.ledger + beside)
        if (there := await self._there(wanted)) is not None:
            return there
        result = await self.archive.capture(target, options, order.job.id, order.attempt if part == 1 else part, wanted)
        self._results(result)
        return result.outcome, result.reason, (result.capture,)

    async def _there(self, wanted: str) -> Ended | None:
        """What an earlier asking for this attempt left: sealed already, or open and sealed now as interrupted."""
        async with self._turn:
            begun = (self.home.path / self.home.capture_folder(wanted)).exists()
            if begun:
                await asyncio.to_thread(recover, self.home, self.archive.signer)
            await asyncio.to_thread(self.home.project)
            row = self.home.catalog.capture(wanted)
        if row is not None:
            return Outcome(row["outcome"]), row["reason"], (wanted,)
        if begun:  # by a worker of this home that was taken for dead and goes on: it is not disturbed, nor done twice
            return Outcome.FAILED, f"{wanted} is still open in another process of this home", (wanted,)
        return None

    async def walk(self, order: Order, target: Target, options: Options, alone: bool = False) -> Ended:
        """`alone`: of a look, which goes on with nothing that broke off."""
        run = capture_id(order.job.id, order.attempt, order.begun, self.ledger)
        walk = Walk(self.archive, target, options, self._results, named=run, alone=alone)
        await walk.run()
        found = [(one.outcome, one.reason, one.capture) for one in walk.results]
        found += [(Outcome.FAILED, f"{link}: {error.found}", "") for link, error in walk.failed]
        if alone or not found:  # of a look, with what it had walked before a kill
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
