"""`archiver time`: when something happened, and how one knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.analysis import state_time
from archiver.cli.analysis import about_part, say, time_range
from archiver.cli.arguments import add_capture_id, add_part, add_period, add_words

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver time 9k2mv7qd --since '2022-01-05T10:30 Asia/Aqtau' 'by the shadows'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver time` takes."""
    add_capture_id(parser)
    add_words(parser, what="How you know the time.")
    add_part(parser)
    add_period(parser, required=True)


def run(context: Context) -> int:
    """Record when something happened. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    when = time_range(arguments.since, arguments.until)
    signer, about = context.signer(home), about_part(context, home)
    return say(context, signer, state_time(home, signer, about, when, " ".join(arguments.words)))
