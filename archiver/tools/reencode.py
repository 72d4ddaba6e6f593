"""A copy of a photo, video or sound made anew by ffmpeg: no metadata, no other layers; boxes covered, sound silenced.

What is covered is painted over before the picture is encoded again: nothing of it is left in the file. The same file, the
same instructions and the same ffmpeg give the same bytes.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from archiver.children import program, run
from archiver.tools.ffmpeg import FILES_ONLY, ConversionError, version

TIMEOUT = 7200.0
PHOTO, VIDEO, AUDIO = ("photo", "sticker"), ("video", "round video", "file"), ("audio", "voice")
ORDERS = "orders.txt"
"""Where boxes that follow something are, for ffmpeg, which runs beside it: the folder's own name could hold signs of a filter."""
MARGIN = 2
"""Percent that a box is widened on each side: a hand-drawn box is not exact."""


@dataclass(frozen=True)
class Box:
    """Position of something at a moment, in percent of the picture: from the left, from the top, width, height."""

    at_ms: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Track:
    """One thing that is covered: its box at one moment or several; between them it moves evenly.

    `from_ms` and `to_ms`: when it is covered; None is the beginning and the end.
    """

    boxes: tuple[Box, ...]
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True)
class Followed:
    """One thing that was followed: its box at every moment that was looked at.

    `lost`: from when until when the whole picture is covered, because nobody knows where it was; None is the end.
    """

    boxes: tuple[Box, ...]
    lost: tuple[tuple[int, int | None], ...]
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True)
class Silence:
    """A stretch of sound that is replaced by silence, or by a tone."""

    from_ms: int
    to_ms: int
    tone: bool = False


def suffix(kind: str) -> str:
    """Return the ending of the copy's name, with its dot."""
    return ".png" if kind in PHOTO else ".m4a" if kind in AUDIO else ".mp4"


def media_type(kind: str) -> str:
    """Return the media type of the copy."""
    return {".png": "image/png", ".m4a": "audio/mp4", ".mp4": "video/mp4"}[suffix(kind)]


def reencode(
    source: Path, kind: str, out: Path, tracks: Sequence[Track | Followed] = (), silences: Sequence[Silence] = ()
) -> dict[str, Any]:
    """Write the re-encoded file to `out`; return the tool and the arguments that made it. Raises `ConversionError`."""
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        raise ConversionError("ffmpeg", "not installed", "Install ffmpeg: apt install ffmpeg")
    if kind not in PHOTO + VIDEO + AUDIO:
        raise ConversionError("a photo, video or sound", f"a {kind}", "Other files cannot be re-encoded; leave it out.")
    source, out = source.resolve(), out.resolve()
    streams = _streams(source)
    picture, sound = (any(item.get("codec_type") == name for item in streams) for name in ("video", "audio"))
    if kind not in AUDIO and not picture:
        raise ConversionError("a picture in the file", "none", "Leave it out.")
    if kind in AUDIO and not sound:
        raise ConversionError("sound in the file", "none", "Leave it out.")
    graph, codecs, commands = [], [], ""
    if kind not in AUDIO:
        followed = [track for track in tracks if isinstance(track, Followed)]
        commands = "".join(_commands(number, track) for number, track in enumerate(followed))
        if followed:
            (out.parent / ORDERS).write_text(commands, "ascii")
        graph.append(_covered(_size(streams), [track for track in tracks if isinstance(track, Track)], followed))
        codecs += ["-map", "[v]", *(_PHOTO_CODEC if kind in PHOTO else _VIDEO_CODEC)]
    if sound and kind not in PHOTO:
        graph.append(f"[0:a:0]{_silenced(silences)}[a]")
        codecs += ["-map", "[a]", *_AUDIO_CODEC]
    arguments = ["-nostdin", "-v", "error", "-y", *FILES_ONLY, "-i", str(source)]
    arguments += ["-filter_complex", ";".join(graph), *codecs, *_NOTHING_ELSE, str(out)]
    _run([ffmpeg, *arguments], source, out)
    hidden = {str(source): "in", str(out): f"out{out.suffix}"}
    made: dict[str, Any] = {"tool": version(ffmpeg), "arguments": [hidden.get(item, item) for item in arguments]}
    return {**made, "commands": commands} if commands else made


_PHOTO_CODEC = ("-frames:v", "1", "-c:v", "png")
_VIDEO_CODEC = ("-c:v", "libx264", "-preset", "medium", "-crf", "20", "-pix_fmt", "yuv420p", "-threads", "1")
_AUDIO_CODEC = ("-c:a", "aac", "-b:a", "128k")
_NOTHING_ELSE = (
    "-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn",
    "-bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-fflags", "+bitexact",
)  # fmt: skip
"""No metadata, chapters, subtitles or data; and the same bytes each time."""


def _run(command: list[str], source: Path, out: Path) -> None:
    """Run ffmpeg until `out` is there. Raises `ConversionError`."""
    try:
        done = run(command, reads=[source], writes=[out.parent], timeout=TIMEOUT, cwd=out.parent)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConversionError("a copy made by ffmpeg", str(error), "Leave it out, or convert it by hand.") from error
    if done.returncode or not out.exists():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConversionError("a copy made by ffmpeg", said[-1] if said else "nothing", "Leave it out.")


def _streams(path: Path) -> list[dict[str, Any]]:
    command = [program("ffprobe") or "ffprobe", "-v", "error", *FILES_ONLY, "-show_streams", "-of", "json", str(path)]
    try:
        done = run(command, reads=[path], timeout=120)
        streams: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
        return streams
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise ConversionError("a file that ffprobe can read", str(error), "Leave it out.") from error


