"""`archiver dispose`: putting away what must not be kept. Two people, a legal basis, and a tombstone that stays.

    disposal-requested   one person: what, and on what basis
    disposed             another person: from here on it is to go. The tombstone: ids and digests, nothing of the content
    erased               what was removed where, and what remains under a lock until when

The event comes first; whatever is killed in between, the next round destroys what the event names.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.copies.destinations import Place
from archiver.copies.ledger_copy import replace_events
from archiver.copies.locks import lock_line, policies
from archiver.copies.packing import MANIFEST
from archiver.copies.vault import Vault
from archiver.errors import NotFound, UsageError
from archiver.home.log import forget_captures
from archiver.home.scratch import forget_opened
from storage import canonical
from storage.errors import DiskError, FormatError, disk_error
from storage.events import Event, event_name
from storage.files import sync_folder
from storage.manifest import capture_place
from storage.objects import Remains

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.home.ports import Signer


@dataclass
class Erased:
    """Result of erasing a capture at one place."""

    destination: str
    capture: str
    objects: int = 0
    remains: list[Remains] = field(default_factory=list)
    unreadable: bool = False
    """Whether what remains cannot be read by anybody: the capture's key was destroyed."""


def request(home: Home, signer: Signer, capture: str, basis: str, with_notes: bool) -> int:
    """Record the first person's request; return the number of its event. Raises `UsageError`."""
    if capture in policies(home).disposed:
        raise UsageError("a capture kept in this home", f"{capture}, already disposed of", "Nothing is left to do.")
    held = [case for case in home.catalog.cases_of(capture) if policies(home).by_case.get(case, {}).get("hold")]
    if held:
        raise UsageError(
            "a capture without a legal hold",
            f"the case {held[0]}, which has one",
            "Lift it first: archiver lock --no-hold",
        )
    users = referrers(home, capture)
    if users:
        raise UsageError(
            "a capture that no other capture needs",
            f"{len(users)} that refer to its bytes, first: {users[0]}",
            "Dispose of those first.",
        )
    detail = {"capture": capture, "basis": basis, "with_notes": with_notes}
    sealed = signer.append([Event("disposal-requested", home.clock(), detail)])[0]
    home.project()
    return sealed.seq


def referrers(home: Home, capture: str) -> list[str]:
    """List the captures that only refer to bytes which lie in this one."""
    return home.catalog.referring_to(capture)


def confirm(home: Home, signer: Signer, capture: str) -> dict[str, Any]:
    """Record the confirmation of the second person: the tombstone.

    Raises `UsageError` where nobody asked, or the same person did.
    """
    _need_catalog(home)
    asked = [
        body for body in home.catalog.event_bodies(("disposal-requested",)) if body["detail"]["capture"] == capture
    ]
    if not asked:
        raise UsageError("a request by another person", "none", f"First: archiver dispose {capture} --basis TEXT")
    latest = asked[-1]
    if latest["agent"]["key"] == signer.author.public_text:
        raise UsageError(
            "a second person",
            f"{latest['agent']['id']}, who asked for it",
            "Somebody else: archiver --as NAME dispose …",
        )
    row = home.catalog.capture(capture)
    if row is None:
        raise NotFound(f"the capture {capture}", "none", "See `archiver case show`.")
    seqs = _judgements_of(home, capture) + (_words_about(home, capture) if latest["detail"]["with_notes"] else [])
    manifest = _manifest(home.path / row["folder"])
    detail = {
        "capture": capture,
        "folder": row["folder"],
        "manifest_sha256": row["manifest_sha256"],
        "basis": latest["detail"]["basis"],
        "requested": latest["seq"],
        "requested_by": latest["agent"]["id"],
        "files": len(manifest.get("files", [])),
        "bytes": sum(entry["size"] for entry in manifest.get("files", [])),
        "seqs": seqs,
        "large": [entry["sha256"] for entry in manifest.get("files", [])],
    }
    sealed = signer.append([Event("disposed", home.clock(), detail)])[0]
    home.project()
    return {"event": sealed.seq, **detail}


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = canonical.loads((folder / MANIFEST).read_bytes())
        return value
    except OSError:
        return {}


def _judgements_of(home: Home, capture: str) -> list[int]:
    """Later judgements of it: their reasons can quote its page. Their leaves stay."""
    return [body["seq"] for body in home.catalog.event_bodies(("reassessed",)) if body["detail"]["capture"] == capture]


