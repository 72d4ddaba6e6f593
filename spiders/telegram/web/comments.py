"""Telegram's discussion widget (`?embed=1&discussion=1`) → comments. Pure and total.

The widget is what sites embed under an article; it shows comments of a channel's post to anybody where the channel's
discussion group allows it. No recording of it was at hand: its messages are read by the classes that all of Telegram's
widgets share, and anything else is an unknown layout, said so.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from spiders.availability import absence
from spiders.html import by_class, one_line, tree
from spiders.posts import Absence, Availability, Census, Outcome, Parsed, Post
from spiders.telegram.web.message import own, read_message
from spiders.telegram.web.parse import PARSER, older_cursor, shape

_HEADER = re.compile(r"([\d\s,.\u00a0\u202f]+)")
_RAW = re.compile(
    rb'class="[^"]*\bjs-widget_message\b[^"]*"[^>]*\bdata-post=|\bdata-post="[^"]*"[^>]*\bjs-widget_message\b'
)


def parse_comments(data: bytes, url: str | None, parent: str) -> Parsed:
    """Parse the comments on the post `parent` ("channel/123"). `older`: cursor of the comments before these."""
    document = tree(data)
    if document is None:
        return _none(Outcome.PARTIAL, "not HTML", None)
    for css in ("tgme_widget_message_error", "tgme_post_discussion_error"):
        if found := by_class(document, css):
            words = one_line(found[0])
            return _none(Outcome.UNAVAILABLE, f"Telegram shows no comments: {words}", absence("not found", words))
    messages = [node for node in by_class(document, "js-widget_message") if node.get("data-post")]
    posts = [post for node in messages if (post := _comment(node, parent)) is not None]
    census = (Census("data-post", len(_RAW.findall(data)), len(posts)),)
    stated = _stated(document)
    page: dict[str, Any] = {"comments_on": parent, "stated_comments": stated}
    if not posts and not by_class(document, "tgme_post_discussion") and not by_class(document, "tgme_channel_history"):
        reason = f"unknown layout of the discussion widget: {shape(document)}"
        return replace(_none(Outcome.PARTIAL, reason, None), census=census)
    return Parsed(
        platform="telegram",
        layout="telegram/discussion",
        posts=tuple(posts),
        census=census,
        older=older_cursor(document),
        page=page,
        parser=PARSER,
        absence=Absence(Availability.PRESENT),
    )


def _none(outcome: Outcome, reason: str, said: Absence | None) -> Parsed:
    return Parsed(
        platform="telegram", layout="telegram/discussion", outcome=outcome, reason=reason, parser=PARSER, absence=said
    )


def _stated(document: Any) -> int | None:
    for node in by_class(document, "tgme_post_discussion_header"):
        if match := _HEADER.search(one_line(node)):
            digits = re.sub(r"\D", "", match[1])
            return int(digits) if digits and len(digits) < 12 else None
    return None


def _comment(node: Any, parent: str) -> Post | None:
    post = read_message(node)
    if post is None or post.id is None:
        return None
    number = post.id.rpartition("/")[2]
    for href in node.xpath(".//a[contains(@class,'tgme_widget_message_date')]/@href"):
        if match := re.search(r"[?&]comment=(\d+)", href):
            number = match[1]
    named = bool(own(node, "tgme_widget_message_author_name"))
    answers = post.reply_to
    if node.get("data-post") and (reply := by_class(node, "tgme_widget_message_reply")):
        match = re.search(r"[?&]comment=(\d+)", reply[0].get("href") or "")
        answers = f"{parent}?comment={match[1]}" if match else answers
    return replace(
        post,
        id=f"{parent}?comment={number}",
        url=f"https://t.me/{parent}?comment={number}",
        author_handle=post.author_handle if named else None,
        author_name=post.author_name if named else None,
        author_id=None,
        reply_to=answers or parent,
        extra={**post.extra, "kind": "comment"},
    )
