"""Opening SQLite with migrations: WAL, foreign keys, numbered `.sql` files, each applied once."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from storage.errors import CatalogError, DiskError, disk_error
from storage.locks import lock


def connect(path: Path, next_step: str, durable: bool = True) -> sqlite3.Connection:
    """Open the database at `path` for reading and writing; an empty one is made where there is none.

    Raises `CatalogError` where the file is not a sound database, `DiskError` where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, f"opening {path.name}") from error
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        _write_ahead(connection, path)
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        if refused := refused_by_disk(error, path):
            raise refused from error
        if not os.access(path.parent, os.W_OK):  # SQLite says no more than that it cannot open the file
            raise disk_error(OSError(errno.EROFS, str(error), str(path)), f"opening {path.name}") from error
        raise CatalogError(f"a sound {path.name}", str(error), next_step) from error
    return connection


def read_only(path: Path) -> str:
    """Return the URI by which SQLite reads `path` and writes nothing beside it, also on a disk that takes nothing."""
    log = path.with_name(f"{path.name}-wal")
    still = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if still else ''}"


def connect_read_only(path: Path, next_step: str) -> sqlite3.Connection:
    """Open the database at `path` for reading. Raises `CatalogError` where it is not sound or cannot be read."""
    try:
        connection = sqlite3.connect(read_only(path), uri=True, isolation_level=None, check_same_thread=False)
        connection.execute("SELECT COUNT(*) FROM sqlite_master")
    except sqlite3.Error as error:
        raise CatalogError(f"a sound {path.name} that can be read", str(error), next_step) from error
    return connection


def open_database(path: Path, migrations: str, next_step: str, durable: bool = True) -> sqlite3.Connection:
    """Open the database at `path` and migrate it. `migrations`: prefix of the file names below storage/sql.

    Raises `CatalogError` where the file is not a sound database, `DiskError` where it cannot be written.
    """
    connection = connect(path, next_step, durable)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        scripts = sorted(
            entry.name for entry in resources.files("storage.sql").iterdir() if entry.name.startswith(migrations)
        )
        if version > len(scripts):
            raise CatalogError(
                f"a {path.name} of version {len(scripts)} or older",
                f"version {version}",
                "Use a newer archiver.",
            )
        if version < len(scripts):
            _migrate(connection, scripts)
    except sqlite3.Error as error:
        connection.close()
        raise refused_by_disk(error, path) or CatalogError(f"a sound {path.name}", str(error), next_step) from error
    return connection


def refused_by_disk(error: sqlite3.Error, path: Path) -> DiskError | None:
    """Tell a full or failing disk from an unsound database, which SQLite's errors have in common."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return None
    number = errno.ENOSPC if code == sqlite3.SQLITE_FULL or _is_full(path.parent) else errno.EIO
    return disk_error(OSError(number, str(error), str(path)), f"writing {path.name}")


def _is_full(folder: Path) -> bool:
    try:
        said = os.statvfs(folder)
    except OSError:
        return False
    return said.f_bavail * said.f_frsize < 1 << 20


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    """The first switch of a database to WAL does not wait for others that do the same: one after the other."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        lock(folder)
        connection.execute("PRAGMA journal_mode=WAL")
    except OSError as error:
        raise disk_error(error, f"locking the folder of {path.name}") from error
    finally:
        os.close(folder)


def _migrate(connection: sqlite3.Connection, scripts: list[str]) -> None:
    """Apply what is missing, in one transaction.

    The version is read again once the lock is held: another process may have opened the same new database
    at the same moment. (`executescript` cannot be used for that, it ends a transaction that is open.)
    """
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back whatever was raised
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for name in scripts[version:]:
            for statement in _statements(resources.files("storage.sql").joinpath(name).read_text("utf-8")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={max(version, len(scripts))}")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


class Serial:
    """A connection that several threads use: one statement, or one transaction, at a time, and its rows read at once.

    A statement whose rows are still being read holds a snapshot; a write of another thread over the same connection
    would then fail at once ("database is locked") where another process has written meanwhile, whatever the timeout.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """`path`: of the database. Whatever it does raises `DiskError` where the disk is full or fails."""
        self._connection, self._path = connection, path
        self._turn = threading.RLock()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Run one statement and read all its rows. Raises `sqlite3.Error`."""
        with self._turn, self._disk():
            return Rows(self._connection.execute(sql, values).fetchall())

    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each tuple of values. Raises `sqlite3.Error`."""
        with self._turn, self._disk():
            self._connection.executemany(sql, values)

    def __enter__(self) -> Serial:
        self._turn.acquire()
        self._connection.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            with self._disk():
                self._connection.__exit__(*error)
        finally:
            self._turn.release()

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if refused := refused_by_disk(error, self._path):
                raise refused from error
            raise

    def close(self) -> None:
        """Close the connection, after the statement or transaction that has its turn."""
        with self._turn:
            self._connection.close()


class Rows(list[tuple[Any, ...]]):
    """The rows of a statement, as a cursor gives them."""

    def fetchone(self) -> Any:
        """Return the first row, each time; None where there is none."""
        return self[0] if self else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all the rows."""
        return self
