"""JSON lines that can be shown or withheld one by one.

Each line carries its own 32-byte salt, so its leaf hash, SHA-256(00 ‖ line), says nothing to who has not seen it;
the manifest holds the RFC 6962 root over all lines of a file. One line and an inclusion proof prove that it was there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from storage.errors import FormatError, disk_error
from storage.merkle import Frontier, leaf_hash


class LineFile:
    """A file that grows by lines, one `write(2)` each time, so that they survive the process. Raises `DiskError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise disk_error(error, f"opening {path.name}") from error

    def append(self, lines: Sequence[dict[str, Any]]) -> None:
        """Append lines, each with a salt of its own, in one write."""
        self.append_raw(b"".join(salted_line(line) for line in lines))

    def append_raw(self, data: bytes) -> None:
        """Append bytes that end in a line feed; where the write fails, none of them stay."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - (len(data) - len(view)))
            raise disk_error(error, f"writing {self._path.name}") from error

    def close(self) -> None:
        """Sync the file and close it. Raises `OSError`."""
        os.fsync(self._fd)
        os.close(self._fd)


def salted_line(line: dict[str, Any]) -> bytes:
    """Write a line as JSON with 32 fresh random bytes of salt, and a line feed."""
    return plain_line({"salt": os.urandom(32).hex(), **line})


def plain_line(line: dict[str, Any]) -> bytes:
    """Write a line that has its salt as JSON, and a line feed."""
    # Surrogates cannot be UTF-8; a hostile page must not be able to stop the recording of what it said.
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Parse the lines of a file. Raises `FormatError` on anything that is not an object, `OSError`."""
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _bad(path, number, str(error)) from error
            if not isinstance(value, dict):
                raise _bad(path, number, type(value).__name__)
            yield value


def lines_root(path: Path) -> dict[str, Any]:
    """Compute `{"count", "root"}` over the lines of a file; a line's final LF is not part of its leaf."""
    frontier = Frontier()
    with open(path, "rb") as stream:
        for line in stream:
            frontier.append(leaf_hash(line.removesuffix(b"\n")))
    return {"count": frontier.size, "root": frontier.root().hex()}


def _bad(path: Path, number: int, found: str) -> FormatError:
    return FormatError(f"a JSON object in {path.name} line {number}", found, "Run `archiver check` on the capture.")
