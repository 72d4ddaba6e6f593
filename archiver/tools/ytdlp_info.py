"""yt-dlp's descriptions and errors: what of them is kept, shown, and what it says in plain words. Pure."""

from __future__ import annotations

import re
from typing import Any

from spiders.json_access import dicts, text_of
from spiders.posts import Outcome
from spiders.youtube.player import state_of

SPOKEN = frozenset({
    "http", "https", "m3u8", "m3u8_native", "http_dash_segments", "http_dash_segments_generator", "ism", "f4m", "mhtml",
    "youtube_live_chat", "youtube_live_chat_replay", "bunnycdn", "soopvod",
})  # fmt: skip
"""Protocols that yt-dlp speaks itself, over HTTP and so through the recorder. For rtmp, rtsp, mms and the like it would start
programs that make connections of their own."""
_KINDS = {
    "GeoRestrictedError": (Outcome.REFUSED, "geo-blocked"),
    "UserNotLive": (Outcome.UNAVAILABLE, "not live now"),
    "UnsupportedError": (Outcome.SKIPPED, "no extractor reads this page"),
}
_WORDS = [
    ("http error 404", Outcome.UNAVAILABLE, "not found"),
    ("http error 410", Outcome.UNAVAILABLE, "gone"),
    ("http error 429", Outcome.BLOCKED, "rate limit"),
    ("http error 403", Outcome.REFUSED, "forbidden"),
    ("http error 401", Outcome.REFUSED, "login required"),
    ("login required", Outcome.REFUSED, "login required"),
    ("log in", Outcome.REFUSED, "login required"),
    ("cookies", Outcome.REFUSED, "login required"),
    ("drm", Outcome.REFUSED, "encrypted for paying players (DRM)"),
    ("this live event will begin", Outcome.PARTIAL, "upcoming"),
    ("premieres in", Outcome.PARTIAL, "upcoming"),
    ("no video formats", Outcome.PARTIAL, "no file is offered"),
    ("unsupported url", Outcome.SKIPPED, "no extractor reads this page"),
    ("unable to download", Outcome.FAILED, "an answer that the extractor needs did not come"),
]


def outcome_of(error: dict[str, Any]) -> tuple[Outcome, str]:
    """Return what an extractor's error says of the media: its outcome, and the reason in words.

    An error that fits no known wording is our failure, never the platform's word.
    """
    kind, said = str(error.get("kind")), str(error.get("said", ""))
    said = re.sub(r"\x1b\[[0-9;]*m", "", said).removeprefix("ERROR: ").strip()
    short = re.split(r"[.;] (?:Use --|See |Please report|Confirm you are)", said)[0][:300]
    if kind in _KINDS:
        outcome, state = _KINDS[kind]
        return outcome, f"{state}: {short}"
    known = state_of(said)
    if known is not None:
        return known[0], f"{known[1]}: {short}"
    lower = said.lower()
    for words, outcome, state in _WORDS:
        if words in lower:
            return outcome, f"{state}: {short}"
    return Outcome.FAILED, f"the extractor failed: {kind}: {short}"


_NOTHING = ("no video", "no media", "no playable", "not a video", "not contain", "n't contain", "no extractor reads this page",
            "names no file", "found nothing", "no audio", "no clip", "no player")  # fmt: skip
_SOMETHING = ("no video formats",)
"""What extractors say where there is a video, and no file of it."""


def finds_nothing(reason: str | None) -> bool:
    """Return whether an extractor's answer says that there is no video on the page at all."""
    said = (reason or "").lower()
    return any(words in said for words in _NOTHING) and not any(words in said for words in _SOMETHING)


def tracks(info: dict[str, Any]) -> list[tuple[str, bool, dict[str, Any]]]:
    """Return (language, automatic, track) of captions that people wrote, and automatic ones in the original language.

    Machine translations into other languages are the platform's, on demand, and not part of the post.
    """
    found = []
    for lang, offered in (info.get("subtitles") or {}).items():
        if lang != "live_chat" and (track := _best_track(offered)):
            found.append((str(lang), False, track))
    automatic = info.get("automatic_captions") or {}
    spoken = text_of(info.get("language"))
    original = [lang for lang in automatic if lang.endswith("-orig")] or [lang for lang in automatic if lang == spoken]
    if not original and len(automatic) == 1:
        original = list(automatic)
    for lang in original:
        if track := _best_track(automatic[lang]):
            found.append((lang.removesuffix("-orig"), True, track))
    return found


def _best_track(offered: Any) -> dict[str, Any] | None:
    listed = [track for track in dicts(offered) if str(track.get("url", "")).startswith(("http://", "https://"))]
    by_form = {track.get("ext"): track for track in listed if "m3u8" not in str(track.get("protocol"))}
    return next((by_form[form] for form in ("vtt", "json3", "srv3", "srv1", "ttml", "srt") if form in by_form), None)


def kind_of(item: dict[str, Any]) -> str:
    """Return "audio" or "video"."""
    if item.get("vcodec") in (None, "none") and item.get("acodec") not in (None, "none"):
        return "audio"
    return "video"


def is_header(name: Any, value: Any) -> bool:
    """Return whether a header of the extractor is one that our requests take over."""
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and name.lower() not in ("accept-encoding", "host", "connection")
    )


def about_format(item: dict[str, Any]) -> dict[str, Any]:
    """Return what tells one format from another. Links stay out: they are in the records."""
    names = (
        "format_id",
        "ext",
        "protocol",
        "vcodec",
        "acodec",
        "width",
        "height",
        "fps",
        "tbr",
        "filesize",
        "language",
        "container",
    )
    return {name: _exact(item[name]) for name in names if item.get(name) not in (None, "none")}


def _exact(value: Any) -> Any:
    """Canonical JSON has no floats: one that is whole becomes an integer, another its text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else str(value)
    return value if isinstance(value, str | int) else str(value)


_SHOWN = (
    "id", "title", "fulltitle", "description", "uploader", "uploader_id", "uploader_url", "channel", "channel_id", "channel_url",
    "duration", "view_count", "like_count", "comment_count", "average_rating", "age_limit", "categories", "tags", "chapters",
    "upload_date", "timestamp", "release_date", "release_timestamp", "modified_date", "live_status", "is_live", "was_live",
    "availability", "language", "webpage_url", "extractor", "extractor_key", "format_id", "format", "ext", "width", "height",
    "fps", "vcodec", "acodec", "playlist_count", "location", "license", "media_type",
)  # fmt: skip


def filtered(whole: Any) -> dict[str, Any]:
    """Return what may be shown of a description: no links but the page's, no cookies, no headers, nothing unknown."""
    if not isinstance(whole, dict):
        return {}
    shown = {name: whole[name] for name in _SHOWN if whole.get(name) is not None}
    for name in ("formats", "requested_formats"):
        if dicts(whole.get(name)):
            shown[name] = [{**about_format(item), "note": item.get("format_note")} for item in dicts(whole[name])]
    for name in ("subtitles", "automatic_captions"):
        if isinstance(whole.get(name), dict):
            shown[name] = sorted(whole[name])
    if dicts(whole.get("entries")):
        shown["entries"] = [filtered(entry) for entry in dicts(whole["entries"])]
    return shown
