"""docs/reference/benchmarks.md is what the registry and the last results make of it."""

from __future__ import annotations

import re

import pytest

from benchmarks.__main__ import DATA, main, rows
from benchmarks.page import PAGE, page
from benchmarks.parts import all_trials
from benchmarks.results import Result, Run, read

MACHINE = {"processor": "Some CPU", "cores": "2"}


def test_the_page_is_the_one_that_its_command_writes() -> None:
    assert PAGE.read_text("utf-8") == page(all_trials(), read(DATA)), "run: python -m benchmarks page"


def test_the_rows_of_the_page_are_the_rows_of_the_registry() -> None:
    assert re.findall(r"^\| `([a-z0-9.-]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE) == list(rows())
    assert {result.row for run in read(DATA) for result in run.results} <= set(rows())


def test_figures_come_with_machine_commit_and_day() -> None:
    run = Run("2026-11-29T10:00Z", "abc123", MACHINE, 5, False, [Result("startup.find", [300, 400, 500], [20, 20, 20])])
    text = page(all_trials(), [run])
    assert "1. 2026-11-29T10:00Z, commit abc123, up to 5 rounds: processor Some CPU, cores 2" in text
    (line,) = (line for line in text.splitlines() if line.startswith("| `startup.find`"))
    assert "| 400 [300-500] | 20 [20-20] | 20 [15-25] | ≤ 16 × | missed | 1 | 60 % of what" in line
    assert all(trial.part.title in text and row.reason in text for trial in all_trials() for row in trial.rows)


def test_small_results_are_not_shown() -> None:
    with pytest.raises(ValueError, match="full size"):
        page(all_trials(), [Run("", "", {}, 1, True, [])])


def test_the_command_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["page", "--help"])
    assert "docs/reference/benchmarks.md" in capsys.readouterr().out
