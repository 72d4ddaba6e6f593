"""The queue: overhead of a job, a hundred thousand that wait, fifty links through it against `capture --list`."""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.homes import new_home, no_roots, ours
from benchmarks.processes import first_line, running, timed
from benchmarks.registry import Part, Row, Series, at_most, measures

if TYPE_CHECKING:
    from archiver.jobs.job import Job

QUEUE = Part(
    "queue", "A long queue", "SQLite.", "To count the jobs, one index entry is read for each: 27 ms for 100,000."
)
QUEUED = Part(
    "queued",
    "Links through the queue",
    "`jobs add` and `work --drain`, against `capture --list`; their host answers after 200 ms.",
    """Starting the two commands takes 2.7 s; 1.1 s of this is `jobs add` creating the database of the queue. Ending
takes 2 s, because the threads of DBOS check only once a second whether to end. The rest is the jobs, at 36 ms each.
For a worker that runs for months, only the time per job matters.""",
)
FEW = "when 1,000 wait"
FLAT = "A queue fills while nobody looks: a long one must not slow anything. Flat, within what this machine varies by."


def _emptied(url: str, count: int) -> float:
    """Return the seconds until a worker whose jobs do nothing has taken `count` more of them."""
    from archiver.jobs.queue import AttemptResult, JobAttempt, Queue, serve

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
    queue = Queue(url)
    queue.begin_serving(8)
    queue.close()
    end = serve(url, "bench/1", nothing, lambda: datetime.now(UTC))
    enough.wait()
    seconds = time.perf_counter() - begun
    end(30)
    return seconds


def _jobs(first: int, count: int) -> list[Job]:
    from archiver.jobs.job import Job

    return [
        Job(f"20261128T17{n // 100 % 10000:04d}-{n:08d}", "capture", f"https://x.example/{n}")
        for n in range(first, first + count)
    ]


def _asked(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        before = time.perf_counter()
        work()
        times.append((time.perf_counter() - before) * 1000)
    return statistics.median(times)


@measures(
    QUEUE,
    Row(name="job", what="a job beside what it does, queued and done by one worker", unit="ms", ours="job",
        goal=at_most(50, "value"), reason="A capture takes seconds: keeping account of it must not show."),
    Row(name="list", what="list 50 jobs when 100,000 wait", unit="ms", ours="list, many", peer="list, few", against=FEW,
        goal=at_most(1.3), reason=FLAT),
    Row(name="count", what="count them", unit="ms", ours="count, many", peer="count, few", against=FEW,
        reason="No goal: one index entry a job is read."),
    Row(name="add", what="queue one when 100,000 wait", unit="ms", ours="add, many", peer="add, few", against="when few do",
        goal=at_most(1.3), reason=FLAT),
    Row(name="take", what="take one of 100,000", unit="ms", ours="take, many", peer="take, few", against="of 1,000",
        goal=at_most(1.3), reason=FLAT),
)  # fmt: skip
def long_queue(bench: Bench) -> Iterator[Series]:
    """See what a job costs beside what it does, and whether a long queue makes anything slower."""
    from archiver.jobs.queue import Queue

    few, many = bench.size(1000), bench.size(100_000)
    url = f"sqlite:///{bench.folder / 'queue.sqlite'}"
    queue = Queue(url)
    begun = time.perf_counter()
    queue.add(_jobs(0, few))
    seen = {"add, few": (time.perf_counter() - begun) / few * 1000}
    seen |= {"list, few": _asked(lambda: queue.jobs(limit=50)), "count, few": _asked(queue.counts)}
    seen["take, few"] = _emptied(url, few) / few * 1000
    seen["job"] = seen["add, few"] + seen["take, few"]
    begun = time.perf_counter()
    queue.add(_jobs(few, many))
    seen["add, many"] = (time.perf_counter() - begun) / many * 1000
    seen |= {"list, many": _asked(lambda: queue.jobs(limit=50)), "count, many": _asked(queue.counts)}
    seen["take, many"] = _emptied(url, few) / few * 1000
    queue.close()
    yield seen


@measures(
    QUEUED,
    Row(name="links", what="50 links at 200 ms through the queue, 8 at once", unit="s", ours="queued", peer="list",
        against="`capture --list`", goal=at_most(1.3), reason="Who queues should not pay for it with a third more time."),
)  # fmt: skip
def through_the_queue(bench: Bench) -> Iterator[Series]:
    """Queue links and drain the queue, in turn with a list."""
    from archiver.demo.media import video

    film = bench.folder / "small.mp4"  # a real one: what is none is asked for twice
    film.write_bytes(video(bench.folder / "film", 1, 440, "64x48")[0])
    host, links = socket.gethostname(), bench.folder / "links.txt"
    with running([sys.executable, "-m", "benchmarks.children.latency", "127.0.0.1", "0.2", film]) as server:
        port = int(first_line(server))
        routes = json.dumps({f"{host}:{port}": ["127.0.0.1", port]})
        network = {"routes": routes, "roots": no_roots(bench)}
        names = [f"http://{host}:{port}/p{number}" for number in range(bench.size(50))]
        links.write_text("\n".join(names))

        def taken(*commands: list[str]) -> float:
            home: Path = new_home(bench)
            seconds = sum(timed(ours(home, network, command)) for command in commands)
            shutil.rmtree(home.parent)
            return seconds

        for _ in bench.rounds(most=3):
            yield {
                "queued": taken(["jobs", "add", *names], ["work", "--drain", "--at-once", "8"]),
                "list": taken(["capture", "--list", str(links), "--at-once", "8"]),
            }