def _words_about(home: Home, capture: str) -> list[int]:
    """Events whose words are about it: annotations. Their leaves stay."""
    return [
        body["seq"]
        for body in home.catalog.event_bodies(("annotated",))
        if (body["detail"].get("about") or {}).get("capture") == capture
    ]


def _need_catalog(home: Home) -> None:
    """Refuse where the disk takes nothing for the catalog: tombstones are read from it, and a new one would not be seen.

    Raises `DiskError`.
    """
    if not home.catalog.writable:
        raise DiskError(
            "a disk that takes the catalog",
            f"{home.catalog.path.name}, which can only be read",
            "Look at the disk and its space, then run `archiver dispose` again; until then nothing more is destroyed.",
        )


def destroy_here(home: Home) -> list[str]:
    """Remove what the tombstones name and is still here; return the captures removed.

    Run again, it finds nothing. Raises `DiskError`.
    """
    _need_catalog(home)
    done = []
    for body in home.catalog.event_bodies(("disposed",)):
        detail = body["detail"]
        try:
            folder = home.path / capture_place(detail)
        except FormatError:
            continue  # no archiver wrote this, and there is no such folder; `check` says so
        forget_opened(home.path, detail["capture"])
        names = [path for seq in detail["seqs"] if (path := home.ledger.events / event_name(seq)).exists()]
        if not folder.exists() and not names:
            continue
        forget_captures(home.path, [detail["capture"]])
        try:
            if folder.exists():
                # The manifest goes last: until then the folder is known for what it is.
                for path in sorted(folder.iterdir(), key=lambda one: one.name == MANIFEST):
                    path.unlink()
                folder.rmdir()
                sync_folder(folder.parent)
            shutil.rmtree(home.path / "damaged" / detail["capture"], ignore_errors=True)
            for path in names:
                path.unlink()
                sync_folder(path.parent)
        except OSError as error:
            raise disk_error(error, f"disposing of {detail['capture']}") from error
        if names:
            home.catalog.forget_events(detail["seqs"])
        done.append(detail["capture"])
    return done


def destroy_there(home: Home, signer: Signer, place: Place) -> list[Erased]:
    """Remove the copies of what was disposed of, each capture's key first. Raises `StoreError`."""
    _need_catalog(home)
    name = place.destination.name
    told = {
        body["detail"]["capture"]
        for body in home.catalog.event_bodies(("erased",))
        if body["detail"]["destination"] == name and not body["detail"]["remains"]
    }
    done = []
    for body in home.catalog.event_bodies(("disposed",)):
        detail = body["detail"]
        if detail["capture"] in told:
            continue
        found = _erase(place.vault, name, detail)
        if detail["seqs"]:
            replace_events(home, place.vault, detail["seqs"])
        done.append(found)
        event = {
            "destination": name,
            "capture": detail["capture"],
            "objects": found.objects,
            "remains": [_remains_line(one) for one in found.remains],
            "unreadable": found.unreadable,
        }
        if not _same_as_before(home, event):
            signer.append([Event("erased", home.clock(), event)])
    home.project()
    return done


def _erase(vault: Vault, name: str, detail: dict[str, Any]) -> Erased:
    found = Erased(name, detail["capture"])
    keys = [vault.named("key", detail["manifest_sha256"])] if vault.encrypted else []
    keys.append(vault.named("capture", detail["manifest_sha256"]))
    keys += [vault.named("file", digest) for digest in detail["large"]]
    for number, first in enumerate(keys):
        for key in [one.key for one in vault.store.list(first)]:
            remains = vault.store.remove(key)
            found.objects += not remains
            found.remains += remains
        if number == 0 and vault.encrypted:
            found.unreadable = not found.remains
    return found


def _remains_line(one: Remains) -> dict[str, Any]:
    full = {"key": one.key, "version": one.version, "lock": lock_line(one.lock), "why": one.why}
    return {key: value for key, value in full.items() if value is not None}


def _same_as_before(home: Home, event: dict[str, Any]) -> bool:
    """Nothing new to say: what remained still remains."""
    before = [
        body["detail"]
        for body in home.catalog.event_bodies(("erased",))
        if (body["detail"]["destination"], body["detail"]["capture"]) == (event["destination"], event["capture"])
    ]
    return bool(before) and before[-1]["remains"] == event["remains"]
