"""A worker's heartbeat: report that it lives, take over what dead workers left, and queue what is due."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

from archiver import __version__
from archiver.jobs.due_schedules import schedules_due
from archiver.jobs.due_watches import watches_due
from archiver.jobs.feed import FeedReader
from archiver.jobs.shared_state import BEAT_SECONDS
from archiver.jobs.worker import Worker
from storage.errors import EvidenceError, Unreachable
from storage.times import from_epoch

LEAVE_SECONDS = 20.0
"""How long the end of a heartbeat waits for its threads."""
HEARTBEAT_THREAD = "archiver heartbeat"
DRAIN_SECONDS = 0.3
"""Seconds between two rounds of a worker that ends when nothing is left."""


class Heartbeat:
    """Reports every few seconds, beside the work, that a worker is alive, and starts what is due.

    It has threads of its own, so that nothing which keeps the loop busy makes the worker look dead.
    """

    def __init__(
        self, worker: Worker, name: str, at_once: int, end: Callable[[], object], *, drain: bool = False
    ) -> None:
        """Make the heartbeat of a worker; `start` starts it.

        `end` stops the work: when the worker was drained, where the heartbeat itself fails and, with `drain`, when nothing
        is left that could begin now.
        """
        self._worker, self._queue, self._shared = worker, worker.queue, worker.shared
        self._name, self._at_once, self._end, self._drain = name, at_once, end, drain
        self._feeds = FeedReader(worker.home, worker.queue, self._warn)
        self._started = worker.home.clock().timestamp()
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(3, HEARTBEAT_THREAD)
        self._going: list[Future[None]] = []
        self._reading: Future[int] | None = None
        self._left: set[str] = set()
        """What the person was told that it is left to another machine."""
        self._lost: set[str] = set()
        """Names of the methods whose last call the queue did not answer."""
        self.nothing_left = False
        """Whether the queue said that nothing is left, and so knows of everything that was carried out."""
        self._telling = threading.Lock()

    def beat(self) -> None:
        """Report that the worker is alive. Raises `Unreachable`."""
        machine, version = socket.gethostname(), f"archiver {__version__}"
        self._shared.workers.beat(self._name, machine, version, self._started, self._at_once, self._worker.busy)

    def start(self) -> None:
        """Start the threads.

        The beat has one of its own: a round may take its time, and must not make us look dead.
        """
        often = DRAIN_SECONDS if self._drain else BEAT_SECONDS
        self._going = [
            self._threads.submit(self._repeat, seconds, what)
            for seconds, what in ((BEAT_SECONDS, self.beat), (often, self.once))
        ]

    def _repeat(self, seconds: float, what: Callable[[], None]) -> None:
        try:
            while not self._over.wait(seconds):
                self._try(what)
        finally:
            if not self._over.is_set():  # a fault of ours: a worker that nobody hears any more must not go on
                self._end()

    def _try(self, what: Callable[[], None]) -> None:
        """Call `what`; warn where the queue begins to be silent, and where it answers again."""
        found = None
        try:
            what()
        except EvidenceError as error:
            found = f"{error.summary}. Tried again until it answers."
        with self._telling:
            before = bool(self._lost)
            (self._lost.add if found else self._lost.discard)(what.__name__)
            if found and not before:
                self._warn(found)
            elif before and not self._lost:
                self._warn("the queue answers again")

    def _warn(self, text: str) -> None:
        self._worker.events.warned(text)

    def once(self) -> None:
        """Make one round: take over lost attempts, settle claims, queue what is due.

        Raises `EvidenceError`: the queue may be away, or nothing can be written in the home.
        """
        if taken := self._queue.taken_over(self._name):
            self._warn(f"taken over from a silent worker: {', '.join(taken)}")
        self._worker.claims.settle_all()
        self._queue_due()
        if self._shared.settings.get("drain") == "yes" and not self._worker.busy:
            self._warn("drained: stops here, as requested by: archiver jobs drain")
            self._end()
        if self._drain and self._is_drained():
            self.nothing_left = True
            self._end()
        elif self._drain and self._queue.paused and not self._worker.busy:
            self._end()

    def _is_drained(self) -> bool:
        """Return whether nothing is left that could begin now.

        Counted twice: what was under way may have left something that is due at once, so that is looked for when nothing
        is; and a feed may have been read to its end, and its links queued, after the first count.
        """
        return not _left(self._queue.counts()) and not self._queue_due() and not _left(self._queue.counts())

    def _queue_due(self) -> bool:
        """Queue what is due. Returns whether there was anything."""
        now = self._shared.now()
        queued = schedules_due(self._queue, now) + watches_due(self._queue, now, from_epoch(now))
        for one in sorted(self._shared.entries.left - self._left):
            self._left.add(one)
            self._warn(f"{one}: no key here opens the secret of its link; left to another machine")
        return self._read_feeds() or bool(queued)

    def _read_feeds(self) -> bool:
        """Read due feeds on a thread of their own, whose servers may not answer. Returns whether there may be more."""
        if self._reading is not None and not self._reading.done():
            return True
        if self._reading is not None:
            self._reading.result()
        due = self._shared.entries.next_due("feed", self._worker.ledger)
        self._reading = None
        if due is None or due > self._shared.now():
            return False
        self._reading = self._threads.submit(self._feeds.read_due)
        return True

    @property
    def lost(self) -> bool:
        """Whether the queue did not answer when it was last asked."""
        return bool(self._lost)

    def stop(self) -> None:
        """Stop the threads, and sign the worker off. A thread that hangs in a silent network is not waited for.

        Raises what made a thread fail.
        """
        self._over.set()
        self._threads.shutdown(wait=False)
        going: list[Future[Any]] = [*self._going, *([self._reading] if self._reading else [])]
        ended = wait(going, LEAVE_SECONDS).done
        if not self.lost:
            with suppress(Unreachable):
                self._shared.workers.leave(self._name)
        for one in self._going:
            if one in ended:
                one.result()


def _left(counts: Mapping[str, int]) -> int:
    return counts.get("waiting", 0) + counts.get("running", 0)
