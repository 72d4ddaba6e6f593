"""Whether a file is what a post says that it is. Pure: from its bytes, a probe, and what was stated.

"Proved" is said only of a file that was opened and compared. Where no tool could look, that is a verdict of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from archiver.tools.media.containers import Read, missing_part, picture_size
from archiver.tools.media.kinds import DASH, HLS, OCTETS, Ends, media_type, named, plain_word

TOLERANCE_SECONDS, TOLERANCE_SHARE = 2.0, 0.05
"""By how much a film may be shorter than stated: platforms round to whole seconds, some count from the upload before it
was encoded again, and the last pictures and the sound rarely end together. What is cut off in a transfer is far more."""
TIMED = ("mov", "mp4", "matroska", "webm", "ogg", "mpegts", "wav", "avi", "flac", "asf", "flv")
"""Containers that tell their length. Of bare MP3 and AAC ffprobe guesses it from the bitrate."""
PICTURES, FILMS, SOUNDS = ("photo", "image", "sticker"), ("video", "gif", "round video"), ("audio", "voice")
MEDIA = (*PICTURES, *FILMS, *SOUNDS)
FILES = ("document", "file")
_NOTHING = frozenset({"text/html", "application/json", "application/xml", HLS, DASH, "message/rfc822"})
_GENERIC = frozenset({OCTETS, "application/zip", "application/x-ole-storage", "application/gzip"})
_BY_NAME = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "heic", "heif", "avif", "bmp", "tif", "tiff"), "image"),
    **dict.fromkeys(("mp4", "m4v", "mov", "3gp", "avi", "mkv", "webm", "ts", "mpg", "mpeg", "wmv", "flv"), "video"),
    **dict.fromkeys(("mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac", "amr", "wma"), "audio"),
    **dict.fromkeys(("pdf", "zip", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "rar", "7z", "apk"), "application"),
}  # fmt: skip


class Verdict(StrEnum):
    """What is concluded of a file."""

    PROVED = "proved"
    WRONG = "wrong kind"
    DAMAGED = "damaged"
    SHORT = "too short"
    UNKNOWN = "not computed"
    """Nothing speaks against it, and nothing has proved it."""


@dataclass(frozen=True)
class Stated:
    """What a post, page or manifest says of a file. `duration` in seconds, `width` and `height` in pixels.

    `media_type`: where it names one; `name`: the file's.
    """

    kind: str
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    media_type: str | None = None
    name: str | None = None

    @property
    def family(self) -> str | None:
        """The first part of the media type that the file must have; None where nothing says."""
        if self.kind in MEDIA:
            return "image" if self.kind in PICTURES else "video" if self.kind in FILMS else "audio"
        if self.media_type and (first := self.media_type.partition("/")[0].lower()) in ("image", "video", "audio"):
            return first
        return _BY_NAME.get((self.name or "").rpartition(".")[2].lower())

    @property
    def word(self) -> str:
        """What to call it in a sentence."""
        return self.kind if self.kind in MEDIA else {"image": "photo"}.get(self.family or "", self.family or "") \
            if self.family in ("image", "video", "audio") else "document"  # fmt: skip


@dataclass(frozen=True)
class ProbeFacts:
    """What ffprobe says of a file. `problem`: why it could not open it."""

    problem: str | None = None
    streams: frozenset[str] = frozenset()
    """Kinds of its streams: "video", "audio", …; a cover is none."""
    container: str = ""
    duration: float | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Judgement:
    """Verdict on a file. `found`: its media type by its bytes. `reason`: in plain words; None where it is proved."""

    verdict: Verdict
    found: str
    reason: str | None = None
    usable: bool = True
    """Whether what came is a medium at all, and not a page, a message or nothing."""
    held: str | None = None
    """What it is to be listed as, where it is not what was wanted."""

    @property
    def bad(self) -> bool:
        """Whether it is not what was promised."""
        return self.verdict in (Verdict.WRONG, Verdict.DAMAGED, Verdict.SHORT)

    def line(self) -> dict[str, str]:
        """Return what the line of the inventory says of it."""
        held = {"held": self.held} if self.held else {}
        why = {"unproved": self.reason} if self.verdict is Verdict.UNKNOWN and self.reason else {}
        return {"found": self.found, "proof": str(self.verdict), **held, **why}


def probe_facts(said: Any) -> ProbeFacts | None:
    """Read what ffprobe printed; None where it did not run to its end, which says nothing of the file."""
    if not isinstance(said, dict) or "not_run" in said:
        return None
    if "error" in said or not isinstance(said.get("streams"), list) or not isinstance(said.get("format"), dict):
        return ProbeFacts(problem=str(said.get("error") or "no stream found"))
    streams = [item for item in said["streams"] if isinstance(item, dict)]
    shown = [item for item in streams if not _cover(item)]
    picture = next((item for item in shown if item.get("codec_type") == "video"), {})
    lengths = [_number(said["format"].get("duration")), *(_number(item.get("duration")) for item in shown)]
    return ProbeFacts(
        streams=frozenset(str(item.get("codec_type")) for item in shown),
        container=str(said["format"].get("format_name", "")),
        duration=max((length for length in lengths if length is not None), default=None),
        width=_pixels(picture.get("width")),
        height=_pixels(picture.get("height")),
    )


def _cover(stream: dict[str, Any]) -> bool:
    disposition = stream.get("disposition")
    return isinstance(disposition, dict) and bool(disposition.get("attached_pic"))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d+)?", value) else None


def _pixels(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def at_a_glance(stated: Stated, ends: Ends, read: Read) -> Judgement:
    """Judge a file by its own bytes, without a tool. A film is never proved by that; a picture can be."""
    found, family, word = media_type(ends), stated.family, stated.word
    if not ends.size:
        return Judgement(
            Verdict.WRONG, found, f"0 bytes came in place of the {word}", False, f"nothing in place of the {word}"
        )
    if _another_kind(stated, found):
        what = named(found) if found != OCTETS else f"bytes of no known kind of {word}"
        usable = found not in _NOTHING and not found.startswith("text/")
        return Judgement(
            Verdict.WRONG, found, f"{what} came in place of the {word}", usable, f"{what} in place of the {word}"
        )
    if (lack := missing_part(found, ends, read)) is not None:
        return Judgement(Verdict.DAMAGED, found, f"the {word} is damaged: {lack}", True, f"damaged {word}")
    if family == "image" and found.startswith("image/"):
        size = picture_size(found, ends.head)
        return (
            _measured(stated, found, size)
            if size
            else Judgement(Verdict.UNKNOWN, found, "its dimensions were not read")
        )
    return Judgement(Verdict.UNKNOWN, found, "it was not opened")


def judged(stated: Stated, glance: Judgement, probe: ProbeFacts | None) -> Judgement:
    """Judge a film or a recording, after `at_a_glance`, by what ffprobe says of it.

    `probe`: None where it could not be asked.
    """
    family, word, found = stated.family, stated.word, glance.found
    if glance.bad or family not in ("video", "audio") or probe is None:
        return glance
    if probe.problem is not None:
        return Judgement(
            Verdict.DAMAGED, found, f"the {word} cannot be opened: {probe.problem}", True, f"damaged {word}"
        )
    if family not in probe.streams:
        only = "sound" if probe.streams == {"audio"} else ", ".join(sorted(probe.streams)) or "no stream"
        return Judgement(Verdict.WRONG, found, f"the {word} holds {only} only", True, f"{only} in place of the {word}")
    length = probe.duration if any(name in probe.container for name in TIMED) else None
    if stated.duration is not None and length is not None:
        if length < stated.duration - max(TOLERANCE_SECONDS, TOLERANCE_SHARE * stated.duration):
            why = f"the {word} is {_seconds(length)} s long where {_seconds(stated.duration)} s are stated"
            return Judgement(Verdict.SHORT, found, why, True, f"a part of the {word}")
    elif stated.duration is not None:
        return Judgement(Verdict.UNKNOWN, found, "it does not tell its length, which could not be compared")
    size = (probe.width, probe.height) if probe.width and probe.height else None
    return _measured(stated, found, size) if family == "video" and size else Judgement(Verdict.PROVED, found)


def _another_kind(stated: Stated, found: str) -> bool:
    """Whether the bytes are of another kind than the post says."""
    family, first = stated.family, found.partition("/")[0]
    if family is None:
        return False  # a document may be anything
    if family == "application":
        return found in ("text/html", "application/json") or first in ("image", "video", "audio")
    if first == family:
        return False
    if stated.kind == "gif":  # a looping clip, in whatever form the platform keeps it
        return first != "image"
    if stated.kind == "sticker":
        return found not in ("video/webm", "application/gzip")
    # Sound in a container that can hold both: which it is, the streams say.
    return not (family == "audio" and first == "video")


def _measured(stated: Stated, found: str, size: tuple[int, int]) -> Judgement:
    """Compare dimensions, either way round, since a phone's film is turned by a mark in its head.

    A smaller one than stated is no fault: platforms state the size of what was uploaded and offer what they made of it.
    """
    if stated.width and stated.height:
        ours, theirs = sorted(size), sorted((stated.width, stated.height))
        if ours[0] <= 2 < theirs[0]:
            why = f"a dot of {size[0]}×{size[1]} pixels came in place of the {stated.word}"
            return Judgement(Verdict.WRONG, found, why, True, f"a dot in place of the {stated.word}")
        if ours[1] < theirs[1] * (1 - TOLERANCE_SHARE):
            why = f"it has {size[0]}×{size[1]} pixels where {stated.width}×{stated.height} are stated"
            return Judgement(Verdict.UNKNOWN, found, why)
    return Judgement(Verdict.PROVED, found)


def of_unknown(ends: Ends, read: Read) -> tuple[str, str | None]:
    """Return the media type of a file of which nobody said anything, and in words what is wrong with it, or None."""
    found = media_type(ends)
    return found, "the file has 0 bytes" if not ends.size else missing_part(found, ends, read)


def by_name(name: str, found: str) -> str | None:
    """Return in words how a file's ending contradicts its bytes, where these are no medium at all; else None."""
    family = _BY_NAME.get(name.rpartition(".")[2].lower())
    if family in ("image", "video", "audio") and (found in _NOTHING or found.startswith("text/") or found == OCTETS):
        word = {"image": "photo"}.get(family, family)
        return f"{named(found) if found != OCTETS else 'bytes of no known kind'} under the name of a {word}"
    return None


def unreadable(found: str, probe: ProbeFacts | None) -> str | None:
    """Return in words that a film or recording cannot be opened, or None."""
    if probe is None or found.partition("/")[0] not in ("video", "audio") or found == "audio/midi":
        return None
    return f"the {plain_word(found)} cannot be opened: {probe.problem}" if probe.problem is not None else None


def _seconds(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
