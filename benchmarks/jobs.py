"""The queue: overhead of a job, a hundred thousand that wait, and fifty links through it against `capture --list`."""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import ROOT, Row, Stage, spread
from benchmarks.homes import new_home, ours, timed

ROUNDS = 3
LINKS = 50
WAITING = 100_000


def queue_of(folder: Path) -> str:
    return f"sqlite:///{Path(tempfile.mkdtemp(dir=folder)) / 'queue.sqlite'}"


def emptied(url: str, count: int, at_once: int = 8) -> float:
    """Seconds until a worker whose jobs do nothing has taken `count` more of them."""
    from archiver.jobs.queue import AttemptResult, JobAttempt, serve

    taken, enough = 0, threading.Event()
    turn = threading.Lock()

    def nothing(order: JobAttempt) -> AttemptResult:
        nonlocal taken
        with turn:
            taken += 1
            if taken >= count:
                enough.set()
        return AttemptResult("done", "captured", None)

    begun = time.perf_counter()
    end = serve(url, "bench/1", at_once, nothing, lambda: datetime.now(UTC))
    enough.wait()
    seconds = time.perf_counter() - begun
    end(30)
    return seconds


def a_long_queue(stage: Stage, row: Row) -> None:
    """What a job costs beside what it does; and whether a long queue makes anything slower."""
    from archiver.jobs.job import Job
    from archiver.jobs.queue import Queue

    def jobs(first: int, count: int) -> list[Job]:
        return [
            Job(f"20261128T17{n // 100 % 10000:04d}-{n:08d}", "capture", f"https://x.example/{n}")
            for n in range(first, first + count)
        ]

    url = queue_of(stage.folder)
    queue = Queue(url)

    def asked(work: Callable[[], object]) -> float:
        times = []
        for _ in range(7):
            before = time.perf_counter()
            work()
            times.append((time.perf_counter() - before) * 1000)
        return statistics.median(times)

    begun = time.perf_counter()
    queue.add(jobs(0, 1000))
    adding = time.perf_counter() - begun
    few = asked(lambda: queue.jobs(limit=50)), asked(queue.counts)
    overhead = emptied(url, 1000)
    row(
        "a job beside what it does, one worker",
        f"{adding + overhead:.1f} ms queued and done",
        f"{overhead:.1f} ms done",
        "< 50 ms",
    )
    begun = time.perf_counter()
    queue.add(jobs(1000, WAITING))
    long_adding = (time.perf_counter() - begun) / WAITING * 1000
    many = asked(lambda: queue.jobs(limit=50)), asked(queue.counts)
    row(f"{WAITING:,} jobs wait: list 50 of them, count them, ms (1,000 wait)",
        f"{many[0]:.0f}, {many[1]:.0f} ({few[0]:.0f}, {few[1]:.0f})", f"{many[0] / few[0]:.2f}", "flat")  # fmt: skip
    row(
        f"queueing one when {WAITING:,} wait, ms (when few do)",
        f"{long_adding:.2f} ({adding:.2f})",
        f"{long_adding / adding:.2f}",
        "flat",
    )
    long_ = emptied(url, 1000)
    row(f"taking one of {WAITING:,}, ms (of 1,000)", f"{long_:.2f} ({overhead:.2f})", f"{long_ / overhead:.2f}", "flat")
    queue.close()


def links_through_the_queue(stage: Stage, row: Row) -> None:
    """50 links whose host answers after 200 ms: `jobs add` and `work --drain` against `capture --list`."""
    film = stage.folder / "small.bin"
    film.write_bytes(bytes(20_000))
    host = socket.gethostname()
    command = [sys.executable, "-m", "benchmarks.latency", "127.0.0.1", "0.2", str(film)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    network = {"routes": json.dumps({f"{host}:{port}": ["127.0.0.1", port]}), "roots": str(stage.roots)}
    links = stage.folder / "links.txt"
    links.write_text("".join(f"http://{host}:{port}/p{number}\n" for number in range(LINKS)))
    mine, theirs = [], []
    try:
        for _ in range(ROUNDS):
            home = new_home(stage.folder)
            words = links.read_text().split()
            begun = time.perf_counter()
            timed(ours(home, network, ["jobs", "add", *words]), cwd=ROOT)
            timed(ours(home, network, ["work", "--drain", "--at-once", "8"]), cwd=ROOT)
            mine.append(time.perf_counter() - begun)
            shutil.rmtree(home.parent)
            home = new_home(stage.folder)
            theirs.append(timed(ours(home, network, ["capture", "--list", str(links), "--at-once", "8"]), cwd=ROOT))
            shutil.rmtree(home.parent)
    finally:
        server.kill()
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    row(
        f"{LINKS} links at 200 ms through the queue, time vs capture --list, 8 at once",
        f"{spread(mine)} s / {spread(theirs)} s",
        spread(ratios),
        "≤ 1.3",
    )
