"""A case of any number of posts: what is gathered and shown of it does not have to fit into memory."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from archiver.copies.evict import CopiesFetch
from archiver.export import tables
from archiver.export.bag import Bag
from archiver.export.dossier import figures
from archiver.export.profiles import show
from archiver.export.report.chronology import Chronology
from archiver.export.report.items import judged
from archiver.home.home import Home
from archiver.lookup.capture_files import CaptureFiles
from archiver.lookup.items import Items, MediaFile, Observation
from archiver.lookup.material import gather
from archiver.lookup.spool import Spool
from archiver.signer.create_home import SetupAnswers, create_home
from archiver.signer.local import LocalSigner
from benchmarks import homes
from storage.events import Event

POSTS, FEW, MANY = 25, 8, 80
"""Posts of a capture; captures of the small and of the large case."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of 2,000 posts, of which a few captures hold the same ones."""
    path = tmp_path_factory.mktemp("large") / "home"
    create_home(path, SetupAnswers(pseudonym="test"))
    home, words = Home(path, environment={}), homes.word_list()
    recipients = home.recipients(["inbox"])
    folders = [homes.write_capture(path, n, POSTS, recipients, words) for n in (*range(MANY - 1), homes.CHANNELS * 9)]
    signer = LocalSigner(home)
    homes.make_cases(home, signer)
    homes.seal_captures(home, signer, 0, folders)
    about = {"capture": homes.capture_id(3), "post": homes.post_ids(3, POSTS)[1]}
    signer.append([Event("annotated", home.clock(), {"kind": "note", "about": about, "text": "seen"})])
    home.project()
    return home


def consumed(pieces: Iterable[object]) -> None:
    deque(pieces, 0)


def peak(home: Home, captures: int, profile: str) -> int:
    """The most bytes that are taken to gather a case and tell what a package says of its posts."""
    only = [homes.capture_id(n) for n in range(captures)] if captures < MANY else []
    tracemalloc.start()
    try:
        material = gather(home, "inbox", only, CopiesFetch(home))
        shown = show(material, profile, b"x" * 32, False)
        bag = Bag(home.path / "exports" / profile, "plan", home.path / "scratch")
        for table in tables.TABLES:
            consumed(tables.rows(bag, shown, table))
        assert figures(shown, 0, 0, 0).items == captures * POSTS
        assert len(Chronology(shown.cards, ())) == captures * POSTS
        assert len(shown.cards) == captures * POSTS
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("profile", ["full", "partner"])
def test_memory_does_not_grow_with_posts(home: Home, profile: str) -> None:
    peak(home, 1, profile)  # what is imported and read once
    few, many = peak(home, FEW, profile), peak(home, MANY, profile)
    a_post = (many - few) / ((MANY - FEW) * POSTS)
    assert a_post < 1000, f"{a_post:.0f} bytes a post, {few / 1e6:.1f} and {many / 1e6:.1f} MB"


def test_what_is_told_of_an_item_reads_no_other_captures(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every capture's manifest was read for each item: a case of a thousand captures took hours."""
    shown = show(gather(home, "inbox", [], CopiesFetch(home)), "partner", b"x" * 32, False)
    card, read = next(iter(shown.cards)), []
    monkeypatch.setattr(CaptureFiles, "manifest", lambda self, folder: read.append(folder))
    assert judged(shown, card) == []
    assert not read


def test_items_are_numbered_and_found(home: Home) -> None:
    material = gather(home, "inbox", [], CopiesFetch(home))
    assert [one.number for one in material.items] == [f"I{n + 1:04d}" for n in range(MANY * POSTS)]
    assert material.items[-1] == material.items[MANY * POSTS - 1]
    assert [one.key for one in material.items[2:4]] == [f"telegram:{key}" for key in homes.post_ids(0, POSTS)[2:4]]
    capture, post = homes.capture_id(3), homes.post_ids(3, POSTS)[1]
    (number,) = material.about(capture, post)
    item = material.items[int(number[1:]) - 1]
    assert (item.key, len(item.annotations)) == (f"telegram:{post}", 1)
    assert len(material.about(capture, None)) == POSTS
    assert material.about(capture, "another/1") == material.about("another", None) == []
    assert sum(len(one.observations[0].missing) for one in material.items) == sum(
        line["outcome"] == "skipped" for capture in material.captures for line in capture.ended()
    )


def test_a_post_may_be_called_by_half_of_a_surrogate_pair() -> None:
    """Lines hold such names, since no page may stop what records it; SQLite takes no text with them."""
    found = Items(None)
    for post in ("7\ud83d", "7\x00", "7"):
        found.observe(f"page:{post}", "page", Observation("one", 0, {"id": post}, None))
    assert [one.key for one in found] == ["page:7\ud83d", "page:7\x00", "page:7"]
    assert found.number_of("page:7\ud83d") == "I0001"
    assert found.numbers_about("one", "7\ud83d") == ["I0001"]
    assert found.has_post("7\ud83d")
    assert not found.has_post("8\ud83d")
    assert not found.has_file("\ud83d")


def test_a_spool_is_a_sequence_and_leaves_no_file(tmp_path: Path) -> None:
    spool: Spool[int] = Spool(tmp_path, int, range(250))
    assert list(spool) == list(range(250))
    assert (spool[0], spool[-1], spool[98:103], spool[240:]) == (0, 249, [98, 99, 100, 101, 102], list(range(240, 250)))
    assert all(later == before + 1 for before, later in pairwise(spool))  # two readers side by side
    with pytest.raises(IndexError):
        spool[250]
    assert not Spool(None, int)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_lies_in_a_spool_comes_back_as_it_was() -> None:
    """Half characters too, as some sites write them."""
    file = MediaFile("c", "post 1 #0", "video", "1", "film.mp4", "0" * 64, 5, None, "r", 0, ((Path("/a/b"), 1, 2, 3),))
    line = {"id": "1", "text": "half \ud800", "duration": 2.0, "views": 10**18, "edited": None}
    seen = Observation("c", 1, line, "2022-01-05T10:00:00Z", [file], [("photo", "failed", "why")])
    assert list(Spool(None, Observation, [seen])) == [seen]
