"""What a server sends in place of what a link promises, at status 200: never a tick, and no claim that is not its own."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import brotli
import pytest

from archiver.capture.dash_manifest import DashStream, dash_stream
from archiver.demo import media
from archiver.demo.server import Answer
from spiders.link_forms import Form, Target
from spiders.page.landing import landed
from spiders.page.parse import parse
from spiders.posts import Outcome, Parsed
from tests.conftest import Shell, World
from tests.support.articles import article
from tests.support.captures import ended, posts

SITE = "https://blog.ozen.example"
ARTICLE = article("")
LONG = article("<p>" + "".join(f"{n} " for n in range(3000)) + "</p>")
CODED = {"gzip": gzip.compress(LONG, mtime=0), "deflate": zlib.compress(LONG), "br": brotli.compress(LONG, quality=1)}
CUT = {
    f"/cut.{name}": (Answer(body=body[:-900], headers=[("Content-Encoding", name)]), "partial", "decoded only in part")
    for name, body in CODED.items()
}
FREE = '"@type": "NewsArticle", "headline": "A page", "isAccessibleForFree": '


def to(link: str) -> Answer:
    return Answer(302, headers=[("Location", link)])


def page(body: str, head: str = "") -> bytes:
    return f"<html><head><meta charset='utf-8'><title>Ozen</title>{head}</head><body>{body}</body></html>".encode()


def closed(value: str, rest: str = "") -> str:
    return f'<script type="application/ld+json">{{{FREE}{value}{rest}}}</script>'


ANSWERS: dict[str, tuple[Answer, str, str]] = {
    "/2011/front": (to("/"), "partial", "led to a front page"),
    "/2011/front-of-a-language": (to("/kz/"), "partial", "led to a front page"),
    "/2011/error": (to("/errors/404.html"), "unavailable", "led to an error page"),
    "/2011/moved": (to("/2011/there"), "captured", ""),
    "/a-part": (Answer(206, body=ARTICLE, headers=[("Content-Range", "bytes 0-99/5000")]), "partial", "bytes 0 to 99"),
    "/some-part": (Answer(206, body=ARTICLE), "partial", "without saying which"),
    "/all-of-it": (Answer(206, body=ARTICLE, headers=[("Content-Range", "bytes 0-99/100")]), "captured", ""),
    "/nothing": (Answer(204, body=b""), "failed", "nothing to send (HTTP 204)"),
    "/unchanged": (Answer(304, body=b""), "failed", "nothing has changed, which it was not asked (HTTP 304)"),
    **CUT,
    "/cut-image": (Answer(body=article("<img src='/cut.png'>")), "partial", "could be decoded only in part"),
    "/film.mp4": (Answer(body=ARTICLE), "partial", "a page came in place of a file: the link ends in .mp4"),
    "/report.pdf": (Answer(body=ARTICLE), "partial", "a page came in place of a file: the link ends in .pdf"),
    "/File:square.png": (Answer(body=ARTICLE), "captured", ""),
    "/view/square.png": (Answer(body=article("<img src='/files/square.png'>")), "captured", ""),
    "/zeros.mp4": (Answer(200, "application/octet-stream", bytes(5000)), "partial", "of no known kind of video"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.capture.media_proof.AGAIN_SECONDS", 0.0)


def test_what_a_link_gets_that_is_not_what_it_names(shell: Shell, world: World) -> None:
    world.news.trouble |= {path: answer for path, (answer, _, _) in ANSWERS.items()}
    world.news.trouble["/cut.png"] = Answer(200, "image/png", CODED["gzip"][:-900], [("Content-Encoding", "gzip")])
    world.news.trouble |= dict.fromkeys(("/", "/kz/", "/errors/404.html", "/2011/there"), Answer(body=ARTICLE))
    _, results = shell.json("capture", *(SITE + path for path in ANSWERS))
    found = {str(one["url"]).removeprefix(SITE): one for one in results}
    for path, (_, outcome, reason) in ANSWERS.items():
        assert found[path]["outcome"] == outcome, (path, found[path]["reason"])
        assert reason in str(found[path]["reason"] or ""), path
    for path in ("/2011/front", "/2011/error"):
        assert posts(shell, found[path]) == {}, "what stands on another page is no observation of this one"
    assert shell("reassess")[0] == 0, "sealed, it is judged the same"


@pytest.mark.parametrize(
    ("asked", "came", "outcome"),
    [
        ("https://a.example/x", "https://www.a.example/", Outcome.PARTIAL),
        ("https://a.example/2011/12/x", "https://b.example/index.html", Outcome.PARTIAL),
        ("https://a.example/?p=123", "https://a.example/", Outcome.PARTIAL),
        ("https://a.example/x", "https://b.example/", None),  # it may be a shortener that nobody knows
        ("https://a.example/index.php", "https://a.example/ru", None),
        ("https://a.example/ru/", "https://a.example/", None),
        ("https://a.example/?lang=ru", "https://a.example/", None),
        ("https://a.example/x", "https://a.example/?q=x", None),
        ("https://a.example/x", "https://a.example/not-found", Outcome.UNAVAILABLE),
        ("https://a.example/x", "https://a.example/page-404/", Outcome.UNAVAILABLE),
        ("https://a.example/404", "https://www.a.example/404", None),
        ("https://a.example/x", "https://a.example/flight-404", None),
    ],
)
def test_where_redirects_end(asked: str, came: str, outcome: Outcome | None) -> None:
    target = Target("page", "page", asked, asked, Form.KNOWN)
    assert landed(Parsed(platform="page", layout="page/html"), target, came).outcome is outcome


AROUND = "<header>Ozen News</header><nav>Politics Sport</nav>"
FRAMES = b"<html><frameset cols='1,2'><frame src='a.html'><frame src='b.html'></frameset></html>"
WALLED = closed('"False"', ', "hasPart": {"isAccessibleForFree": false, "cssSelector": ".wall"}')
WALLS = {
    "a script that leads on": (
        page("<p>You are redirected.</p><script>setTimeout(function(){location.replace('/real')},9)</script>"),
        "sends its visitors on",
    ),
    "a refresh that is not followed": (
        page("<p>Wait.</p>", "<meta http-equiv='refresh' content='0; url=ftp://a.example/'>"),
        "sends its visitors on",
    ),
    "a field without a form": (
        page("<h1>Ozen</h1><div><input name='u'><input type='password'></div>"),
        "a field for a password",
    ),
}
PARTS = {
    "words for browsers without scripts": (
        page("<div id='main'></div><script src='/a.js'></script><noscript>Turn on scripts</noscript>"),
        "an empty shell",
    ),
    "nothing but what stands around": (
        page(f"{AROUND}<main></main><footer>Rights</footer><script>1</script>"),
        "an empty shell",
    ),
    "a word while it loads": (page(f"{AROUND}<div>Жүктелуде…</div><script>1</script>"), "an empty shell"),
    "a frame": (page("<h1>News</h1><iframe src='/text' width='600'></iframe>"), "stands in frames"),
    "a set of frames": (FRAMES, f"{SITE}/a.html, {SITE}/b.html"),
    "a paid article": (article(closed("false")), "for subscribers"),
    "an offer in place of the rest": (article(f"{WALLED}<div class='wall'>Subscribe</div>"), "for subscribers"),
}
PAGES = {
    "a link that a person presses": page(
        "<p>Choose a language.</p><script>function go(){location.href='/ru'}</script>"
    ),
    "a script for small screens": page("<p>Short news.</p><script>if (screen.width < 700) location='/m'</script>"),
    "a refresh of itself": page("<p>The score is 2:1.</p>", f"<meta http-equiv='refresh' content='300; url={SITE}/x'>"),
    "a frame beside words": article("<iframe src='/map' width='600'></iframe>"),
    "a frame that counts visitors": page("<p>Short.</p><iframe src='/count' width='0' height='0'></iframe>"),
    "a free article": article(closed("true")),
    "a short page with a script": page("<main>Hello.</main><script>1</script>"),
}


@pytest.mark.parametrize("name", WALLS)
def test_a_page_that_is_not_the_page(name: str) -> None:
    data, reason = WALLS[name]
    parsed = parse(data, f"{SITE}/x")
    assert parsed.outcome is not None
    assert reason in str(parsed.reason)
    assert parsed.posts == ()


@pytest.mark.parametrize("name", PARTS)
def test_a_page_that_is_a_part_of_the_page(name: str) -> None:
    data, reason = PARTS[name]
    [post] = parse(data, f"{SITE}/x").posts
    assert post.outcome is Outcome.PARTIAL
    assert reason in str(post.reason)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_the_page(name: str) -> None:
    parsed = parse(PAGES[name], f"{SITE}/x")
    assert (parsed.outcome, parsed.posts[0].outcome) == (None, Outcome.CAPTURED), parsed.posts[0].reason


# -- files of a page ---------------------------------------------------------------------------------------------------


def test_what_comes_in_place_of_a_picture_is_not_kept_as_one(shell: Shell, world: World) -> None:
    world.news.trouble |= {
        "/pictures": Answer(
            body=article("<img src='/denied.png'><img src='/nothing.png'><img src='/odd.png'><img src='/same.png'>")
        ),
        "/same.png": Answer(304, body=b""),
        "/denied.png": Answer(body=page("<h1>Access denied</h1>")),
        "/nothing.png": Answer(content_type="image/png"),
        "/odd.png": Answer(content_type="text/html", body=media.picture()),
    }
    _, [result] = shell.json("capture", f"{SITE}/pictures")
    ends = ended(shell, result)
    said = {key.rpartition("/")[2]: (end["outcome"], end["reason"]) for key, end in ends.items() if ".png" in key}
    assert said == {
        "same.png": ("failed", "the server answers that nothing has changed, which it was not asked (HTTP 304)"),
        "denied.png": ("refused", "an HTML page came in place of the picture"),
        "nothing.png": ("unavailable", "0 bytes came in place of the picture"),
        "odd.png": ("captured", None),
    }


def test_a_length_that_the_head_states_counts_for_the_film_of_the_page() -> None:
    said: dict[str, Any] = {"@type": "VideoObject", "duration": "PT9S", "contentUrl": f"{SITE}/v.mp4"}
    data = article(f"<video src='/v.mp4'></video><script type='application/ld+json'>{json.dumps(said)}</script>")
    [film] = parse(data, f"{SITE}/x").posts[0].attachments
    assert (film.url, film.duration) == (f"{SITE}/v.mp4", 9.0)


@pytest.mark.parametrize(
    ("manifest", "stream"),
    [
        (b'<?xml version="1.0"?>\n<MPD type="static" mediaPresentationDuration="PT1M30.5S">', DashStream(90.0, False)),
        (b'<MPD xmlns="a" type="dynamic" mediaPresentationDuration="PT9S">', DashStream(None, True)),
        (b"<MPD>", DashStream(None, False)),
        (b"\xff#EXTM3U", DashStream(None, False)),
    ],
)
def test_what_a_dash_manifest_says_of_its_stream(manifest: bytes, stream: DashStream) -> None:
    assert dash_stream(manifest) == stream
