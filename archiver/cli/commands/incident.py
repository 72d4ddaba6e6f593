"""`archiver incident`: an incident of a case: when, where, which items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.analysis import IncidentFacts, add_to_incident
from archiver.cli.analysis import say, time_range
from archiver.cli.arguments import add_period, add_position, add_zone

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver incident square --case almaty --at 43.34,52.86 --zone Asia/Aqtau --add 9k2mv7qd"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver incident` takes."""
    parser.add_argument("incident", metavar="NAME", help="Name of the incident: lowercase letters, digits and dashes.")
    parser.add_argument("--case", required=True, metavar="CASE", help="Case of the incident.")
    parser.add_argument("--title", metavar="TEXT", help="Title for reports.")
    parser.add_argument("--place", metavar="TEXT", help="Where it happened, in words.")
    add_position(parser)
    add_zone(parser)
    add_period(parser)
    parser.add_argument("--add", action="append", default=[], metavar="ID[:POST]", help="Add an item; repeatable.")


def run(context: Context) -> int:
    """Make an incident, or add to one. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    signer = context.signer(home)
    facts = IncidentFacts(
        title=arguments.title,
        place=arguments.place,
        at=arguments.at,
        zone=arguments.zone,
        when=time_range(arguments.since, arguments.until) if arguments.since else None,
        items=tuple(arguments.add),
    )
    return say(context, signer, add_to_incident(home, signer, arguments.case, arguments.incident, facts))
