"""`archiver review`: approve for publication or withhold, as a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework import analysis
from archiver.cli.analysis import about_part, say
from archiver.cli.arguments import add_part, add_words

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver --as R-2 review 9k2mv7qd publish 'faces are covered'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver review` takes."""
    parser.add_argument("id", metavar="ID|EVENT", help="Capture, or event number of an annotation.")
    parser.add_argument("decision", choices=("publish", "withhold"), help="Decision: publish or withhold.")
    add_words(parser, "REASON", "Reason for the decision.")
    add_part(parser)


def run(context: Context) -> int:
    """Record a reviewer's decision. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    is_event = arguments.id.isdecimal() and len(arguments.id) < 8  # shorter than the end of any capture's id
    subject = int(arguments.id) if is_event else about_part(context, home)
    signer = context.signer(home)
    sealed = analysis.review(home, signer, subject, arguments.decision, " ".join(arguments.words))
    return say(context, signer, sealed)
