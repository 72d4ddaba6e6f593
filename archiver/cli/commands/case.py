"""`archiver case`: list, make or show cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.cases import add_capture
from archiver.cli.arguments import add_capture_id
from archiver.signer.case_keys import new_case

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = ("archiver case new almaty", 'archiver case new almaty --recipient "$(cat counsel.pub)"')


def add_arguments(parser: Parser) -> None:
    """Add what `archiver case` takes."""
    parser.add_action("list", "List cases.", "archiver case list")
    new = parser.add_action("new", "Create a case with its own key.", EXAMPLE)
    new.add_argument("name", metavar="NAME", help="Name of the case: lowercase letters, digits and dashes.")
    recipient = "Public key of another person who may open withheld values; repeatable."
    new.add_argument("--recipient", action="append", default=[], metavar="age1…", help=recipient)
    shown = parser.add_action("show", "List the captures of a case.", "archiver case show almaty")
    shown.add_argument("name", metavar="NAME", help="Name of the case.")
    add = parser.add_action("add", "Add a capture to another case.", "archiver case add almaty 9k2mv7qd")
    add.add_argument("name", metavar="NAME", help="Name of the case.")
    add_capture_id(add)


def run(context: Context) -> int:
    """List, make or show cases, or put a capture into one. Raises `NotFound`, `UsageError`."""
    arguments, console = context.arguments, context.console
    reads = arguments.action in ("list", "show")
    home = context.home_to_read() if reads else context.recovered_home()
    if arguments.action == "new":
        recipients = new_case(home, context.signer(home), arguments.name, arguments.recipient)
        console.say(f"case {arguments.name}: its key is keys/cases/{arguments.name}.age-key; copy it to a safe place")
        for key in recipients:
            console.say(f"  withheld values can be opened with the key of {key}")
        console.data({"case": arguments.name, "recipients": recipients})
        return 0
    if arguments.action == "list":
        counts = home.catalog.count_by_case()
        for row in home.catalog.cases():
            count = counts.get(row["name"], 0)
            console.say(f"{row['name']:<24} {count:>6} captures  since {row['created'][:10]}")
            console.data({"case": row["name"], "captures": count, "created": row["created"]})
        return 0
    if arguments.action == "add":
        capture_id, *lenders = add_capture(home, context.signer(home), arguments.name, arguments.id)
        for lender in lenders:
            console.say(f"{lender} is added too: this capture uses bytes stored in it")
        console.say(
            f"{capture_id} is now in {arguments.name} too. Its withheld values still open only with its earlier keys."
        )
        return 0
    home.require_case(arguments.name)
    for row in home.catalog.captures(arguments.name):
        console.say(
            f"{row['id']}  {row['outcome']:<11}  {row['opened'][:19]}Z  {row['posts']:>4} posts  {row['target'] or ''}"
        )
        console.data({key: row[key] for key in ("id", "outcome", "reason", "opened", "posts", "target", "folder")})
    return 0
