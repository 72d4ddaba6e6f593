"""Carry out attempts at jobs, side by side, with one engine.

An attempt is asked for at least once; in one home it makes exactly one capture. The capture's id follows from the job, the
attempt and when it began, so that an attempt which is asked for again after a kill finds what is there: a sealed capture, and
the job is done; or an open one, which is closed and sealed as interrupted before the next attempt.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archiver.capture.engine import CaptureEngine
from archiver.capture.options import CaptureOptions
from archiver.capture.outcomes import EXIT_BY_OUTCOME, STOPPED_BY_PERSON
from archiver.capture.walk import Walk
from archiver.errors import NotFound, UsageError
from archiver.home.log import Telling, keep_fault, noted
from archiver.home.paths import make_folder
from archiver.home.people import home_label
from archiver.home.ports import Signer
from archiver.jobs.attempts import WorkerEvents
from archiver.jobs.claims import HomeClaims
from archiver.jobs.job import (
    CASE_ELSEWHERE,
    INTERRUPTED,
    UNOPENED,
    UNOPENED_PAUSES,
    Ended,
    Job,
    capture_id,
    decide_retry,
    interrupted,
    unpacked,
)
from archiver.jobs.queue import AttemptResult, JobAttempt, Queue
from archiver.jobs.queue_secrets import Unopened
from archiver.jobs.watch_check import check_watch
from archiver.jobs.whole_crawl import walked_whole
from archiver.seal.recovery import recover
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage.errors import EvidenceError, disk_refusals
from storage.files import Lock

_log = logging.getLogger(__name__)


def worker_place(home: Path) -> tuple[Lock, int]:
    """Take the lowest free place among the home's workers; return the lock that holds it, and its number.

    The lock is held for as long as the worker lives. Raises `UsageError` where there is none, `DiskError`.
    """
    make_folder(home / "jobs")
    for number in range(1, 1000):
        lock = Lock(home / "jobs" / f"worker-{number}.lock")
        if lock.acquire(wait=False):
            return lock, number
    raise UsageError(
        "fewer than a thousand workers in this home",
        "a thousand",
        "Stop some; one worker runs several jobs with --at-once.",
    )


class CaseElsewhere(EvidenceError):
    """A job belongs to a case that the home of this worker does not have."""


class AttemptFault(Exception):
    """A fault of the program in an attempt, named by its type and its place in the log."""


class Worker:
    """Carries out attempts on the loop that the engine runs on. Implements `jobs.attempts.Attempts`."""

    def __init__(self, engine: CaptureEngine, queue: Queue, signer: Signer, events: WorkerEvents) -> None:
        """Make a worker; called on the loop on which it will capture."""
        self.engine, self.home = engine, engine.home
        self.queue, self.shared = queue, queue.shared
        self.signer, self.events = signer, events
        self.ledger = self.home.ledger_key.name
        self._machine, self._label = socket.gethostname(), home_label(self.home.path, self.ledger)
        self.claims = HomeClaims(self.home, self.shared, signer, self._is_under_way)
        self._loop = asyncio.get_running_loop()
        self._recovering = asyncio.Lock()
        self._counting = threading.Lock()
        self._under_way: Counter[str] = Counter()

    def carry_out(self, attempt: JobAttempt) -> AttemptResult:
        """Carry out an attempt, on a thread of the queue's.

        A failure of the home is an outcome like any other. Raises, of a fault of the program, an `AttemptFault`, which the
        queue keeps.
        """
        _log.info("attempt %s begins", attempt.id)
        with self._counting:
            self._under_way[attempt.id] += 1
        try:
            with Telling(lambda error: self._broke(attempt, error)):
                result = self._once(attempt)
                _log.info("attempt %s ends: %s", attempt.id, Outcome(result.outcome))
                self.events.attempt_ended(attempt.job, result)
        finally:
            with self._counting:
                self._under_way[attempt.id] -= 1
        return result

    def _broke(self, attempt: JobAttempt, error: Exception) -> None:
        """Keep a fault of the program. What it says stays out of the queue, which others may read."""
        place = keep_fault(_log, error, "attempt %s: a fault of ours", attempt.id)
        reason = noted(f"a fault of ours: {type(error).__name__}", place)
        self.events.attempt_broke(attempt.job, reason)
        raise AttemptFault(reason) from None

    @property
    def busy(self) -> int:
        """Number of attempts that are being carried out."""
        with self._counting:
            self._under_way = +self._under_way
            return self._under_way.total()

    def _is_under_way(self, attempt: str) -> bool:
        return bool(self._under_way[attempt])

    def _once(self, attempt: JobAttempt) -> AttemptResult:
        """Carry an attempt out, unless somebody did and could not tell the queue any more."""
        if (known := self.claims.known(attempt.id)) is not None:
            return known
        try:
            with disk_refusals("beginning a job"):
                self.claims.begin(attempt.id, self._capture_id(attempt))
            result = self._masked(asyncio.run_coroutine_threadsafe(self._carry_out(attempt), self._loop).result())
        except Unopened as error:
            self.events.warned(f"job {attempt.job.id}: {error.summary}")
            result = _left_to_another(attempt, error)
        except CaseElsewhere as error:
            result = _left_to_its_home(attempt, error)
        except EvidenceError as error:
            self.events.warned(f"job {attempt.job.id}: {error.summary}")
            return self._masked(result_of(attempt, Ended(Outcome.FAILED, error.summary, ())))
        try:
            with disk_refusals("ending a job"):
                return self.claims.end(attempt.id, result)
        except EvidenceError as error:  # what was captured is sealed, and the queue is told of it all the same
            self.events.warned(f"job {attempt.job.id}: {error.summary}")
            return result

    def _masked(self, result: AttemptResult) -> AttemptResult:
        """Say where it was carried out. A reason may quote a link, and others may read the queue."""
        result = replace(result, machine=self._machine, home=self._label)
        if result.reason is None or self.queue.secrets is None:
            return result
        return replace(result, reason=self.queue.secrets.mask.text(result.reason))

    def _opened(self, job: Job) -> Job:
        """Return the job with its true link. Raises `Unopened`."""
        if job.private is None:
            return job
        if self.queue.secrets is None:
            raise Unopened(f"job {job.id}")
        return self.queue.secrets.reveal_job(job)

    def _capture_id(self, attempt: JobAttempt, beside: str = "") -> str:
        return capture_id(attempt.job.id, attempt.number, attempt.begun, self.ledger + beside)

    async def _carry_out(self, attempt: JobAttempt) -> AttemptResult:
        job = attempt.job
        if self.engine.stopping:
            return AttemptResult("again", str(Outcome.PARTIAL), STOPPED_BY_PERSON, (), 0.0, attempt.before)
        target = parse_target(self._opened(job).link)
        try:
            options = unpacked(job.options)
        except (TypeError, ValueError) as error:
            return _dead(f"another version of the program queued it: {error}", attempt)
        if not isinstance(target, Target):
            return _dead(f"{target.reason}. {target.next_step}", attempt)
        ended = await self._work(attempt, target, options)
        result = result_of(attempt, ended)
        if job.kind == "crawl" and "schedule" in job.about:
            result = replace(result, whole=walked_whole(self.home, ended))
        after = job.about.get("after")
        return replace(result, fresh=self._count_fresh(ended.captures, after)) if after else result

    async def _work(self, attempt: JobAttempt, target: Target, options: CaptureOptions) -> Ended:
        try:
            with disk_refusals("carrying out a job"):
                await asyncio.to_thread(self._require_cases, options.cases)
                if attempt.job.kind == "watch":
                    return await check_watch(self, attempt, target, options)
                if attempt.job.kind == "crawl":
                    return await self.walk(attempt, target, options)
                return await self.capture(attempt, target, options)
        except (Unopened, CaseElsewhere):
            raise
        except EvidenceError as error:
            return Ended(Outcome.FAILED, error.summary, ())

    def _require_cases(self, cases: Sequence[str]) -> None:
        """Raise `CaseElsewhere` where a case of the job is not in this home: a home that has it does the job."""
        try:
            self.home.recipients(list(cases))
        except NotFound:
            self.home.project()  # another process may have made the case since
            missing = [case for case in cases if case not in self.home.case_recipients()]
            if missing:
                raise CaseElsewhere(
                    f"a home that has the case {missing[0]!r}",
                    f"{self._label} on {self._machine}, which does not",
                    f"It waits for the worker of such a home, or for: archiver case new {missing[0]}",
                ) from None

    def _count_fresh(self, captures: tuple[str, ...], after: str) -> int:
        """Count the posts in these captures that say that they were published after that moment."""
        posts = (post for capture in captures for post in self.home.catalog.posts(capture))
        return len({post["id"] for post in posts if (post["published_at"] or "") > after})

    async def capture(
        self, attempt: JobAttempt, target: Target, options: CaptureOptions, part: int = 1, what: str = ""
    ) -> Ended:
        """Make one capture of an attempt, unless an earlier run of the same attempt has made it.

        `part` and `what` tell the captures of an attempt that makes several apart: each has an id of its own.
        """
        wanted = self._capture_id(attempt, f" {part} {what}" if part > 1 else "")
        if (there := await self._made_before(wanted)) is not None:
            return there
        number = attempt.number if part == 1 else part
        result = await self.engine.capture(target, options, attempt.job.id, number, wanted)
        self.events.captured(result)
        return Ended(result.outcome, result.reason, (result.capture,))

    async def _made_before(self, wanted: str) -> Ended | None:
        """Return what an earlier asking for this attempt left: sealed already, or open and sealed now as interrupted."""
        async with self._recovering:
            begun = (self.home.path / self.home.capture_folder(wanted)).exists()
            if begun:
                await asyncio.to_thread(recover, self.home, self.signer)
            await asyncio.to_thread(self.home.project)
            row = self.home.catalog.capture(wanted)
        if row is not None:
            return Ended(Outcome(row["outcome"]), row["reason"], (wanted,))
        if begun:  # by a worker of this home that was taken for dead and goes on: it is not disturbed, nor done twice
            return Ended(Outcome.FAILED, f"{wanted} is still open in another process of this home", (wanted,))
        return None

    async def walk(self, attempt: JobAttempt, target: Target, options: CaptureOptions, alone: bool = False) -> Ended:
        """Crawl as an attempt, in as many captures as it takes; return the worst outcome, and all captures.

        `alone` is for the check of a watch: it resumes no crawl that broke off.
        """
        run = self._capture_id(attempt)
        walk = Walk(self.engine, target, options, self.events.captured, named=run, alone=alone)
        await walk.run()
        found = [(one.outcome, one.reason, one.capture) for one in walk.results]
        found += [(Outcome.FAILED, f"{link}: {error.found}", "") for link, error in walk.failed]
        if alone or not found:  # of a check, with what it had walked before a kill
            rows = self.home.catalog.run(run)
            found = [(Outcome(row["outcome"]), row["reason"], row["id"]) for row in rows]
        if not found:
            return Ended(Outcome.FAILED, "the crawl ended before its first part", ())
        worst = max(found, key=lambda one: (interrupted(one[0], one[1]), EXIT_BY_OUTCOME[one[0]]))
        return Ended(worst[0], worst[1], tuple(capture for _, _, capture in found if capture))


def result_of(attempt: JobAttempt, ended: Ended) -> AttemptResult:
    """Decide what the end of an attempt means for the job.

    An interruption by a person does not count as a failed try.
    """
    attempts = dict(attempt.before)
    name = INTERRUPTED if interrupted(ended.outcome, ended.reason) else str(ended.outcome)
    if ended.reason != STOPPED_BY_PERSON:
        attempts[name] = attempts.get(name, 0) + 1
    then = decide_retry(ended.outcome, ended.reason, attempts)
    return AttemptResult(then.state, str(ended.outcome), ended.reason, ended.captures, then.again, attempts)


def _left_to_another(attempt: JobAttempt, error: Unopened) -> AttemptResult:
    """Leave an attempt to another machine, soon and then ever more rarely; at last the job is dead."""
    attempts = dict(attempt.before)
    tried = attempts[UNOPENED] = attempts.get(UNOPENED, 0) + 1
    pause = UNOPENED_PAUSES[tried - 1] if tried <= len(UNOPENED_PAUSES) else None
    state = "dead" if pause is None else "again"
    return AttemptResult(state, str(Outcome.FAILED), error.summary, (), pause, attempts)


def _left_to_its_home(attempt: JobAttempt, error: CaseElsewhere) -> AttemptResult:
    """Leave an attempt to a home that has its case, soon and then ever more rarely. It is never given up."""
    attempts = dict(attempt.before)
    tried = attempts[CASE_ELSEWHERE] = attempts.get(CASE_ELSEWHERE, 0) + 1
    pause = UNOPENED_PAUSES[min(tried, len(UNOPENED_PAUSES)) - 1]
    return AttemptResult("again", str(Outcome.FAILED), error.summary, (), pause, attempts)


def _dead(reason: str, attempt: JobAttempt) -> AttemptResult:
    return AttemptResult("dead", str(Outcome.FAILED), reason, (), None, attempt.before)
