"""What YouTube's answers say. Total: any bytes give posts or a typed reason.

    parse     which kind of answer it is           player    a video: watch page, player, `next`, info.json
    listing   channels, playlists, feeds           comments  comments and live chat
    captions  WebVTT, json3, timed text            community posts of channels
    authors   one channel or several of a video    old_page  watch pages of 2012 to 2017

Layouts of 2012 to 2026. Where two answers differ (a duration by a second, a title by language) the player's own
`videoDetails` comes first and the other stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from spiders.availability import absence
from spiders.html import decode
from spiders.json_access import at, load, load_at, obj, shape, text_of
from spiders.posts import Outcome, Parsed
from spiders.youtube import captions, comments, listing, player
from spiders.youtube.absence import WALLS
from spiders.youtube.old_page import old_page
from spiders.youtube.text import PARSER, alerts, none

_VARIABLES = (("player", "ytInitialPlayerResponse"), ("data", "ytInitialData"))
_SHAPES = {"c4TabbedHeaderRenderer", "pageHeaderRenderer", "playlistHeaderRenderer", "sectionListRenderer"}
"""What stands in `contents` and `header` of answers, beside the columns of pages."""
_ASSIGNED = re.compile(r"[\"']?\]?\s*=\s*(?=\{)")
_CONFIG = {
    "key": re.compile(r"\"INNERTUBE_API_KEY\"\s*:\s*\"([\w-]{10,80})\""),
    "version": re.compile(r"\"INNERTUBE_(?:CONTEXT_)?CLIENT_VERSION\"\s*:\s*\"([\w.]{3,40})\""),
    "visitor": re.compile(r"\"VISITOR_DATA\"\s*:\s*\"([\w%=-]{6,300})\""),
}


def parse(data: bytes, url: str | None = None, observed: datetime | None = None) -> Parsed:
    """Parse an answer of YouTube into posts. `observed`: when it was received, for dates like "5 years ago"."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        value = load(data)
        if value is None:
            return none("youtube/json", Outcome.PARTIAL, "malformed JSON")
        return parse_value(value, url, observed)
    if start.startswith(b"WEBVTT"):
        return captions.webvtt(data, url)
    if start[:1] == b"<":
        head = start[:2000].lower()
        if b"<feed" in head:
            return listing.feed(data)
        if b"<timedtext" in head or b"<transcript" in head or b"<tt " in head:
            return captions.timed_text(data, url)
        return _page(data, url, observed)
    if not start:
        return none("youtube/empty", Outcome.PARTIAL, "an empty answer")
    return none("youtube/unknown", Outcome.PARTIAL, "neither JSON nor a page")


def is_youtube(value: Any) -> bool:
    """Return whether a JSON value has one of YouTube's shapes, for files that come without their link."""
    if isinstance(value, list):
        return any(is_youtube(item) for item in value[:8]) or (
            bool(value) and isinstance(value[0], dict) and any("hatItem" in key for key in value[0])
        )
    if not isinstance(value, dict):
        return False
    names = {
        "playabilityStatus", "playerResponse", "videoDetails", "responseContext", "lockupViewModel",
        "continuationContents", "onResponseReceivedEndpoints", "replayChatItemAction",
    }  # fmt: skip
    names |= {"currentVideoEndpoint", "onResponseReceivedActions", "onResponseReceivedCommands", "frameworkUpdates"}
    inside = {name for part in ("contents", "header") for name in obj(value.get(part))}
    if inside & _SHAPES or any(name.startswith(("twoColumn", "singleColumn")) for name in inside):
        return True
    if names & value.keys() or str(value.get("extractor_key", "")).startswith("Youtube"):
        return True
    if "alerts" in value or "wireMagic" in value:
        return True
    if "contentId" in value and str(value.get("contentType", "")).startswith("LOCKUP_"):
        return True
    return ("videoId" in value and "navigationEndpoint" in value) or "youtube.com" in str(value.get("webpage_url"))


