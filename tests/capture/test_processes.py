"""Real processes on one home: side by side, and stopped by a person."""

from __future__ import annotations

import json
import multiprocessing
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from archiver.capture.services import shared_slots
from archiver.checks import check_home, worst
from archiver.demo.server import Answer, Asked, Platforms
from archiver.home.home import Home
from archiver.ratelimit.shared_slots import SharedSlots
from archiver.ratelimit.stores import SqliteStore
from archiver.seal.recovery import recover
from archiver.signer.local import LocalSigner
from storage.errors import EvidenceError
from storage.sqlite import open_database
from storage.state import State
from tests.conftest import World

ROOT = Path(__file__).parents[2]


def start(served: Platforms, *words: str) -> subprocess.Popen[str]:
    assert served.network.roots is not None
    network = json.dumps({"routes": dict(served.network.routes), "roots": str(served.network.roots.path)})
    command = [sys.executable, "-m", "tests.support.command_child", network, *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_on_one_home(home: Home, world: World) -> None:
    words = ["--home", str(home.path), "--json", "capture"]
    running = [
        start(world.served, *words, f"https://t.me/ozen_today/{n}", f"https://t.me/ozen_today/{n + 10}")
        for n in (12, 22)
    ]
    results = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        results += [json.loads(line) for line in out.splitlines()]
    assert [result["outcome"] for result in results] == ["captured"] * 4
    assert len({result["event"] for result in results}) == 4
    assert worst(check_home(home.path)) == 0


def _open_together(folder: Path, rounds: int, together: Barrier, troubles: SimpleQueue[str]) -> None:
    for n in range(rounds):
        together.wait(60)
        try:
            open_database(folder / str(n) / "state.sqlite", "state_", "").close()
        except EvidenceError as error:
            troubles.put(str(error))


def test_processes_that_open_a_new_database_at_the_same_moment(tmp_path: Path) -> None:
    """Both the migrations and the switch to WAL are races: three processes go through the same door, forty times."""
    spawn = multiprocessing.get_context("spawn")
    together, troubles = spawn.Barrier(3), spawn.SimpleQueue()
    opening = [spawn.Process(target=_open_together, args=(tmp_path, 40, together, troubles)) for _ in range(3)]
    for process in opening:
        process.start()
    for process in opening:
        process.join(120)
    assert [process.exitcode for process in opening] == [0] * 3
    assert troubles.empty(), troubles.get()


class Stalling:
    """A page whose film never ends until the gate opens, another that does not end itself, and a sign that it has begun."""

    def __init__(self, folder: Path) -> None:
        self.gate, self.begun = threading.Event(), threading.Event()

        def site(asked: Asked) -> Answer:
            if asked.path == "/film.mp4":
                self.begun.set()
                return Answer(content_type="video/mp4", body=bytes(3_000_000), gate=self.gate)
            if asked.path == "/slow":
                self.begun.set()
                return Answer(body=b"<html>" + bytes(1_000_000), gate=self.gate)
            return Answer(body=b"<html><body><p>film</p><video src='/film.mp4'></video></body></html>")

        self.served = Platforms(folder, {"film.example": site})

    def close(self) -> None:
        self.gate.set()
        self.served.stop()


@pytest.fixture
def stalling(tmp_path: Path) -> Iterator[Stalling]:
    made = Stalling(tmp_path / "stalling")
    yield made
    made.close()


def test_ctrl_c_once(home: Home, stalling: Stalling) -> None:
    process = start(stalling.served, "--home", str(home.path), "--json", "capture", "https://film.example/")
    assert stalling.begun.wait(60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    result = json.loads(out.splitlines()[-1])
    assert (result["outcome"], result["reason"]) == ("partial", "interrupted by the person")
    assert "Press Ctrl-C again" in err
    assert "Traceback" not in err
    assert worst(check_home(home.path)) == 0
    assert not home.state.open_captures()


def test_ctrl_c_cuts_a_page_that_does_not_end(home: Home, stalling: Stalling) -> None:
    process = start(stalling.served, "--home", str(home.path), "--json", "capture", "https://film.example/slow")
    assert stalling.begun.wait(60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=25)
    result = json.loads(out.splitlines()[-1])
    assert (process.returncode, result["outcome"], result["reason"]) == (2, "partial", "interrupted by the person"), err
    assert result["bytes"] > 0
    assert worst(check_home(home.path)) == 0
    assert not home.state.open_captures()


def test_ctrl_c_twice_gives_the_slots_back(home: Home, stalling: Stalling) -> None:
    process = start(stalling.served, "--home", str(home.path), "capture", "https://film.example/slow")
    assert stalling.begun.wait(60)
    slots = shared_slots(home)
    assert [one["running"] for one in slots.standing()] == [1]
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "Press Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 4
    assert slots.standing() == []
    slots.leave()
    assert len(recover(home, LocalSigner(home))) == 1


def test_ctrl_c_twice_stops_at_once_and_loses_nothing(home: Home, stalling: Stalling) -> None:
    process = start(stalling.served, "--home", str(home.path), "--json", "capture", "https://film.example/")
    assert stalling.begun.wait(60)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (2, 4), err  # the first may already have ended it
    assert "Traceback" not in err
    done = recover(home, LocalSigner(home))
    home.project()
    assert len(done) + len(home.catalog.captures()) >= 1
    assert worst(check_home(home.path)) == 0


def test_threads_of_a_process_are_not_locked_out_by_another_connection(tmp_path: Path) -> None:
    """A thread that reads keeps no other thread from writing, while somebody else writes into the same file."""
    state, other = State(tmp_path / "state.sqlite"), SqliteStore(tmp_path / "state.sqlite")
    for number in range(300):
        state.capture_opened(f"c{number}", "f", "o", ["inbox"])
    failed: list[BaseException] = []
    over = threading.Event()

    def beside(work: Callable[[int], object]) -> threading.Thread:
        def run() -> None:
            number = 0
            while not over.is_set():
                number += 1
                try:
                    work(number)
                except sqlite3.OperationalError as error:
                    failed.append(error)
                    over.set()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    turns = SharedSlots(other, "h", 0.0, 10**9)
    threads = [
        beside(lambda n: state.open_captures()), beside(lambda n: state.open_captures()),
        beside(lambda n: state.capture_opened(f"x{n % 50}", "f", "o", ["inbox"])), beside(lambda n: turns.take(f"host{n % 9}")),
    ]  # fmt: skip
    over.wait(3.0)
    over.set()
    for thread in threads:
        thread.join()
    state.close()
    assert not failed
