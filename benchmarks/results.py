"""What was measured: medians, ratios, whether a goal was reached; kept as JSON, printed as a table."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.registry import Row


@dataclass(frozen=True)
class Result:
    """The samples of one row, round by round; `error` where it failed, `missing` what was not there to measure with."""

    row: str
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    error: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Run:
    """What was measured at one time, on one machine, of one commit."""

    made: str
    commit: str
    machine: dict[str, str]
    rounds: int
    small: bool
    results: list[Result]


def ratios(row: Row, ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Return the ratio of each round, or of the medians alone where one side was measured less often."""
    if not ours or not peer:
        return []
    if len(ours) != len(peer):
        ours, peer = [statistics.median(ours)], [statistics.median(peer)]
    over, under = (peer, ours) if row.inverted else (ours, peer)
    return [a / b if b else float("inf") for a, b in zip(over, under, strict=True)]


def reached(row: Row, result: Result) -> bool | None:
    """Return whether the goal was reached; None where there is no goal or too little was measured."""
    if row.goal is None or result.error:
        return None
    values = result.ours if row.goal.of == "value" else ratios(row, result.ours, result.peer)
    return row.goal.reached(statistics.median(values)) if values else None


def whole(row: Row, result: Result) -> bool:
    """Return whether everything that the row needs was measured."""
    return not result.error and bool(result.ours) and bool(result.peer or not row.peer)


def verdict(row: Row, result: Result | None) -> str:
    """Say in a word or two how the row ended."""
    if result is None:
        return "not measured yet"
    if result.error:
        return f"failed: {result.error}"
    if not result.ours:
        return f"not measured: {result.missing or 'no round was finished'}"
    if row.peer and not result.peer:
        return f"without its peer: {result.missing or 'it was not measured'}"
    kept = reached(row, result)
    return "" if kept is None else "reached" if kept else "missed"


def number(value: float) -> str:
    """Write a number with three significant digits, whole thousands with commas."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"


def spread(values: Sequence[float]) -> str:
    """Write a median, with the extremes where there are some."""
    if not values:
        return "–"
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} [{number(min(values))}-{number(max(values))}]"


def goal_text(row: Row) -> str:
    """Write the goal with its unit."""
    if row.goal is None:
        return "–"
    return f"{row.goal.sign} {row.goal.limit:,g} {'×' if row.goal.of == 'ratio' else row.unit}"


def cells(row: Row, result: Result | None) -> list[str]:
    """Return what a table shows of a row: measured, ours, the peer's, ratio, goal, how it ended."""
    found = result or Result("")
    what = f"{row.what}, {row.unit}" + (f"; against {row.against}" if row.against else "")
    peer = spread(found.peer) if row.peer else "–"
    each = ratios(row, found.ours, found.peer)
    ratio = spread(each) + (" peer / ours" if row.inverted and each else "")
    return [what, spread(found.ours), peer, ratio, goal_text(row), verdict(row, result)]


HEAD = ["measured", "ours", "peer", "ratio", "goal", ""]


def table(lines: Sequence[Sequence[str]], head: Sequence[str] = HEAD) -> str:
    """Write lines of cells as a Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in rows)


def merged(before: list[Run], new: Run) -> list[Run]:
    """Add a run: what it measured takes the place of what earlier runs said of the same rows."""
    again = {result.row for result in new.results}
    left = (replace(run, results=[one for one in run.results if one.row not in again]) for run in before)
    return [*(run for run in left if run.results), new]


def latest(runs: list[Run]) -> dict[str, tuple[int, Result]]:
    """Return the last result of each row, with the index of its run."""
    return {result.row: (index, result) for index, run in enumerate(runs) for result in run.results}


def write(path: Path, runs: list[Run], rows: dict[str, Row]) -> None:
    """Write runs as JSON. Medians, ratios and goals stand beside the samples for readers; reading takes the samples."""
    value: list[dict[str, Any]] = [asdict(run) for run in runs]
    for run, shown in zip(runs, value, strict=True):
        for result, line in zip(run.results, shown["results"], strict=True):
            row = rows.get(result.row)
            if row is not None:
                names = dict(zip(["ours", "peer", "ratio", "goal", "verdict"], cells(row, result)[1:], strict=True))
                line["shown"] = {"what": row.what, "unit": row.unit, "against": row.against, **names}
    text = json.dumps({"runs": value}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")


def read(path: Path) -> list[Run]:
    """Read runs that `write` wrote; none where there is no such file."""
    if not path.exists():
        return []
    runs = json.loads(path.read_text("utf-8"))["runs"]
    return [
        Run(**{**run, "results": [Result(**{k: v for k, v in one.items() if k != "shown"}) for one in run["results"]]})
        for run in runs
    ]
