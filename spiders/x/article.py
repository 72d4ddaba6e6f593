"""Articles of X: a post whose own text is a link, and whose words stand in a part of its own. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from spiders.json_access import at, dicts, obj, text_of
from spiders.posts import Attachment
from spiders.x.media import article_medium

CUT = "an article: the answer holds only its beginning"


@dataclass(frozen=True, kw_only=True)
class Article:
    """An article, as much of it as the answer holds. `lacks`: why it is not whole."""

    title: str | None
    text: str | None
    facts: dict[str, Any]
    attachments: tuple[Attachment, ...]
    lacks: str | None


def article_of(value: Any, post_id: str | None, position: int = 0) -> Article | None:
    """Read the `article` of a post: of GraphQL, of syndication, or of API v2. `position`: of its first file."""
    item = at(value, "article_results", "result")
    item = item if isinstance(item, dict) else value
    if not isinstance(item, dict) or not item:
        return None
    blocks, links, posts = _blocks(item.get("content_state"))
    plain = text_of(item.get("plain_text"))
    text = blocks if blocks and _letters(blocks) > _letters(plain) else plain
    files = _files(item, post_id, position)
    facts = {
        "id": text_of(item.get("rest_id")) or text_of(item.get("id")),
        "preview": _words(item.get("preview_text")),
        "links": links,
        "posts": posts,
        "published_seconds": at(item, "metadata", "first_published_at_secs"),
    }
    return Article(
        title=_words(item.get("title")),
        text=_words(text),
        facts={key: found for key, found in facts.items() if found is not None and found != []},
        attachments=tuple(files),
        lacks=None if text else CUT,
    )


_BARE = re.compile(r"(?:\s*https?://\S+)*\s*")
"""A text that is no more than links."""


def told(article: Article | None, own: str | None) -> tuple[str | None, dict[str, Any] | None]:
    """Return (text, facts) of a post with its article. `own`: the post's text, mostly no more than the article's link.

    Such a link gives way to the article's text; where the post has words of its own, the article's stand in the facts.
    """
    if article is None:
        return own, None
    if article.text and _BARE.fullmatch(own or ""):
        return article.text, article.facts or None
    return own, {**article.facts, **({"text": article.text} if article.text else {})} or None


def _words(value: Any) -> str | None:
    found = text_of(value)
    return html.unescape(found) if found else None


def _letters(text: str | None) -> int:
    return len("".join((text or "").split()))


def _entities(state: Any) -> dict[str, dict[str, Any]]:
    """`entityMap` by its keys: an object in drafts of the editor, a list of pairs in X's answers."""
    found = at(state, "entityMap")
    if isinstance(found, dict):
        return {str(key): obj(item) for key, item in found.items()}
    return {str(item.get("key")): obj(item.get("value")) for item in dicts(found)}


def _blocks(state: Any) -> tuple[str | None, list[str], list[str]]:
    """(text, links, ids of posts shown inside) of the editor's own form: a paragraph a block, code in its entity."""
    entities = _entities(state)
    lines: list[str] = []
    for block in dicts(at(state, "blocks")):
        words = text_of(block.get("text"))
        if block.get("type") != "atomic":
            if words is not None:
                lines.append(words)
            continue
        inner = (entities.get(str(item.get("key")), {}) for item in dicts(block.get("entityRanges")))
        lines += [found for item in inner if (found := text_of(at(item, "data", "markdown")))]
    data = [obj(item.get("data")) for item in entities.values()]
    links = [link for item in data if (link := text_of(item.get("url")))]
    posts = [post for item in data if (post := text_of(item.get("tweetId")))]
    return "\n".join(lines) or None, list(dict.fromkeys(links)), list(dict.fromkeys(posts))


def _files(item: dict[str, Any], post_id: str | None, position: int) -> list[Attachment]:
    """The cover, then each medium; what the text shows and the answer does not include is listed without a link."""
    files: list[Attachment] = []
    seen: set[str] = set()

    def add(entity: Any, part: str) -> None:
        number = text_of(at(entity, "media_id")) or text_of(at(entity, "id"))
        if number is not None and number in seen:
            return
        seen.update({number} if number else set())
        facts = {"media_id": number, "part": part, "position": position + len(files)}
        files.append(article_medium(at(entity, "media_info"), post_id, facts))

    if isinstance(item.get("cover_media"), dict) and item["cover_media"]:
        add(item["cover_media"], "article cover")
    for entity in dicts(item.get("media_entities")):
        add(entity, "article")
    for entity in _entities(item.get("content_state")).values():
        for shown in dicts(at(entity, "data", "mediaItems")):
            number = text_of(shown.get("mediaId"))
            if number is not None and number not in seen:
                seen.add(number)
                facts = {"media_id": number, "part": "article", "position": position + len(files)}
                reason = "the article shows media that the answer does not include"
                files.append(Attachment("file", None, post_id=post_id, reason=reason, extra=facts))
    return files
