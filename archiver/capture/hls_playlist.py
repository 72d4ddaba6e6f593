"""HLS playlists (RFC 8216) and what they name, in order. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from spiders.links import safe_join

_ATTRIBUTE = re.compile(r"([A-Z0-9-]+)=(\"[^\"]*\"|[^,]*)")


@dataclass(frozen=True)
class Segment:
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
    segments: tuple[Segment, ...]
    ended: bool
    target: float
    """Seconds after which a live playlist has something new (`EXT-X-TARGETDURATION`)."""
    variants: tuple[tuple[int, str], ...] = ()
    """(bandwidth, link) of a master playlist."""
    encrypted: str | None = None
    """The method where it is one that is not undone here (SAMPLE-AES and its like)."""
    gaps: tuple[int, ...] = field(default=())


def parse_playlist(text: str, url: str) -> Playlist | None:
    """The playlist in `text`, or None where it is none."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines or not lines[0].startswith("#EXTM3U"):
        return None
    segments: list[Segment] = []
    variants: list[tuple[int, str]] = []
    gaps: list[int] = []
    number, target, ended = 0, 6.0, False
    span_wanted: tuple[int, int | None] | None = None
    behind: dict[str, int] = {}
    key: str | None = None
    iv: str | None = None
    other: str | None = None
    bandwidth: int | None = None
    gap = False
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name == "#EXT-X-MEDIA-SEQUENCE" and value.isdigit():
            number = int(value)
        elif name == "#EXT-X-TARGETDURATION" and re.fullmatch(r"\d{1,6}(\.\d+)?", value):
            target = float(value)
        elif name == "#EXT-X-ENDLIST":
            ended = True
        elif name == "#EXT-X-GAP":
            gap = True
        elif name == "#EXT-X-BYTERANGE":
            span_wanted = _range(value)
        elif name == "#EXT-X-KEY":
            facts = _attributes(value)
            method = facts.get("METHOD", "NONE")
            key = _joined(url, facts["URI"]) if method == "AES-128" and "URI" in facts else None
            iv = facts.get("IV")
            other = other or (method if method not in ("NONE", "AES-128") else None)
        elif name == "#EXT-X-MAP":
            facts = _attributes(value)
            if "URI" in facts:
                link = _joined(url, facts["URI"])
                span = _span(_range(facts["BYTERANGE"]), link, behind) if "BYTERANGE" in facts else None
                segments.append(Segment(number, link, span, key, iv, True))
        elif name == "#EXT-X-STREAM-INF":
            rate = _attributes(value).get("BANDWIDTH", "0")
            bandwidth = int(rate) if rate.isdigit() else 0
        elif not line.startswith("#"):
            link = _joined(url, line)
            if bandwidth is not None:
                variants.append((bandwidth, link))
                bandwidth = None
                continue
            if gap:
                gaps.append(number)
            else:
                segments.append(Segment(number, link, _span(span_wanted, link, behind), key, iv))
            number += 1
            span_wanted, gap = None, False
    return Playlist(tuple(segments), ended, target, tuple(variants), other, tuple(gaps))


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
