"""`archiver place`: say where something was: the event, the camera, or what the words name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.casework.positions import coordinates
from archiver.cli.annotating import add_subject, annotate
from archiver.cli.arguments import add_position, add_zone
from archiver.cli.placing import add_as_typed, checked_position

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver place 9k2mv7qd 'Zhanaozen, square' --at 43.3412,52.8619 --whose event"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver place` takes."""
    add_subject(parser, "Place, in words.")
    add_position(parser)
    add_zone(parser)
    add_as_typed(parser)
    whose = "Place of the event, of the camera, or one that the words only name (default: camera)."
    parser.add_argument("--whose", choices=("event", "camera", "named"), default="camera", help=whose)


def run(context: Context) -> int:
    """Sign where it was as an event. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments = context.arguments
    at = checked_position(context, context.recovered_home(), arguments.at, arguments.zone)
    zone: dict[str, Any] = {"zone": arguments.zone} if arguments.zone else {}
    return annotate(context, "place", {**coordinates(at), **zone, "whose": arguments.whose})
