"""`archiver` alone: makes a home if there is none, and shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.cli.context import Context


def run(context: Context) -> int:
    """Make a home if there is none, and say where it is and what comes next."""
    home = context.home()
    captures = home.catalog.count_captures()
    context.console.say(f"home {home.path} · {captures} captures · key {home.ledger_key_text().split('+')[1]}")
    context.console.say("Next: archiver capture LINK    (archiver --help lists all commands)")
    return 0
