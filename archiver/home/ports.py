"""What the library needs from whoever holds the keys, as protocols.

The library that reads strangers' bytes never imports a private key: it is handed one of these. `cli/context.py` alone
makes what stands behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from storage.events import Event
from storage.ledger import Sealed


@dataclass(frozen=True)
class PublicAuthor:
    """Who signs, as anybody may know them. `public_text`: the public key as events name it."""

    pseudonym: str
    role: str
    public_text: str


class Signer(Protocol):
    """Signs events into the ledger of one home, as one person."""

    @property
    def author(self) -> PublicAuthor:
        """Name the person who signs. Raises `NotFound`, `ConfigError`."""
        ...

    def append(self, events: Sequence[Event]) -> list[Sealed]:
        """Append events under one signed checkpoint. Raises `LedgerError`, `DiskError`."""
        ...

    def recover(self) -> int:
        """Sign what a crash left written but not in the tree; return how many events. Raises `LedgerError`."""
        ...
