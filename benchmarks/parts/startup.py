"""How long short commands take, against Python itself: what a person waits for at each look."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.processes import ARCHIVER, ROOT, timed
from benchmarks.registry import Part, Row, Series, at_most, measures

HOME = ROOT / "tests" / "homes" / "2026-11-home.tar.xz"
PYTHON = [sys.executable, "-c", "pass"]

STARTUP = Part("startup", "Starting", "These take only a moment, so there are three times as many rounds as elsewhere.")
SIXTEEN = "60 % of what it took in November 2026, 27 times Python's own start: a look at a home must feel immediate."


@measures(
    STARTUP,
    Row(name="help", what="`archiver --help`", unit="ms", ours="ours", peer="python", against="`python -c pass`",
        goal=at_most(2.5),
        reason="Help should cost little more than Python itself: it was 4.8 times when every module was imported."),
)  # fmt: skip
def help_text(bench: Bench) -> Iterator[Series]:
    """Time the help, in turn with Python's own start."""
    for _ in bench.rounds():
        for _ in range(3):
            yield {"python": timed(PYTHON) * 1000, "ours": timed([*ARCHIVER, "--help"]) * 1000}


@measures(
    STARTUP,
    *(
        Row(name=name.replace(" ", "-"), what=f"`archiver {name}` on a home of a few captures", unit="ms", ours=name, peer="python",
            against="`python -c pass`", goal=at_most(16), reason=SIXTEEN)
        for name in ("find", "show", "case list")
    ),
)  # fmt: skip
def looks(bench: Bench) -> Iterator[Series]:
    """Time `find`, `show` and `case list`, each in turn with Python's own start."""
    with tarfile.open(HOME) as packed:
        packed.extractall(bench.folder, filter="data")
    home = bench.folder / "home"
    capture = next(home.glob("captures/*/*/*/*")).name
    program = [*ARCHIVER, "--home", str(home)]
    commands = {"find": ["find", "text"], "show": ["show", capture], "case list": ["case", "list"]}
    timed([*program, "catalog", "rebuild"])
    for _ in bench.rounds():
        for _ in range(3):
            taken = {name: timed([*program, *words]) * 1000 for name, words in commands.items()}
            yield {"python": timed(PYTHON) * 1000, **taken}
