"""YouTube's ways of writing text, counts, ids and links."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from spiders import dates
from spiders.json_access import at, count, dicts, text_of
from spiders.posts import Outcome, Parsed, Time

PARSER = "youtube/2"
_ID = r"[A-Za-z0-9_-]{11}"
NO_VIDEOS = ("videoseries", "live_stream")
"""Words of eleven letters that stand where players of lists and of live streams have a video's id."""
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


def none(layout: str, outcome: Outcome, reason: str, **page: Any) -> Parsed:
    """Make the result for an answer of YouTube without a video or a comment."""
    return Parsed(platform="youtube", layout=layout, outcome=outcome, reason=reason, page=page, parser=PARSER)


def words(value: Any) -> str | None:
    """Return the text of `simpleText`, `runs`, `content` or a plain string. Emoji runs give their character."""
    if isinstance(value, str):
        return value or None
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("simpleText"), str):
        return value["simpleText"] or None
    if isinstance(value.get("content"), str):
        return value["content"] or None
    runs = value.get("runs")
    if not isinstance(runs, list):
        return None
    parts = []
    for run in dicts(runs):
        emoji = run.get("emoji")
        if isinstance(run.get("text"), str):
            parts.append(run["text"])
        elif isinstance(emoji, dict):
            parts.append(text_of(at(emoji, "shortcuts", 0)) or text_of(emoji.get("emojiId")) or "")
    return "".join(parts) or None


def shown_count(value: Any) -> int | None:
    """Return the number in `318,315 views`, `1.077.715 visualizaciones`, `348K` or `76`. YouTube rounds some of them."""
    text = words(value) if not isinstance(value, int) else str(value)
    if text is None:
        return None
    match = re.search(r"\d[\d.,\u00a0\u202f]*", text)
    if match is None:
        return None
    digits = match[0].rstrip(".,\u00a0\u202f")
    scale = re.match(r"\s?([KkMmBb])\b", text[match.end() :])
    if scale:
        try:
            return round(float(digits.replace(",", ".")) * _SCALE[scale[1].lower()])
        except ValueError:
            return None
    if re.fullmatch(r"\d{1,3}(?:[.,\u00a0\u202f]\d{3})*|\d+", digits):
        return count(re.sub(r"\D", "", digits))
    return None


def clock(value: Any) -> float | None:
    """Parse a length to seconds: `1:07:34` → 4054."""
    text = words(value)
    if text is None or not re.fullmatch(r"\d{1,3}(?::\d{2}){1,2}", text):
        return None
    seconds = 0
    for part in text.split(":"):
        seconds = seconds * 60 + int(part)
    return float(seconds)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def shown_date(shown: str | None, source: str) -> Time | None:
    """Parse `19 Jun 2018`, `Premiered on 19 Jun 2023` or `Aug 1, 2008`. Other languages stay literal; None for None."""
    if shown is None:
        return None
    match = re.search(r"(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})", shown)
    parts = (match[3], match[2], match[1]) if match else None
    if parts is None and (match := re.search(r"([A-Z][a-z]{2})[a-z]* (\d{1,2}), (\d{4})", shown)):
        parts = (match[3], match[1], match[2])
    if parts is not None and parts[1].lower() in _MONTHS:
        try:
            month = _MONTHS.index(parts[1].lower()) + 1
            return dates.day(datetime(int(parts[0]), month, int(parts[2])), shown, source)
        except ValueError:
            pass
    return Time(None, None, False, shown, source)


def handle_of(url: Any) -> str | None:
    """Return the handle: `http://www.youtube.com/@name` → `name`. Other forms of a channel's link name none."""
    match = re.search(r"/@([^/?#]+)", url) if isinstance(url, str) else None
    return unquote(match[1]) if match else None


def video_id_of(url: str | None) -> str | None:
    """Return the id of the video that a link, or a call of YouTube's, is about."""
    if not url:
        return None
    match = re.search(rf"[?&](?:v|id|video_id|videoId)=({_ID})(?:&|#|$)", url)
    match = match or re.search(rf"(?:youtu\.be|/shorts|/live|/embed|/v|/vi)/({_ID})(?:[/?&#]|$)", url)
    return match[1] if match and match[1] not in NO_VIDEOS else None


def token_video(token: Any) -> str | None:
    """Find the video id inside a continuation token: base64 of a protobuf in which it is a field of eleven bytes."""
    if not isinstance(token, str):
        return None
    raw = unquote(token).replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(raw + "=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return None
    match = re.search(rb"\x12\x0b([A-Za-z0-9_-]{11})", data)
    return match[1].decode() if match else None


def alerts(value: dict[str, Any]) -> list[str]:
    """List what a page of YouTube says in red boxes: a terminated channel, a playlist that does not exist."""
    found = []
    for item in dicts(value.get("alerts")):
        for name in ("alertRenderer", "alertWithButtonRenderer"):
            if (said := words(at(item, name, "text"))) and at(item, name, "type") == "ERROR":
                found.append(said)
    return found
