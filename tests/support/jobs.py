"""Workers and queues for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archiver.capture.engine import CaptureEngine
from archiver.capture.result import CaptureResult
from archiver.jobs.job import Job
from archiver.jobs.queue import AttemptResult, Queue
from archiver.jobs.worker import Worker
from tests.conftest import Shell, World
from tests.support.forked import Command, Forked

POST, FILM = "https://t.me/ozen_today/12", "https://t.me/ozen_today/16"

HURRIED = {
    "archiver.jobs.heartbeat.BEAT_SECONDS": 1.0, "archiver.jobs.heartbeat.DRAIN_SECONDS": 0.1, "archiver.jobs.queue.POLL_SECONDS": 0.05,
}  # fmt: skip
"""How often workers look, for tests of what they do then: at the pace of a day's work nearly all of their time is waiting."""


def worker_of(forked: Callable[[Command], Forked], shell: Shell, world: World, *words: str) -> Forked:
    work = ("work", "--at-once", "2", "--home", str(shell.home), *words)
    return forked(Command(work, world.network, shell.home.parent / "worker.log", constants=HURRIED))


class NobodyListens:
    """Hears what a worker tells, and does nothing."""

    def attempt_ended(self, job: Job, result: AttemptResult) -> None:
        return

    def attempt_broke(self, job: Job, reason: str) -> None:
        return

    def captured(self, result: CaptureResult) -> None:
        return

    def warned(self, text: str) -> None:
        return

    def found(self, kind: str, detail: Mapping[str, Any], cases: Sequence[str]) -> None:
        return


def worker_for(engine: CaptureEngine, queue: Queue) -> Worker:
    """A worker on the running loop, whom nobody listens to."""
    return Worker(engine, queue, engine.signer, NobodyListens())


def until(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
