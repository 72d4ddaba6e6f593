"""A worker: takes jobs from the queue and carries them out, side by side, with one archive.

An attempt is asked for at least once; in one home it makes exactly one capture. The capture's id follows from the job, the
attempt and when it was begun, so that what is asked for again after a kill finds what is there: sealed, and the job is done;
open, and it is closed and sealed as interrupted before the next attempt.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archiver import __version__
from archiver.capture import Archive
from archiver.errors import UsageError
from archiver.jobs.board import BEAT_SECONDS
from archiver.jobs.due import schedules_due
from archiver.jobs.engine import Done, Order, Queue, serve
from archiver.jobs.feeds import feeds_due
from archiver.jobs.job import INTERRUPTED, Job, capture_id, interrupted, unpacked, verdict
from archiver.jobs.look import look, walked_whole, watches_due
from archiver.options import Options, Result
from archiver.outcomes import EXIT_BY_OUTCOME
from archiver.seal import recover
from archiver.turns import patient
from archiver.walking import Walk
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage.errors import EvidenceError, Unreachable
from storage.events import Event
from storage.files import Lock

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.home import Home

UNDER_WAY = "under way"
"""In the home's claims: the capture that an attempt makes which has not ended yet."""
STOPPED = "interrupted by the person"
GRACE_SECONDS = 30.0
"""So long at the end for what was carried out to be said to the queue."""
LEAVE_SECONDS = 20.0
PULSE_THREAD = "archiver pulse"
DRAIN_SECONDS = 0.3
Tell = Callable[[str], None]
End = Callable[[], object]
Ended = tuple[Outcome, str | None, tuple[str, ...]]
"""(outcome, reason, captures) of an attempt."""


def database(home: Home) -> str:
    """Where the queue is: in the home, or where many machines share one. Operational: losing it loses no capture."""
    if home.config.jobs:
        return "postgresql+psycopg" + patient(home.config.jobs[home.config.jobs.index(":") :])
    path = home.path / "jobs" / "queue.sqlite"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return f"sqlite:///{path.absolute()}"


def worker_place(home: Path) -> tuple[Lock, int]:
    """A place among the home's workers, the lowest that is free, and the lock that is held for as long as the worker lives."""
    (home / "jobs").mkdir(mode=0o700, exist_ok=True)
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
        self.ledger = self.home.keys.ledger.name
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
            self.home.ledger.append([Event("duplicate", self.home.clock(), detail)], self.home.author)
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
                await asyncio.to_thread(recover, self.home)
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