def picture_size(path: Path) -> tuple[int, int]:
    """Return width and height of a video in pixels, turned as it is shown. Raises `ConversionError`."""
    return _size(_streams(path))


def _size(streams: list[dict[str, Any]]) -> tuple[int, int]:
    """Width and height as it is shown: a telephone held upright writes a lying picture and how to turn it."""
    for item in streams:
        if item.get("codec_type") == "video":
            turns = [side.get("rotation", 0) for side in item.get("side_data_list", ())]
            size = int(item["width"]), int(item["height"])
            return (size[1], size[0]) if any(turn % 180 for turn in turns) else size
    raise ConversionError("a picture in the file", "none", "Leave it out.")


def _commands(number: int, track: Followed) -> str:
    """For ffmpeg's `sendcmd`: where box `number` is from each moment on. Each covers its place at the next moment too."""
    lines = []
    for box, following in zip(track.boxes, (*track.boxes[1:], track.boxes[-1]), strict=True):
        left, top = min(box.x, following.x), min(box.y, following.y)
        right = max(box.x + box.width, following.x + following.width)
        low = max(box.y + box.height, following.y + following.height)
        lines.append((box.at_ms, _place(left, top, right, low)))
    for begin, end in track.lost:
        lines = [(at, place) for at, place in lines if at < begin or (end is not None and at >= end)]
        lines.append((begin, _place(0, 0, 100, 100)))
    lines.sort(key=lambda line: line[0])
    return "".join(
        f"{at / 1000:.3f} {', '.join(f'drawbox@f{number} {name} {value}' for name, value in place.items())};\n"
        for at, place in lines
    )


def _place(left: float, top: float, right: float, low: float) -> dict[str, str]:
    x, y = max(0.0, left), max(0.0, top)
    return {
        "x": f"iw*{x / 100:.4f}",
        "y": f"ih*{y / 100:.4f}",
        "w": f"iw*{(min(100.0, right) - x) / 100:.4f}",
        "h": f"ih*{(min(100.0, low) - y) / 100:.4f}",
    }


def _covered(size: tuple[int, int], tracks: Sequence[Track], followed: Sequence[Followed]) -> str:
    """Black boxes over the picture, each from key moment to key moment on a straight line, or as the orders say."""
    parts = []
    last = "0:v:0"
    for number, (first, then, start, end) in enumerate(_legs(tracks)):
        width = min(100.0, max(first.width, then.width) + 2 * MARGIN)
        height = min(100.0, max(first.height, then.height) + 2 * MARGIN)
        w, h = max(2, round(size[0] * width / 100)), max(2, round(size[1] * height / 100))
        x = _line(first.x - MARGIN, then.x - MARGIN, first.at_ms, then.at_ms, size[0])
        y = _line(first.y - MARGIN, then.y - MARGIN, first.at_ms, then.at_ms, size[1])
        during = f"gte(t,{start / 1000:.3f})" + (f"*lte(t,{end / 1000:.3f})" if end is not None else "")
        parts.append(f"color=black:s={w}x{h}:r=50[c{number}]")
        # shortest=1: the colour has no end of its own
        overlay = f"overlay=x='{x}':y='{y}':eval=frame:shortest=1:enable='{during}'"
        parts.append(f"[{last}][c{number}]{overlay}[o{number}]")
        last = f"o{number}"
    chain = [f"sendcmd=f={ORDERS}"] if followed else []
    for number, track in enumerate(followed):
        first = track.boxes[0]
        place = _place(first.x, first.y, first.x + first.width, first.y + first.height)
        during = f"gte(t,{(track.from_ms or 0) / 1000:.3f})"
        during += f"*lte(t,{track.to_ms / 1000:.3f})" if track.to_ms is not None else ""
        where = ":".join(f"{name}={value}" for name, value in place.items())
        chain.append(f"drawbox@f{number}={where}:color=black:t=fill:enable='{during}'")
    chain.append("scale=trunc(iw/2)*2:trunc(ih/2)*2")
    return ";".join([*parts, f"[{last}]{','.join(chain)}[v]"])


def _legs(tracks: Sequence[Track]) -> list[tuple[Box, Box, int, int | None]]:
    """(box at the start, box at the end, from when, until when): before the first key moment and after the last it rests."""
    legs: list[tuple[Box, Box, int, int | None]] = []
    for track in tracks:
        boxes = sorted(track.boxes, key=lambda box: box.at_ms)
        begin, end = track.from_ms or 0, track.to_ms
        legs.append((boxes[0], boxes[0], begin, boxes[0].at_ms if len(boxes) > 1 else end))
        for first, then in pairwise(boxes):
            legs.append((first, then, first.at_ms, then.at_ms))
        if len(boxes) > 1:
            legs.append((boxes[-1], boxes[-1], boxes[-1].at_ms, end))
    return legs


def _line(start: float, end: float, from_ms: int, to_ms: int, pixels: int) -> str:
    a = pixels * start / 100
    if start == end or from_ms == to_ms:
        return f"{a:.2f}"
    slope = pixels * (end - start) / 100 / ((to_ms - from_ms) / 1000)
    return f"{a:.2f}+({slope:.4f})*(t-{from_ms / 1000:.3f})"


def _silenced(silences: Sequence[Silence]) -> str:
    if not silences:
        return "anull"
    value = "val(ch)"
    for one in silences:
        instead = "0.1*sin(2*PI*440*t)" if one.tone else "0"
        value = f"if(between(t,{one.from_ms / 1000:.3f},{one.to_ms / 1000:.3f}),{instead},{value})"
    return f"aeval=exprs='{value}':c=same"
