"""Small pictures of photos and videos for the report, by ffmpeg; where it is not installed there are none."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

VIDEO, PHOTO = ("video", "round video"), ("photo", "sticker")
WIDTH, BLURRED = 480, 12
AT = (0.1, 0.5, 0.9)
"""Where in a video the stills are taken, of its length."""
SECONDS = 60


def stills(path: Path, kind: str) -> list[tuple[str, bytes]]:
    """(what it is, JPEG) of a media file; empty where nothing can be drawn."""
    if shutil.which("ffmpeg") is None or kind not in VIDEO + PHOTO:
        return []
    if kind in PHOTO:
        return [("scaled down", data)] if (data := _frame(path, None, WIDTH)) else []
    length = _length(path)
    found = []
    for part in AT if length else (0.0,):
        at = part * (length or 0.0)
        if data := _frame(path, at, WIDTH):
            found.append((f"at {int(at // 60)}:{at % 60:04.1f}", data))
    return found


def blurred(path: Path, kind: str) -> bytes | None:
    """A picture of a few pixels: what it shows cannot be got back from it."""
    if shutil.which("ffmpeg") is None or kind not in VIDEO + PHOTO:
        return None
    return _frame(path, None if kind in PHOTO else (_length(path) or 0.0) / 2, BLURRED)


def data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _length(path: Path) -> float | None:
    if shutil.which("ffprobe") is None:
        return None
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        return float(done.stdout.strip())
    except (subprocess.TimeoutExpired, ValueError):
        return None


def _frame(path: Path, at: float | None, width: int) -> bytes | None:
    """One frame as a JPEG without metadata; the same for the same file and the same ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-protocol_whitelist", "file,pipe"]
    command += (["-ss", f"{at:.3f}"] if at else []) + ["-i", str(path), "-frames:v", "1"]
    command += [
        "-vf",
        f"scale='min({width},iw)':-2",
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
    ]
    command += ["-q:v", "5", "-f", "mjpeg", "pipe:1"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 and done.stdout.startswith(b"\xff\xd8") else None
