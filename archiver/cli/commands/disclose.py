"""`archiver disclose`: a package was given to somebody, on what basis, and what it withholds."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.casework.custody import EXCULPATORY
from archiver.errors import NotFound, UsageError
from archiver.export.packing import read_package
from archiver.home.home import Home
from archiver.home.paths import given_output, given_path
from archiver.home.people import fingerprint
from archiver.text.cells import csv_bytes
from storage.digest import file_sha256
from storage.events import Event
from storage.files import write_synced

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver disclose ./almaty-full-24 --to 'defence counsel' --basis 'order of 3 May' --by telephone"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver disclose` takes."""
    package = "The folder or .tar.age that was exported."
    parser.add_argument("package", type=given_path, metavar="PACKAGE", help=package)
    whom = "Role or pseudonym of who got it; it stays in the ledger."
    parser.add_argument("--to", required=True, metavar="WHOM", help=whom)
    parser.add_argument("--basis", required=True, metavar="TEXT", help="A request, an order, an agreement.")
    how = "How they were given the fingerprint: in person, by telephone."
    parser.add_argument("--by", required=True, metavar="HOW", help=how)
    schedule = "Write what is withheld, and why, as CSV."
    parser.add_argument("--schedule", type=given_output, metavar="FILE", help=schedule)


def run(context: Context) -> int:
    """Sign what went to whom, and write the schedule of what it withholds. Raises `UsageError`, `NotFound`."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
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
