"""Where copies are kept: one contract of four methods. `MemoryStore` and `FolderStore` are here, `S3Store` in `s3.py`.

    put     content under a key that nobody has used yet; the same content again is no error, other content is
    get     its bytes, whole or a range, of exactly the version that was put
    head    what the store states of a key
    list    what lies under a prefix, in the order of the keys

Nothing is ever overwritten and nothing is removed by these. A store is not believed: `keep` is what others call; it
puts, asks back, and where the store states no checksum of its own reads every byte again.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import stat
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from storage.digest import Digests, Sha256, sha256
from storage.errors import OtherContent, StoreError, disk_error
from storage.files import sync_folder

READ = 1 << 20
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=-]*(?:/[A-Za-z0-9_][A-Za-z0-9._=-]*)*")


@dataclass(frozen=True)
class Lock:
    """How long nobody may remove an object.

    `governance` can be lifted by a special right, `compliance` by nobody at all. `hold`: a legal hold, which has no
    end of its own.
    """

    mode: str | None = None
    until: datetime | None = None
    hold: bool = False


@dataclass(frozen=True)
class Stored:
    """An object as its store describes it."""

    key: str
    size: int
    version: str | None = None
    """Names this very content where the store keeps versions: what a later writer puts under the key has another."""
    checksum: str | None = None
    """`sha256:<hex>` of the whole, or `sha256-parts:<base64>-<count>`; None where the store states none."""
    lock: Lock | None = None
    part: int | None = None
    """Of what length the parts were that `sha256-parts` is over."""


@dataclass(frozen=True)
class Remains:
    """A version of an object that could not be removed, and why."""

    key: str
    version: str | None
    lock: Lock | None
    why: str


@dataclass(frozen=True)
class Content:
    """What is to be kept: bytes, or a file of any size."""

    size: int
    sha256: str
    source: bytes | Path = field(repr=False)
    _known: dict[tuple[int, int], bytes] = field(default_factory=dict, repr=False, compare=False)
    """Digests of parts that were computed on the way."""

    @classmethod
    def of(cls, source: bytes | Path) -> Content:
        """Read `source` once for its size and SHA-256. Raises `DiskError`."""
        running = Sha256()
        for piece in _pieces(source, 0, None):
            running.update(piece)
        return cls(running.size, running.hexdigest(), source)

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start`, `length` of them or all. Raises `DiskError`."""
        return _pieces(self.source, start, length)

    def checksum_in_parts(self, part: int) -> str:
        """Compute the checksum that S3 states for an upload in parts of `part` bytes, from the parts' SHA-256."""
        digests = [self.part_digest(start, part) for start in range(0, self.size, part)]
        return f"sha256-parts:{base64.b64encode(sha256(*digests)).decode()}-{len(digests)}"

    def md5(self, start: int, length: int) -> str:
        """Compute a part's MD5 in hex, only to recognise a part that a server lists by its ETag. Raises `DiskError`."""
        running = Digests("md5")
        for piece in self.pieces(start, length):
            running.update(piece)
        return running.hexdigests()["md5"]

    def part_digest(self, start: int, length: int, data: bytes | None = None) -> bytes:
        """Compute the SHA-256 of a part, 32 bytes. `data`: its bytes, if already read. Raises `DiskError`."""
        length = min(length, self.size - start)
        if (start, length) not in self._known:
            self._known[start, length] = sha256(data) if data is not None else self._digest(start, length)
        return self._known[start, length]

    def _digest(self, start: int, length: int) -> bytes:
        running = Sha256()
        for piece in self.pieces(start, length):
            running.update(piece)
        return running.digest()


def _pieces(source: bytes | Path, start: int, length: int | None) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source[start:] if length is None else source[start : start + length]
        return
    try:
        with open(source, "rb", buffering=0) as stream:
            stream.seek(start)
            left = length
            while data := stream.read(READ if left is None else min(READ, left)):
                left = None if left is None else left - len(data)
                yield data
    except OSError as error:
        raise disk_error(error, f"reading {source.name}") from error


