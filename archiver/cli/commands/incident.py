"""`archiver incident`: an incident of a case: when, where, which exhibits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.casework.annotations import coordinates
from archiver.cli.analysis import about_incident, annotate, exhibit_of
from archiver.cli.arguments import add_period, add_position, add_zone
from archiver.cli.moments import period
from archiver.errors import UsageError
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver incident square --case almaty --at 43.34,52.86 --zone Asia/Aqtau --add 9k2mv7qd"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver incident` takes."""
    parser.add_argument("incident", metavar="NAME", help="Name of the incident: small letters, digits and dashes.")
    parser.add_argument("--case", required=True, metavar="CASE", help="Case that the incident belongs to.")
    parser.add_argument("--title", metavar="TEXT", help="Title for reports.")
    parser.add_argument("--place", metavar="TEXT", help="Where it happened, in words.")
    add_position(parser)
    add_zone(parser)
    add_period(parser)
    parser.add_argument("--add", action="append", default=[], metavar="ID[:POST]", help="Add an exhibit; repeatable.")


def run(context: Context) -> int:
    """Make an incident, or add to one. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    about = about_incident(home, arguments)
    detail: dict[str, Any] = {"exhibits": [exhibit_of(home, text) for text in arguments.add]}
    if arguments.place:
        detail["place"] = arguments.place
    detail |= coordinates(arguments.at)
    if arguments.zone:
        try:
            ZoneInfo(arguments.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError("--zone like Asia/Almaty", repr(arguments.zone), "Give the name of a zone.") from error
        detail["zone"] = arguments.zone
    if arguments.since:
        since, until = period(arguments.since, arguments.until)
        detail |= {"from": utc_text(since), "to": utc_text(until)}
    return annotate(context, home, "incident", about, arguments.title or "", detail)
