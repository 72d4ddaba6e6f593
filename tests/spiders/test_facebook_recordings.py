"""Every fact that was read by hand from the real recordings of Facebook; the rest give posts or a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.intake.read_posts import read_file
from spiders.posts import Outcome, Parsed
from tests.conftest import FIXTURES

LATER = FIXTURES.parent / "recordings"
FOLDERS = (FIXTURES / "other" / "facebook", LATER / "facebook")
EXPECTED = sorted(path for folder in FOLDERS for path in folder.glob("*.expected.json"))
ALL = [path for folder in FOLDERS for path in sorted(folder.glob("*.*")) if ".expected." not in path.name]
NAMES = {"permalink": "url", "timestamp_utc": "published_at", "retweets": "reposts"}


def read(path: Path) -> Parsed:
    [reading] = read_file(path)
    return reading.parsed


def compare(item: dict[str, Any], line: dict[str, Any]) -> None:
    for name, value in item.items():
        if name == "text_prefix":
            assert line["text"].startswith(value)
        else:
            assert line[NAMES.get(name, name)] == value, name


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.name)
def test_every_fact(recordings: Path, path: Path) -> None:
    lines = {post.id: post.line() for post in read(path.with_name(path.name.removesuffix(".expected.json"))).posts}
    for item in json.loads(path.read_text())["items"]:
        compare(item, lines[item["id"]])


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_recording_gives_posts_or_a_reason(recordings: Path, path: Path) -> None:
    parsed = read(path)
    assert parsed.platform == "facebook"
    assert parsed.posts or parsed.reason
    assert all(count.agrees for count in parsed.census)
    for post in parsed.posts:
        json.dumps(post.line())
        assert post.outcome is Outcome.CAPTURED or post.reason


def test_the_photos_of_a_page_are_not_called_whole_posts(recordings: Path) -> None:
    path = LATER / "facebook" / "item_page_photo_album.html"
    if not path.is_file():
        pytest.skip(f"the later recordings are not at {LATER}")
    posts = read(path).posts
    assert (len(posts), {post.outcome for post in posts}) == (10, {Outcome.PARTIAL})
    assert all(item.url for post in posts for item in post.attachments)
