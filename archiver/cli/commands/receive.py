"""`archiver receive`: take in files that a person handed over."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_case
from archiver.cli.copying import copied
from archiver.errors import EXIT_BY_STATE
from archiver.home.cases import DEFAULT_CASE
from archiver.home.home import Home

if TYPE_CHECKING:
    from archiver.checks.foreign import ForeignReport
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver receive ./from-S-014 --from S-014 --via signal --consent hold,court --refused name"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver receive` takes."""
    paths = "Files, folders, or packages made by other programs."
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|FOLDER|WACZ|BAG", help=paths)
    source = "Pseudonym of the person, like S-014; never a name."
    parser.add_argument("--from", dest="source", required=True, metavar="SOURCE", help=source)
    parser.add_argument(
        "--via", required=True, metavar="CHANNEL", help="How the files arrived, like signal, usb or mail."
    )
    add_case(parser)
    consent = "Consent given: hold, court, publish, name; separated by commas, or repeated."
    parser.add_argument("--consent", action="append", default=[], metavar="WHAT", help=consent)
    refused = "Consent refused, in the same words."
    parser.add_argument("--refused", action="append", default=[], metavar="WHAT", help=refused)


def run(context: Context) -> int:
    """Take in files. Exit code 5 where a package that was handed over is not what it states of itself, 6 if that is unknown."""
    home = context.recovered_home()
    return copied(context, home, _receive(context, home))


def _receive(context: Context, home: Home) -> int:
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from archiver.intake.hand_over import HandOver, consent_of
    from archiver.intake.receive import receive

    arguments, console = context.arguments, context.console
    consent = consent_of(arguments.consent, arguments.refused)
    hand_over = HandOver(arguments.source, arguments.via, consent, tuple(arguments.case or [DEFAULT_CASE]))
    signer, tested = context.signer(home), context.network is not None
    with closing(context.inspector()) as inspector:
        received = receive(home, signer, inspector, arguments.paths, hand_over, test_routes=tested)
    console.result(received.result)
    for key, name, damage in received.damaged:
        console.say(f"  damaged   {key}, {name!r}: {damage}")
        console.data({"damaged": key, "reason": damage})
    if received.damaged:
        console.say("            kept as they are; ask the source for them again while that is possible")
    for key, report in received.reports:
        _say(console, key, report)
    return max(EXIT_BY_OUTCOME[received.result.outcome], EXIT_BY_STATE[received.intact])


def _say(console: Console, key: str, report: ForeignReport) -> None:
    shown = [finding for finding in report.findings if finding.kind != "form"]
    form = len(report.findings) - len(shown)
    signer = report.facts.get("signed")
    more = f", signed by {signer.get('domain') or 'a key without a name'}" if isinstance(signer, dict) else ""
    said = {True: "intact", False: "NOT INTACT", None: "CANNOT TELL"}[report.intact]
    console.say(f"  arrival   {key}: {report.form}, {said}{more}" + (f"; {form} format errors" if form else ""))
    for finding in shown[:10]:
        console.say(f"            {finding.word}: {finding}")
    if len(shown) > 10:
        console.say(f"            and {len(shown) - 10} more: archiver show ID --records")
    console.data({"arrival_check": key, **report.line()})
