"""`archiver custody` and `archiver disclose`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework import custody as library
from archiver.home.home import Home
from archiver.seal.kept_stamps import Stamp
from storage.files import write_synced
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context


def custody(context: Context, home: Home) -> int:
    """Print what was done with a capture or case, each event with its proof. Raises `NotFound`."""
    console = context.console
    for entry in library.custody_of(home, context.arguments.what):
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


def disclose(context: Context, home: Home) -> int:
    """Sign what went to whom, and write the schedule of what it withholds. Raises `NotFound`, `UsageError`, `DiskError`."""
    arguments, console = context.arguments, context.console
    package = arguments.package
    made = library.disclose(
        home, context.signer(home), package, to=arguments.to, basis=arguments.basis, fingerprint_by=arguments.by
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
