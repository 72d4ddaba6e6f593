"""Facebook: public posts, videos and embeds, and a login wall that is never taken for a post or an absence."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.demo.facebook import CDN, GONE, WALL
from archiver.demo.server import Answer
from spiders.facebook.names import shown
from spiders.facebook.parse import parse
from spiders.posts import Availability, Outcome
from tests.conftest import Shell, World
from tests.support.captures import ended, posts

PAGE = "https://www.facebook.com/ozen.today"


def test_the_recorded_post(recordings: Path) -> None:
    data = (recordings / "other/facebook/item-page_ironmaiden.html").read_bytes()
    parsed = parse(data, "https://www.facebook.com/ironmaiden/posts/10157024746512051")
    [post] = parsed.posts
    assert (post.id, post.author_handle, post.author_name) == ("10157024746512051", "ironmaiden", "Iron Maiden")
    assert post.published is not None
    assert post.published.text() == "2020-05-07T14:01:18Z"
    assert (post.text or "").startswith("Legacy of the Beast Touring Update 2020/21\nI hope you and your loved ones")
    assert (post.likes, post.replies, post.reposts) == (18_000, 4_300, 3_900)
    assert post.extra["reactions_text"] == "24K", "reactions are more than likes"
    assert [item.kind for item in post.attachments] == ["photo"]
    assert all(line.agrees for line in parsed.census)


def test_the_recorded_login_wall(recordings: Path) -> None:
    data = (recordings / "other/facebook/profile-page_login_wall.html").read_bytes()
    parsed = parse(data, "https://www.facebook.com/ironmaiden/")
    assert (parsed.layout, parsed.posts, parsed.outcome) == ("facebook/login wall", (), Outcome.REFUSED)
    assert parsed.absence is not None
    assert parsed.absence.state is Availability.PRIVATE


def test_a_post_with_its_photo(shell: Shell) -> None:
    code, [result] = shell.json("capture", f"{PAGE}/posts/10157000000000001")
    assert (code, result["outcome"]) == (0, "captured")
    post = posts(shell, result)["10157000000000001"]
    assert (post["text"], post["author_name"], post["published_at"]) == (
        "Алаң, 12:40. / The square, 12:40.", "Өзен бүгін", "2022-01-05T14:00:00Z",
    )  # fmt: skip
    assert ended(shell, result)["post 10157000000000001 #0"]["outcome"] == "captured"
    assert shell("check")[0] == 0


def test_a_video(shell: Shell, world: World) -> None:
    code, [result] = shell.json("capture", f"{PAGE}/videos/10157000000000002/")
    assert (code, result["outcome"]) == (0, "captured")
    [film] = posts(shell, result)["10157000000000002"]["attachments"]
    assert (film["kind"], film["width"], film["duration"]) == ("video", 320, 2.0)
    assert [asked.path for asked in world.served.log if asked.path.endswith(".mp4")] == ["/10157000000000002.mp4"]


def test_a_post_that_only_links_its_video(shell: Shell, world: World) -> None:
    """yt-dlp's own extractor, unmodified, finds the film behind the recorder."""
    code, [result] = shell.json("capture", f"{PAGE}/posts/10157000000000002")
    assert (code, result["outcome"]) == (0, "captured")
    assert any(
        key.endswith("video hd") or "video" in key
        for key, line in ended(shell, result).items()
        if line["kind"] == "video"
    )
    assert "/10157000000000002.mp4" in [asked.path for asked in world.served.log]


def test_behind_a_wall_the_embed_shows_it(shell: Shell) -> None:
    code, [result] = shell.json("capture", f"{PAGE}/posts/10157000000000003")
    assert (code, result["outcome"]) == (0, "captured")
    ends = ended(shell, result)
    assert ends["page"]["absence"]["state"] == "private or login"
    assert ends["embed"]["absence"] == {"state": "present"}


def test_what_nobody_is_shown(shell: Shell) -> None:
    code, [result] = shell.json("capture", f"{PAGE}/posts/10157000000000004")
    assert (code, result["outcome"]) == (3, "unavailable")
    said = ended(shell, result)["embed"]["absence"]
    assert said["state"] == "unknown", "Facebook says the same of what is deleted and of what is shared with few"
    assert said["said"] == "This content isn't available right now"
    assert str(result["reason"]).endswith("(deleted, or not shared with everybody: it does not say which)")


