"""The signer of a home whose keys lie on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from archiver.home.home import Home
from storage.events import Event
from storage.ledger import Sealed


class LocalSigner:
    """Signs with the keys of a home. Implements `archiver.home.ports.Signer`."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def append(self, events: Sequence[Event]) -> list[Sealed]:
        """Append events under one signed checkpoint. Raises `LedgerError`, `DiskError`."""
        return self._home.ledger.append(list(events), self._home.author)
