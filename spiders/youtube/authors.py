"""Who published a video: one channel, or several that YouTube shows behind a dialogue. Pure."""

from __future__ import annotations

import re
from typing import Any

from spiders.json_access import at, text_of, walk
from spiders.youtube.text import handle_of, words

Author = dict[str, str | None]
"""`id`, `name` and `handle` of a channel."""


def authors_of(owner: Any) -> list[Author]:
    """Read the channels that an owner's box, a byline or a metadata row names, in YouTube's order.

    Of several, the line says "First and 2 more"; names and ids stand in the dialogue that it opens.
    """
    found: dict[str | None, Author] = {}
    for key, item in walk(owner):
        if key != "listItemViewModel":
            continue
        browse = _channel(item)
        name = words(item.get("title"))
        if browse is not None and name is not None:
            handle = handle_of(text_of(browse.get("canonicalBaseUrl"))) or _handle(words(item.get("subtitle")))
            found.setdefault(text_of(browse.get("browseId")), _author(browse, name, handle))
    if found:
        return list(found.values())
    shown = at(owner, "title", "runs", 0) or at(owner, "attributedTitle") or owner
    name = words(shown) or text_of(at(shown, "text"))
    browse = _channel(shown) or _channel(at(owner, "navigationEndpoint")) or {}
    return [_author(browse, name, handle_of(text_of(browse.get("canonicalBaseUrl"))))] if name or browse else []


def first_and_others(owner: Any) -> tuple[Author, list[Author] | None]:
    """Return the first channel, an empty one where none is named, and the others; None where there are none."""
    first, *others = authors_of(owner) or [Author(id=None, name=None, handle=None)]
    return first, others or None


def _author(browse: dict[str, Any], name: str | None, handle: str | None) -> Author:
    return {"id": text_of(browse.get("browseId")), "name": name, "handle": handle}


def _channel(value: Any) -> dict[str, Any] | None:
    """The first link to a channel inside a value."""
    for key, item in walk(value):
        if key == "browseEndpoint" and str(item.get("browseId", "")).startswith("UC"):
            return item
    return None


def _handle(subtitle: str | None) -> str | None:
    """The handle in "@name • 3.4K subscribers", without the marks of direction around it."""
    match = re.search(r"@([^\s•\u2066-\u2069\u200e\u200f]+)", subtitle or "")
    return match[1] if match else None
