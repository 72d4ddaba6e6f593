"""A worker's heartbeat: it says that it lives, and starts what is due."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from archiver import __version__
from archiver.jobs.due_schedules import schedules_due
from archiver.jobs.feed import feeds_due
from archiver.jobs.queue import Queue
from archiver.jobs.shared_state import BEAT_SECONDS
from archiver.jobs.watch_check import watches_due
from archiver.jobs.worker import UNDER_WAY, Worker
from storage.errors import EvidenceError, Unreachable

LEAVE_SECONDS = 20.0


PULSE_THREAD = "archiver pulse"


DRAIN_SECONDS = 0.3


Tell = Callable[[str], None]


End = Callable[[], object]


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


def _left(counts: Mapping[str, int]) -> int:
    return counts.get("waiting", 0) + counts.get("running", 0)
