"""Generated media: nothing is shipped. Videos by ffmpeg where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path


def picture(width: int = 320, height: int = 200, shade: int = 90) -> bytes:
    """A PNG with a gradient."""
    rows = b"".join(
        b"\x00" + b"".join(bytes(((x * 255 // width), (y * 255 // height), shade)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")


def video(folder: Path, seconds: int = 2, tone: int = 440, size: str = "320x180") -> tuple[bytes, bool]:
    """(an MP4 with a test picture and a tone, True), or (a stand-in without pictures, False) where ffmpeg is missing."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(range(256)) * 800, False
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"test-{seconds}-{tone}.mp4"
    command = [
        ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=duration={seconds}:size={size}:rate=15",
        "-f", "lavfi", "-i", f"sine=frequency={tone}:duration={seconds}", "-pix_fmt", "yuv420p", "-shortest",
        "-movflags", "+faststart", "-bitexact", str(out),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=120)
    return out.read_bytes(), True


def separate(folder: Path, seconds: int, tone: int, size: str = "320x180") -> tuple[bytes, bytes]:
    """The picture and the sound of a video as two files, as YouTube serves them."""
    whole, real = video(folder, seconds, tone, size)
    if not real:
        return whole + b"picture", whole + b"sound"
    source, out = folder / f"test-{seconds}-{tone}.mp4", []
    for name, kept in (("picture.mp4", ["-an", "-c:v", "copy"]), ("sound.m4a", ["-vn", "-c:a", "copy"])):
        path = folder / name
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-i",
            str(source),
            *kept,
            "-movflags",
            "+faststart",
            "-bitexact",
            str(path),
        ]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=120)
        out.append(path.read_bytes())
    return out[0], out[1]


def segments(folder: Path, count: int) -> list[bytes]:
    """A stream in fragments of a second, MPEG-TS."""
    if shutil.which("ffmpeg") is None:
        return [bytes([number]) * 188 * 40 for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    pattern = folder / "segment-%03d.ts"
    command = [
        "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=duration={count}:size=320x180:rate=15",
        "-f", "lavfi", "-i", f"sine=frequency=300:duration={count}", "-pix_fmt", "yuv420p", "-g", "15", "-shortest",
        "-f", "segment", "-segment_time", "1", "-segment_format", "mpegts", str(pattern),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=120)
    return [path.read_bytes() for path in sorted(folder.glob("segment-*.ts"))]
