"""The keys that sign: the ledger's, the person's, those of other people; fingerprints, passphrases, rotation.

keys/ledger.key, person.key      Ed25519, PKCS#8 PEM, encrypted where there is a passphrase
keys/people/NAME.ROLE.key        of others who work in this home
keys/ledger.vkey                 the ledger's public key; readable without any passphrase
keys/retired/<key id>.key        ledger keys that have handed over
keys/ledger.next.key             only while a hand-over is under way
"""

from __future__ import annotations

import getpass
import re
import secrets
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from archiver.errors import ConfigError, NotFound, UsageError
from archiver.home.people import ledger_key
from storage.events import Author, Event
from storage.files import write_synced
from storage.ledger import Ledger
from storage.note import NoteSigner, VerifierKey, sign

PASSPHRASE = "ARCHIVER_PASSPHRASE"
_PERSON = re.compile(r"[\w-]{1,40}")


class LedgerKey:
    """The ledger's key, read again where another process has handed it over; opened only when it is to sign."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._opened: tuple[str, Ed25519PrivateKey] | None = None

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def key(self) -> VerifierKey:
        return ledger_key(self._keyring.folder.parent)

    @property
    def private(self) -> Ed25519PrivateKey:
        public = str(self.key)
        if self._opened is None or self._opened[0] != public:
            private = self._keyring.private("ledger")
            if private.public_key().public_bytes_raw() != self.key.public:
                raise ConfigError(
                    "keys/ledger.key and ledger.vkey of one pair", "two that differ", "Restore keys/ from your copy."
                )
            self._opened = (public, private)
        return self._opened[1]


class Keyring:
    """The keys of one home. Private keys are asked for their passphrase once a process."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.folder = home / "keys"
        self._environment = environment
        self._passphrases: dict[Path, bytes] = {}
        self.ledger = LedgerKey(self)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def people(self) -> dict[str, tuple[str, Path]]:
        """Name → (role, file) of the others who work in this home."""
        found = {}
        for path in sorted((self.folder / "people").glob("*.*.key")):
            name, role, _ = path.name.rsplit(".", 2)
            found[name] = (role, path)
        return found

    def person(self, name: str) -> Author:
        """Raises `NotFound`."""
        people = self.people()
        if name not in people:
            raise NotFound(
                f"a person {name!r} in this home",
                f"people: {', '.join(people) or 'none'}",
                f"Make a key: archiver keys new {name} --role analyst",
            )
        role, path = people[name]
        return Author(name, self.open(path), role)

    def private(self, name: str) -> Ed25519PrivateKey:
        """`ledger` or `person`. Raises `ConfigError`."""
        return self.open(self.path(name))

    def open(self, path: Path) -> Ed25519PrivateKey:
        """Open the key in a file of its own, by its passphrase where it has one. Raises `ConfigError`."""
        restore = "Restore keys/ from your copy."
        try:
            data = path.read_bytes()
            secret = self.passphrase(path) if is_locked(data) else None
            key = load_pem_private_key(data, secret)
        except OSError as error:
            raise ConfigError(f"the key {path}", str(error), restore) from error
        except (ValueError, TypeError) as error:
            had = self._passphrases.pop(path, None) is not None
            raise ConfigError(
                f"the key {path}", str(error), "Give the right passphrase." if had else restore
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"an Ed25519 key in {path}", type(key).__name__, "Restore keys/ from your copy.")
        return key

    def passphrase(self, path: Path) -> bytes:
        if path not in self._passphrases:
            self._passphrases[path] = self._ask(f"Passphrase of {path.name}: ").encode()
        return self._passphrases[path]

    def _ask(self, prompt: str) -> str:
        if PASSPHRASE in self._environment:
            return self._environment[PASSPHRASE]
        if not sys.stdin.isatty():
            raise ConfigError(f"the passphrase in ${PASSPHRASE}", "none, and no terminal to ask on", "Set it.")
        return getpass.getpass(prompt)

    def new_passphrase(self) -> str:
        """Asked twice on a terminal. Raises `UsageError`."""
        first = self._ask("New passphrase: ")
        if PASSPHRASE not in self._environment and getpass.getpass("Once more: ") != first:
            raise UsageError("the same passphrase twice", "two that differ", "Begin again.")
        if len(first) < 8:
            raise UsageError("a passphrase of eight characters or more", f"{len(first)}", "Choose a longer one.")
        return first

    def new_person(self, name: str, role: str, passphrase: str | None) -> Path:
        """Raises `UsageError`."""
        if not _PERSON.fullmatch(name):
            raise UsageError("a pseudonym of letters, digits and dashes", repr(name), "Choose another.")
        if name in self.people():
            raise UsageError("a new name", f"{name!r}, who has a key", "Choose another.")
        folder = self.folder / "people"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{name}.{role}.key"
        write_synced(path, _pem(Ed25519PrivateKey.generate(), passphrase), 0o600)
        return path

    def lock(self, path: Path, passphrase: str | None) -> None:
        """Puts a passphrase on a key's file, or takes it off."""
        key = self.open(path)
        write_synced(path, _pem(key, passphrase), 0o600)
        self._passphrases.pop(path, None)

    # -- rotation --------------------------------------------------------------------------------------

    def rotate(self, ledger: Ledger, author: Author, moment: datetime) -> tuple[str, str]:
        """Hand the ledger over to a new key; return the old and the new public key. Raises `LedgerError`.

        The hand-over is an event, under a checkpoint that both keys signed.
        """
        old = NoteSigner(self.ledger.name, self.ledger.private)
        fresh = Ed25519PrivateKey.generate()
        locked = is_locked(self.path("ledger").read_bytes())
        secret = self.passphrase(self.path("ledger")).decode() if locked else None
        new = NoteSigner(old.name, fresh)
        text = handover_text(str(old.key), str(new.key))
        detail = {"old": str(old.key), "new": str(new.key), "note": sign(text, old, new)}
        ledger.hand_over(
            Event("key-handover", moment, detail),
            author,
            new,
            lambda: write_synced(self.path("ledger.next"), _pem(fresh, secret), 0o600),
            lambda: self._commit(new),
        )
        return str(old.key), str(new.key)

    def finish_rotation(self, ledger: Ledger) -> None:
        """Finish what a crash left half done: the new key takes over if the ledger says so, else it is dropped.

        Raises `ConfigError`, `LedgerError`.
        """
        path = self.path("ledger.next")
        if not path.exists():
            return
        try:
            new = NoteSigner(self.ledger.name, self.open(path))
        except ConfigError:
            if path.exists():
                raise
            return  # another process was in the middle of it, and has finished

        def end(handed_over: bool) -> None:
            if not path.exists():
                return  # the same
            if handed_over:
                self._commit(new)
            else:
                path.unlink()

        ledger.resume_hand_over(new, end)

    def _commit(self, new: NoteSigner) -> None:
        retired = self.folder / "retired"
        retired.mkdir(mode=0o700, exist_ok=True)
        old = self.path("ledger").read_bytes()
        if self.ledger.key != new.key:
            write_synced(retired / f"{self.ledger.key.key_id.hex()}.key", old, 0o600)
        write_synced(self.folder / "ledger.vkey", f"{new.key}\n".encode())
        self._passphrases[self.path("ledger")] = self._passphrases.get(self.path("ledger.next"), b"") or (
            self._passphrases.get(self.path("ledger"), b"")
        )
        self.path("ledger.next").replace(self.path("ledger"))


def create_keys(home: Path) -> None:
    """Make the keys of a new home that are missing. Raises `DiskError`."""
    folder = home / "keys"
    for name in ("ledger", "person"):
        if not (folder / f"{name}.key").exists():
            write_synced(folder / f"{name}.key", _pem(Ed25519PrivateKey.generate(), None), 0o600)
    if not (folder / "origin").exists():
        # An origin that names nobody: it appears in every checkpoint that is handed out.
        write_synced(folder / "origin", f"archiver.invalid/{secrets.token_hex(6)}\n".encode(), 0o600)
    origin = (folder / "origin").read_text("utf-8").strip()
    signer = NoteSigner(origin, Keyring(home, {}).private("ledger"))
    write_synced(folder / "ledger.vkey", f"{signer.key}\n".encode())


def handover_text(old: str, new: str) -> str:
    """What both keys sign when one follows the other."""
    return f"archiver-key-handover/1\n{old}\n{new}\n"


def is_locked(pem: bytes) -> bool:
    return b"ENCRYPTED PRIVATE KEY" in pem


def _pem(key: Ed25519PrivateKey, passphrase: str | None) -> bytes:
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
