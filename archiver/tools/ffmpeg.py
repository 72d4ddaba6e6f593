"""ffmpeg on files we hold. Never with a network: only file names go in."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from archiver.children import program, run
from archiver.errors import ArchiverError

TIMEOUT = 3600.0
FILES_ONLY = ("-protocol_whitelist", "file")
"""Before each input: ffmpeg forgets its options from one to the next. What a file names is read from files or not at all."""
_TYPES = {".mp4": "video/mp4", ".webm": "video/webm", ".mkv": "video/x-matroska", ".m4a": "audio/mp4"}


class ConversionError(ArchiverError):
    """A file that could not be converted."""


def media_type(path: Path) -> str:
    """Return the media type of a merged file."""
    return _TYPES.get(path.suffix, "application/octet-stream")


def merge(paths: list[Path], folder: Path) -> tuple[Path, dict[str, Any]]:
    """Make one file of several streams, copied and not encoded again. Return it and what made it.

    Raises `ConversionError`.
    """
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        raise ConversionError("ffmpeg", "not installed", "Install ffmpeg; the parts themselves are kept.")
    suffixes = {path.suffix for path in paths}
    form = ".mp4" if suffixes <= {".mp4", ".m4a"} else ".webm" if suffixes <= {".webm", ".weba"} else ".mkv"
    out = folder / f"merged{form}"
    arguments = ["-nostdin", "-v", "error", "-y"]
    for path in paths:
        arguments += [*FILES_ONLY, "-i", str(path)]
    for number in range(len(paths)):
        arguments += ["-map", str(number)]
    arguments += ["-c", "copy", "-bitexact", str(out)]
    try:
        done = run([ffmpeg, *arguments], reads=paths, writes=[folder], timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConversionError("a merge by ffmpeg", str(error), "The parts themselves are kept.") from error
    if done.returncode or not out.exists():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConversionError("a merge by ffmpeg", said[-1] if said else "nothing", "The parts themselves are kept.")
    shown = [item.replace(f"{folder}/", "") for item in arguments]
    return out, {"tool": version(ffmpeg), "arguments": shown}


def version(path: str) -> str:
    """Return the first line that a program prints of its version; `unknown` where it cannot be run."""
    try:
        done = run([path, "-version"], reads=[], timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return str(done.stdout.decode("utf-8", "replace")).partition(" Copyright")[0].partition("\n")[0].strip()
