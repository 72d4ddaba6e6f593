"""What a page states, and what is only guessed about it: times, author, title, text, charset."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from spiders import dates
from spiders.html import declared_charset, guessed_charset
from spiders.page.parse import parse
from spiders.posts import Outcome, Post

WORDS = (
    "<p>" + "Witnesses said that shots were heard on the square and that people ran towards the school. " * 6 + "</p>"
)
URL = "https://site.example/2022/a-report"
AT = "2022-01-05T06:40:00Z"


def post(head: str = "", body: str = "", url: str | None = URL, around: str = "article") -> Post:
    page = f"<html lang='en'><head><meta charset='utf-8'><title>A report</title>{head}</head><body><{around}>{body}{WORDS}</{around}></body></html>"
    return parse(page.encode(), url).posts[0]


def linked(value: Any) -> str:
    return f"<script type='application/ld+json'>{json.dumps(value)}</script>"


ARTICLE = {
    "@type": "NewsArticle", "headline": "A report", "datePublished": "2022-01-05T12:40:00+06:00",
    "dateModified": "2022-02-01T10:00:00+06:00",
}  # fmt: skip


# -- times -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "body", "source"),
    [
        ("<meta property='article:published_time' content='2022-01-05T12:40:00+0600'>", "", "meta article:published_time"),
        ("<meta property='article:published_time' content='Wed, 05 Jan 2022 12:40:00 +0600'>", "", "meta article:published_time"),
        ("<meta property='article:published_time' content='2022-01-05 12:40:00 +0600'>", "", "meta article:published_time"),
        (linked(ARTICLE), "", "JSON-LD datePublished"),
        (linked([ARTICLE]), "", "JSON-LD datePublished"),
        (linked({"@graph": [{"@type": "WebPage", "datePublished": "2022-01-01T00:00:00Z"}, ARTICLE]}), "", "JSON-LD datePublished"),
        (linked({"@type": "WebPage", "mainEntity": ARTICLE}), "", "JSON-LD datePublished"),
        ("<meta name='pubdate' content='2022-01-05T12:40:00+06:00'>", "", "meta pubdate"),
        ("<meta name='DC.date.issued' content='2022-01-05T12:40:00+06:00'>", "", "meta dc.date.issued"),
        ("", "<time itemprop='datePublished' datetime='2022-01-05T12:40:00+06:00'>5 January</time>", "itemprop datePublished"),
        ("", "<time datetime='2022-01-05T12:40:00+06:00'>5 January</time>", "time[datetime] in the article"),
        ("", "<time class='published' datetime='2022-01-05T12:40:00+06:00'>x</time>", "time[datetime]"),
    ],
)  # fmt: skip
def test_a_stated_time(head: str, body: str, source: str) -> None:
    found = post(head, body)
    assert found.published is not None
    assert (found.published.text(), found.published.source) == (AT, source)
    assert found.published.literal in (head + body).replace("&#x27;", "'")
    assert "published" not in found.guessed


def test_modified_is_not_published() -> None:
    changed = "<meta property='article:modified_time' content='2022-02-01T10:00:00+06:00'>"
    found = post(changed, "<p class='date'>Updated February 1, 2022</p>")
    assert found.published is None
    assert "published" not in found.guessed, "what was found is when it was changed"
    assert found.extra["modified"]["value"] == "2022-02-01T04:00:00Z"
    both = post(linked(ARTICLE))
    assert both.published is not None
    assert (both.published.text(), both.extra["modified"]["value"]) == (AT, "2022-02-01T04:00:00Z")


def test_the_time_of_another_article_is_not_this_one_s() -> None:
    other = {**ARTICLE, "url": "https://site.example/other", "datePublished": "2021-01-01T00:00:00Z"}
    own = {**ARTICLE, "url": URL}
    found = post(linked([other, own]))
    assert found.published is not None
    assert found.published.text() == AT
    assert post(linked([other, {**own, "url": "https://site.example/third"}])).published is None, "neither is this page"
    listed = {"@type": "ItemList", "itemListElement": [{"item": ARTICLE}]}
    assert post(linked(listed)).published is None


def test_a_time_in_a_comment_or_a_sidebar_is_not_the_article_s() -> None:
    comment = "<div class='comment'><time datetime='2022-01-05T12:40:00+06:00'>x</time></div>"
    assert (
        post("", f"{WORDS}{comment}<aside><time datetime='2020-01-05T12:40:00+06:00'>x</time></aside>").published
        is None
    )


def test_a_time_without_a_zone_is_an_interval() -> None:
    found = post("<meta name='date' content='2022-01-05T12:40:00'>").published
    assert found is not None
    assert found.line()["value"] is None
    assert (found.line()["earliest"], found.line()["latest"]) == ("2022-01-04T22:40:00Z", "2022-01-06T00:40:00Z")


@pytest.mark.parametrize(
    ("literal", "earliest", "latest"),
    [
        ("11/12/2011", "2011-11-11T10:00:00Z", "2011-12-12T12:00:00Z"),
        ("11-12-2011", "2011-11-11T10:00:00Z", "2011-12-12T12:00:00Z"),
        ("31/12/2011", "2011-12-30T10:00:00Z", "2012-01-01T12:00:00Z"),
        ("2011/12/31", "2011-12-30T10:00:00Z", "2012-01-01T12:00:00Z"),
        ("٥ يناير ٢٠٢٢", "2022-01-04T10:00:00Z", "2022-01-06T12:00:00Z"),
        ("5 січня 2022", "2022-01-04T10:00:00Z", "2022-01-06T12:00:00Z"),
        ("5. Januar 2022", "2022-01-04T10:00:00Z", "2022-01-06T12:00:00Z"),
        ("5 Ocak 2022", "2022-01-04T10:00:00Z", "2022-01-06T12:00:00Z"),
        ("۱۴۰۰/۱۰/۱۵", None, None),
        ("1400/10/15", None, None),
    ],
)
def test_days(literal: str, earliest: str | None, latest: str | None) -> None:
    line = dates.written(literal, "x").line()
    assert (line["value"], line["literal"]) == (None, literal)
    assert (line.get("earliest"), line.get("latest")) == (earliest, latest)


# -- guesses -------------------------------------------------------------------------------------------------------------------


def test_a_guessed_day_stands_by_itself_in_the_page_s_words() -> None:
    found = post("", "<span class='date'>11/12/2011</span>")
    assert found.published is None
    assert found.line()["published_at"] is None
    assert found.guessed["published"]["literal"] == "11/12/2011"
    assert found.guessed["published"]["earliest"] == "2011-11-11T10:00:00Z"
    assert found.guessed["published"]["source"] == "a finder of articles"


@pytest.mark.parametrize(
    "body",
    [
        "<form><input type='hidden' name='v' value='cb.20210328-17-p0.de'></form>", "<a href='/survey-20170111.pdf'>here</a>",
        "<footer>© 2025 Ozen</footer>",
    ],
)  # fmt: skip
def test_a_day_that_the_page_does_not_show_is_no_guess(body: str) -> None:
    found = post("", body)
    assert found.published is None
    assert "published" not in found.guessed


def test_an_author_is_spelled_as_in_the_bytes() -> None:
    stated = post("", "<a rel='author' href='/u'>dennisrieves</a>")
    assert stated.author_name == "dennisrieves"
    assert (
        post(linked({**ARTICLE, "author": [{"name": "aigul n."}, {"name": "M. de la Cruz"}]})).author_name
        == "aigul n.; M. de la Cruz"
    )
    guessed = post("", "<p class='byline'>By aigul nur</p>")
    assert guessed.author_name is None
    assert guessed.guessed.get("author", "aigul nur") == "aigul nur"


def test_text_that_the_page_marks_is_its_own_and_other_text_is_a_guess() -> None:
    assert "Witnesses said" in (post().text or "")
    assert "text" not in post().guessed
    assert "Witnesses said" in (post(around="main").text or "")
    unmarked = post(around="div")
    assert unmarked.text is None
    assert "Witnesses said" in unmarked.guessed["text"]
    stated = post(linked({**ARTICLE, "articleBody": "The whole text."}), around="div")
    assert stated.text == "The whole text."


def test_text_keeps_the_letters_of_the_bytes() -> None:
    """Persian joiners, soft hyphens and marks of direction belong to the spelling."""
    words = "شاهدان می\u200cگویند تیراندازی از ساعت دوازده آغاز شد و تا عصر ادامه داشت. "
    found = post("", f"<p>{words * 8}</p>")
    assert (found.text or "").count("\u200c") == 8


def test_on_a_platform_that_is_not_read_no_text_is_the_post_s() -> None:
    """A finder takes the longest comment for the article."""
    comment = "<p>" + "@somebody this is what a stranger said under the picture, at some length. " * 8 + "</p>"
    found = post("", comment, "https://www.instagram.com/p/BWUDBntl3_Z/")
    assert found.text is None
    assert "stranger" in found.guessed["text"]


# -- charset -------------------------------------------------------------------------------------------------------------------

SPOKEN = {
    "windows-1251": "Вечером на площади были слышны выстрелы, люди бежали от линии щитов. ",
    "koi8-r": "Вечером на площади были слышны выстрелы, люди бежали от линии щитов. ",
    "windows-1254": "Göstericiler şehrin meydanında toplandı, ağır silah sesleri duyuldu. ",
    "windows-1256": "سقطت قذائف على المدرسة في ساعات الظهر وأصيب عدد من التلاميذ بجروح متفاوتة. ",
    "gb18030": "目击者说，枪声从中午十二点四十分开始，一直持续到傍晚，许多人受伤。",
}


@pytest.mark.parametrize("name", SPOKEN)
def test_a_charset_that_nobody_declares_is_guessed_and_said(name: str) -> None:
    page = f"<html><head><title>x</title></head><body><article><p>{SPOKEN[name] * 8}</p></article></body></html>"
    parsed = parse(page.encode(name), URL)
    [found] = parsed.posts
    assert SPOKEN[name].strip() in (found.text or "")
    assert (parsed.page["guessed_charset"], found.guessed["charset"]) == (name, name)
    assert found.outcome is Outcome.CAPTURED


def test_a_declared_charset_is_no_guess() -> None:
    data = f"<meta charset='windows-1251'><body><article><p>{SPOKEN['windows-1251'] * 8}</p></article>".encode("cp1251")
    [found] = parse(data, URL).posts
    assert "charset" not in found.guessed
    assert "выстрелы" in (found.text or "")
    assert declared_charset(b"x", "text/html; charset=nonsense") is None
    assert guessed_charset("Привет".encode()[:-1]) is None, "a page that was cut within a letter is still UTF-8"


def test_letters_that_cannot_be_read_make_the_text_partial() -> None:
    data = f"<body><article><p>{SPOKEN['windows-1251'] * 8}</p></article>".encode("cp1251")
    [found] = parse(data, URL, "text/html; charset=utf-8").posts
    assert found.outcome is Outcome.PARTIAL
    assert "cannot be read as utf-8" in (found.reason or "")
    quoted = "<meta charset='iso-8859-1'><body><article><p>" + "“Shots” were heard. " * 20 + "</p></article>"
    assert "“Shots”" in (parse(quoted.encode("cp1252"), URL).posts[0].text or ""), (
        "as the Encoding Standard reads that label"
    )
    sent = "<body><article><p>" + "A page that itself sends \ufffd, as its author wrote it. " * 8 + "</p></article>"
    assert parse(sent.encode(), URL).posts[0].outcome is Outcome.CAPTURED


@pytest.mark.parametrize("name", ["undefined", "idna", "punycode", "unicode_escape", "utf-7", "utf-16", "utf_16"])
def test_a_charset_of_no_page_is_not_believed(name: str) -> None:
    body = f"<article><p>{SPOKEN['windows-1251'] * 8}</p><p>a\\u0041b</p></article>"
    told = f"<meta charset={name}><body>{body}".encode()
    assert "a\\u0041b" in (parse(told, "https://n.example/a").posts[0].text or "")
    if name not in ("utf-16", "utf_16"):
        own = f"<meta charset=windows-1251><body>{body}".encode("cp1251")
        assert parse(own, "https://n.example/a", f"text/html; charset={name}").page["charset"] == "windows-1251"


# -- what a finder of articles cannot cope with ----------------------------------------------------------------------------


def test_a_drawing_is_no_traceback() -> None:
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><title>a</title><a href='x'>b</a></svg>"
    assert parse(drawing, "https://n.example/a.svg", "image/svg+xml").platform == "page"


def test_twenty_thousand_short_paragraphs_are_read_in_seconds() -> None:
    page = "<body><article><p>Words of an article.</p></article>" + "<p>hi</p>" * 20_000
    begun = time.process_time()
    assert parse(page.encode(), "https://n.example/a").posts
    assert time.process_time() - begun < 15
