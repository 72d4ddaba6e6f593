"""Small pictures of photos and videos for the report, by ffmpeg; where it is not installed there are none."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from archiver.children import program, run
from archiver.home.scratch import scratch
from archiver.lookup.spool import packed, unnamed_database, unpacked
from archiver.tools.ffmpeg import FILES_ONLY

VIDEO, PHOTO = ("video", "round video"), ("photo", "sticker")
WIDTH, BLURRED = 480, 12
AT = (0.1, 0.5, 0.9)
"""Where in a video the stills are taken, of its length."""
SECONDS = 60


@dataclass(frozen=True)
class Drawn:
    """Small pictures of a file: (label, moment, JPEG) each; and one of a few pixels, from which nothing can be recovered.

    The moment is in milliseconds, None of a photo.
    """

    pictures: tuple[tuple[str, int | None, bytes], ...] = ()
    blurred: bytes | None = None
    lacking: str | None = None
    """Why there is no picture, where the kind of file has one."""


class Drawings(Mapping[str, Drawn]):
    """Small pictures by the name of their file. A package can have more of them than memory holds: they lie on the disk."""

    def __init__(self, home: Path) -> None:
        self._database = unnamed_database(home)
        self._database.execute("CREATE TABLE drawings (name TEXT PRIMARY KEY, value TEXT)")

    def add(self, name: str, drawn: Drawn) -> None:
        """Keep the pictures of a file."""
        self._database.execute("INSERT OR REPLACE INTO drawings VALUES (?,?)", (name, packed(drawn)))

    def __getitem__(self, name: str) -> Drawn:
        row = self._database.execute("SELECT value FROM drawings WHERE name=?", (name,)).fetchone()
        if row is None:
            raise KeyError(name)
        return unpacked(row[0], Drawn)

    def __iter__(self) -> Iterator[str]:
        return (name for (name,) in self._database.execute("SELECT name FROM drawings ORDER BY name"))

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM drawings").fetchone()[0])


def draw(path: Path, kind: str, home: Path, moments: tuple[int, ...] = ()) -> Drawn:
    """Draw small pictures of a photo or video, by one run of ffmpeg inside the `home`.

    `moments`: in milliseconds, of which a picture is made beside the usual ones. None are made where the kind has no
    picture, or ffmpeg is missing or fails.
    """
    if kind not in VIDEO + PHOTO:
        return Drawn()
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        return Drawn(lacking="ffmpeg is not installed")
    length = _length(path) if kind in VIDEO else None
    places = [part * length for part in AT] if length else [0.0]
    wanted = [at / 1000 for at in moments if length is None or at / 1000 < length] if kind in VIDEO else []
    places = sorted({*places, *wanted})
    with scratch(home, "stills") as folder:
        command = [ffmpeg, "-v", "error", "-nostdin"]
        for at in places:
            command += (["-ss", f"{at:.3f}"] if at else []) + [*FILES_ONLY, "-i", str(path)]
        outs = [(number, WIDTH, folder / f"{number}") for number in range(len(places))]
        for number, width, out in (*outs, (len(places) // 2, BLURRED, folder / "blurred")):
            command += ["-map", f"{number}:v:0", "-frames:v", "1", "-vf", f"scale='min({width},iw)':-2"]
            command += ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
            command += ["-q:v", "5", "-f", "mjpeg", str(out)]
        try:
            run(command, reads=[path], writes=[folder], timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return Drawn(lacking=f"ffmpeg took more than {SECONDS} s")
        found = []
        for (_, _, out), at in zip(outs, places, strict=True):
            if data := _jpeg(out):
                moving = kind in VIDEO and length is not None
                what = f"at {int(at // 60)}:{at % 60:04.1f}" if moving else "scaled down"
                found.append((what, round(at * 1000) if moving else None, data))
        lacking = None if found else "ffmpeg does not draw this file"
        return Drawn(tuple(found), _jpeg(folder / "blurred"), lacking)


def _jpeg(path: Path) -> bytes | None:
    data = path.read_bytes() if path.exists() else b""
    return data if data.startswith(b"\xff\xd8") else None


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG as a `data:` link (RFC 2397)."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _length(path: Path) -> float | None:
    ffprobe = program("ffprobe")
    if ffprobe is None:
        return None
    command = [ffprobe, "-v", "error", *FILES_ONLY, "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    try:
        done = run(command, reads=[path], text=True, timeout=SECONDS)
        return float(done.stdout.strip())
    except (subprocess.TimeoutExpired, ValueError):
        return None
