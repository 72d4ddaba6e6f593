"""`archiver fixity`: re-read every file, here and in the copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.cli.arguments import add_destination, count
from archiver.copies import fixity
from archiver.copies.destinations import Place, destinations, open_place
from archiver.errors import ExitCode
from archiver.text.plain import many, size
from storage.errors import StoreError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver fixity --sample 100"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver fixity` takes."""
    parser.add_argument("what", nargs="?", metavar="ID|CASE", help="A capture or a case (default: everything).")
    older = "Check only captures not read back for this many days."
    parser.add_argument("--older-than", type=float, metavar="DAYS", help=older)
    parser.add_argument("--sample", type=count, metavar="N", help="Check only N captures, chosen at random.")
    add_destination(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--local", action="store_true", help="Check only this home.")
    where.add_argument("--remote", action="store_true", help="Check only the copies.")
    parser.add_argument("--repair", action="store_true", help="Replace damaged files from another copy.")


def run(context: Context) -> int:
    """Read back what is asked for. Exit code 5 where something is damaged, 6 where a place did not answer."""
    report = _mended_first(context)
    arguments, home = context.arguments, context.recovered_home()
    captures = home.captures_named(arguments.what) if arguments.what else None
    rows = fixity.chosen(home, captures, arguments.older_than, arguments.sample)
    everything = captures is None and arguments.older_than is None and arguments.sample is None
    report.captures = len(rows)
    if not arguments.remote:
        fixity.read_home(home, rows, report)
        if everything:
            fixity.read_events(home, report)
            fixity.read_ledger(home, context.signer(home), report)
    places = _read_places(context, home, rows, report, everything)
    seq = fixity.tell_result(home, context.signer(home), report, rows, everything)
    if arguments.repair:
        fixity.repair(home, context.signer(home), places, report)
    _say(context, home, report, seq)
    if report.left:
        return ExitCode.CHECK_FAILED
    return ExitCode.CANNOT_TELL if report.unread else ExitCode.OK


def _read_places(
    context: Context, home: Home, rows: list[dict[str, Any]], report: fixity.FixityReport, everything: bool
) -> list[Place]:
    """Read the copies back, unless only what is here is asked for. Return the places that answered: repairs come from there."""
    arguments = context.arguments
    places: list[Place] = []
    wanted = home.config.copies.destinations and not (arguments.local and not arguments.repair)
    for one in destinations(home, arguments.to) if wanted else ():
        try:
            places.append(open_place(home, one, writing=arguments.repair))
            if not arguments.local:
                fixity.read_place(home, places[-1], rows, report, everything)
        except StoreError as error:
            report.unread.append((one.name, error.found))
    return places


def _say(context: Context, home: Home, report: fixity.FixityReport, seq: int) -> None:
    console = context.console
    console.say(
        f"{many(report.captures, 'capture')}: {many(report.files, 'file')} here and {many(report.objects, 'object')} at copies read back"
    )
    console.say(
        f"{size(report.bytes)} in all; the result is event {seq}, signed by {context.signer(home).author.pseudonym}"
    )
    if report.evicted:
        console.say(f"{report.evicted} files were evicted and exist only in the copies")
    for bad in report.damaged:
        mended = f"  REPAIRED from {bad.repaired}" if bad.repaired else ""
        console.say(f"DAMAGED  {bad.where}  {bad.capture or 'ledger'}  {bad.name}: {bad.found}{mended}")
        console.data({"damaged": bad.line(), "repaired_from": bad.repaired})
    for name, why in report.unread:
        console.warn(f"{name} did not answer: {why}")
    if report.left and not context.arguments.repair:
        console.say(
            "`archiver fixity --repair` replaces damaged files from another copy, and sets the damaged ones aside"
        )
    verdict = "damaged" if report.left else "cannot tell: a place did not answer" if report.unread else "intact"
    console.say(f"\n{verdict}")
    console.data(
        {
            "captures": report.captures, "files": report.files, "objects": report.objects, "bytes": report.bytes,
            "damaged": len(report.damaged), "left": len(report.left), "unread": [name for name, _ in report.unread],
            "event": seq, "verdict": verdict,
        }
    )  # fmt: skip


def _mended_first(context: Context) -> fixity.FixityReport:
    """Make a damaged ledger whole for `--repair`, before the home is opened, which needs it. Return the report so far."""
    report, arguments = fixity.FixityReport(), context.arguments
    if arguments.repair and not arguments.remote:
        home = context.home()
        fixity.ledger_mended(home, context.signer(home), report)
    return report
