"""Three machines on one PostgreSQL, killed, stopped and cut off at random: no job lost, what is there twice is marked, limits kept.

Each is a network namespace with a wire of its own: cut, everything is swallowed, or only what comes from the database. The
pages count by themselves how many are asked for at once. CI does a sample in which all waits are a quarter as long, those that
the blows try and those of the program; `make soak` two thousand jobs (EVIDENCE_JOBS_COUNT) at the pace of a day's work.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from archiver.home.home import Home
from archiver.jobs.job import Job
from archiver.jobs.queue import Queue, database
from archiver.jobs.shared_state import BEAT_SECONDS, SILENT_SECONDS
from archiver.ratelimit.shared_slots import BEAT_SECONDS as SLOT_BEAT_SECONDS
from archiver.ratelimit.shared_slots import HOLDER_SECONDS
from archiver.recorder.network import TestNetwork, default_roots
from archiver.seal.recovery import recover
from archiver.signer.local import LocalSigner
from tests.support.forked import Command, Forked
from tests.support.jobs import until
from tests.support.machines import Machine
from tests.support.namespaces import Wire, wired
from tests.support.postgres import Server, served
from tests.support.soak import seeded

CONCURRENCY = 4
"""`[sites] concurrency` of every home, and so of all of them together."""


class Counted:
    """Pages that know how many of them are asked for at once."""

    def __init__(self, address: str) -> None:
        self.running = self.most = 0
        turn = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with turn:
                    outer.running += 1
                    outer.most = max(outer.most, outer.running)
                time.sleep(0.15)  # as long as a page takes
                body = f"<html><body><p>{self.path} is a page with a few words.</p></body></html>".encode()
                with turn:
                    outer.running -= 1
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.address = (address, int(self._server.server_address[1]))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


BLOWS = ("kill", "stop", "cut", "cut from the database", "database")
SHORT, LONG = 3.0, 45.0
"""Seconds that a cut or a stop lasts at most: one after which everything goes on, one in which the work is taken over."""
WAITS = {
    "archiver.jobs.heartbeat.BEAT_SECONDS": BEAT_SECONDS, "archiver.jobs.shared_state.SILENT_SECONDS": SILENT_SECONDS,
    "archiver.ratelimit.limiter.BEAT_SECONDS": SLOT_BEAT_SECONDS, "archiver.ratelimit.shared_slots.HOLDER_SECONDS": HOLDER_SECONDS,
}  # fmt: skip
"""What decides when somebody is taken for dead."""


@dataclass(frozen=True)
class Pace:
    """How fast all that waits goes."""

    times: float = 1.0
    patience: str = ""
    """What the link to the database says of its time limits."""

    @property
    def constants(self) -> dict[str, float]:
        """Return what the machines find in the place of the program's constants."""
        return {name: seconds / self.times for name, seconds in WAITS.items()}


DAYS = Pace()
QUICK = Pace(4.0, "?connect_timeout=2&tcp_user_timeout=4000&keepalives_idle=1&keepalives_interval=1&keepalives_count=3")


