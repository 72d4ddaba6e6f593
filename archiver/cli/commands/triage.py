"""`archiver triage`: somebody looked at captures, so their copies may be locked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.copies.locks import policies
from archiver.text.plain import many
from storage.events import Event

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver triage almaty"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver triage` takes."""
    parser.add_argument("what", metavar="ID|CASE", help="A capture, or all captures of a case.")
    parser.add_argument("words", nargs="*", metavar="TEXT", help="What you saw; it stays in the ledger.")


def run(context: Context) -> int:
    """Say that somebody looked at captures and that they may be locked: a signed event."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    rules = policies(home)
    captures = [capture for capture in home.captures_named(arguments.what) if capture not in rules.triaged]
    hidden = [capture for capture in captures if capture in rules.quarantined]
    captures = [capture for capture in captures if capture not in rules.quarantined]
    for start in range(0, len(captures), 500):
        detail: dict[str, Any] = {"captures": captures[start : start + 500]}
        if arguments.words:
            detail["text"] = " ".join(arguments.words)
        context.signer(home).append([Event("triaged", home.clock(), detail)])
    home.project()
    console.say(
        f"{many(len(captures), 'capture')} looked at by {context.signer(home).author.pseudonym}: `archiver sync` locks their copies"
    )
    if hidden:
        console.say(f"{many(len(hidden), 'quarantined capture')} left unlocked")
    console.data({"triaged": captures, "quarantined": hidden})
    return 0
