"""Where a page names its videos and recordings: its elements, its head, JSON-LD, its scripts, and players of other sites. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from spiders.links import safe_split
from spiders.page.pointers import resolved
from spiders.posts import Attachment

Listed = Callable[[str | None], str | None]
"""A link of the page → as it is listed; None where it names no file."""
MOST = 5
"""Links that scripts name beside the page's own elements; more than that is a list of other videos."""
MOST_NAMED = 500
"""Media that JSON-LD names; a page with more is a catalogue, of which the rest is counted."""
SCRIPTED = "no link in the page; played by a script"
_FILE = re.compile(r"\.(?:mp4|m4v|mov|webm|ogv|flv|3gp|mkv|ts|mp3|m4a|aac|ogg|oga|opus|wav|m3u8|mpd)$", re.IGNORECASE)
_SOUND = re.compile(r"\.(?:mp3|m4a|aac|ogg|oga|opus|wav)$", re.IGNORECASE)
_MANIFEST = re.compile(
    r"(?:https?:)?//[^\s\"'<>\\{}()]{4,2000}?\.(?:m3u8|mpd)(?:\?[^\s\"'<>\\{}()]{0,2000})?(?=[\s\"'<>\\)]|$)",
    re.IGNORECASE,
)
_SETUP = re.compile(
    r"[\"']?\b(?:file|src|source|hls|dash|mp4|content_?url|video_?url|stream_?url|play_?addr|download_?addr)\b[\"']?\s*[:=]\s*[\"']"
    r"((?:https?:)?//[^\s\"'<>]{4,2000})[\"']",
    re.IGNORECASE,
)
_MEDIA_TYPES = ("video/", "audio/", "application/x-mpegurl", "application/vnd.apple", "application/dash")
_OTHERS = frozenset(
    {"itemListElement", "isRelatedTo", "relatedLink", "mentions", "isPartOf", "citation", "significantLink"}
)
"""Properties of schema.org under which a page lists what is not its own."""
_PLAYERS = (
    ("Odnoklassniki", r"(?:\w+\.)?(?:ok|odnoklassniki)\.ru/videoembed/\d+"),
    ("VK", r"(?:\w+\.)?(?:vk\.com|vk\.ru|vkvideo\.ru|vkontakte\.ru)/video_ext\.php"),
    ("Rutube", r"(?:\w+\.)?rutube\.ru/(?:play|video)/embed/\w+"),
    ("Mail.ru", r"(?:my|videoapi\.my)\.mail\.ru/(?:video|videos)/embed/"),
    ("Dzen", r"(?:\w+\.)?dzen\.ru/embed/"),
    ("Smotrim", r"player\.(?:smotrim\.ru|vgtrk\.com)/iframe/"),
    ("Vimeo", r"player\.vimeo\.com/video/\d+"),
    ("Dailymotion", r"(?:(?:www|geo)\.)?dailymotion\.com/(?:embed/video|player)\b"),
    ("TikTok", r"www\.tiktok\.com/(?:embed|player)(?:/v\d)?/\d+"),
    ("Coub", r"(?:\w+\.)?coub\.com/embed/\w+"),
    ("Streamable", r"streamable\.com/[eos]/\w+"),
    ("SoundCloud", r"w\.soundcloud\.com/player"),
    ("Twitch", r"(?:player\.twitch\.tv/|clips\.twitch\.tv/embed)"),
    ("Rumble", r"rumble\.com/embed/\w+"),
    ("Odysee", r"odysee\.com/(?:\$|%24)/embed/"),
    ("BitChute", r"(?:\w+\.)?bitchute\.com/embed/\w+"),
    ("Brightcove", r"players\.brightcove\.net/\d+/"),
    ("JW Player", r"(?:cdn\.jwplayer|content\.jwplatform)\.com/players/\w+"),
    ("Wistia", r"fast\.wistia\.(?:net|com)/embed/(?:iframe|medias)/\w+"),
    ("PeerTube", r"[\w.-]+/videos/embed/[0-9A-Za-z-]{22,36}\b"),
)  # fmt: skip
_PLAYER = tuple((name, re.compile(rf"https?://{pattern}", re.IGNORECASE)) for name, pattern in _PLAYERS)


def media_of(document: Any, listed: Listed) -> list[Attachment]:
    """List videos and recordings that a page plays or names, each link once, and the frames in it."""
    found = {item.url: item for item in _elements(document, listed) if item.url is not None}
    scripted = [item for item in _elements(document, listed) if item.url is None]
    elsewhere: list[Attachment] = []
    for item in (*_head(document, listed), *_json_ld(document, listed)):
        if item.kind == "frame" or item.reason is not None:
            elsewhere.append(item)
        elif item.url is not None:
            before = found.setdefault(item.url, item)
            if before.duration is None and item.duration is not None:
                found[item.url] = replace(before, duration=item.duration)
    if scripted or not found:
        for link in _in_scripts(document, listed, bool(found)):
            found.setdefault(link, Attachment(_kind(link), link, extra={"named_in": "script"}))
    # An element without a link is filled by a script: with what the page names elsewhere, where it names anything.
    named = sum(1 for item in found.values() if item.extra.get("named_in"))
    frames = {item.url or item.extract_from or item.reason: item for item in (*_frames(document, listed), *elsewhere)}
    return [*found.values(), *scripted[named:], *frames.values()]


def player_of(link: str) -> str | None:
    """Return the site whose player a frame shows, where an extractor reads such frames; else None."""
    return next((name for name, pattern in _PLAYER if pattern.match(link)), None)


