"""Packages that the tests of one module share: a case with people, annotations and a review, in each profile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.home.home import Home
from tests.conftest import World
from tests.support.packages import LINKS, PackagedCase


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[PackagedCase]:
    made = PackagedCase(tmp_path_factory.mktemp("case"), world)
    made.run("keys", "new", "R-2", "--role", "reviewer")
    made.run("keys", "new", "A-1", "--role", "analyst")
    album = made.captures[LINKS[0]]
    made.run("author", "ozen_today", "private", "a local channel", "--platform", "telegram")
    made.run("author", "ozen_today", "institutional", "a newspaper", "--platform", "x")
    made.run("incident", "square", "--case", "almaty", "--title", "Shots at the square", "--place", "Zhanaozen", "--at",
             "43.3412,52.8619", "--zone", "Asia/Aqtau", "--since", "2022-01-05T10:30 Asia/Aqtau", "--add", album)  # fmt: skip
    made.run("--as", "A-1", "conclude", "square", "--case", "almaty", "--confidence", "moderate", "--basis",
             f"{album}:ozen_today/16@0:01-0:02", "--against", "no shots are heard", "Uniformed men fired.")  # fmt: skip
    made.home = Home(made.home.path)
    conclusion = made.home.catalog.event_bodies(("annotated",))[-1]["seq"]
    made.run("--as", "R-2", "review", str(conclusion), "publish", "agreed")
    incident = next(
        body["seq"] for body in made.home.catalog.event_bodies(("annotated",)) if body["detail"]["kind"] == "incident"
    )
    made.run("--as", "R-2", "review", str(incident), "publish", "agreed")
    video = ("--post", "ozen_today/20")
    made.run("--as", "R-2", "review", made.captures[LINKS[3]], "publish", "words only", *video)
    made.run("note", album, "counsel", "only", "--privileged")
    made.run("translate", album, "Four", "files", "--language", "en", "--by", "T-1", "--how", "human")
    made.home = Home(made.home.path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def full(case: PackagedCase) -> Path:
    return case.export("full", case.folder / "full")


@pytest.fixture(scope="module")
def partner(case: PackagedCase) -> Path:
    return case.export("partner", case.folder / "partner")


@pytest.fixture(scope="module")
def public(case: PackagedCase) -> Path:
    return case.export("public", case.folder / "public")
