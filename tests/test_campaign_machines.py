"""Three machines on one PostgreSQL, killed, stopped and cut off at random: no job lost, what is there twice is marked, limits kept.

Each reaches the database through a forwarder of its own, which can be cut. The pages count by themselves how many are asked for at
once. CI does a sample; `make soak` two thousand jobs (ARCHIVER_JOBS_COUNT).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archiver.demo.server import Platforms
from archiver.home import Home
from archiver.jobs.engine import Queue
from archiver.jobs.job import Job
from archiver.jobs.work import database
from archiver.recorder import TestNetwork
from archiver.seal import recover
from tests.postgres import served
from tests.test_many_machines import Machine

CONCURRENCY = 4
"""`[sites] concurrency` of every home, and so of all of them together."""


class Forwarder:
    """A way to the database that can be cut: what is under way is closed, what is new is refused."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open = True
        self._pairs: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            if not self._open:
                client.close()
                continue
            try:
                upstream = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._pairs |= {client, upstream}
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for one in (source, sink):
            self._pairs.discard(one)
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self._open = False
        for one in list(self._pairs):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._open = True


class Counted:
    """Pages that know how many of them are asked for at once."""

    def __init__(self) -> None:
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

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = ("127.0.0.1", int(self._server.server_address[1]))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


def campaign(tmp_path: Path, started: list[Any], count: int, blows: int, seed: int) -> None:
    chance, pages = random.Random(seed), Counted()
    platforms = Platforms(tmp_path / "platforms", {})
    network = TestNetwork({**platforms.network.routes, "pages.example:80": pages.address}, platforms.network.roots)
    world = SimpleNamespace(network=network, served=platforms)
    with served() as server:
        url = server.database()
        ways = [Forwarder(server.port) for _ in range(3)]
        machines = [
            Machine(tmp_path / f"home-{n}", url.replace(f":{server.port}/", f":{way.port}/"), world)  # type: ignore[arg-type]
            for n, way in enumerate(ways)
        ]
        queue = Queue(database(Home(machines[0].path, environment={"ARCHIVER_JOBS": url})))
        jobs = [
            Job(f"20261128T17{n // 100 % 100:02d}{n % 100 % 60:02d}-{n:08d}", "capture", f"http://pages.example/{n}")
            for n in range(count)
        ]
        queue.add(jobs)
        workers: list[subprocess.Popen[bytes]] = [machine.work() for machine in machines]
        started += workers
        for _ in range(blows):
            done = queue.counts().get("done", 0)
            deadline = time.monotonic() + 40
            while (
                queue.counts().get("done", 0) < min(count, done + count // (blows + 2)) and time.monotonic() < deadline
            ):
                time.sleep(0.1)
            number = chance.randrange(3)
            what = chance.choice(["kill", "cut", "stop", "database"])
            if what == "kill":
                workers[number].kill()
                workers[number].wait()
                workers[number] = machines[number].work()
                started.append(workers[number])
            elif what == "cut":
                ways[number].cut()
                time.sleep(chance.uniform(0.0, 3.0))  # the length is what is random here
                ways[number].mend()
            elif what == "stop":
                workers[number].send_signal(signal.SIGSTOP)
                time.sleep(chance.uniform(0.0, 3.0))
                workers[number].send_signal(signal.SIGCONT)
            else:
                server.stop()
                server.start()
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
                    started.append(workers[number])
            time.sleep(0.5)
        time.sleep(6.0)  # a beat, in which what was carried out while cut off is told
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait(60)
        check(machines, queue, jobs, pages)
        queue.close()
    platforms.stop()
    pages.close()


def check(machines: list[Machine], queue: Queue, jobs: list[Job], pages: Counted) -> None:
    standing = {one.job.id: one for one in queue.jobs(limit=100_000)}
    assert set(standing) == {job.id for job in jobs}, "a job is lost"
    assert {one.state for one in standing.values()} == {"done"}
    held: dict[str, Home] = {}
    marked: set[str] = set()
    for machine in machines:
        home = Home(machine.path)
        recover(home)
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


def test_three_machines(tmp_path: Path, started: list[Any]) -> None:
    campaign(tmp_path, started, count=90, blows=5, seed=11)


@pytest.mark.soak
def test_three_machines_and_two_thousand_jobs(tmp_path: Path, started: list[Any]) -> None:
    campaign(tmp_path, started, count=int(os.environ.get("ARCHIVER_JOBS_COUNT", "2000")), blows=60, seed=12)
