"""Closing and sealing what an interrupted process left open."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.home.cases import DEFAULT_CASE
from archiver.home.home import STATE, Home
from archiver.home.ports import Signer
from storage.errors import DiskError, FormatError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recovered:
    """A capture whose process died, and that was closed and sealed. `report`: what that took."""

    capture: str
    folder: Path
    report: dict[str, Any]

    def describe(self) -> str:
        """Return in one line, for people, how the capture was sealed and what was done to close it."""
        if said := self.report.get("left_open"):
            return f"{self.capture} was left open, cannot be closed now, and stays as it is: {said}"
        did = []
        if self.report.get("salvaged"):
            did.append(f"{self.report['salvaged']} cut files kept as truncated records")
        if self.report.get("tail_bytes"):
            did.append(f"{self.report['tail_bytes']} bytes of a torn record set aside")
        if self.report.get("lines_added"):
            did.append(f"{self.report['lines_added']} records listed again")
        if lost := self.report.get("lost"):
            said = ", ".join(f"{count} {name.partition('.')[0]}" for name, count in lost.items())
            did.append(f"lost, as their records are not on the disk: {said}")
        if aside := self.report.get("set_aside"):
            did.append(f"what cannot be read set aside in {', '.join(aside)}")
        if self.report.get("without_outcome"):
            did.append(f"{self.report['without_outcome']} discovered things marked as interrupted")
        if self.report.get("closed_before"):
            return f"recovered {self.capture}: was complete, and is sealed now"
        return f"recovered {self.capture}: sealed as partial (interrupted)" + (": " + ", ".join(did) if did else "")


FORGET_AFTER = timedelta(hours=1)
"""A capture that was announced this long ago and has no folder will have none."""


def recover(home: Home, signer: Signer, everywhere: bool = False) -> list[Recovered]:
    """Close and seal captures whose process died, if their lock is free.

    `everywhere`: look through all capture folders, not only those that state.sqlite remembers as open.
    Raises `LedgerError`, `DiskError`; a capture that could not be sealed now is found again the next time.
    """
    signer.recover()
    begun = home.state.open_captures() if (home.path / STATE).exists() else []  # not made for a look
    pending = {capture_id: (folder, cases) for capture_id, folder, cases in begun}
    if everywhere:
        for folder in sorted((home.path / "captures").glob("*/*/*/[!.]*")):  # not one that is being restored
            pending.setdefault(folder.name, (str(folder.relative_to(home.path)), [DEFAULT_CASE]))
    if not pending:
        return []
    # Imported where something is open: every command that writes asks, and hardly ever is there anything.
    from archiver.seal.sealing import seal
    from storage.recovery import recover_folder

    sealed = sealed_captures(home, None if everywhere else RECENT)
    done: list[Recovered] = []
    sealing: set[str] = set()
    for capture_id, (folder_name, cases) in pending.items():
        if capture_id in sealed:  # died between the leaf and forgetting
            home.state.capture_sealed(capture_id)
            continue
        absolute = home.path / folder_name
        if not absolute.exists():
            if _announced(capture_id) < home.clock() - FORGET_AFTER:
                home.state.capture_sealed(capture_id)
            continue

        def then(
            report: dict[str, Any], name: str = folder_name, cases: list[str] = cases, key: str = capture_id
        ) -> None:
            sealing.add(key)
            # Asked again under the lock: another process may have sealed it since.
            if key in sealed_captures(home, RECENT):
                home.state.capture_sealed(key)
                report["sealed_by_another"] = True
            else:
                seal(home, signer, Path(name), cases, report)

        sealing.clear()
        try:
            report = recover_folder(absolute, home.clock, then, home.catalog.holder)
        except (DiskError, FormatError) as error:
            if sealing:
                raise
            # A folder that the disk does not give up hinders no other command; it is tried again each time.
            _log.warning("capture %s was left open and cannot be closed: %s", capture_id, type(error).__name__)
            done.append(Recovered(capture_id, Path(folder_name), {"left_open": str(error)}))
            continue
        if report is not None and "sealed_by_another" not in report:
            _log.warning("capture %s was left open by a process that died", capture_id)
            done.append(Recovered(capture_id, Path(folder_name), report))
    return done


RECENT = 1000


def sealed_captures(home: Home, newest: int | None) -> set[str]:
    """Return ids with a `captured` or `recovered` event.

    Only the `newest` events are looked at; all where it is None.
    """
    size = home.ledger.checkpoint().size
    found = set()
    for seq in range(0 if newest is None else max(0, size - newest), size):
        try:
            body = home.ledger.read_event(seq)
        except FormatError:
            continue
        if body and body["type"] in ("captured", "recovered"):
            found.add(body["detail"]["capture"])
    return found


def _announced(capture_id: str) -> datetime:
    return datetime.strptime(capture_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
