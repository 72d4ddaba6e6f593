"""Two packages of a case: an attacker with every field, order, size, length and count joins what was let out, no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.demo.media import video
from tests.support.joined_case import Exported, JoinedCase, made_posts
from tests.support.joining import Joined, attack
from tests.support.soak import Tried, seeded

Packages = dict[str, Exported]


def packages_of(folder: Path, count: int, seed: int, films: int) -> Packages:
    """Words for everybody; pictures for everybody; nearly all for a partner, twice."""
    made = [video(folder / "films", 1 + n % 3, 300 + 40 * n, "64x48")[0] for n in range(films)]
    case = JoinedCase(folder, made_posts(count, seed, made))
    case.words_only()
    found = {"words": case.export("public", "words"), "partner": case.export("partner", "partner")}
    case.pictures_only()
    return {**found, "pictures": case.export("public", "pictures"), "again": case.export("partner", "again")}


def joined(packages: Packages, first: str, second: str) -> Joined:
    a, b = packages[first], packages[second]
    return attack(
        a.path,
        b.path,
        lambda x, y: a.post_of(x) == b.post_of(y),
        lambda x, y: bool(a.shows(x) & b.shows(y)),
    )


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("archiver.export.printing.program", lambda: None)
        patched.setattr("archiver.export.stills.program", lambda name: None)
        yield packages_of(tmp_path_factory.mktemp("joining"), 60, 11, 2)


@pytest.mark.parametrize("second", ["partner", "pictures"])
@pytest.mark.parametrize("first", ["words", "pictures"])
def test_nothing_joins_but_words_and_pictures_that_were_let_out(packages: Packages, first: str, second: str) -> None:
    if first != second:
        found = joined(packages, first, second)
        assert found.tried > 25
        assert not found.ways, found.ways


def test_the_attacker_finds_what_can_be_found(packages: Packages) -> None:
    """Two packages for partners have capture ids and times in common: the attack joins what words and pictures do not."""
    a, b = packages["partner"], packages["again"]
    found = attack(a.path, b.path, lambda x, y: a.post_of(x) == b.post_of(y), lambda x, y: False)
    assert len(found.beyond) > 0.9 * len(a.shown.cards)


def test_the_preview_says_how_many_can_be_found_again(packages: Packages) -> None:
    words, pictures = (dict(packages[name].preview)["findable"] for name in ("words", "pictures"))
    one = packages["words"]
    worded = sum(any(view.post.get("text") for view in card.views) for card in one.shown.cards)
    assert words.startswith(
        f"of {len(one.shown.cards)} items, in other packages or on the web: {worded} by their words, "
    )
    files = sum(any(file.name for file in card.every_file) for card in packages["pictures"].shown.cards)
    assert f"{files} by their pictures, sound or other files" in pictures
    assert "whose account is not shown" in dict(packages["partner"].preview)["findable"]


@pytest.mark.soak("joining")
def test_two_hundred_posts(tmp_path: Path, tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty of them without words; with films, whose lengths are the same in both."""
    monkeypatch.setattr("archiver.export.printing.program", lambda: None)
    found = packages_of(tmp_path, 200, seeded(11), 8)
    for first, second in (("words", "partner"), ("words", "pictures"), ("pictures", "partner")):
        result = joined(found, first, second)
        tried("ways to join two packages", result.tried)
        tried("items joined by words, pictures or links that are shown", len(result.allowed))
        tried("items joined beyond that", len(result.beyond))
        assert not result.ways, result.ways
