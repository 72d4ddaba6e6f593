"""`archiver quarantine`: hide something from searches, copies and packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.annotating import add_subject, annotate
from archiver.home.visibility import LEGAL_ROUTE

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver quarantine 9k2mv7qd 'a child'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver quarantine` takes."""
    add_subject(parser, "Reason for hiding it.")


def run(context: Context) -> int:
    """Sign that it is kept from view as an event. Raises `UsageError`, `NotFound`, `LedgerError`."""
    return annotate(context, "quarantine", {}, LEGAL_ROUTE)
