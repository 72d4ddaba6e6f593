"""`archiver custody`: what was done with a capture or case, in order, by whom, with proofs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archiver.casework.custody import CustodyEntry, custody_of
from archiver.cli.pager import paged
from archiver.seal.kept_stamps import Stamp
from archiver.text.plain import many
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver custody almaty"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver custody` takes."""
    parser.add_argument("what", metavar="ID|CASE", help="A capture, or a case.")
    parser.add_argument("--verbose", action="store_true", help="Show the proof of each event too.")


def run(context: Context) -> int:
    """Print what was done with a capture or case, each event with its proof. Raises `NotFound`."""
    home = context.home_to_read()
    with paged(context):
        _print(context, custody_of(home, context.arguments.what))
    return 0


def _print(context: Context, entries: Iterable[CustodyEntry]) -> None:
    console, verbose = context.console, context.arguments.verbose
    count = stamped = 0
    for entry in entries:
        count += 1
        body, stamp = entry.body, entry.stamp
        agent = body["agent"]
        console.say(
            f"{body['seq']:>6}  {body['time'][:19]}Z  {body['type']:<15}  {agent['id']} ({agent.get('role') or 'collector'})"
            f"  {entry.summary}"
        )
        stamped += stamp is not None and stamp.time is not None
        if verbose:
            console.say(f"        {_proof(stamp)}")
        console.data(
            {
                "event": body["seq"], "time": body["time"], "type": body["type"], "by": agent["id"],
                "role": agent.get("role"), "detail": body["detail"],
                "timestamp": utc_text(stamp.time) if stamp and stamp.time else None,
                "timestamp_by": stamp.name if stamp else None, "retracted_by": entry.retracted,
            }
        )  # fmt: skip
    proof = (
        "all timestamped"
        if stamped == count
        else "NOT TIMESTAMPED"
        if not stamped
        else f"{stamped:,} timestamped, the rest NOT TIMESTAMPED"
    )
    more = "" if verbose else " · each with its proof: --verbose"
    console.say(f"{many(count, 'event')} in the ledger · {proof}{more}")


def _proof(stamp: Stamp | None) -> str:
    if stamp is None or stamp.time is None:
        return "in the ledger · NOT TIMESTAMPED"
    return f"in the ledger · existed at {utc_text(stamp.time)[:19]}Z ({stamp.name}, checkpoint {stamp.size})"
