"""Export and check of a case of two gigabytes, against `cp` with `openssl`, `wacz create`, `fastwarc check`, `warcio check`."""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.__main__ import Stage

ROOT = Path(__file__).parents[1]
WACZ = ROOT / ".venv-replay" / "bin" / "wacz"
ROUNDS = min(3, int(os.environ.get("BENCH_ROUNDS", "5")))
FILMS, FILM = 20, 100_000_000
Row = Callable[[str, str, str, str], None]


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} [{min(values):.2f}-{max(values):.2f}]"


def measured(*words: str | Path) -> tuple[float, float]:
    """(seconds, most memory in MB of it and its children) of a whole process."""
    with tempfile.NamedTemporaryFile("r") as said:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", said.name, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            check=False,
        )
        took = time.perf_counter() - start
        if done.returncode not in (0, 6):  # 6: intact, by a signer that nobody named
            raise SystemExit(f"{words[:4]} ended with {done.returncode}:\n{done.stdout[-2000:].decode()}")
        return took, float(said.read())


def case_of_two_gigabytes(stage: Stage) -> Path:
    """A home with twenty captures of pages with a video of 100 MB."""
    from benchmarks.media import new_home, ours, timed

    www = stage.folder / "www"
    source = random.Random(11)
    for number in range(FILMS):
        with open(www / f"film{number}.mp4", "wb") as out:
            for _ in range(FILM // 10**6):
                out.write(source.randbytes(10**6))
        (www / f"film{number}.html").write_text(
            f'<!doctype html><title>Film {number}</title><h1>Film {number}</h1><video src="/film{number}.mp4"></video>'
        )
    home = new_home(stage.folder)
    network = {"routes": json.dumps({"bench.example:443": ["127.0.0.2", stage.tls]}), "roots": str(stage.roots)}
    links = [f"https://bench.example/film{number}.html" for number in range(FILMS)]
    timed(ours(home, network, ["capture", *links, "--case", "large"]), cwd=ROOT)
    for number in range(FILMS):
        (www / f"film{number}.mp4").unlink()
    return home


def packages(stage: Stage, row: Row) -> None:
    archiver = Path(sys.executable).parent / "archiver"
    home = case_of_two_gigabytes(stage)
    warcs = sorted(home.rglob("*.warc.gz"))
    total = sum(path.stat().st_size for path in warcs)
    assert total > FILMS * FILM, "the films were not kept"
    export, memory, copy, synced, peer = [], [], [], [], []
    package = stage.folder / "out" / "large"
    for number in range(ROUNDS):
        shutil.rmtree(package.parent, ignore_errors=True)
        words = ["--profile", "full", "--no-encrypt", "--yes", "--to", package.parent, "--name", "large"]
        took, most = measured(archiver, "export", "large", "--home", home, *words)
        export.append(took)
        memory.append(most)
        out = Path(tempfile.mkdtemp(dir=stage.folder))
        start = time.perf_counter()
        subprocess.run(["cp", "-r", home / "captures", out], check=True)
        subprocess.run(["openssl", "dgst", "-sha256", *warcs], check=True, stdout=subprocess.DEVNULL)
        copy.append(time.perf_counter() - start)
        subprocess.run(["sync", "-f", out], check=True)
        synced.append(time.perf_counter() - start)
        shutil.rmtree(out)
        if not number and WACZ.exists():
            made = stage.folder / "theirs.wacz"
            start = time.perf_counter()
            subprocess.run([WACZ, "create", "-o", made, *warcs], check=True, stdout=subprocess.DEVNULL)
            peer.append(time.perf_counter() - start)
            made.unlink()
    ratios = [a / b for a, b in zip(export, copy, strict=True)]
    what = (
        "export of a case of 2 GB (WACZ, media once more by name, proofs, report, search, check) vs cp + openssl dgst"
    )
    row(what, f"{spread(export)} s / {spread(copy)} s", spread(ratios), "≤ 2")
    late = [a / b for a, b in zip(export, synced, strict=True)]
    row("  … where the copy too is brought to the disk", f"{spread(synced)} s", spread(late), "–")
    row("  … peak memory, children included", f"{max(memory):.0f} MB", "", "< 200 MB")
    if peer:
        fast = f"{peer[0] / statistics.median(export):.1f} × its speed"
        row("  … vs wacz create (one round)", f"{peer[0]:.1f} s", fast, "≥ 7 ×")
    _checks(row, archiver, package, warcs)
    shutil.rmtree(package.parent)
    shutil.rmtree(home.parent)


def _checks(row: Row, archiver: Path, package: Path, warcs: list[Path]) -> None:
    mine, script, fast, theirs, memory = [], [], [], [], []
    tools = Path(sys.executable).parent
    for _ in range(ROUNDS):
        took, most = measured(archiver, "check", package)
        mine.append(took)
        memory.append(most)
        took, most = measured(sys.executable, "-I", package / "check.py", package)
        script.append(took)
        memory.append(most)
        fast.append(measured(tools / "fastwarc", "check", "-q", *warcs)[0])
        theirs.append(measured(tools / "warcio", "check", *warcs)[0])
    row(
        "check of that package (4 GB: every file, record, line, proof): time vs fastwarc check on its WARC files",
        f"{spread(mine)} s / {spread(fast)} s",
        spread([a / b for a, b in zip(mine, fast, strict=True)]),
        "≤ 1",
    )
    row(
        "check.py on that package vs warcio check on its WARC files",
        f"{spread(script)} s / {spread(theirs)} s",
        spread([a / b for a, b in zip(script, theirs, strict=True)]),
        "≤ 1",
    )
    row("  … peak memory of both", f"{max(memory):.0f} MB", "", "< 200 MB")