def campaign(
    tmp_path: Path,
    forked: Callable[[Command], Forked],
    count: int,
    blows: list[tuple[str, float]],
    seed: int,
    pace: Pace = DAYS,
) -> None:
    """`blows`: what happens, one after the other, to a machine that chance chooses, and for how many seconds."""
    with wired(3) as (wires, address, other), served(address) as server:
        chance, pages = random.Random(seed), Counted(other)
        network = TestNetwork({"pages.example:80": pages.address}, default_roots())
        url = server.database() + pace.patience
        machines = [
            Machine(tmp_path / f"home-{n}", url, network, forked, wire.name, pace.constants)
            for n, wire in enumerate(wires)
        ]
        queue = Queue(database(Home(machines[0].path, environment={"ARCHIVER_JOBS": url})))
        jobs = [
            Job(f"20261128T17{n // 100 % 100:02d}{n % 100 % 60:02d}-{n:08d}", "capture", f"http://pages.example/{n}")
            for n in range(count)
        ]
        queue.add(jobs)
        workers = [machine.work() for machine in machines]
        for what, seconds in blows:
            done = queue.counts().get("done", 0)
            deadline = time.monotonic() + 40
            while (
                queue.counts().get("done", 0) < min(count, done + count // (len(blows) + 2))
                and time.monotonic() < deadline
            ):
                time.sleep(0.1)
            number = chance.randrange(3)
            strike(what, seconds / pace.times, workers[number], wires[number], server)
            if workers[number].poll() is not None:
                workers[number] = machines[number].work()
        deadline = time.monotonic() + 120 + count
        while time.monotonic() < deadline:
            counts = queue.counts()
            for one in queue.jobs(
                "later", 1000
            ):  # asked while nobody could know the limits: not again only in a minute
                queue.retry(one)
            if not counts.get("waiting", 0) + counts.get("running", 0) + counts.get("later", 0):
                break
            for number, worker in enumerate(workers):
                if worker.poll() is not None:  # it came up while the database was away, and ended with that
                    workers[number] = machines[number].work()
            time.sleep(0.5)
        time.sleep(1.2 * BEAT_SECONDS / pace.times)  # a beat, in which what was carried out while cut off is told
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait(60)
        check(machines, queue, jobs, pages)
        queue.close()
        pages.close()


def strike(what: str, seconds: float, worker: Forked, wire: Wire, server: Server) -> None:
    if what == "kill":
        worker.kill()
        worker.wait()
    elif what == "stop":
        worker.send_signal(signal.SIGSTOP)
        time.sleep(seconds)  # how long things last is what is tried here
        worker.send_signal(signal.SIGCONT)
    elif what == "cut":
        wire.cut()
        time.sleep(seconds)
        wire.mend()
    elif what == "cut from the database":
        wire.cut(server.address)
        time.sleep(seconds)
        wire.mend(server.address)
    else:
        server.stop()
        server.start()


def check(machines: list[Machine], queue: Queue, jobs: list[Job], pages: Counted) -> set[str]:
    """The captures that are marked as duplicates."""
    standing = {one.job.id: one for one in queue.jobs(limit=100_000)}
    assert set(standing) == {job.id for job in jobs}, "a job is lost"
    open_ = [(one.state, one.attempt, one.outcome, one.reason) for one in standing.values() if one.state != "done"]
    assert open_ == [], "a job is not done"
    held: dict[str, Home] = {}
    marked: set[str] = set()
    for machine in machines:
        home = Home(machine.path)
        recover(home, LocalSigner(home))
        home.project()
        held |= {row["id"]: home for row in home.catalog.captures()}
        marked |= {c for body in home.catalog.event_bodies(("duplicate",)) for c in body["detail"]["captures"]}
    said = {capture for one in standing.values() for capture in one.captures}
    assert said <= set(held), "what the queue names is sealed somewhere"
    whole: dict[str, list[str]] = {}
    for capture, home in held.items():
        row = home.catalog.capture(capture)
        assert row is not None
        if row["outcome"] == "captured":
            whole.setdefault(row["target"], []).append(capture)
    assert set(whole) == {job.link for job in jobs}, "a page is not there"
    twice = {capture for captures in whole.values() for capture in captures[0:] if len(captures) > 1}
    assert twice - said - marked == set(), "something is there twice and not marked"
    assert 2 <= pages.most <= CONCURRENCY, f"{pages.most} were asked for at once"
    print(
        f"\n{len(jobs)} jobs, {len(held)} captures on three machines, {len(marked)} marked as duplicates, {pages.most} at once at most"
    )
    return marked


def test_three_machines(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    campaign(tmp_path, forked, 30, [(what, SHORT) for what in BLOWS] + [("cut", LONG)], seeded(11), QUICK)


def test_a_machine_that_loses_the_database_says_so_and_marks_what_it_captured_meanwhile(
    tmp_path: Path, forked: Callable[[Command], Forked]
) -> None:
    with wired(2) as (wires, address, other), served(address) as server:
        pages, url = Counted(other), server.database() + QUICK.patience
        network = TestNetwork({"pages.example:80": pages.address}, default_roots())
        first, second = (
            Machine(tmp_path / f"home-{n}", url, network, forked, wire.name, QUICK.constants)
            for n, wire in enumerate(wires)
        )
        queue = Queue(database(Home(first.path, environment={"ARCHIVER_JOBS": url})))
        jobs = [Job(f"20261128T170000-{n:08d}", "capture", f"http://pages.example/{n}") for n in range(4)]
        queue.add(jobs)
        workers = [first.work()]
        until(lambda: pages.running == 2)
        wires[0].cut(address)
        begun = time.monotonic()
        workers.append(second.work())
        until(lambda: queue.counts() == {"done": 4}, 90)
        assert time.monotonic() - begun < 60, "taken over within a minute"
        assert SILENT_SECONDS + 2 * BEAT_SECONDS < 60, "at the pace of a day's work too"
        until(lambda: "Tried again until it answers" in first.log.read_text(), 30)
        wires[0].mend(address)
        until(lambda: "the queue answers again" in first.log.read_text(), 30)
        until(lambda: not Home(first.path).state.claims(), 30)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait(60)
        assert check([first, second], queue, jobs, pages), "what it captured while it could not say so"
        queue.close()
        pages.close()


ASKS = """
import faulthandler, sys
from concurrent.futures import ThreadPoolExecutor
faulthandler.dump_traceback_later(80)
from archiver.jobs.queue import Queue
from archiver.ratelimit.stores import PostgresStore, patient
from storage.errors import Unreachable
link = patient(sys.argv[1])
queue, store = Queue(link.replace("postgresql:", "postgresql+psycopg:")), PostgresStore(sys.argv[1])
def asked():
    with store.transaction() as rows:
        rows.now()
tries = {"board": queue.shared.workers.all, "queue": queue.jobs, "limits": asked}
for one in tries.values():
    one()
print("ready", flush=True)
sys.stdin.readline()
def try_(name):
    try:
        tries[name]()
    except Unreachable:
        return f"{name} unreachable"
with ThreadPoolExecutor(3) as side_by_side:
    for said in side_by_side.map(try_, tries):
        print(said, flush=True)
"""


def test_a_network_that_swallows_everything_is_noticed(started: list[Any]) -> None:
    """TCP by itself would wait a quarter of an hour on a connection that stands."""
    with wired(1) as ((wire,), address, _), served(address) as server:
        asks = subprocess.Popen(
            [*wire.words, sys.executable, "-c", ASKS, server.database()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(asks)
        assert asks.stdin is not None
        assert asks.stdout is not None
        assert asks.stdout.readline() == "ready\n"
        wire.cut()
        said, _ = asks.communicate("\n", timeout=90)
        assert said.split("\n")[:-1] == ["board unreachable", "queue unreachable", "limits unreachable"]


@pytest.mark.soak("machines")
def test_three_machines_and_two_thousand_jobs(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    chance = random.Random(seeded(12))
    blows = [(chance.choice(BLOWS), chance.uniform(0.0, LONG if chance.random() < 0.3 else SHORT)) for _ in range(60)]
    campaign(tmp_path, forked, int(os.environ.get("EVIDENCE_JOBS_COUNT", "2000")), blows, seeded(12))
