"""`archiver notify`: send a test message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.errors import ExitCode, NotFound, UsageError
from archiver.jobs.notify import send

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver notify team"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver notify` takes."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="Name of one rule (default: all).")


def run(context: Context) -> int:
    """Send a test message by one rule or all. Exit code 4 where one was not sent. Raises `NotFound`, `UsageError`."""
    named, console, home = context.arguments.name, context.console, context.home()
    chosen = [rule for rule in home.config.notify if named in (None, rule.name)]
    if not home.config.notify:
        raise UsageError(
            "a [[notify]] rule in archiver.toml",
            "none",
            "Add one: docs/reference/commands.md explains them under Notifications.",
        )
    if not chosen:
        raise NotFound(f"a rule {named!r}", ", ".join(rule.name for rule in home.config.notify), "Name one of those.")
    bad = 0
    for rule in chosen:
        trouble = send(home, rule, "archiver: a test", "Sent by: archiver notify")
        bad += trouble is not None
        console.say(
            f"{'✗' if trouble else '✓'} {rule.name}  {trouble or 'accepted by its target'}  ({', '.join(rule.events)})"
        )
        console.data({"rule": rule.name, "sent": trouble is None, "reason": trouble})
    return ExitCode.FAILED if bad else ExitCode.OK
