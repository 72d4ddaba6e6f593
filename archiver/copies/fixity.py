"""`archiver fixity`: everything read back, here and at the copies. The result is a signed event.

What is damaged is named. It is brought back from another copy only where a person asks (`--repair`), and that is an event
too; the damaged file is put aside, never thrown away.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyrage

from archiver.copies.destinations import Place, open_place
from archiver.copies.ledger_copy import check_ledger_copy, event_in_copy, fits, mend_ledger_copy
from archiver.copies.ledger_repair import damaged_ledger, mend_ledger
from archiver.copies.locks import lock_of
from archiver.copies.packing import MANIFEST, planned
from archiver.copies.restore import restored_files
from archiver.copies.stubs import is_stub
from archiver.copies.sync import tell
from archiver.copies.vault import AGAIN, CannotOpen, Vault
from archiver.home.age import recipients_of
from archiver.home.scratch import scratch
from storage import canonical
from storage.digest import Sha256, file_sha256, sha256_hex
from storage.errors import FormatError, StoreError, disk_error
from storage.events import Event, event_name
from storage.files import sync_folder, write_synced
from storage.ledger import TILE, Tiles
from storage.manifest import listed_files
from storage.objects import Content
from storage.packs import pack
from storage.times import utc_parse, utc_text

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.home.ports import Signer


@dataclass
class Damage:
    """A file or object that is not what it should be."""

    where: str
    """`home`, or a destination."""
    capture: str | None
    name: str
    """The file, or the object's key."""
    found: str
    kind: str = "file"
    repaired: str | None = None
    """From where, once it was."""

    def line(self) -> dict[str, Any]:
        """Return the damage as events and answers hold it."""
        full = {"where": self.where, "capture": self.capture, "name": self.name, "found": self.found}
        return {key: value for key, value in full.items() if value is not None}


@dataclass
class FixityReport:
    """Result of reading everything back: how much was read, and what of it is damaged."""

    captures: int = 0
    files: int = 0
    objects: int = 0
    bytes: int = 0
    places: list[str] = field(default_factory=list)
    evicted: int = 0
    damaged: list[Damage] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    """(destination, why): places that did not answer."""

    @property
    def left(self) -> list[Damage]:
        """Damage that was not repaired."""
        return [one for one in self.damaged if one.repaired is None]


def chosen(
    home: Home, captures: list[str] | None, older_than: float | None, sample: int | None
) -> list[dict[str, Any]]:
    """Return the catalog's rows of the captures that are to be read.

    `older_than`: days since each was last read. `sample`: at most so many, drawn at random.
    """
    rows = home.catalog.captures()
    if captures is not None:
        rows = [row for row in rows if row["id"] in set(captures)]
    if older_than is not None:
        last = last_read(home)
        before = home.clock() - timedelta(days=older_than)
        rows = [row for row in rows if row["id"] not in last or utc_parse(last[row["id"]]) < before]
    if sample is not None and sample < len(rows):
        rows = sorted(secrets.SystemRandom().sample(rows, max(0, sample)), key=lambda row: int(row["seq"]))
    return rows


def last_read(home: Home) -> dict[str, str]:
    """Return capture → time (UTC text) when it was last read back, by the signed results."""
    found: dict[str, str] = {}
    seqs = {row["id"]: row["seq"] for row in home.catalog.captures()}
    for body in home.catalog.event_bodies(("checked",)):
        detail = body["detail"]
        if detail.get("kind") != "fixity":
            continue
        named = detail.get("captures")
        ids = named if named is not None else [one for one, seq in seqs.items() if seq < detail["all_before"]]
        found |= dict.fromkeys(ids, body["time"])
    return found


