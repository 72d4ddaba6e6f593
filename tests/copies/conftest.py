"""A home with copies at one place of each kind; the home and the S3 server are made once for all files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.copied import At
from tests.support.places import CREDENTIALS, Kept, add_place, moto


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    made = Kept(tmp_path_factory.mktemp("kept"))
    made.recovery()
    return made


@pytest.fixture
def kept(made: Kept, tmp_path: Path) -> Kept:
    """A copy of one home for each test."""
    return made.again(tmp_path / "kept")


def place_of(kind: str, kept: Kept, s3: str) -> At:
    place = At(kind, kept.folder, s3)
    add_place(kept.home, "archive", place.where, place.own, place.url)
    return place


@pytest.fixture(params=["folder", "own s3"])
def at(request: pytest.FixtureRequest, kept: Kept, s3: str) -> At:
    """Both kinds of store, and copies with and without encryption.

    A vault encrypts in the same way whatever store is below it, so two of the four pairs show both; all four are `every`.
    """
    return place_of(request.param, kept, s3)


@pytest.fixture(params=["folder", "own folder", "s3", "own s3"])
def every(request: pytest.FixtureRequest, kept: Kept, s3: str) -> At:
    """Each kind of place, for what goes all the way: there and back, freed and fetched, disposed of."""
    return place_of(request.param, kept, s3)


@pytest.fixture
def disk(kept: Kept) -> At:
    place = At("folder", kept.folder, "")
    add_place(kept.home, "archive", place.where)
    return place


@pytest.fixture
def bucket(kept: Kept, s3: str) -> At:
    place = At("s3", kept.folder, s3)
    add_place(kept.home, "archive", place.where, False, place.url)
    return place
