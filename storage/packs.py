"""Several small files as one object: a tar (POSIX.1-2001 pax) without times or owners, so that the same files give the same bytes."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable

from storage.errors import FormatError

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(?:/[A-Za-z0-9_][\w.-]*)*", re.ASCII)


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack files (name, content), in this order. Raises `ValueError` for a name that could leave its folder."""
    parts = []
    for name, data in files:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a pack: {name!r}")
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        parts += [entry.tobuf(tarfile.PAX_FORMAT), data, bytes(-len(data) % 512)]
    return b"".join([*parts, bytes(1024)])


def unpack(data: bytes) -> list[tuple[str, bytes]]:
    """Return the files of a pack. Raises `FormatError` on anything that `pack` would not write: any changed bit."""
    files = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                source = archive.extractfile(entry) if entry.isreg() else None
                files.append((entry.name, source.read() if source is not None else b""))
        if pack(files) != data:
            raise _bad("other bytes than its files would give")
    except (tarfile.TarError, EOFError, ValueError, OverflowError, OSError) as error:
        raise _bad(str(error)) from error
    return files


def _bad(found: str) -> FormatError:
    return FormatError("a pack of plain files", found, "Take it from another copy.")
