"""Machines of their own: processes that share only a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from archiver.home.home import Home
from archiver.recorder.network import TestNetwork
from tests.conftest import plain_home
from tests.support.forked import Command, Forked
from tests.support.jobs import HURRIED


class Machine:
    """A home and the workers on it."""

    def __init__(
        self,
        folder: Path,
        url: str,
        network: TestNetwork,
        forked: Callable[[Command], Forked],
        namespace: str | None = None,
        constants: Mapping[str, float] = HURRIED,
    ) -> None:
        """`namespace`: where its commands run, for a machine that is a network namespace; `constants`: what they find there."""
        plain_home(folder)
        self.path, self.url, self.network = folder, url, network
        self.log = folder.parent / f"{folder.name}.log"
        self.home = Home(folder, environment={"ARCHIVER_JOBS": url})
        self._forked, self._namespace, self.constants = forked, namespace, constants

    def work(self, *words: str) -> Forked:
        """Start a worker."""
        command = ("work", "--at-once", "2", "--home", str(self.path), *words)
        environment = {"ARCHIVER_JOBS": self.url}
        return self._forked(Command(command, self.network, self.log, environment, self.constants, self._namespace))

    def captures(self) -> list[str]:
        home = Home(self.path)
        home.project()
        return [row["id"] for row in home.catalog.captures()]
