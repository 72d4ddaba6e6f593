"""Commands in processes of their own that meet a fault of the disk, or are killed, at one certain call that writes.

`disk_faults.c` stands between the process and the C library. It counts calls by kind, of files below one folder only, SQLite's
among them; at the call that was chosen it gives an error in place of doing what was asked, or kills the process.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import need
from tests.support import forked
from tests.support.forked import Command, Forked
from tests.support.zygote import Zygote, captured_once, fork_for_each_line

SOURCE = Path(__file__).with_name("disk_faults.c")
KILL = -1
ALWAYS = 1 << 40


class Call(IntEnum):
    """What a process asks for where it writes; in the order of `disk_faults.c`."""

    CREATE = 0
    WRITE = 1
    SYNC = 2
    RENAME = 3
    UNLINK = 4
    MKDIR = 5
    LOCK = 6
    LINK = 7
    TRUNCATE = 8


ERRORS: dict[Call, tuple[int, ...]] = {
    Call.CREATE: (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES),
    Call.WRITE: (errno.EIO, errno.ENOSPC),
    Call.SYNC: (errno.EIO, errno.ENOSPC),
    Call.RENAME: (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES),
    Call.UNLINK: (errno.EIO, errno.EROFS, errno.EACCES),
    Call.MKDIR: (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES),
    Call.LOCK: (errno.ENOLCK, errno.EIO),
    Call.LINK: (errno.EIO, errno.EPERM),
    Call.TRUNCATE: (errno.EIO, errno.ENOSPC),
}
"""What each call may answer on a disk that fails, is full, read-only, without locks or not ours."""


@dataclass(frozen=True)
class Fault:
    """From the call number `first` of its kind on, `times` calls give `error`; `KILL` kills the process at the first."""

    call: Call
    error: int
    first: int
    times: int = 1

    def __str__(self) -> str:
        said = "kill" if self.error == KILL else errno.errorcode[self.error]
        return f"{said} at {self.call.name.lower()} {self.first}{' and after' if self.times == ALWAYS else ''}"


@dataclass(frozen=True)
class Met:
    """What a command came to: its exit code, what it said, its calls by kind (none where it was killed), faults it met."""

    code: int
    said: str
    calls: dict[Call, int]
    faults: int
    ended: bool = True
    """Whether it came to its end by itself, and in time."""


class FaultyDisk:
    """Runs commands whose disk fails below `folder`."""

    def __init__(self, zygote: Zygote, folder: Path, scratch: Path) -> None:
        self._zygote, self._folder, self._scratch = zygote, folder, scratch

    def run(self, command: Command, fault: Fault | None = None, timeout: float = 120.0) -> Met:
        """Run a command to its end. One that does not come to it is ended as a person would, by SIGTERM."""
        process = self.start(command, fault)
        try:
            code, ended = process.wait(timeout), True
        except subprocess.TimeoutExpired:
            process.terminate()
            ended = False
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
        return replace(self.met(command, code), ended=ended)

    def start(self, command: Command, fault: Fault | None = None) -> Forked:
        self._kept.unlink(missing_ok=True)
        return Forked(self._zygote, _Faulty(command, fault, self._folder, self._kept))  # type: ignore[arg-type]

    def met(self, command: Command, code: int) -> Met:
        """Return what became of a command that has ended; its log is taken."""
        said = command.log.read_text("utf-8", "replace")
        command.log.unlink()
        kept = json.loads(self._kept.read_bytes()) if self._kept.exists() else {"calls": [], "met": 0}
        calls = {Call(kind): number for kind, number in enumerate(kept["calls"])}
        return Met(code, said, calls, kept["met"])

    @property
    def _kept(self) -> Path:
        return self._scratch / "calls.json"


@dataclass(frozen=True)
class _Faulty:
    """A command with its fault, as its process is told of it."""

    command: Command
    fault: Fault | None
    below: Path
    kept: Path

    @property
    def log(self) -> Path:
        return self.command.log

    def order(self) -> dict[str, Any]:
        fault = self.fault
        said = [int(fault.call), fault.error, fault.first, fault.times] if fault else [-1, 0, 0, 0]
        return {**self.command.order(), "fault": said, "below": str(self.below), "kept": str(self.kept)}


@contextmanager
def faulty_disk(folder: Path, scratch: Path) -> Iterator[FaultyDisk]:
    """Build the library, and start the process that commands are forked from. `scratch`: outside of `folder`."""
    if not sys.platform.startswith("linux"):
        pytest.skip("faults of the disk are put between a process and the C library of Linux only")
    library = scratch / "disk_faults.so"
    build = [need("gcc"), "-std=gnu11", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(build, check=True, timeout=60)
    zygote = Zygote("tests.support.disk_faults", {"LD_PRELOAD": str(library)})
    try:
        yield FaultyDisk(zygote, folder, scratch)
    finally:
        zygote.close()


def work(order: dict[str, Any]) -> None:
    """Run the command with its fault; keep how many calls there were."""
    os.environ.pop("LD_PRELOAD", None)  # what it starts meets none
    library = ctypes.CDLL(None)
    for name in ("disk_faults_count", "disk_faults_met"):
        getattr(library, name).restype = ctypes.c_long
    call, error, first, times = order["fault"]
    below = os.path.realpath(order["below"]).encode()
    library.disk_faults_set(below, call, error, ctypes.c_long(first), ctypes.c_long(times))
    try:
        forked.work(order)
    finally:
        calls = [library.disk_faults_count(kind) for kind in range(len(Call))]
        Path(order["kept"]).write_text(json.dumps({"calls": calls, "met": library.disk_faults_met()}))


def serve() -> None:
    from archiver.cli.parser import module_of
    from archiver.cli.registry import COMMANDS

    for command in COMMANDS:
        module_of(command)
    import dbos  # noqa: F401 - imported before the first fork
    import telethon  # noqa: F401

    import archiver.jobs.run_worker
    import archiver.telegram.driver  # noqa: F401

    captured_once()
    fork_for_each_line(work)


if __name__ == "__main__":
    sys.exit(serve())
