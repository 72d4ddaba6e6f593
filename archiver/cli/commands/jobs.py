"""`archiver jobs`: queue jobs, list and show them, cancel and retry them; pause workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_capture, add_comments, add_links, add_range, add_shown
from archiver.cli.capture_options import capture_options, telegram_account
from archiver.cli.entries import JOB_MARKS
from archiver.cli.logs import mask_secrets
from archiver.errors import ExitCode, NotFound, UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.people import home_label
from archiver.jobs.job import PRIORITIES, REFUSED
from archiver.jobs.job_status import JobStatus
from archiver.jobs.new_job import new_job
from archiver.jobs.queue import ENDED, Queue, opened
from archiver.text.plain import harmless, many
from spiders.links import without_userinfo
from spiders.targets import NoTarget, Target, parse_target

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver jobs list --state dead"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver jobs` takes."""
    _add_add(parser)
    shown = parser.add_action("list", "List jobs, the newest first.", EXAMPLE)
    states = ("waiting", "later", "running", "done", "dead", "cancelled")
    shown.add_argument("--state", choices=states, help="List only jobs in this state.")
    add_shown(shown)
    for name, summary in (
        ("show", "Show every attempt of a job."),
        ("cancel", "Cancel a job; it is not started or retried."),
        ("retry", "Retry a job now."),
    ):
        action = parser.add_action(name, summary, f"archiver jobs {name} 9k2mv7qd")
        action.add_argument("id", metavar="ID", help="Id of the job, or its beginning or end.")
    for name, summary in (
        ("pause", "Start no new jobs; running ones finish."),
        ("resume", "Continue after a pause or a drain."),
        ("drain", "Pause, and stop workers when their current jobs finish."),
    ):
        parser.add_action(name, summary, f"archiver jobs {name}")


def _add_add(parser: Parser) -> None:
    example = "archiver jobs add https://t.me/durov/523 --priority urgent"
    add = parser.add_action("add", "Queue links; a channel, profile or playlist is crawled.", example)
    add_links(add)
    add_capture(add)
    add_comments(add)
    add_range(add, "posts of a crawl")
    priorities = ("urgent", "normal", "low")
    add.add_argument("--priority", choices=priorities, default="normal", help="Priority in the queue (default normal).")


def run(context: Context) -> int:
    """Run `archiver jobs`. Raises `UsageError`, `NotFound`, `Unreachable`."""
    home = context.home()
    mask_secrets(context)
    actions: dict[str, Callable[[Context, Home, Queue], int]] = {
        "add": _add, "list": _list, "show": _show, "cancel": _cancel, "retry": _retry, "pause": _pause,
        "resume": _resume, "drain": _drain,
    }  # fmt: skip
    with opened(home, looks=context.arguments.action in ("list", "show")) as queue:
        return actions[context.arguments.action](context, home, queue)


def _add(context: Context, home: Home, queue: Queue) -> int:
    """Queue each link once; a channel, profile or playlist as a crawl."""
    arguments, console = context.arguments, context.console
    wrong = 0
    targets: dict[str, Target] = {}
    for link in arguments.links:
        found = parse_target(link)
        if isinstance(found, NoTarget):
            wrong += 1
            link = without_userinfo(link)
            console.warn(f"archiver: {link!r}: {found.reason}. {found.next_step}")
            console.data({"link": link, "job": None, "reason": found.reason, "next": found.next_step})
        else:
            targets.setdefault(found.key, found)
    options = capture_options(home, arguments, telegram_account(home, arguments, targets.values()))
    about = {"by": home.person or home.config.pseudonym}
    made = [new_job(home.new_capture_id(home.clock()), target, options, about) for target in targets.values()]
    queue.add(made, PRIORITIES[arguments.priority])
    for job in made:
        console.say(f"{job.id}  {job.kind}  {harmless(job.link)}")
        console.data({"job": job.id, "kind": job.kind, "link": job.link})
    console.say(f"{many(len(made), 'job')} queued. Start a worker: archiver work")
    return ExitCode.USAGE if wrong else ExitCode.OK


def _list(context: Context, home: Home, queue: Queue) -> int:
    arguments, console = context.arguments, context.console
    found = queue.jobs(arguments.state, arguments.limit)
    for one in found:
        console.say(_line(one))
        console.data(one.line())
    for rows in queue.foreign():
        what = "cancelled by workers" if rows.in_our_queue else "left alone"
        name = "without a name" if rows.workflow is None else repr(rows.workflow)
        console.say(
            f"! {many(rows.count, 'row')} of another workflow, {harmless(name)}: refused, not carried out, {what}"
        )
        console.data(rows.line())
    counts = queue.counts()
    said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing is queued"
    console.say(said)
    console.data({"counts": counts})
    return 0


