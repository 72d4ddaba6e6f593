"""The rows of the benchmarks say what they must say, and can be chosen."""

from __future__ import annotations

import inspect
import re

import pytest

from benchmarks.__main__ import main, rows
from benchmarks.parts import all_trials, chosen
from benchmarks.registry import Row, Trial

ROWS = [(trial, row) for trial in all_trials() for row in trial.rows]


@pytest.mark.parametrize(("trial", "row"), ROWS, ids=[trial.id_of(row) for trial, row in ROWS])
def test_a_row_is_well_formed(trial: Trial, row: Row) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", row.name)
    assert all([row.what, row.unit, row.ours])
    assert bool(row.peer) == bool(row.against), "a peer has a name for people"
    assert row.reason.endswith("."), "each row says why its goal is what it is, or why it has none"
    assert row.goal is not None or row.peer or row.reason.startswith("No goal: ")
    assert row.goal is None or row.goal.of == "value" or row.peer, "a ratio needs a peer"
    assert row.goal is None or row.goal.of == "value" or not row.inverted or row.goal.sign == "≥"
    assert inspect.isgeneratorfunction(trial.measure)
    source = inspect.getsource(inspect.getmodule(trial.measure) or trial.measure)
    assert f'"{row.ours}"' in source or row.ours in ("http", "https"), "a series that nothing measures"


def test_names_are_unique() -> None:
    names = [trial.id_of(row) for trial, row in ROWS]
    assert len(set(names)) == len(names) == len(rows())
    trials = [trial.name for trial in all_trials()]
    assert len(set(trials)) == len(trials)
    assert not {trial.part.name for trial in all_trials()} & {"compare", "page"}, "commands of the same name"


def test_the_parts_come_in_the_order_of_the_page() -> None:
    parts = list(dict.fromkeys(trial.part.name for trial in all_trials()))
    assert parts[:3] == ["startup", "gigabyte", "connect"]
    assert parts[-2:] == ["queue", "queued"]


def test_a_part_and_a_row_can_be_chosen() -> None:
    assert [trial.name for trial in chosen(["startup"])] == ["startup.help_text", "startup.looks"]
    assert [trial.name for trial in chosen(["startup.find", "startup.show"])] == ["startup.looks"]
    assert chosen([]) == all_trials()


def test_the_list_names_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == list(rows())


@pytest.mark.parametrize("words", [["nosuch"], ["startup.nosuch"], ["startup", "--rounds", "0"]])
def test_a_word_that_means_nothing_is_said_before_anything_runs(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "expected" in capsys.readouterr().err
