"""`archiver sync`: one round of copying at each destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.arguments import add_destination
from archiver.copies.destinations import Place, destinations, open_place
from archiver.copies.sync import SyncReport, sync, total_backlog
from archiver.errors import ExitCode, exit_code
from archiver.text.plain import many, size
from storage.errors import EvidenceError, LedgerError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver sync"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver sync` takes."""
    add_destination(parser)
    parser.add_argument(
        "--status", action="store_true", help="Show how many captures each destination holds; copy nothing."
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="NAME",
        help="Fetch teammates' captures from this destination, read-only (cases you hold keys for).",
    )


def run(context: Context) -> int:
    """Make one round at each destination, or those that `--to` names. Exit code 4 where something could not be copied."""
    arguments, home = context.arguments, context.recovered_home()
    if arguments.source:
        from archiver.cli.teamwork import bring_from

        return bring_from(context, home, destinations(home, [arguments.source]))
    chosen = destinations(home, arguments.to)
    if not arguments.status:
        from archiver.cli.runtime import stamp_if_due

        stamp_if_due(context, home)
    if arguments.status:
        return _status(context, home)
    codes = [0]
    for one in chosen:
        try:
            place = open_place(home, one)
            report = sync(
                home, context.signer(home), place, lambda report: context.console.progress_line(_progress(report))
            )
        except EvidenceError as error:
            if isinstance(error, LedgerError):
                raise
            context.console.warn(f"{one.name}: {error.summary}. {error.next_step}")
            context.console.data({"destination": one.name, "error": type(error).__name__, "found": error.found})
            codes.append(exit_code(error))
            continue
        _show(context, place, report)
        codes.append(ExitCode.OK if report.good else ExitCode.FAILED)
    return max(codes)


def _progress(report: SyncReport) -> str:
    return f"{report.destination}: {report.copied} copied, {report.waiting} to go, {size(report.bytes)}"


def _show(context: Context, place: Place, report: SyncReport) -> None:
    console, name = context.console, report.destination
    did = [
        f"{many(report.copied, 'capture')} copied ({size(report.bytes)})" if report.copied else "nothing new to copy"
    ]
    if report.locked:
        did.append(f"{report.locked} locked")
    did.append("encrypted here" if place.vault.encrypted else "unencrypted: the destination is your own")
    console.say(f"{name}: {', '.join(did)}")
    for weak in place.weak:
        console.say(f"  this place {weak}")
    if report.read_back:
        console.say(f"  {report.read_back} of them were read back, every byte; the place stated the rest")
    if report.withheld:
        console.say(f"  {report.withheld} quarantined: not copied anywhere (see `archiver quarantine --help`)")
    for text in report.notes:
        console.warn(f"{name}: not signed by this home, and ignored: {text}")
    for capture, error in report.troubles:
        console.warn(f"{name}: {capture or 'the round stopped'}: expected {error.expected}")
        console.warn(f"{' ' * len(name)}  found {error.found}. {error.next_step}")
    if report.waiting:
        console.warn(f"{name}: {many(report.waiting, 'capture')}: NO COPY there yet. Nothing here was removed.")
    console.data(
        {
            "destination": name, "copied": report.copied, "bytes": report.bytes, "read_back": report.read_back,
            "locked": report.locked, "waiting": report.waiting, "quarantined": report.withheld, "weak": list(place.weak),
            "encrypted": place.vault.encrypted, "troubles": [f"{capture}: {error}" for capture, error in report.troubles],
        }
    )  # fmt: skip


def _status(context: Context, home: Home) -> int:
    names = [one.name for one in home.config.copies.destinations]
    waiting = total_backlog(home, names)
    total = home.catalog.count_captures()
    for name in names:
        copied = len(home.catalog.copies(name))
        context.console.say(f"{name}: {copied} of {total} captures have a copy there, {waiting[name]} wait")
        context.console.data({"destination": name, "copied": copied, "captures": total, "waiting": waiting[name]})
    return ExitCode.PARTIAL if any(waiting.values()) else ExitCode.OK
