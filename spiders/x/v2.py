"""API v2: posts, and beside them the users, media, polls and places that they refer to."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from spiders.json_access import at, count, dicts, obj, text_of
from spiders.posts import Attachment, Outcome, Parsed, Post
from spiders.x.around import cut_short, unread, withheld_notice
from spiders.x.article import article_of, told
from spiders.x.common import account_of, done, place_of, when
from spiders.x.media import medium_of

NOT_INCLUDED = "the answer names media that it does not include"
Objects = dict[str | None, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Included:
    """The objects that posts of an answer refer to, by their ids."""

    users: Objects
    media: Objects
    polls: Objects
    places: Objects


def _by(includes: dict[str, Any], kind: str, key: str) -> Objects:
    return {text_of(item.get(key)): item for item in dicts(at(includes, kind))}


_OWN = frozenset({
    "attachments", "author_id", "card_uri", "community_id", "context_annotations", "conversation_id",
    "edit_controls", "edit_history_tweet_ids", "in_reply_to_user_id", "note_tweet", "possibly_sensitive",
    "public_metrics", "referenced_tweets", "reply_settings",
})  # fmt: skip
"""Fields of a post that no other platform's objects with an `id` and a `text` have."""
_BASE = frozenset({"id", "text", "created_at", "lang", "source", "entities", "geo", "withheld"})


def is_v2(value: dict[str, Any]) -> bool:
    """Return whether a JSON object is an answer of X's API v2: posts, or that API's errors.

    Other platforms list objects with `id` and `text` under `data` too: ids of X are digits in a string.
    """
    data = value.get("data")
    first = data[0] if isinstance(data, list) and data else data
    if isinstance(first, dict) and isinstance(first.get("text"), str):
        own = isinstance(first.get("id"), str) and re.fullmatch(r"[0-9]{1,20}", first["id"]) is not None
        return own and bool(first.keys() & _OWN or first.keys() <= _BASE)
    return data is None and any(
        str(item.get("type", "")).startswith("https://api.t") for item in dicts(value.get("errors"))
    )


def parse_v2(value: dict[str, Any], url: str | None) -> Parsed:
    """Parse an answer of X's API v2, also one saved by twarc, into posts or a typed reason."""
    data = value.get("data")
    items = dicts(data) if isinstance(data, list) else [data] if isinstance(data, dict) else []
    includes = obj(value.get("includes"))
    included = Included(
        users=_by(includes, "users", "id"),
        media=_by(includes, "media", "media_key"),
        polls=_by(includes, "polls", "id"),
        places=_by(includes, "places", "id"),
    )
    posts = [_v2_post(item, included) for item in items if "text" in item]
    posts += [_v2_post(item, included) for item in dicts(at(includes, "tweets")) if "text" in item]
    parsed = done("x/v2", posts, value, None, url)
    if retrieved := text_of(at(value, "__twarc", "retrieved_at")):
        parsed.page["retrieved_at"] = retrieved
    return parsed


def _v2_post(item: dict[str, Any], included: Included) -> Post:
    user = included.users.get(text_of(item.get("author_id"))) or {}
    counts = obj(item.get("public_metrics"))
    refers = {str(entry.get("type")): text_of(entry.get("id")) for entry in dicts(item.get("referenced_tweets"))}
    post_id, handle = text_of(item.get("id")), text_of(user.get("username"))
    attachments = _attachments(item, included)
    article = article_of(item.get("article"), post_id, len(attachments))
    attachments += article.attachments if article else ()
    ids = item.get("edit_history_tweet_ids")
    edits = tuple(entry for entry in ids if isinstance(entry, str)) if isinstance(ids, list) else None
    whole = text_of(at(item, "note_tweet", "text"))
    text, about = told(article, _text(whole or item.get("text")))
    missing = (None if whole else cut_short(item)) or (article.lacks if article else None)
    missing = missing or next((entry.reason for entry in attachments if entry.reason), None)
    outcome, facts = Outcome.PARTIAL if missing else Outcome.CAPTURED, {**_facts(item, user), "article": about}
    if (withheld := withheld_notice(item)) is not None:
        kind, notice = withheld
        outcome = Outcome.REFUSED if kind == "withheld" else Outcome.UNAVAILABLE
        text, missing, facts = None, f"{kind}: {notice}", {**facts, "tombstone": kind}
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}" if post_id else None,
        author_handle=handle,
        author_name=text_of(user.get("name")),
        author_id=text_of(item.get("author_id")),
        published=when(item.get("created_at"), "created_at"),
        title=article.title if article else None,
        text=text,
        lang=text_of(item.get("lang")),
        attachments=tuple(attachments),
        reply_to=refers.get("replied_to"),
        forwarded_from=refers.get("retweeted"),
        quoted_id=refers.get("quoted"),
        views=count(at(counts, "impression_count")),
        likes=count(at(counts, "like_count")),
        replies=count(at(counts, "reply_count")),
        reposts=count(at(counts, "retweet_count")),
        quotes=count(at(counts, "quote_count")),
        bookmarks=count(at(counts, "bookmark_count")),
        edited=len(edits) > 1 if edits else None,
        edit_history_ids=edits,
        outcome=outcome,
        reason=missing,
        duration=next((entry.duration for entry in attachments if entry.kind == "video"), None),
        extra={key: value for key, value in facts.items() if value is not None and value != []},
    )


