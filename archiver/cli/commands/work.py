"""`archiver work`: carry out jobs, schedules, watches and feeds."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archiver.cli.arguments import add_at_once, port_number
from archiver.cli.console import Console
from archiver.cli.copying import copied
from archiver.cli.logs import mask_secrets
from archiver.errors import ExitCode
from archiver.home.cases import DEFAULT_CASE
from archiver.text.plain import harmless

if TYPE_CHECKING:
    from archiver.capture.result import CaptureResult
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home
    from archiver.jobs.job import Job
    from archiver.jobs.notify import Notifier
    from archiver.jobs.queue import AttemptResult


class WorkerReport:
    """Prints what a worker does, and notifies whom the rules name. Implements `WorkerEvents`."""

    def __init__(self, console: Console, notifier: Notifier) -> None:
        self._console, self._notifier = console, notifier
        self.exit_code: int = ExitCode.OK
        """The worst of the attempts that ended their job."""

    def attempt_ended(self, job: Job, result: AttemptResult) -> None:
        """Print how an attempt ended; notify of a job that is given up."""
        from archiver.capture.outcomes import EXIT_BY_OUTCOME
        from spiders.posts import Outcome

        if result.state != "again":
            self.exit_code = max(self.exit_code, EXIT_BY_OUTCOME[Outcome(result.outcome)])
        if result.state == "dead":
            self._given_up(job, result.reason)
        then = {"again": f", again in {result.again or 0:.0f} s", "dead": ", not tried again: archiver jobs retry ID"}
        reason = f": {result.reason}" if result.reason else ""
        self._console.say(f"job {job.id}: {result.outcome}{harmless(reason)}{then.get(result.state, '')}")
        self._console.data({"job": job.id, "state": result.state, "outcome": result.outcome, "reason": result.reason})

    def attempt_broke(self, job: Job, reason: str) -> None:
        """Print that the program broke in an attempt, and notify: its job is given up, others go on."""
        self.exit_code = ExitCode.FAULT
        self._given_up(job, reason)
        self._console.warn(f"job {job.id}: {reason}, not tried again: archiver jobs retry ID. Other jobs go on.")
        self._console.data({"job": job.id, "state": "dead", "outcome": None, "reason": reason})

    def _given_up(self, job: Job, reason: str | None) -> None:
        about = {"job": job.id, "link": job.link, "reason": reason}
        self._notifier.notify("dead", about, tuple(job.options.get("cases", (DEFAULT_CASE,))))

    def captured(self, result: CaptureResult) -> None:
        """Print what was captured."""
        self._console.result(result)

    def warned(self, text: str) -> None:
        """Print a trouble that the worker goes on with."""
        self._console.warn(text)

    def found(self, kind: str, detail: Mapping[str, Any], cases: Sequence[str]) -> None:
        """Print and notify of what a watch found."""
        self._notifier.notify(kind, detail, cases)
        self._console.say(f"{kind.upper()}  {harmless(str(detail['link']))}  event {detail['event']}")
        self._console.data({"what": kind, **detail})


EXAMPLE = ("archiver work --at-once 4", "archiver work --drain")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver work` takes."""
    add_at_once(parser, 2, "jobs")
    drain = "Exit when no job is ready to run."
    parser.add_argument("--drain", action="store_true", help=drain)
    health = "Answer GET /health on this port of 127.0.0.1."
    parser.add_argument("--health", type=port_number, metavar="PORT", help=health)


def run(context: Context) -> int:
    """Run a worker until Ctrl-C or SIGTERM. The exit code is the worst of what it did."""
    home = context.recovered_home()
    home.proxy_for(())  # a misspelt case in the settings ends the worker now, and not each job
    from archiver.cli.runtime import stamp_if_due

    stamp_if_due(context, home)  # where the moment passed while nothing was running
    return copied(context, home, _work(context, home))


def _work(context: Context, home: Home) -> int:
    from archiver.capture.services import open_recorder
    from archiver.cli.runtime import Interruptible, capture_engine
    from archiver.jobs.notify import Notifier
    from archiver.jobs.queue import opened
    from archiver.jobs.run_worker import WorkerOptions, run_worker
    from archiver.jobs.worker import worker_place

    arguments, console = context.arguments, context.console
    mask_secrets(context)
    lock, place = worker_place(home.path)
    notifier = Notifier(home, console.warn)
    report = WorkerReport(console, notifier)
    options = WorkerOptions(place, arguments.at_once, arguments.drain, arguments.health)
    signer = context.signer(home)
    try:
        recorder = open_recorder(home, context.network)
        engine = capture_engine(context, home, recorder)
        if not arguments.drain:
            console.say("working; Ctrl-C stops it: open captures are closed and sealed, other jobs wait")
        try:
            with opened(home, decryptor=context.decryptor(home)) as queue:
                Interruptible(engine, context).run(run_worker(engine, queue, signer, options, report))
        finally:
            recorder.close()
    finally:
        notifier.close()
        lock.release()
    end_of_threads(report.exit_code)
    return report.exit_code


def end_of_threads(code: int) -> None:
    """End the process where a thread cannot: DBOS's ask for ever where the database is away, and Python would wait for them.

    Nothing is open any more when this is called.
    """
    from archiver.jobs.heartbeat import HEARTBEAT_THREAD
    from archiver.jobs.queue import ATTEMPT_THREAD

    for thread in threading.enumerate():
        if thread.name.startswith((ATTEMPT_THREAD, HEARTBEAT_THREAD)):
            thread.join(1.0)
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
