"""FxTwitter's answers: a tool's view of a post of X, in the tool's own fields. Not X's word: it proves no absence. Pure."""

from __future__ import annotations

from typing import Any

from spiders.json_access import at, count, dicts, obj, text_of
from spiders.posts import Absence, Attachment, Availability, Outcome, Parsed, Post
from spiders.x.common import PARSER, STATUS, place_of, when
from spiders.x.media import best_of, original


def is_fxtwitter(value: Any) -> bool:
    """Return whether a JSON value is an answer of FxTwitter's API about one post."""
    link = at(value, "tweet", "url")
    return isinstance(at(value, "code"), int) and isinstance(link, str) and STATUS.match(link) is not None


def parse_fxtwitter(value: dict[str, Any]) -> Parsed:
    """Read the post of an answer of FxTwitter, and the one it quotes."""
    posts: list[Post] = []
    tweet = obj(value.get("tweet"))
    while tweet and len(posts) < 10:
        posts.append(_post(tweet))
        tweet = obj(tweet.get("quote"))
    said = Absence(Availability.UNKNOWN)
    outcome = None if posts[0].outcome is Outcome.CAPTURED else posts[0].outcome
    return Parsed(
        platform="x",
        layout="x/fxtwitter",
        posts=tuple(posts),
        outcome=outcome,
        reason=posts[0].reason,
        page={"tool": "FxTwitter"},
        parser=PARSER,
        absence=said,
    )


def _post(tweet: dict[str, Any]) -> Post:
    author, post_id = obj(tweet.get("author")), text_of(tweet.get("id"))
    attachments = [_medium(item, number, post_id) for number, item in enumerate(dicts(at(tweet, "media", "all")))]
    if isinstance(tweet.get("poll"), dict):
        attachments.append(_poll(tweet["poll"], post_id))
    if facts := place_of(tweet.get("place"), tweet):
        attachments.append(Attachment("location", None, post_id=post_id, extra=facts))
    missing = next((item.reason for item in attachments if item.reason), None)
    note = tweet.get("community_note")
    extra = {
        "reply_to_handle": text_of(tweet.get("replying_to")),
        "source": text_of(tweet.get("source")),
        "sensitive": tweet["possibly_sensitive"] if isinstance(tweet.get("possibly_sensitive"), bool) else None,
        "full_text": text_of(at(tweet, "raw_text", "text")),
        "long_post": True if tweet.get("is_note_tweet") is True else None,
        "readers_note": {"text": text} if (text := text_of(at(note, "text")) or text_of(note)) else None,
    }
    handle = text_of(author.get("screen_name"))
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}" if post_id else None,
        author_handle=handle,
        author_name=text_of(author.get("name")),
        author_id=text_of(author.get("id")),
        published=when(tweet.get("created_at"), "created_at"),
        text=text if isinstance(text := tweet.get("text"), str) else None,
        lang=text_of(tweet.get("lang")),
        attachments=tuple(attachments),
        reply_to=text_of(tweet.get("replying_to_status")),
        quoted_id=text_of(at(tweet, "quote", "id")),
        views=count(tweet.get("views")),
        likes=count(tweet.get("likes")),
        replies=count(tweet.get("replies")),
        reposts=count(tweet.get("retweets")),
        quotes=count(tweet.get("quotes")),
        bookmarks=count(tweet.get("bookmarks")),
        outcome=Outcome.PARTIAL if missing else Outcome.CAPTURED,
        reason=missing,
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _medium(item: dict[str, Any], position: int, post_id: str | None) -> Attachment:
    kind = {"photo": "photo", "video": "video", "gif": "gif"}.get(str(item.get("type")), "file")
    link = text_of(item.get("url"))
    facts: dict[str, Any] = {
        "media_id": text_of(item.get("id")),
        "alt": text_of(item.get("altText")),
        "position": position,
        "original": original(link) if link and kind == "photo" else None,
    }
    if dicts(item.get("variants")):
        best, found = best_of(dicts(item.get("variants")))
        link, facts = link or best, {**facts, **found}
    length = item.get("duration")
    return Attachment(
        kind,
        link,
        width=count(item.get("width")),
        height=count(item.get("height")),
        duration=float(length) if isinstance(length, int | float) and 0 < length < 1e9 else None,
        thumbnail=text_of(item.get("thumbnail_url")),
        post_id=post_id,
        reason=None if link else "no link to it (not in the answer)",
        extra={key: value for key, value in facts.items() if value is not None},
    )


def _poll(poll: dict[str, Any], post_id: str | None) -> Attachment:
    options = [
        {"text": text_of(item.get("label")), "votes": count(item.get("count"))} for item in dicts(poll.get("choices"))
    ]
    facts = {"options": options, "end_utc": text_of(poll.get("ends_at"))}
    return Attachment("poll", None, post_id=post_id, extra={key: v for key, v in facts.items() if v is not None})
