"""The long campaigns of `make soak`: which part of them runs, what is done already, and what came out.

A test is long by its marker: `@pytest.mark.soak("kill")` runs in `make soak` only, `@pytest.mark.thorough("parsers")` also
elsewhere, with fewer cases. The word is the part that `make soak PART=kill` chooses. Results go to `.soak/results.jsonl`; what
passed at this commit with this seed is not run again, so that a campaign that was cut off goes on where it stood.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from storage.times import system_clock

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".soak" / "results.jsonl"
SOAK = os.environ.get("EVIDENCE_SOAK") == "1"
SEED = int(os.environ.get("EVIDENCE_SEED") or "0")
PARTS, TRIED = "parts", "tried"
"""Keys of a result: the parts that a test belongs to, and what it tried, as {what: how often}."""
BEGUN = "EVIDENCE_SOAK_BEGUN"
"""When the run began: its processes must all leave out the same tests, whatever has ended since."""


settings.register_profile(
    "ci", max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
settings.register_profile("soak", max_examples=4000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("soak" if SOAK else "ci")


def seeded(number: int) -> int:
    """Return the seed of a campaign: its own `number`, moved by EVIDENCE_SEED for a run that tries something else."""
    return number + SEED


Tried = Callable[[str, int], None]


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Keeps in the result of a campaign what it tried and how often: docs/reference/reliability.md says so."""
    counts: dict[str, int] = {}
    request.node.user_properties.append((TRIED, counts))

    def add(what: str, times: int) -> None:
        counts[what] = counts.get(what, 0) + times

    return add


@cache
def commit() -> str:
    """Return the commit that is tested; with "+" where files differ from it, so that nothing counts as done."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False).stdout
    return f"{head or 'unknown'}{'+' if changed.strip() or not head else ''}"


def done(results: list[dict[str, Any]], of: str, seed: int, before: str) -> set[str]:
    """Return the ids of the tests whose last result at the commit `of`, from before the time `before`, is a pass."""
    last = {
        one["test"]: one["outcome"]
        for one in results
        if (one["commit"], one["seed"]) == (of, seed) and one["ended"] < before
    }
    return {test for test, outcome in last.items() if outcome == "passed" and not of.endswith("+")}


def parts(item: pytest.Item) -> set[str]:
    """Return the parts that a test belongs to; empty for one that is not long."""
    return {str(word) for name in ("soak", "thorough") for marker in item.iter_markers(name) for word in marker.args}


def read_results(path: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the results that were kept; a line that a kill cut off is left out."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Note when the run began, for the processes that it starts."""
    if SOAK and not hasattr(config, "workerinput"):
        os.environ[BEGUN] = system_clock().isoformat()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of other parts, and those that have passed already."""
    if not SOAK:
        return
    wanted = set(os.environ.get("EVIDENCE_PART", "").split())
    known = {part for item in items for part in parts(item)}
    if wanted - known and not hasattr(config, "workerinput"):
        raise pytest.UsageError(f"no part {', '.join(sorted(wanted - known))}; the parts: {', '.join(sorted(known))}")
    for item in items:
        item.user_properties.append((PARTS, sorted(parts(item))))
    passed = done(read_results(), commit(), SEED, os.environ[BEGUN])
    left = [item for item in items if (not wanted or wanted & parts(item)) and item.nodeid not in passed]
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = left


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what became of a test."""
    if not SOAK or "PYTEST_XDIST_WORKER" in os.environ or (report.when != "call" and report.passed):
        return
    RESULTS.parent.mkdir(exist_ok=True)
    line = {
        "test": report.nodeid, "outcome": report.outcome, "seconds": round(report.duration, 1),
        "commit": commit(), "seed": SEED, "ended": system_clock().isoformat(), **dict(report.user_properties),
    }  # fmt: skip
    if report.user_properties:
        line["figures"] = dict(report.user_properties)
    with open(RESULTS, "a", encoding="utf-8") as kept:
        kept.write(json.dumps(line) + "\n")
