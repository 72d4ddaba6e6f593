"""A package as one encrypted file: a deterministic tar, streamed through age."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyrage

from storage.errors import disk_error
from storage.files import sync_folder

READ = 1 << 20


class _Reader:
    """What age reads from: the tar, made as it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        if size < 0:
            size = len(self._left)
        data, self._left = self._left[:size], self._left[size:]
        return data


def tar(folder: Path) -> Iterator[bytes]:
    """Write a folder as a tar: names sorted, no times, no owners."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
        entry.size, entry.mode = path.stat().st_size, 0o755 if path.suffix == ".py" else 0o644
        yield entry.tobuf(tarfile.PAX_FORMAT)
        with open(path, "rb") as stream:
            while data := stream.read(READ):
                yield data
        yield bytes(-entry.size % 512)
    yield bytes(1024)


def encrypt(folder: Path, out: Path, recipients: list[pyrage.x25519.Recipient]) -> None:
    """Write `out`, an age file that the recipients can open; it is on the disk when this returns. Raises `DiskError`."""
    working = out.with_name(out.name + ".part")
    try:
        with open(working, "wb") as stream:
            pyrage.encrypt_io(_Reader(tar(folder)), stream, recipients)
            stream.flush()
            os.fsync(stream.fileno())
        working.rename(out)
        sync_folder(out.parent)
    except (OSError, pyrage.EncryptError) as error:
        working.unlink(missing_ok=True)
        raise disk_error(error if isinstance(error, OSError) else OSError(str(error)), f"writing {out.name}") from error
