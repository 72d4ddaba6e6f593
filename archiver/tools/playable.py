"""Whether a browser plays a media file, and copies of those that it does not play. A copy is derived: never evidence.

The table is what Chromium and Firefox play without extensions; what stands in it was played by Chromium in the tests.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archiver.children import program, run
from archiver.tools.ffmpeg import FILES_ONLY, TIMEOUT, ConversionError, version

MOVING = ("video", "round video", "audio", "voice")
"""Kinds of files that are played; photos and stickers are shown, the rest is opened by other programs."""
STILL = ("photo", "sticker")
_PICTURE_SUFFIXES = ("jpg", "png", "webp", "gif", "avif")
_CONTAINERS = {
    "mp4": {"h264", "av1", "vp9", "aac", "mp3", "opus", "flac"}, "m4a": {"aac", "mp3", "opus", "flac"},
    "m4v": {"h264", "aac", "mp3"}, "mov": {"h264", "aac", "mp3"}, "webm": {"vp8", "vp9", "av1", "opus", "vorbis"},
    "ogg": {"opus", "vorbis", "flac"}, "oga": {"opus", "vorbis", "flac"}, "opus": {"opus"}, "mp3": {"mp3"}, "aac": {"aac"},
    "flac": {"flac"}, "wav": {"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_f32le"},
}  # fmt: skip
"""By the ending of a file, the codecs that browsers play in it."""
_PIXELS = ("yuv420p", "yuvj420p")
"""8 bits, 4:2:0: the only form of H.264 that every browser decodes."""
_NOTHING_ELSE = ("-map_metadata", "-1", "-sn", "-dn", "-bitexact", "-fflags", "+bitexact")


def streams_of(path: Path) -> list[dict[str, Any]] | None:
    """Return what ffprobe says of each stream of a file; None where it is not installed or cannot read it."""
    ffprobe = program("ffprobe")
    if ffprobe is None:
        return None
    command = [ffprobe, "-v", "error", *FILES_ONLY, "-show_streams", "-of", "json", str(path)]
    try:
        done = run(command, reads=[path], timeout=120)
        found: list[dict[str, Any]] = json.loads(done.stdout or b"{}").get("streams", [])
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return found or None


def why_not_played(kind: str, suffix: str, streams: Sequence[dict[str, Any]] | None) -> str | None:
    """Return why browsers do not play or show a file; None where they do. `suffix`: its ending, without the dot."""
    if kind in STILL:
        return None if suffix in _PICTURE_SUFFIXES else f"browsers do not show .{suffix} files"
    if streams is None:
        return "ffprobe is not installed, or cannot read the file"
    known = _CONTAINERS.get(suffix)
    if known is None:
        return f"browsers do not play .{suffix} files"
    for one in _heard_and_seen(streams):
        codec = str(one.get("codec_name"))
        if codec not in known:
            return f"browsers do not play {codec} in .{suffix} files"
        if codec == "h264" and one.get("pix_fmt") not in _PIXELS:
            return f"browsers do not play H.264 with {one.get('pix_fmt')}"
    return None


def _heard_and_seen(streams: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The streams of picture and sound; a cover picture is none."""
    return [
        one
        for one in streams
        if one.get("codec_type") in ("video", "audio") and not one.get("disposition", {}).get("attached_pic")
    ]


def copy_suffix(kind: str) -> str:
    """Return the ending of the copy of a file of this kind, without the dot."""
    return "png" if kind in STILL else "m4a" if kind in ("audio", "voice") else "mp4"


def make_playable(sources: Sequence[Path], kind: str, out: Path) -> dict[str, Any]:
    """Write a copy that browsers play: of one file, or of picture and sound that came apart.

    What can be copied as it is, is not encoded again. Return the tool and its arguments. Raises `ConversionError`.
    """
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        raise ConversionError("ffmpeg", "not installed", "Install ffmpeg: apt install ffmpeg")
    arguments = ["-nostdin", "-v", "error", "-y"]
    for source in sources:
        arguments += [*FILES_ONLY, "-i", str(source)]
    if kind in STILL:
        arguments += ["-frames:v", "1", "-c:v", "png"]
    else:
        streams = [one for source in sources for one in _heard_and_seen(streams_of(source) or ())]
        if kind not in ("audio", "voice"):
            arguments += ["-map", "0:v:0"]
        arguments += ["-map", "1:a:0"] if len(sources) > 1 else ["-map", "0:a:0?"]
        for letter, name, good, codec in (("v", "video", ("h264",), _VIDEO), ("a", "audio", ("aac", "mp3"), _AUDIO)):
            of_kind = [one for one in streams if one.get("codec_type") == name]
            copied = bool(of_kind) and all(
                one.get("codec_name") in good and (letter == "a" or one.get("pix_fmt") in _PIXELS) for one in of_kind
            )
            arguments += [f"-c:{letter}", "copy"] if copied else codec
        arguments += ["-movflags", "+faststart"]
    arguments += [*_NOTHING_ELSE, str(out)]
    try:
        done = run([ffmpeg, *arguments], reads=list(sources), writes=[out.parent], timeout=TIMEOUT, cwd=out.parent)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConversionError("a copy made by ffmpeg", str(error), "Play the original with another program.") from error
    if done.returncode or not out.exists():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConversionError(
            "a copy made by ffmpeg", said[-1] if said else "nothing", "Play the original with another program."
        )
    hidden = {str(source): f"in{number}" for number, source in enumerate(sources)} | {str(out): f"out{out.suffix}"}
    return {"tool": version(ffmpeg), "arguments": [hidden.get(one, one) for one in arguments]}


_VIDEO = [
    "-c:v",
    "libx264",
    "-preset",
    "fast",
    "-crf",
    "20",
    "-pix_fmt",
    "yuv420p",
    "-vf",
    "scale=trunc(iw/2)*2:trunc(ih/2)*2",
]
_AUDIO = ["-c:a", "aac", "-b:a", "160k"]