def read_home(home: Home, rows: list[dict[str, Any]], report: FixityReport) -> None:
    """Check every file of these captures against its manifest, and that against its event."""
    jobs: list[tuple[str, Path, dict[str, Any]]] = []
    for row in rows:
        folder = home.path / row["folder"]
        for entry in _expected(folder, row, report):
            if is_stub(folder, entry["name"]):
                report.evicted += 1
            else:
                jobs.append((row["id"], folder / entry["name"], entry))
    with ThreadPoolExecutor(os.cpu_count() or 1) as several:
        for (capture, path, entry), found in zip(
            jobs, several.map(_digest, [path for _, path, _ in jobs]), strict=True
        ):
            report.files += 1
            if isinstance(found, OSError):
                report.damaged.append(Damage("home", capture, path.name, found.strerror or "cannot be read"))
                continue
            report.bytes += found.size
            if (found.size, found.hexdigest()) != (entry["size"], entry["sha256"]):
                report.damaged.append(Damage("home", capture, path.name, f"sha256 {found.hexdigest()}"))


def read_events(home: Home, report: FixityReport) -> None:
    """Check every event against its leaf. One that was disposed of has no body to read."""
    tiles = Tiles(home.ledger.folder, home.ledger.checkpoint().size)
    disposed = {seq for body in home.catalog.event_bodies(("disposed",)) for seq in body["detail"]["seqs"]}
    for n in range(-(-tiles.size // TILE)):
        for entry in tiles.entries(n):
            leaf = json.loads(entry)
            path = home.ledger.events / event_name(leaf["seq"])
            if leaf["seq"] in disposed:
                continue
            report.files += 1
            try:
                data = path.read_bytes()
            except OSError as error:
                found = error.strerror or "cannot be read"
            else:
                report.bytes += len(data)
                if fits(data, leaf):
                    continue
                found = f"sha256 {sha256_hex(data)}"
            report.damaged.append(Damage("home", None, f"events/{event_name(leaf['seq'])}", found, "event"))


def read_ledger(home: Home, signer: Signer, report: FixityReport) -> None:
    """Check tiles, checkpoints and head against each other and the events.

    Raises `LedgerError` where they cannot be made to fit.
    """
    report.files += sum(1 for path in home.ledger.folder.rglob("*") if path.is_file() and path.name != ".lock")
    for one in damaged_ledger(home, signer):
        report.damaged.append(Damage("home", None, one.name, one.found, "ledger"))


def ledger_mended(home: Home, signer: Signer, report: FixityReport) -> None:
    """Repair the ledger before anything else: with a damaged ledger no other command writes.

    Raises `LedgerError`.
    """
    copies: list[tuple[str, Vault]] = []
    for one in home.config.copies.destinations:
        with suppress(StoreError):  # said when it is opened again, to be read
            copies.append((one.name, open_place(home, one, writing=False).vault))
    try:
        mends = mend_ledger(home, signer, copies)
    except StoreError:  # a place went away meanwhile: what is here may do
        mends = mend_ledger(home, signer, [])
    for mend in mends:
        bad = Damage("home", None, mend.name, mend.found, "ledger", mend.source)
        report.damaged.append(bad)
        aside = {"aside": f"damaged/{mend.name}"} if mend.found != "it is gone" else {}
        _tell_repair(home, signer, bad, {"from": mend.source, **aside})


def _digest(path: Path) -> Sha256 | OSError:
    try:
        return file_sha256(path)
    except OSError as error:
        return error


def _expected(folder: Path, row: dict[str, Any], report: FixityReport) -> Iterator[dict[str, Any]]:
    try:
        data = (folder / MANIFEST).read_bytes()
    except OSError as error:
        report.damaged.append(Damage("home", row["id"], MANIFEST, error.strerror or "cannot be read"))
        return
    if sha256_hex(data) != row["manifest_sha256"]:
        report.damaged.append(Damage("home", row["id"], MANIFEST, f"sha256 {sha256_hex(data)}"))
        return
    try:
        yield from listed_files(canonical.loads(data))
    except FormatError as error:
        report.damaged.append(Damage("home", row["id"], MANIFEST, error.found))


def read_place(home: Home, place: Place, rows: list[dict[str, Any]], report: FixityReport, whole: bool) -> None:
    """Check that every object of these captures is as it was put there; with `whole` the ledger's copy too.

    Raises `StoreError`.
    """
    name, wanted = place.destination.name, {row["id"]: row for row in rows}
    report.places.append(name)
    for copy in home.catalog.copies(name):
        row = wanted.get(copy["capture"])
        if row is None:
            continue
        opens: Any = ()
        for item in copy["objects"]:
            report.objects += 1
            try:
                stored, inside = place.vault.measure(item["key"], opens, item.get("version"))
                if item["kind"] == "key":
                    opens = place.vault.opens_capture(row["manifest_sha256"])
            except KeyError:
                report.damaged.append(Damage(name, row["id"], item["key"], "it is gone", item["kind"]))
                continue
            except CannotOpen as error:
                report.damaged.append(
                    Damage(name, row["id"], item["key"], f"it does not open: {error.found}", item["kind"])
                )
                continue
            report.bytes += stored.size
            if stored.hexdigest() != item.get("stored_sha256", item["sha256"]) or inside.hexdigest() != item["sha256"]:
                found = f"sha256 {stored.hexdigest()}"
                report.damaged.append(Damage(name, row["id"], item["key"], found, item["kind"]))
    if whole:
        for key, found in check_ledger_copy(home, place.vault):
            report.damaged.append(Damage(name, None, key, found, "ledger"))


def tell_result(home: Home, signer: Signer, report: FixityReport, rows: list[dict[str, Any]], everything: bool) -> int:
    """Sign the result as an event; return the event's number."""
    detail: dict[str, Any] = {
        "kind": "fixity",
        "files": report.files,
        "objects": report.objects,
        "bytes": report.bytes,
        "places": ["home", *report.places] if report.files or report.evicted else report.places,
        "evicted": report.evicted,
        "damaged": [one.line() for one in report.damaged],
        "unread": [{"where": where, "why": why} for where, why in report.unread],
    }
    if everything:
        detail["all_before"] = max((row["seq"] for row in rows), default=-1) + 1
    else:
        detail["captures"] = [row["id"] for row in rows]
    sealed = signer.append([Event("checked", home.clock(), detail)])[0]
    home.project()
    return sealed.seq


# -- repair ----------------------------------------------------------------------------------------------


def repair(home: Home, signer: Signer, places: list[Place], report: FixityReport) -> None:
    """Bring back what can be brought back. What cannot stays in the report as it was."""
    rows = {row["id"]: row for row in home.catalog.captures()}
    for one in report.damaged:
        if one.repaired is not None:
            continue
        if one.where == "home" and one.capture is not None:
            _repair_here(home, signer, places, rows[one.capture], one)
        elif one.where == "home":
            _repair_event(home, signer, places, one)
    for one in report.damaged:
        if one.where != "home":
            place = next(item for item in places if item.destination.name == one.where)
            _repair_there(home, signer, place, rows.get(one.capture or ""), one)


def _repair_here(home: Home, signer: Signer, places: list[Place], row: dict[str, Any], one: Damage) -> None:
    for place in places:
        try:
            with scratch(home.path, "repair") as working:
                _put_back(home, signer, place, row, one, working)
        except (KeyError, StoreError, FormatError):
            continue
        return


def _repair_event(home: Home, signer: Signer, places: list[Place], one: Damage) -> None:
    """Read an event out of the packs of a ledger's copy, if it fits its leaf."""
    path = home.path / one.name
    seq = int(path.stem)
    leaf = json.loads(Tiles(home.ledger.folder, home.ledger.checkpoint().size).entries(seq // TILE)[seq % TILE])
    for place in places:
        try:
            data = event_in_copy(place.vault, one.name, lambda data: fits(data, leaf))
        except StoreError:
            continue
        if data is not None:
            aside = home.path / "damaged" / "events" / f"{path.name}.{utc_text(home.clock())[:19].replace(':', '')}"
            if path.exists():
                write_synced(aside, path.read_bytes(), 0o600)
            write_synced(path, data)
            one.repaired = place.destination.name
            _tell_repair(home, signer, one, {"from": place.destination.name})
            return


def _put_back(home: Home, signer: Signer, place: Place, row: dict[str, Any], one: Damage, working: Path) -> None:
    """Fetches a file and puts it where the damaged one lies, which goes aside."""
    folder = home.path / row["folder"]
    data = restored_files(place.vault, row, [one.name], working)
    aside = home.path / "damaged" / row["id"] / f"{one.name}.{utc_text(home.clock())[:19].replace(':', '')}"
    try:
        aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / one.name
        if path.exists():
            path.rename(aside)
        data[one.name].rename(path)
        sync_folder(folder)
    except OSError as error:
        raise disk_error(error, f"repairing {one.name}") from error
    one.repaired = place.destination.name
    _tell_repair(home, signer, one, {"from": place.destination.name, "aside": aside.relative_to(home.path).as_posix()})


def _repair_there(home: Home, signer: Signer, place: Place, row: dict[str, Any] | None, one: Damage) -> None:
    """Once more, under a key of its own: what lies there is neither overwritten nor believed."""
    try:
        if row is None:
            if mend_ledger_copy(home, place.vault, one.name):
                one.repaired = "home"
                _tell_repair(home, signer, one, {"from": "home"})
            return
        copy = home.catalog.copies(place.destination.name, row["id"])[0]
        if one.kind == "key":  # what the lost key opened is put there once more, for a new one
            objects = _anew(home, place, row, copy["objects"])
        else:
            opens = place.vault.opens_capture(row["manifest_sha256"])
            to = [key.to_public() for key in opens[-1:]]
            objects = [
                _again(home, place, row, item, to) if item["key"] == one.name else item for item in copy["objects"]
            ]
        tell(home, signer, place.destination.name, [{"capture": row["id"], "objects": objects}])
        one.repaired = "home"
        _tell_repair(home, signer, one, {"from": "home"})
    except (FormatError, StoreError, KeyError, OSError):
        return  # stays in the report


def _anew(home: Home, place: Place, row: dict[str, Any], items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put every object of a capture there once more, under a new key of the capture."""
    fresh = pyrage.x25519.Identity.generate()
    cases = home.case_recipients()
    readers = [key for case in home.catalog.cases_of(row["id"]) for key in cases[case]]
    own = [str(key.to_public()) for key in place.vault.opens]
    envelope = place.vault.keep(
        _another(items[0]),
        Content.of(str(fresh).encode()),
        lock_of(items[0].get("lock")),
        recipients_of([*own, *readers]),
    )
    rest = [_again(home, place, row, item, [fresh.to_public()]) for item in items[1:]]
    return [{"kind": "key", **envelope.line()}, *rest]


def _another(item: dict[str, Any]) -> str:
    return f"{str(item['key']).split(AGAIN)[0]}{AGAIN}{secrets.token_hex(4)}"


def _again(home: Home, place: Place, row: dict[str, Any], item: dict[str, Any], to: list[Any]) -> dict[str, Any]:
    folder, more = home.path / row["folder"], {}
    if item["kind"] == "capture":
        manifest_bytes = (folder / MANIFEST).read_bytes()
        small = planned(canonical.loads(manifest_bytes))[0]
        files = [(entry["name"], (folder / entry["name"]).read_bytes()) for entry in small]
        content = Content.of(pack([(MANIFEST, manifest_bytes), *files]))
    else:
        content = Content.of(folder / item["name"])
        more = {"name": item["name"]}
    if content.sha256 != item["sha256"]:
        raise FormatError("the files as they were sealed", "other files", "Repair what is damaged here first.")
    return {
        "kind": item["kind"],
        **more,
        **place.vault.keep(_another(item), content, lock_of(item.get("lock")), to).line(),
    }


def _tell_repair(home: Home, signer: Signer, one: Damage, how: dict[str, Any]) -> None:
    signer.append([Event("repaired", home.clock(), {**one.line(), **how})])
    home.project()
