"""Boxes that follow what they cover through a video, frame by frame (OpenCV's CSRT tracker).

A tracker can lose what it follows, and does not know it well. So what stands in the box is held against what stood there a
moment before and at the start; where the two are too unlike, or the picture changes as at a cut, it counts as lost, and
from there on the **whole picture** is covered, until the next key moment that a person gives. Nothing is ever shown
because a machine was not sure.
"""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archiver.children import program, start
from archiver.tools.ffmpeg import FILES_ONLY, ConversionError
from archiver.tools.reencode import Box, Followed, Track

RATE = 25
"""Pictures a second that are looked at."""
WIDTH = 480
"""Pixels; smaller than most videos, enough for a face that can be recognised."""
BESIDE = 0.2
"""How much wider than what was drawn a box is on each side, of its own size: a tracker is not exact, and things turn."""
LIKE_BEFORE, LIKE_FIRST, CUT = 0.5, 0.15, 0.35
"""Least likeness (correlation of grey values) with the picture before and with the first; change of the whole that is a cut."""
PATCH = (10, 10)
"""Small, so that a step of a pixel changes nothing."""


def follow(source: Path, size: tuple[int, int], track: Track) -> Followed:
    """Return the track's box at every moment. `size`: of the picture in pixels. Raises `ConversionError`."""
    try:
        cv2: Any = importlib.import_module("cv2")
        numpy: Any = importlib.import_module("numpy")
    except ImportError as error:
        raise ConversionError(
            "OpenCV, which --follow needs",
            "not installed",
            "Run: archiver doctor --fix (extra scenes of evidence-archiver)",
        ) from error
    keys = sorted(track.boxes, key=lambda box: box.at_ms)
    wide = min(WIDTH, size[0] - size[0] % 2)
    high = max(2, round(size[1] * wide / size[0] / 2) * 2)
    begin = keys[0].at_ms  # before, the box rests where it was drawn
    boxes: list[Box] = []
    lost: list[tuple[int, int | None]] = []
    tracker: Any = None
    first = before = last = None
    for number, data in enumerate(_pictures(source, wide, high)):
        at = number * 1000 // RATE
        if track.to_ms is not None and at > track.to_ms:
            break
        if at < begin:
            continue
        picture = numpy.frombuffer(data, numpy.uint8).reshape(high, wide, 3)
        if keys and (keys[0].at_ms <= at or tracker is None):
            key = keys.pop(0)
            while keys and keys[0].at_ms <= at:
                key = keys.pop(0)
            place = _pixels(key, wide, high)
            tracker = cv2.TrackerCSRT_create()
            tracker.init(picture, place)
            if lost and lost[-1][1] is None:
                lost[-1] = (lost[-1][0], at)
            first = before = _patch(cv2, picture, place)
        elif lost and lost[-1][1] is None:
            continue
        else:
            found, place = tracker.update(picture)
            patch = _patch(cv2, picture, place) if found else None
            if patch is None or _differs(numpy, cv2, patch, before, first, picture, last):
                lost.append((max(begin, at - 1000 // RATE), None))
                continue
            before = patch
        last = picture
        boxes.append(_percent(at, place, wide, high))
    if not boxes:
        raise ConversionError("a picture at the first time given with --box", "none", "Give a time within the video.")
    if not (lost and lost[-1][1] is None):
        lost.append((boxes[-1].at_ms + 2000 // RATE, None))  # behind what was looked at nothing is shown
    return Followed(tuple(boxes), tuple(lost), track.from_ms, track.to_ms)


def _pictures(source: Path, wide: int, high: int) -> Iterator[bytes]:
    """Pictures of `wide` × `high` × 3 bytes, evenly in time, by ffmpeg in a process of its own: the file is a stranger's."""
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        raise ConversionError("ffmpeg", "not installed", "Install ffmpeg: apt install ffmpeg")
    command = [ffmpeg, "-nostdin", "-v", "error", *FILES_ONLY, "-i", str(source)]
    command += ["-vf", f"fps={RATE}:start_time=0,scale={wide}:{high}", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"]
    with start(command, reads=[source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        try:
            while len(data := running.stdout.read(wide * high * 3)) == wide * high * 3:
                yield data
        finally:
            running.kill()


def _pixels(box: Box, wide: int, high: int) -> tuple[int, int, int, int]:
    x, y = min(round(box.x * wide / 100), wide - 4), min(round(box.y * high / 100), high - 4)
    return x, y, max(4, round(box.width * wide / 100)), max(4, round(box.height * high / 100))


def _percent(at: int, place: tuple[float, ...], wide: int, high: int) -> Box:
    """A box in percent of the picture, wider than what the tracker says."""
    x, y, width, height = place
    return Box(
        at,
        (x - BESIDE * width) * 100 / wide,
        (y - BESIDE * height) * 100 / high,
        width * (1 + 2 * BESIDE) * 100 / wide,
        height * (1 + 2 * BESIDE) * 100 / high,
    )


def _patch(cv2: Any, picture: Any, place: tuple[float, ...]) -> Any:
    """What stands in the box, small and grey; None where it has left the picture."""
    x, y, width, height = (round(number) for number in place)
    inside = picture[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
    if inside.size < width * height * 3 / 4:
        return None
    return cv2.resize(cv2.cvtColor(inside, cv2.COLOR_BGR2GRAY), PATCH, interpolation=cv2.INTER_AREA)


def _differs(numpy: Any, cv2: Any, patch: Any, before: Any, first: Any, picture: Any, last: Any) -> bool:
    change = float(numpy.mean(cv2.absdiff(picture, last))) / 255
    return change > CUT or _likeness(numpy, patch, before) < LIKE_BEFORE or _likeness(numpy, patch, first) < LIKE_FIRST


def _likeness(numpy: Any, one: Any, other: Any) -> float:
    """Correlation of grey values, from -1 to 1; 1 where both are of one colour."""
    a, b = one.astype(float) - one.mean(), other.astype(float) - other.mean()
    size = float(numpy.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 1e-6 else 1.0
