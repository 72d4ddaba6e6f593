"""The catalog of a home that an earlier release made, made again by the first command that opens it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.home import projection
from archiver.home.home import Home
from tests.support.kept_homes import unpack_home


@pytest.mark.parametrize("limit", ["LARGE_EVENTS", "LARGE_BYTES"])
def test_a_large_home_that_is_made_again_is_told_of_once(
    limit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = unpack_home(tmp_path)
    monkeypatch.setattr(projection, limit, 1)
    assert main(["--home", str(home), "find", "Zhanaozen"], None, {}) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "The catalog is missing, or an earlier release made it: it is made again from 18 events. This can take minutes, once."
    ]
    assert main(["--home", str(home), "find", "Zhanaozen"], None, {}) == 0
    again = capsys.readouterr()
    assert (again.out, again.err) == (shown.out, "")


def test_a_small_home_is_made_again_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(unpack_home(tmp_path)), "find", "Zhanaozen"], None, {}) == 0
    assert capsys.readouterr().err == ""


def test_how_far_it_is_comes_in_steps_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "LARGE_EVENTS", 1)
    told: list[tuple[int, int]] = []
    home = Home(unpack_home(tmp_path), environment={})
    home.told = lambda done, total: told.append((done, total))
    size = home.ledger.checkpoint().size
    assert len(home.catalog.captures()) == 7
    assert told == [(done, size) for done in range(0, size, projection.SHOWN)]
    assert home.catalog.size() == size
