"""ffmpeg and its kin on files we hold: merging, probing. Never with a network: only file names go in."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archiver.errors import ArchiverError
from archiver.tools.exiftool import EXIFTOOL, _json

TIMEOUT = 3600.0
_TYPES = {".mp4": "video/mp4", ".webm": "video/webm", ".mkv": "video/x-matroska", ".m4a": "audio/mp4"}


class ConversionError(ArchiverError):
    """A conversion that did not happen."""


def media_type(path: Path) -> str:
    return _TYPES.get(path.suffix, "application/octet-stream")


def merge(paths: list[Path], folder: Path) -> tuple[Path, dict[str, Any]]:
    """One file of several streams, copied and not encoded again. Returns it and what made it.

    Raises `ConversionError`.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise ConversionError("ffmpeg", "none on this machine", "Install ffmpeg; the parts themselves are kept.")
    suffixes = {path.suffix for path in paths}
    form = ".mp4" if suffixes <= {".mp4", ".m4a"} else ".webm" if suffixes <= {".webm", ".weba"} else ".mkv"
    out = folder / f"merged{form}"
    arguments = ["-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file"]
    for path in paths:
        arguments += ["-i", str(path)]
    for number in range(len(paths)):
        arguments += ["-map", str(number)]
    arguments += ["-c", "copy", "-bitexact", str(out)]
    try:
        done = subprocess.run(
            [ffmpeg, *arguments], capture_output=True, timeout=TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConversionError("a merge by ffmpeg", str(error), "The parts themselves are kept.") from error
    if done.returncode or not out.exists():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConversionError("a merge by ffmpeg", said[-1] if said else "nothing", "The parts themselves are kept.")
    shown = [item.replace(f"{folder}/", "") for item in arguments]
    return out, {"tool": version(ffmpeg), "arguments": shown}


def version(program: str) -> str:
    """The first line that a program says of its version."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.decode("utf-8", "replace").partition(" Copyright")[0].partition("\n")[0].strip()


def probes() -> bool:
    """Whether anything is installed that could say more of a file."""
    return bool(shutil.which("ffprobe") or shutil.which("exiftool") or find_spec("c2pa"))


def probe(path: Path, c2pa_marked: bool) -> dict[str, Any]:
    """What ffprobe, exiftool and a C2PA reader say of a file, each where it is present. None of them may ask anybody."""
    facts: dict[str, Any] = {}
    ffprobe = shutil.which("ffprobe")
    if ffprobe is not None:
        arguments = [
            "-v",
            "error",
            "-protocol_whitelist",
            "file",
            "-show_format",
            "-show_streams",
            "-of",
            "json",
            str(path),
        ]
        facts["ffprobe"] = _json([ffprobe, *arguments], path)
    if shutil.which("exiftool") is not None:
        facts["exiftool"] = EXIFTOOL.read(path)
    if c2pa_marked:
        facts["c2pa"] = read_c2pa(path) or {"present": True, "read": None, "reason": "no C2PA reader is installed"}
    return facts


atexit.register(EXIFTOOL.close)


def read_c2pa(path: Path) -> Any:
    """Content credentials in the file, by a process that has no network; None where no reader is installed."""
    if find_spec("c2pa") is None:
        return None
    command = [sys.executable, "-m", "archiver.tools.c2pa_reader", str(path)]
    unshare = shutil.which("unshare")
    if (
        unshare is not None
        and not subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode
    ):
        command = [unshare, "-rn", *command]  # Linux: a network of its own, without a way out
    nowhere = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **nowhere},
        )
        return json.loads(done.stdout or b"null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)[:200]}