def _text(value: Any) -> str | None:
    return html.unescape(value) if isinstance(value, str) else None


def _as_v11(user: dict[str, Any]) -> dict[str, Any]:
    """An account of API v2 under the names of v1.1."""
    counts, withheld = obj(user.get("public_metrics")), obj(user.get("withheld"))
    return {
        "legacy": {
            "followers_count": counts.get("followers_count"),
            "statuses_count": counts.get("tweet_count"),
            "created_at": user.get("created_at"),
            "profile_image_url_https": user.get("profile_image_url"),
            "location": user.get("location"),
            "withheld_in_countries": withheld.get("country_codes"),
            "withheld_scope": withheld.get("scope"),
        }
    }


def _attachments(item: dict[str, Any], included: Included) -> list[Attachment]:
    """Media in their order, then polls, then the place."""
    attachments = []
    keys = at(item, "attachments", "media_keys")
    for position, key in enumerate(keys if isinstance(keys, list) else []):
        medium = included.media.get(key)
        kinds = {"3": "photo", "7": "video", "13": "video", "16": "gif"}
        if medium is None:
            kind = kinds.get(str(key).partition("_")[0], "file")
            attachments.append(Attachment(kind, None, reason=NOT_INCLUDED, extra={"media_key": str(key)}))
            continue
        shaped = {
            **medium,
            "media_url_https": medium.get("url") or medium.get("preview_image_url"),
            "original_info": medium,
            "video_info": {"variants": medium.get("variants"), "duration_millis": medium.get("duration_ms")},
        }
        attachments.append(medium_of(shaped, position, text_of(item.get("id"))))
    poll_ids = at(item, "attachments", "poll_ids")
    for poll_id in poll_ids if isinstance(poll_ids, list) else []:
        poll = included.polls.get(poll_id) or {}
        options = [
            {"text": text_of(o.get("label")), "votes": count(o.get("votes"))} for o in dicts(poll.get("options"))
        ]
        facts = {"options": options, "end_utc": text_of(poll.get("end_datetime"))}
        facts["duration_minutes"] = count(poll.get("duration_minutes"))  # type: ignore[assignment]
        attachments.append(Attachment("poll", None, extra=facts))
    if facts := place_of(included.places.get(text_of(at(item, "geo", "place_id"))), item):
        attachments.append(Attachment("location", None, extra=facts))
    return attachments


def _facts(item: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """What a post says beside what all platforms have."""
    note = item.get("note_tweet")
    entities = {**obj(item.get("entities")), **obj(at(note, "entities"))}
    return {
        "long_post": True if text_of(at(note, "text")) else None,
        "unread": unread(item),
        "community_id": text_of(item.get("community_id")),
        "account": account_of(_as_v11(user)),
        "conversation_id": text_of(item.get("conversation_id")),
        "reply_to_author_id": text_of(item.get("in_reply_to_user_id")),
        "source": text_of(item.get("source")),
        "sensitive": item["possibly_sensitive"] if isinstance(item.get("possibly_sensitive"), bool) else None,
        "withheld_in": at(item, "withheld", "country_codes"),
        "hashtags": [tag for entry in dicts(at(entities, "hashtags")) if (tag := text_of(entry.get("tag")))],
        "mentions": [name for entry in dicts(at(entities, "mentions")) if (name := text_of(entry.get("username")))],
        "links": [
            link for entry in dicts(at(entities, "urls"))
            if (link := text_of(entry.get("expanded_url"))) and "media_key" not in entry
        ],
    }  # fmt: skip
