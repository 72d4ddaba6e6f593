"""What a trial is handed: a folder, how often and how large to measure, the peers, and a site to fetch from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.site import Site

PEERS = {
    "warcprox": ".venv-bench/bin/warcprox",
    "aws": ".venv-bench/bin/aws",
    "auto-archiver": ".venv-auto/bin/auto-archiver",
    "wacz": ".venv-replay/bin/wacz",
}
"""Programs in environments of their own. All others are looked for on PATH."""


class Bench:
    """The conditions of one trial. `made` is shared by the trials of a run, `folder` is this trial's own."""

    def __init__(self, made: Path, folder: Path, rounds: int, small: bool, say_missing: Callable[[str], None]) -> None:
        self.made, self.folder, self.small, self._rounds = made, folder, small, rounds
        self.say_missing = say_missing

    def rounds(self, most: int | None = None) -> range:
        """Return the rounds: as many as asked for, or fewer of what takes minutes."""
        return range(self._rounds if most is None else min(most, self._rounds))

    def size(self, full: int) -> int:
        """Return how much to measure: all, or a hundredth where only a look at the rows was asked for."""
        return max(1, full // 100) if self.small else full

    def peer(self, name: str) -> str | None:
        """Return the path of a peer, or None and have it said with the rows."""
        found = _program(name)
        if found is None:
            self.say_missing(f"{name} is not installed; scripts/setup.sh bench installs it")
        return found

    def need(self, name: str) -> str:
        """Return the path of a program without which nothing can be measured. Ends the trial where it is missing."""
        found = _program(name)
        if found is None:
            raise SystemExit(f"{name} is not installed; scripts/setup.sh bench installs it")
        return found

    @cached_property
    def site(self) -> Site:
        """Start nginx, at the first use."""
        return Site(self.made, self.folder, self.need("nginx"), self.size(10**9))

    def new_folder(self) -> Path:
        """Make an empty folder for a round."""
        return Path(tempfile.mkdtemp(dir=self.folder))


def _program(name: str) -> str | None:
    if name in PEERS:
        path = ROOT / PEERS[name]
        return str(path) if path.exists() else None
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/bin:/usr/bin")
