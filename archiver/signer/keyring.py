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
from dataclasses import replace
from datetime import datetime
from functools import partial
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
from archiver.home.paths import make_folder
from archiver.home.people import keep_person, ledger_key
from storage.errors import disk_error
from storage.events import Author, Event
from storage.files import sync_folder, write_synced
from storage.key_files import changing_keys, put_new_key, sweep_keys, write_new_key
from storage.ledger import Ledger, Unfinished
from storage.note import NoteSigner, VerifierKey, sign

PASSPHRASE = "ARCHIVER_PASSPHRASE"
_PERSON = re.compile(r"[\w-]{1,40}")
_END = re.compile(rb"-----END [A-Z ]*PRIVATE KEY-----\s*\Z")
"""How the file of a whole key ends."""


def require_name(name: str) -> None:
    """Raise `UsageError` where a name is no pseudonym of a person."""
    if not _PERSON.fullmatch(name):
        raise UsageError("a pseudonym of letters, digits and dashes", repr(name), "Choose another.")


class LedgerKey:
    """The ledger's key, read again where another process has handed it over; opened only when it is to sign."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._opened: tuple[str, Ed25519PrivateKey] | None = None

    @property
    def name(self) -> str:
        """The name in the ledger's public key, which is the ledger's origin too."""
        return self.key.name

    @property
    def key(self) -> VerifierKey:
        """The ledger's public key, read from its file each time. Raises `ConfigError`."""
        return ledger_key(self._keyring.folder.parent)

    @property
    def private(self) -> Ed25519PrivateKey:
        """The private key, opened when first needed. Raises `ConfigError`, also where it does not match `key`."""
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
        self._home = home
        self.folder = home / "keys"
        self._environment = environment
        self._passphrases: dict[Path, bytes] = {}
        self.ledger = LedgerKey(self)

    def path(self, name: str) -> Path:
        """Return where the private key `ledger` or `person` lies."""
        return self.folder / f"{name}.key"

    def people(self) -> dict[str, tuple[str, Path]]:
        """Return name → (role, file) of the other people who work in this home."""
        found = {}
        for path in sorted((self.folder / "people").glob("*.*.key")):
            name, role, _ = path.name.rsplit(".", 2)
            found[name] = (role, path)
        return found

    def person(self, name: str) -> Author:
        """Open the key of another person who works in this home. Raises `NotFound`, `ConfigError`."""
        people = self.people()
        if name not in people:
            raise NotFound(
                f"a person {name!r} in this home",
                f"people: {', '.join(people) or 'none'}",
                f"Create a key: archiver keys new {name} --role analyst",
            )
        role, path = people[name]
        return Author(name, self.open(path), role)

    def private(self, name: str) -> Ed25519PrivateKey:
        """Open the key of the `ledger` or the `person`. Raises `ConfigError`."""
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

    def has_passphrase(self, path: Path) -> bool:
        """Return whether a key's file is opened by a passphrase only. Raises `ConfigError` where it cannot be read."""
        try:
            return is_locked(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"the key {path}", str(error), "Restore keys/ from your copy.") from error

    def passphrase(self, path: Path) -> bytes:
        """Return the passphrase of a key's file, asked for once: from the environment, else on the terminal.

        Raises `ConfigError` where there is neither.
        """
        if path not in self._passphrases:
            self._passphrases[path] = self._ask(f"Passphrase of {path.name}: ").encode()
        return self._passphrases[path]

    def _ask(self, prompt: str) -> str:
        if PASSPHRASE in self._environment:
            return self._environment[PASSPHRASE]
        if not sys.stdin.isatty():
            raise ConfigError(f"the passphrase in ${PASSPHRASE}", "none, and no terminal to ask on", "Set it.")
        return ask_secret(prompt)

    def new_passphrase(self) -> str:
        """Ask for a new passphrase, twice on a terminal. Raises `UsageError`, `ConfigError`."""
        first = self._ask("New passphrase: ")
        if PASSPHRASE not in self._environment and ask_secret("Once more: ") != first:
            raise UsageError("the same passphrase twice", "two that differ", "Start over.")
        if len(first) < 8:
            raise UsageError(
                "a passphrase of eight characters or more", f"{len(first)} characters", "Choose a longer one."
            )
        return first

    def new_person(self, name: str, role: str, passphrase: str | None) -> Path:
        """Make a key for somebody else who works in this home; return its file. Raises `UsageError`, `DiskError`."""
        require_name(name)
        path = self.folder / "people" / f"{name}.{role}.key"
        with changing_keys(self._home):  # one name is one key, whatever the roles
            if name in self.people():
                raise UsageError("a new name", f"{name!r}, who already has a key", "Choose another.")
            make_folder(path.parent)
            private = Ed25519PrivateKey.generate()
            put_new_key(path, _pem(private, passphrase))
        public = private.public_key().public_bytes_raw().hex()
        keep_person(self._home, name, lambda one: replace(one, key=public))
        return path

    def unlock(self, name: str) -> None:
        """Ask now for the passphrase of `ledger` or `person`, so that nobody waits for it later.

        Raises `ConfigError`.
        """
        self.open(self.path(name))

    def lock(self, path: Path, passphrase: str | None) -> None:
        """Put a passphrase on a key's file, or take it off. Raises `ConfigError`, `DiskError`.

        The key is read in the lock: another process may have handed the ledger over since it was opened.
        """
        with changing_keys(self._home):
            if path == self.path("ledger") and self.path("ledger.next").exists():
                raise _half_done()
            key = self.open(path)
            write_synced(path, _pem(key, passphrase), 0o600)
        self._passphrases.pop(path, None)

    # -- rotation --------------------------------------------------------------------------------------

    def rotate(self, ledger: Ledger, author: Author, moment: datetime) -> tuple[str, str]:
        """Hand the ledger over to a new key; return the old and the new public key. Raises `LedgerError`.

        The hand-over is an event, under a checkpoint that both keys signed. Which key is the old one is decided in the
        ledger's lock: another process may have handed over while this one waited.
        """
        self.unlock("ledger")
        fresh = Ed25519PrivateKey.generate()
        new = NoteSigner(self.ledger.name, fresh)
        old = str(self.ledger.key)

        def begin() -> tuple[Event, NoteSigner]:
            nonlocal old
            before = NoteSigner(new.name, self.ledger.private)
            old = str(before.key)
            path = self.path("ledger")
            self.open(path)  # again: another process may have changed the passphrase, which the new key gets too
            self._keep_next(_pem(fresh, self.passphrase(path).decode() if self.has_passphrase(path) else None))
            note = sign(handover_text(old, str(new.key)), before, new)
            return Event("key-handover", moment, {"old": old, "new": str(new.key), "note": note}), new

        ledger.hand_over(author, begin, lambda: self._commit(new))
        return old, str(new.key)

    def _keep_next(self, pem: bytes) -> None:
        """Keep the new key until it has taken over; one that a crash left may be the ledger's, and is not replaced."""
        try:
            put_new_key(self.path("ledger.next"), pem)
        except FileExistsError as error:
            raise _half_done() from error

    def finish_rotation(self, ledger: Ledger) -> None:
        """Finish a rotation that a crash left half done, and sweep what it left of files.

        Raises `ConfigError`, `LedgerError`, `DiskError`.
        """
        sweep_keys(self._home, self.folder)
        if self.path("ledger.next").exists():
            ledger.finish_hand_over()

    def unfinished_rotation(self) -> Unfinished | None:
        """Return what a crash left of a rotation, for whoever holds the ledger's lock. Raises `ConfigError`.

        The new key takes over if the ledger says so, else it is dropped. Its passphrase is that of the ledger's key.
        """
        path = self.path("ledger.next")
        if not path.exists():
            return None
        if (secret := self._passphrases.get(self.path("ledger"))) is not None:
            self._passphrases.setdefault(path, secret)
        new = NoteSigner(self.ledger.name, self.open(path)) if _END.search(path.read_bytes()) else None
        return Unfinished(new, partial(self._end_rotation, new))

    def _end_rotation(self, new: NoteSigner | None, handed_over_to: str | None) -> None:
        """Finish the rotation to `new`, in the ledger's lock.

        A key that the ledger's public file names already has taken over, whatever came after: only its last renaming is not on
        the disk. Of one that is no whole key (None) nothing is known, but that the ledger's own key does without it unless the
        newest event hands over to another.
        """
        path = self.path("ledger.next")
        if new is not None and str(new.key) in (handed_over_to, str(self.ledger.key)):
            self._commit(new)
        elif new is not None or handed_over_to is None or handed_over_to == self._own_public():
            path.unlink()
            sync_folder(self.folder)
        else:
            raise ConfigError(
                f"the whole key {path}, which now signs the ledger",
                "only a part of it",
                "Restore keys/ from your copy.",
            )

    def _own_public(self) -> str:
        """Return the public half of the key in ledger.key, whatever ledger.vkey says."""
        return str(NoteSigner(self.ledger.name, self.private("ledger")).key)

    def _commit(self, new: NoteSigner) -> None:
        """Let the new key take over, in an order in which each step can be repeated. Raises `DiskError`."""
        retired = self.folder / "retired"
        try:
            retired.mkdir(mode=0o700, exist_ok=True)
            if self.ledger.key != new.key:
                write_synced(retired / f"{self.ledger.key.key_id.hex()}.key", self.path("ledger").read_bytes(), 0o600)
            write_synced(self.folder / "ledger.vkey", f"{new.key}\n".encode())
            if secret := self._passphrases.pop(self.path("ledger.next"), None):
                self._passphrases[self.path("ledger")] = secret
            self.path("ledger.next").replace(self.path("ledger"))
            sync_folder(self.folder)
        except OSError as error:
            raise disk_error(error, "handing the ledger over") from error


