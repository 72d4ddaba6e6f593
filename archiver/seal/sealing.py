"""From a closed capture to a leaf under a signed checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.events import Event
from storage.ledger import Sealed
from storage.recovery import manifest_digest


def captured_event(home: Home, folder: Path, cases: list[str], recovered: dict[str, Any] | None = None) -> Event:
    """Make the event that commits to a closed capture by its manifest's digest.

    `folder` is relative to the home.
    """
    manifest, digest = manifest_digest(home.path / folder)
    detail: dict[str, Any] = {
        "capture": manifest["capture"],
        "run": manifest["run"],
        "part": manifest["part"],
        "folder": str(folder),
        "manifest_sha256": digest,
        "outcome": manifest["outcome"],
        "cases": cases,
    }
    if recovered is not None:
        detail["recovery"] = recovered
    return Event("recovered" if recovered is not None else "captured", home.clock(), detail)


def seal(home: Home, signer: Signer, folder: Path, cases: list[str], recovered: dict[str, Any] | None = None) -> Sealed:
    """Seal a closed capture and remove it from the list of open ones. Raises `LedgerError`, `DiskError`."""
    event = captured_event(home, folder, cases, recovered)
    sealed = signer.append([event])[0]
    home.state.capture_sealed(event.detail["capture"])
    return sealed