def _line(one: JobStatus) -> str:
    why = f"  {harmless(one.outcome)}" if one.outcome else ""
    why += f": {harmless(one.reason)}" if one.reason else ""
    due = f"  again at {one.due:%Y-%m-%d %H:%M}Z" if one.due else ""
    where = f"  in {harmless(one.home)} on {harmless(one.machine or '?')}" if one.home and one.captures else ""
    by = f"  by {harmless(one.by)}" if one.by else ""
    return (
        f"{JOB_MARKS[one.state]} {harmless(one.job.id)}  {one.state:<9} {harmless(one.job.link)}{why}{due}{where}{by}"
    )


def _found(queue: Queue, text: str) -> list[JobStatus]:
    """Return the attempts at the one job whose id is, begins or ends with `text`. Raises `NotFound`, `UsageError`."""
    named = queue.named(text)
    if not named:
        raise NotFound(f"a job {text!r}", "none", "List them: archiver jobs list")
    if len(named) > 1:
        raise UsageError(f"{text!r} to fit the id of one job", f"several: {', '.join(named)}", "Give more of the id.")
    return queue.attempts(named[0])


def _show(context: Context, home: Home, queue: Queue) -> int:
    console, attempts = context.console, _found(queue, context.arguments.id)
    last = attempts[-1]
    console.say(harmless(f"{last.job.id}  {last.job.kind}  {last.job.link}"))
    for name, value in sorted(last.job.options.items()):
        console.say(f"  {harmless(name):<9} {harmless(str(value))}")
    for one in attempts:
        console.say(f"  attempt {one.attempt}, queued {_when(one)}: {_line(one)[2:].split('  ', 1)[1]}")
        elsewhere = one.home is not None and one.home != home_label(home.path, home.ledger_key.name)
        for capture in one.captures:
            console.say(f"    {'lies there: ' if elsewhere else 'archiver show '}{harmless(capture)}")
        if elsewhere and one.captures:
            case = next(iter(one.job.options.get("cases", (DEFAULT_CASE,))), DEFAULT_CASE)
            console.say(f"    To bring it here: archiver team bring {harmless(str(case))}")
        console.data(one.line())
    return 0


def _when(one: JobStatus) -> str:
    return f"{one.queued:%Y-%m-%d %H:%M:%S}Z" if one.queued else "at an unknown time"


def _cancel(context: Context, home: Home, queue: Queue) -> int:
    last = _found(queue, context.arguments.id)[-1]
    if last.state in ENDED:
        raise UsageError("a job that is not finished", f"one that is {last.state}", "There is nothing to cancel.")
    queue.cancel(last)
    under_way = " Content received so far is kept and sealed." if last.state == "running" else ""
    context.console.say(f"cancelled {last.job.id}.{under_way}")
    context.console.data({"job": last.job.id, "state": "cancelled"})
    return 0


def _retry(context: Context, home: Home, queue: Queue) -> int:
    last = _found(queue, context.arguments.id)[-1]
    if last.state == "running":
        raise UsageError("a job that is not running", "a running one", "Wait until it finishes, or cancel it.")
    if last.job.kind == REFUSED:
        raise UsageError("a job that archiver wrote", last.reason or REFUSED, "Queue the link again: archiver jobs add")
    queue.retry(last)
    context.console.say(f"queued again: {last.job.id}, attempt {last.attempt + 1}")
    context.console.data({"job": last.job.id, "attempt": last.attempt + 1})
    return 0


def _pause(context: Context, home: Home, queue: Queue) -> int:
    queue.pause(True)
    context.console.say("paused: no new jobs start; running ones finish. Continue with: archiver jobs resume")
    context.console.data({"paused": True})
    return 0


def _resume(context: Context, home: Home, queue: Queue) -> int:
    queue.shared.settings.set("drain", "")
    queue.pause(False)
    context.console.say("resumed: jobs start again")
    context.console.data({"paused": False})
    return 0


def _drain(context: Context, home: Home, queue: Queue) -> int:
    """Let workers end once what is under way has ended, before a restart or an update: no job is interrupted."""
    queue.pause(True)
    queue.shared.settings.set("drain", "yes")
    count = len(queue.shared.workers.alive())
    context.console.say(
        f"paused; {many(count, 'worker')} will stop when their current jobs finish. Before you start them again: archiver jobs resume"
    )
    context.console.data({"paused": True, "drain": True, "workers": count})
    return 0
