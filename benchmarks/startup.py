"""How long short commands take, against Python itself: what a person waits for at each look."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / "tests" / "homes" / "2026-11-home.tar.xz"
ROUNDS = 15
"""More than elsewhere: each takes a blink."""
GOAL = "<= 16"
"""60 % of what they took in November 2026: 27 times Python's own start."""


def looks(row: Callable[[str, str, str, str], None]) -> None:
    """Measure `find`, `show` and `case list` on a home with a few captures, each in turn with `python -c pass`."""
    with tempfile.TemporaryDirectory(prefix="archiver-start-") as folder:
        with tarfile.open(HOME) as packed:
            packed.extractall(folder, filter="data")
        home = Path(folder) / "home"
        capture = next(home.glob("captures/*/*/*/*")).name
        program = [str(Path(sys.executable).with_name("archiver")), "--home", str(home)]
        commands = {"find": ["find", "text"], "show": ["show", capture], "case list": ["case", "list"]}
        _timed([*program, "catalog", "rebuild"])
        bare: list[float] = []
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            bare.append(_timed([sys.executable, "-c", "pass"]))
            for name, words in commands.items():
                times[name].append(_timed([*program, *words]))
    for name, seconds in times.items():
        ratio = statistics.median(seconds) / statistics.median(bare)
        row(f"archiver {name}", f"{statistics.median(seconds):.3f} s", f"{ratio:.1f} × python -c pass", GOAL)


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start
