"""Runs trials, each in a process of its own: what one breaks, leaves behind or holds in memory is not the next one's."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.registry import Row, Trial
from benchmarks.results import Result, Run

Said = Callable[[Trial, Row, Result], None]


def run(trials: Sequence[Trial], rounds: int, small: bool, say: Said) -> Iterator[Run]:
    """Run trials one after the other; yield after each what is known so far. `say` is told each row by itself."""
    made = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")
    so_far = Run(made, commit(), machine(), rounds, small, [])
    with tempfile.TemporaryDirectory(prefix="archiver-bench-") as folder:
        shared = Path(folder) / "made"
        shared.mkdir()
        for trial in trials:
            own = Path(folder) / "trial"
            own.mkdir()
            command = [sys.executable, "-m", "benchmarks.trial", trial.name, str(shared), str(own), str(rounds)]
            for row, result in measured(trial, [*command, *(["--small"] if small else [])], own / "said.jsonl"):
                so_far.results.append(result)
                say(trial, row, result)
            shutil.rmtree(own, ignore_errors=True)
            yield so_far


def measured(trial: Trial, command: Sequence[str], said: Path) -> list[tuple[Row, Result]]:
    """Run the process of a trial, which writes what it measures line by line; return the result of each row."""
    said.touch()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=errors, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            code = process.wait()
        finally:  # with its servers
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        errors.seek(0)
        told = errors.read().decode("utf-8", "replace").strip()
    lines = [json.loads(line) for line in said.read_text("utf-8").splitlines()]
    error = ""
    if code:
        error = told.rpartition("\n")[2].strip()[:500] or f"ended with {code}"
        sys.stderr.write(f"{trial.name} failed:\n{told[-3000:]}\n")
    missing = "; ".join(dict.fromkeys(line["missing"] for line in lines if "missing" in line))
    taken = [line["series"] for line in lines if "series" in line]

    def samples(name: str) -> list[float]:
        return [series[name] for series in taken if name in series]

    return [
        (row, Result(trial.id_of(row), samples(row.ours), samples(row.peer) if row.peer else [], error, missing))
        for row in trial.rows
    ]


def commit() -> str:
    """Return the commit that is measured, with a plus where files were changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    made_here = [":!docs/reference/benchmarks.json", ":!docs/reference/benchmarks.md"]
    changed = git("status", "--porcelain", "-uno", "--", ".", *made_here)
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def machine() -> dict[str, str]:
    """Describe the machine as far as it matters to the figures."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load at the beginning": f"{os.getloadavg()[0]:.1f}",
    }
