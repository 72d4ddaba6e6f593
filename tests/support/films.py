"""Films with something that walks through them."""

from __future__ import annotations

import random
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy
from numpy.typing import NDArray

from archiver.tools.reencode import picture_size

WIDE, HIGH, FPS, PICTURES = 320, 240, 25, 100

SIZE = 40

Picture = NDArray[numpy.uint8]

Place = Callable[[int], tuple[int, int] | None]

SOURCE = numpy.random.default_rng(5)

FACE: Picture = numpy.repeat(numpy.repeat(SOURCE.integers(120, 256, (8, 8), numpy.uint8), 5, 0), 5, 1)

BACKGROUND: Picture = numpy.repeat(numpy.repeat(SOURCE.integers(100, 180, (24, 32), numpy.uint8), 10, 0), 10, 1)


def film(path: Path, place: Place, *words: str, other: tuple[int, int] = (0, 0)) -> Path:
    """A square of a pattern of its own that moves over another; between the pictures of `other` there is another scene."""
    pictures = []
    for number in range(PICTURES):
        picture = BACKGROUND.copy()
        if other[0] <= number < other[1]:
            picture = 255 - numpy.flipud(picture) // 2
        at = place(number)
        if at is not None:
            picture[at[1] : at[1] + SIZE, at[0] : at[0] + SIZE] = FACE
        pictures.append(picture.tobytes())
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDE}x{HIGH}", "-r", str(FPS), "-i", "-"]
    command = ["ffmpeg", "-v", "error", "-y", *raw, "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", *words]
    subprocess.run([*command, path], input=b"".join(pictures), check=True)
    return path


def noise(chance: random.Random) -> bytes:
    """A small PNG of blocks of its own, of a size of its own."""
    wide, tall = 16 * chance.randint(2, 9), 16 * chance.randint(2, 9)
    blocks = numpy.frombuffer(chance.randbytes(wide // 8 * tall // 8), numpy.uint8).reshape(tall // 8, wide // 8)
    rows = numpy.repeat(numpy.repeat(blocks, 8, 0), 8, 1)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    head = wide.to_bytes(4, "big") + tall.to_bytes(4, "big") + bytes((8, 0, 0, 0, 0))
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def pictures_of(path: Path) -> list[Picture]:
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    high = numpy.frombuffer(done.stdout, numpy.uint8)
    wide, tall = picture_size(path)
    return list(high.reshape(-1, tall, wide))


def walks(number: int) -> tuple[int, int]:
    return 20 + 2 * number, 100 + round(50 * numpy.sin(number / 12))


def share_covered(picture: Picture, at: tuple[int, int]) -> float:
    return float(numpy.mean(picture[at[1] : at[1] + SIZE, at[0] : at[0] + SIZE] < 60))
