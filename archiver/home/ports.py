"""What the library needs from whoever holds the keys, the copies and the media tools, as protocols.

The library that reads strangers' bytes never imports a private key: it is handed one of these. `cli/context.py` alone
makes what stands behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from storage.events import Event
from storage.ledger import Sealed


@dataclass(frozen=True)
class PublicAuthor:
    """Person who signs, as anybody may know them. `public_text`: the public key as events name it."""

    pseudonym: str
    role: str
    public_text: str


class Signer(Protocol):
    """Signs for one home: events as one person, notes with the ledger's key."""

    @property
    def author(self) -> PublicAuthor:
        """The person who signs. Raises `NotFound`, `ConfigError`."""
        ...

    def append(self, events: Sequence[Event]) -> list[Sealed]:
        """Append events under one signed checkpoint. Raises `LedgerError`, `DiskError`, `ConfigError`."""
        ...

    def recover(self) -> int:
        """Sign what a crash left written but not in the tree; return how many events. Raises `LedgerError`."""
        ...

    def sign_note(self, text: str) -> bytes:
        """Sign a text that ends in a line feed as a note, with the ledger's key. Raises `ConfigError`."""
        ...


@dataclass(frozen=True)
class WaczSignature:
    """ECDSA on P-384 over a text: `signature` is r ‖ s in 96 bytes, `public_key` SubjectPublicKeyInfo in DER."""

    signature: bytes
    public_key: bytes


@dataclass(frozen=True)
class Leak:
    """A secret that was found: its name, and the file. Never its value."""

    name: str
    file: str


SHORTEST_SECRET = 6
"""Values of fewer bytes stand everywhere by chance, and cannot be searched for."""


@dataclass(frozen=True)
class SecretSearch:
    """Result of a search for secrets. `too_short`: how many values are shorter than `SHORTEST_SECRET`."""

    leaks: tuple[Leak, ...]
    too_short: int = 0


class PackageSigner(Signer, Protocol):
    """Signs packages as well, and searches them for secrets, so that none leaves in one."""

    def sign_wacz(self, text: bytes) -> WaczSignature:
        """Sign the digest of a WACZ with the key that names nobody.

        The same text gives the same bytes. Raises `ConfigError`.
        """
        ...

    def pseudonym_secret(self, facts: bytes) -> bytes:
        """Derive the secret that the pseudonyms of one package are made from.

        Other facts give other pseudonyms, which cannot be linked to these.
        """
        ...

    def find_secrets(self, folder: Path, values: Mapping[bytes, str]) -> SecretSearch:
        """Search every file of a folder for the private keys of the home and for `values`.

        `values`: value → what it is called.
        """
        ...


@dataclass(frozen=True)
class WithheldValue:
    """A value that a capture keeps from view, and what it is called there."""

    name: str
    value: bytes = field(repr=False)


class Decryptor(Protocol):
    """Opens what is encrypted for the cases of one home."""

    def withheld(self, folder: Path) -> Iterator[WithheldValue]:
        """Decrypt the private record of a capture, as far as the keys here can. Raises `OSError`."""
        ...

    def decrypted(self, data: bytes) -> bytes | None:
        """Decrypt what is encrypted for a key of a case; return None where no key here opens it."""
        ...


class Fetch(Protocol):
    """Brings back what lies only at a copy."""

    def bring_back(self, captures: Iterable[str], names: Sequence[str] | None = None) -> int:
        """Fetch evicted files, each checked; return their size in bytes. Raises `CannotTell`, `DiskError`."""
        ...


class Inspector(Protocol):
    """Reads the facts of a media file. Nothing that it runs may use the network."""

    def available(self) -> bool:
        """Return whether any tool is installed that can tell more about a file."""
        ...

    def facts(self, path: Path, c2pa_marked: bool) -> dict[str, Any]:
        """Return what each tool that is installed says of a file, by the tool's name."""
        ...
