"""Values in words, for a person at a terminal."""

from __future__ import annotations

from typing import Any

_NAMED = (
    "post",
    "article",
    "comment",
    "video",
    "round video",
    "photo",
    "audio",
    "voice",
    "sticker",
    "document",
    "page",
    "edit",
    "removal",
    "pin",
    "story",
    "topic",
    "chat",
)

RENDERED = ("first view", "screenshot", "pdf", "dom", "page text", "page info")
"""What comes of showing a page in a browser once."""


def kept(kinds: dict[str, int]) -> str:
    """Return what a capture kept, as `1 post, 2 videos, 1 page, 3 other files`.

    Kinds that a person asked for are named, the rest is a number.
    """
    named = [(kind, kinds[kind]) for kind in _NAMED if kinds.get(kind)]
    rest = sum(count for kind, count in kinds.items() if kind not in (*_NAMED, *RENDERED, "media"))
    parts = [*named, ("other file", rest)] if rest else named
    if any(kinds.get(kind) for kind in RENDERED):
        parts.append(("rendered page", 1))
    return ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in parts) or "nothing"


def when_published(value: str | None, line: dict[str, Any]) -> str:
    """Return the time, or as much of it as the platform says: "stated: 4 years ago"."""
    literal = (line.get("published") or {}).get("literal")
    return value or (f"stated: {literal}" if literal else "time unknown")
