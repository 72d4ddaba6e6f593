"""docs/reference/benchmarks.md: what was measured last, against whom, why the goals are what they are, and where the time goes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from benchmarks.processes import ROOT
from benchmarks.registry import Part, Trial
from benchmarks.results import HEAD, Run, cells, latest, table

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
INTRO = """`make bench` measures this program and the programs that it is compared with (its peers) in turn, in the
same run. `python -m benchmarks page` writes this page from the results in [benchmarks.json](benchmarks.json), so
change it in `benchmarks/`.

A figure is the median of the rounds, with the extremes in brackets. **Only the ratios are portable** from one machine
to another. In each round, the ratio is our figure divided by the peer's; where it says *peer / ours*, it says how many
times faster or smaller ours is. Where the load at the beginning of a run is far from 0, other work ran beside it, and
even its ratios are rough."""
CAMPAIGNS = """Some things must hold however long the program runs. `make soak` checks these, so they are not measured
here; [reliability.md](reliability.md) says what it tried, and how often. Crawls of 2,000 and 10,000 posts request
each page once, in memory that does not grow, and lose nothing although the process is killed 20 times. A Telegram
history is kept complete although the process is killed 20 times and its connection is cut 20 times, and 1,000 random
changes are all noticed."""


def page(trials: Sequence[Trial], runs: Sequence[Run]) -> str:
    """Write the page from the registry and from what was measured. Raises `ValueError` on results of --small."""
    if any(run.small for run in runs):
        raise ValueError("expected results of full size, found some of --small: measure those rows again without it")
    parts: dict[str, tuple[Part, list[Trial]]] = {}
    for trial in trials:
        parts.setdefault(trial.part.name, (trial.part, []))[1].append(trial)
    pieces = ["# Benchmarks", _filled(INTRO), _runs(runs)]
    pieces += [_section(part, found, runs) for part, found in parts.values()]
    return "\n\n".join([*pieces, "## Not measured here", _filled(CAMPAIGNS)]) + "\n"


def _filled(text: str) -> str:
    return "\n\n".join(textwrap.fill(one, 100, break_on_hyphens=False) for one in text.split("\n\n"))


def _runs(runs: Sequence[Run]) -> str:
    if not runs:
        return "Nothing was measured yet."
    return "\n".join(
        textwrap.fill(
            f"{number}. {run.made}, commit {run.commit}, up to {run.rounds} rounds: "
            + ", ".join(f"{name} {value}" for name, value in run.machine.items()),
            100,
            subsequent_indent="   ",
        )
        for number, run in enumerate(runs, 1)
    )


def _section(part: Part, trials: Sequence[Trial], runs: Sequence[Run]) -> str:
    found, lines = latest(list(runs)), []
    for trial in trials:
        for row in trial.rows:
            index, result = found.get(trial.id_of(row), (None, None))
            run = "–" if index is None else str(index + 1)
            lines.append([f"`{trial.id_of(row)}`", *cells(row, result), run, row.reason])
    about = f"`python -m benchmarks {part.name}`. {part.about}".strip()
    pieces = [f"## {part.title}", _filled(about), table(lines, ["row", *HEAD, "run", "why this goal"])]
    if part.time_goes:
        pieces.append(_filled(f"**Where the time goes.** {part.time_goes}"))
    return "\n\n".join(pieces)