@pytest.mark.parametrize(
    "words",
    [
        "This content isn't available at the moment",
        "This content is currently unavailable",
        "The page you requested is no longer available",
        "The link you followed may be broken, or the page may have been removed",
    ],
)
def test_words_that_leave_open_why_are_no_deletion(words: str) -> None:
    parsed = parse(f"<html><body><h2>{words}</h2></body></html>".encode(), f"{PAGE}/posts/1")
    assert (parsed.outcome, parsed.absence and parsed.absence.state) == (Outcome.UNAVAILABLE, Availability.UNKNOWN)
    assert parsed.reason == f"Facebook says: {words} (deleted, or not shared with everybody: it does not say which)"


def test_an_embed_knows_nothing_of_the_code_of_a_share_link(shell: Shell) -> None:
    """Its page leads to a login page; that the embed has no post under a code does not mean that there is none."""
    code, [result] = shell.json("capture", "https://www.facebook.com/share/p/0zenWa11/")
    assert (code, result["outcome"]) == (3, "refused")
    assert str(result["reason"]).startswith("led to a login page")
    assert ended(shell, result)["embed"]["absence"]["said"] == "This content isn't available right now"


def shared_page(*more: dict[str, Any]) -> Answer:
    """A post with no picture of its own that shares one with a picture; `more` stands on the same page."""
    actor = {"id": "100001", "name": "Aigerim S."}
    photo = {"__typename": "Photo", "id": "801", "image": {"uri": f"https://{CDN}/10157000000000001.jpg"}}
    original = {"post_id": "5011", "message": {"text": "the original"}, "attachments": [{"media": photo}]}
    sharing = {"post_id": "5010", "message": {"text": "I was there"}, "actors": [actor], "attached_story": original}
    box = {"__bbox": {"result": {"data": {"node": [sharing, *more]}}}}
    return Answer(
        body=f'<html id="facebook"><body><script type="application/json" data-sjs>{json.dumps(box)}</script></body></html>'.encode()
    )


def test_a_post_by_its_other_name_with_what_it_shares(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.facebook.trouble, "/ozen.today/posts/pfbid0shared", shared_page())
    code, [result] = shell.json("capture", f"{PAGE}/posts/pfbid0shared")
    assert (code, result["outcome"]) == (0, "captured")
    assert {key: post["role"] for key, post in posts(shell, result).items()} == {"5010": "target", "5011": "target"}
    assert ended(shell, result)["post 5011 #0"]["outcome"] == "captured"


