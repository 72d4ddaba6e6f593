"""`archiver custody`: what was done with a capture or case, in order, by whom, with proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.custody import custody_of
from archiver.seal.kept_stamps import Stamp
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver custody almaty"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver custody` takes."""
    parser.add_argument("what", metavar="ID|CASE", help="A capture, or a case.")


def run(context: Context) -> int:
    """Print what was done with a capture or case, each event with its proof. Raises `NotFound`."""
    console, home = context.console, context.home_to_read()
    for entry in custody_of(home, context.arguments.what):
        body, stamp = entry.body, entry.stamp
        agent = body["agent"]
        console.say(
            f"{body['seq']:>6}  {body['time'][:19]}Z  {body['type']:<15}  {agent['id']} ({agent.get('role') or 'collector'})"
            f"  {entry.summary}"
        )
        console.say(f"        {_proof(stamp)}")
        console.data(
            {
                "event": body["seq"], "time": body["time"], "type": body["type"], "by": agent["id"],
                "role": agent.get("role"), "detail": body["detail"],
                "timestamp": utc_text(stamp.time) if stamp and stamp.time else None,
                "timestamp_by": stamp.name if stamp else None,
            }
        )  # fmt: skip
    return 0


def _proof(stamp: Stamp | None) -> str:
    if stamp is None or stamp.time is None:
        return "in the ledger · NOT TIMESTAMPED"
    return f"in the ledger · existed at {utc_text(stamp.time)[:19]}Z ({stamp.name}, checkpoint {stamp.size})"
