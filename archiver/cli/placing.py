"""Positions on the command line: checked, and asked about where latitude and longitude were probably swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.positions import coordinates, swap_doubt, zone_name
from archiver.cli.meaning import confirm
from archiver.lookup.places import known_positions

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home


def add_as_typed(parser: Parser) -> None:
    """Add `--as-typed`."""
    what = "Take --at as it is, though latitude and longitude look swapped."
    parser.add_argument("--as-typed", action="store_true", help=what)


def checked_position(context: Context, home: Home, at: str | None, zone: str | None) -> str | None:
    """Return the position, once it and its zone are known to be sound. Raises `UsageError`."""
    if zone:
        zone_name(zone)
    coordinates(at)
    if at is None or context.arguments.as_typed:
        return at
    doubt = swap_doubt(at, zone, known_positions(home))
    if doubt is not None:
        said = (
            f"--at {doubt.given} is {doubt.given_km:,} km from {doubt.near}, and {doubt.swapped} is {doubt.swapped_km:,} km: "
            "latitude comes first"
        )
        confirm(
            context.console, said, "Take it as it is typed?",
            f"If they are swapped, type --at {doubt.swapped}; if not, add --as-typed. Nothing was signed.",
        )  # fmt: skip
    return at
