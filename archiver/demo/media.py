"""Generated media: nothing is shipped. Videos by ffmpeg where it is installed."""

from __future__ import annotations

import subprocess
import tempfile
import zlib
from functools import cache
from pathlib import Path

from archiver.children import environment, program


@cache
def picture(width: int = 320, height: int = 200, shade: int = 90) -> bytes:
    """A PNG with a gradient."""
    row = bytearray(3 * width)
    row[0::3] = bytes(x * 255 // width for x in range(width))
    row[2::3] = bytes([shade]) * width
    rows = bytearray()
    for y in range(height):
        row[1::3] = bytes([y * 255 // height]) * width
        rows += b"\x00" + row

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")


def video(folder: Path, seconds: int = 2, tone: int = 440, size: str = "320x180") -> tuple[bytes, bool]:
    """(an MP4 with a test picture and a tone, True), or (a stand-in without pictures, False) where ffmpeg is missing."""
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        filling = bytes(range(256)) * 800
        boxes = (len(filling) + 8).to_bytes(4, "big") + b"mdat" + filling + b"\x00\x00\x00\x08moov"
        return b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + boxes, False
    folder.mkdir(parents=True, exist_ok=True)
    film = _film(ffmpeg, seconds, tone, size)
    (folder / f"test-{seconds}-{tone}.mp4").write_bytes(film)
    return film, True


@cache
def _film(ffmpeg: str, seconds: int, tone: int, size: str) -> bytes:
    """Encoded once in a process: the scenes use a film more than once, and a process may start many scenes."""
    command = [
        ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=duration={seconds}:size={size}:rate=15",
        "-f", "lavfi", "-i", f"sine=frequency={tone}:duration={seconds}", "-pix_fmt", "yuv420p", "-shortest",
        "-movflags", "+faststart", "-bitexact",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "film.mp4")
        subprocess.run([*command, str(out)], check=True, stdin=subprocess.DEVNULL, timeout=120, env=environment())
        return out.read_bytes()


def separate(folder: Path, seconds: int, tone: int, size: str = "320x180") -> tuple[bytes, bytes]:
    """The picture and the sound of a video as two files, as YouTube serves them."""
    whole, real = video(folder, seconds, tone, size)
    return _separated(whole) if real else (whole + b"picture", whole + b"sound")


@cache
def _separated(film: bytes) -> tuple[bytes, bytes]:
    picture_only, sound_only = ["-an", "-c:v", "copy"], ["-vn", "-c:a", "copy"]
    with tempfile.TemporaryDirectory() as scratch:
        source, picture, sound = (Path(scratch, name) for name in ("film.mp4", "picture.mp4", "sound.m4a"))
        source.write_bytes(film)
        for path, kept in ((picture, picture_only), (sound, sound_only)):
            command = [
                program("ffmpeg") or "ffmpeg",
                "-v",
                "error",
                "-y",
                "-protocol_whitelist",
                "file",
                "-i",
                str(source),
                *kept,
                "-movflags",
                "+faststart",
                "-bitexact",
            ]
            subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL, timeout=120, env=environment())
        return picture.read_bytes(), sound.read_bytes()


@cache
def segments(count: int) -> tuple[bytes, ...]:
    """A stream in fragments of a second, MPEG-TS."""
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        return tuple(bytes([number]) * 188 * 40 for number in range(count))
    command = [
        ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=duration={count}:size=320x180:rate=15",
        "-f", "lavfi", "-i", f"sine=frequency=300:duration={count}", "-pix_fmt", "yuv420p", "-g", "15", "-shortest",
        "-f", "segment", "-segment_time", "1", "-segment_format", "mpegts",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            [*command, f"{scratch}/segment-%03d.ts"],
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            env=environment(),
        )
        return tuple(path.read_bytes() for path in sorted(Path(scratch).glob("segment-*.ts")))