class ObjectStore(Protocol):
    """A place for copies, by a contract of four methods. Every one may raise `Unreachable` and `Refused`.

    `remove` is none of the four: it is for disposal alone, which two people decide.
    """

    @property
    def truthful(self) -> bool:
        """Whether the store was seen to compute the checksum that it states."""
        ...

    def put(self, key: str, content: Content, lock: Lock | None = None) -> Stored:
        """Keep `content` unless the key is in use. Raises `OtherContent`, at the latest when `keep` reads it back."""
        ...

    def get(self, key: str, start: int = 0, length: int | None = None, version: str | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start`, `length` of them or all. Raises `KeyError` where there is no such object."""
        ...

    def head(self, key: str, version: str | None = None) -> Stored | None:
        """Describe an object; None where there is no such one."""
        ...

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """List the newest version of each key; checksums and locks are left out."""
        ...

    def remove(self, key: str) -> Sequence[Remains]:
        """Remove every version of an object; return what could not be removed."""
        ...


def check_key(key: str) -> str:
    """Return `key`, or raise `ValueError` where some file system or server would read it as another."""
    if not _KEY.fullmatch(key) or len(key) > 900:
        raise ValueError(f"a key that is not safe everywhere: {key!r}")
    return key


def keep(store: ObjectStore, key: str, content: Content, lock: Lock | None = None) -> tuple[Stored, str]:
    """Put an object, and make sure that it lies there: (what the store states, how that was found).

    `stated`: the store's own checksum is ours. `read back`: it states none, so every byte was fetched again.
    Raises `OtherContent` where it is not what was put, `Unreachable`, `Refused`.
    """
    put = store.put(key, content, lock)
    found = store.head(key, put.version)
    if found is None:
        raise StoreError(
            f"{key} where it was just put",
            "nothing",
            "Run the command again; if this happens again, stop using this store.",
        )
    if found.size != content.size:
        raise _other(key, f"{found.size} bytes, not {content.size}")
    if lock is not None and not at_least(found.lock, lock):
        raise StoreError(
            f"{key} locked as asked", f"{found.lock}", "See the bucket's Object Lock; nothing was removed here."
        )
    if store.truthful and found.checksum == f"sha256:{content.sha256}":
        return found, "stated"
    if store.truthful and found.part and found.checksum == content.checksum_in_parts(found.part):
        return found, "stated"
    running = Sha256()
    for piece in store.get(key, version=found.version):
        running.update(piece)
    if running.hexdigest() != content.sha256:
        raise _other(key, "other bytes")
    return found, "read back"


def at_least(found: Lock | None, asked: Lock) -> bool:
    """Return whether the lock that was found is the one asked for, or a stricter one."""
    if found is None or (asked.hold and not found.hold):
        return False
    if asked.mode is None or asked.until is None:
        return True
    stricter = found.mode == asked.mode or found.mode == "compliance"
    return stricter and found.until is not None and found.until >= asked.until.replace(microsecond=0)


def _other(key: str, found: str) -> OtherContent:
    return OtherContent(
        f"what we put under {key}",
        found,
        "Somebody else writes there, or the store is damaged: check it before you remove anything here.",
    )


class MemoryStore:
    """A store in memory: for tests, and the standard that the other stores are measured by."""

    truthful = True

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, Lock | None]] = {}
        self._mutex = threading.Lock()

    def put(self, key: str, content: Content, lock: Lock | None = None) -> Stored:
        """Keep `content` unless the key is in use. Raises `OtherContent`, and `ValueError` for an unsafe key."""
        data = b"".join(content.pieces())
        with self._mutex:
            there = self._objects.setdefault(check_key(key), (data, lock))
        if there[0] != data:
            raise _other(key, "other bytes")
        return self._stored(key, *there)

    def get(self, key: str, start: int = 0, length: int | None = None, version: str | None = None) -> Iterator[bytes]:
        """Return the bytes from `start`, `length` of them or all. Raises `KeyError` where there is no such object."""
        data = self._objects[key][0]
        return _pieces(data, start, length)

    def head(self, key: str, version: str | None = None) -> Stored | None:
        """Describe an object; None where there is no such one."""
        return self._stored(key, *self._objects[key]) if key in self._objects else None

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """List the objects whose keys begin with `prefix`, by key; checksums and locks are left out."""
        for key in sorted(key for key in self._objects if key.startswith(prefix)):
            yield Stored(key, len(self._objects[key][0]), "1")

    def remove(self, key: str) -> Sequence[Remains]:
        """Remove an object. Only `archiver dispose` calls it."""
        self._objects.pop(key, None)
        return []

    @staticmethod
    def _stored(key: str, data: bytes, lock: Lock | None) -> Stored:
        return Stored(key, len(data), "1", f"sha256:{sha256(data).hex()}", lock)


class FolderStore:
    """A folder on another disk: no versions, locks or checksums of its own. A put is a hard link: it never replaces."""

    truthful = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, content: Content, lock: Lock | None = None) -> Stored:
        """Keep `content` durably unless the key is in use; `lock` is ignored. Raises `OtherContent`, `DiskError`."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.new")
        try:
            self._make(path.parent)
            try:
                with open(temporary, "wb") as stream:
                    for piece in content.pieces():
                        stream.write(piece)
                    stream.flush()
                    os.fsync(stream.fileno())
                self._open_to_its_readers(temporary, 0o644)
                os.link(temporary, path)
            except FileExistsError as error:
                if Content.of(path).sha256 != content.sha256:
                    raise _other(key, "other bytes") from error
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as error:
            raise disk_error(error, f"putting {key} into {self.folder}") from error
        return Stored(key, content.size)

    def get(self, key: str, start: int = 0, length: int | None = None, version: str | None = None) -> Iterator[bytes]:
        """Return the bytes from `start`, `length` of them or all. Raises `KeyError`, and `DiskError` while reading."""
        path = self._path(key)
        if not path.is_file():
            raise KeyError(key)
        return _pieces(path, start, length)

    def head(self, key: str, version: str | None = None) -> Stored | None:
        """Describe an object by its size alone; None where there is no such one."""
        path = self._path(key)
        return Stored(key, path.stat().st_size) if path.is_file() else None

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """List the objects whose keys begin with `prefix`, by key."""
        found = {
            path.relative_to(self.folder).as_posix(): path
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        for key in sorted(key for key in found if key.startswith(prefix)):
            yield Stored(key, found[key].stat().st_size)

    def remove(self, key: str) -> Sequence[Remains]:
        """Remove an object, or return why it could not be. Only `archiver dispose` calls it.

        What a disk keeps of a removed file is outside our reach; encryption helps there.
        """
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            return [Remains(key, None, None, str(error))]
        return []

    def _make(self, folder: Path) -> None:
        """Make a folder in the place, and those above it."""
        if folder == self.folder:
            folder.mkdir(parents=True, exist_ok=True)
        elif not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            self._open_to_its_readers(folder, 0o2775)

    def _open_to_its_readers(self, path: Path, most: int) -> None:
        """Let those read who read the place, a team perhaps, whatever the umask is for what is one person's alone."""
        with contextlib.suppress(PermissionError):  # a disk that knows no modes, or another process made it
            os.chmod(path, stat.S_IMODE(self.folder.stat().st_mode) & most)

    def _path(self, key: str) -> Path:
        return self.folder / check_key(key)
