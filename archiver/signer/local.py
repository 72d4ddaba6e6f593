"""The signer of a home whose keys lie on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from archiver.home.home import Home
from archiver.home.ports import PublicAuthor, SecretSearch, WaczSignature
from archiver.signer.keyring import Keyring
from archiver.signer.package_keys import pseudonym_secret, sign_wacz
from archiver.signer.secrets import private_values
from archiver.version import SOFTWARE
from storage.events import Author, Event
from storage.ledger import Ledger, Sealed
from storage.note import sign


class LocalSigner:
    """Signs with the keys of a home, as its own person or another. Implements `archiver.home.ports.PackageSigner`.

    Keys are opened when something is first signed; a passphrase is asked for once.
    """

    def __init__(self, home: Home, person: str | None = None) -> None:
        """`person`: who signs, where it is neither the home's own nor the one that $ARCHIVER_AS names."""
        self.keyring = Keyring(home.path, home.environment)
        self._home, self._person = home, person or home.environment.get("ARCHIVER_AS")

    @property
    def author(self) -> PublicAuthor:
        """The person who signs: pseudonym, role and public key. Raises `NotFound`, `ConfigError`."""
        return PublicAuthor(self._author.pseudonym, self._author.role, self._author.public_text)

    def unlock(self) -> None:
        """Open the keys that events are signed with, asking for passphrases now. Raises `NotFound`, `ConfigError`."""
        _ = self._author
        self.keyring.unlock("ledger")

    def append(self, events: Sequence[Event]) -> list[Sealed]:
        """Append events under one signed checkpoint. Raises `LedgerError`, `DiskError`, `ConfigError`."""
        return self._ledger.append(events, self._author)

    def recover(self) -> int:
        """Sign what a crash left written but not in the tree; return how many events. Raises `LedgerError`."""
        return self._ledger.recover()

    def sign_note(self, text: str) -> bytes:
        """Sign a text that ends in a line feed as a note, with the ledger's key. Raises `ConfigError`."""
        return sign(text, self.keyring.ledger).encode()

    def sign_wacz(self, text: bytes) -> WaczSignature:
        """Sign the digest of a WACZ with the key that names nobody; the same text gives the same bytes.

        Raises `ConfigError`.
        """
        return sign_wacz(self.keyring.folder, text)

    def pseudonym_secret(self, facts: bytes) -> bytes:
        """Derive the secret that the pseudonyms of one package are made from.

        Other facts give other pseudonyms, which cannot be linked to these.
        """
        return pseudonym_secret(self.keyring.folder, facts)

    def find_secrets(self, folder: Path, values: Mapping[bytes, str]) -> SecretSearch:
        """Search every file of a folder for the private keys of the home and for `values`.

        `values`: value → what it is called.
        """
        from archiver.signer.leaks import search  # hyperscan takes its time

        return search(folder, {**dict(private_values(self._home.path)), **values})

    def rotate(self) -> tuple[str, str]:
        """Hand the ledger over to a new key; return the old and the new public key.

        Raises `LedgerError`, `ConfigError`.
        """
        return self.keyring.rotate(self._ledger, self._author, self._home.clock())

    @cached_property
    def _author(self) -> Author:
        if self._person:
            return self.keyring.person(self._person)
        config = self._home.config
        return Author(config.pseudonym, self.keyring.private("person"), config.role)

    @cached_property
    def _ledger(self) -> Ledger:
        """The ledger to write to; a rotation that a crash left half done is finished first."""
        keys = self.keyring
        head = keys.folder / "ledger.head"
        ledger = Ledger(self._home.path, keys.ledger, head, SOFTWARE, keys.unfinished_rotation)
        keys.finish_rotation(ledger)
        return ledger
