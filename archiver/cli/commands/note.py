"""`archiver note`: attach a note to a capture, post, file or part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.annotating import add_subject, annotate

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver note 9k2mv7qd 'school roof is visible'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver note` takes."""
    add_subject(parser, "The note.")
    privileged = "Mark the note as privileged: packages leave it out unless exported with --privileged."
    parser.add_argument("--privileged", action="store_true", help=privileged)


def run(context: Context) -> int:
    """Sign a note as an event. Raises `UsageError`, `NotFound`, `LedgerError`."""
    return annotate(context, "note", {"privileged": True} if context.arguments.privileged else {})
