"""`archiver work`: carry out jobs, schedules, watches and feeds."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from archiver.capture.engine import Archive
from archiver.capture.outcomes import EXIT_BY_OUTCOME
from archiver.capture.result import Result
from archiver.capture.services import open_recorder
from archiver.cli.arguments import add_at_once
from archiver.cli.copying import copied
from archiver.cli.runtime import run_interruptible
from archiver.home.cases import DEFAULT_CASE
from archiver.jobs.heartbeat import PULSE_THREAD
from archiver.jobs.job import Job
from archiver.jobs.notify import Notices
from archiver.jobs.queue import ATTEMPT_THREAD, Done, Queue, database
from archiver.jobs.run_worker import work
from archiver.jobs.worker import worker_place
from archiver.text.plain import harmless
from spiders.posts import Outcome

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home


EXAMPLE = ("archiver work --at-once 4", "archiver work --drain")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver work` takes."""
    add_at_once(parser, 2, "jobs")
    drain = "End when nothing is left that could begin now."
    parser.add_argument("--drain", action="store_true", help=drain)
    health = "Answer GET /health on this port of 127.0.0.1."
    parser.add_argument("--health", type=int, metavar="PORT", help=health)


def run(context: Context) -> int:
    """Work until Ctrl-C or SIGTERM. The exit code is the worst of what was done."""
    home = context.recovered_home()
    return copied(context, home, _work(context, home))


def _work(context: Context, home: Home) -> int:
    arguments, console = context.arguments, context.console
    lock, place = worker_place(home.path)
    queue = Queue(database(home))
    codes: list[int] = []
    notices = Notices(home, console.warn)

    def said(job: Job, done: Done) -> None:
        if done.state != "again":
            codes.append(EXIT_BY_OUTCOME[Outcome(done.outcome)])
        if done.state == "dead":
            about = {"job": job.id, "link": job.link, "reason": done.reason}
            notices.heard("dead", about, tuple(job.options.get("cases", (DEFAULT_CASE,))))
        again = {"again": f", again in {done.again or 0:.0f} s", "dead": ", not tried again: archiver jobs retry ID"}
        reason = f": {done.reason}" if done.reason else ""
        console.say(f"job {job.id}: {done.outcome}{harmless(reason)}{again.get(done.state, '')}")
        console.data({"job": job.id, "state": done.state, "outcome": done.outcome, "reason": done.reason})

    def result(found: Result) -> None:
        console.result(found)

    def heard(kind: str, detail: dict[str, Any]) -> None:
        notices.heard(kind, detail, tuple(detail.pop("cases", ())))
        console.say(f"{kind.upper()}  {harmless(str(detail['link']))}  event {detail['event']}")
        console.data({"what": kind, **detail})

    try:
        recorder = open_recorder(context, home)
        archive = Archive(home, recorder, console.progress, signer=context.signer(home))
        if not arguments.drain:
            console.say("at work; Ctrl-C ends it: what is under way is closed and sealed, the rest waits")
        try:
            doing = work(
                archive,
                queue,
                place,
                arguments.at_once,
                arguments.drain,
                said,
                result,
                console.warn,
                heard,
                arguments.health,
            )
            run_interruptible(doing, archive, context)
        finally:
            recorder.close()
    finally:
        notices.close()
        queue.close()
        lock.release()
    code = max(codes, default=0)
    end_of_threads(code)
    return code


def end_of_threads(code: int) -> None:
    """Ends the process where a thread cannot: DBOS's ask for ever where the database is away, and Python would wait for them.

    Nothing is open any more when this is called.
    """
    for thread in threading.enumerate():
        if thread.name.startswith((ATTEMPT_THREAD, PULSE_THREAD)):
            thread.join(1.0)
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
