"""`archiver receive`: take in files that a person handed over."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.checks.foreign import Report
from archiver.cli.arguments import add_case
from archiver.cli.copying import copied
from archiver.errors import ExitCode, UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.home import Home

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver receive ./from-S-014 --from S-014 --via signal --consent hold,court --refused name"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver receive` takes."""
    paths = "Files, folders, or packages of others."
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|FOLDER|WACZ|BAG", help=paths)
    source = "Pseudonym of the person, like S-014; never a name."
    parser.add_argument("--from", dest="source", required=True, metavar="SOURCE", help=source)
    parser.add_argument("--via", required=True, metavar="CHANNEL", help="How it came: signal, usb, mail.")
    add_case(parser)
    consent = "What the person agreed to: hold, court, publish, name; with commas, or repeated."
    parser.add_argument("--consent", action="append", default=[], metavar="WHAT", help=consent)
    refused = "What the person did not agree to."
    parser.add_argument("--refused", action="append", default=[], metavar="WHAT", help=refused)


def run(context: Context) -> int:
    """Take in files. Exit code 5 where a package that was handed over is not what it states of itself."""
    home = context.recovered_home()
    return copied(context, home, _receive(context, home))


def _receive(context: Context, home: Home) -> int:
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from archiver.cli.runtime import after_captures
    from archiver.intake.receive import _SOURCE, Receiver, consent_of

    arguments, console = context.arguments, context.console
    if not _SOURCE.fullmatch(arguments.source) or len(re.findall(r"\d", arguments.source)) > 6:
        raise UsageError(
            "a pseudonym for the source, like S-014", "another form",
            "Letters, digits and dashes; keep who it is in a list outside this program.",
        )  # fmt: skip
    if not re.fullmatch(r"[\w .-]{1,40}", arguments.via):
        raise UsageError("a way it came, like signal or usb", repr(arguments.via), "Name it in a word or two.")
    with closing(context.inspector()) as inspector:
        receiver = Receiver(
            home, context.signer(home), inspector, arguments.source, arguments.via, tuple(arguments.case or [DEFAULT_CASE]),
            consent_of(arguments.consent, arguments.refused), context.network is not None,
        )  # fmt: skip
        result = receiver.take(arguments.paths)
    console.result(result)
    for key, report in receiver.reports:
        _say(console, key, report)
    after_captures(context, home, receiver.cases)
    damaged = any(not report.intact for _, report in receiver.reports)
    return max(EXIT_BY_OUTCOME[result.outcome], ExitCode.CHECK_FAILED if damaged else ExitCode.OK)


def _say(console: Any, key: str, report: Report) -> None:
    shown = [finding for finding in report.findings if finding.kind != "form"]
    form = len(report.findings) - len(shown)
    signer = report.facts.get("signed")
    more = f", signed by {signer.get('domain') or 'a key without a name'}" if isinstance(signer, dict) else ""
    if report.facts.get("not_checked"):
        more += f"; not checked: {report.facts['not_checked']}"
    said = "intact" if report.intact else "NOT INTACT"
    console.say(f"  arrival   {key}: {report.form}, {said}{more}" + (f"; {form} breaches of form" if form else ""))
    for finding in shown[:10]:
        console.say(f"            {finding}")
    if len(shown) > 10:
        console.say(f"            and {len(shown) - 10} more: archiver show ID --records")
    console.data({"arrival_check": key, **report.line()})
