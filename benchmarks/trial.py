"""The process of one trial: python -m benchmarks.trial NAME MADE FOLDER ROUNDS [--small].

Writes FOLDER/said.jsonl: a line for each round, and for each thing that is missing. What goes wrong is said on standard
error, last line last, with an exit code that is not 0.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.parts import all_trials


def main() -> None:
    """Run the trial that the command line names."""
    name, made, folder, rounds, *small = sys.argv[1:]
    (trial,) = (one for one in all_trials() if one.name == name)
    with open(Path(folder) / "said.jsonl", "a", encoding="utf-8", buffering=1) as out:

        def say(**line: object) -> None:
            out.write(json.dumps(line) + "\n")

        bench = Bench(Path(made), Path(folder), int(rounds), bool(small), lambda what: say(missing=what))
        for series in trial.measure(bench):
            say(series=series)


if __name__ == "__main__":
    main()
