"""Which programs took part in a capture: version and digest of each, for its manifest.

A program is read once: its digest is kept beside the extractors, by its path, its size and the time it was changed.
"""

from __future__ import annotations

import contextlib
import json
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from archiver.children import fences, program
from archiver.tools import chromium, ffmpeg, ytdlp_pool
from archiver.tools.extractor_update import FOLDER, Beside
from storage.digest import Sha256, sha256_hex
from storage.errors import DiskError
from storage.files import write_synced

DIGESTS = "digests.json"
READ = 1 << 20


def programs_of(
    home: Path, extractor: tuple[str | None, str | None, Beside | None] | None, probe: bool, browser: str | None
) -> dict[str, Any]:
    """Return version, digest, and what fenced it in, of each program that took part, by its name.

    `extractor`: version of yt-dlp, its JavaScript runtime, and the version installed beside the pinned one.
    `browser`: name and version of the browser that showed the page, if one did.
    """
    found: dict[str, Any] = {}
    if extractor is not None:
        version, runtime, beside = extractor
        found["yt-dlp"] = {"version": version, **(_wheel(beside) if beside else _pinned("yt-dlp"))}
        name = (runtime or "").partition(" ")[0]
        if name and (path := ytdlp_pool.runtime()) is not None:
            found[name] = {"version": (runtime or "").partition(" ")[2] or None, "sha256": _digest(home, Path(path))}
    for name in ("ffprobe", "ffmpeg") if probe else ():
        if (where := program(name)) is not None:
            known = {"version": _version(where, *_mark(Path(where))), "sha256": _digest(home, Path(where))}
            found[name] = {**known, "fences": fences(where)}
    if browser and (shown := chromium.program()) is not None:
        found["Chromium"] = {"version": browser.partition(" ")[2], "sha256": _digest(home, Path(shown))}
        found["Chromium"]["fences"] = chromium.fences()
    return {
        name: {key: value for key, value in facts.items() if value or key == "fences"} for name, facts in found.items()
    }


def _wheel(beside: Beside) -> dict[str, Any]:
    return {"wheel_sha256": beside.sha256}


@lru_cache(maxsize=4)
def _pinned(name: str) -> dict[str, Any]:
    """Installers keep no digest of a wheel: that of its list of files, each with a digest, stands for it (PEP 376)."""
    try:
        record = distribution(name).read_text("RECORD")
    except PackageNotFoundError:
        return {}
    return {"record_sha256": sha256_hex(record.encode())} if record else {}


@lru_cache(maxsize=8)
def _version(path: str, size: int, changed: int) -> str:
    return ffmpeg.version(path)


def _mark(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _digest(home: Path, path: Path) -> str | None:
    """SHA-256 of a program; None where it cannot be read."""
    try:
        real = path.resolve(strict=True)
        return _kept_digest(home / FOLDER / DIGESTS, str(real), *_mark(real))
    except OSError:
        return None


@lru_cache(maxsize=64)
def _kept_digest(kept: Path, path: str, size: int, changed: int) -> str:
    mark = f"{path} {size} {changed}"
    try:
        known = json.loads(kept.read_text())
    except (OSError, ValueError):
        known = {}
    known = known if isinstance(known, dict) else {}
    if not isinstance(known.get(mark), str):
        fresh = {name: value for name, value in known.items() if not name.startswith(f"{path} ")}
        known = {**fresh, mark: _computed(path, size, changed)}
        with contextlib.suppress(DiskError, OSError):  # another process writes it too, or the disk is full: no loss
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            write_synced(kept, json.dumps(known, indent=1, sort_keys=True).encode() + b"\n", 0o600)
    return str(known[mark])


@lru_cache(maxsize=16)
def _computed(path: str, size: int, changed: int) -> str:
    running = Sha256()
    with open(path, "rb") as stream:
        while data := stream.read(READ):
            running.update(data)
    return running.hexdigest()
