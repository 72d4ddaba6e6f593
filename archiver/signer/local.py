"""The signer of a home whose keys lie on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from archiver.home.home import Home
from archiver.home.ports import PublicAuthor
from storage.events import Event
from storage.ledger import Sealed


class LocalSigner:
    """Signs with the keys of a home. Implements `archiver.home.ports.Signer`."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def author(self) -> PublicAuthor:
        """Name the person who signs. Raises `NotFound`, `ConfigError`."""
        author = self._home.author
        return PublicAuthor(author.pseudonym, author.role, author.public_text)

    def append(self, events: Sequence[Event]) -> list[Sealed]:
        """Append events under one signed checkpoint. Raises `LedgerError`, `DiskError`."""
        return self._home.ledger.append(list(events), self._home.author)

    def recover(self) -> int:
        """Sign what a crash left written but not in the tree; return how many events. Raises `LedgerError`."""
        return self._home.ledger.recover()
