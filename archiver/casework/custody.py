"""Chain of custody: what was done with a capture or case, in order, by whom, with its proof; and to whom it went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.home.ports import Signer
from archiver.lookup.events import events_about
from archiver.lookup.package_files import read_package, read_withheld
from archiver.lookup.retracted import RETRACTION
from archiver.seal.kept_stamps import Stamp, covering, stamps
from archiver.text.cells import csv_bytes
from storage.digest import file_sha256
from storage.events import Event

EXCULPATORY = "exculpatory"
"""The tag by which something that speaks for an accused person is marked."""


@dataclass(frozen=True)
class CustodyEntry:
    """One event. `body`: as it was signed.

    `stamp`: the earliest authority's statement that it existed; None without one.
    """

    body: dict[str, Any]
    stamp: Stamp | None
    retracted: int | None = None
    """The event that retracts it, of an annotation that does not stand."""

    @property
    def summary(self) -> str:
        """The event in a few words."""
        detail = self.body["detail"]
        kind = detail.get("kind") or detail.get("outcome") or detail.get("how") or detail.get("profile") or ""
        about = detail.get("capture") or detail.get("about", {}).get("capture") or detail.get("package") or ""
        basis = detail.get("basis") if self.body["type"] == "disclosed" else None
        words = " ".join(str(detail.get("text") or basis or "").split())[:60]
        if kind == RETRACTION:
            kind = f"retraction of event {detail['about'].get('event')}"
        gone = f"RETRACTED by event {self.retracted}" if self.retracted is not None else ""
        return "  ".join(part for part in (str(kind), str(about), words, gone) if part)


def custody_of(home: Home, what: str) -> Iterator[CustodyEntry]:
    """Yield the events that concern a capture or a case, in the ledger's order, as they are read.

    Raises `NotFound`, `UsageError`, `CatalogError`.
    """
    kept = stamps(home)
    for body in events_about(home, what):
        gone = home.catalog.retraction_of(body["seq"]) if body["type"] == "annotated" else None
        yield CustodyEntry(body, covering(kept, body["seq"]), gone)


@dataclass(frozen=True)
class Disclosure:
    """A package that was given to somebody, as that was signed, and the material of its schedule."""

    event: int
    detail: dict[str, Any]
    withheld: list[dict[str, str]]
    """Rows of the package's own list; none where the package is encrypted."""
    exculpatory: list[dict[str, Any]]
    """Tags of the package's cases: `event`, `capture`, `retracted`, and `post` where it is of one.

    One that was retracted stays in the list: whoever is to be told of it decides what that means.
    """

    @property
    def not_given(self) -> list[dict[str, Any]]:
        """Exculpatory tags on captures that are not in the package."""
        return [tag for tag in self.exculpatory if tag["capture"] not in self.detail["captures"]]

    def schedule(self) -> bytes:
        """Return as CSV what is withheld and why.

        Then follows what is tagged as exculpatory, and whether it was given.
        """
        rows = [["withheld", row["item"], row["what"], row["why"]] for row in self.withheld]
        for tag in self.exculpatory:
            given = "disclosed" if tag["capture"] in self.detail["captures"] else "NOT in the package"
            item = f"{tag['capture']} {tag.get('post') or ''}".strip()
            gone = f", retracted by event {tag['retracted']}" if tag.get("retracted") is not None else ""
            rows.append(["exculpatory", item, f"tag, event {tag['event']}{gone}", given])
        head = ["kind", "item", f"of {self.detail['package']} to {self.detail['to']}", "reason or state"]
        return csv_bytes(head, rows)


def disclose(home: Home, signer: Signer, package: Path, *, to: str, basis: str, fingerprint_by: str) -> Disclosure:
    """Sign what was given to whom, on what basis.

    `fingerprint_by`: how they were given the key's fingerprint. Raises `NotFound`, `UsageError` where this home did
    not export it, `LedgerError`.
    """
    exported = _exported(home, package)
    opened = read_package(package) if package.is_dir() else {}
    withheld = read_withheld(package) if package.is_dir() else []
    tags = _exculpatory(home, exported["captures"])
    detail = {
        "package": exported["package"],
        "case": exported["case"],
        "profile": exported["profile"],
        "captures": exported["captures"],
        "tagmanifest_sha256": exported["tagmanifest_sha256"],
        "to": to,
        "basis": basis,
        "fingerprint": fingerprint(opened.get("key") or home.ledger_key_text()),
        "fingerprint_given_by": fingerprint_by,
        "withheld": exported["withheld"],
        "exculpatory": [tag["event"] for tag in tags],
    }
    sealed = signer.append([Event("disclosed", home.clock(), detail)])[0]
    home.project()
    return Disclosure(sealed.seq, detail, withheld, tags)


def _exported(home: Home, package: Path) -> dict[str, Any]:
    """Find the export's own event: by the package's digest, or by its name where it is encrypted."""
    if not package.exists():
        raise NotFound(f"a package at {package}", "none", "Name the folder or the .tar.age file that was exported.")
    lists = [
        package / f"tagmanifest-{kind}.txt" for kind in ("sha512", "sha256")
    ]  # version 1 had both, and signed the first
    digest = next((file_sha256(one).hexdigest() for one in lists if one.exists()), None)
    name = package.name.removesuffix(".tar.age")
    for body in reversed(home.catalog.event_bodies(("exported",))):
        detail: dict[str, Any] = body["detail"]
        if detail["tagmanifest_sha256"] == digest or (digest is None and detail["package"] == name):
            return detail
    raise UsageError("a package exported from this home", f"{package.name}, exported elsewhere", "Export it first.")


def _exculpatory(home: Home, captures: list[str]) -> list[dict[str, Any]]:
    """Find tags of the same cases that mark what speaks for an accused person, in the package or not."""
    cases = {name for capture in captures for name in home.catalog.cases_of(capture)}
    of_cases = {row["id"] for name in cases for row in home.catalog.captures(name)}
    return [
        {"event": body["seq"], **body["detail"]["about"], "retracted": home.catalog.retraction_of(body["seq"])}
        for body in home.catalog.event_bodies(("annotated",))
        if body["detail"]["kind"] == "tag"
        and EXCULPATORY in body["detail"]["text"].lower()
        and body["detail"]["about"].get("capture") in of_cases
    ]
