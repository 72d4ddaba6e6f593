"""Posts of Facebook as scrapers of others hand them on (Apify's actors) → posts. Pure and total.

This is what a tool said of a page, not the page: a post is read from it only where nothing else is at hand.
"""

from __future__ import annotations

from typing import Any

from spiders import dates
from spiders.facebook.media import attached
from spiders.facebook.names import handle_of
from spiders.json_access import count, dicts, number, obj
from spiders.json_access import text_of as string
from spiders.posts import Post


def is_export(value: Any) -> bool:
    """Return whether a JSON value is a list of posts as Apify's actors for Facebook write it."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and "facebookUrl" in first and "postId" in first


def exported(value: Any) -> list[Post]:
    """Read the posts of such a list."""
    return [_post(item, str(item["postId"])) for item in dicts(value) if string(item.get("postId"))]


def _post(item: dict[str, Any], identifier: str) -> Post:
    user = obj(item.get("user"))
    literal = string(item.get("time"))
    seconds = number(item.get("timestamp"))
    published = (
        dates.iso(literal, "time") if literal else dates.instant(seconds, str(item.get("timestamp")), "timestamp")
    )
    entries = [{"media": part} if "__typename" in part else part for part in dicts(item.get("media"))]
    files, _ = attached(entries, identifier)
    return Post(
        platform="facebook",
        id=identifier,
        url=string(item.get("url")),
        author_handle=string(item.get("pageName")) or handle_of(string(user.get("profileUrl"))),
        author_name=string(user.get("name")),
        author_id=string(user.get("id")),
        published=published,
        text=string(item.get("text")),
        attachments=tuple(files),
        likes=count(item.get("likes")),
        replies=count(item.get("comments")),
        reposts=count(item.get("shares")),
    )
