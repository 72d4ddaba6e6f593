"""Declare what a worker offers to the checks that it carries out, and whom it tells what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from archiver.capture.options import CaptureOptions
from archiver.capture.result import CaptureResult
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.jobs.job import Ended, Job
from archiver.jobs.queue import AttemptResult, JobAttempt, Queue
from archiver.jobs.shared_state import SharedState
from spiders.targets import Target


class WorkerEvents(Protocol):
    """Listener to what happens in a worker. The calls come from several threads."""

    def attempt_ended(self, job: Job, result: AttemptResult) -> None:
        """React to the end of an attempt."""
        ...

    def attempt_broke(self, job: Job, reason: str) -> None:
        """React to a fault of the program that ended an attempt, and with it the job. `reason` names its place in the log."""
        ...

    def captured(self, result: CaptureResult) -> None:
        """React to a capture that was sealed."""
        ...

    def warned(self, text: str) -> None:
        """React to trouble that the worker goes on despite; one line."""
        ...

    def found(self, kind: str, detail: Mapping[str, Any], cases: Sequence[str]) -> None:
        """React to what a watch found.

        Given are the type of the event, its detail with its number, and the cases of the watch.
        """
        ...


class Attempts(Protocol):
    """Services that the check of a watch needs of the worker that carries it out."""

    home: Home
    queue: Queue
    shared: SharedState
    signer: Signer
    events: WorkerEvents
    ledger: str
    """The name of the home's ledger."""

    async def capture(
        self, attempt: JobAttempt, target: Target, options: CaptureOptions, part: int = 1, what: str = ""
    ) -> Ended:
        """Make one capture of an attempt; see `Worker.capture`."""
        ...

    async def walk(self, attempt: JobAttempt, target: Target, options: CaptureOptions, alone: bool = False) -> Ended:
        """Crawl as an attempt; see `Worker.walk`."""
        ...
