"""Where slots at hosts are kept: SQLite within a home, PostgreSQL among machines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl, quote, urlencode

from storage.errors import CatalogError, DiskError, Unreachable
from storage.sqlite import connect_read_only, open_database, refused_by_disk
from storage.times import system_clock


class Transaction(Protocol):
    """A connection within one transaction."""

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        `?` stands for a value; `{hosts}`, `{holders}` and `{held}` for the tables, which each database names its own
        way; `{lock}` ends a SELECT that is to keep others from the row.
        """

    def now(self) -> float:
        """Return the seconds since 1970 by the database's clock."""


class Store(Protocol):
    """A database that others use at the same time. Raises `EvidenceError` where it cannot be asked."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction, committed at the end and rolled back on an exception. Raises `EvidenceError`."""

    def close(self) -> None:
        """Close the connection."""


class SqliteStore:
    """Limits in `state.sqlite`, over a connection of their own that does not wait for the disk: none has to survive a crash."""

    NAMES: ClassVar = {"hosts": "turn_hosts", "holders": "turn_holders", "held": "turns_held", "lock": ""}

    def __init__(self, path: Path) -> None:
        step = "Move state.sqlite away and run it again."
        self._path, self._begin = path, "BEGIN IMMEDIATE"
        try:
            self._connection = open_database(path, "state_", step, durable=False)
        except DiskError:  # it can still be looked at
            if not path.exists():
                raise
            self._connection, self._begin = connect_read_only(path, step), "BEGIN"

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement, its table names filled in from `NAMES`, and return its rows."""
        return self._connection.execute(sql.format_map(self.NAMES), values).fetchall()

    def now(self) -> float:
        """Return the seconds since 1970 by the clock of this machine, which all processes of the home share."""
        return system_clock().timestamp()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction; where it may write, it locks out other writers at once. Raises `CatalogError`, `DiskError`."""
        try:
            self._connection.execute(self._begin)
            with self._connection:
                yield self
        except sqlite3.Error as error:
            raise refused_by_disk(error, self._path) or CatalogError(
                "a state.sqlite that can be read and written", str(error), "Check the disk, then run the command again."
            ) from error

    def close(self) -> None:
        """Close the connection to `state.sqlite`."""
        self._connection.close()


SCHEMA = """
CREATE TABLE IF NOT EXISTS {hosts} (host TEXT PRIMARY KEY, next_start DOUBLE PRECISION NOT NULL, quiet_until DOUBLE PRECISION NOT NULL);
CREATE TABLE IF NOT EXISTS {holders} (holder TEXT PRIMARY KEY, until DOUBLE PRECISION NOT NULL);
CREATE TABLE IF NOT EXISTS {held} (host TEXT NOT NULL, holder TEXT NOT NULL, running INTEGER NOT NULL, PRIMARY KEY (host, holder));
"""
FROZEN = "-c idle_in_transaction_session_timeout=5000"
"""A machine that freezes in the middle of a transaction would keep its rows, and so all others, for as long as it is frozen."""

PATIENCE = {
    "connect_timeout": "5", "tcp_user_timeout": "15000",
    "keepalives_idle": "5", "keepalives_interval": "5", "keepalives_count": "3",
}  # fmt: skip
"""A network that swallows what is sent says nothing: a connection on which nothing is confirmed for some 15 s is given up, and
made anew. TCP by itself waits a quarter of an hour, and the worker with it. (PostgreSQL, libpq, 34.1.2 "Parameter Key Words".)"""

SCHEMA_LOCK = 0x6172_6368
"""Number of the advisory lock under which the tables are made, by one process at a time."""


def patient(link: str, options: str = FROZEN) -> str:
    """Return a link to PostgreSQL with time limits added, so that nobody waits for ever.

    What the link itself says of these things stands. `options`: settings of the server for this connection.
    """
    place, _, query = link.partition("?")
    said = dict(parse_qsl(query))
    asked = {**PATIENCE, **said, "options": " ".join(filter(None, (options, said.get("options"))))}
    return f"{place}?{urlencode(asked, quote_via=quote)}"


class PostgresStore:
    """Slots in PostgreSQL. Connects when it is first asked, and again after the server was away."""

    NAMES: ClassVar = {
        "hosts": "archiver_turn_hosts", "holders": "archiver_turn_holders", "held": "archiver_turns_held",
        "lock": " FOR UPDATE",
    }  # fmt: skip
    """The database may be others' too: the tables say whose they are."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement, its table names filled in from `NAMES`, and return its rows, if it gives any."""
        cursor = self._connection.execute(sql.format_map(self.NAMES).replace("?", "%s"), values)
        return list(cursor.fetchall()) if cursor.description else []

    def now(self) -> float:
        """Return the seconds since 1970 by the server's clock, which moves on within a transaction."""
        return float(self.ask("SELECT extract(epoch FROM clock_timestamp())")[0][0])

    def _connected(self) -> Any:
        import psycopg

        if self._connection is None or self._connection.closed:
            made = psycopg.connect(patient(self._url, f"-c statement_timeout=15000 {FROZEN}"))
            with made.transaction():
                made.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
                made.execute(SCHEMA.format_map(self.NAMES))
            made.commit()
            self._connection = made
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction; connect first, once more where the server was restarted. Raises `Unreachable`."""
        import psycopg

        try:
            try:
                self._connected().execute("SELECT 1")
                self._connection.rollback()
            except psycopg.OperationalError:  # it was restarted meanwhile: once more, from the beginning
                self.close()
                self._connected()
            with self._connection.transaction():
                yield self
        except psycopg.Error as error:
            self.close()
            raise Unreachable(
                "the shared limits of all machines ([jobs] database)",
                f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"[:200],
                "Check that PostgreSQL runs; until it answers, no host is contacted.",
            ) from error

    def close(self) -> None:
        """Close the connection, if there is one. The next transaction connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
