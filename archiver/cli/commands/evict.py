"""`archiver evict`: free disk space of large files that a checked copy holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.arguments import count
from archiver.copies.destinations import destinations, open_place
from archiver.copies.evict import CopiesFetch, evict
from archiver.errors import ExitCode
from archiver.text.plain import many, size

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver evict almaty"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver evict` takes."""
    parser.add_argument("what", nargs="+", metavar="ID|CASE", help="Captures or cases whose large files to remove.")
    parser.add_argument("--back", action="store_true", help="Fetch the files back.")
    copies = "Number of copies required of each file (default 1)."
    parser.add_argument("--copies", type=count, default=1, metavar="N", help=copies)


def run(context: Context) -> int:
    """Free large files, or fetch them back. Exit code 4 where some had to stay."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    captures = [capture for what in arguments.what for capture in home.captures_named(what)]
    if arguments.back:
        fetched = CopiesFetch(home).bring_back(captures)
        console.say(f"fetched back and checked: {size(fetched)}")
        console.data({"fetched": fetched})
        return 0
    places = [open_place(home, one, writing=False) for one in destinations(home, [])]
    report = evict(home, context.signer(home), places, captures, max(1, arguments.copies))
    console.say(
        f"{many(report.files, 'file')} of {many(report.captures, 'capture')} freed: {size(report.bytes)}; a copy of each was read back first"
    )
    for capture, why in report.kept:
        console.warn(f"kept here: {capture}: {why}")
    console.data(
        {
            "captures": report.captures,
            "files": report.files,
            "bytes": report.bytes,
            "kept": [list(one) for one in report.kept],
        }
    )
    return ExitCode.FAILED if report.kept else ExitCode.OK