class Pulse:
    """Beside the work, every few seconds: says that we are alive, takes over what the dead left, begins what is due.

    A thread of its own, so that nothing which keeps the loop busy makes us look dead.
    """

    def __init__(
        self, worker: Worker, queue: Queue, name: str, at_once: int, drain: bool, tell: Tell, end: End
    ) -> None:
        """`drain`: end when nothing is left that could be begun now. `tell`: one line to the person. `end`: stops the work."""
        self._worker, self._queue, self._board = worker, queue, queue.board
        self._called, self._at_once, self._drain = name, at_once, drain
        self._tell, self._end = tell, end
        self._since = worker.home.clock().timestamp()
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(3, PULSE_THREAD)
        self._going: list[Future[None]] = []
        self._reading: Future[int] | None = None
        self._lost: set[str] = set()
        """Who of us the queue does not answer."""
        self.nothing_left = False
        """Whether the queue said so: everything that was carried out stands there."""
        self._telling = threading.Lock()

    def beat(self) -> None:
        """Raises `Unreachable`."""
        machine, version = socket.gethostname(), f"archiver {__version__}"
        self._board.beat(self._called, machine, version, self._since, self._at_once, self._worker.busy)

    def start(self) -> None:
        """The beat goes by itself: what is looked for beside it may take its time, and must not make us look dead."""
        often = DRAIN_SECONDS if self._drain else BEAT_SECONDS
        self._going = [
            self._threads.submit(self._every, seconds, what)
            for seconds, what in ((BEAT_SECONDS, self.beat), (often, self.once))
        ]

    def _every(self, seconds: float, what: Callable[[], None]) -> None:
        try:
            while not self._over.wait(seconds):
                self._tried(what)
        finally:
            if not self._over.is_set():  # a fault of ours: a worker that nobody hears any more must not go on
                self._end()

    def _tried(self, what: Callable[[], None]) -> None:
        found = None
        try:
            what()
        except EvidenceError as error:
            found = f"expected {error.expected}; found {error.found}. Tried again until it answers."
        with self._telling:
            before = bool(self._lost)
            (self._lost.add if found else self._lost.discard)(what.__name__)
            if found and not before:
                self._tell(found)
            elif before and not self._lost:
                self._tell("the queue answers again")

    def once(self) -> None:
        """Raises `EvidenceError`: not only the queue, the home too may be such that nothing can be written."""
        if taken := self._queue.taken_over(self._called):
            self._tell(f"taken over from a worker that is silent: {', '.join(taken)}")
        for attempt, done in self._worker.home.state.claims().items():
            if UNDER_WAY in done:
                self._worker.left(attempt, done[UNDER_WAY])
            else:
                self._worker.settle(attempt, done)
        self._due()
        if self._board.setting("drain") == "yes" and not self._worker.busy:
            self._tell("drained: ends here, as asked by: archiver jobs drain")
            self._end()
        # What was under way may have left something that is due at once: looked for again when nothing is.
        if self._drain and not _left(self._queue.counts()) and not self._due():
            self.nothing_left = True
            self._end()
        elif self._drain and self._queue.paused and not self._worker.busy:
            self._end()

    def _due(self) -> bool:
        """Queues what is due. Whether there was anything."""
        now = self._board.now()
        queued = schedules_due(self._queue, now) + watches_due(self._queue, now, datetime.fromtimestamp(now, UTC))
        return self._feeds() or bool(queued)

    def _feeds(self) -> bool:
        """Looks at feeds beside the pulse: a server that does not answer must not make us look dead. Whether there is more."""
        if self._reading is not None and not self._reading.done():
            return True
        if self._reading is not None:
            self._reading.result()
        due = self._board.next_due("feed", self._worker.ledger)
        self._reading = None
        if due is None or due > self._board.now():
            return False
        self._reading = self._threads.submit(feeds_due, self._worker.home, self._queue, self._tell)
        return True

    @property
    def lost(self) -> bool:
        """Whether the queue did not answer when it was last asked."""
        return bool(self._lost)

    def over(self) -> None:
        """Raises what it failed of, if it did. What hangs in a network that says nothing is not waited for."""
        self._over.set()
        self._threads.shutdown(wait=False)
        going: list[Future[Any]] = [*self._going, *([self._reading] if self._reading else [])]
        ended = wait(going, LEAVE_SECONDS).done
        if not self.lost:
            with suppress(Unreachable):
                self._board.leave(self._called)
        for one in self._going:
            if one in ended:
                one.result()


async def work(
    archive: Archive,
    queue: Queue,
    place: int,
    at_once: int,
    drain: bool,
    said: Callable[[Job, Done], None],
    results: Callable[[Result], None],
    tell: Tell,
    heard: Callable[[str, dict[str, Any]], None],
    health: int | None = None,
) -> None:
    """`health`: a port of 127.0.0.1 where GET /health is answered.

    Until it is interrupted; with `drain` until nothing is left that could be begun now. Raises `Unreachable` at its beginning."""
    home, stop, loop = archive.home, asyncio.Event(), asyncio.get_running_loop()
    archive.on_interrupt.append(stop.set)
    worker = Worker(archive, queue, said, results, heard)
    name = f"{worker.ledger}/{place}"
    pulse = Pulse(worker, queue, name, at_once, drain, tell, lambda: loop.call_soon_threadsafe(stop.set))
    queue.board.set("at once", str(at_once))
    pulse.beat()
    if queue.paused:
        tell("paused: nothing is begun until somebody says so: archiver jobs resume")
    end = await asyncio.to_thread(
        serve, database(home), name, 0 if queue.paused else at_once, worker.carry_out, home.clock
    )
    pulse.start()
    shown = None
    try:
        if health is not None:
            from archiver.jobs.api import LOOPBACK, Api, listen  # late: an HTTP server takes its time to load

            api = Api(home, queue, secrets.token_hex(32), LOOPBACK)  # a token that nobody has: it answers /health only
            shown, _ = await listen(api.application(), "127.0.0.1", health)
        await stop.wait()
    except OSError as error:
        raise UsageError(f"a free port {health}", error.strerror or str(error), "Choose another: --health") from error
    finally:
        if shown is not None:
            await shown.cleanup()
        deadline = loop.time() + GRACE_SECONDS
        while worker.busy and loop.time() < deadline:
            await asyncio.sleep(0.05)
        # Where the queue is away, what was carried out is kept in the home, and said to it by the next worker.
        await asyncio.to_thread(end, 0.0 if pulse.lost or pulse.nothing_left else GRACE_SECONDS)
        await asyncio.to_thread(pulse.over)


def _left(counts: Mapping[str, int]) -> int:
    return counts.get("waiting", 0) + counts.get("running", 0)
