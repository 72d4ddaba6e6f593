"""Commands in processes of their own that start at once: forked off a process that has everything imported.

Each is a process like any other: it can be killed and stopped, has memory, threads and connections of its own, and ends as
Python ends. Only the second of processor time that imports take is spent once, and not for each.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver.recorder.network import TestNetwork
from tests.support.zygote import Zygote, captured_once, fork_for_each_line

CLONE_NEWNET = 0x4000_0000


@dataclass(frozen=True)
class Command:
    """A command, and what its process is to find."""

    words: Sequence[str]
    network: TestNetwork
    log: Path
    """What it says is added to this file."""
    environment: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    """`module.NAME` → the value that it has there."""
    namespace: str | None = None
    """The network namespace in which it runs, where that is not the tests' own."""

    def order(self) -> dict[str, Any]:
        """Return it as JSON can carry it."""
        roots = self.network.roots
        return {
            "words": list(self.words), "log": str(self.log), "environment": dict(self.environment), "constants": dict(self.constants),
            "routes": {key: list(value) for key, value in self.network.routes.items()}, "telegram": self.network.telegram,
            "roots": str(roots.path) if roots is not None else None, "namespace": self.namespace,
        }  # fmt: skip


class Forked:
    """A process, as its test sees it; as `subprocess.Popen` does it."""

    def __init__(self, zygote: Zygote, command: Command) -> None:
        self._zygote = zygote
        command.log.touch()  # so that whoever started it can read there at once
        self.pid = zygote.start(command.order())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self._zygote.ended(self.pid)
        return self.returncode

    def wait(self, timeout: float = 120.0) -> int:
        """Wait for the end; return the exit code. Raises `subprocess.TimeoutExpired`."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(["archiver"], timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def work(order: dict[str, Any]) -> None:
    """Run the command; end as a process of its own would, with all that Python does then."""
    from archiver.cli.main import main
    from archiver.recorder.tls import Roots

    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(here, number)
    if order["namespace"] is not None:
        enter(order["namespace"])
    for name, value in order["constants"].items():
        module, _, constant = name.rpartition(".")
        assert hasattr(importlib.import_module(module), constant), name
        setattr(importlib.import_module(module), constant, value)
    roots = Roots(Path(order["roots"]), "test") if order["roots"] else None
    routes = {key: (value[0], value[1]) for key, value in order["routes"].items()}
    raise SystemExit(main(order["words"], TestNetwork(routes, roots, telegram=order["telegram"]), order["environment"]))


def enter(namespace: str) -> None:
    """Move this process, which has one thread, into a network namespace (setns(2), `ip netns`)."""
    place = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(place, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"the network namespace {namespace}")
    os.close(place)


def serve() -> None:
    import dbos  # noqa: F401 - imported before the first fork, like all that follows
    import psycopg  # noqa: F401
    import telethon  # noqa: F401

    import archiver.jobs.run_worker
    import archiver.telegram.driver  # noqa: F401
    from archiver.cli.parser import module_of

    for command in ("capture", "crawl", "watch", "work"):
        module_of(command)
    captured_once()
    fork_for_each_line(work)


if __name__ == "__main__":
    sys.exit(serve())
