"""`archiver version`: which version this is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver version"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver version` takes."""
    # only what every command takes


def run(context: Context) -> int:
    """Print the version."""
    from archiver import __version__

    context.console.say(f"archiver {__version__}")
    context.console.data({"version": __version__})
    return 0
