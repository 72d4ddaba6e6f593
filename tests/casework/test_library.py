"""What people say, by the library alone: values in, values out, no command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.casework.analysis import (
    Translation,
    mark_author,
    review,
    state_time,
    translate,
)
from archiver.casework.annotations import About, about_of, annotate
from archiver.casework.cases import add_capture
from archiver.casework.custody import custody_of, disclose
from archiver.casework.diff import diff
from archiver.casework.history import Observed, post_history
from archiver.casework.incidents import IncidentFacts, add_to_incident, conclude
from archiver.casework.quarantine import record_view
from archiver.casework.redaction import Cover, cover_file, mask_words
from archiver.casework.time_range import TimeRange
from archiver.copies.evict import CopiesFetch
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.signer.local import LocalSigner
from tests.support.kept_homes import unpack_home, unpack_package

ALBUM, PAGE, BESIDE = "wxe6z4t7", "635s9qcz", "hjx80xv4"
"""Captures of the kept home: a post of a channel, a page of a blog, the channel itself in another case."""
MOMENT = datetime(2011, 12, 16, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(unpack_home(tmp_path_factory.mktemp("kept")), environment={})


@pytest.fixture(scope="module")
def collector(home: Home) -> Signer:
    return LocalSigner(home)


@pytest.fixture(scope="module")
def reviewer(home: Home) -> Signer:
    return LocalSigner(home, "reviewer1")


def test_each_word_of_an_analyst_is_an_event_of_its_kind(home: Home, collector: Signer) -> None:
    about = about_of(home, ALBUM, "16", 0)
    when = TimeRange(MOMENT, MOMENT, ("2011-12-16T15:00 Asia/Aqtau",))
    said = [
        annotate(home, collector, "note", about, "a roof"),
        state_time(home, collector, about, when, "by the shadows"),
        translate(home, collector, about, Translation("en", "A. N.", "human"), "They left."),
        mark_author(home, collector, "telegram", "@ozen_today", "source", "in danger", case="almaty"),
        add_to_incident(home, collector, "almaty", "square", IncidentFacts(at="43.34,52.86", items=(ALBUM,))),
        conclude(
            home, collector, "almaty", "square", "They fired.", confidence="low", basis=(f"{ALBUM}:16@0:01-0:02",)
        ),
    ]
    details = [sealed.body["detail"] for sealed in said]
    assert [one["kind"] for one in details] == ["note", "time", "translation", "author", "incident", "conclusion"]
    assert details[1]["given"] == ["2011-12-16T15:00 Asia/Aqtau"]
    assert details[3]["about"] == {"platform": "telegram", "author": "ozen_today", "case": "almaty"}
    assert details[5]["basis"][0]["segment"] == {"from_ms": 1000, "to_ms": 2000}


def test_a_second_person_reviews(home: Home, collector: Signer, reviewer: Signer) -> None:
    mine = annotate(home, collector, "note", about_of(home, ALBUM), "mine")
    theirs = annotate(home, reviewer, "note", about_of(home, ALBUM), "theirs")
    with pytest.raises(UsageError, match="a reviewer"):
        review(home, collector, theirs.seq, "publish", "fine")
    with pytest.raises(UsageError, match="your own"):
        review(home, reviewer, theirs.seq, "publish", "fine")
    with pytest.raises(NotFound):
        review(home, reviewer, 0, "publish", "the first event is no annotation")
    about = review(home, reviewer, mine.seq, "publish", "fine").body["detail"]["about"]
    assert about == {"event": mine.seq, "capture": about_of(home, ALBUM).capture}


@pytest.mark.parametrize("words", ["", " ", "\n"])
def test_nothing_is_signed_without_words(home: Home, collector: Signer, words: str) -> None:
    before = len(home.catalog.all_bodies())
    with pytest.raises(UsageError, match="some words"):
        annotate(home, collector, "note", about_of(home, ALBUM), words)
    assert len(home.catalog.all_bodies()) == before


@pytest.mark.parametrize(
    ("post", "attachment", "error"),
    [("17", None, NotFound), (None, 99, NotFound), (None, -1, NotFound)],
    ids=["no such post", "no such attachment", "an attachment counted from the end"],
)
def test_what_is_not_there_cannot_be_named(
    home: Home, post: str | None, attachment: int | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        about_of(home, ALBUM, post, attachment)


def test_times_that_are_swapped_are_refused() -> None:
    with pytest.raises(UsageError, match="Swap them"):
        TimeRange(MOMENT, datetime(2011, 12, 15, tzinfo=UTC), ("2011-12-16", "2011-12-15"))


def test_custody_tells_every_event_in_order(home: Home, collector: Signer) -> None:
    annotate(home, collector, "tag", about_of(home, ALBUM), "roof")
    entries = list(custody_of(home, "almaty"))
    seqs = [entry.body["seq"] for entry in entries]
    assert seqs == sorted(seqs)
    assert entries[-1].summary == f"tag  {about_of(home, ALBUM).capture}  roof"
    assert {entry.stamp for entry in entries} == {None}, "nothing of this home was stamped"


def test_a_disclosure_says_what_was_not_given(home: Home, collector: Signer, tmp_path: Path) -> None:
    package = unpack_package(tmp_path, version=1)  # exported from this home
    made = disclose(home, collector, package, to="defence", basis="order of 3 May", fingerprint_by="telephone")
    assert made.detail["package"] == "almaty-full"
    given = len(made.exculpatory)
    add_capture(home, collector, "almaty", BESIDE)
    annotate(home, collector, "tag", about_of(home, BESIDE), "exculpatory")
    made = disclose(home, collector, package, to="defence", basis="order of 3 May", fingerprint_by="telephone")
    assert [tag["capture"] for tag in made.not_given] == [about_of(home, BESIDE).capture]
    assert len(made.exculpatory) == given + 1
    assert b"NOT in the package" in made.schedule()
    with pytest.raises(NotFound):
        disclose(home, collector, tmp_path / "none", to="x", basis="y", fingerprint_by="z")


def test_a_history_is_in_order_and_says_what_changed(home: Home) -> None:
    found = post_history(home, "https://t.me/ozen_today/16")
    assert found.post == "ozen_today/16"
    observed = [entry for entry in found.entries if isinstance(entry, Observed)]
    assert found.observations == len(observed) > 0
    assert [entry.first for entry in observed] == [True] + [False] * (len(observed) - 1)
    assert [entry.when for entry in found.entries] == sorted(entry.when for entry in found.entries)
    with pytest.raises(NotFound):
        post_history(home, "nobody/1")


def test_captures_without_anything_in_common_are_not_compared(home: Home) -> None:
    album, page = (about_of(home, one).capture for one in (ALBUM, PAGE))
    assert diff(home, album, album).posts == ()
    with pytest.raises(UsageError, match="in common"):
        diff(home, album, page)


def test_a_redaction_needs_what_it_covers(home: Home, collector: Signer) -> None:
    about = about_of(home, ALBUM)
    with pytest.raises(NotFound, match="words that are in the post"):
        mask_words(home, collector, about, ["said by nobody"], "a name")
    with pytest.raises(UsageError, match="what to redact"):
        cover_file(home, collector, about, Cover(), "a face", fetch=CopiesFetch(home))
    words = str(next(row["text"] for row in home.catalog.posts(about.capture))).split()[0]
    made = mask_words(home, collector, about, [words], "a name")
    assert made.detail["masked"] == [words]
    assert home.catalog.event_bodies(("redacted",))[-1]["seq"] == made.event


def test_a_view_of_what_is_quarantined_needs_a_reason(home: Home, collector: Signer) -> None:
    capture = about_of(home, ALBUM).capture
    for why in (None, ""):
        with pytest.raises(UsageError, match="--why"):
            record_view(home, collector, capture, why)
    assert record_view(home, collector, capture, "for counsel").body["type"] == "viewed"


def test_an_about_holds_only_what_was_named() -> None:
    assert About("x").detail() == {"capture": "x"}
    assert About("x", "p", 0).detail() == {"capture": "x", "post": "p", "attachment": 0}
