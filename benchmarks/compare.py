"""Measures two commits in turns, each in a git worktree of its own, by the benchmarks that it brings."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.results import Result, read

LOCKS = {
    ".venv": "requirements-dev.lock",
    ".venv-bench": "requirements-bench.lock",
    ".venv-auto": "requirements-auto.lock",
    ".venv-replay": "requirements-replay.lock",
}


@dataclass(frozen=True)
class Pair:
    """What a row gave in the old and in the new commit, turn by turn; `trouble` where it cannot be compared."""

    old: list[float]
    new: list[float]
    trouble: str = ""

    @property
    def ratios(self) -> list[float]:
        """Return new / old of each turn."""
        whole = not self.trouble and len(self.old) == len(self.new)
        return [b / a if a else float("inf") for a, b in zip(self.old, self.new, strict=True)] if whole else []


def compare(old: str, new: str, names: Sequence[str], rounds: int, small: bool) -> dict[str, Pair]:
    """Measure parts and rows of two commits in turns: old, new, old, new. Raises `KeyError`: a name that neither has."""
    for commit in (old, new):
        words = ["git", "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}"]
        if subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode:
            raise SystemExit(f"expected two commits, found {commit!r}")
    with tempfile.TemporaryDirectory(prefix="archiver-compare-") as folder:
        trees = {side: Path(folder) / side for side in ("old", "new")}
        if (ROOT.parent / "shared").is_dir():
            (Path(folder) / "shared").symlink_to(ROOT.parent / "shared")
        try:
            for side, commit in (("old", old), ("new", new)):
                _git("worktree", "add", "--detach", "--quiet", str(trees[side]), commit)
                _environments(trees[side])
            listed = {side: _listed(tree) for side, tree in trees.items()}
            everything = {name for found in listed.values() for row in found for name in (row, part_of(row))}
            for name in names:
                if name not in everything:
                    raise KeyError(name)
            turns: dict[str, list[dict[str, Result]]] = {"old": [], "new": []}
            for _ in range(rounds):
                for side, tree in trees.items():
                    known = [name for name in names if name in {*listed[side], *map(part_of, listed[side])}]
                    turns[side].append(_turn(tree, known, small) if known or not names else {})
        finally:
            for tree in trees.values():
                if tree.exists():
                    _git("worktree", "remove", "--force", str(tree))
    rows = {side: [row for row in found if chosen_by(names, row)] for side, found in listed.items()}
    return paired(rows, turns)


def part_of(row: str) -> str:
    """Return the part of a row's name."""
    return row.partition(".")[0]


def chosen_by(names: Sequence[str], row: str) -> bool:
    """Return whether a row was asked for, by its name or its part's."""
    return not names or row in names or part_of(row) in names


def paired(rows: dict[str, list[str]], turns: dict[str, list[dict[str, Result]]]) -> dict[str, Pair]:
    """Put together what both sides gave for each row that either has."""
    pairs = {}
    for row in dict.fromkeys([*rows["new"], *rows["old"]]):
        values: dict[str, list[float]] = {"old": [], "new": []}
        trouble = []
        for side, results in turns.items():
            if row not in rows[side]:
                trouble.append(f"there is no such row in {side.upper()}")
                continue
            for result in (turn.get(row, Result(row, missing="its trial did not say")) for turn in results):
                if result.error or not result.ours:
                    why = f"failed: {result.error}" if result.error else f"was not measured: {result.missing}"
                    trouble.append(f"in {side.upper()} it {why}")
                else:
                    values[side].append(statistics.median(result.ours))
        pairs[row] = Pair(values["old"], values["new"], "; ".join(dict.fromkeys(trouble)))
    return pairs


def _git(*words: str) -> None:
    subprocess.run(["git", *words], cwd=ROOT, check=True)


def _environments(tree: Path) -> None:
    """Share the environments whose locks are the same here and there; make the others anew."""
    for name, lock in LOCKS.items():
        ours, theirs = ROOT / lock, tree / lock
        if not (ROOT / name).exists() or not theirs.exists():
            continue  # what is missing here is said by the rows that need it
        if ours.read_bytes() == theirs.read_bytes():
            (tree / name).symlink_to((ROOT / name).resolve())
            continue
        python = tree / name / "bin" / "python"
        base = (ROOT / name / "bin" / "python").resolve()
        subprocess.run([base, "-m", "venv", tree / name], check=True)
        pip: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
        ]
        subprocess.run([*pip, "-r", theirs], check=True)


def _benchmarks(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(tree / ".venv" / "bin" / "python"), "-m", "benchmarks", *words]
    # The environment may be shared, and then leads to another worktree: this one comes first.
    env = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(command, cwd=tree, env=env, stdout=subprocess.PIPE, text=True, check=False)


def _listed(tree: Path) -> list[str]:
    """Return the names of a commit's rows; none where its benchmarks are from before they had names."""
    if not (tree / "benchmarks" / "registry.py").exists():
        print(f"{tree.name.upper()} has benchmarks whose rows have no names yet: none can be compared", file=sys.stderr)
        return []
    done = _benchmarks(tree, "--list")
    if done.returncode:
        raise SystemExit(f"expected the list of rows of {tree.name.upper()}, found exit code {done.returncode}")
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def _turn(tree: Path, names: Sequence[str], small: bool) -> dict[str, Result]:
    if not (tree / "benchmarks" / "registry.py").exists():
        return {}
    kept = tree.parent / "turn.json"
    kept.unlink(missing_ok=True)
    _benchmarks(tree, *names, "--rounds", "1", "--json", str(kept), *(["--small"] if small else []))
    return {result.row: result for run in read(kept) for result in run.results}
