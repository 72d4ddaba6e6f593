"""X through the real commands: syndication, the page, and GraphQL with the person's own cookies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.capture.media import MediaDownload, MediaJob
from archiver.demo.server import Answer
from spiders.posts import Outcome
from spiders.x.graphql_queries import bearer, main_script, queries, switches, syndication_token
from storage.lines import read_lines
from tests.conftest import Shell, World
from tests.support.captures import ended, everything, folder_of, posts
from tests.support.x_answers import BROADCAST, syndication

BASE = "https://x.com/ozen_today/status/14786600000000000"


@pytest.mark.parametrize(
    "link",
    [
        f"{BASE}01?s=20&t=abc",
        "https://twitter.com/ozen_today/status/1478660000000000001/photo/1",
        "https://mobile.twitter.com/i/web/status/1478660000000000001",
        "x.com/i/status/1478660000000000001",
    ],
)
def test_links_of_one_post(shell: Shell, link: str) -> None:
    code, [result] = shell.json("capture", link, "--no-media")
    assert (code, result["target"]) == (0, "x:post:1478660000000000001")


def test_a_post_with_its_media(shell: Shell, world: World) -> None:
    code, [result] = shell.json("capture", f"{BASE}01")
    assert (code, result["outcome"]) == (0, "captured")
    post = posts(shell, result)["1478660000000000001"]
    assert (post["author_handle"], post["published_at"], post["text"]) == (
        "ozen_today", "2022-01-05T11:00:00Z", "Видео с площади, 12:40.",
    )  # fmt: skip
    video = post["attachments"][0]
    assert [item["bitrate"] for item in video["variants"]] == [2176000, 832000, 320000, None]
    paths = [asked.path for asked in world.served.log if asked.host == "video.twimg.com"]
    assert paths == ["/ext_tw_video/demo0001clip/vid/2176000/demo0001clip.mp4"], "the best variant, once"
    photos = [(asked.path, asked.query) for asked in world.served.log if asked.path.startswith("/media/")]
    assert photos == [("/media/demo0001photo", {"format": "png", "name": "orig"})], "the original size"


def test_the_smaller_photo_where_the_original_is_not_given(shell: Shell, world: World) -> None:
    world.x.trouble["/media/demo0001photo"] = Answer(404, "text/plain", b"")
    code, [result] = shell.json("capture", f"{BASE}01")
    assert (code, result["outcome"]) == (0, "captured")
    assert [asked.path for asked in world.served.log if "photo" in asked.path] == [
        "/media/demo0001photo",
        "/media/demo0001photo.png",
    ]


def test_a_quoted_post_is_kept_with_its_media(shell: Shell) -> None:
    _, [result] = shell.json("capture", f"{BASE}04")
    found = posts(shell, result)
    assert found["1478660000000000004"]["quoted_id"] == "1478660000000000001"
    assert {line["role"] for line in found.values()} == {"target"}
    assert ended(shell, result)["post 1478660000000000001 #0"]["outcome"] == "captured"


def test_an_edited_post(shell: Shell) -> None:
    _, [result] = shell.json("capture", f"{BASE}03")
    post = posts(shell, result)["1478660000000000003"]
    assert (post["edited"], post["edit_history_ids"]) == (True, ["1478660000000000002", "1478660000000000003"])


def test_the_authors_own_thread_upwards(shell: Shell) -> None:
    _, [result] = shell.json("capture", f"{BASE}06")
    found = posts(shell, result)
    assert set(found) == {"1478660000000000006", "1478660000000000005"}
    assert ended(shell, result)["post 1478660000000000005 #0"]["outcome"] == "captured"


def test_a_poll(shell: Shell) -> None:
    _, [result] = shell.json("capture", f"{BASE}11")
    [poll] = posts(shell, result)["1478660000000000011"]["attachments"]
    assert [(item["text"], item["votes"]) for item in poll["options"]] == [("на площади", 31), ("дома", 12)]


def test_a_long_post_is_partial_for_who_is_not_logged_in(shell: Shell) -> None:
    code, [result] = shell.json("capture", f"{BASE}07")
    assert (code, result["outcome"]) == (2, "partial")
    assert "only its beginning is public" in str(result["reason"])


@pytest.mark.parametrize(
    ("post", "code", "outcome", "said"),
    [
        ("08", 3, "unavailable", "deleted, protected, suspended or never there"),
        ("09", 3, "unavailable", "deleted by the author: This Post was deleted by the Post author"),
        ("10", 3, "refused", "age-restricted"),
    ],
)
def test_posts_that_are_not_shown(shell: Shell, post: str, code: int, outcome: str, said: str) -> None:
    found, [result] = shell.json("capture", BASE + post)
    assert (found, result["outcome"]) == (code, outcome)
    assert said in str(result["reason"])
    assert shell("check")[0] == 0


def test_a_rate_limit_is_blocked_and_not_unavailable(shell: Shell, world: World) -> None:
    world.x.trouble["1478660000000000001"] = Answer(429, "text/plain", b"Rate limit exceeded\n")
    code, [result] = shell.json("capture", f"{BASE}01")
    assert (code, result["outcome"]) == (4, "blocked")


def logged_in(shell: Shell, world: World, token: str) -> None:
    jar = shell.home / "cookies.txt"
    jar.write_text(
        f"#HttpOnly_.x.com\tTRUE\t/\tTRUE\t0\tauth_token\t{token}\n.x.com\tTRUE\t/\tTRUE\t0\tct0\tcsrf-value-of-the-test\n"
    )
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace('cookies = ""', 'cookies = "cookies.txt"'))


def test_with_cookies_the_long_post_is_whole(shell: Shell, world: World) -> None:
    logged_in(shell, world, world.x.cookie)
    code, [result] = shell.json("capture", f"{BASE}07")
    assert (code, result["outcome"]) == (0, "captured")
    lines = [line for line in read_lines(folder_of(shell, result) / "posts.jsonl") if line["layout"] == "x/graphql"]
    assert lines[0]["text"].count("начали стрелять") == 8
    assert lines[0]["views"] == 4512
    asked = next(asked for asked in world.served.log if "graphql" in asked.path)
    assert asked.path == "/i/api/graphql/demoTweetDetailQuery00/TweetDetail", "the id stands in the site's own script"
    assert json.loads(asked.query["features"]) == {
        "longform_notetweets_consumption_enabled": True,
        "view_counts_everywhere_api_enabled": False,
    }
    kept = everything(folder_of(shell, result))
    for secret in (world.x.cookie, "csrf-value-of-the-test"):
        assert secret.encode() not in kept
    assert shell("check")[0] == 0


def test_with_cookies_the_thread_goes_downwards_too(shell: Shell, world: World) -> None:
    logged_in(shell, world, world.x.cookie)
    _, [result] = shell.json("capture", f"{BASE}05")
    assert posts(shell, result)["1478660000000000006"]["role"] == "target"


def test_expired_cookies_are_said(shell: Shell, world: World) -> None:
    logged_in(shell, world, "f" * 40)
    code, [result] = shell.json("capture", f"{BASE}01")
    assert (code, result["outcome"]) == (3, "refused")
    assert "does not accept the cookies" in str(result["reason"])
    assert ended(shell, result)["post 1478660000000000001 #0"]["outcome"] == "captured", "public content is kept"


def test_a_cookie_file_that_is_none(shell: Shell) -> None:
    (shell.home / "cookies.txt").write_text("auth_token=abc\n")
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace('cookies = ""', 'cookies = "cookies.txt"'))
    code, _, err = shell("capture", f"{BASE}01")
    assert code == 1
    assert "seven fields per line" in err
    assert "abc" not in err


def test_scripts_of_the_real_page(recordings: Path) -> None:
    """A page as X served it: where its main script lies, and the switches that its queries need."""
    page = (recordings / "twitter" / "html" / "post-video.html").read_text()
    assert str(main_script(page)).startswith("https://abs.twimg.com/responsive-web/client-web/main.")
    known = switches(page)
    assert len(known) > 100
    assert set(map(type, known.values())) == {bool}


def test_a_script_without_queries_is_no_traceback() -> None:
    assert queries("") == {}
    assert bearer("x" * 1000) is None
    assert switches("window.__INITIAL_STATE__={") == {}
    script = 'queryId:"abcDEF-_123456",operationName:"TweetDetail",operationType:"query",metadata:{featureSwitches:["a","b"],fieldToggles:["c"]}'
    found: Any = queries(script)["TweetDetail"]
    assert (found.id, found.features, found.toggles) == ("abcDEF-_123456", ("a", "b"), ("c",))


@pytest.mark.parametrize(
    ("post_id", "token"),
    [("1629262255744503809", "3y6h7x4gn61"), ("20", "6dq1a2xwd93"), ("1478660000000000001", "3l1ci7z3rzi")],
)
def test_the_syndication_token(post_id: str, token: str) -> None:
    """As Node computes X's own expression."""
    assert syndication_token(post_id) == token


@pytest.mark.parametrize(
    ("taken", "code", "outcome", "said"),
    [
        ((Outcome.CAPTURED, None, None), 0, "captured", None),
        (
            (Outcome.FAILED, "the extractor failed", None),
            2,
            "partial",
            "1 of 1 attachments not kept: the extractor failed",
        ),
    ],
)
def test_a_broadcast_is_whole_once_the_extractor_has_it(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch, taken: Any, code: int, outcome: str, said: str | None
) -> None:
    """The extractor's part is played: no broadcast can be had without X."""
    asked: list[str] = []

    async def take(self: MediaDownload, job: MediaJob) -> Any:
        asked.append(job.url)
        return taken

    monkeypatch.setattr(MediaDownload, "take", take)
    number = "1478660000000000001"
    shown = json.loads(syndication(id_str=number, card=BROADCAST["legacy"]))
    world.x.trouble[number] = Answer(200, "application/json", json.dumps(shown).encode())
    found, [result] = shell.json("capture", f"{BASE}01")
    assert asked == ["https://twitter.com/i/broadcasts/1aaa"]
    assert (found, result["outcome"], result["reason"]) == (code, outcome, said)
