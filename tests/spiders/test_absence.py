"""Whether a thing is there: a table of all recorded answers, and no confusion between gone and blocked."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import spiders
from archiver.intake.read_posts import read_file
from spiders.availability import KINDS, absence, classify
from spiders.facebook.parse import parse as parse_facebook
from spiders.page.parse import parse as parse_page
from spiders.posts import Absence, Availability, Outcome, Parsed
from spiders.telegram.web.parse import parse as parse_telegram
from spiders.walls.http_status import KIND_BY_STATUS
from spiders.x.parse import parse as parse_x
from spiders.youtube.parse import parse as parse_youtube
from tests.conftest import FIXTURES

NOT_PRESENT = {
    # recording: (state, kind). Every other recording of a platform shows what it was asked for.
    "telegram/embed/tdlibchat_50000_post_not_found.html": ("unavailable", "not found"),
    "telegram/web/channel_landing_unlimitedhangout.html": ("private or login", "no public preview"),
    "telegram/web/landing_free_username.html": ("unavailable", "no such account"),
    "telegram/web/landing_user.html": ("private or login", "a person or bot"),
    "telegram/web/tchan/no_posts_found.html": ("unknown", None),
    "twitter/fxembed/SYNTHETIC_TweetUnavailable_991500.json": ("unavailable", "account suspended"),
    "twitter/fxembed/SearchTimeline_query_too_long_error.json": ("error", "server error"),
    "twitter/v2/streaming_output_with_error.jsonl": ("unknown", None),
    "twitter/v2/withheld.jsonl": ("geo-blocked or withheld", "withheld"),
    "youtube/html/too_many_requests_captcha.html": ("bot wall", "bot wall"),
    "youtube/innertube/player_bot_check.json": ("bot wall", "bot wall"),
    "youtube/innertube/player_video_unavailable.json": ("unavailable", "unavailable"),
    "youtube/innertube/watch_json_live_future_2020.json": ("unknown", "upcoming or offline"),
    "youtube/newpipe/browse_channel_error.json": ("error", "server error"),
    "youtube/newpipe/browse_channel_nonexistent.json": ("unavailable", "does not exist"),
    "youtube/newpipe/browse_channel_terminated_tos.json": ("unavailable", "account terminated"),
    "youtube/newpipe/player_invalid_id.json": ("unavailable", "no video of that id"),
    "youtube/newpipe/player_it3OtbTxQk0_not_available.json": ("unknown", "not playable"),
    "youtube/newpipe/player_members_only.json": ("private or login", "members only"),
    "youtube/newpipe/player_nonexistent.json": ("unavailable", "no video of that id"),
    "youtube/newpipe/player_private.json": ("private or login", "private"),
    "youtube/newpipe/playlist_not_available.json": ("unavailable", "does not exist"),
    "youtube/newpipe/resolve_url_user_creativecommons.json": ("unknown", None),
    "other/facebook/profile-page_login_wall.html": ("private or login", "login required"),
    "other/instagram/item-graphql.json": ("unknown", None),
    "other/instagram/post-with-photo.html": ("unknown", None),  # an empty shell: the post stands in a script
}


def recorded() -> list[Path]:
    folders = ("telegram/embed", "telegram/web", "twitter", "youtube", "other")
    found = [path for folder in folders for path in sorted((FIXTURES / folder).rglob("*")) if path.is_file()]
    return [path for path in found if ".expected." not in path.name]


def test_every_recorded_answer(recordings: Path) -> None:
    for path in recorded():
        name = str(path.relative_to(recordings))
        states = [classify(reading.parsed, 200) for reading in read_file(path)]
        seen = {(str(item.state), item.kind) for item in states}
        wanted = NOT_PRESENT.get(name, ("present", None))
        assert wanted in seen, f"{name}: {seen}"
        assert seen <= {wanted, ("present", None)}, f"{name}: {seen}"


GONE = {Availability.UNAVAILABLE}
BLOCKED = {Availability.BOT_WALL, Availability.RATE_LIMITED, Availability.ERROR, Availability.UNKNOWN}
YOUTUBE_REASONS = [
    ("ERROR", "This video has been removed by the uploader", Availability.UNAVAILABLE, "author"),
    ("ERROR", "This video has been removed for violating YouTube's Terms of Service", Availability.UNAVAILABLE, "platform"),
    ("ERROR", "This account has been terminated", Availability.UNAVAILABLE, "platform"),
    ("UNPLAYABLE", "The uploader has not made this video available in your country", Availability.WITHHELD, None),
    ("UNPLAYABLE", "This content is not available on this country domain due to a legal complaint from the government.",
     Availability.WITHHELD, "platform"),
    ("LOGIN_REQUIRED", "Sign in to confirm your age", Availability.AGE_GATED, None),
    ("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot", Availability.BOT_WALL, None),
    ("LOGIN_REQUIRED", "This video is private", Availability.PRIVATE, "author"),
    ("LOGIN_REQUIRED", "Bestätige, dass du kein Bot bist", Availability.PRIVATE, None),
    ("ERROR", "Видео недоступно", Availability.UNAVAILABLE, None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "reason", "state", "by"), YOUTUBE_REASONS)
def test_youtube(status: str, reason: str, state: Availability, by: str | None) -> None:
    value = {"playabilityStatus": {"status": status, "reason": reason}}
    found = parse_youtube(json.dumps(value).encode(), "https://www.youtube.com/watch?v=Zh5janSq001").absence
    assert found is not None
    assert (found.state, found.by, found.said) == (state, by, reason)


X_SAYS = [
    ("This Post was deleted by the Post author. Learn more", Availability.UNAVAILABLE, "author"),
    ("This Post is from a suspended account. Learn more", Availability.UNAVAILABLE, "platform"),
    ("This Post is from an account that no longer exists. Learn more", Availability.UNAVAILABLE, None),
    ("This Post violated the X Rules. Learn more", Availability.UNAVAILABLE, "platform"),
    ("You’re unable to view this Post because this account owner limits who can view their Posts.", Availability.PRIVATE, "author"),
    ("Age-restricted adult content.", Availability.AGE_GATED, None),
    ("This Post has been withheld in Kazakhstan based on local law(s).", Availability.WITHHELD, None),
    ("Something X has never said before", Availability.UNKNOWN, None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "state", "by"), X_SAYS)
def test_x_tombstones(said: str, state: Availability, by: str | None) -> None:
    value = {"__typename": "TweetTombstone", "tombstone": {"text": {"text": said}}}
    found = parse_x(json.dumps(value).encode(), "https://cdn.syndication.twimg.com/tweet-result?id=20").absence
    assert found is not None
    assert (found.state, found.by) == (state, by)


def test_where_a_post_of_x_is_withheld() -> None:
    post = {"__typename": "Tweet", "id_str": "20", "text": "x", "withheld_in_countries": ["KZ", "RU"]}
    found = parse_x(json.dumps(post).encode(), None).absence
    assert found is not None
    assert (found.state, found.where) == (Availability.WITHHELD, ("KZ", "RU"))


def test_where_a_tombstone_says_it() -> None:
    said = "This Post from @a has been withheld in Kazakhstan and Russia based on local law(s)."
    value = {"__typename": "TweetTombstone", "tombstone": {"text": {"text": said}}}
    found = parse_x(json.dumps(value).encode(), None).absence
    assert found is not None
    assert (found.state, found.where) == (Availability.WITHHELD, ("Kazakhstan", "Russia"))


def test_a_bare_tombstone_says_nothing() -> None:
    found = parse_x(b'{"__typename":"TweetTombstone"}', None).absence
    assert found is not None
    assert found.state is Availability.UNKNOWN


@pytest.mark.parametrize(
    "words",
    ["This video has been removed by the uploader", "Post not found", "Account suspended", "Sign in to confirm"],
)
def test_the_words_of_a_post_decide_nothing(words: str) -> None:
    """A live video was once taken for deleted for a word in its description."""
    video = {
        "playabilityStatus": {"status": "OK"},
        "videoDetails": {"videoId": "Zh5janSq001", "title": words, "shortDescription": words},
    }
    assert parse_youtube(json.dumps(video).encode(), None).absence == Absence(Availability.PRESENT)
    post = {"__typename": "Tweet", "id_str": "20", "text": words, "user": {"name": words}}
    assert parse_x(json.dumps(post).encode(), None).absence == Absence(Availability.PRESENT)
    telegram = f'<html><div class="js-widget_message" data-post="abc/7"><div class="js-message_text">{words}</div></div></html>'
    assert classify(parse_telegram(telegram.encode()), 200).state is Availability.PRESENT
    body = f'<abbr data-utime="1588860078"></abbr><div data-testid="post_message"><p>{words}. You must log in</p></div>'
    facebook = f'<html id="facebook"><div class="userContentWrapper">{body}</div></html>'
    assert parse_facebook(facebook.encode(), None).absence == Absence(Availability.PRESENT)
    page = f"<html><head><title>News</title></head><body><article><h1>{words}</h1><p>{words} 404 not found</p></article></body></html>"
    assert classify(parse_page(page.encode(), "https://example.org/"), 200).state is Availability.PRESENT


@pytest.mark.parametrize(
    ("title", "state", "outcome"),
    [
        ("Just a moment...", Availability.BOT_WALL, "blocked"),
        ("Attention Required! | Cloudflare", Availability.BOT_WALL, "blocked"),
        ("Before you continue to Google", Availability.BOT_WALL, "blocked"),
        ("429 Too Many Requests", Availability.RATE_LIMITED, "blocked"),
        ("404 Not Found", Availability.UNAVAILABLE, "unavailable"),
        ("Error", Availability.UNKNOWN, "partial"),
        ("Page not found – The Daily", Availability.UNAVAILABLE, "unavailable"),
    ],
)
def test_a_200_that_is_none(title: str, state: Availability, outcome: str) -> None:
    parsed = parse_page(f"<html><head><title>{title}</title></head><body><p>x</p></body></html>".encode(), None)
    assert parsed.posts == ()
    assert str(parsed.outcome) == outcome
    assert classify(parsed, 200).state is state


def test_an_article_about_errors_is_an_article() -> None:
    text = "<p>" + "What a server answers when it has nothing to show. " * 30 + "</p>"
    page = f"<html><head><title>404 and other numbers</title></head><body><article>{text}</article></body></html>"
    assert parse_page(page.encode(), "https://example.org/").posts


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (None, Availability.UNKNOWN),
        (401, Availability.PRIVATE),
        (403, Availability.UNKNOWN),
        (404, Availability.UNAVAILABLE),
        (410, Availability.UNAVAILABLE),
        (429, Availability.RATE_LIMITED),
        (451, Availability.WITHHELD),
        (500, Availability.ERROR),
        (503, Availability.ERROR),
        (302, Availability.UNKNOWN),
    ],
)
def test_by_status_alone(status: int | None, state: Availability) -> None:
    assert classify(Parsed(platform="page", layout="page/html"), status).state is state
    assert classify(None, status).state is state


def test_gone_and_blocked_are_never_one(recordings: Path) -> None:
    """No recorded wall, limit or error is read as an absence, and the outcomes agree with the states."""
    for path in recorded():
        for reading in read_file(path):
            found, parsed = classify(reading.parsed, 200), reading.parsed
            if found.state in BLOCKED and found.state is not Availability.UNKNOWN:
                assert parsed.outcome not in (Outcome.UNAVAILABLE, None), path.name
            if found.state in GONE:
                assert parsed.outcome is Outcome.UNAVAILABLE, path.name
            if found.state is Availability.BOT_WALL:
                assert parsed.outcome is Outcome.BLOCKED, path.name


def test_an_unknown_kind_is_unknown() -> None:
    assert absence("something new", "its words") == Absence(Availability.UNKNOWN, "something new", None, "its words")
    assert absence(None) == Absence(Availability.UNKNOWN)
    assert set(Availability) - {state for state, _ in KINDS.values()} == {Availability.PRESENT, Availability.UNKNOWN}


def _parsed(path: Path) -> ast.Module:
    """The syntax of a module. CPython 3.11 refuses now and then, where garbage of Playwright's greenlets is collected meanwhile."""
    try:
        return ast.parse(path.read_text("utf-8"))
    except SystemError:
        return ast.parse(path.read_text("utf-8"))


def test_every_kind_in_the_table_can_be_said() -> None:
    """A kind that no parser names is dead, or misspelled somewhere."""
    texts = set()
    for path in Path(spiders.__file__).parent.rglob("*.py"):
        if path.name == "availability.py":
            continue
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.update((node.value, node.value.partition(":")[0]))
    assert set(KINDS) - texts - set(KIND_BY_STATUS.values()) == set()
