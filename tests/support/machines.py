"""Machines of their own: processes that share only a database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from archiver.home.home import Home
from archiver.recorder.network import TestNetwork
from tests.conftest import plain_home
from tests.support.jobs import PROGRAM


class Machine:
    """A home and the workers on it."""

    def __init__(self, folder: Path, url: str, network: TestNetwork, within: Sequence[str] = ()) -> None:
        """`within`: what its commands begin with, for a machine that is a network namespace."""
        plain_home(folder)
        self.within = within
        self.path, self.url, self.network = folder, url, network
        self.log = folder.parent / f"{folder.name}.log"
        self.home = Home(folder, environment={"ARCHIVER_JOBS": url})

    def work(self, *words: str) -> subprocess.Popen[bytes]:
        roots = self.network.roots
        assert roots is not None
        routes = {key: list(value) for key, value in self.network.routes.items()}
        order = {"home": str(self.path), "routes": routes, "roots": str(roots.path), "words": words}
        program = PROGRAM.replace("network, {}", f"network, {{'ARCHIVER_JOBS': {self.url!r}}}")
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.within, sys.executable, "-c", program, json.dumps(order)], stdout=log, stderr=log
            )

    def captures(self) -> list[str]:
        home = Home(self.path)
        home.project()
        return [row["id"] for row in home.catalog.captures()]