def parse_value(value: Any, url: str | None, observed: datetime | None) -> Parsed:
    """Parse a JSON value of YouTube's into posts, or a typed reason. `observed`: as in `parse`."""
    if isinstance(value, list):
        return _list(value, url, observed)
    if not isinstance(value, dict):
        return none("youtube/unknown", Outcome.PARTIAL, f"unknown layout: {shape(value)}")
    if value == {}:
        return player.nothing(url)
    if isinstance(value.get("playerResponse"), dict):
        return player.video(value["playerResponse"], value.get("response"), url, observed)
    if "playabilityStatus" in value or ("videoDetails" in value and isinstance(value["videoDetails"], dict)):
        return player.video(value, None, url, observed)
    if "extractor" in value or "extractor_key" in value or ("formats" in value and "id" in value):
        return player.info(value)
    if "events" in value and "wireMagic" in value:
        return captions.json3(value, url)
    if at(value, "continuationContents", "liveChatContinuation"):
        return comments.chat(value, url)
    if any(name in value for name in ("addChatItemAction", "replayChatItemAction")):
        return comments.chat_actions([value], url)
    if comments.is_comments(value):
        return comments.comments(value, observed)
    if at(value, "contents", "twoColumnWatchNextResults") is not None or "currentVideoEndpoint" in value:
        return player.watch_next(value, url, observed)
    if isinstance(value.get("error"), dict):
        return _error(value["error"])
    listed = listing.listing(value, url, observed)
    if (listed is None or not listed.posts) and (gated := listing.gate(value)) is not None:
        return gated
    if listed is not None:
        return listed
    if said := alerts(value):
        return listing.refused(said, value, url)
    if "endpoint" in value:
        browse = text_of(at(value, "endpoint", "browseEndpoint", "browseId"))
        page = {"channel_id": browse} if browse else {}
        return Parsed(
            platform="youtube",
            layout="youtube/resolved",
            reason="where a link leads, no post",
            page=page,
            parser=PARSER,
        )
    return none("youtube/unknown", Outcome.PARTIAL, f"unknown layout: {shape(value)}")


def _list(value: list[Any], url: str | None, observed: datetime | None) -> Parsed:
    """`watch?pbj=1` gave a list of parts (until 2021); chat downloads are lists of actions."""
    whole = next((item["playerResponse"] for item in value if isinstance(at(item, "playerResponse"), dict)), None)
    response = next((item["response"] for item in value if isinstance(at(item, "response"), dict)), None)
    if whole is not None:
        return player.video(whole, response, url, observed)
    if response is not None:
        return parse_value(response, url, observed)
    actions = [item for item in value if isinstance(item, dict)]
    if any("Action" in key or "Command" in key for item in actions for key in item):
        return comments.chat_actions(actions, url)
    return none("youtube/unknown", Outcome.PARTIAL, f"unknown layout: {shape(value)}")


def _error(error: dict[str, Any]) -> Parsed:
    code, said = error.get("code"), text_of(error.get("message")) or "without a message"
    outcome, reason, kind = Outcome.FAILED, f"YouTube answered with an error: {said} ({code})", "server error"
    if code == 404:
        outcome, reason, kind = Outcome.UNAVAILABLE, f"not found: {said}", "not found"
    elif code in (401, 403):
        outcome, reason, kind = Outcome.REFUSED, f"{said} (error {code})", "not authorised"
    elif code == 429:
        outcome, reason, kind = Outcome.BLOCKED, f"rate limit: {said}", "rate limit"
    return replace(none("youtube/error", outcome, reason), absence=absence(kind, said))


# -- pages ------------------------------------------------------------------------------------------------------


def variables(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the values of `ytInitialPlayerResponse` and `ytInitialData` in a page's scripts.

    The first `"videoId"` in a page may be another video's, so nothing is searched for in the text itself.
    """
    for name, variable in _VARIABLES:
        start = text.find(variable)
        while start >= 0:
            match = _ASSIGNED.match(text, start + len(variable))
            value = load_at(text, match.end()) if match else None
            if isinstance(value, dict) and value:
                yield name, value
                break
            start = text.find(variable, start + 1)


def _page(data: bytes, url: str | None, observed: datetime | None) -> Parsed:
    text = decode(data)
    found = dict(variables(text))
    hints = {name: match[1] for name, pattern in _CONFIG.items() if (match := pattern.search(text))}
    if "player" in found:
        parsed = player.video(found["player"], found.get("data"), url, observed)
    elif "data" in found:
        parsed = parse_value(found["data"], url, observed)
    elif (old := old_page(data)) is not None:
        parsed = old
    elif wall := next((row for row in WALLS if row.mark in text), None):
        layout = "youtube/consent" if wall.kind == "consent wall" else "youtube/wall"
        return replace(none(layout, wall.outcome, wall.meaning), absence=absence(wall.kind, wall.meaning))
    else:
        return none("youtube/page", Outcome.PARTIAL, f"unknown layout: a page without YouTube's data ({_title(text)})")
    return with_hints(parsed, hints)


def _title(text: str) -> str:
    match = re.search(r"<title[^>]*>([^<]{0,80})", text, re.IGNORECASE)
    return f"titled {match[1].strip()!r}" if match else "without a title"


def with_hints(parsed: Parsed, hints: dict[str, Any]) -> Parsed:
    """Add hints to a result; those that it already has stay."""
    return replace(parsed, hints={**hints, **parsed.hints})
