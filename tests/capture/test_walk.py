"""`archiver crawl` of every kind of target: to a stated end, gone on with after a break, nothing lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from archiver.capture.walk_state import WalkState
from archiver.demo.server import Answer, Asked
from archiver.demo.telegram import DemoPost
from archiver.home.home import Home
from spiders.posts import Parsed, Post
from spiders.telegram.web.spider import gaps
from spiders.x.timeline_spider import XTimeline
from storage.lines import read_lines
from storage.state import RunState
from tests.conftest import Shell, World, set_in
from tests.support.captures import ended, folder_of, posts

CHANNEL = "https://t.me/s/ozen_today"
TUBE = "https://www.youtube.com/@ozen_today"
ACCOUNT = "https://x.com/ozen_today"


def all_posts(shell: Shell, results: list[dict[str, Any]]) -> list[str]:
    return [str(line["id"]) for result in results for line in read_lines(folder_of(shell, result) / "posts.jsonl")]


def census(shell: Shell, result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    lines = read_lines(folder_of(shell, result) / "inventory.jsonl")
    return {str(line["marker"]): line for line in lines if line.get("kind") == "census"}


# -- Telegram ---------------------------------------------------------------------------------------------------------


def test_ids_that_the_pages_leave_out_are_named(shell: Shell) -> None:
    """Id 14 is missing; 17–19 are members of an album and no gap. The hole between two pages counts too."""
    _, [result] = shell.json("crawl", CHANNEL, "--no-media")
    holes = {key: line for key, line in ended(shell, result).items() if line["kind"] == "hole"}
    assert list(holes) == ["ids 14"]
    assert "deleted, hidden or never used" in holes["ids 14"]["reason"]


def test_holes_asks_telegram_itself(shell: Shell, world: World) -> None:
    hidden = DemoPost(14, world.telegram.channels["ozen_today"].posts[3].when, "Left out of the page", unlisted=True)
    world.telegram.channels["ozen_today"].posts.append(hidden)
    try:
        _, [result] = shell.json("crawl", CHANNEL, "--no-media", "--holes")
    finally:
        world.telegram.channels["ozen_today"].posts.remove(hidden)
    assert posts(shell, result)["ozen_today/14"]["text"] == "Left out of the page"
    assert ended(shell, result)["hole 14"]["absence"] == {"state": "present"}
    _, [result] = shell.json("crawl", CHANNEL, "--no-media", "--holes")
    assert ended(shell, result)["hole 14"]["outcome"] == "unavailable"
    assert ended(shell, result)["hole 14"]["absence"]["said"] == "Post not found"


@pytest.mark.parametrize(
    ("numbers", "bottom", "top", "found"),
    [
        ({1, 2, 3}, 1, 3, []),
        ({2}, 1, 3, [(3, 3), (1, 1)]),
        ({5, 9}, 5, 12, [(10, 12), (6, 8)]),
        ({5, 9}, 1, 9, [(6, 8), (1, 4)]),
        (set(), 1, 2, [(1, 2)]),
        ({4}, 9, 3, []),
    ],
)
def test_gaps(numbers: set[int], bottom: int, top: int, found: list[tuple[int, int]]) -> None:
    assert list(gaps(numbers, bottom, top)) == found


def test_comments_of_a_channel(shell: Shell) -> None:
    _, [result] = shell.json("crawl", CHANNEL, "--no-media", "--comments", "--limit", "40")
    said = {key: line for key, line in posts(shell, result).items() if line.get("kind") == "comment"}
    assert set(said) == {f"ozen_today/12?comment={number}" for number in (501, 502, 503, 505, 506)}
    first = said["ozen_today/12?comment=501"]
    assert (first["author_name"], first["text"], first["reply_to"]) == ("Айгүл", "Бұл Сәтбаев көшесі.", "ozen_today/12")
    assert ended(shell, result)["comments ozen_today/13 1"]["outcome"] == "skipped", "no comments there, said so"
    assert "a page of it" not in str(result["reason"])


def test_comments_of_one_post(shell: Shell) -> None:
    _, [result] = shell.json("capture", "https://t.me/ozen_today/12", "--comments")
    assert sum(line.get("kind") == "comment" for line in posts(shell, result).values()) == 5


def test_a_discussion_of_unknown_layout_is_said(shell: Shell, world: World) -> None:
    real = world.telegram.web
    other = Answer(body=b"<!DOCTYPE html><html><body><div class='redesigned'><p>hi</p></div></body></html>")
    world.served.sites["t.me"] = lambda asked: other if "discussion" in asked.query else real(asked)
    try:
        code, [result] = shell.json("capture", "https://t.me/ozen_today/12", "--comments")
    finally:
        world.served.sites["t.me"] = real
    end = ended(shell, result)["comments ozen_today/12 1"]
    assert (end["outcome"], end["reason"]) == ("partial", "unknown layout of the discussion widget: redesigned")
    assert code == 2


def test_a_handle_in_the_wrong_case(shell: Shell, world: World) -> None:
    code, [result] = shell.json("crawl", "https://t.me/s/OZEN_Today", "--no-media", "--limit", "3")
    assert (code, result["posts"]) == (0, 3)
    assert not [key for key, line in ended(shell, result).items() if line["kind"] == "name"]


def test_a_renamed_channel_is_named(shell: Shell, world: World) -> None:
    world.telegram.channels["old_name"] = world.telegram.channels["ozen_today"]
    try:
        _, [result] = shell.json("crawl", "https://t.me/s/old_name", "--no-media", "--limit", "3")
    finally:
        del world.telegram.channels["old_name"]
    assert ended(shell, result)["name ozen_today"]["reason"] == "asked for old_name, the posts are those of ozen_today"


def test_a_channel_that_is_not_there(shell: Shell) -> None:
    code, [result] = shell.json("crawl", "https://t.me/s/nosuchchannel")
    assert (code, result["outcome"]) == (3, "unavailable")
    assert "no channel under this name" in str(result["reason"])
    assert Home(shell.home).state.unfinished_runs("telegram:channel:nosuchchannel") == []


def test_a_channel_without_preview(shell: Shell, world: World) -> None:
    page = (
        b'<!DOCTYPE html><html><body><div class="tgme_page"><div class="tgme_page_title"><span>Closed</span></div>'
        b'<div class="tgme_page_extra">1 204 subscribers</div></div></body></html>'
    )
    world.telegram.trouble["/s/closed_channel"] = Answer(302, headers=[("Location", "https://t.me/closed_channel")])
    world.telegram.trouble["/closed_channel"] = Answer(body=page)
    code, [result] = shell.json("crawl", "https://t.me/s/closed_channel")
    assert (code, result["outcome"]) == (3, "refused")
    assert ended(shell, result)["page 1"]["absence"]["state"] == "private or login"


def test_an_id_in_the_future(shell: Shell) -> None:
    code, [result] = shell.json("capture", "https://t.me/ozen_today/99999")
    assert (code, result["outcome"]) == (3, "unavailable")
    assert "up to 45" in str(result["reason"]), "the control says what the newest post is"


def test_a_channel_that_vanishes_in_mid_walk(shell: Shell, world: World) -> None:
    real = world.telegram.web
    gone = Answer(302, headers=[("Location", "https://t.me/nosuchchannel")])
    world.served.sites["t.me"] = lambda asked: gone if asked.query.get("before") else real(asked)
    try:
        code, [result] = shell.json("crawl", CHANNEL, "--no-media")
    finally:
        world.served.sites["t.me"] = real
    assert (code, result["outcome"]) == (2, "partial")
    assert "no channel under this name" in str(result["reason"])
    assert Home(shell.home).state.unfinished_runs("telegram:channel:ozen_today"), "it is gone on with the next time"
    shell("crawl", CHANNEL, "--no-media")


def test_other_options_are_another_walk(shell: Shell, world: World) -> None:
    real = world.telegram.web
    trouble = Answer(503, "text/plain", b"later")
    world.served.sites["t.me"] = lambda asked: trouble if asked.query.get("before") else real(asked)
    try:
        shell.json("crawl", CHANNEL, "--no-media")
    finally:
        world.served.sites["t.me"] = real
    _, out, _ = shell("crawl", CHANNEL, "--no-media", "--since", "2022-01-05T13:00")
    assert "going on" not in out
    world.served.sites["t.me"] = lambda asked: trouble if asked.query.get("before") else real(asked)
    try:
        shell.json("crawl", CHANNEL, "--no-media", "--until", "2022-01-06")
    finally:
        world.served.sites["t.me"] = real
    _, out, _ = shell("crawl", CHANNEL, "--no-media")
    assert "continuing run" in out


@pytest.fixture
def one_photo_fails(world: World) -> Iterator[list[str]]:
    """The first photo that is asked for cannot be had the first time. Its path, once it was asked for."""
    from archiver.demo.telegram import CDN

    real, failed = world.telegram.file, []

    def file(asked: Asked) -> Answer:
        if not failed and asked.path != "/file/avatar.png" and asked.path.endswith((".jpg", ".png")):
            failed.append(asked.path)
            return Answer(500, "text/plain", b"try later")
        return real(asked)

    world.served.sites[CDN] = file
    yield failed
    world.served.sites[CDN] = real


def test_a_walk_comes_back_to_a_post_whose_file_failed(shell: Shell, one_photo_fails: list[str]) -> None:
    """The walk is past it when it ends; nobody would ask for that file again."""
    code, [part, again] = shell.json("crawl", CHANNEL)
    assert (code, part["outcome"], again["outcome"]) == (2, "partial", "captured")
    (lacking,) = [key for key, end in ended(shell, part).items() if end["outcome"] == "failed" and "#" in key]
    assert f"post {next(iter(posts(shell, again)))}" == lacking.partition(" #")[0]
    assert ended(shell, again)[lacking]["outcome"] == "captured"
    assert not Home(shell.home).state.unfinished_runs("telegram:channel:ozen_today")


def test_a_killed_part_has_not_kept_a_post_whose_file_failed(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch, one_photo_fails: list[str]
) -> None:
    real = world.telegram.web
    monkeypatch.setattr("archiver.capture.walk_state.WalkState.reached", lambda self, cursor, found: None)
    trouble = Answer(503, "text/plain", b"later")
    world.served.sites["t.me"] = lambda asked: trouble if one_photo_fails and "before" in asked.query else real(asked)
    try:
        _, [broken] = shell.json("crawl", CHANNEL)
    finally:
        world.served.sites["t.me"] = real
    monkeypatch.undo()
    (lacking,) = [key for key, end in ended(shell, broken).items() if end["outcome"] == "failed" and "#" in key]
    code, [rest] = shell.json("crawl", CHANNEL)
    assert (code, rest["outcome"]) == (0, "captured")
    assert ended(shell, rest)[lacking]["outcome"] == "captured"
    assert set(all_posts(shell, [broken])) & set(all_posts(shell, [rest])) == {lacking.removeprefix("post ")[:-3]}


# -- YouTube ------------------------------------------------------------------------------------------------------------


def test_a_channel_tab_by_tab_then_each_video(shell: Shell, world: World) -> None:
    code, results = shell.json("crawl", TUBE, "--no-media")
    first, *videos = results
    assert (first["outcome"], code) == ("captured", 3)  # some of its videos are refused, each by itself
    ends = ended(shell, first)
    listed = {key.removeprefix("post ") for key, line in ends.items() if key.startswith("post ") and "#" not in key}
    assert listed == {
        "Zh5janSq001", "AgeGateVid0", "GeoB1ockVd0", "MembersVid0", "UpcomingVd0", "Sh0rtOzen01", "StreamOver1",
    }  # fmt: skip
    assert {str(result["url"]).rpartition("=")[2] for result in videos} == listed
    assert len({result["run"] for result in results}) == 1
    assert sorted(int(str(result["part"])) for result in results) == list(range(1, 9)), "each part once"
    asked = [item.path for item in world.served.log if item.host == "www.youtube.com"]
    assert {"/@ozen_today/videos", "/@ozen_today/shorts", "/@ozen_today/streams", "/feeds/videos.xml"} <= set(asked)
    assert asked.count("/youtubei/v1/browse") == 1
    assert census(shell, first)["stated: videos of the channel"]["agrees"]
    assert not Home(shell.home).state.frontier(str(first["run"]))


def test_a_count_that_youtube_states_and_does_not_list(shell: Shell, world: World) -> None:
    world.youtube.lists.playlists["PLgaps"] = ("Gaps", ["Zh5janSq001"], 3)
    code, [listing, _] = shell.json("crawl", "https://www.youtube.com/playlist?list=PLgaps", "--no-media")
    assert (code, listing["outcome"]) == (2, "partial")
    assert "states 3, 1 were found" in str(listing["reason"])


def test_a_tab_that_a_channel_does_not_have(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.youtube.videos["Sh0rtOzen01"], "tab", "videos")
    _, [first, *_] = shell.json("crawl", TUBE, "--no-media", "--limit", "50")
    assert ended(shell, first)["tab shorts"]["reason"] == "the channel has no tab 'shorts'"
    assert first["outcome"] == "captured"


def test_limit_and_dates_of_a_channel(shell: Shell) -> None:
    _, [first, *videos] = shell.json("crawl", TUBE, "--no-media", "--limit", "2")
    assert (first["posts"], len(videos)) == (2, 2)
    _, results = shell.json("crawl", TUBE, "--no-media", "--since", "2025-01-01")
    assert [str(result["url"])[-11:] for result in results[1:]] == ["Sh0rtOzen01"], "lists give shorts no date: kept"


def test_a_video_deleted_between_the_list_and_its_page(shell: Shell, world: World) -> None:
    world.youtube.lists.playlists["PLone"] = ("One", ["Zh5janSq001"], None)
    status = '{"playabilityStatus":{"status":"ERROR","reason":"This video has been removed by the uploader"}}'
    page = f"<!DOCTYPE html><script>var ytInitialPlayerResponse = {status};</script>"
    world.youtube.trouble["/watch"] = Answer(body=page.encode())
    code, [listing, video] = shell.json("crawl", "https://www.youtube.com/playlist?list=PLone", "--no-media")
    assert (code, listing["outcome"], video["outcome"]) == (3, "captured", "unavailable")
    assert ended(shell, video)["page"]["absence"] == {
        "state": "unavailable", "kind": "removed by the uploader", "by": "author",
        "said": "This video has been removed by the uploader",
    }  # fmt: skip


def test_a_playlist_that_does_not_exist(shell: Shell) -> None:
    code, [result] = shell.json("crawl", "https://www.youtube.com/playlist?list=PLnone")
    assert (code, result["outcome"]) == (3, "unavailable")


def test_videos_that_failed_are_tried_again(shell: Shell, world: World) -> None:
    """The list is not walked again: what it found and what has not been captured is remembered."""
    world.youtube.lists.playlists["PLtwo"] = ("Two", ["Zh5janSq001", "Sh0rtOzen01"], None)
    world.youtube.trouble["/watch"] = Answer(503, "text/plain", b"later")
    code, results = shell.json("crawl", "https://www.youtube.com/playlist?list=PLtwo", "--no-media")
    assert (code, [result["outcome"] for result in results[1:]]) == (4, ["blocked", "blocked"])
    world.youtube.trouble.clear()
    world.served.log.clear()
    code, out, _ = shell("crawl", "https://www.youtube.com/playlist?list=PLtwo", "--no-media")
    assert "2 items found earlier still to capture" in out
    assert code == 0
    assert [item.path for item in world.served.log if item.path == "/playlist"] == []
    assert shell("check")[0] == 0


def test_what_a_killed_list_had_found_is_not_forgotten(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its checkpoint: the entries are kept and not taken twice, and their videos are captured all the same."""
    monkeypatch.setattr("archiver.capture.walk_state.WalkState.reached", lambda self, cursor, found: None)
    world.youtube.trouble["/youtubei/v1/browse"] = Answer(503, "text/plain", b"later")
    _, [broken] = shell.json("crawl", TUBE, "--no-media")
    assert (broken["outcome"], broken["posts"]) == ("partial", 3)
    monkeypatch.undo()
    world.youtube.trouble.clear()
    _, results = shell.json("crawl", TUBE, "--no-media")
    assert len(results) == 1 + 7
    assert results[0]["posts"] == 4, "the other three are in the first part"
    assert len(all_posts(shell, [broken, results[0]])) == 7


