"""Reads for display, by the library alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.casework.annotations import about_of, annotate
from archiver.cli.commands.show import as_json, as_text
from archiver.copies.evict import CopiesFetch
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.lookup.capture_view import capture_view
from archiver.lookup.material import gather
from archiver.lookup.search import Wanted, search
from archiver.signer.local import LocalSigner
from tests.support.kept_homes import unpack_home

ALBUM = "wxe6z4t7"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_home(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def home(kept: Path) -> Home:
    return Home(kept, environment={})


@pytest.fixture
def hidden(tmp_path: Path) -> Home:
    """A home in which the capture is quarantined."""
    home = Home(unpack_home(tmp_path), environment={})
    annotate(home, LocalSigner(home), "quarantine", about_of(home, ALBUM), "a child")
    return home


def test_a_view_holds_what_the_capture_holds(home: Home) -> None:
    view = capture_view(home, ALBUM)
    assert view.row["target"] == "https://t.me/ozen_today/16"
    assert view.cases == ["almaty"]
    assert [post.row["id"] for post in view.posts if post.is_target] == ["ozen_today/16"]
    assert sum(view.outcomes.values()) == sum(bool(line.get("outcome")) for line in view.inventory)
    assert (view.stamp, view.freed, view.arrival_checks) == (None, [], [])
    assert {note["kind"] for note in view.annotations} == {"note", "place", "tag"}
    with pytest.raises(NotFound):
        capture_view(home, "zzzzzzzz")


def test_a_view_is_written_as_json_and_as_text(home: Home) -> None:
    view = capture_view(home, ALBUM)
    kinds = [line["line"] for line in as_json(view)]
    assert kinds[0] == "capture"
    assert set(kinds) == {"capture", "post", "inventory", "annotation"}
    assert [line["line"] for line in as_json(view, records=True)].count("record") == len(view.records)
    text = "\n".join(as_text(view, inventory=True, records=True))
    assert "NOT TIMESTAMPED" in text
    assert all(str(line["key"]) in text for line in view.inventory if line.get("outcome"))


def test_what_is_quarantined_is_in_no_view_search_or_package(hidden: Home) -> None:
    shown = capture_view(hidden, ALBUM)
    words = str(shown.posts[0].row["text"]).split()[0]
    assert [post.line for post in shown.posts] == [None] * len(shown.posts)
    assert words not in "\n".join(as_text(shown))
    assert all("text" not in line for line in as_json(shown) if line["line"] == "post")
    assert all(post.line is not None for post in capture_view(hidden, ALBUM, unhidden=True).posts)
    found = search(hidden, Wanted(text=words), 100)
    assert found.hidden > 0
    assert all(hit.row["capture"] != shown.row["id"] for hit in found.hits if hit.is_post)
    material = gather(hidden, "almaty", [], CopiesFetch(hidden))
    assert material.quarantined == [shown.row["id"]]
    with pytest.raises(UsageError, match="not quarantined"):
        gather(hidden, "almaty", [ALBUM], CopiesFetch(hidden))


def test_others_are_searched_after_the_own(home: Home, hidden: Home) -> None:
    wanted = Wanted(text="roof")
    alone, beside = search(home, wanted, 5), search(home, wanted, 5, [hidden])
    assert beside.hits[: len(alone.hits)] == alone.hits
    assert {hit.beside for hit in beside.hits} == {None, "home"}
    assert search(home, Wanted(text=""), 5).hits == ()


@pytest.mark.parametrize(("case", "only", "error"), [("none", [], NotFound), ("almaty", ["q6fe4t86"], UsageError)])
def test_only_captures_of_a_case_are_gathered(home: Home, case: str, only: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        gather(home, case, only, CopiesFetch(home))


def test_items_keep_their_numbers(home: Home) -> None:
    """Numbered by what was captured first; a selection begins anew."""
    material = gather(home, "almaty", [], CopiesFetch(home))
    assert [item.number for item in material.items] == [f"I{number:04}" for number in range(1, len(material.items) + 1)]
    assert material.items[0].key == "telegram:ozen_today/16"
    assert {event["detail"]["kind"] for event in material.items[0].annotations} >= {"note", "tag", "place"}
    for media in material.items[0].every_media:
        assert sum(len(chunk) for chunk in media.chunks()) == media.size
