"""Syndication and API v1.1: one status with what it quotes, reposts or answers."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from spiders.json_access import at, count, dicts, obj, text_of
from spiders.posts import Post
from spiders.x.around import around, grok_files, unread
from spiders.x.common import Legacy, XAuthor, account_of, asked_id, common_facts, plain, post_of, shown_text, tombstone


def syndicated(value: dict[str, Any], url: str | None) -> Iterator[Post]:
    """Yield the post of a syndication answer, the one it quotes, and the one it answers.

    The answer is that of `cdn.syndication.twimg.com/tweet-result`.
    """
    user = obj(value.get("user"))
    quoted, parent = value.get("quoted_tweet"), value.get("parent")
    extra = {
        **common_facts(value, value.get("entities")),
        "conversation_count": count(value.get("conversation_count")),
        "cut": True if at(value, "note_tweet", "id") else None,
        **around(value),
        "unread": unread(value),
        "account": account_of({"legacy": user, "is_blue_verified": user.get("is_blue_verified")}),
    }
    if "reply_count" not in value and "conversation_count" in value:
        value = {**value, "reply_count": value["conversation_count"]}
    media = value.get("mediaDetails")
    if isinstance(media, list) and isinstance(value.get("photos"), list):
        value = {**value, "mediaDetails": _sized(media, value["photos"])}
    # Syndication's text is given as it stands: its ranges also cut the mentions that a reply begins with.
    post_id, text = text_of(value.get("id_str")) or asked_id(url), value.get("text")
    yield post_of(
        Legacy(
            fields=value,
            id=post_id,
            author=_author(user),
            text=html.unescape(text) if isinstance(text, str) else None,
            card=value.get("card"),
            extra=extra,
            edit=value.get("edit_control"),
            quoted_id=text_of(at(quoted, "id_str")) or text_of(value.get("quoted_status_id_str")),
            article=value.get("article"),
            # Syndication gives only the beginning of a long post; GraphQL has the whole.
            lacks="a long post: only its beginning is public" if extra["cut"] else None,
            files=grok_files(value.get("grok_share_attachment"), post_id),
        )
    )
    named = (value.get("quoted_status_id_str"), value.get("in_reply_to_status_id_str"))
    for other, other_id in zip((quoted, parent), named, strict=True):
        if isinstance(other, dict) and ("id_str" in other or "tombstone" in other):
            if "tombstone" in other:
                yield tombstone(other, text_of(other_id))
            else:
                yield from syndicated(other, None)


def _author(user: dict[str, Any]) -> XAuthor:
    return XAuthor(
        handle=text_of(at(user, "screen_name")), name=text_of(at(user, "name")), id=text_of(at(user, "id_str"))
    )


def _sized(media: list[Any], photos: list[Any]) -> list[Any]:
    """Syndication's quoted posts carry the pixel sizes in `photos` only."""
    sizes = {text_of(item.get("url")): item for item in dicts(photos)}
    return [
        {**item, "original_info": sizes[item.get("media_url_https")]}
        if not at(item, "original_info", "width") and item.get("media_url_https") in sizes
        else item
        for item in dicts(media)
    ]


def statuses(value: dict[str, Any]) -> Iterator[Post]:
    """Yield a status of API v1.1, the one it reposts, and the one it quotes."""
    if "id_str" not in value:
        return
    user = obj(value.get("user"))
    whole = value.get("extended_tweet")
    if isinstance(whole, dict):
        value = {**value, **whole, "truncated": value.get("truncated") is True and "full_text" not in whole}
    reposted, quoted = value.get("retweeted_status"), value.get("quoted_status")
    extra = {**common_facts(value, value.get("entities")), "source": plain(value.get("source"))}
    extra["account"] = account_of({"legacy": user}) if isinstance(user, dict) else None
    extra |= {**around(value), "unread": unread(value)}
    yield post_of(
        Legacy(
            fields=value,
            id=text_of(value.get("id_str")),
            author=_author(user),
            text=shown_text(value),
            card=value.get("card"),
            extra=extra,
            quoted_id=text_of(value.get("quoted_status_id_str")) or text_of(at(quoted, "id_str")),
            forwarded=text_of(at(reposted, "id_str")),
            article=value.get("article"),
        )
    )
    for other in (reposted, quoted):
        if isinstance(other, dict):
            yield from statuses(other)
