"""`archiver conclude`: a conclusion about an incident, and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework import incidents
from archiver.cli.analysis import say
from archiver.cli.arguments import add_words
from archiver.cli.meaning import show_meant

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver conclude square --case almaty --confidence moderate --basis 9k2mv7qd@0:12-0:30 'Soldiers fired.'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver conclude` takes."""
    parser.add_argument("incident", metavar="NAME", help="Name of the incident.")
    add_words(parser, "CONCLUSION", "The conclusion, in words.")
    parser.add_argument("--case", required=True, metavar="CASE", help="Case of the incident.")
    sure = "How sure you are."
    parser.add_argument("--confidence", required=True, choices=("low", "moderate", "high"), help=sure)
    basis = "Item that supports it; repeatable."
    parser.add_argument("--basis", action="append", required=True, metavar="ID[:POST][@FROM-TO]", help=basis)
    against = "Argument or evidence against it; repeatable."
    parser.add_argument("--against", action="append", default=[], metavar="TEXT", help=against)


def run(context: Context) -> int:
    """Record a conclusion about an incident. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    basis = [incidents.item_of(home, text) for text in arguments.basis]
    show_meant(context, home, next((text for text in arguments.basis if text.startswith("LAST")), None), basis)
    signer = context.signer(home)
    sealed = incidents.conclude(
        home, signer, arguments.case, arguments.incident, " ".join(arguments.words),
        confidence=arguments.confidence, basis=tuple(arguments.basis), against=tuple(arguments.against),
    )  # fmt: skip
    return say(context, signer, sealed)
