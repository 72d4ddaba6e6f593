"""A process that has everything imported and forks a child for each line it reads: the child works until it is killed.

Input, one JSON object a line: {"home", "log", "routes", "roots"}, {"reap": pid} or {"ended": pid}. Output: a line each, the
child's pid, `reaped`, or its exit code, which is empty while it runs.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

EXTRACTORS = "TESTS_EXTRACTORS"
"""The words that start an extractor, as JSON: in the tests that has one forked off a warm process."""


def work(order: dict[str, Any]) -> None:
    import archiver.capture.session
    import archiver.cli.capture_options
    from archiver.cli.main import main
    from archiver.recorder.exchange import ExchangeDone
    from archiver.recorder.network import TestNetwork
    from archiver.recorder.tls import Roots

    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    original = archiver.capture.session.CaptureSession._exchange_done

    def done(self: Any, item: ExchangeDone) -> None:
        """The client has seen the end of the exchange: from here on it must survive anything."""
        if item.complete and item.record is not None:
            seen = {
                "capture": self.context.capture_id,
                "id": item.record.record_id,
                "digest": item.record.payload_digest,
            }
            os.write(log, json.dumps(seen).encode() + b"\n")
        original(self, item)

    archiver.capture.session.CaptureSession._exchange_done = done  # type: ignore[method-assign]
    options = archiver.cli.capture_options.CaptureOptions
    archiver.cli.capture_options.CaptureOptions = lambda **given: options(**{"part_posts": 15, **given})  # type: ignore[assignment,misc]
    network = TestNetwork(
        {key: (value[0], value[1]) for key, value in order["routes"].items()}, Roots(Path(order["roots"]), "test")
    )
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = open(order["log"] + ".err", "a")  # noqa: SIM115
    while True:
        main(
            ["capture", "https://big.example/film.html", "https://t.me/ozen_today/16", "--home", order["home"]],
            network,
            {},
        )
        main(["crawl", "https://t.me/s/ozen_today", "--home", order["home"]], network, {})
        with open(order["log"]) as lines:
            capture = json.loads(lines.readline())["capture"]
        main(["note", capture, "seen", "--home", order["home"]], network, {})


def captured_once() -> None:
    """One capture before the first fork: everything that is imported on the way is then there, and children start at once."""
    from archiver.cli.main import main
    from spiders.page.parse import parse

    parse(
        b"<html><body><article><p>"
        + b"Words enough for the article to be found. " * 20
        + b"</p></article></body></html>"
    )
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(sys.stderr):
        main(["capture", "https://nowhere.invalid/", "--home", f"{scratch}/home", "--json"], None, {})


def serve() -> None:
    captured_once()
    fork_for_each_line(work)


def fork_for_each_line(work: Callable[[dict[str, Any]], None]) -> None:
    """Fork a child that works for each line of standard input, and say its pid; reap a child that was killed, and say so."""
    if words := os.environ.get(EXTRACTORS):
        from archiver.tools import ytdlp_pool

        ytdlp_pool.worker_command = lambda: json.loads(words)
        ytdlp_pool.runtime = lambda: None
    gc.collect()
    gc.freeze()  # a child then neither walks what was imported nor copies its pages, at its end least of all
    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            os.waitpid(order["reap"], 0)
            print("reaped", flush=True)
            continue
        if "ended" in order:
            gone, status = os.waitpid(order["ended"], os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if gone else "", flush=True)
            continue
        child = os.fork()
        if child == 0:
            work(order)
            os._exit(0)
        print(child, flush=True)


class Zygote:
    """The process, as tests see it."""

    def __init__(self, module: str = "tests.support.zygote", environment: Mapping[str, str] | None = None) -> None:
        """`environment`: what its own has beside that of the tests."""
        from archiver.tools import ytdlp_pool
        from tests.support.soak import SOAK

        command = [sys.executable, "-m", module]
        extractors = {} if SOAK else {EXTRACTORS: json.dumps(ytdlp_pool.worker_command())}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **extractors, **(environment or {})},
        )

    def _ask(self, order: dict[str, Any]) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def start(self, order: dict[str, Any]) -> int:
        return int(self._ask(order))

    def ended(self, child: int) -> int | None:
        """The exit code of a child; None while it runs. To be asked no more once it was given."""
        return int(said) if (said := self._ask({"ended": child})) else None

    def kill(self, child: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        self._ask({"reap": child})

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


if __name__ == "__main__":
    serve()
