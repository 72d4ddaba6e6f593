"""`archiver reassess`: judge sealed captures by today's promise and parsers, and list what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.reassess import Reassessed, chosen, reassess, sign_judgements, to_capture_again
from archiver.casework.rejudge import Comparison
from archiver.errors import ExitCode
from archiver.text.plain import harmless, many

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

DESCRIPTION = """\
Judge sealed captures by today's promise and parsers, and list what differs. Pages and posts are read again. Media files
are not opened again: photos and films stand as they were found at the time."""
EXAMPLE = ("archiver reassess almaty", "archiver reassess --sign --queue")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver reassess` takes."""
    what = "Captures or cases to judge again (default: the whole home)."
    parser.add_argument("what", nargs="*", metavar="CASE|ID", help=what)
    parser.add_argument("--sign", action="store_true", help="Sign each judgement that differs, as an event.")
    queue = "Queue the links again of which less is held than was said."
    parser.add_argument("--queue", action="store_true", help=queue)


def run(context: Context) -> int:
    """Judge again, and print what differs. Exit code 2 where something fell, 6 where it cannot be told.

    Raises `NotFound`, `LedgerError`, `Unreachable`.
    """
    arguments, console = context.arguments, context.console
    home = context.recovered_home() if arguments.sign else context.home()
    found = []
    rows = chosen(home, arguments.what)
    for one in reassess(home, rows, lambda done, total: console.progress_line(f"{done} of {total} captures judged")):
        found.append(one)
        if one.rejudged.comparison in (Comparison.DIFFERS, Comparison.CANNOT_TELL):
            _say(console, one)
        console.data(one.line())
    counts = {str(kind): sum(one.rejudged.comparison is kind for one in found) for kind in Comparison}
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    console.say(f"{many(len(found), 'capture')} judged again: {said}" if found else "no captures")
    if found:
        console.say("Pages and posts were read again; media files were not opened again.")
    console.data({"captures": len(found), **{kind.replace(" ", "_"): count for kind, count in counts.items()}})
    if arguments.sign:
        _sign(context, home, found)
    elif counts[Comparison.DIFFERS]:
        console.say("Nothing was signed; --sign adds an event for each that differs.")
    if arguments.queue:
        _queue(console, home, to_capture_again(home, found))
    unknown = counts[Comparison.CANNOT_TELL]
    return ExitCode.CANNOT_TELL if unknown else ExitCode.PARTIAL if counts[Comparison.DIFFERS] else ExitCode.OK


def _say(console: Console, one: Reassessed) -> None:
    console.say(f"{one.row['id']}  {harmless(one.words)}")
    parsers = [one.rejudged.was.parser, one.rejudged.now.parser if one.rejudged.now else None]
    read = f"  read by {parsers[0]}, now by {parsers[1]}" if all(parsers) else ""
    console.say(f"    {harmless(one.row['target'] or '')}{read}")


def _sign(context: Context, home: Home, found: list[Reassessed]) -> None:
    sealed = sign_judgements(home, context.signer(home), found)
    for one in sealed:
        context.console.data({"event": one.seq, "capture": one.body["detail"]["capture"]})
    context.console.say(f"{many(len(sealed), 'judgement')} signed" if sealed else "nothing new to sign")


def _queue(console: Console, home: Home, fallen: list[Reassessed]) -> None:
    """Queue each link once, in the cases of its capture; not one that waits or runs already."""
    from archiver.capture.options import CaptureOptions
    from archiver.jobs.new_job import new_job
    from archiver.jobs.queue import opened
    from spiders.targets import Target, parse_target

    with opened(home) as queue:
        under_way = {job.job.link for state in ("waiting", "later", "running") for job in queue.jobs(state, 10_000)}
        jobs = []
        for one in fallen:
            target = parse_target(one.row["target"])
            if isinstance(target, Target) and target.link not in under_way:
                options = CaptureOptions(cases=tuple(home.catalog.cases_of(one.row["id"])))
                jobs.append(new_job(home.new_capture_id(home.clock()), target, options))
        queue.add(jobs)
    for job in jobs:
        console.say(f"queued {job.id}  {harmless(job.link)}")
        console.data({"job": job.id, "kind": job.kind, "link": job.link})
    if not jobs:
        console.say("no link to queue")
