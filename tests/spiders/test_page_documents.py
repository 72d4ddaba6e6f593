"""What a link to any page brings that is no page, a page in place of a file, and an article that is paid for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spiders.page.document import named_file, no_page
from spiders.page.parse import A_PAGE_CAME, FILE, FOR_SUBSCRIBERS, parse
from spiders.posts import Outcome
from spiders.reading import parse_body

URL = "https://site.example/2022/01/05/a-deep-page"
WORDS = "Witnesses said that shots were heard on the square in the evening and that people ran to the school. " * 8
PAGE = f"<html><head><title>A report</title></head><body><article><p>{WORDS}</p></article></body></html>"
FEED = f"<rss version='2.0'><channel><title>Not found</title><item><description><![CDATA[<p>{WORDS}</p>]]></description></item></channel></rss>"
OTHERS = {
    "a feed": (f"<?xml version='1.0'?>\n<!-- made -->{FEED}", "application/rss+xml; charset=utf-8", "RSS"),
    "a feed that is called HTML": (f"<?xml version='1.0'?>{FEED}", "text/html", "RSS"),
    "a feed of Atom": ("<feed xmlns='http://www.w3.org/2005/Atom'><entry><content>&lt;p&gt;</content></entry></feed>", "text/xml", "Atom"),
    "JSON with markup in it": (json.dumps({"content": PAGE[6:]}), "application/json", "JSON"),
    "an activity": (json.dumps({"content": "<p>Page not found.</p>"}), 'application/activity+json; profile="x"', "JSON"),
    "a text with marks": (f"From: a\n\n<p>{WORDS}</p>", "text/plain; charset=utf-8", "plain text"),
    "a table": ("name,text\na,<p>b</p>\n", "text/csv", "a table"),
    "a script": ("document.write('<p>x</p>')", "application/javascript", "a script"),
    "XML": ("<?xml version='1.0'?><records><p>x</p></records>", "application/xml", "XML"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_document_that_is_no_page_is_said_as_what_it_is(name: str) -> None:
    body, content_type, what = OTHERS[name]
    parsed = parse(body.encode(), URL, content_type)
    assert (parsed.layout, parsed.outcome, parsed.posts) == (FILE, None, ())
    assert parsed.page == {"content_type": content_type, "what": what}


@pytest.mark.parametrize(
    ("start", "content_type"),
    [
        ("", "text/html"), ("", None), ("", ""), ("", "application/octet-stream"), ("<!DOCTYPE html>\n", "text/plain"), ("", "application/json"),
        ("<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x' 'y'>", "application/xhtml+xml"), ("<?xml version='1.0'?>", "application/xml"),
    ],
)  # fmt: skip
def test_a_page_is_a_page_under_any_type(start: str, content_type: str | None) -> None:
    parsed = parse((start + PAGE).encode(), URL, content_type)
    assert (parsed.layout, parsed.posts[0].outcome) == ("page/html", Outcome.CAPTURED)


def test_a_wall_in_place_of_a_document_is_a_wall() -> None:
    parsed = parse(b"<html><title>Log in</title><form><input type=password></form></html>", URL, "application/json")
    assert parsed.outcome is Outcome.REFUSED


def test_a_saved_feed_is_not_said_to_be_a_page() -> None:
    parsed = parse_body(FEED.encode(), URL)
    assert (parsed.outcome, parsed.reason, parsed.posts) == (Outcome.PARTIAL, "RSS: kept as it is, not read", ())


@pytest.mark.parametrize("prolog", ["<!--" * 5000, "<?" * 5000, " " * 9000, "<!doctype [" * 900])
def test_what_stands_before_the_root_costs_no_time(prolog: str) -> None:
    assert no_page(prolog.encode(), "text/html") is None


@pytest.mark.parametrize(
    ("url", "ending"),
    [
        ("https://site.example/v/film.mp4", ".mp4"), ("https://site.example/a.JPG?w=1", ".jpg"), ("https://site.example/a.pdf#page=2", ".pdf"),
        ("https://site.example/wiki/File:Square.jpg", None), ("https://site.example/wiki/Datei%3ASquare.jpg", None),
        ("https://code.example/a/b/blob/main/report.pdf", None), ("https://site.example/mp4", None), ("https://site.example/", None), (None, None),
        ("https://site.example/a.html", None), ("https://site.mp4/a", None),
    ],
)  # fmt: skip
def test_links_that_name_a_file(url: str | None, ending: str | None) -> None:
    assert named_file(url) == ending


def test_a_page_in_place_of_a_file() -> None:
    parsed = parse(PAGE.encode(), "https://site.example/v/film.mp4", "text/html")
    assert parsed.posts[0].outcome is Outcome.PARTIAL
    assert parsed.posts[0].reason == f"{A_PAGE_CAME}: the link ends in .mp4"
    wall = parse(
        b"<title>Page not found</title><h1>Page not found</h1>", "https://site.example/v/film.mp4", "text/html"
    )
    assert wall.outcome is Outcome.UNAVAILABLE


# -- paid ------------------------------------------------------------------------------------------------------------------


def linked(**facts: Any) -> str:
    value = {"@type": "NewsArticle", "headline": "A report", **facts}
    return f"<script type='application/ld+json'>{json.dumps(value)}</script>"


PART = {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": ".paid"}


@pytest.mark.parametrize(
    ("head", "paid"),
    [
        (linked(isAccessibleForFree=False), True), (linked(isAccessibleForFree="False"), True),
        (linked(isAccessibleForFree="https://schema.org/False"), True), (linked(isAccessibleForFree=True), False), (linked(), False),
        (linked(isAccessibleForFree="true", hasPart=PART), True), (linked(hasPart=[{"@type": "ImageObject"}, PART]), True),
        (linked(hasPart={**PART, "isAccessibleForFree": True}), False), (linked(hasPart=["x", None, 3]), False),
        (linked(isAccessibleForFree=False, wordCount=152, articleBody=WORDS), False),
        (linked(isAccessibleForFree=False, wordCount="900", articleBody=WORDS), True),
        ("<meta itemprop='isAccessibleForFree' content='false'>", True), ("<meta property='article:content_tier' content='locked'>", True),
        ("<meta property='article:content_tier' content='free'>", False),
    ],
)  # fmt: skip
def test_an_article_that_is_paid_for(head: str, paid: bool) -> None:
    parsed = parse(PAGE.replace("</head>", f"{head}</head>").encode(), URL)
    assert parsed.outcome is None
    [post] = parsed.posts
    assert post.text, "what came is kept"
    assert (post.outcome is Outcome.PARTIAL, (post.reason or "").startswith(FOR_SUBSCRIBERS)) == (paid, paid)
