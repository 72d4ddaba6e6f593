"""`archiver receive`: take in files that a person handed over."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from archiver.capture.outcomes import EXIT_BY_OUTCOME
from archiver.checks.foreign import Report
from archiver.cli.runtime import after_captures
from archiver.errors import ExitCode
from archiver.home.cases import DEFAULT_CASE
from archiver.home.home import Home
from archiver.intake import receive as library
from archiver.intake.receive import HandOver, consent_of

if TYPE_CHECKING:
    from archiver.cli.context import Context


def receive(context: Context, home: Home) -> int:
    """Take files in, and say what their check found. Exit code 5 where a package is not what it states of itself."""
    arguments, console = context.arguments, context.console
    consent = consent_of(arguments.consent, arguments.refused)
    hand_over = HandOver(arguments.source, arguments.via, consent, tuple(arguments.case or [DEFAULT_CASE]))
    signer, tested = context.signer(home), context.network is not None
    with closing(context.inspector()) as inspector:
        received = library.receive(home, signer, inspector, arguments.paths, hand_over, test_routes=tested)
    console.result(received.result)
    for key, report in received.reports:
        _say(console, key, report)
    after_captures(context, home, hand_over.cases)
    return max(EXIT_BY_OUTCOME[received.result.outcome], ExitCode.OK if received.intact else ExitCode.CHECK_FAILED)


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
