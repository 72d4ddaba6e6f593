"""One home's part of a destination: what an object is called there, and for whom it is encrypted.

A place of one's own holds things as they are, named by their SHA-256. At any other, each object is an age file, and its name
is an HMAC: the provider can neither read what we hold nor confirm that we hold something it knows.

    <home>/ring/<…>                who this home is, and the key of the names; for everybody who holds a key of a case
    <home>/keyring/<…>             the home's private keys and settings; for the recovery key alone
    <home>/ledger/<from>-<to>…     events, checkpoints            <home>/proof/<…>   timestamps
    <home>/tile/<L>/<N>…           the tree, as in ledger/tile    <home>/checkpoint/<size>
    <home>/key/<…>                 the key of one capture; destroying it destroys the capture's copy (encrypted places only)
    <home>/capture/<…>             the small files of a capture, packed
    <home>/file/<…>                a large file of a capture
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyrage

from archiver.copies.locks import lock_line
from storage.digest import Sha256, keyed, sha256
from storage.errors import FormatError, OtherContent, disk_error
from storage.files import sync_folder
from storage.objects import Content, Lock, ObjectStore, Stored, keep

AGE = b"age-encryption.org/v1"
AGAIN = ".r"
"""Between the key of an object and what tells a later copy of the same content from it."""
SPOOLED = 8 << 20
"""Content above this is encrypted into a file first, so that an upload that broke goes on with the same bytes."""
Identities = Sequence[pyrage.x25519.Identity]
Recipients = Sequence[pyrage.x25519.Recipient]


@dataclass(frozen=True)
class StoredCopy:
    """An object that lies at a destination and was checked there.

    `sha256`, `size`: of the content; `stored_…`: as it lies there, encrypted where that is due.
    """

    key: str
    size: int
    sha256: str
    stored_size: int
    stored_sha256: str
    version: str | None
    checksum: str | None
    how: str
    lock: Lock | None

    def line(self) -> dict[str, Any]:
        """Return the copy as the `replicated` event holds it."""
        full: dict[str, Any] = {
            "key": self.key, "size": self.size, "sha256": self.sha256, "version": self.version, "checksum": self.checksum,
            "how": self.how, "lock": lock_line(self.lock),
        }  # fmt: skip
        if self.stored_sha256 != self.sha256:
            full |= {"stored_size": self.stored_size, "stored_sha256": self.stored_sha256}
        return {name: value for name, value in full.items() if value is not None}


class CannotOpen(FormatError):
    """No key here opens the object, or it was changed."""


class Vault:
    """Objects of one home in a store. `names`: the key of the names; None at a place of one's own."""

    def __init__(
        self, store: ObjectStore, home: str, names: bytes | None, opens: Identities, outgoing: Path | None = None
    ) -> None:
        """`home`: its folder there. `opens`: what everything of this home can be opened with."""
        self.store, self.home, self.names, self.opens, self._outgoing = store, home, names, tuple(opens), outgoing

    @property
    def encrypted(self) -> bool:
        """Whether objects are encrypted: everywhere but at a place of one's own."""
        return self.names is not None

    def named(self, kind: str, digest: str) -> str:
        """Return the key of what is found by a digest."""
        if self.names is not None:
            digest = keyed(self.names, f"{kind}/{digest}".encode()).hex()
        return f"{self.home}/{kind}/{digest[:2]}/{digest}"

    def mark(self, data: bytes) -> str:
        """Return sixteen letters that tell one content from another, for names that need it.

        They are of no use without the key of the names.
        """
        return (keyed(self.names, data) if self.names is not None else sha256(data)).hex()[:16]

    # -- writing ---------------------------------------------------------------------------------------

    def keep(
        self, key: str, content: Content, lock: Lock | None, recipients: Recipients, opens: Identities = ()
    ) -> StoredCopy:
        """Put an object there, encrypted where that is due, and check that it lies there.

        `opens`: the keys by which one that lies there already is recognised.
        Raises `StoreError`, `DiskError`.
        """
        if not self.encrypted:
            found, how = keep(self.store, key, content, lock)
            return _kept(key, content, content, found, how)
        sealed, spool = self._sealed(key, content, recipients)
        try:
            found, how = keep(self.store, key, sealed, lock)
            kept = _kept(key, content, sealed, found, how)
        except OtherContent:
            # Encrypting twice gives other bytes. What lies there is ours if it opens to the same content.
            there = self._same_inside(key, content, lock, opens)
            if there is None:
                raise
            kept = there
        if spool is not None:
            spool.unlink(missing_ok=True)
        return kept

    def _sealed(self, key: str, content: Content, recipients: Recipients) -> tuple[Content, Path | None]:
        if content.size <= SPOOLED or self._outgoing is None:
            return Content.of(pyrage.encrypt(b"".join(content.pieces()), list(recipients))), None
        spool = self._outgoing / f"{sha256(key.encode()).hex()}.age"
        if not spool.exists():
            working = spool.with_name(f"{spool.name}.{os.getpid()}.new")
            try:
                self._outgoing.mkdir(parents=True, exist_ok=True, mode=0o700)
                with open(working, "wb") as out:
                    pyrage.encrypt_io(PieceReader(content.pieces()), out, list(recipients))
                    out.flush()
                    os.fsync(out.fileno())
                working.rename(spool)
                sync_folder(self._outgoing)
            except OSError as error:
                raise disk_error(error, "encrypting a copy") from error
            finally:
                working.unlink(missing_ok=True)
        return Content.of(spool), spool

    def _same_inside(self, key: str, content: Content, lock: Lock | None, opens: Identities = ()) -> StoredCopy | None:
        there = self.store.head(key)
        if there is None:
            return None
        try:
            stored, inside = self.measure(key, opens, there.version)
        except CannotOpen:
            return None
        if inside.hexdigest() != content.sha256:
            return None
        found = relock(self.store, there, lock)
        return StoredCopy(
            key, content.size, content.sha256, stored.size, stored.hexdigest(), found.version, found.checksum,
            "read back", found.lock,
        )  # fmt: skip

    # -- reading ---------------------------------------------------------------------------------------

    def read(self, key: str, opens: Identities = (), version: str | None = None) -> bytes:
        """Return a small object, decrypted. Raises `KeyError`, `CannotOpen`, `StoreError`."""
        return opened(b"".join(self.store.get(key, version=version)), (*opens, *self.opens))

    def copy(self, key: str, opens: Identities, out: Any, version: str | None = None) -> tuple[Sha256, Sha256]:
        """Write the decrypted object to `out`; return the digests of what lies there and of what is inside.

        Raises `KeyError`, `CannotOpen`, `StoreError`.
        """
        stored, inside = Sha256(), Sha256()
        pieces = _watched(self.store.get(key, version=version), stored)
        first = next(pieces, b"")

        def everything() -> Iterator[bytes]:
            yield first
            yield from pieces

        target = _Out(out, inside)
        if not first.startswith(AGE):
            for piece in everything():
                target.write(piece)
            return stored, inside
        try:
            pyrage.decrypt_io(PieceReader(everything()), target, [*opens, *self.opens])
        except (pyrage.DecryptError, OSError) as error:
            if isinstance(error, OSError) and target.failed is not None:
                raise target.failed from error
            for _ in pieces:  # the digest is of the whole, whatever it holds
                pass
            raise _cannot_open(key, error) from error
        for _ in pieces:
            pass
        return stored, inside

    def measure(self, key: str, opens: Identities, version: str | None = None) -> tuple[Sha256, Sha256]:
        """Return the digests of what lies there and of what is inside, without keeping anything. Raises as `copy`."""
        return self.copy(key, opens, io.RawIOBase(), version)

    def list(self, kind: str) -> list[Stored]:
        """List what lies under `<home>/<kind>/`, keys without that beginning, in order."""
        start = f"{self.home}/{kind}/"
        return [
            Stored(one.key.removeprefix(start), one.size)
            for one in sorted(self.store.list(start), key=lambda one: one.key)
        ]

    def candidates(self, key: str) -> Iterator[str]:
        """Yield the keys where an object may lie: its own, or since a repair one that begins with it."""
        yield key
        for one in self.store.list(f"{key}{AGAIN}"):
            yield one.key

    # -- the key of one capture ------------------------------------------------------------------------

    def capture_key(
        self, manifest_sha256: str, recipients: Recipients, lock: Lock | None
    ) -> tuple[Any, StoredCopy | None]:
        """Return (identity, where its envelope lies) of a capture's own key; make it where there is none.

        (None, None) at a place of one's own, where nothing is encrypted.
        """
        if not self.encrypted:
            return None, None
        fresh = pyrage.x25519.Identity.generate()
        key = self.named("key", manifest_sha256)
        content = Content.of(str(fresh).encode())
        try:
            return fresh, self.keep(key, content, lock, recipients)
        except OtherContent as error:  # an earlier round made one
            with suppress(KeyError, CannotOpen, pyrage.IdentityError):
                text = self.read(key)
                there = self._same_inside(key, Content.of(text), lock)
                if there is not None:
                    return pyrage.x25519.Identity.from_str(text.decode()), there
            raise error

    def opens_capture(self, manifest_sha256: str, also: Identities = ()) -> Identities:
        """Return the keys that open the objects of a capture. Raises `KeyError`, `CannotOpen`, `StoreError`."""
        if not self.encrypted:
            return ()
        found: list[pyrage.x25519.Identity] = []
        failure: Exception | None = None
        for key in self.candidates(self.named("key", manifest_sha256)):
            try:
                found.append(pyrage.x25519.Identity.from_str(self.read(key, also).decode()))
            except (pyrage.IdentityError, UnicodeDecodeError) as error:
                failure = failure or _cannot_open("the key of a capture", error)
            except (KeyError, CannotOpen) as error:
                failure = failure or error
        if not found:
            raise failure or KeyError(manifest_sha256)
        return tuple(found)


