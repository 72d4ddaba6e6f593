"""A check of a home says what it finds as it goes, and keeps nothing of the captures that it has looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archiver.checks import home as checking
from archiver.checks.events import check_events
from archiver.checks.home import home_lines
from archiver.checks.lines import Finding, Line, intact
from archiver.home.home import Home
from storage.ledger import Tiles
from tests.support.kept_homes import unpack_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(unpack_home(tmp_path), environment={})


def lines_of(home: Home) -> Any:
    return home_lines(home.path, lambda detail: True, True, frozenset(), None, None)


def test_each_capture_is_told_before_the_next_is_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def look(folder: Path, detail: dict[str, Any], stamped: Any, hindered: bool) -> list[Line]:
        looked.append(folder.name)
        return [intact(folder.name, "looked", "at")]

    monkeypatch.setattr(checking, "check_capture", look)
    told = [(line.subject, len(looked)) for line in lines_of(home) if line.check == "looked"]
    assert len(told) > 3
    assert told == [(name, n) for n, name in enumerate(looked, 1)]


@pytest.mark.damages
def test_events_are_read_again_as_they_were_checked(home: Home) -> None:
    size = home.ledger.checkpoint().size
    lines, events = check_events(home.path, Tiles(home.ledger.folder, size).entries(0), False)
    assert {line.finding for line in lines} == {Finding.INTACT}
    assert {body["type"] for body in events.kept} <= {"key-handover", "timestamped", "renewed", "disposed"}
    assert [body["seq"] for body in events.captures()] == list(events.captured)
    seq = events.captured[0]
    path = home.path / "events" / "000000" / f"{seq:010d}.json"
    path.write_bytes(path.read_bytes().replace(b'"captured"', b'"recovered"'))
    assert events.body(seq) is None, "never one that was not checked"


@pytest.mark.damages
def test_an_event_that_goes_meanwhile_is_told(home: Home) -> None:
    found, files = [], sorted((home.path / "events" / "000000").glob("*.json"))
    for line in lines_of(home):
        found.append(line)
        while line.check == "manifest" and files:
            files.pop().unlink()
    assert any(line.finding is Finding.UNKNOWN and "since this check began" in line.detail for line in found), (
        "a capture is not passed over in silence"
    )
