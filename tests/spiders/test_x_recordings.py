"""Every fact that was read by hand from the real recordings of X, in all layouts; the rest give posts or a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.intake.read_posts import read_file
from spiders.json_access import load
from spiders.posts import Outcome
from spiders.x.parse import is_x
from tests.conftest import FIXTURES

EXPECTED = sorted(FIXTURES.glob("twitter/**/*.expected.json"))
ALL = [path for path in sorted(FIXTURES.glob("twitter/**/*.*")) if ".expected." not in path.name and path.is_file()]
NEWER = FIXTURES.parent / "recordings"
EXPECTED_NEWER = sorted(NEWER.glob("twitter/*.expected.json"))
CONTRADICTED = {("TweetDetail_issue56_note_tweet.json", "likes")}
"""The expectation says null (not visible); the bytes say `favorite_count: 3101`. The bytes win."""
NAMES = {"permalink": "url", "timestamp_utc": "published_at", "retweets": "reposts"}
PROSE = {"where", "note", "text_note", "views_note", "text_source", "edit_role"}


def lines_of(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for reading in read_file(path):
        for post in reading.parsed.posts:
            found.setdefault(str(post.id), post.line())
    return found


def compare(file: str, item: dict[str, Any], lines: dict[str, dict[str, Any]]) -> None:
    line = lines[item["id"]]
    for name, value in item.items():
        if name in PROSE or (file, name) in CONTRADICTED:
            continue
        if name == "text_prefix":
            assert line["text"][:200] == value
        elif name == "text_ends_with":
            assert line["text"].endswith(value)
        elif name == "quoted":
            compare(file, value, lines)
        elif name == "media":
            media(value, line["attachments"])
        elif name == "media_first_urls":
            assert [part["url"] for part in line["attachments"]][: len(value)] == value
        elif name == "poll":
            poll = next(part for part in line["attachments"] if part["kind"] == "poll")
            assert {key: poll[key] for key in value} == value
        elif name == "card":
            assert {key: line["link_preview"][key] for key in value} == value
        elif name == "deleted":
            assert (line["outcome"] == "unavailable") == value
        elif name in ("links", "hashtags", "mentions"):
            assert line[name] == value
        elif name == "raw_full_text":
            assert line["full_text"] == value
        elif name == "self_thread_id":
            assert line["thread_id"] == value
        elif name == "initial_id":
            assert line["edit_history_ids"][0] == value
        elif name == "latest_version_id":
            assert line["edit_history_ids"][-1] == value
        else:
            assert line[NAMES.get(name, name)] == value, name


def media(expected: list[dict[str, Any]], attachments: list[dict[str, Any]]) -> None:
    found = [part for part in attachments if part["kind"] not in ("poll", "location")]
    assert len(found) == len(expected)
    for want, part in zip(expected, found, strict=True):
        assert part["kind"] == want["type"]
        names = {"thumb_url": "thumbnail", "best_url": "url", "best_bitrate": "bitrate"}
        for name, value in want.items():
            if name == "duration_ms":
                assert part["duration"] == value / 1000
            elif name == "variant_count":
                assert len(part["variants"]) == value
            elif name != "type":
                assert part[names.get(name, name)] == value, name


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.name)
def test_every_fact(recordings: Path, path: Path) -> None:
    expected = json.loads(path.read_text())
    lines = lines_of(path.with_name(path.name.removesuffix(".expected.json")))
    for item in expected["items"]:
        compare(path.name.removesuffix(".expected.json"), item, lines)


@pytest.fixture
def newer() -> Path:
    if not NEWER.is_dir():
        pytest.skip(f"the newer recordings are not at {NEWER}; these tests need them")
    return NEWER


@pytest.mark.parametrize("path", EXPECTED_NEWER, ids=lambda path: path.name)
def test_every_fact_of_newer_recordings(newer: Path, path: Path) -> None:
    """Pages of browsers and of Twitter's old servers, GraphQL, an error, FxTwitter: without their links."""
    expected = json.loads(path.read_text())
    recording = path.with_name(path.name.removesuffix(".expected.json"))
    lines = lines_of(recording)
    for item in expected["items"]:
        start = item.pop("text_prefix", None)
        assert start is None or lines[item["id"]]["text"].startswith(start)
        if "permalink" in item:
            item["permalink"] = item["permalink"].replace("//twitter.com/", "//x.com/")
        compare(recording.name, item, lines)
    if named := expected.get("page", {}).get("message_ids"):
        assert set(lines) == set(named)
    for reading in read_file(recording):
        assert all(count.agrees for count in reading.parsed.census)
        if not expected["items"]:
            assert expected["tombstone"]["message"] in (reading.parsed.reason or "")
            assert reading.parsed.outcome is Outcome.FAILED


def test_no_answer_of_another_platform_is_taken_for_one_of_x(newer: Path) -> None:
    """VK has accounts with a `screen_name`, PeerTube lists with `id` and `text`."""
    paths = [path for folder in (FIXTURES, NEWER) for path in sorted(folder.rglob("*.json"))]
    for path in paths:
        if "twitter" not in path.parts and ".expected." not in path.name and path.stat().st_size < 2_000_000:
            assert not is_x(load(path.read_bytes())), path


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_recording_gives_posts_or_a_reason(recordings: Path, path: Path) -> None:
    for reading in read_file(path):
        parsed = reading.parsed
        assert parsed.platform in ("x", "unknown"), reading.source
        assert parsed.posts or parsed.reason, reading.source
        assert all(count.agrees for count in parsed.census), [c.line() for c in parsed.census if not c.agrees]
        for post in parsed.posts:
            json.dumps(post.line())
            assert post.outcome is Outcome.CAPTURED or post.reason
            assert post.published is None or post.published.zone_known
            assert "unread" not in post.extra, "each part of a recorded post is read, or known not to be its content"
    if path.name != "streaming_output_with_error.jsonl":
        assert not any(reading.parsed.platform == "unknown" for reading in read_file(path))


def test_a_cut_line_between_whole_ones_is_said(recordings: Path) -> None:
    readings = list(read_file(recordings / "twitter" / "v2" / "streaming_output_with_error.jsonl"))
    assert sum(len(reading.parsed.posts) for reading in readings) == 11
    assert [reading.parsed.reason for reading in readings if not reading.parsed.posts] == ["malformed JSON"]


def test_tombstones_and_errors(recordings: Path) -> None:
    def one(name: str) -> Any:
        [reading] = read_file(recordings / "twitter" / "fxembed" / name)
        return reading.parsed

    thread = one("SYNTHETIC_TweetDetail_tombstone_991202.json")
    assert [(post.id, str(post.outcome)) for post in thread.posts] == [
        ("991200", "captured"),
        ("991201", "unavailable"),
        ("991202", "captured"),
    ]
    assert thread.posts[1].reason == "deleted: This Tweet was deleted."
    assert one("SYNTHETIC_TweetUnavailable_991500.json").posts[0].reason == "account suspended"
    error = one("SearchTimeline_query_too_long_error.json")
    assert (str(error.outcome), error.posts) == ("failed", ())
