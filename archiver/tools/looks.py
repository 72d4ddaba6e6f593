"""How a recording looks, so that copies of it are found: its length, and small hashes of two of its pictures, by ffmpeg.

A hash is dHash (Neal Krawetz, 2013): the picture in 9 x 8 greys, a bit for each pair of neighbours, set where it gets
darker to the right. It outlives other sizes and codecs. That two look alike is a question to a person, never an answer.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from archiver.children import program, run
from archiver.tools.ffmpeg import FILES_ONLY
from archiver.tools.reencode import AUDIO, PHOTO

WIDE, TALL = 9, 8
NEAR = 10
"""Of 64 bits: so many may differ."""
FLAT = 8
"""Greys that differ by less say nothing: a black or white picture looks like every other."""
AT = (0.0, 0.5)
"""Of its length: where the pictures of a video are taken."""
SLACK_S, SLACK, SOUND_S = 0.5, 0.01, 0.1
"""Lengths of copies of a video may differ by seconds, or by a part of them; those of a sound by less."""
TIMEOUT = 60


@dataclass(frozen=True)
class Look:
    """How a recording looks. `seconds`: None of a photo, and where nobody can tell; a hash is None of a flat picture."""

    kind: str
    """photo, video or sound."""
    seconds: float | None
    hashes: tuple[int | None, ...] = ()


def look_of(path: Path, kind: str) -> Look:
    """Look at a photo, video or sound. Without ffmpeg, or where it fails, nothing is known but the kind."""
    sort = "photo" if kind in PHOTO else "sound" if kind in AUDIO else "video"
    if sort == "photo":
        return Look(sort, None, (_hash(path, 0.0),))
    seconds = _seconds(path)
    if sort == "sound":
        return Look(sort, seconds)
    return Look(sort, seconds, tuple(_hash(path, part * (seconds or 0.0)) for part in AT))


def alike(one: Look, other: Look) -> str | None:
    """Say why two may be copies of the same recording, or None."""
    if one.kind != other.kind:
        return None
    near = [
        a is not None and b is not None and (a ^ b).bit_count() <= NEAR
        for a, b in zip(one.hashes, other.hashes, strict=False)
    ]
    if one.kind == "photo":
        return "a similar picture" if any(near) else None
    if one.seconds is None or other.seconds is None:
        return "a similar picture, and a length that nobody can tell" if any(near) else None
    apart = abs(one.seconds - other.seconds)
    length = f"the same length ({other.seconds:.1f} s)"
    if one.kind == "sound":
        return length if apart <= SOUND_S else None
    if apart <= max(SLACK_S, SLACK * one.seconds) and any(near):
        return f"{length} and a similar picture"
    flat = not any(a is not None and b is not None for a, b in zip(one.hashes, other.hashes, strict=False))
    return f"{length}, and pictures that cannot be compared" if flat and apart <= SOUND_S else None


def _seconds(path: Path) -> float | None:
    ffprobe = program("ffprobe")
    if ffprobe is None:
        return None
    command = [ffprobe, "-v", "error", *FILES_ONLY, "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    try:
        return float(run(command, reads=[path], text=True, timeout=TIMEOUT).stdout.strip())
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None


def _hash(path: Path, at: float) -> int | None:
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        return None
    command = [ffmpeg, "-v", "error", "-nostdin", *(["-ss", f"{at:.3f}"] if at else []), *FILES_ONLY, "-i", str(path)]
    command += [
        "-map",
        "0:v:0",
        "-frames:v",
        "1",
        "-vf",
        f"scale={WIDE}:{TALL}:flags=area,format=gray",
        "-f",
        "rawvideo",
        "-",
    ]
    try:
        greys = run(command, reads=[path], timeout=TIMEOUT).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return hash_of(greys)


def hash_of(greys: bytes) -> int | None:
    """Return the hash of 9 x 8 greys; None where they say nothing."""
    if len(greys) != WIDE * TALL or max(greys) - min(greys) < FLAT:
        return None
    value = 0
    for row in range(0, WIDE * TALL, WIDE):
        for left in range(row, row + WIDE - 1):
            value = value << 1 | (greys[left] > greys[left + 1])
    return value
