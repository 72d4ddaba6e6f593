"""Pages in depth: comments, embeds, archived copies, walls, and the odd bytes that sites send."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.demo.news import News
from archiver.demo.server import Answer
from archiver.recorder.trackers import tracker
from spiders import dates
from spiders.page.parse import parse
from spiders.page.pointers import archived_copy, resolved
from storage.lines import read_lines
from tests.conftest import Shell, World
from tests.support.articles import article
from tests.support.captures import ended, folder_of, posts

BLOG = "https://blog.ozen.example/2011/12/17/square"


def inventory(shell: Shell, result: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for line in read_lines(folder_of(shell, result) / "inventory.jsonl") if "key" in line]


# -- comments -----------------------------------------------------------------------------------------------------------


def test_the_twelve_comments_of_2011() -> None:
    parsed = parse(News(b"", b"")._article().encode(), BLOG)
    remarks = [post for post in parsed.posts if post.extra.get("kind") == "comment"]
    numbers = [int((post.id or "").rpartition("-")[2]) for post in remarks]
    assert numbers == [101, 107, 109, 102, 103, 104, 111, 105, 106, 108, 110, 112], "the page's order, not that of time"
    assert [post.extra["position"] for post in remarks] == list(range(12))
    answers = {
        post.id.rpartition("-")[2]: (post.reply_to or "").rpartition("-")[2]
        for post in remarks
        if post.id and "#" in (post.reply_to or "")
    }
    assert answers == {"107": "101", "109": "107", "104": "103", "111": "104", "110": "108"}
    assert sum(post.reply_to == BLOG for post in remarks) == 7
    first = remarks[0]
    assert (first.author_name, first.text) == ("Айгүл", "Бұл қай көше? Мен осы жерден өттім.")
    assert first.published is not None
    assert (first.published.value, first.published.zone_known) == (None, False), "12:43 pm by whose clock?"
    assert first.published.literal == "December 18, 2011 at 12:43 pm"
    assert first.published.line()["earliest"] == "2011-12-17T22:43:00Z"
    assert first.published.line()["latest"] == "2011-12-19T00:44:00Z"
    assert {line.marker: (line.raw, line.parsed) for line in parsed.census}["comment ids"] == (12, 12)


def test_nested_comments_of_wordpress() -> None:
    inner = """<ol class="comment-list"><li id="comment-5" class="comment even"><article id="div-comment-5" class="comment-body">
    <footer class="comment-meta"><div class="comment-author vcard"><b class="fn">Aigul</b></div>
    <div class="comment-metadata"><time datetime="2011-12-18T12:43:00+06:00">December 18</time></div></footer>
    <div class="comment-content"><p>Which street?</p></div></article>
    <ol class="children"><li id="comment-9" class="comment"><article id="div-comment-9" class="comment-body">
    <div class="comment-author"><b class="fn">M.</b></div><div class="comment-content"><p>Satpaev.</p></div></article></li></ol></li></ol>"""
    parsed = parse(article(inner), "https://example.org/a")
    first, second = parsed.posts[1:]
    assert (first.author_name, first.text, first.published and first.published.text()) == (
        "Aigul", "Which street?", "2011-12-18T06:43:00Z",
    )  # fmt: skip
    assert (second.id, second.reply_to, second.extra["depth"]) == (
        "https://example.org/a#comment-9", "https://example.org/a#comment-5", 1,
    )  # fmt: skip
    assert all(line.agrees for line in parsed.census)


def test_a_comment_that_the_parser_loses_is_noticed() -> None:
    inner = '<div class="redesigned-remark" id="comment-7"><p>Where is this?</p></div>'
    [line] = [line for line in parse(article(inner), None).census if line.marker == "comment ids"]
    assert (line.raw, line.parsed, line.agrees) == (1, 0, False)


@pytest.mark.parametrize(
    ("literal", "earliest"),
    [
        ("December 18, 2011 at 12:43 pm", "2011-12-17T22:43:00Z"),
        ("18 декабря 2011, 12:43", "2011-12-17T22:43:00Z"),
        ("18 желтоқсан 2011 12:43", "2011-12-17T22:43:00Z"),
        ("18.12.2011 12:43", "2011-12-17T22:43:00Z"),
        ("2011-12-18 12:43:10", "2011-12-17T22:43:10Z"),
        ("Dec 18, 2011", "2011-12-17T10:00:00Z"),
        ("December 18, 2011 at 12:05 am", "2011-12-17T10:05:00Z"),
        ("12/11/2011", "2011-11-11T10:00:00Z"),  # the 11th of December or the 12th of November
        ("13/11/2011", "2011-11-12T10:00:00Z"),
        ("31/31/2011", None),
        ("31 February 2011", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_as_people_print_them(literal: str, earliest: str | None) -> None:
    found = dates.written(literal, "x")
    assert found.value is None
    assert found.zone_known is False
    assert found.line().get("earliest") == earliest


@given(st.text(max_size=60))
def test_any_printed_date(text: str) -> None:
    found = dates.written(text, "x")
    assert found.value is None
    assert found.literal == text


# -- where a page points -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("https://www.youtube.com/embed/Zh5janSq001?rel=0", "youtube:video:Zh5janSq001"),
        ("https://www.youtube-nocookie.com/embed/Zh5janSq001", "youtube:video:Zh5janSq001"),
        (
            "https://platform.twitter.com/embed/Tweet.html?dnt=false&id=1478660000000000001",
            "x:post:1478660000000000001",
        ),
        (
            "https://www.facebook.com/plugins/video.php?href=https%3A%2F%2Fwww.facebook.com%2Fa.b%2Fvideos%2F77%2F",
            "facebook:video:77",
        ),
        ("https://t.me/ozen_today/12?embed=1", "telegram:post:ozen_today/12"),
        ("https://web.archive.org/web/20220105120000/https://t.me/ozen_today/12", "telegram:post:ozen_today/12"),
        ("https://player.example/1", None),
        ("https://t.me/ozen_today", None),
        ("https://x.com/ozen_today", None),
        ("javascript:void(0)", None),
        ("https://www.facebook.com/plugins/post.php", None),
        ("http://[broken", None),
    ],
)
def test_players_are_resolved_to_their_platform(link: str, key: str | None) -> None:
    found = resolved(link)
    assert (found.key if found else None) == key


def test_what_a_page_embeds_is_listed_and_on_request_captured(shell: Shell) -> None:
    code, results = shell.json("capture", BLOG)
    assert (code, len(results)) == (0, 1)
    ends = ended(shell, results[0])
    assert ends["target youtube:video:Zh5janSq001"]["kind"] == "embedded"
    assert ends["target telegram:post:ozen_today/12"]["kind"] == "linked"
    assert "--follow-embeds captures it" in ends["target x:post:1478660000000000001"]["reason"]
    code, results = shell.json("capture", BLOG, "--follow-embeds", "--no-media")
    assert code == 0
    assert {result["url"] for result in results} == {
        BLOG, "https://www.youtube.com/watch?v=Zh5janSq001", "https://x.com/ozen_today/status/1478660000000000001",
        "https://t.me/ozen_today/12",
    }  # fmt: skip
    assert len({result["run"] for result in results}) == 1
    assert shell("check")[0] == 0


def test_embeds_of_every_make() -> None:
    inner = """<script async src="https://telegram.org/js/telegram-widget.js" data-telegram-post="ozen_today/16"></script>
    <div class="fb-post" data-href="https://www.facebook.com/ozen.today/posts/10157000000000001"></div>
    <blockquote class="twitter-tweet"><a href="https://t.co/x">x</a><a href="https://twitter.com/a/status/1478660000000000001">d</a></blockquote>
    <iframe src="//www.youtube.com/embed/Zh5janSq001"></iframe>"""
    [page] = parse(article(inner), "https://example.org/").posts
    assert page.extra["embeds"] == [
        "https://www.youtube.com/watch?v=Zh5janSq001", "https://t.me/ozen_today/16",
        "https://www.facebook.com/ozen.today/posts/10157000000000001", "https://x.com/a/status/1478660000000000001",
    ]  # fmt: skip
    frame = next(item for item in page.attachments if item.kind == "frame")
    assert frame.extra["target"] == "youtube:video:Zh5janSq001"


# -- archived copies ------------------------------------------------------------------------------------------------------------


def test_an_archived_copy_is_labelled_as_one(shell: Shell) -> None:
    link = "https://web.archive.org/web/20111218064300/http://blog.ozen.example/2011/12/17/square"
    code, [result] = shell.json("capture", link)
    assert (code, result["outcome"]) == (0, "captured")
    page = ended(shell, result)["page"]
    shown = next(line for line in inventory(shell, result) if line["key"] == "page" and "layout" in line)
    assert shown["layout"] == "page/archived copy"
    assert shown["page"]["memento_datetime"] == "Sun, 18 Dec 2011 06:43:00 GMT"
    assert page["outcome"] == "captured"
    post = posts(shell, result)[link]
    assert post["archived_copy"] == {
        "served_by": "web.archive.org",
        "original": "http://blog.ozen.example/2011/12/17/square",
        "stated_at": {
            "value": "2011-12-18T06:43:00Z", "precision": "second", "zone_known": True,
            "literal": "2011-12-18T06:43:00+00:00", "source": "web.archive.org address",
        },
    }  # fmt: skip
    assert post["published_at"] == "2011-12-17T16:40:00Z", "when the archive took it is not when it was published"
    assert shell("check")[0] == 0


def test_a_page_that_the_archive_does_not_have(shell: Shell) -> None:
    code, [result] = shell.json("capture", "https://web.archive.org/web/20110101000000/http://nosuch.example/")
    assert (code, result["outcome"]) == (3, "unavailable")


@pytest.mark.parametrize(
    ("url", "facts"),
    [
        ("https://example.org/web/20111218064300/http://a.b/", None),
        ("https://web.archive.org/web/2011*/http://a.b/", None),
        ("https://web.archive.org/web/2011/http://a.b/", {"served_by": "web.archive.org", "original": "http://a.b/"}),
        (None, None),
    ],
)
def test_archive_addresses(url: str | None, facts: dict[str, str] | None) -> None:
    assert archived_copy(url) == facts


# -- what sites send ---------------------------------------------------------------------------------------------------------------


def test_a_consent_wall_is_no_page(shell: Shell, world: World) -> None:
    world.news.trouble["/consent"] = Answer(
        body=b"<html><head><title>Before you continue to News</title></head><body>Accept all</body></html>"
    )
    code, [result] = shell.json("capture", "https://blog.ozen.example/consent")
    assert (code, result["outcome"]) == (4, "blocked")
    assert str(result["reason"]).startswith("consent wall: the page's title is “Before you continue")
    assert posts(shell, result) == {}


def test_a_captcha_is_no_page(shell: Shell, world: World) -> None:
    world.news.trouble["/cf"] = Answer(
        403, body=b"<html><head><title>Just a moment...</title></head><body></body></html>"
    )
    code, [result] = shell.json("capture", "https://blog.ozen.example/cf")
    assert ended(shell, result)["page"]["absence"]["state"] == "bot wall"
    assert (code, result["outcome"]) == (4, "blocked"), "it is tried again, which what is refused is not"
    assert result["reason"] == "bot wall: the page's title is “Just a moment...” (HTTP 403)"


def test_one_forbidden_page_leaves_the_rest_of_its_site_to_be_asked(shell: Shell, world: World) -> None:
    world.news.trouble["/shut"] = Answer(403, body=b"<html><body><h1>403 Forbidden</h1><hr>nginx</body></html>")
    _, results = shell.json(
        "capture", "https://blog.ozen.example/shut", "https://blog.ozen.example/gone", "--at-once", "1"
    )
    assert [(result["outcome"], result["reason"]) for result in results] == [
        ("refused", "forbidden (HTTP 403)"),
        ("unavailable", "gone (HTTP 410)"),
    ]


def test_a_403_that_asks_for_a_login_says_so(shell: Shell, world: World) -> None:
    world.news.trouble["/members"] = Answer(403, body=b"<html><title>Log in</title><body><h1>Log in</h1></body></html>")
    _, [result] = shell.json("capture", "https://blog.ozen.example/members")
    assert result["outcome"] == "refused"
    assert result["reason"] == "login required: the page's title is “Log in” (HTTP 403)"


def test_a_200_that_says_error_is_partial(shell: Shell, world: World) -> None:
    world.news.trouble["/soft"] = Answer(
        body=b"<html><head><title>Error</title></head><body>Something went wrong</body></html>"
    )
    code, [result] = shell.json("capture", "https://blog.ozen.example/soft")
    assert (code, result["outcome"]) == (2, "partial")
    assert ended(shell, result)["page"]["absence"] == {"state": "unknown", "said": "Error"}


def test_a_page_of_sixty_megabytes_is_kept_and_not_read(shell: Shell, world: World) -> None:
    world.news.trouble["/huge"] = Answer(body=b"<p>" + b"x" * (1 << 20) + b"</p>", repeat=60)
    code, [result] = shell.json("capture", "https://blog.ozen.example/huge")
    assert (code, result["outcome"]) == (2, "partial")
    assert "too large to read" in str(result["reason"])
    assert shell("check")[0] == 0


def test_json_with_a_byte_order_mark(tmp_path: Path, shell: Shell) -> None:
    path = tmp_path / "tweet.json"
    path.write_bytes(
        b"\xef\xbb\xbf" + json.dumps({"__typename": "Tweet", "id_str": "20", "text": "just setting up"}).encode()
    )
    code, [line] = shell.json("parse", str(path))
    assert (code, line["id"], line["text"]) == (0, "20", "just setting up")
    fragment = json.dumps('<div class="tgme_widget_message js-widget_message" data-post="abc/7"></div>').encode()
    (tmp_path / "fragment.json").write_bytes(b"\xef\xbb\xbf" + fragment)
    _, [line] = shell.json("parse", str(tmp_path / "fragment.json"), "--url", "https://t.me/s/abc?before=9")
    assert line["id"] == "abc/7"


def test_a_page_in_another_language() -> None:
    text = "".join(
        f"<p>Бұл мақала қазақ тілінде жазылған, оның {n}-абзацында оқиға сипатталады.</p>" for n in range(20)
    )
    page = f'<html lang="kk"><head><title>Алаң</title></head><body><article><h1>Алаң</h1>{text}</article></body></html>'
    [post] = parse(page.encode(), "https://example.kz/").posts
    assert "сипатталады" in (post.text or "")
    assert post.lang == "kk"


# -- trackers ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "page", "listed"),
    [
        ("https://www.google-analytics.com/collect", "https://a.example/", "google-analytics.com"),
        ("https://stats.g.doubleclick.net/x", "https://a.example/", "doubleclick.net"),
        ("https://mc.yandex.ru/metrika/tag.js", "https://a.example/", "mc.yandex.ru"),
        ("https://yandex.ru/maps", "https://a.example/", None),
        ("https://connect.facebook.net/sdk.js", "https://a.example/", "connect.facebook.net"),
        ("https://notdoubleclick.net/", "https://a.example/", None),
        ("https://cdn.outbrain.com/a.js", "https://www.outbrain.com/", None),
        ("data:text/css,x", "https://a.example/", None),
        ("http://[broken", "https://a.example/", None),
    ],
)
def test_trackers(url: str, page: str, listed: str | None) -> None:
    assert tracker(url, page) == listed


def test_a_page_s_own_trackers_are_not_asked(shell: Shell, world: World) -> None:
    world.news.trouble["/tracked"] = Answer(
        body=article('<img src="https://mc.yandex.ru/watch/1"><img src="/square.png">')
    )
    _, [result] = shell.json("capture", "https://blog.ozen.example/tracked")
    end = ended(shell, result)["requisite https://mc.yandex.ru/watch/1"]
    assert (end["outcome"], end["reason"]) == ("skipped", "known tracker (mc.yandex.ru): not asked")
    assert {asked.host for asked in world.served.log} == {"blog.ozen.example"}


# -- malformed links ---------------------------------------------------------------------------------------------------

MALFORMED = article(
    """
    <link rel="stylesheet" href="/style-malformed.css">
    <img src="http://[bad/x.png"><img src="http://ü.example:abc/port.png"><img src="/my photo.jpg">
    <img src="/led-nowhere.png"><img src="http://a..b/host.png"><img src="/nul&#1;.png">
    <img srcset="http://[srcset/1.png 1x, /square.png 2x">
    <iframe src="http://[frame/"></iframe><a href="http://[a/">there</a>
    <div style="background:url(http://[style/x.png)"></div>"""
)


def test_a_page_whose_links_are_each_malformed_in_another_way(shell: Shell, world: World) -> None:
    """None of them is a fault of ours, each is listed, and what stands behind them is fetched."""
    image = Answer(content_type="image/png", body=b"\x89PNG")
    world.news.trouble |= {
        "/malformed": Answer(body=MALFORMED),
        "/style-malformed.css": Answer(
            content_type="text/css",
            body=b"a{background:url(http://[x/y.png)} b{background:url('/a b.png')} c{background:url(/ok.png)}",
        ),
        "/my%20photo.jpg": image,
        "/a%20b.png": image,
        "/ok.png": image,
        "/led-nowhere.png": Answer(302, "text/plain", b"", [("Location", "http://[x")]),
    }
    _, [result] = shell.json("capture", "https://blog.ozen.example/malformed")
    ends = ended(shell, result)
    assert (result["outcome"], result["reason"]) == ("captured", None)
    skipped = {key[10:]: end["reason"] for key, end in ends.items() if key[:10] == "requisite " and end["reason"]}
    nowhere = "a link that cannot be asked for (its host is neither a name nor an address)"
    assert skipped == {
        "http://[bad/x.png": nowhere,
        "http://ü.example:abc/port.png": "a link that cannot be asked for (its port is no number from 1 to 65535)",
        "https://blog.ozen.example/led-nowhere.png": f"{nowhere[:-1]}; a redirect led to 'http://[x')",
        "http://a..b/host.png": nowhere,
        "https://blog.ozen.example/nul\x01.png": "a link that cannot be asked for (a control character in it)",
        "http://[srcset/1.png": nowhere,
        "http://[style/x.png": nowhere,
        "http://[x/y.png": nowhere,
    }
    frames = [line["url"] for line in inventory(shell, result) if line["kind"] == "frame" and "url" in line]
    assert frames == ["http://[frame/"]
    asked = [one.path for one in world.served.log]
    assert {"/ok.png", "/my%20photo.jpg", "/a%20b.png", "/square.png"} <= set(asked)
    assert not [path for path in asked if " " in path]


@pytest.mark.parametrize(
    "base", ["javascript:void(0)", "data:text/html,x", "mailto:a@b.example", "ftp://x/", "http://[x"]
)
def test_a_base_that_leads_nowhere_hides_no_file(base: str) -> None:
    page = article('<img src="x.png">').replace(b"<title>", f'<base href="{base}"><title>'.encode())
    assert [one.url for one in parse(page, BLOG).requisites] == ["https://blog.ozen.example/2011/12/17/x.png"]


@pytest.mark.parametrize(
    ("inner", "links"),
    [
        (
            '<object data="a.swf"></object><embed src="b.swf">',
            ["https://x.example/d/a.swf", "https://x.example/d/b.swf"],
        ),
        (
            '<img src="ftp://f.example/a.png"><img src="file:///a"><img src="cid:1">',
            ["ftp://f.example/a.png", "file:///a", "cid:1"],
        ),
        (
            '<img src="data:,x"><img src="da&#10;ta:,x"><img src="blob:x"><img src=" javascript:x"><img src="about:blank">',
            [],
        ),
        ('<img src="https://u:hunter2@h.example/a.png">', ["https://withheld@h.example/a.png"]),
        ('<img src="ftp://u:hunter2@h.example/a">', ["ftp://withheld@h.example/a"]),
        (r'<img src="img\photo.png">', ["https://x.example/d/img/photo.png"]),
        (r'<img src="//x.example\@evil.example/q.png">', ["https://x.example/@evil.example/q.png"]),
    ],
)
def test_every_file_that_a_page_names_is_listed(inner: str, links: list[str]) -> None:
    assert [one.url for one in parse(article(inner), "https://x.example/d/p").requisites] == links


def test_files_that_are_not_asked_for_are_listed_with_the_reason(shell: Shell, world: World) -> None:
    image = Answer(content_type="image/png", body=b"\x89PNG")
    world.news.trouble |= {
        "/odd": Answer(
            body=article(
                '<link rel="stylesheet" href="/odd.css"><img src="ftp://f.example/a.png"><img src="/led.png">'
                r'<img src="img\photo.png"><img src="//blog.ozen.example\@evil.example/q.png"><object data="/o.png"></object>'
                '<img src="https://user:hunter2@blog.ozen.example/x.png"><img src="/led-back.png">'
            ).replace(b"<title>", b'<base href="javascript:0"><title>')
        ),
        "/odd.css": Answer(
            content_type="text/css", body=b"a{background:url(https://user:hunter2@blog.ozen.example/y.png)}"
        ),
        "/img/photo.png": image, "/@evil.example/q.png": image, "/o.png": image,
        "/led.png": Answer(302, "text/plain", b"", [("Location", "https://user:hunter2@blog.ozen.example/z.png")]),
        "/led-back.png": Answer(302, "text/plain", b"", [("Location", r"\\blog.ozen.example\@evil.example/q.png")]),
    }  # fmt: skip
    _, [result] = shell.json("capture", "https://blog.ozen.example/odd")
    ends = ended(shell, result)
    skipped = {key[10:]: end["reason"] for key, end in ends.items() if key[:10] == "requisite " and end["reason"]}
    locked = "a link that cannot be asked for (a name or password in it"
    assert skipped == {
        "ftp://f.example/a.png": "a link that cannot be asked for (only http and https are fetched)",
        "https://withheld@blog.ozen.example/x.png": f"{locked})",
        "https://withheld@blog.ozen.example/y.png": f"{locked})",
        "https://blog.ozen.example/led.png":
            f"{locked}; a redirect led to 'https://withheld@blog.ozen.example/z.png')",
    }  # fmt: skip
    assert {asked.host for asked in world.served.log} == {"blog.ozen.example"}
    asked = [one.path for one in world.served.log]
    assert {"/img/photo.png", "/@evil.example/q.png", "/o.png"} <= set(asked)
    assert not {"/x.png", "/y.png", "/z.png"} & set(asked)
    for name in ("inventory.jsonl", "records.jsonl", "posts.jsonl"):
        assert b"hunter2" not in (folder_of(shell, result) / name).read_bytes(), name


def test_a_film_of_another_scheme_is_a_link_in_the_page(shell: Shell, world: World) -> None:
    world.news.trouble["/film"] = Answer(body=article('<video src="ftp://f.example/x.mp4"></video>'))
    code, [result] = shell.json("capture", "https://blog.ozen.example/film")
    assert (code, result["outcome"]) == (2, "partial")
    assert str(result["reason"]).endswith("(only http and https are fetched)")


@pytest.mark.parametrize(
    ("inner", "key"),
    [
        ('<video src="http://[film/x.mp4"></video>', "http://[film/x.mp4"),
        ('<audio src="http://x:abc/a.mp3"></audio>', "http://x:abc/a.mp3"),
    ],
)
def test_a_film_whose_link_cannot_be_read_leaves_its_page_partial(
    shell: Shell, world: World, inner: str, key: str
) -> None:
    world.news.trouble["/film"] = Answer(body=article(inner))
    code, [result] = shell.json("capture", "https://blog.ozen.example/film")
    assert (code, result["outcome"]) == (2, "partial")
    assert str(result["reason"]).startswith("1 of 1 attachments not kept: a link that cannot be asked for")
    assert [line["url"] for line in inventory(shell, result) if line.get("url") == key] == [key]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://[x", "a redirect that was not followed (HTTP 302)"),
        ("http://x.example:abc/", "a redirect that was not followed (HTTP 302)"),
        ("http://a..b/", "a link that cannot be asked for (its host is neither a name nor an address)"),
        ("https://user:hunter2@blog.ozen.example/", "a link that cannot be asked for (a name or password in it)"),
        (
            r"//user:hunter2@blog.ozen.example\\@evil.example/",
            "a link that cannot be asked for (a name or password in it)",
        ),
    ],
)
def test_a_page_that_leads_to_no_link(shell: Shell, world: World, location: str, reason: str) -> None:
    world.news.trouble["/led"] = Answer(302, "text/html", b"<p>Moved</p>", [("Location", location)])
    code, [result] = shell.json("capture", "https://blog.ozen.example/led")
    assert (code, result["outcome"], result["reason"]) == (4, "failed", reason)
    assert [one.path for one in world.served.log] == ["/led"]
    for name in ("inventory.jsonl", "records.jsonl"):
        assert b"hunter2" not in (folder_of(shell, result) / name).read_bytes(), name


def test_a_redirect_with_a_backslash_stays_on_its_host(shell: Shell, world: World) -> None:
    world.news.trouble |= {
        "/led": Answer(302, "text/html", b"", [("Location", r"//blog.ozen.example\@evil.example/q")]),
        "/@evil.example/q": Answer(body=article("")),
    }
    code, [result] = shell.json("capture", "https://blog.ozen.example/led")
    assert (code, result["outcome"]) == (0, "captured")
    assert {one.host for one in world.served.log} == {"blog.ozen.example"}


def test_a_refresh_that_leads_to_no_link_leaves_the_page(shell: Shell, world: World) -> None:
    refresh = '<meta http-equiv="refresh" content="0; url=http://[x/">'
    world.news.trouble["/refresh"] = Answer(body=article("").replace(b"<title>", refresh.encode() + b"<title>"))
    code, [result] = shell.json("capture", "https://blog.ozen.example/refresh")
    assert (code, result["outcome"]) == (0, "captured")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["http://[x/", "//[", "http://x:a/", "/a b", "http://ü..:9/", "\x01", "?%", "http://℀/"])
        | st.text(max_size=12),
        min_size=1,
        max_size=6,
    )
)
def test_any_links_in_a_page_are_read_without_a_fault(links: list[str]) -> None:
    marks = ("<img src='{}'>", "<a href='{}'>x</a>", "<base href='{}'>", "<iframe src='{}'></iframe>",
             "<video src='{}' poster='{}'></video>", "<div style='background:url({})'></div>")  # fmt: skip
    inner = "".join(mark.replace("{}", html.escape(link)) for link in links for mark in marks)
    parsed = parse(article(inner), BLOG)
    assert parsed.outcome is None


# -- captured means captured -----------------------------------------------------------------------------------------------

WALLS = {
    "/removed": ("Запись удалена", "", "unavailable", 3),
    "/login": ("Ozen", "<form><input type='password'></form>", "captured", 0),
    "/members": ("Ozen", "<form><input type='password'></form>", "refused", 3),
    "/robot": ("Проверка, что вы не робот", "", "blocked", 4),
    "/shell": ("Ozen", "<div id='root'></div><script>1</script>", "partial", 2),
    "/unknown": ("Օզեն", "<meta property='og:type' content='article'><h1>Էջը չի գտնվել</h1>", "partial", 2),
}


@pytest.mark.parametrize("path", WALLS)
def test_what_stands_in_the_place_of_a_page(shell: Shell, world: World, path: str) -> None:
    title, body, outcome, exit_code = WALLS[path]
    page = f"<html><head><meta charset='utf-8'><title>{title}</title></head><body>{body}</body></html>"
    world.news.trouble[path] = Answer(body=page.encode())
    code, [result] = shell.json("capture", f"https://blog.ozen.example{path}")
    assert (code, result["outcome"]) == (exit_code, outcome)


def test_a_guess_is_shown_as_one_everywhere(shell: Shell, world: World) -> None:
    words = "<p>" + "Witnesses said that people ran from the square towards the school. " * 8 + "</p>"
    page = f"<html><head><title>A report</title></head><body><div><span class='date'>11/12/2011</span>{words}</div></body></html>"
    world.news.trouble["/guess"] = Answer(body=page.encode())
    code, [result] = shell.json("capture", "https://blog.ozen.example/guess")
    assert code == 0
    line = posts(shell, result)["https://blog.ozen.example/guess"]
    assert (line["text"], line["published"], line["published_at"]) == (None, None, None)
    assert line["guessed"]["published"]["literal"] == "11/12/2011"
    _, shown, _ = shell("show", str(result["capture"]))
    assert "guessed: 11/12/2011" in shown
    assert "guessed: Witnesses said" in " ".join(shown.split())
    assert "stated" not in shown
    code, found = shell.json("find", "Witnesses")
    assert (code, len(found)) == (0, 1)
    assert "text" not in found[0]
    assert "Witnesses" in found[0]["guessed_text"]
    _, [row] = shell.json(
        "catalog", "query", "SELECT published_earliest, text, guessed_published, guessed_text FROM posts"
    )
    assert (row["published_earliest"], row["text"], row["guessed_published"]) == (None, None, "11/12/2011")
    assert "Witnesses" in row["guessed_text"]


DOCUMENTS = {
    "/feed": (Answer(content_type="application/rss+xml", body=b"<rss><channel><title>Not found</title></channel></rss>"), "captured", None),
    "/data.json": (Answer(content_type="application/json", body=b'{"html": "<p>Page not found</p>"}'), "captured", None),
    "/film.mp4": (
        Answer(content_type="text/html", body=article("")), "partial", "a page came in place of a file: the link ends in .mp4",
    ),
    "/photo.jpg": (
        Answer(302, headers=[("Location", "/2011/12/17/square")]), "partial",
        "a page came in place of a file: the link ends in .jpg, and led to https://blog.ozen.example/2011/12/17/square",
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_link_that_names_a_document(shell: Shell, world: World, path: str) -> None:
    answer, outcome, reason = DOCUMENTS[path]
    world.news.trouble[path] = answer
    _, [result] = shell.json("capture", f"https://blog.ozen.example{path}")
    assert (result["outcome"], result.get("reason")) == (outcome, reason)
    page = next(line for line in inventory(shell, result) if line["key"] == "page" and "layout" in line)
    assert page["layout"] == ("file" if outcome == "captured" else "page/html")
    if outcome == "captured":
        assert ended(shell, result)["file"]["outcome"] == "captured"
