"""Locks between processes, and the branch for Windows with a stand-in for what only Windows has."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from storage import locks

HOLD = "import fcntl,sys;f=open(sys.argv[1]);fcntl.flock(f,int(sys.argv[2]));print(flush=True);sys.stdin.read()"


def test_a_lock_of_another_process(tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "lock"
    path.touch()
    with open(path, "rb") as stream:
        for kind, alone, beside in ((fcntl.LOCK_EX, False, False), (fcntl.LOCK_SH, False, True)):
            command = [sys.executable, "-c", HOLD, str(path), str(int(kind))]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
                assert other.stdout
                other.stdout.readline()
                assert locks.lock(stream.fileno(), wait=False) is alone
                assert locks.lock(stream.fileno(), shared=True, wait=False) is beside
                fcntl.flock(stream, fcntl.LOCK_UN)
                other.communicate(b"")
        assert locks.lock(stream.fileno(), wait=False), "it ended with the other process"
        assert locks.lock(stream.fileno())


def test_a_file_system_without_locks_is_no_other_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("storage.locks.fcntl.flock", none)
    with open(tmp_path / "lock", "wb") as stream, pytest.raises(OSError, match="no locks"):
        locks.lock(stream.fileno(), wait=False)


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, list[int]]:
    """The module as Windows would load it."""
    held: list[int] = []

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count, os.lseek(descriptor, 0, os.SEEK_CUR)) == (2, 1, 0)
        if held and held[0] > 0:
            held[0] -= 1
            raise OSError(errno.EACCES, "held elsewhere")

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("locks_of_windows", locks.__file__)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    return module, held


def test_the_branch_of_windows(on_windows: tuple[ModuleType, list[int]], tmp_path: Path) -> None:
    module, held = on_windows
    with open(tmp_path / "lock", "w+b") as stream:
        stream.write(b"12")
        stream.flush()
        assert module.lock(stream.fileno(), wait=False)
        held.append(1)
        assert not module.lock(stream.fileno(), wait=False)
        held[0] = 3
        assert module.lock(stream.fileno()), "it is tried again until it is free"
        assert held == [0]


def test_nothing_else_locks_files() -> None:
    root = Path(locks.__file__).parents[1]
    users = [
        path.relative_to(root).as_posix()
        for room in ("archiver", "storage", "spiders")
        for path in (root / room).rglob("*.py")
        if "fcntl.flock" in path.read_text("utf-8")
    ]
    assert sorted(users) == ["archiver/checks/home.py", "storage/locks.py"], (
        "the check shares no code with what it checks"
    )
