"""The facts of a media file, read by the tools that are installed on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archiver.tools import ffmpeg


class LocalInspector:
    """Runs ffprobe, exiftool and a C2PA reader on a file. Implements `archiver.home.ports.Inspector`."""

    def available(self) -> bool:
        """Return whether anything is installed that could say more of a file."""
        return ffmpeg.probes()

    def facts(self, path: Path, c2pa_marked: bool) -> dict[str, Any]:
        """Return what each tool that is installed says of a file, by the tool's name."""
        return ffmpeg.probe(path, c2pa_marked)
