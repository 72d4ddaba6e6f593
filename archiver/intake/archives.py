"""The files inside a ZIP or tar archive, one level deep. Nothing is written to the disk; names only name."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, cast

from archiver.checks.packages import ENTRIES, GROWN, GROWTH, HELD_LIMIT, open_entry, plain_start, unpackable
from archiver.checks.trees import leaves

_BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)
_FOREIGN = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "LZ4",
}
_OFFICE = ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF")
"""Entries by which a ZIP is a document or a program, whose parts are no saved pages."""


@dataclass(frozen=True)
class Entry:
    """A file inside an archive. `open`: as a stream that can seek. `odd`: whether its name leads out of the archive."""

    name: str
    open: Callable[[], IO[bytes]]

    @property
    def odd(self) -> bool:
        """Return whether its name would lead out of the folder in which the archive is unpacked."""
        return leaves(self.name)


class Unreadable(ValueError):
    """An archive, or the rest of one, that is not read. Its text says why."""


def unopened(start: bytes) -> str | None:
    """Return of which kind an archive is that the program never opens; None for all else."""
    return next((name for magic, name in _FOREIGN.items() if start.startswith(magic)), None)


def is_tar(start: bytes) -> bool:
    """Return whether a file that begins with these bytes (512 at least) is a tar archive, compressed or not."""
    if start.startswith(b"BZh"):
        try:
            start = bz2.BZ2Decompressor().decompress(start, 512)
        except (OSError, ValueError):
            return False
    return plain_start(start)[257:262] == b"ustar"


# -- ZIP -------------------------------------------------------------------------------------------------------------


def zip_entries(stream: IO[bytes]) -> Iterator[Entry]:
    """Yield the files of a ZIP. Raises `Unreadable` where it is damaged, or would grow beyond all measure."""
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise Unreadable(f"damage: no readable ZIP: {error}") from error
    with archive:
        if (reason := unpackable(archive)) is not None:
            raise Unreadable(f"damage: {reason}")
        names = set(archive.namelist())
        if any(name in names for name in _OFFICE):
            raise Unreadable("a document or program in the form of a ZIP: not read")
        for entry in archive.infolist():
            if not entry.is_dir():
                yield Entry(entry.filename, partial(open_entry, archive, entry))


# -- tar -------------------------------------------------------------------------------------------------------------


class _Bounded(io.RawIOBase):
    """What is decompressed of a tar archive, up to a limit."""

    def __init__(self, plain: Any, limit: int) -> None:
        self._plain, self._limit = plain, limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > HELD_LIMIT:
            raise Unreadable(f"damage: a part of {size} bytes: not read")
        self._allow(self._plain.tell() + size)
        return cast(bytes, self._plain.read(size))

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._allow(offset)
        return int(self._plain.seek(offset, whence))

    def tell(self) -> int:
        return int(self._plain.tell())

    def _allow(self, upto: int) -> None:
        if upto > self._limit:
            raise Unreadable(f"damage: would grow to more than {self._limit} bytes: not unpacked")


def tar_entries(stream: IO[bytes]) -> Iterator[Entry]:
    """Yield the files of a tar archive, plain, gzip or bzip2. Links and devices are passed over.

    An entry can be opened until the next one is taken. Raises `Unreadable` where the archive goes no further.
    """
    packed = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    start = stream.read(4)
    stream.seek(0)
    plain: Any = stream
    if start.startswith(b"\x1f\x8b"):
        plain = gzip.GzipFile(fileobj=stream)
    elif start.startswith(b"BZh"):
        plain = bz2.BZ2File(stream)
    limit = packed if plain is stream else max(GROWN, GROWTH * packed)
    try:
        bounded = cast(IO[bytes], _Bounded(plain, limit + tarfile.RECORDSIZE))
        with tarfile.open(fileobj=bounded, mode="r:", errors="replace") as archive:
            for count, member in enumerate(archive):
                if count >= ENTRIES:
                    raise Unreadable(f"damage: more than {ENTRIES} entries: the rest is not read")
                if member.isreg() and member.size >= 0:
                    yield Entry(member.name, partial(_open_member, archive, member, plain is not stream))
    except Unreadable:
        raise
    except _BROKEN as error:
        raise Unreadable(f"damage: no readable tar archive from here on: {error}") from error


def _open_member(archive: tarfile.TarFile, member: tarfile.TarInfo, compressed: bool) -> IO[bytes]:
    """Raises what reading a damaged archive raises, all of it `ValueError`, `OSError`, `EOFError` or `zlib.error`."""
    if compressed and member.size > HELD_LIMIT:
        raise OSError(f"{member.size} bytes, compressed: unpack it first")
    try:
        opened = archive.extractfile(member)
        if opened is None:
            raise OSError("nothing to read")
        return io.BytesIO(opened.read(HELD_LIMIT)) if compressed else opened
    except tarfile.TarError as error:
        raise OSError(str(error)) from error
