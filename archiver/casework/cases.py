"""Cases: which captures belong to one."""

from __future__ import annotations

from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.events import Event


def add_capture(home: Home, signer: Signer, case: str, capture: str) -> list[str]:
    """Put a capture into one more case, and with it the captures that hold bytes of its files.

    Return all of them, the named one first. Raises `NotFound`, `LedgerError`.
    """
    home.require_case(case)
    capture_id = home.resolve_capture(capture)
    together = [capture_id, *home.catalog.lenders_of(capture_id)]
    details = [{"case": case, "capture": one} for one in together]
    signer.append([Event("case-membership", home.clock(), detail) for detail in details])
    home.project()
    return together
