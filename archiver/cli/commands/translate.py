"""`archiver translate`: a translation of a post's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework import analysis
from archiver.cli.analysis import about_part, say
from archiver.cli.arguments import add_capture_id, add_part, add_words

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver translate 9k2mv7qd --to en --by 'A. N.' --how human 'The soldiers left.'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver translate` takes."""
    add_capture_id(parser)
    add_words(parser, what="The translation.")
    add_part(parser)
    language = "Language of the translation, like en or kk-Latn."
    parser.add_argument("--language", "--to-language", dest="language", required=True, metavar="CODE", help=language)
    parser.add_argument("--by", required=True, metavar="WHO", help="Translator: a pseudonym, or a program.")
    parser.add_argument(
        "--how", required=True, choices=("human", "machine"), help="Whether a human or a machine translated it."
    )
    parser.add_argument("--date", metavar="DATE", help="Day of the translation (default: today).")


def run(context: Context) -> int:
    """Add a translation. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    translation = analysis.Translation(arguments.language, arguments.by, arguments.how, arguments.date)
    signer, about = context.signer(home), about_part(context, home)
    return say(context, signer, analysis.translate(home, signer, about, translation, " ".join(arguments.words)))
