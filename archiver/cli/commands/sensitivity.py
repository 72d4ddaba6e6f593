"""`archiver sensitivity`: what needs a warning, or is kept out of public packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.analysis import rate_sensitivity
from archiver.cli.analysis import about_part, say
from archiver.cli.arguments import add_capture_id, add_part, add_words

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver sensitivity 9k2mv7qd graphic 'a dead person'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver sensitivity` takes."""
    add_capture_id(parser)
    level = "Mark: sensitive, graphic, identifies (a person can be recognised), or none (shown without a warning)."
    parser.add_argument("level", choices=("none", "sensitive", "graphic", "identifies"), help=level)
    add_words(parser, "REASON", "Reason for the mark.")
    add_part(parser)


def run(context: Context) -> int:
    """Record how sensitive something is. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    signer, about = context.signer(home), about_part(context, home)
    return say(context, signer, rate_sensitivity(home, signer, about, arguments.level, " ".join(arguments.words)))
