"""Reading the files of sealed captures, a few of which are kept in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from storage.errors import FormatError
from storage.lines import read_lines
from storage.manifest import MANIFEST

T = TypeVar("T")


class CaptureFiles:
    """Reads the files of captures; what was read of the last few is kept."""

    def __init__(self) -> None:
        self._kept: dict[Path, Any] = {}

    def lines(self, path: Path) -> list[dict[str, Any]]:
        """Read the lines of a file, without their salts. Raises `FormatError`."""
        return self._read(path, lambda: [{k: v for k, v in one.items() if k != "salt"} for one in read_lines(path)])

    def manifest(self, folder: Path) -> dict[str, Any]:
        """Read the manifest of a capture. Raises `FormatError`."""

        def read() -> dict[str, Any]:
            said: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
            return said

        return self._read(folder / MANIFEST, read)

    def _read(self, path: Path, read: Callable[[], T]) -> T:
        if path not in self._kept:
            try:
                found = read()
            except OSError as error:
                name = path.parent.name
                raise FormatError(
                    f"readable files of the capture {name}", str(error), "Run `archiver check`; restore it from a copy."
                ) from error
            self._kept[path] = found
            while len(self._kept) > KEPT_FILES:
                self._kept.pop(next(iter(self._kept)), None)
            return found
        kept: T = self._kept[path]
        return kept


KEPT_FILES = 32
"""Files of captures that are kept in memory: of some eight captures, the newest ones."""