# -- X ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged_in(shell: Shell, world: World) -> Shell:
    secrets = {"auth_token": world.x.cookie, "ct0": "c5f0e1d2c3b4a5968778695a4b3c2d1e"}
    lines = [f".x.com\tTRUE\t/\tTRUE\t1893456000\t{name}\t{value}" for name, value in secrets.items()]
    (shell.home / "x.txt").write_text("# Netscape HTTP Cookie File\n" + "\n".join(lines) + "\n")
    path = shell.home / "archiver.toml"
    text = path.read_text("utf-8").replace('cookies = ""\n', 'cookies = ""\nx = "x.txt"\n')
    path.write_text(text, "utf-8")
    return shell


def test_a_profile_as_far_as_it_is_public(shell: Shell) -> None:
    code, [result] = shell.json("crawl", ACCOUNT)
    assert (code, result["outcome"]) == (2, "partial")
    assert "only the 3 posts that X shows without a login" in str(result["reason"])
    assert not Home(shell.home).state.unfinished_runs("x:profile:ozen_today")


def test_a_whole_timeline_with_cookies(logged_in: Shell, world: World) -> None:
    code, [result] = logged_in.json("crawl", ACCOUNT)
    shown = [t for t in world.x.tweets.values() if not t.missing and not t.gone]
    assert (code, result["outcome"], result["posts"]) == (0, "captured", len(shown))
    ends = ended(logged_in, result)
    assert ends["promoted page 1"]["outcome"] == "skipped"
    assert ends["who_to_follow page 1"]["outcome"] == "skipped"
    assert "post 1999" not in ends, "an advertisement is no post of the account"
    assert ends["account"]["outcome"] == "captured"
    whole = b"".join(path.read_bytes() for path in folder_of(logged_in, result).iterdir() if "private" not in path.name)
    assert world.x.cookie.encode() not in whole


