"""X's, YouTube's and Facebook's parsers are total: mutated answers of the miniatures give posts or a typed reason, never a traceback."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.demo.scene import channel, witness_on_facebook, witness_on_x, witness_on_youtube
from archiver.demo.server import Asked
from archiver.demo.telegram import Telegram
from archiver.intake.read_posts import read_bytes
from spiders.facebook.parse import parse as parse_facebook
from spiders.json_access import walk
from spiders.page.parse import parse as parse_page
from spiders.posts import Parsed
from spiders.telegram.web.parse import parse as parse_telegram
from spiders.x.parse import parse as parse_x
from spiders.youtube.parse import parse as parse_youtube
from storage.times import system_clock
from tests.conftest import FIXTURES
from tests.support.mutation import changed_bytes, changed_value
from tests.support.soak import SOAK, seeded
from tests.support.x_answers import every_layout

pytestmark = pytest.mark.thorough("mutations")

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WATCH = "https://www.youtube.com/watch?v=Zh5janSq001"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    folder = tmp_path_factory.mktemp("media")
    youtube, x = witness_on_youtube(folder), witness_on_x(folder)
    video = youtube.videos["Zh5janSq001"]
    token = youtube._page_data(video)["contents"]["twoColumnWatchNextResults"]["results"]["results"]["contents"][2]
    command = next(item["continuationCommand"]["token"] for _, item in walk(token) if "continuationCommand" in item)
    cookies = {"cookie": f"auth_token={x.cookie}", "x-csrf-token": "x"}
    detail = {"variables": '{"focalTweetId":"1478660000000000007"}'}
    found = [
        ("youtube", youtube.web(Asked("www.youtube.com", "/watch", {"v": "Zh5janSq001"}, {})).body),
        ("youtube", json.dumps(youtube.player("Zh5janSq001")).encode()),
        ("youtube", json.dumps(youtube._next({"continuation": command})).encode()),
        ("youtube", json.dumps(youtube._next({"videoId": "Zh5janSq001"})).encode()),
        ("youtube", video.captions["ru"].encode()),
        ("x", x.web(Asked("x.com", "/i/api/graphql/q/TweetDetail", detail, cookies)).body),
        ("x", x.web(Asked("x.com", "/ozen_today/status/1478660000000000001", {}, {})).body),
    ]
    facebook = witness_on_facebook(folder)
    film = facebook.posts["10157000000000002"]
    found += [("facebook", facebook._relay(film).encode()), ("facebook", facebook._classic(film).encode())]
    for number in (1, 4, 7, 9, 11):
        query = {"id": f"14786600000000000{number:02}"}
        found.append(("x", x.syndication(Asked("cdn.syndication.twimg.com", "/tweet-result", query, {})).body))
    return found + [("x", data) for data in every_layout()]


def sound(parsed: Parsed) -> None:
    assert parsed.posts or parsed.reason or parsed.page or parsed.hints
    for post in parsed.posts:
        json.dumps(post.line())
        for name in ("views", "likes", "replies"):
            assert getattr(post, name) is None or isinstance(getattr(post, name), int)
        assert post.duration is None or post.duration >= 0


def read(platform: str, data: bytes) -> Parsed:
    if platform == "facebook":
        return parse_facebook(data, "https://www.facebook.com/ozen.today/posts/10157000000000002")
    return parse_x(data, "https://x.com/i/status/1") if platform == "x" else parse_youtube(data, WATCH, NOW)


def test_changed_answers(answers: list[tuple[str, bytes]]) -> None:
    source = random.Random(seeded(20261122))
    for number in range(20000 if SOAK else 1200):
        platform, data = answers[number % len(answers)]
        if data[:1] == b"{" and source.random() < 0.7:
            value = json.loads(data)
            for _ in range(source.randrange(1, 4)):
                value = changed_value(value, source)
            data = json.dumps(value).encode()
        else:
            data = changed_bytes(data, source, noise=True)
        sound(read(platform, data))


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"__typename": ["Tweet"]}},
        {"data": {"tweetResult": {"result": {"__typename": "Tweet", "rest_id": "\ud800", "legacy": {"full_text": "a", "id_str": "\ud800"}}}},
         "entryId": "tweet-1"},
    ],
)  # fmt: skip
def test_values_that_no_answer_should_hold(value: Any) -> None:
    """Found by the long campaign: a list for a name, half a character for a number."""
    data = json.dumps(value).encode()
    sound(parse_x(data, "https://x.com/i/status/1"))
    assert list(read_bytes(data, None, "x"))


def test_changed_recordings(recordings: Path) -> None:
    """The real ones, a sample of each."""
    source = random.Random(seeded(7))
    paths = [path for path in sorted(FIXTURES.glob("youtube/*/*.json")) if path.stat().st_size < 60_000]
    paths += [path for path in sorted(FIXTURES.glob("twitter/*/*.json")) if path.stat().st_size < 60_000]
    for path in (path for path in paths if ".expected." not in path.name):
        value = json.loads(path.read_text())
        for _ in range(60 if SOAK else 4):
            data = json.dumps(changed_value(value, source)).encode()
            for reading in read_bytes(data, None, path.name):
                for post in reading.parsed.posts:
                    json.dumps(post.line())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            [
                "legacy", "full_text", "tweet_results", "result", "rest_id", "id_str", "text", "user", "card", "mediaDetails",
                "playabilityStatus", "videoDetails", "microformat", "contents", "alerts", "runs", "simpleText", "videoId",
                "contentId", "metadata", "actions", "addChatItemAction", "item", "formats", "entries", "data", "errors", "includes",
                "commentEntityPayload", "properties", "playerResponse", "__typename", "tombstone", "events", "wireMagic", "id",
                "backstagePostRenderer", "postId", "backstageAttachment", "listItemViewModel", "attributedTitle", "videoInfo",
                "post_id", "attachments", "attached_story", "creation_story", "message", "all_subattachments", "actors",
            ]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(json_values)
def test_any_json(value: Any) -> None:
    data = json.dumps(value).encode()
    for parsed in (parse_x(data, None), parse_youtube(data, None, NOW), parse_facebook(data, None)):
        assert isinstance(parsed, Parsed)
        for post in parsed.posts:
            json.dumps(post.line())
    for reading in read_bytes(data, None, "x"):
        assert isinstance(reading.parsed, Parsed)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    sound(parse_x(data))
    parse_youtube(data, WATCH, NOW)
    parse_youtube(b"WEBVTT\n\n" + data, None)
    parse_youtube(b"<timedtext><body>" + data, None)
    parse_youtube(b"<feed xmlns:yt='http://www.youtube.com/xml/schemas/2015'>" + data, None)
    parse_youtube(b"<script>var ytInitialPlayerResponse = {" + data, None)


def test_deep_nesting() -> None:
    for start, end in ((b'{"data":', b"}"), (b"[", b"]")):
        data = start * 5000 + b"1" + end * 5000
        parse_x(data)
        parse_youtube(data, WATCH, NOW)
    deep: Any = {"legacy": {"full_text": "x"}}
    for _ in range(300):
        deep = {"result": deep}
    assert parse_x(json.dumps({"data": deep}).encode()).posts


@pytest.mark.parametrize("start", [b"http://[", b"//[x/", b"http://x:abc/", b"https://a b/", b"http://x/%00\\u0000"])
def test_links_that_are_none_lose_no_post(
    answers: list[tuple[str, bytes]], tmp_path_factory: pytest.TempPathFactory, start: bytes
) -> None:
    """A platform's answer whose links of files are all malformed still shows its posts."""
    shown, _ = channel(tmp_path_factory.mktemp("media"))
    telegram = Telegram([shown], b"x", system_clock)
    pages = [("telegram", telegram.web(Asked("t.me", "/s/ozen_today", {}, {})).body)]
    files = re.compile(rb"https?:(?:\\?/){2}(?=[\w.-]*(?:telesco|cdn|twimg|ytimg|ggpht|googlevideo|timedtext))")
    for platform, data in [*answers, *pages]:
        parse = {"youtube": parse_youtube, "x": parse_x, "telegram": parse_telegram, "facebook": parse_facebook}[
            platform
        ]
        before, after = parse(data), parse(files.sub(lambda _: start, data))
        sound(after)
        assert len(after.posts) == len(before.posts)
    html = (
        b"<html><head><meta property='og:url' content='https://www.facebook.com/a/videos/1'><meta property='og:title' "
    )
    html += b"content='t'><meta property='og:video' content='" + start + b"v.mp4'></head><body><p>x</p></body></html>"
    for url in (None, "https://www.facebook.com/a/videos/1", start.decode()):
        sound(parse_facebook(html, url))
        sound(parse_page(html, url))