def test_which_of_several_posts_is_meant_is_not_guessed(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost over it: every file is kept, and the capture says that it cannot tell."""
    other = {"post_id": "5002", "message": {"text": "another"}, "actors": [{"id": "2", "name": "Daniyar"}]}
    monkeypatch.setitem(world.facebook.trouble, "/ozen.today/posts/pfbid0abc", shared_page(other))
    code, [result] = shell.json("capture", f"{PAGE}/posts/pfbid0abc")
    assert (code, result["outcome"]) == (2, "partial")
    assert "which one is meant is not known" in str(result["reason"])
    assert ended(shell, result)["post 5011 #0"]["outcome"] == "captured"


def test_the_embed_makes_up_for_a_page_that_only_begins(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The beginning of the post, under its other name, is no second target."""
    head = f'<meta property="og:url" content="{PAGE}/posts/pfbid0xyz"><meta property="og:description" content="Ала...">'
    monkeypatch.setitem(
        world.facebook.trouble,
        "/ozen.today/posts/10157000000000001",
        Answer(body=f'<html id="facebook"><head>{head}</head></html>'.encode()),
    )
    code, [result] = shell.json("capture", f"{PAGE}/posts/10157000000000001")
    assert (code, result["outcome"]) == (0, "captured")
    assert posts(shell, result)["10157000000000001"]["role"] == "target"
    assert posts(shell, result)["pfbid0xyz"]["role"] == "beside the target"


def test_a_profile_is_never_whole(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.facebook.trouble, "/ozen.today", shared_page())
    code, [result] = shell.json("capture", PAGE)
    assert (code, result["outcome"]) == (2, "partial")
    assert "shows only some of its posts: 2 kept" in str(result["reason"])


def test_a_profile_is_a_wall(shell: Shell) -> None:
    code, [result] = shell.json("capture", PAGE)
    assert (code, result["outcome"]) == (3, "refused")
    assert "login required" in str(result["reason"])


def test_an_unknown_layout_is_said(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        world.facebook.trouble,
        "/ozen.today/posts/10157000000000001",
        Answer(body=b'<html id="facebook"><body><div id="mount_0_0_xy">?</div></body></html>'),
    )
    monkeypatch.setitem(
        world.facebook.trouble, "/plugins/post.php", Answer(body=b'<html><body><div id="other">?</div></body></html>')
    )
    code, [result] = shell.json("capture", f"{PAGE}/posts/10157000000000001")
    assert (code, result["outcome"]) == (2, "partial")
    assert "unknown layout" in str(result["reason"])
    assert "mount_0_0_xy" in str(result["reason"])


def test_only_the_head_of_a_page() -> None:
    page = b"""<html id="facebook"><head><meta property="og:url" content="https://www.facebook.com/a/posts/77">
    <meta property="og:title" content="Somebody"><meta property="og:description" content="Half of a te..."></head></html>"""
    [post] = parse(page, None).posts
    assert (post.id, post.text, post.outcome) == ("77", "Half of a te...", Outcome.PARTIAL)


def test_a_login_field_beside_a_post_is_no_wall() -> None:
    body = '<div class="userContentWrapper"><abbr data-utime="1588860078"></abbr><div data-testid="post_message">x</div></div>'
    page = f'<html id="facebook"><head><title>Somebody</title></head><body><form id="login_form"></form>{body}</body></html>'
    assert len(parse(page.encode(), None).posts) == 1


def test_a_post_that_the_parser_loses_is_noticed() -> None:
    body = '<div class="userContentWrapper"><abbr data-utime="1588860078"></abbr><div data-testid="post_message">x</div></div>'
    page = f'<html id="facebook"><body>{body}<div class="redesigned"><abbr data-utime="1588860099"></abbr></div></body></html>'
    [line] = parse(page.encode(), None).census
    assert (line.raw, line.parsed) == (2, 1)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4.3K Comments", 4300),
        ("24", 24),
        ("1,204 Shares", 1204),
        ("1.2M", 1_200_000),
        ("", None),
        (None, None),
        ("x", None),
    ],
)
def test_counts(text: str | None, count: int | None) -> None:
    assert shown(text) == count


@given(
    st.binary(max_size=600),
    st.text(alphabet="<>/=\"' abdivclassuserContentWrapper_5pcrutime0123456789{}[]:", max_size=400),
)
def test_any_bytes(data: bytes, text: str) -> None:
    for whole in (
        data,
        f'<div class="userContentWrapper">{text}'.encode(),
        f'<script type="application/json">{{{text}'.encode(),
    ):
        parsed = parse(whole, "https://www.facebook.com/a/posts/1")
        assert parsed.posts or parsed.reason
        for post in parsed.posts:
            json.dumps(post.line())


def test_changed_pages(shell: Shell, world: World, recordings: Path) -> None:
    source = random.Random(3)
    pages = [
        (recordings / "other/facebook/item-page_ironmaiden.html").read_bytes()[:120_000],
        world.facebook._relay(world.facebook.posts["10157000000000002"]).encode(), WALL.encode(), GONE.encode(),
    ]  # fmt: skip
    for number in range(200):
        data = pages[number % len(pages)]
        a = source.randrange(len(data))
        b = min(len(data), a + source.randrange(1, 2000))
        changed = source.choice(
            [data[:a], data[:a] + data[b:], data[:b] + data[a:b] + data[b:], data[:a] + source.randbytes(30) + data[b:]]
        )
        parsed = parse(changed, None)
        assert parsed.posts or parsed.reason