def test_posts_of_others_in_a_timeline_stand_beside_it() -> None:
    spider = XTimeline(link="https://x.com/ozen_today")
    spider._account = "15"
    own, quoted, reposted = (
        Post(platform="x", id="1", author_id="15", quoted_id="2"),
        Post(platform="x", id="2", author_id="16"),
        Post(platform="x", id="3", author_id="17"),
    )
    parsed = Parsed(platform="x", layout="x/graphql", posts=(own, quoted, reposted))
    assert [spider._is_own(post, parsed) for post in parsed.posts] == [True, False, False]
    search = XTimeline(link="https://x.com/search?q=square")
    assert [search._is_own(post, parsed) for post in parsed.posts] == [True, False, True]


def test_a_timeline_in_parts(logged_in: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    import archiver.cli.capture_options

    original = archiver.cli.capture_options.CaptureOptions
    monkeypatch.setattr(
        "archiver.cli.capture_options.CaptureOptions", lambda **given: original(**{"part_posts": 3, **given})
    )
    _, results = logged_in.json("crawl", ACCOUNT)
    ids = all_posts(logged_in, results)
    assert len(results) > 1
    assert len(ids) == len(set(ids))


def test_a_search(logged_in: Shell) -> None:
    code, [result] = logged_in.json("crawl", "https://x.com/search?q=12%3A40&src=typed_query")
    assert (code, result["posts"]) == (0, 3)


def test_a_search_without_cookies(shell: Shell, world: World) -> None:
    code, [result] = shell.json("crawl", "https://x.com/search?q=square")
    assert (code, result["outcome"]) == (3, "refused")
    assert "[accounts] x" in str(result["reason"])
    assert world.served.log == []


def test_a_thread_with_every_answer(logged_in: Shell, world: World) -> None:
    from archiver.demo.x import Tweet

    answers = [
        Tweet(f"14786600000000001{number:02}", world.x.tweets["1478660000000000005"].when, f"answer {number}", answers="1478660000000000005")
        for number in range(9)
    ]  # fmt: skip
    world.x.tweets |= {tweet.id: tweet for tweet in answers}
    try:
        code, [result] = logged_in.json("crawl", "https://x.com/ozen_today/status/1478660000000000005")
    finally:
        for tweet in answers:
            del world.x.tweets[tweet.id]
    assert code == 0
    assert {tweet.id for tweet in answers} <= set(posts(logged_in, result))


def test_an_account_suspended_in_mid_walk(logged_in: Shell, world: World) -> None:
    real = world.x.web
    suspended = Answer(
        content_type="application/json",
        body=b'{"data":{"user":{"result":{"__typename":"UserUnavailable","reason":"Suspended","message":"User is suspended"}}}}',
    )

    def web(asked: Asked) -> Answer:
        return suspended if "UserTweets" in asked.path and "cursor" in asked.query.get("variables", "") else real(asked)

    world.served.sites["x.com"] = web
    try:
        code, [result] = logged_in.json("crawl", ACCOUNT)
    finally:
        world.served.sites["x.com"] = real
    assert (code, result["outcome"], result["posts"]) == (2, "partial", 4)
    assert "account suspended" in str(result["reason"])
    assert ended(logged_in, result)["page 2"]["absence"]["kind"] == "account suspended"


def test_a_suspended_account(logged_in: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.x, "suspended", True)
    code, [result] = logged_in.json("crawl", ACCOUNT)
    assert (code, result["outcome"]) == (3, "unavailable")


def test_cookies_that_x_does_not_accept(logged_in: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.x, "cookie", "another")
    code, [result] = logged_in.json("crawl", ACCOUNT)
    assert (code, result["outcome"]) == (3, "refused"), (result, ended(logged_in, result))
    assert "does not accept the cookies" in str(result["reason"])


# -- what cannot be walked --------------------------------------------------------------------------------------------------


def test_a_profile_given_to_capture_says_crawl(shell: Shell) -> None:
    _, [result] = shell.json("capture", ACCOUNT)
    assert (result["outcome"], "archiver crawl" in str(result["reason"])) == ("skipped", True)


def test_two_cases_with_two_ways_out(shell: Shell) -> None:
    shell("case", "new", "almaty")
    home = Home(shell.home)
    with open(shell.home / "archiver.toml", "a") as settings:
        settings.write('\n[cases.almaty]\nproxy = "socks5h://127.0.0.1:9"\n')
    set_in(home, interval="0")
    code, _, err = shell("capture", "https://t.me/ozen_today/13", "--case", "inbox", "--case", "almaty")
    assert code == 1
    assert "cases that share one proxy" in err
    assert not any(path.is_file() for path in (shell.home / "captures").rglob("*")), (
        "refused before a capture was begun"
    )
    code, [result] = shell.json("capture", "https://example.org/", "--case", "almaty")
    assert (code, result["outcome"]) == (4, "failed")
    assert "127.0.0.1 port 9" in str(result["reason"]), "the case's own proxy is down, and nothing goes past it"
    assert shell("capture", "https://t.me/ozen_today/13")[0] == 0


def test_a_misspelt_case_in_the_settings_stops_what_connects(shell: Shell) -> None:
    """The proxy may be meant for the case that is captured into: without it, the capture would go out another way."""
    shell("case", "new", "almaty")
    with open(shell.home / "archiver.toml", "a") as settings:
        settings.write('\n[cases.almati]\nproxy = "socks5h://127.0.0.1:9"\n')
    post = "https://t.me/ozen_today/13"
    for words in (
        ("capture", post, "--case", "almaty"),
        ("crawl", "https://t.me/s/ozen_today"),
        ("capture", post),
        ("work", "--drain"),
    ):
        code, _, err = shell(*words)
        assert code == 1, words
        assert "[cases.almati], which is none" in err
        assert "Did you mean almaty?" in err
    assert shell("case", "show", "almaty")[1] == "no captures\n"
    assert {"what": "[cases.almati]", "present": False, "said": "no case of this home"} in shell.json("doctor")[1]
    assert shell("case", "new", "almati")[0] == 0
    assert shell("capture", post, "--case", "almaty")[0] == 0


def test_a_killed_part_is_remembered_until_all_it_kept_was_met_again(home: Home) -> None:
    """A second kill, after the next part's first checkpoint, must not forget what the first had kept further on."""
    state = RunState("20260101T000000-walkwalk", "telegram:channel:x", 2, "90", False, {"at": 1})
    going = WalkState(home, state, {"post x/80", "post x/70"})
    going.reached("85", [])
    assert going.state.options["at"] == 1
    assert going.met("post x/80")
    assert not going.met("post x/80")
    assert not going.met("post x/75")
    going.reached("75", [])
    assert going.state.options["at"] == 1
    assert going.met("post x/70")
    going.reached("60", [])
    assert (going.state.options["at"], home.state.unfinished_runs("telegram:channel:x")[0].cursor) == (2, "60")


@pytest.mark.parametrize("walked", [False, True])
def test_a_walk_that_was_killed_after_its_last_part(shell: Shell, walked: bool) -> None:
    """The process died between the last part and the note that all is done: the same command finds nothing left."""
    _, [result] = shell.json("crawl", CHANNEL, "--no-media", "--limit", "5")
    state = Home(shell.home).state
    run = state.run(str(result["run"]))
    assert run is not None
    state.save_run(replace(run, done=False, options={**run.options, "walked": walked}))
    code, out, err = shell("crawl", CHANNEL, "--no-media", "--limit", "5")
    assert (code, "nothing is left of this walk" in out) == (0, True), err
