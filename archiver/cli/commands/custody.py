"""`archiver custody` and `archiver disclose`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.casework.custody import EXCULPATORY, _events, described
from archiver.errors import NotFound, UsageError
from archiver.export.packing import read_package
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.seal.kept_stamps import Stamp, covering, stamps
from archiver.text.cells import csv_bytes
from storage.digest import file_sha256
from storage.events import Event
from storage.files import write_synced
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context


def custody(context: Context, home: Home) -> int:
    """The command. Raises `NotFound`."""
    what: str = context.arguments.what
    console = context.console
    kept = stamps(home)
    found = list(_events(home, what))
    if not found:
        raise NotFound(f"a capture or case {what!r}", "none", "List them with `archiver case list`.")
    for body in found:
        agent = body["agent"]
        stamp = covering(kept, body["seq"])
        console.say(
            f"{body['seq']:>6}  {body['time'][:19]}Z  {body['type']:<15}  {agent['id']} ({agent.get('role') or 'collector'})"
            f"  {described(body)}"
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
    """The command: a signed event of what went to whom, and the schedule of what it withholds. Raises `UsageError`."""
    arguments, console = context.arguments, context.console
    folder: Path = arguments.package
    exported = _exported(home, folder)
    package = read_package(folder) if folder.is_dir() else {}
    captures = exported["captures"]
    tagged = _exculpatory(home, captures)
    withheld = _withheld(folder) if folder.is_dir() else []
    left_out = [item for item in tagged if item["capture"] not in captures]
    detail = {
        "package": exported["package"],
        "case": exported["case"],
        "profile": exported["profile"],
        "captures": captures,
        "tagmanifest_sha256": exported["tagmanifest_sha256"],
        "to": arguments.to,
        "basis": arguments.basis,
        "fingerprint": fingerprint(package.get("key") or home.ledger_key_text()),
        "fingerprint_given_by": arguments.by,
        "withheld": exported["withheld"],
        "exculpatory": [item["event"] for item in tagged],
    }
    sealed = context.signer(home).append([Event("disclosed", home.clock(), detail)])[0]
    home.project()
    console.say(
        f"disclosed to {arguments.to}: {exported['package']} (profile {exported['profile']}), event {sealed.seq}"
    )
    console.say(f"basis        {arguments.basis}")
    console.say(f"fingerprint  {detail['fingerprint']}, given by {arguments.by}")
    console.say(f"withheld     {exported['withheld']} things" + (", see the schedule" if arguments.schedule else ""))
    missing = f"; {len(left_out)} on captures that are NOT in the package" if left_out else ""
    console.say(f"exculpatory  {len(tagged)} tags of this case{missing}")
    if arguments.schedule:
        write_synced(arguments.schedule, _schedule(detail, withheld, tagged, captures))
        console.say(f"schedule     {arguments.schedule}")
    console.data({"event": sealed.seq, **detail})
    return 0


def _exported(home: Home, folder: Path) -> dict[str, Any]:
    """The export's own event: by the package's digest, or by its name where it is encrypted. Raises `NotFound`."""
    tagmanifest = folder / "tagmanifest-sha256.txt"
    if not folder.exists():
        raise NotFound(f"a package at {folder}", "none", "Name the folder or the .tar.age file that was exported.")
    digest = file_sha256(folder / "tagmanifest-sha512.txt").hexdigest() if tagmanifest.exists() else None
    name = folder.name.removesuffix(".tar.age")
    for body in reversed(home.catalog.event_bodies(("exported",))):
        detail: dict[str, Any] = body["detail"]
        if detail["tagmanifest_sha256"] == digest or (digest is None and detail["package"] == name):
            return detail
    raise UsageError("a package that this home exported", f"{folder.name}, which it did not", "Export it first.")


def _exculpatory(home: Home, captures: list[str]) -> list[dict[str, Any]]:
    """Tags of the case that mark what speaks for an accused person, in the package or not."""
    cases = {name for capture in captures for name in home.catalog.cases_of(capture)}
    of_cases = {row["id"] for name in cases for row in home.catalog.captures(name)}
    return [
        {"event": body["seq"], **body["detail"]["about"]}
        for body in home.catalog.event_bodies(("annotated",))
        if body["detail"]["kind"] == "tag"
        and EXCULPATORY in body["detail"]["text"].lower()
        and body["detail"]["about"].get("capture") in of_cases
    ]


def _withheld(folder: Path) -> list[dict[str, str]]:
    text = (folder / "data" / "withheld.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def _schedule(
    detail: dict[str, Any], withheld: list[dict[str, str]], tagged: list[dict[str, Any]], captures: list[str]
) -> bytes:
    """The schedule as CSV: what is withheld and why, then what is tagged as exculpatory and whether it was given."""
    rows = [["withheld", row["exhibit"], row["what"], row["why"]] for row in withheld]
    for item in tagged:
        given = "disclosed" if item["capture"] in captures else "NOT in the package"
        rows.append(
            ["exculpatory", f"{item['capture']} {item.get('post') or ''}".strip(), f"tag, event {item['event']}", given]
        )
    head = ["kind", "item", f"of {detail['package']} to {detail['to']}", "reason or state"]
    return csv_bytes(head, rows)
