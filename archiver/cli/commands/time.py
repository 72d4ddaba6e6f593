"""`archiver time`: when something happened, and how one knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.analysis import about_capture, annotate, words_of
from archiver.cli.arguments import add_capture_id, add_part, add_period, add_words
from archiver.cli.moments import period
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver time 9k2mv7qd --since '2022-01-05T10:30 Asia/Aqtau' 'by the shadows'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver time` takes."""
    add_capture_id(parser)
    add_words(parser, what="How you know.")
    add_part(parser)
    add_period(parser, required=True)


def run(context: Context) -> int:
    """Record when something happened. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    since, until = period(arguments.since, arguments.until)
    given = [arguments.since, arguments.until] if arguments.until else [arguments.since]
    detail = {"from": utc_text(since), "to": utc_text(until), "given": given}
    return annotate(context, home, "time", about_capture(home, arguments), words_of(arguments), detail)
