"""`archiver case`: list, make or show cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.cases import add_capture, require_case
from archiver.home.home import Home
from archiver.signer.case_keys import new_case

if TYPE_CHECKING:
    from archiver.cli.context import Context


def case(context: Context, home: Home) -> int:
    arguments, console = context.arguments, context.console
    if arguments.action == "new":
        recipients = new_case(home, context.signer(home), arguments.name, arguments.recipient)
        console.say(f"case {arguments.name}: its key is keys/cases/{arguments.name}.age-key; copy it to a safe place")
        for key in recipients:
            console.say(f"  withheld values can be opened with the key of {key}")
        console.data({"case": arguments.name, "recipients": recipients})
        return 0
    if arguments.action == "list":
        for row in home.catalog.cases():
            console.say(f"{row['name']:<24} {row['captures']:>6} captures  since {row['created'][:10]}")
            console.data({"case": row["name"], "captures": row["captures"], "created": row["created"]})
        return 0
    if arguments.action == "add":
        capture_id, *lenders = add_capture(home, context.signer(home), arguments.name, arguments.id)
        for lender in lenders:
            console.say(f"{lender} goes along: bytes of it lie there")
        console.say(
            f"{capture_id} is now in {arguments.name} too. Its private record stays with the keys it was made for."
        )
        return 0
    require_case(home, arguments.name)
    for row in home.catalog.captures(arguments.name):
        console.say(
            f"{row['id']}  {row['outcome']:<11}  {row['opened'][:19]}Z  {row['posts']:>4} posts  {row['target'] or ''}"
        )
        console.data({key: row[key] for key in ("id", "outcome", "reason", "opened", "posts", "target", "folder")})
    return 0
