"""`archiver translate`: a translation of a post's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.cli.analysis import about_capture, annotate, words_of
from archiver.cli.arguments import add_capture_id, add_part, add_words
from archiver.errors import UsageError
from storage.times import utc_text

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
    parser.add_argument("--how", required=True, choices=("human", "machine"), help="Who translated it.")
    parser.add_argument("--date", metavar="DATE", help="Day of the translation (default: today).")


def run(context: Context) -> int:
    """Add a translation. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,8})*", arguments.language):
        raise UsageError("--language as a code like en or kk-Latn", repr(arguments.language), "Give it in that form.")
    date = arguments.date or utc_text(home.clock())[:10]
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        raise UsageError("--date like 2026-11-22", repr(date), "Give it in that form.")
    detail = {"language": arguments.language, "translator": arguments.by, "how": arguments.how, "date": date}
    return annotate(context, home, "translation", about_capture(home, arguments), words_of(arguments), detail)