def create_keys(home: Path) -> None:
    """Make the keys of a new home. Raises `FileExistsError` where there is one already, `DiskError`."""
    folder = home / "keys"
    ledger, person = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    # An origin that names nobody: it appears in every checkpoint that is handed out.
    origin = f"archiver.invalid/{secrets.token_hex(6)}"
    write_new_key(home, folder / "ledger.key", _pem(ledger, None))
    write_new_key(home, folder / "person.key", _pem(person, None))
    write_new_key(home, folder / "origin", f"{origin}\n".encode())
    write_new_key(home, folder / "ledger.vkey", f"{NoteSigner(origin, ledger).key}\n".encode(), 0o644)


def ask_secret(prompt: str) -> str:
    """Ask on the terminal for something that is not shown there.

    Raises `ConfigError` where the input ends instead (Ctrl-D).
    """
    try:
        return getpass.getpass(prompt)
    except EOFError as error:
        raise ConfigError("a passphrase", "the end of the input", f"Type one, or set ${PASSPHRASE}.") from error


def _half_done() -> ConfigError:
    return ConfigError(
        "no unfinished hand-over of the ledger",
        "one left unfinished by another process",
        "Run the command again: it finishes that one first.",
    )


def handover_text(old: str, new: str) -> str:
    """Return the text that both keys sign when one follows the other."""
    return f"archiver-key-handover/1\n{old}\n{new}\n"


def is_locked(pem: bytes) -> bool:
    """Return whether a private key in PEM is encrypted (PKCS #8, RFC 7468 section 11)."""
    return b"ENCRYPTED PRIVATE KEY" in pem


def _pem(key: Ed25519PrivateKey, passphrase: str | None) -> bytes:
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
