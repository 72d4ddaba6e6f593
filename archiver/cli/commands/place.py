"""`archiver place`: say where something was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.cli.annotating import add_subject, annotate
from archiver.cli.arguments import add_position, add_zone

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver place 9k2mv7qd 'Zhanaozen, square' --at 43.3412,52.8619"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver place` takes."""
    add_subject(parser, "Place, in words.")
    add_position(parser)
    add_zone(parser)


def run(context: Context) -> int:
    """Sign where it was as an event. Raises `UsageError`, `NotFound`, `LedgerError`."""
    from archiver.casework.annotations import coordinates

    arguments = context.arguments
    zone: dict[str, Any] = {"zone": arguments.zone} if arguments.zone else {}
    return annotate(context, "place", coordinates(arguments.at) | zone)
