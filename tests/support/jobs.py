"""Workers and queues for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from archiver.capture.engine import CaptureEngine
from archiver.capture.result import CaptureResult
from archiver.jobs.job import Job
from archiver.jobs.queue import AttemptResult, Queue
from archiver.jobs.worker import Worker
from tests.conftest import Shell, World

POST, FILM = "https://t.me/ozen_today/12", "https://t.me/ozen_today/16"

PROGRAM = """
import json, sys
from pathlib import Path
from archiver.cli.main import main
from archiver.recorder.network import TestNetwork
from archiver.recorder.tls import Roots
order = json.loads(sys.argv[1])
network = TestNetwork({key: tuple(value) for key, value in order["routes"].items()}, Roots(Path(order["roots"]), "test"))
raise SystemExit(main(["work", "--at-once", "2", "--home", order["home"], *order["words"]], network, {}))
"""


def worker_of(shell: Shell, world: World, *words: str) -> subprocess.Popen[bytes]:
    roots = world.network.roots
    assert roots is not None
    routes = {key: list(value) for key, value in world.network.routes.items()}
    order = {"home": str(shell.home), "routes": routes, "roots": str(roots.path), "words": words}
    log = (shell.home.parent / "worker.log").open("ab")
    return subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps(order)], stdout=log, stderr=log)


class NobodyListens:
    """Hears what a worker tells, and does nothing."""

    def attempt_ended(self, job: Job, result: AttemptResult) -> None:
        return

    def attempt_broke(self, job: Job, reason: str) -> None:
        return

    def captured(self, result: CaptureResult) -> None:
        return

    def warned(self, text: str) -> None:
        return

    def found(self, kind: str, detail: Mapping[str, Any], cases: Sequence[str]) -> None:
        return


def worker_for(engine: CaptureEngine, queue: Queue) -> Worker:
    """A worker on the running loop, whom nobody listens to."""
    return Worker(engine, queue, engine.signer, NobodyListens())


def until(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