def _kind(link: str) -> str:
    return "audio" if _SOUND.search(safe_split(link).path) else "video"


def _elements(document: Any, listed: Listed) -> Iterator[Attachment]:
    for tag in ("video", "audio"):
        for node in document.xpath(f"//{tag}"):
            links = [node.get("src"), node.get("data-src"), *node.xpath("./source/@src | ./source/@data-src")]
            urls = [url for link in links if (url := listed(link))]
            poster = listed(node.get("poster"))
            if not urls:
                yield Attachment(tag, None, thumbnail=poster, reason=SCRIPTED)
            for url in dict.fromkeys(urls):
                yield Attachment(tag, url, thumbnail=poster)


def _head(document: Any, listed: Listed) -> Iterator[Attachment]:
    """Open Graph (og:video, og:audio) and player cards: a file where they say so, else the frame of a player."""
    kind, length = "", None
    for node in document.xpath("//meta[@content]"):
        name, value = str(node.get("property") or node.get("name") or "").lower(), str(node.get("content"))
        if name in ("og:video:type", "og:audio:type", "twitter:player:stream:content_type"):
            kind = value.lower()
        elif name in ("og:video:duration", "video:duration") and re.fullmatch(r"\d{1,6}", value):
            length = float(value)
    for node in document.xpath("//meta[@content]"):
        name = str(node.get("property") or node.get("name") or "").lower()
        if not re.fullmatch(r"og:(?:video|audio)(?::url|:secure_url)?|twitter:player:stream", name):
            continue
        url = listed(str(node.get("content")).strip())
        if url is None:
            continue
        tag = "audio" if name.startswith("og:audio") else "video"
        if _FILE.search(safe_split(url).path) or kind.startswith(_MEDIA_TYPES):
            yield Attachment(tag, url, duration=length, extra={"named_in": name})
        else:
            yield _frame(url)


def _json_ld(document: Any, listed: Listed) -> Iterator[Attachment]:
    """`contentUrl` of a VideoObject or AudioObject (schema.org), wherever it stands in the data; at most `MOST_NAMED`."""
    seen: set[str] = set()
    for node in document.xpath("//script[@type='application/ld+json']"):
        try:
            value = json.loads(node.text or "")
        except (ValueError, RecursionError):
            continue
        for item in _objects(value, 0):
            link = item.get("contentUrl")
            kinds = item.get("@type")
            named = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
            if (
                isinstance(link, str)
                and {"VideoObject", "AudioObject"} & {str(kind) for kind in named}
                and link not in seen
            ):
                seen.add(link)
                if len(seen) > MOST_NAMED or (url := listed(link.strip())) is None:
                    continue
                tag = "audio" if "AudioObject" in named else "video"
                if resolved(url) is None:
                    yield Attachment(
                        tag, url, duration=iso_length(item.get("duration")), extra={"named_in": "JSON-LD contentUrl"}
                    )

    if (more := len(seen) - MOST_NAMED) > 0:
        yield Attachment("video", None, reason=f"{more} more of JSON-LD not listed: at most {MOST_NAMED} of a page are")


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > 20:
        return
    if isinstance(value, dict):
        yield value
        for name, part in value.items():
            if name not in _OTHERS:
                yield from _objects(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part, depth + 1)


def iso_length(value: Any) -> float | None:
    """Read a duration of ISO 8601 in seconds, as "PT1M9S"; None where it is none or zero, which stands for unknown."""
    match = (
        re.fullmatch(r"P(?:(\d{1,3})D)?T?(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,6})(?:\.\d+)?S)?", value)
        if isinstance(value, str)
        else None
    )
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds) or None


def _in_scripts(document: Any, listed: Listed, only_manifests: bool) -> list[str]:
    """Streams that scripts name, or the files of a player's setup where they name none; at most `MOST`."""
    manifests: dict[str, None] = {}
    files: dict[str, None] = {}
    for node in document.xpath("//script[not(@src) and not(@type='application/ld+json')]"):
        text = node.text or ""
        if "//" not in text and "\\/" not in text and "\\u002" not in text.lower():
            continue
        text = re.sub(r"\\u002f", "/", text, flags=re.IGNORECASE).replace("\\/", "/")
        text = re.sub(r"\\u0026", "&", text, flags=re.IGNORECASE).replace("&amp;", "&")
        for link in (url for match in _MANIFEST.finditer(text) if (url := listed(match[0]))):
            manifests.setdefault(link)
        for match in _SETUP.finditer(text):
            if (url := listed(match[1])) and (_FILE.search(safe_split(url).path)):
                files.setdefault(url)
    streams = [link for link in manifests if safe_split(link).path.lower().endswith(".m3u8")]
    chosen = streams or list(manifests) or ([] if only_manifests else list(files))
    return chosen[:MOST]


def _frames(document: Any, listed: Listed) -> Iterator[Attachment]:
    for node in document.xpath("//iframe[@src or @data-src or @data-lazy-src] | //frame[@src]"):
        links = [node.get("data-src"), node.get("data-lazy-src"), node.get("src")]
        if url := next((url for link in links if (url := listed(link))), None):
            yield _frame(url)


def _frame(url: str) -> Attachment:
    """A frame: its video where a known player shows it, else a note of what it is."""
    player = resolved(url)
    if player is not None:
        return Attachment(
            "frame", url, reason=f"a player of {player.platform}: {player.url}", extra={"target": player.key}
        )
    if (name := player_of(url)) is not None:
        return Attachment("video", None, extract_from=url, extra={"player": name})
    return Attachment("frame", url, reason="an embedded page; not part of this one")