def relock(store: ObjectStore, there: Stored, lock: Lock | None) -> Stored:
    """Lock what lies there as asked, where the store can; return the object as it then is."""
    locks: Callable[[str, str | None, Lock], Lock | None] | None = getattr(store, "lock", None)
    if lock is None or locks is None:
        return there
    return replace(there, lock=locks(there.key, there.version, lock))


def opened(data: bytes, opens: Identities) -> bytes:
    """Return an object, decrypted if it is an age file. Raises `CannotOpen`."""
    if not data.startswith(AGE):
        return data
    try:
        return bytes(pyrage.decrypt(data, list(opens)))
    except (pyrage.DecryptError, ValueError) as error:
        raise _cannot_open("an object", error) from error


def _cannot_open(what: str, error: Exception) -> CannotOpen:
    return CannotOpen(
        f"{what}, encrypted to a key in this home", str(error), "Give the recovery key, or use another copy."
    )


def _kept(key: str, content: Content, sealed: Content, found: Stored, how: str) -> StoredCopy:
    return StoredCopy(
        key, content.size, content.sha256, sealed.size, sealed.sha256, found.version, found.checksum, how, found.lock
    )


def _watched(pieces: Iterable[bytes], running: Sha256) -> Iterator[bytes]:
    for piece in pieces:
        running.update(piece)
        yield piece


class PieceReader:
    """A file to read from, made of pieces of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end; everything that is left where `size` is negative."""
        parts, wanted = [], size
        while wanted:
            if not self._left:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._left = memoryview(piece)
                continue
            take = self._left[:wanted] if wanted > 0 else self._left
            parts.append(bytes(take))
            self._left = self._left[len(take) :]
            wanted -= len(take) if wanted > 0 else 0
        return b"".join(parts)


class _Out:
    """Counts and digests what goes to a file; a stream that cannot be written to keeps nothing."""

    def __init__(self, out: Any, running: Sha256) -> None:
        self._out, self._running = out, running
        self.failed: Exception | None = None

    def write(self, data: bytes) -> int:
        self._running.update(data)
        if self._out.writable():
            try:
                self._out.write(data)
            except OSError as error:
                self.failed = disk_error(error, "writing what was fetched")
                raise
        return len(data)

    def flush(self) -> None:
        return
