"""Two commits, measured in turns: the arithmetic, and what is said of a row that one of them lacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.compare import Pair, chosen_by, paired
from benchmarks.results import Result


def turns_of(*values: tuple[float, ...]) -> list[dict[str, Result]]:
    return [{"p.a": Result("p.a", list(ours))} for ours in values]


def test_the_ratio_is_new_to_old_of_each_turn() -> None:
    pairs = paired({"old": ["p.a"], "new": ["p.a"]}, {"old": turns_of((2,), (1, 4, 9)), "new": turns_of((1,), (6,))})
    assert pairs == {"p.a": Pair([2, 4], [1, 6])}
    assert pairs["p.a"].ratios == [0.5, 1.5]


def test_a_row_that_one_lacks_is_said() -> None:
    pairs = paired({"old": [], "new": ["p.a"]}, {"old": [{}], "new": turns_of((1,))})
    assert pairs["p.a"].trouble == "there is no such row in OLD"
    assert pairs["p.a"].ratios == []
    assert paired({"old": ["p.a"], "new": []}, {"old": turns_of((1,)), "new": [{}]})["p.a"].trouble.endswith("in NEW")


def test_a_row_that_failed_once_is_not_compared() -> None:
    rows = {"old": ["p.a"], "new": ["p.a"]}
    broken = {"p.a": Result("p.a", [1.0], error="it broke")}
    pairs = paired(rows, {"old": [*turns_of((1,)), broken], "new": turns_of((1,), (1,))})
    assert (pairs["p.a"].trouble, pairs["p.a"].ratios) == ("in OLD it failed: it broke", [])
    pairs = paired(rows, {"old": turns_of((1,)), "new": [{"p.a": Result("p.a", missing="no nginx")}]})
    assert pairs["p.a"].trouble == "in NEW it was not measured: no nginx"
    assert paired(rows, {"old": turns_of((1,)), "new": [{}]})["p.a"].trouble.startswith("in NEW it was not measured")


def test_rows_are_chosen_by_their_part_or_name() -> None:
    assert [chosen_by(names, "p.a") for names in ([], ["p"], ["x", "p.a"], ["p.b"])] == [True, True, True, False]


def test_commits_are_measured_in_turns_and_their_worktrees_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        given = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        return subprocess.run(given, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout

    root = tmp_path / "root"
    (root / "benchmarks").mkdir(parents=True)
    git("init", "-q")
    (root / "benchmarks" / "one.py").touch()
    git("add", ".")
    git("commit", "-qm", "Before rows had names")
    (root / "benchmarks" / "registry.py").touch()
    git("add", ".")
    git("commit", "-qm", "With names")
    asked: list[tuple[str, tuple[str, ...]]] = []

    def benchmarks(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
        asked.append((tree.name, words[:2]))
        return subprocess.CompletedProcess([], 0, "p.a\tsomething\nq.b\tother\n")

    monkeypatch.setattr(compare, "ROOT", root)
    monkeypatch.setattr(compare, "_benchmarks", benchmarks)
    trouble = "in OLD it was not measured: its trial did not say; in NEW it was not measured: its trial did not say"
    assert compare.compare("HEAD", "HEAD", ["p"], 2, True) == {"p.a": Pair([], [], trouble)}
    assert [side for side, words in asked if words[0] != "--list"] == ["old", "new", "old", "new"]
    assert {words for _, words in asked if words[0] != "--list"} == {("p", "--rounds")}
    assert compare.compare("HEAD~1", "HEAD", [], 1, True)["p.a"].trouble.startswith(
        "there is no such row in OLD; in NEW"
    )
    with pytest.raises(SystemExit, match="expected two commits, found 'nosuch'"):
        compare.compare("HEAD", "nosuch", ["p"], 1, True)
    with pytest.raises(KeyError, match="nosuch"):
        compare.compare("HEAD", "HEAD", ["p", "nosuch"], 1, True)
    assert len(git("worktree", "list").splitlines()) == 1
