"""Every fact that was read by hand from the real recordings of YouTube; the rest give posts or a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.intake.bodies import BodyReading
from archiver.intake.read_posts import read_file
from spiders.posts import Outcome
from tests.conftest import FIXTURES

FOLDERS = (FIXTURES / "youtube", FIXTURES.parent / "recordings" / "youtube")
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("**/*.*")) if path.is_file()]
EXPECTED = [path for path in FILES if path.name.endswith(".expected.json")]
ALL = [path for path in FILES if ".expected." not in path.name]
CONTRADICTED = {("comments_bjFtFMilb34_pinned.json", "hearted")}
"""The expectation calls a comment hearted; its `heartState` is TOOLBAR_HEART_STATE_UNHEARTED. The bytes win."""
NAMES = {"permalink": "url", "channel_id": "author_id", "published_utc": "published_at", "duration_s": "duration"}
PROSE = {"note", "duration_note", "published_note"}
STATES = {"members_only": "members only", "private": "private", "terminated": "account terminated"}


def read(path: Path) -> BodyReading:
    [reading] = read_file(path)
    return reading


def compare(file: str, item: dict[str, Any], line: dict[str, Any]) -> None:
    for name, value in item.items():
        if name in PROSE or (file, name) in CONTRADICTED:
            continue
        if name in ("text_prefix", "description_prefix"):
            assert line["text"].startswith(value)
        elif name == "captions":
            assert [{key: track[key] for key in value[0]} for track in line["captions"]] == value
        elif name == "adaptive_formats_count":
            assert line["formats"] == value
        elif name == "best_video":
            [part] = line["attachments"]
            found = {"size_bytes": part["size"], "duration_ms": part["duration"] * 1000, **part}
            assert {key: found[key] for key in value} == value
        elif name in ("live_start_utc", "live_end_utc"):
            assert line[name.removesuffix("_utc")]["value"] == value
        elif name == "updated_utc":
            assert line["updated"]["value"] == value
        elif name == "was_premiere_or_live":
            assert (line["kind"] == "past live or premiere") == value
        elif name == "published_text":
            assert line["published"]["literal"] == value
        elif name == "is_short":
            assert (line["kind"] == "short") == value
        elif name == "state":
            assert line["state"] == STATES[value]
        elif name == "reason":
            assert line["reason"].endswith(value)
        else:
            assert line[NAMES.get(name, name)] == value, name


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.name)
def test_every_fact(recordings: Path, path: Path) -> None:
    expected = json.loads(path.read_text())
    file = path.name.removesuffix(".expected.json")
    parsed = read(path.with_name(file)).parsed
    lines = {post.id: post.line() for post in parsed.posts}
    for item in expected["items"]:
        compare(file, item, lines[item["id"]])
    if "comment_count_on_page" in expected.get("page", {}):
        assert len(lines) == expected["page"]["comment_count_on_page"]
        assert parsed.page["video_id"] == expected["page"]["video_id"]
    if "entries" in expected.get("page", {}):
        page = expected["page"]
        assert len(lines) == page["entries"]
        if "channel_title" in page:
            assert (parsed.page["channel"], parsed.page["channel_id"]) == (page["channel_title"], page["channel_id"])
            assert parsed.page["channel_created"] == page["channel_created_utc"]
    if stone := expected.get("tombstone"):
        assert parsed.outcome in (Outcome.UNAVAILABLE, Outcome.REFUSED)
        if stone["state"] in STATES:
            assert str(parsed.reason).startswith(STATES[stone["state"]])
        else:
            assert parsed.absence is not None
            assert parsed.absence.state == stone["state"]
        assert stone.get("message", stone.get("reason")) in str(parsed.reason)
        if "video_id" in stone:
            assert [post.id for post in parsed.posts] == [stone["video_id"]]
            assert parsed.page["playability"] == stone["playability"]
        elif "channel_id" in stone:
            assert parsed.page["channel_id"] == stone["channel_id"]


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_recording_gives_posts_or_a_reason(recordings: Path, path: Path) -> None:
    parsed = read(path).parsed
    assert parsed.platform == "youtube"
    assert parsed.posts or parsed.reason
    assert all(count.agrees for count in parsed.census)
    for post in parsed.posts:
        json.dumps(post.line())
        assert post.outcome is Outcome.CAPTURED or post.reason
        time = post.published
        # A value only where the zone is known; a bare date or "5 years ago" only as bounds.
        assert time is None or time.value is None or time.zone_known
        assert time is None or time.earliest is None or time.latest is None or time.earliest < time.latest


@pytest.mark.parametrize(
    ("file", "outcome", "said"),
    [
        ("innertube/player_bot_check.json", "blocked", "bot wall"),
        ("innertube/player_video_unavailable.json", "unavailable", "unavailable"),
        ("newpipe/player_nonexistent.json", "unavailable", "no video of that id"),
        ("newpipe/player_it3OtbTxQk0_not_available.json", "refused", "not playable"),
        ("newpipe/browse_channel_nonexistent.json", "unavailable", "does not exist"),
        ("newpipe/playlist_not_available.json", "unavailable", "does not exist"),
        ("newpipe/browse_channel_error.json", "failed", "invalid argument"),
        ("innertube/watch_json_live_future_2020.json", "partial", "upcoming"),
        ("html/too_many_requests_captcha.html", "blocked", "captcha"),
    ],
)
def test_what_is_not_there_is_never_called_deleted(recordings: Path, file: str, outcome: str, said: str) -> None:
    parsed = read(recordings / "youtube" / file).parsed
    assert (str(parsed.outcome), said in str(parsed.reason)) == (outcome, True)
    assert "deleted" not in str(parsed.reason)


def test_comments_are_dated_by_when_they_were_seen(recordings: Path) -> None:
    """The recording's own Date header is the moment from which "5 years ago" counts."""
    parsed = read(recordings / "youtube" / "newpipe" / "comments_bjFtFMilb34_pinned.json").parsed
    first = parsed.posts[0].published
    assert first is not None
    assert (first.value, first.literal) == (None, "5 years ago")
    assert first.earliest is not None
    assert first.latest is not None
    assert (first.earliest.date().isoformat(), first.latest.date().isoformat()) == ("2020-01-26", "2021-01-26")


def test_the_first_video_id_of_a_page_is_not_taken_for_its_own(recordings: Path) -> None:
    path = recordings / "youtube" / "html" / "watch_fJ9rUzIMcZQ_2025-12.html"
    assert read(path).parsed.posts[0].id == "fJ9rUzIMcZQ"
