"""Facebook's public pages and plugin embeds → posts. Pure and total.

Layouts: the HTML of 2018–2022 (also what `plugins/post.php` gives), the JSON that pages carry in scripts since 2021,
the mobile site, and a page's head alone. Logged out, most of Facebook is a login wall; it is recognised, never read as
a post.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from spiders.availability import Wording, absence
from spiders.facebook.absence import BOX_PATHS, BOXES, LEFT_OPEN
from spiders.facebook.classic import classic
from spiders.facebook.export import exported, is_export
from spiders.facebook.head import head, mobile
from spiders.facebook.names import ordered, post_id
from spiders.facebook.relay import in_scripts, posts_in
from spiders.html import one_line, tree
from spiders.json_access import at, dicts, load, shape
from spiders.links import safe_split
from spiders.posts import Absence, Availability, Census, Outcome, Parsed, Post

PARSER = "facebook/2"
_RAW = re.compile(rb"data-utime=\"\d+\"|\"creation_time\":\d{9,11}\b")
_JSON = (b"{", b"[", b"for (;;);")
"""How JSON begins, that of Facebook's own requests included, which a loop guards from being run as a script."""


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Parse an answer of Facebook into posts, or a typed reason."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_JSON):
        return _parse_json(data, url)
    document = tree(data)
    if document is None:
        return _none("facebook/unknown", Outcome.PARTIAL, "empty body" if not data.strip() else "not HTML")
    posts = classic(document, url)
    layout = "facebook/embed" if url and "/plugins/" in url else "facebook/post"
    if not posts:
        posts, layout = posts_in(list(in_scripts(document)), post_id(url)), "facebook/relay"
    wall = login_wall(document, url)
    if posts:
        census = (
            Census("post times", len(set(_RAW.findall(data))), sum(post.published is not None for post in posts)),
        )
        found = _found(layout, ordered(posts, url), census if layout != "facebook/relay" else ())
        return replace(found, page={"login_offered": wall} if wall else {})
    if wall:
        return _none(
            "facebook/login wall", Outcome.REFUSED, "login required: Facebook shows a login page", "login required"
        )
    if said := _said(document):
        words, known = said
        means = f" ({LEFT_OPEN}: it does not say which)" if known.kind == LEFT_OPEN else ""
        return _none("facebook/box", known.outcome, f"Facebook says: {words}{means}", known.kind, words)
    if (post := mobile(document, url, data)) is not None:
        return _found("facebook/mobile", [post])
    if (post := head(document, url)) is not None:
        return _found("facebook/head", [post])
    marks = " ".join(list(dict.fromkeys(str(item) for item in document.xpath("//@id")))[:12]) or "no ids"
    return _none("facebook/unknown", Outcome.PARTIAL, f"unknown layout: {marks}")


def is_facebook(value: Any) -> bool:
    """Return whether a JSON value is one of Facebook's, or of those who hand its posts on."""
    stories = [at(value, "data", name) for name in ("node", "node_v2", "story")]
    return is_export(value) or any(isinstance(at(story, "comet_sections"), dict) for story in stories)


def _parse_json(data: bytes, url: str | None) -> Parsed:
    """Parse what Facebook's pages ask for, one JSON value or one a line, or a scraper's export."""
    text = data.decode("utf-8-sig", "replace").strip().removeprefix("for (;;);")
    value = load(text)
    values = [value] if value is not None else [load(line) for line in text.splitlines()]
    if is_export(value):
        posts, layout = exported(value), "facebook/export"
    else:
        posts, layout = ordered(posts_in(values, post_id(url)), url), "facebook/relay"
    if posts:
        return _found(layout, posts)
    reason = "malformed JSON" if all(item is None for item in values) else f"unknown layout: {shape(values[0])}"
    errors = [str(error.get("message"))[:300] for item in values for error in dicts(at(item, "errors"))]
    if errors:
        return _none("facebook/error", Outcome.FAILED, f"Facebook says: {errors[0]}")
    return _none("facebook/unknown", Outcome.PARTIAL, reason)


def _found(layout: str, posts: list[Post], census: tuple[Census, ...] = ()) -> Parsed:
    return Parsed(
        platform="facebook",
        layout=layout,
        posts=tuple(posts),
        census=census,
        parser=PARSER,
        absence=Absence(Availability.PRESENT),
    )


def _none(layout: str, outcome: Outcome, reason: str, kind: str | None = None, said: str | None = None) -> Parsed:
    stated = absence(kind, said or reason) if kind else None
    return Parsed(platform="facebook", layout=layout, outcome=outcome, reason=reason, parser=PARSER, absence=stated)


def login_wall(document: Any, url: str | None) -> bool:
    """Return whether the page asks for a login in place of what was asked for; a login field beside a post does not."""
    path = safe_split(url).path if url else ""
    title = one_line(document.xpath("//title")[0]).lower() if document.xpath("//title") else ""
    forms = document.xpath("//form[@id='login_form' or contains(@action,'/login/')]")
    return path.startswith(("/login", "/checkpoint")) or bool(
        forms and (title.startswith(("log in", "log into", "facebook – log in", "facebook - log in")) or not title)
    )


def _said(document: Any) -> tuple[str, Wording] | None:
    """What Facebook says in its own boxes. Elements that hold a post's words are not looked at."""
    for path in BOX_PATHS:
        for node in document.xpath(path):
            words = one_line(node)[:300]
            if (known := BOXES.first_in(words)) is not None:
                return words, known
    return None
