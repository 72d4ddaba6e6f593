"""`archiver retract`: take back what was said, by a new event; both stay in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.retract import retract, retractable
from archiver.cli.analysis import say
from archiver.cli.meaning import show_meant
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver retract 406 'another square'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver retract` takes."""
    parser.add_argument("event", nargs="+", metavar="EVENT… REASON", help="Event numbers of annotations, then why.")


def run(context: Context) -> int:
    """Retract annotations. Raises `UsageError`, `NotFound`, `LedgerError`."""
    given, home = context.arguments.event, context.recovered_home()
    first = next((n for n, word in enumerate(given) if not word.isdecimal() or len(word) > 12), len(given))
    seqs, words = [int(word) for word in given[:first]], " ".join(given[first:])
    if not seqs or not words:
        raise UsageError("event numbers and a reason", repr(" ".join(given)), f"For example: {EXAMPLE}")
    for seq in seqs:
        event = retractable(home, seq)
        detail = event["detail"]
        said = " ".join(str(detail.get("text") or "").split())[:80]
        context.console.say(f"event {seq}: {detail['kind']} by {event['agent']['id']}{f', “{said}”' if said else ''}")
        show_meant(context, home, None, [detail["about"]])
    signer = context.signer(home)
    for sealed in retract(home, signer, seqs, words):
        say(context, signer, sealed)
    return 0
