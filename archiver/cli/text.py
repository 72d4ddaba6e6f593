"""Values in words, for a person at a terminal."""

from __future__ import annotations

from typing import Any

from storage.post_lines import guesses, published

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
    "item",
)

RENDERED = ("first view", "screenshot", "pdf", "dom", "page text", "page info")
"""What comes of showing a page in a browser once."""


def kept(kinds: dict[str, int]) -> str:
    """Return what a capture kept, as `1 post, 2 videos, 1 page, 3 other files`.

    Kinds that a person asked for are named, the rest is a number.
    """
    named = [(kind, kinds[kind]) for kind in _NAMED if kinds.get(kind)]
    rest = sum(count for kind, count in kinds.items() if kind not in (*_NAMED, *RENDERED, "media", "spider"))
    parts = [*named, ("other file", rest)] if rest else named
    if any(kinds.get(kind) for kind in RENDERED):
        parts.append(("rendered page", 1))
    return ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in parts) or "nothing"


def when_published(value: str | None, line: dict[str, Any]) -> str:
    """Return the time, or as much of it as the platform says: "stated: 4 years ago"."""
    literal = (published(line) or {}).get("literal")
    guessed = guesses(line).get("guessed_published")
    if value or literal:
        return value or f"stated: {literal}"
    return f"guessed: {guessed}" if guessed else "time unknown"


def author_of(line: dict[str, Any]) -> str | None:
    """Return the author's name, marked where it is only guessed; None where there is none."""
    guessed = guesses(line).get("guessed_author")
    return line.get("author_name") or (f"guessed: {guessed}" if guessed else None)


def words_of(line: dict[str, Any]) -> str | None:
    """Return what a post says, marked where the program guessed which words of a page are its article."""
    found = guesses(line)
    if text := line.get("text") or line.get("action_in_words"):
        return str(text)
    if text := found.get("guessed_text"):
        return f"guessed: {text}"
    title = found.get("guessed_title")
    return line.get("title") or (f"guessed: {title}" if title else None)
