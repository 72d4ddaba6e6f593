"""`archiver tag`: attach a tag to a capture, post, file or part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.annotating import add_subject, annotate

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver tag 9k2mv7qd shooting"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver tag` takes."""
    add_subject(parser, "The tag.")


def run(context: Context) -> int:
    """Sign a tag as an event. Raises `UsageError`, `NotFound`, `LedgerError`."""
    return annotate(context, "tag", {})
