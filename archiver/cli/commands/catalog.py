"""`archiver catalog rebuild`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver catalog rebuild"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver catalog` takes."""
    parser.add_action("rebuild", "Make it again from captures and events.", EXAMPLE)


def run(context: Context) -> int:
    """Rebuild the catalog; captures that were left open are closed and sealed."""
    home = context.home()
    from archiver.seal.recovery import recover

    count = home.rebuild_catalog()
    for done in recover(home, context.signer(home), everywhere=True):
        context.console.warn(f"recovered {done.describe()}")
    home.project()
    context.console.say(f"catalog made again from {count} events, {len(home.catalog.captures())} captures")
    context.console.data({"events": count, "captures": len(home.catalog.captures())})
    return 0
