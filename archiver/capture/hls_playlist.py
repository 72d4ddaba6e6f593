"""HLS playlists (RFC 8216) and what they name, in order. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from spiders.links import safe_join

_NUMBER = re.compile(r"[0-9]{1,18}")
_ATTRIBUTE = re.compile(r"([A-Z0-9-]+)=(\"[^\"]*\"|[^,]*)")


@dataclass(frozen=True)
class MediaSegment:
    """One request: the media sequence number, the link, and the byte range (offset, length), if any."""

    number: int
    url: str
    span: tuple[int, int] | None = None
    key: str | None = None
    iv: str | None = None
    initial: bool = False
    """An `EXT-X-MAP`: what every player reads before the segments that follow it."""


@dataclass(frozen=True)
class Playlist:
    """A playlist of HLS: segments in order, or the variants of a master playlist (RFC 8216 section 4)."""

    segments: tuple[MediaSegment, ...]
    ended: bool
    target: float
    """Seconds after which a live playlist has something new (`EXT-X-TARGETDURATION`)."""
    variants: tuple[tuple[int, str], ...] = ()
    """(bandwidth, link) of a master playlist."""
    encrypted: str | None = None
    """The method where it is one that is not undone here (SAMPLE-AES and its like)."""
    gaps: tuple[int, ...] = field(default=())
    seconds: float | None = None
    """Sum of what the segments state of their lengths (`EXTINF`); None where one states none."""


def parse_playlist(text: str, url: str) -> Playlist | None:
    """Parse a playlist (RFC 8216 section 4); return None where `text` is none."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines or not lines[0].startswith("#EXTM3U"):
        return None
    reading = _Reading(url)
    for line in lines[1:]:
        if line.startswith("#"):
            name, _, value = line.partition(":")
            reading.take_tag(name, value)
        else:
            reading.take_link(_joined(url, line))
    return reading.playlist()


class _Reading:
    """A playlist as far as it was read: what its tags say holds for the links that follow."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._segments: list[MediaSegment] = []
        self._variants: list[tuple[int, str]] = []
        self._gaps: list[int] = []
        self._number, self._target, self._ended = 0, 6.0, False
        self._span_wanted: tuple[int, int | None] | None = None
        self._behind: dict[str, int] = {}
        self._key: str | None = None
        self._iv: str | None = None
        self._other_method: str | None = None
        self._bandwidth: int | None = None
        self._gap = False
        self._length: float | None = None
        self._seconds: float | None = 0.0

    def take_tag(self, name: str, value: str) -> None:
        if name == "#EXT-X-MEDIA-SEQUENCE" and _NUMBER.fullmatch(value):
            self._number = int(value)
        elif name == "#EXT-X-TARGETDURATION" and re.fullmatch(r"\d{1,6}(\.\d+)?", value):
            self._target = float(value)
        elif name == "#EXTINF":
            match = re.match(r"\d{1,6}(\.\d{1,9})?", value)
            self._length = float(match[0]) if match else None
        elif name == "#EXT-X-ENDLIST":
            self._ended = True
        elif name == "#EXT-X-GAP":
            self._gap = True
        elif name == "#EXT-X-BYTERANGE":
            self._span_wanted = _range(value)
        elif name == "#EXT-X-KEY":
            self._take_key(_attributes(value))
        elif name == "#EXT-X-MAP":
            self._take_map(_attributes(value))
        elif name == "#EXT-X-STREAM-INF":
            rate = _attributes(value).get("BANDWIDTH", "0")
            self._bandwidth = int(rate) if _NUMBER.fullmatch(rate) else 0

    def _take_key(self, facts: dict[str, str]) -> None:
        method = facts.get("METHOD", "NONE")
        self._key = _joined(self._url, facts["URI"]) if method == "AES-128" and "URI" in facts else None
        self._iv = facts.get("IV")
        self._other_method = self._other_method or (method if method not in ("NONE", "AES-128") else None)

    def _take_map(self, facts: dict[str, str]) -> None:
        if "URI" in facts:
            link = _joined(self._url, facts["URI"])
            span = _span(_range(facts["BYTERANGE"]), link, self._behind) if "BYTERANGE" in facts else None
            self._segments.append(MediaSegment(self._number, link, span, self._key, self._iv, True))

    def take_link(self, link: str) -> None:
        if self._bandwidth is not None:
            self._variants.append((self._bandwidth, link))
            self._bandwidth = None
            return
        if self._gap:
            self._gaps.append(self._number)
        else:
            span = _span(self._span_wanted, link, self._behind)
            self._segments.append(MediaSegment(self._number, link, span, self._key, self._iv))
            known = self._seconds is not None and self._length is not None
            self._seconds = (self._seconds or 0.0) + (self._length or 0.0) if known else None
        self._number += 1
        self._span_wanted, self._gap, self._length = None, False, None

    def playlist(self) -> Playlist:
        return Playlist(
            tuple(self._segments),
            self._ended,
            self._target,
            tuple(self._variants),
            self._other_method,
            tuple(self._gaps),
            self._seconds if self._segments else None,
        )


def _joined(url: str, link: str) -> str:
    """A link of the playlist. What cannot be read stays as it is: asking for it says what is wrong with it."""
    return safe_join(url, link) or link


def _attributes(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}


def _range(text: str) -> tuple[int, int | None] | None:
    match = re.fullmatch(r"(\d{1,15})(?:@(\d{1,15}))?", text.strip())
    return (int(match[1]), int(match[2]) if match[2] else None) if match else None


def _span(wanted: tuple[int, int | None] | None, link: str, behind: dict[str, int]) -> tuple[int, int] | None:
    """Section 4.3.2.2: without an offset, a range starts where the last one of that link ended."""
    if wanted is None:
        return None
    length, start = wanted
    at = behind.get(link, 0) if start is None else start
    behind[link] = at + length
    return at, length
