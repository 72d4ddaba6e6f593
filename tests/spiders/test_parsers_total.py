"""Parsers are total: any bytes give posts or a typed reason; mutated pages too, and the census notices what was lost."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.demo.news import News
from archiver.demo.scene import channel
from archiver.demo.server import Asked
from archiver.demo.telegram import Telegram
from archiver.errors import NotFound
from archiver.intake.read_posts import read_bytes, read_file
from spiders.page.files import css_links
from spiders.page.parse import parse as parse_page
from spiders.posts import Parsed
from spiders.reading import parse_body
from spiders.telegram.web.parse import parse as parse_telegram
from spiders.telegram.web.text import count
from storage.errors import EvidenceError
from storage.times import system_clock
from tests.support import telegram_widgets as widgets
from tests.support.mutation import changed_bytes
from tests.support.soak import SOAK

pytestmark = pytest.mark.thorough("parsers")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    shown, _ = channel(tmp_path_factory.mktemp("media"))
    telegram = Telegram([shown], b"x", system_clock)
    news = News(b"v", b"i")
    return [
        telegram.web(Asked("t.me", "/s/ozen_today", {}, {})).body,
        telegram.web(Asked("t.me", "/s/ozen_today", {"before": "26"}, {})).body,
        telegram.web(Asked("t.me", "/ozen_today/16", {"embed": "1"}, {})).body,
        widgets.every_kind(),
        news.web(Asked("blog.ozen.example", "/2011/12/17/square", {}, {})).body,
    ]


def sound(parsed: Parsed) -> None:
    assert parsed.posts or parsed.reason or parsed.layout != "unknown"
    for post in parsed.posts:
        json.dumps(post.line())
        assert post.text is None or isinstance(post.text, str)
        assert post.views is None or post.views >= 0


@given(st.binary(max_size=2000) | st.text(max_size=1000).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(data: bytes) -> None:
    sound(parse_telegram(data))
    sound(parse_page(data, "https://example.org/"))
    for reading in read_bytes(data, None, "x"):
        sound(reading.parsed)


@given(st.text(alphabet="<>/=\"' abdivclassprtme_widgmsgnhref0123456789-&;:\n", max_size=600))
def test_almost_html(text: str) -> None:
    sound(parse_telegram(b'<div class="js-widget_message" data-post="a/1">' + text.encode()))
    sound(parse_page(b"<html><body>" + text.encode(), None))


def test_mutated_pages_never_raise_and_the_census_notices_lost_posts(pages: list[bytes]) -> None:
    source = random.Random(20261122)
    rounds = 20000 if SOAK else 150
    noticed = 0
    for number in range(rounds):
        data = changed_bytes(pages[number % len(pages)], source, noise=True)
        parsed = parse_telegram(data) if number % len(pages) < 4 else parse_page(data, "https://example.org/")
        sound(parsed)
        if number % len(pages) < 4:
            raw = set(re.findall(rb'data-post="([^"/]+/\d+)"', data))
            lost = len(raw) - len({post.id for post in parsed.posts})
            if lost:
                noticed += 1
                assert not all(line.agrees for line in parsed.census), "posts were lost and nobody noticed"
    assert noticed


def test_deeply_nested_markup() -> None:
    sound(parse_telegram(b"<div>" * 50_000))
    sound(parse_page(b"<html><body>" + b"<div>" * 50_000, None))
    sound(parse_body(b"[" * 200_000, None))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8.67M", 8_670_000),
        ("18.4K", 18_400),
        ("2", 2),
        ("1.2B", 1_200_000_000),
        ("11 286 994", 11_286_994),
        ("", None),
        (None, None),
        ("many", None),
        ("1.2345K", None),
        (".", None),
        ("1.", 1),
    ],
)
def test_counts(text: str | None, value: int | None) -> None:
    assert count(text) == value


def test_unknown_is_null_and_not_zero() -> None:
    [post] = parse_telegram(b'<html><body><div class="js-widget_message" data-post="abc/7"></div></body></html>').posts
    line = post.line()
    for name in ("views", "likes", "text", "published_at", "author_name", "edited", "reply_to", "lang", "duration"):
        assert line[name] is None, name


def test_a_post_shown_only_in_the_app_has_unknown_content() -> None:
    page = b"""<html><div class="js-widget_message" data-post="abc/7"><div class="media_not_supported_cont">
    <div class="message_media_not_supported"><div class="message_media_not_supported_label">Please open Telegram to view this
    post</div></div></div></div></html>"""
    [post] = parse_telegram(page).posts
    assert (post.text, str(post.outcome), post.reason) == (None, "partial", "shown only in the Telegram app")


def test_words_of_a_post_decide_nothing() -> None:
    """A live post that says "Post not found" or "deleted" is a live post."""
    page = b"""<html><div class="js-widget_message" data-post="abc/7"><div class="media_supported_cont">
    <div class="js-message_text">Post not found. This was deleted. edited</div></div>
    <span class="tgme_widget_message_meta"><a class="tgme_widget_message_date"><time datetime="2022-01-05T10:00:00+06:00"></time>
    </a></span></div></html>"""
    [post] = parse_telegram(page).posts
    assert (str(post.outcome), post.edited) == ("captured", False)
    assert post.published is not None
    assert post.published.text() == "2022-01-05T04:00:00Z"


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("2011-12-17T21:40:00+05:00", "2011-12-17T16:40:00Z"),
        ("2011-12-17T21:40:00Z", "2011-12-17T21:40:00Z"),
        ("2011-12-17T21:40:00", None),
        ("2011-12-17", None),
    ],
)
def test_a_time_without_a_zone_is_not_made_utc(literal: str, expected: str | None) -> None:
    page = (
        f'<html><head><meta property="article:published_time" content="{literal}"></head><body><p>x</p></body></html>'
    )
    [post] = parse_page(page.encode(), None).posts
    assert post.published is not None
    assert post.published.text() == expected
    assert post.published.literal == literal


@pytest.mark.parametrize(
    "literal",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01",
        "9999-12-31T23:59:59",
        "Mon Jan 01 00:00:00 +1400 0001",
    ],
)
def test_a_time_at_the_edge_of_the_calendar(literal: str) -> None:
    """In UTC it lies outside of what a date can be: the literal stands, and no parser stumbles."""
    pages = (
        f'<html><meta property="article:published_time" content="{literal}"><p>x</p></html>',
        f'<html><div class="js-widget_message" data-post="abc/7"><a class="tgme_widget_message_date"><time datetime="{literal}">'
        "</time></a></div></html>",
        json.dumps({"__typename": "Tweet", "id_str": "20", "text": "x", "created_at": literal}),
        json.dumps({"_": "Message", "id": 7, "peer_id": {"channel_id": 5}, "date": literal, "message": "x"}),
        json.dumps({"_": "Message", "id": 7, "peer_id": {"channel_id": 5}, "date": 10**12, "message": "x"}),
    )
    for page in pages:
        parsed = parse_body(page.encode(), None)
        sound(parsed)
        [post] = parsed.posts
        assert post.published is None or post.published.value is None


def test_charsets() -> None:
    text = "Жаңаөзен"
    for name in ("utf-8", "utf-16"):
        page = f"<html><head><title>{text}</title></head><body><p>{text}</p></body></html>".encode(name)
        [post] = parse_page(page, None).posts
        assert post.title == text, name
    page = "<html><head><meta charset='windows-1251'><title>Площадь</title></head></html>".encode("cp1251")
    assert parse_page(page, None).posts[0].title == "Площадь"
    assert parse_page(page.replace(b"windows-1251", b"no-such-set"), None).posts


def test_requisites_and_css() -> None:
    page = b"""<html><head><base href="https://cdn.example/x/"><link rel="stylesheet" href="a.css"><link rel="icon" href="/i.ico">
    <style>body{background:url('bg.png')}</style></head><body background="b.gif"><img src="1.png"
    srcset="2.png 2x, 3.png 300w, data:image/png;base64,AAAA 4x"
    data-src="4.png"><img src="data:image/png;base64,AA"><div style="background-image:url(5.png)"></div><script src="//s.example/s.js"></script>
    <video poster="p.jpg"><source src="v.mp4"></video><iframe src="https://www.youtube.com/embed/dQw4w9WgXcQ"></iframe><a href="https://t.me/durov/1">t</a></body></html>"""
    parsed = parse_page(page, "https://example.org/a")
    urls = {item.url for item in parsed.requisites}
    base = "https://cdn.example/x/"
    assert urls >= {
        base + name for name in ("a.css", "bg.png", "b.gif", "1.png", "2.png", "3.png", "4.png", "5.png", "p.jpg")
    }
    assert "https://cdn.example/i.ico" in urls
    assert "https://s.example/s.js" in urls
    assert not any(url and url.startswith("data:") for url in urls)
    [post] = parsed.posts
    assert [(item.kind, item.url) for item in post.attachments] == [
        ("video", base + "v.mp4"),
        ("frame", "https://www.youtube.com/embed/dQw4w9WgXcQ"),
    ]
    assert post.extra["links"] == ["https://t.me/durov/1"]
    assert css_links("@import 'a.css'; x{background:url( \"b.png\" )} y{c:url(d.png)} z{e:url(data:x)}") == [
        "a.css",
        "b.png",
        "d.png",
    ]


# -- archiver parse ------------------------------------------------------------------------------------


def har(pages: list[bytes]) -> bytes:
    entries: list[dict[str, Any]] = [
        {
            "request": {"url": "https://t.me/s/ozen_today"},
            "response": {"content": {"mimeType": "text/html; charset=utf-8", "text": page.decode()}},
        }
        for page in pages
    ]
    entries.append(
        {"request": {}, "response": {"content": {"mimeType": "image/png", "encoding": "base64", "text": "AAAA"}}}
    )
    entries += [
        {},
        {"request": 5, "response": None},
        {"response": {"content": {"mimeType": "text/html", "encoding": "base64", "text": "%%%"}}},
    ]
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def test_every_container_gives_the_same_posts(tmp_path: Path, pages: list[bytes]) -> None:
    page = pages[0]
    ids = [post.id for post in parse_telegram(page).posts]
    lines = json.dumps(page.decode()) + "\n" + json.dumps(page.decode()) + "\n"
    files = {
        "page.html": page,
        "page.html.gz": gzip.compress(page),
        "answer.json": json.dumps(page.decode()).encode(),
        "answers.jsonl": lines.encode(),
        "answers.jsonl.gz": gzip.compress(lines.encode()),
        "page.har": har([page]),
    }
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        found = [post.id for reading in read_file(path) for post in reading.parsed.posts]
        assert found[: len(ids)] == ids, name
        assert len(found) == len(ids) * (2 if "jsonl" in name else 1)


def test_our_own_warc_is_read(tmp_path: Path, pages: list[bytes], new_writer: Any) -> None:
    from tests.support.exchanges import exchange

    writer = new_writer("warc")
    exchange(writer, "https://t.me/s/ozen_today", pages[0])
    writer.close("captured", None)
    [path] = writer.folder.glob("*.warc.gz")
    found = [post.id for reading in read_file(path) for post in reading.parsed.posts]
    assert found == [post.id for post in parse_telegram(pages[0]).posts]


@pytest.mark.parametrize("name", ["missing.html", "."])
def test_what_cannot_be_opened_is_an_error_of_ours(tmp_path: Path, name: str) -> None:
    with pytest.raises((NotFound, EvidenceError)):
        list(read_file(tmp_path / name))


def test_a_cut_archive_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from archiver.cli.main import main

    path = tmp_path / "cut.warc.gz"
    path.write_bytes(gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n\r\n")[:20])
    assert main(["parse", str(path)], None, {}) == 2
    said = capsys.readouterr()
    assert "truncated gzip stream" in said.out + said.err


def test_others_archives_open_or_say_why(recordings: Path) -> None:
    """WARC and ARC files that other tools wrote, damaged ones among them."""
    opened = 0
    for path in sorted(recordings.glob("warc/**/*")):
        if path.is_file() and re.search(r"\.w?arc(\.gz)?(\.bad)?$", path.name):
            try:
                for reading in read_file(path):
                    sound(reading.parsed)
                opened += 1
            except EvidenceError:
                continue
    assert opened >= 15


def test_every_other_recording_gives_posts_or_a_reason(recordings: Path) -> None:
    for folder in ("other", "youtube", "twitter", "telegram/telethon"):
        for path in sorted((recordings / folder).rglob("*")):
            if path.is_file() and ".expected." not in path.name:
                for reading in read_file(path):
                    sound(reading.parsed)
