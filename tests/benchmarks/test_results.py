"""Ratios, goals and verdicts of what was measured, and the JSON that keeps it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.registry import Row, at_least, at_most
from benchmarks.results import (
    Result,
    Run,
    cells,
    latest,
    merged,
    number,
    ratios,
    reached,
    read,
    spread,
    table,
    verdict,
    whole,
    write,
)

SLOWER = Row(name="a", what="a", ours="ours", unit="s", reason="Why.", peer="p", against="P", goal=at_most(1.5))
FASTER = Row(
    name="b", what="b", ours="ours", unit="s", reason="Why.", peer="p", against="P", goal=at_least(2), inverted=True
)
MEMORY = Row(name="m", what="m", ours="ours", unit="MB", reason="Why.", goal=at_most(100, "value"))


def run_of(*results: Result, made: str = "2026-11-29T10:00Z") -> Run:
    return Run(made, "abc", {"cores": "2"}, 3, False, list(results))


def test_the_ratio_is_of_each_round_by_itself() -> None:
    assert ratios(SLOWER, [2.0, 3.0, 8.0], [1.0, 2.0, 4.0]) == [2.0, 1.5, 2.0]
    assert ratios(FASTER, [2.0, 1.0], [4.0, 3.0]) == [2.0, 3.0]


def test_a_peer_that_was_measured_less_often_is_compared_by_the_median() -> None:
    assert ratios(FASTER, [1.0, 2.0, 30.0], [8.0]) == [4.0]
    assert ratios(SLOWER, [], [1.0]) == ratios(SLOWER, [1.0], []) == []
    assert ratios(SLOWER, [1.0], [0.0]) == [float("inf")]


@pytest.mark.parametrize(
    ("row", "result", "said", "is_whole"),
    [
        (SLOWER, Result("a", [1.5], [1.0]), "reached", True),
        (SLOWER, Result("a", [1.6], [1.0]), "missed", True),
        (FASTER, Result("b", [1.0], [1.9]), "missed", True),
        (MEMORY, Result("m", [99.0, 101.0, 90.0]), "reached", True),
        (MEMORY, Result("m", [99.0], error="it broke"), "failed: it broke", False),
        (MEMORY, Result("m", missing="no nginx"), "not measured: no nginx", False),
        (MEMORY, Result("m"), "not measured: no round was finished", False),
        (SLOWER, Result("a", [1.0], missing="no aws"), "without its peer: no aws", False),
        (SLOWER, None, "not measured yet", False),
    ],
)
def test_a_verdict(row: Row, result: Result | None, said: str, is_whole: bool) -> None:
    assert verdict(row, result) == said
    assert result is None or whole(row, result) is is_whole
    assert result is None or reached(row, result) in ({"reached": True, "missed": False}.get(said), None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234"), (123.4, "123"), (12.34, "12.3"), (1.0, "1"), (1.234, "1.23"), (0.0126, "0.013")],
)
def test_a_number_is_written_for_people(value: float, text: str) -> None:
    assert number(value) == text


def test_a_spread_shows_the_extremes() -> None:
    assert (spread([]), spread([2.0]), spread([1.5, 3.0, 2.0])) == ("–", "2", "2 [1.50-3]")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    runs = [run_of(Result("a", [1.5, 2.25], [1.0, 1.5]), Result("m", error="«broke» | twice", missing="x"))]
    write(path, runs, {"a": SLOWER})
    assert read(path) == runs
    (kept,) = json.loads(path.read_text())["runs"]
    assert kept["results"][0]["shown"]["verdict"] == "reached"
    assert kept["results"][0]["shown"]["ratio"] == "1.50 [1.50-1.50]"
    assert read(tmp_path / "none.json") == []


def test_what_is_measured_again_takes_the_place_of_what_was() -> None:
    first = run_of(Result("a", [1.0], [1.0]), Result("m", [5.0]))
    second = run_of(Result("a", [2.0], [1.0]), made="later")
    runs = merged([first], second)
    assert {row: (index, result.ours) for row, (index, result) in latest(runs).items()} == {
        "m": (0, [5.0]), "a": (1, [2.0]),
    }  # fmt: skip
    assert merged(runs, run_of(Result("m", [6.0]), made="last"))[0].made == "later", "a run that holds nothing is gone"


def test_a_table_keeps_its_columns() -> None:
    row = Row(name="p", what="p", ours="o", unit="s", reason="Why.", peer="p", against="curl | openssl")
    lines = table([cells(row, Result("p", [1.0], [2.0]))]).splitlines()
    assert {line.replace("\\|", "").count("|") for line in lines} == {7}
