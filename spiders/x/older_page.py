"""Twitter's other server pages: the mobile site without scripts (to 2020), and pages before 2012 (hentry). Pure."""

from __future__ import annotations

import re
from typing import Any

from spiders.html import by_class, one_line
from spiders.posts import Attachment, Outcome, Parsed, Post, Time
from spiders.x.common import PARSER, distinct, ending, presence, when
from spiders.x.server_page import local_time, shown

_LINK = re.compile(r"(?:^|//[\w.]*twitter\.com)/(\w{1,20})/status(?:es)?/(\d{1,20})")


def older_page(document: Any, asked: str | None, page: dict[str, Any]) -> Parsed | None:
    """Read the posts of a page of the mobile site, or of one before 2012; None where it shows none."""
    posts = distinct([*_mobile(document), *_entries(document, asked)])
    if not posts:
        return None
    about = next((post for post in posts if post.id == asked), None) if asked else None
    outcome, reason = ending(asked, about)
    return Parsed(
        platform="x",
        layout="x/server-page",
        posts=posts,
        outcome=outcome,
        reason=reason,
        page=page,
        parser=PARSER,
        absence=presence(about),
    )


def _made(post_id: str, handle: str | None, name: str | None, text: str | None, time: Time | None, **more: Any) -> Post:
    photos: list[str] = more.get("photos", [])
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}",
        author_handle=handle,
        author_name=name,
        published=time,
        text=text,
        lang=more.get("lang"),
        attachments=tuple(Attachment("photo", link, post_id=post_id) for link in photos),
        outcome=Outcome.PARTIAL if more.get("reason") else Outcome.CAPTURED,
        reason=more.get("reason"),
    )


def _mobile(document: Any) -> list[Post]:
    """`div.tweet-text[data-id]` inside the table of one post."""
    posts = []
    for body in document.xpath("//*[@data-id][contains(concat(' ', normalize-space(@class), ' '), ' tweet-text ')]"):
        number = body.get("data-id")
        above = [node for node in body.iterancestors("table") if "tweet" in (node.get("class") or "")]
        if not re.fullmatch(r"\d{1,20}", number) or not above:
            continue
        table = above[0]
        handle = one_line(found[0]).lstrip("@") if (found := by_class(table, "username")) else None
        names = by_class(table, "fullname")
        times = by_class(table, "metadata") or by_class(table, "timestamp")
        photos = [
            str(link) for link in table.xpath(".//*[contains(@class, 'media')]//img/@src") if "/media/" in str(link)
        ]
        posts.append(
            _made(
                number,
                handle or None,
                one_line(names[0]) or None if names else None,
                shown(body),
                local_time(one_line(times[0]), "time as shown") if times else None,
                photos=photos,
                reason="the mobile site's page: it may leave files out, and gives no zone of its times",
            )
        )
    return posts


def _entries(document: Any, asked: str | None) -> list[Post]:
    """`entry-content` with its `published`: pages before 2012."""
    posts = []
    bodies = by_class(document, "entry-content")
    for body in bodies:
        above = [node for node in body.iterancestors() if re.search(r"\b(?:hentry|status)\b", node.get("class") or "")]
        entry = above[0] if above else document if len(bodies) == 1 else None
        if entry is None:
            continue
        links = [
            _LINK.search(node.get("href") or "")
            for node in entry.xpath(".//a[@rel='bookmark' or contains(@class, 'entry-date')]")
        ]
        own = next((found for found in links if found), None)
        number = own[2] if own else (asked if entry is document else None)
        names = by_class(entry, "full-name")
        handles = by_class(entry, "screen-name")
        handle = own[1] if own else one_line(handles[0]) or None if handles else None
        if number is None:
            continue
        time = _time(entry)
        reason = None if time is not None and time.value is not None else "the page gives no time that can be read"
        posts.append(
            _made(number, handle, one_line(names[0]) or None if names else None, shown(body), time, reason=reason)
        )
    return posts


def _time(entry: Any) -> Time | None:
    """`data="{time:'Fri Dec 16 13:10:00 +0000 2011'}"`, or the title of an `abbr`."""
    for node in by_class(entry, "published"):
        said = re.search(r"time:\s*'([^']{10,40})'", node.get("data") or "")
        literal = said[1] if said else node.get("title")
        if literal:
            return when(literal, "published")
    return None
