"""Words in Telegram's objects: formatting, rich text, and articles that Telegram shows by itself (Instant View). Pure.

Sources: core.telegram.org/api/entities, /api/instant-view and the schema (layer 229).
"""

from __future__ import annotations

from typing import Any

from spiders import dates
from spiders.json_access import count, dicts, obj, text_of
from spiders.posts import Time


def snake(name: str, prefix: str) -> str:
    """Return a constructor's name in small words: `MessageEntityTextUrl` → "text url"."""
    bare = name.removeprefix(prefix)
    return "".join((" " + c.lower()) if c.isupper() else c for c in bare).strip()


def time_of(value: Any, source: str) -> Time | None:
    """Return a time that stands as ISO 8601 or as seconds since 1970; None where there is none, or it is zero."""
    if isinstance(value, str) and value:
        found = dates.iso(value, source)
        return found if found is None or found.value is None or found.value.timestamp() > 0 else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40:
        return dates.instant(value, str(value), source)
    return None


def words_of(value: Any) -> str | None:
    """Return text that is a plain string in old layers and TextWithEntities since."""
    return text_of(value) or text_of(obj(value).get("text"))


def entities_of(holder: dict[str, Any], before: int = 0) -> list[dict[str, Any]]:
    """List formatting and links. `offset` and `length` count UTF-16 code units, as Telegram does.

    `before`: code units that stand before this text, where it is the end of a longer one.
    """
    found = []
    for item in dicts(holder.get("entities")):
        offset = item.get("offset")
        line = {
            "kind": snake(str(item.get("_")), "MessageEntity"),
            "offset": offset + before if isinstance(offset, int) else offset,
            "length": item.get("length"),
        }
        for key in ("url", "language", "user_id", "document_id", "collapsed"):
            if item.get(key) is not None:
                line[key] = item[key]
        found.append(line)
    return found


def caption_and_entities(members: list[dict[str, Any]]) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the captions of an album, one below the other with an empty line between, and their formatting."""
    text, found = "", []
    for member in members:
        words = text_of(member.get("message"))
        if words is None:
            continue
        text += "\n\n" if text else ""
        found += entities_of(member, len(text.encode("utf-16-le", "surrogatepass")) // 2)
        text += words
    return text or None, found


def article_of(page: dict[str, Any]) -> dict[str, Any] | None:
    """Return the article in a `Page` or `RichMessage`: its words, line by line, and what it says of itself."""
    blocks = page.get("blocks")
    if not isinstance(blocks, list):
        return None
    heading = next((item for item in dicts(blocks) if item.get("_") == "PageBlockAuthorDate"), {})
    when = time_of(heading.get("published_date"), "published_date")
    facts = {
        "url": text_of(page.get("url")),
        "text": "\n".join(_lines(blocks)) or None,
        "author": rich_text(heading.get("author")).strip() or None,
        "published": when.line() if when else None,
        "views": count(page.get("views")),
        "only_a_part": True if page.get("part") else None,
    }
    return {key: value for key, value in facts.items() if value is not None}


_ORDER = ("title", "num", "text", "author", "cover", "items", "rows", "cells", "blocks", "caption", "credit", "source")
"""Where words stand in a block, in the order in which they are shown."""
_ELSEWHERE = ("PageBlockAuthorDate", "PageBlockRelatedArticles", "PageBlockChannel")
"""Blocks whose words are not the article's: they are told apart, or belong to other pages."""


def _lines(blocks: list[Any]) -> list[str]:
    """The words of an article, block by block. Without recursion: its blocks nest as deep as anybody likes."""
    lines: list[str] = []
    waiting: list[Any] = [blocks]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, str) or str(obj(item).get("_")).startswith("Text"):
            if line := rich_text(item).strip():
                lines.append(line)
        elif isinstance(item, dict) and item.get("_") not in _ELSEWHERE:
            waiting.extend(item[key] for key in reversed(_ORDER) if key in item)
    return lines


def rich_text(value: Any) -> str:
    """Return the words of a `RichText`, which nests one object for each kind of formatting."""
    parts: list[str] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            waiting.append(next((item[key] for key in ("texts", "text", "alt", "source") if key in item), None))
    return "".join(parts)
