"""`archiver statement`: tie a received text or file to an incident, as what a witness said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.statements import Statement, add_statement
from archiver.cli.analysis import about_part, say
from archiver.cli.arguments import add_capture_id

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver statement 9k2mv7qd --case almaty --incident square --witness W-3 --date 2022-01-20 --language kk"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver statement` takes."""
    add_capture_id(parser, "Id of what was received, or the end of it.")
    parser.add_argument("words", nargs="*", metavar="TEXT", help="A note on the statement.")
    parser.add_argument("--case", required=True, metavar="CASE", help="Case of the incident.")
    parser.add_argument("--incident", required=True, metavar="NAME", help="Incident that it is about.")
    witness = "Pseudonym of the witness, never their name."
    parser.add_argument("--witness", required=True, metavar="PSEUDONYM", help=witness)
    parser.add_argument("--date", metavar="DAY", help="Day on which the statement was made, like 2022-01-20.")
    parser.add_argument("--interviewer", metavar="PSEUDONYM", help="Who took the statement.")
    parser.add_argument("--language", metavar="CODE", help="Language of the statement, like kk or ru.")
    parser.set_defaults(post=None, attachment=None)


def run(context: Context) -> int:
    """Tie a statement to an incident. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    about = about_part(context, home)
    known = Statement(arguments.witness, arguments.date, arguments.interviewer, arguments.language)
    signer, words = context.signer(home), " ".join(arguments.words)
    return say(context, signer, add_statement(home, signer, about, arguments.case, arguments.incident, known, words))
