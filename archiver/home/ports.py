"""What the library needs from whoever holds the keys, as protocols.

The library that reads strangers' bytes never imports a private key: it is handed one of these. `cli/runtime.py` alone
makes what stands behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from storage.events import Event
from storage.ledger import Sealed


class Signer(Protocol):
    """Signs events into the ledger of one home, as one person."""

    def append(self, events: Sequence[Event]) -> list[Sealed]:
        """Append events under one signed checkpoint. Raises `LedgerError`, `DiskError`."""
        ...
