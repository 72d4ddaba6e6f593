"""`archiver author`: what an account is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.analysis import mark_author
from archiver.cli.analysis import say
from archiver.cli.arguments import add_words
from spiders.platforms import names

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver author qr_mvd official 'the ministry' --platform telegram"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver author` takes."""
    parser.add_argument("handle", metavar="HANDLE", help="Name of the account on its platform.")
    marks = ("official", "institutional", "private", "source")
    parser.add_argument("mark", choices=marks, help="Kind of account; source marks a person to protect.")
    add_words(parser, "REASON", "Reason for the mark.")
    parser.add_argument("--platform", required=True, choices=names(), help="Platform of the account.")
    parser.add_argument("--case", metavar="CASE", help="Limit the mark to this case.")


def run(context: Context) -> int:
    """Mark an account. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    signer = context.signer(home)
    sealed = mark_author(
        home, signer, arguments.platform, arguments.handle, arguments.mark, " ".join(arguments.words),
        case=arguments.case,
    )  # fmt: skip
    return say(context, signer, sealed)
