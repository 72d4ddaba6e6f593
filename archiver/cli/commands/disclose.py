"""`archiver disclose`: a package was given to somebody, on what basis, and what it withholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.custody import disclose
from archiver.home.paths import given_output, given_path
from storage.files import write_synced

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver disclose ./almaty-full-24 --to 'defence counsel' --basis 'order of 3 May' --by telephone"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver disclose` takes."""
    package = "Exported folder or .tar.age file."
    parser.add_argument("package", type=given_path, metavar="PACKAGE", help=package)
    whom = "Role or pseudonym of the recipient; it stays in the ledger."
    parser.add_argument("--to", required=True, metavar="WHOM", help=whom)
    parser.add_argument(
        "--basis",
        required=True,
        metavar="TEXT",
        help="Basis for the handover, like a request, an order or an agreement.",
    )
    how = "How you gave the fingerprint, like in person or by telephone."
    parser.add_argument("--by", required=True, metavar="HOW", help=how)
    schedule = "Write a CSV list of the withheld content, with reasons."
    parser.add_argument("--schedule", type=given_output, metavar="FILE", help=schedule)


def run(context: Context) -> int:
    """Sign what went to whom, and write the schedule of what it withholds. Raises `NotFound`, `UsageError`, `DiskError`."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    made = disclose(
        home,
        context.signer(home),
        arguments.package,
        to=arguments.to,
        basis=arguments.basis,
        fingerprint_by=arguments.by,
    )
    detail = made.detail
    console.say(f"disclosed to {arguments.to}: {detail['package']} (profile {detail['profile']}), event {made.event}")
    console.say(f"basis        {arguments.basis}")
    console.say(f"fingerprint  {detail['fingerprint']}, given by {arguments.by}")
    console.say(f"withheld     {detail['withheld']} things" + (", see the schedule" if arguments.schedule else ""))
    missing = f"; {len(made.not_given)} on captures that are NOT in the package" if made.not_given else ""
    console.say(f"exculpatory  {len(made.exculpatory)} tags of this case{missing}")
    if arguments.schedule:
        write_synced(arguments.schedule, made.schedule())
        console.say(f"schedule     {arguments.schedule}")
    console.data({"event": made.event, **detail})
    return 0
