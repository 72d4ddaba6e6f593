"""What other people of the team keep at a shared place: their ledgers, and the captures of cases whose keys are here. Read-only.

    others/<home>/   a home without private keys: ledger, events of these cases, captures, the public key, a catalog of its own

Every proof is checked on the way, and their ledger is held against what was seen of it the last time.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver.copies.destinations import Place
from archiver.copies.restore import (
    FoundHome,
    Restored,
    events_of,
    homes_at,
    restore_captures,
    restore_events,
    restore_ledger,
)
from archiver.copies.vault import Vault
from archiver.home.home import Home
from archiver.home.people import home_mark, ledger_key
from archiver.signer.case_keys import case_identities
from storage.errors import FormatError, LedgerError
from storage.events import event_name
from storage.files import write_synced
from storage.ledger import Tiles
from storage.manifest import capture_place
from storage.note import Checkpoint

MARK = "others.json"
"""Says that a folder holds only what may be read of somebody else's home."""


@dataclass
class Brought:
    """Part of somebody else's home that was brought here: the cases that our keys open."""

    mark: str
    cases: list[str]
    done: Restored = field(default_factory=Restored)
    key: str = ""


def bring(home: Home, place: Place, case: str | None = None) -> tuple[list[Brought], int]:
    """Bring what our keys open of other homes; with `case`, of that case and those that were brought before.

    Returns what was brought, and how many homes no key here opens. Raises `LedgerError`, `StoreError`, `DiskError`.
    """
    opens = [*place.vault.opens, *case_identities(home.path)]
    found, closed = homes_at(place.vault.store, opens)
    return [_one(home, other, opens, case) for other in found if other.mark != place.vault.home], closed


def others(home: Home) -> list[Path]:
    """List the folders of what was brought."""
    return sorted(path.parent for path in (home.path / "others").glob(f"*/{MARK}"))


@dataclass(frozen=True)
class Teammate:
    """Somebody else's home, as far as it was brought here."""

    folder: Path
    mark: str
    """By which the queue's listings name it, beside its folder."""
    captures: dict[str, int]
    """Case → how many captures of it are here."""
    seen: int
    """How many events its ledger had when it was last brought."""


def teammates(home: Home) -> list[Teammate]:
    """List whose captures were brought here. Raises `CatalogError`, `ConfigError` where what was brought is damaged."""
    found = []
    for folder in others(home):
        theirs, origin = Home(folder), ledger_key(folder).name
        cases = {case: len(theirs.catalog.captures(case)) for case in _brought_before(folder)}
        found.append(Teammate(folder, home_mark(origin)[:8], cases, theirs.ledger.checkpoint().size))
        theirs.catalog.close()
    return found


def _brought_before(into: Path) -> list[str]:
    try:
        return [str(case) for case in json.loads((into / MARK).read_text("utf-8"))["cases"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _one(home: Home, other: FoundHome, opens: list[Any], case: str | None) -> Brought:
    into = home.path / "others" / other.mark
    brought = Brought(other.mark, [], key=str(other.keys[0]))
    vault = Vault(other.vault.store, other.mark, other.names, opens)
    theirs = FoundHome(other.mark, other.origin, other.keys, other.names, vault)
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = _seen_before(into)
    checkpoint = restore_ledger(into, theirs, brought.done)
    if before is not None:
        _continues(other.mark, Tiles(into / "ledger", checkpoint.size), before)
    restore_events(into, theirs, checkpoint, brought.done)
    bodies = events_of(into, checkpoint.size)
    wanted = None if case is None else {case, *_brought_before(into)}
    brought.cases, captures = _ours(bodies, [str(one.to_public()) for one in case_identities(home.path)], wanted)
    for body in bodies:
        if not _about(body, set(brought.cases), captures):
            (into / "events" / event_name(body["seq"])).unlink()
    bodies = [body for body in bodies if (into / "events" / event_name(body["seq"])).exists()]
    restore_captures(into, theirs, bodies, opens, brought.done, wanted=lambda detail: detail["capture"] in captures)
    for body in bodies:
        if body["type"] == "disposed":
            with suppress(FormatError):  # no folder that could be here
                shutil.rmtree(into / capture_place(body["detail"]), ignore_errors=True)
    write_synced(into / "keys" / "ledger.vkey", f"{other.keys[0]}\n".encode())
    write_synced(into / "keys" / "ledger.head", checkpoint.text().encode(), 0o600)
    write_synced(into / MARK, json.dumps({"format": "archiver-others/1", "cases": brought.cases}).encode())
    write_synced(
        into / "archiver.toml", b"# Brought by `archiver sync --from`: somebody else's, to be read only.\nformat = 1\n"
    )
    Home(into).rebuild_catalog()
    return brought


def _seen_before(into: Path) -> Checkpoint | None:
    try:
        return Checkpoint.parse((into / "keys" / "ledger.head").read_text("utf-8"))
    except (OSError, UnicodeDecodeError, FormatError):
        return None


def _continues(mark: str, now: Tiles, before: Checkpoint) -> None:
    if now.size < before.size or Tiles(now.folder, before.size).root() != before.root:
        raise LedgerError(
            f"the ledger of {mark} to continue the {before.size} events that were seen of it",
            f"another of {now.size}: it was rolled back, or rewritten",
            "Ask its owner; captures fetched earlier stay in others/.",
        )


def _ours(bodies: list[dict[str, Any]], keys: list[str], wanted: set[str] | None) -> tuple[list[str], set[str]]:
    """(cases that a key here opens and that are wanted, their captures)."""
    cases = [
        body["detail"]["name"]
        for body in bodies
        if body["type"] == "case"
        and set(body["detail"]["recipients"]) & set(keys)
        and (wanted is None or body["detail"]["name"] in wanted)
    ]
    captures = set()
    for body in bodies:
        detail = body["detail"]
        named = {*detail.get("cases", []), detail.get("case")}
        if body["type"] in ("captured", "recovered", "case-membership") and named & set(cases):
            captures.add(detail["capture"])
    return cases, captures


def _about(body: dict[str, Any], cases: set[str], captures: set[str]) -> bool:
    """Tell whether an event is about one of these; those about no case at all (keys, timestamps) are everybody's."""
    detail = body["detail"]
    about = detail.get("about") or {}
    named = {detail.get("case"), about.get("case"), detail.get("name") if body["type"] == "case" else None} - {None}
    which = {detail.get("capture"), about.get("capture")} - {None}
    return bool(named & cases) or bool(which & captures) or not (named or which)
