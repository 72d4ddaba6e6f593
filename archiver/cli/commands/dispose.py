"""`archiver dispose`: destroy what must not be kept, here and at the copies; it takes two people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.copies import dispose
from archiver.copies.destinations import open_place
from archiver.errors import ExitCode, UsageError
from archiver.home.visibility import LEGAL_ROUTE
from archiver.text.plain import many
from storage.errors import EvidenceError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = (
    "archiver dispose 9k2mv7qd --basis 'unlawful to hold: § 184b StGB'",
    "archiver --as NAME dispose 9k2mv7qd --confirm --yes",
)
DESCRIPTION = """\
Destroy content that must not be kept, here and in the copies. Two people must agree: one requests, another confirms.
Without ID, finish earlier disposals at copies that could not be reached then."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver dispose` takes."""
    what = "Id of a capture (default: finish earlier disposals)."
    parser.add_argument("id", nargs="?", metavar="ID", help=what)
    parser.add_argument("--basis", metavar="TEXT", help="Legal basis; it stays in the ledger.")
    confirm = "Confirm as the second person: archiver --as NAME dispose ID --confirm."
    parser.add_argument("--confirm", action="store_true", help=confirm)
    notes = "Also destroy the text of annotations about it."
    parser.add_argument("--with-notes", action="store_true", help=notes)
    sure = "Confirm destruction without asking."
    parser.add_argument("--yes", action="store_true", help=sure)


def run(context: Context) -> int:
    """Ask for a disposal as the first person, or confirm it as the second: then keys and bytes go, here and at the copies."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    if arguments.id is None:
        return _carry_out(context, home)
    capture = home.resolve_capture(arguments.id)
    row = home.catalog.capture(capture) or {}
    if not arguments.confirm:
        if not arguments.basis:
            raise UsageError("--basis TEXT: the legal basis", "none", "Name it; it stays in the ledger for good.")
        console.say(LEGAL_ROUTE)
        seq = dispose.request(home, context.signer(home), capture, arguments.basis, arguments.with_notes)
        console.say(
            f"\nasked for by {context.signer(home).author.pseudonym} as event {seq}. Nothing is removed yet. Another person confirms:"
        )
        console.say(f"  archiver --as NAME dispose {capture} --confirm")
        console.data({"event": seq, "capture": capture, "state": "requested"})
        return 0
    places = home.catalog.copies(capture=capture)
    console.say(f"{capture}, captured {row.get('opened', '')[:19]}Z, cases {', '.join(home.catalog.cases_of(capture))}")
    console.say(f"copies at: {', '.join(item['destination'] for item in places) or 'none'}")
    if not arguments.yes:
        raise UsageError("--yes", "none", "This cannot be undone. Read the lines above, then add --yes.")
    tombstone = dispose.confirm(home, context.signer(home), capture)
    console.say(f"disposed of by {context.signer(home).author.pseudonym}: event {tombstone['event']} is the tombstone")
    console.data({"event": tombstone["event"], "capture": capture, "state": "disposed"})
    return _carry_out(context, home)


def _carry_out(context: Context, home: Home) -> int:
    console, code = context.console, ExitCode.OK
    for capture in dispose.destroy_here(home):
        console.say(f"removed here: {capture}")
    for one in home.config.copies.destinations:
        try:
            done = dispose.destroy_there(home, context.signer(home), open_place(home, one, writing=False))
        except EvidenceError as error:
            console.warn(f"NOT removed at {one.name}: {error.found}. `archiver dispose` (or sync) tries again.")
            code = ExitCode.FAILED
            continue
        for item in done:
            console.say(f"removed at {item.destination}: {many(item.objects, 'object')} of {item.capture}")
            for left in item.remains:
                until = f" until {left.lock.until:%Y-%m-%d}" if left.lock and left.lock.until else ""
                readable = "nobody can read it: its key was destroyed" if item.unreadable else "IT CAN STILL BE READ"
                console.warn(f"  remains, locked{until}: {left.key} ({readable})")
            code = max(code, ExitCode.PARTIAL if item.remains else ExitCode.OK)
            console.data(
                {"destination": item.destination, "capture": item.capture, "objects": item.objects,
                 "remains": len(item.remains), "unreadable": item.unreadable}
            )  # fmt: skip
    return code
