"""Looks at what is quarantined: each is an event, signed before anything is shown."""

from __future__ import annotations

from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.events import Event
from storage.ledger import Sealed


def record_view(home: Home, signer: Signer, capture: str, why: str | None) -> Sealed:
    """Sign who looks at a quarantined capture, and why.

    Raises `UsageError` without a reason, `LedgerError`.
    """
    if not why:
        raise UsageError("--why TEXT together with --quarantined", "none", "Every view is recorded with its reason.")
    sealed = signer.append([Event("viewed", home.clock(), {"capture": capture, "why": why})])[0]
    home.project()
    return sealed
