"""Reach the database that workers share: SQLite in the home, or PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from storage.errors import Unreachable
from storage.times import system_clock

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData, Table

LOCK = 0x6172_6369
"""Number of the advisory lock of PostgreSQL that lets one worker at a time do what only one may."""


class Database:
    """A database, by SQLAlchemy. Thread-safe. Every method raises `Unreachable` where it does not answer."""

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        """Open the database at `url`. `clock` replaces its clock, for simulations."""
        import sqlalchemy as sa

        self.sa = sa
        self.postgres = url.startswith("postgresql")
        self._clock = clock
        teach_milliseconds()
        self._engine = sa.create_engine(url, pool_pre_ping=True, connect_args={} if self.postgres else {"timeout": 30})

    def create(self, tables: MetaData) -> None:
        """Create the tables that are missing. Of several processes that begin at once, one does."""
        with self.alone(), self._engine.connect() as connection:
            if not self.postgres:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # before looking which there are
            tables.create_all(connection)
            connection.commit()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Begin a transaction; it is committed at the end, or rolled back."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except self.sa.exc.SQLAlchemyError as error:
            raise unreachable(error) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Exclude all other workers until the block ends.

        On one machine nothing is locked: SQLite runs one statement at a time.
        """
        if not self.postgres:
            yield
            return
        with self.begin() as connection:
            connection.execute(self.sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
            yield

    def now(self) -> float:
        """Return the time by the database's clock, in seconds since 1970."""
        if self._clock is not None:
            return self._clock()
        if not self.postgres:
            return system_clock().timestamp()
        with self.begin() as connection:
            return float(connection.execute(self.sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def insert(self, table: Table) -> Any:
        """Make an insert statement in the database's dialect, which can state what happens on a conflict."""
        from sqlalchemy.dialects import postgresql, sqlite

        return (postgresql if self.postgres else sqlite).insert(table)

    def upsert(self, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
        """Insert rows, or replace those with the same keys."""
        if not rows:
            return
        made = self.insert(table)
        others = {name: made.excluded[name] for name in rows[0] if name not in keys}
        with self.begin() as connection:
            in_slices(connection, made.on_conflict_do_update(index_elements=list(keys), set_=others), rows)


def in_slices(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute a statement for many rows, a thousand at a time."""
    for start in range(0, len(rows), 1000):
        connection.execute(statement, rows[start : start + 1000])


def teach_milliseconds() -> None:
    """Have each connection to SQLite know `unixepoch('subsec')`, also where SQLite is older than 3.42 (sqlite.org/lang_datefunc.html).

    On Python 3.12 and later DBOS asks for it, and writes it into the queue's tables as the default of their times. Older releases
    of SQLite answer NULL, and nothing could be queued. DBOS opens connections by itself, so they are met where SQLAlchemy opens
    them; and on every Python, for a later one may have made the tables.
    """
    from sqlalchemy import Engine, event

    if sqlite3.sqlite_version_info < (3, 42) and not event.contains(Engine, "connect", _teach):
        event.listen(Engine, "connect", _teach)


def _teach(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("unixepoch", 1, _now)


def _now(modifier: object) -> float:
    """Return the seconds since 1970, with milliseconds as SQLite gives them. Nothing else of `unixepoch` is asked for."""
    if modifier != "subsec":
        raise ValueError(modifier)
    return round(system_clock().timestamp(), 3)


def unreachable(error: Exception) -> Unreachable:
    """Return the error for a queue whose database does not answer, with what to do."""
    server = "heck that PostgreSQL runs, and check [jobs] database or ARCHIVER_JOBS."
    move = "ove jobs/ out of the home; what was waiting there must then be queued again by hand, but nothing captured is lost."
    driver = getattr(error, "orig", None)  # of the database that SQLAlchemy speaks to
    if isinstance(driver, sqlite3.Error):
        next_step = f"M{move}"
    elif driver is not None:
        next_step = f"C{server}"
    else:
        next_step = f"With PostgreSQL: c{server} Otherwise m{move}"
    found = f"{type(error).__name__} {str(error).strip().partition(chr(10))[0]}"[:200]
    return Unreachable("a queue that answers", found, next_step)
