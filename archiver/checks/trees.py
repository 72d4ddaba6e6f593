"""The inside of a folder or a ZIP by its names, read without trust: nothing is followed, unpacked or held without limit."""

from __future__ import annotations

import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Protocol

from archiver.checks.foreign import READ, ForeignReport
from storage.digest import Digests

JSON_LIMIT = 32 << 20
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
"""What reading a damaged entry of a ZIP raises."""
UNREADABLE = (*DAMAGED, KeyError, RuntimeError, NotImplementedError, ValueError, OverflowError)
"""What opening one raises besides: it may be encrypted, or of an unknown kind."""


class TooLarge(ValueError):
    """A file that is larger than what is read into memory."""


class Tree(Protocol):
    """A folder, or the inside of a ZIP."""

    odd: list[str]
    """Links and special files, which are not opened."""

    def names(self) -> list[str]:
        """List the files, by their paths with `/`."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file. Raises what `UNREADABLE` lists."""


class Folder:
    """A folder on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.odd: list[str] = []

    def names(self) -> list[str]:
        """List the ordinary files, in order; what is none goes to `odd`."""
        found = []
        for folder, folders, files in os.walk(self.root, followlinks=False):
            for name in [*files, *folders]:
                path = Path(folder) / name
                mode = path.lstat().st_mode
                relative = str(path.relative_to(self.root)).replace(os.sep, "/")
                if stat.S_ISREG(mode):
                    found.append(relative)
                elif not stat.S_ISDIR(mode):
                    self.odd.append(relative)
        return sorted(found)

    def open(self, name: str) -> IO[bytes]:
        """Open a file. Raises `OSError`."""
        return open(self.root / name, "rb")


class Zip:
    """What lies in a ZIP below `prefix`."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str = "") -> None:
        self._archive, self._prefix = archive, prefix
        self.odd: list[str] = []

    def names(self) -> list[str]:
        """List the files, in the order of the ZIP."""
        start = len(self._prefix)
        return [
            name[start:]
            for name in self._archive.namelist()
            if name.startswith(self._prefix) and not name.endswith("/")
        ]

    def open(self, name: str) -> IO[bytes]:
        """Open a file. Raises what `UNREADABLE` lists."""
        return self._archive.open(self._prefix + name)


def load(tree: Tree, name: str, limit: int = JSON_LIMIT) -> bytes:
    """Return the whole of a file of at most `limit` bytes. Raises what `UNREADABLE` lists, `TooLarge`."""
    with tree.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"more than {limit >> 20} MiB: not read")
    return data


def digest(tree: Tree, name: str, *algorithms: str) -> tuple[int, dict[str, str]]:
    """Return (size, digests in hex by algorithm) of a file. Raises what `UNREADABLE` lists."""
    running = Digests(*algorithms)
    with tree.open(name) as stream:
        while data := stream.read(READ):
            running.update(data)
    return running.size, running.hexdigests()


def hindered(report: ForeignReport, where: str, error: Exception) -> None:
    """Add why something could not be read: damage in it, or that it could not be opened, which says nothing of it."""
    system = isinstance(error, OSError) and error.errno is not None
    # zipfile raises RuntimeError for what is encrypted, and NotImplementedError, one of them, for methods it lacks.
    if system or isinstance(error, (RuntimeError, TooLarge)):
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        report.unread(where, f"cannot be read: {said}")
    else:
        report.damage(where, f"cannot be read: {error}")


def leaves(name: str) -> bool:
    """Return whether a name inside a package would lead out of the folder that the package is unpacked in."""
    return name.startswith("/") or ".." in name.split("/") or "\\" in name or bool(re.match(r"[A-Za-z]:", name))


def shown(name: str) -> str:
    """Return a name as it can be printed: ASCII, and no longer than 200 characters."""
    return name.encode("ascii", "backslashreplace").decode()[:200]
