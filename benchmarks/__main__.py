"""python -m benchmarks [PART | PART.ROW …]; `python -m benchmarks --help` says the rest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import compare, page
from benchmarks.parts import all_trials, chosen
from benchmarks.processes import ROOT
from benchmarks.registry import Row, Trial
from benchmarks.results import Result, cells, goal_text, merged, read, spread, table, whole, write
from benchmarks.run import run

DATA = ROOT / "docs" / "reference" / "benchmarks.json"
ROUNDS = 5


def rows() -> dict[str, Row]:
    """Return every row by its name."""
    return {trial.id_of(row): row for trial in all_trials() for row in trial.rows}


def say_row(trial: Trial, row: Row, result: Result) -> None:
    """Print a row as soon as it is known."""
    _, ours, peer, ratio, goal, verdict = cells(row, result)
    print(f"{trial.id_of(row):<28} {ours} / {peer} {row.unit}   ratio {ratio}   goal {goal}   {verdict}", flush=True)


def measure(given: argparse.Namespace) -> int:
    """Measure what was chosen, print the table; return 1 where a row failed or something was missing."""
    trials, known = chosen(given.parts), rows()
    before = read(given.json) if given.json else []
    if any(run.small != given.small for run in before):
        raise SystemExit(f"expected results of the same size in {given.json}, found others: name another file")
    print(f"medians of up to {given.rounds} rounds [min-max], taken in turn{', SMALL' if given.small else ''}\n")
    results: list[Result] = []
    for so_far in run(trials, given.rounds, given.small, say_row):
        results = so_far.results
        if given.json:
            write(given.json, merged(before, so_far), known)
    print("\n" + table([cells(known[result.row], result) for result in results]))
    left = [result.row for result in results if not whole(known[result.row], result)]
    if left:
        print(f"\nnot whole: {', '.join(left)}", file=sys.stderr)
    return 1 if left else 0


def show_list() -> int:
    """Print each row: its name, what it measures, against whom, its goal."""
    for name, row in rows().items():
        goal = f" [{goal_text(row)}]" if row.goal else ""
        print(f"{name}\t{row.what}{f' against {row.against}' if row.against else ''}{goal}")
    return 0


def compared(given: argparse.Namespace) -> int:
    """Measure two commits in turns and print the ratios; return 1 where a row could not be compared."""
    known, pairs = rows(), compare.compare(given.old, given.new, given.parts, given.rounds, given.small)
    print("new / old: less is better of times and sizes, more of rates\n")
    for name, pair in pairs.items():
        unit = known[name].unit if name in known else ""
        ratio = spread(pair.ratios)
        print(f"{name:<28} {spread(pair.old)} -> {spread(pair.new)} {unit}   new / old {ratio}   {pair.trouble}")
    return 1 if not pairs or any(pair.trouble for pair in pairs.values()) else 0


def main(words: list[str] | None = None) -> int:
    """Read the command line and do what it says; return the exit code."""
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    how = argparse.ArgumentParser(add_help=False)
    how.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"how often each is measured ({ROUNDS})")
    how.add_argument("--small", action="store_true", help="a hundredth of each size: to see that a row works")
    if words[:1] == ["compare"]:
        parser = argparse.ArgumentParser(prog="python -m benchmarks compare", parents=[how])
        parser.description = "Measure two commits in turns, each in a worktree of its own, by its own benchmarks."
        parser.add_argument("old", metavar="OLD")
        parser.add_argument("new", metavar="NEW")
        words, work = words[1:], compared
    elif words[:1] == ["page"]:
        parser = argparse.ArgumentParser(
            prog="python -m benchmarks page", description="Write docs/reference/benchmarks.md."
        )
        parser.add_argument("--json", type=Path, default=DATA, metavar="FILE", help="what was measured")
        given = parser.parse_args(words[1:])
        page.PAGE.write_text(page.page(all_trials(), read(given.json)), "utf-8")
        return 0
    else:
        parser = argparse.ArgumentParser(
            prog="python -m benchmarks", parents=[how], description="Measure all rows, or those of some parts.",
            epilog="Also: python -m benchmarks compare OLD NEW [PART ...]; python -m benchmarks page [--json FILE]",
        )  # fmt: skip
        parser.add_argument("--list", action="store_true", help="name the rows, and measure nothing")
        parser.add_argument("--json", type=Path, metavar="FILE", help="keep the results; rows measured before stay")
        work = measure
    parser.add_argument("parts", nargs="*", metavar="PART", help="a part, or a row as --list names it; else all")
    given = parser.parse_args(words)
    if given.rounds < 1:
        parser.error("expected at least one round")
    if work is measure and given.list:
        return show_list()
    try:
        return work(given)
    except KeyError as unknown:
        parts = ", ".join(dict.fromkeys(trial.part.name for trial in all_trials()))
        parser.error(f"expected a part or a row, found {unknown}. The parts: {parts}. The rows: --list")


if __name__ == "__main__":
    raise SystemExit(main())
