"""What SQLite and locks say of a disk that is full or fails: an error that says so, and no advice to take a database away."""

from __future__ import annotations

import errno
import fcntl
import json
import sqlite3
from pathlib import Path
from typing import NoReturn

import pytest

from archiver.cli.context import Context
from archiver.cli.main import main
from archiver.ratelimit.stores import SqliteStore
from storage.catalog import Catalog
from storage.errors import DiskError
from storage.files import Lock
from storage.sqlite import open_database
from storage.state import RunState, State

FULL = {
    sqlite3.SQLITE_FULL: "Free some space",
    sqlite3.SQLITE_IOERR: "Look at the disk",
    sqlite3.SQLITE_IOERR_WRITE: "Look at the disk",
}
RUN = RunState("20260101T000000-walkwalk", "page:x", 1, None, False, {})


class Refusing:
    """A connection over which nothing can be written any more."""

    def __init__(self, real: sqlite3.Connection, code: int) -> None:
        self._real, self._code = real, code
        self.in_transaction = False

    def execute(self, *given: object) -> NoReturn:
        error = sqlite3.OperationalError("as the test wants it")
        error.sqlite_errorcode = self._code  # type: ignore[misc]
        raise error

    def close(self) -> None:
        self._real.close()


@pytest.mark.parametrize(("code", "said"), FULL.items())
def test_what_is_written_to_state_and_catalog(tmp_path: Path, code: int, said: str) -> None:
    state = State(tmp_path / "state.sqlite")
    state._connection._connection = Refusing(state._connection._connection, code)  # type: ignore[assignment]
    with pytest.raises(DiskError, match=said) as caught:
        state.save_run(RUN)
    assert "state.sqlite away" not in str(caught.value)
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog._connection = Refusing(catalog._connection, code)  # type: ignore[assignment]
    with pytest.raises(DiskError, match=said):
        catalog.size()
    store = SqliteStore(tmp_path / "state.sqlite")
    store._connection = Refusing(store._connection, code)  # type: ignore[assignment]
    with pytest.raises(DiskError, match=said), store.transaction():
        pass


def test_opening_a_database_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sqlite.sqlite3.connect", lambda *given, **more: Refusing(None, sqlite3.SQLITE_FULL))  # type: ignore[arg-type]
    monkeypatch.setattr(Refusing, "close", lambda self: None)
    with pytest.raises(DiskError, match="Free some space"):
        open_database(tmp_path / "state.sqlite", "state_", "Move state.sqlite away.")


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*given: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none_left)
    with pytest.raises(DiskError, match="file system gives locks"):
        Lock(tmp_path / ".lock").acquire()
    with pytest.raises(DiskError, match="file system gives locks"):
        State(tmp_path / "state.sqlite")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.EIO, "Input/output error"), 4),
        (OSError(errno.ENOSPC, "No space left on device"), 4),
        (OSError(errno.EROFS, "Read-only file system", "/home/x"), 4),
        (OSError(errno.ENOLCK, "No locks available"), 4),
        (PermissionError(errno.EACCES, "Permission denied", "/home/x"), 4),
        (PermissionError(errno.EACCES, "Permission denied"), 7),
        (OSError(errno.EINVAL, "Invalid argument"), 7),
    ],
)
def test_a_call_that_nobody_foresaw(
    error: OSError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the disk's refusal, with what to do, wherever it is met; of rights, only those to a file."""

    def refused(context: Context) -> NoReturn:
        raise ExceptionGroup("of two", [error])

    monkeypatch.setattr("archiver.cli.commands.find.run", refused)
    assert main(["find", "x", "--json"], None, {}) == code
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"] == ("DiskError" if code == 4 else "ProgramFault")
    assert ("Traceback" in shown.err) == (code == 7)
