"""Caption tracks: WebVTT, json3 and timed text, as posts with their cues."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from lxml import etree

from spiders.json_access import dicts, load, number
from spiders.links import safe_split
from spiders.posts import Outcome, Parsed, Post
from spiders.youtube.text import PARSER, none, video_id_of

Cue = tuple[float, float | None, str]
_TIMING = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{3}) --> (?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{3})(.*)")


def parse_track(data: bytes, url: str | None, lang: str | None = None, automatic: bool = False) -> Parsed:
    """Parse a caption track, whose form its first bytes tell. `lang` and `automatic`: as the page said of it."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    value = load(data) if start[:1] == b"{" else None
    if isinstance(value, dict):
        parsed = json3(value, url)
    elif start[:1] == b"<":
        parsed = timed_text(data, url)
    else:
        parsed = webvtt(data, url)
    posts = tuple(
        replace(
            post,
            lang=lang or post.lang,
            extra={**post.extra, "automatic": automatic or bool(post.extra["automatic"])},
        )
        for post in parsed.posts
    )
    return replace(parsed, posts=posts)


def webvtt(data: bytes, url: str | None) -> Parsed:
    """Parse W3C WebVTT. YouTube's automatic tracks repeat each line while it scrolls: a line is listed once."""
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    header = text.partition("\n\n")[0]
    lang = re.search(r"^Language: *([\w-]+)", header, re.MULTILINE)
    cues: list[Cue] = []
    at_time: tuple[float, float] | None = None
    lines: list[str] = []
    for line in [*text.split("\n"), "00:00:00.000 --> 00:00:00.000"]:
        match = _TIMING.match(line.strip())
        if match is None:
            lines.append(line)
            continue
        if at_time is not None:
            said = _plain("\n".join(lines))
            if said:
                cues.append((at_time[0], max(0.0, round(at_time[1] - at_time[0], 3)), said))
        at_time, lines = (_seconds(match.groups()[:4]), _seconds(match.groups()[4:8])), []
    return _track(cues, url, lang[1] if lang else None, "webvtt")


def _seconds(parts: Any) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return round(hours * 3600 + minutes * 60 + seconds + thousandths / 1000, 3)


def _plain(text: str) -> str:
    return "\n".join(
        part for line in html.unescape(re.sub(r"<[^>\n]{0,80}>", "", text)).split("\n") if (part := line.strip())
    )


def json3(value: dict[str, Any], url: str | None) -> Parsed:
    """Parse `fmt=json3`: events of segments, times in milliseconds."""
    cues: list[Cue] = []
    for event in dicts(value.get("events")):
        said = "".join(text for part in dicts(event.get("segs")) if isinstance(text := part.get("utf8"), str)).strip()
        start, length = number(event.get("tStartMs")), number(event.get("dDurationMs"))
        if said and start is not None:
            cues.append((start / 1000, length / 1000 if length is not None else None, said))
    return _track(cues, url, None, "json3")


def timed_text(data: bytes, url: str | None) -> Parsed:
    """Parse the XML forms: `<transcript><text start dur>` (s) and `<timedtext><body><p t d>` (ms)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        return none("youtube/captions", Outcome.PARTIAL, "malformed timed text")
    cues: list[Cue] = []
    for item in root.iter("text", "p", "{*}p"):
        said = _plain(html.unescape("".join(str(part) for part in item.itertext())))
        if not said:
            continue
        if item.get("start") is not None:
            start, length = number(item.get("start")), number(item.get("dur"))
        elif item.get("t") is not None:
            start, length = number(item.get("t")), number(item.get("d"))
            start = start / 1000 if start is not None else None
            length = length / 1000 if length is not None else None
        else:
            continue
        if start is not None:
            cues.append((start, length, said))
    return _track(cues, url, None, "timed text")


def _track(cues: list[Cue], url: str | None, lang: str | None, form: str) -> Parsed:
    query = {name: values[0] for name, values in parse_qs(safe_split(url or "").query).items()}
    lang = query.get("tlang") or query.get("lang") or lang
    automatic = True if query.get("kind") == "asr" else None
    if not cues:
        return none("youtube/captions", Outcome.PARTIAL, "a caption track without a line")
    lines: list[str] = []
    for _, _, said in cues:
        for line in said.split("\n"):
            if line not in lines[-2:]:
                lines.append(line)
    video = video_id_of(url)
    post = Post(
        platform="youtube",
        id=f"{video}/captions/{lang or 'unknown'}{'-automatic' if automatic else ''}" if video else None,
        url=f"https://www.youtube.com/watch?v={video}" if video else None,
        text="\n".join(lines),
        lang=lang,
        extra={
            "kind": "captions",
            "automatic": automatic,
            "translated": True if query.get("tlang") else None,
            "form": form,
            "cues": [{"start": start, "duration": length, "text": said} for start, length, said in cues],
        },
    )
    return Parsed(platform="youtube", layout="youtube/captions", posts=(post,), page={"cues": len(cues)}, parser=PARSER)
