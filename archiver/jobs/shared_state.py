"""Keep what workers share beside the queue: who is alive, settings, claims on attempts, and schedules, watches and feeds.

It lies in the queue's database, in tables of SQLAlchemy, for SQLite and PostgreSQL alike. An entry is a small JSON value under
a key, with the moment at which it is due in a column of its own: what a schedule or a watch means belongs to its module, not to
the database. Times are seconds since 1970 by the database's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage.errors import Unreachable
from storage.times import from_epoch, system_clock

if TYPE_CHECKING:
    from sqlalchemy import Connection

BEAT_SECONDS = 5.0
SILENT_SECONDS = 25.0
"""A worker that is silent for this long counts as dead, and its attempts are taken over: within a minute, all in all."""
NAMES = ("schedule", "watch", "feed", "row")
"""Kinds of entries."""
LOCK = 0x6172_6369
"""Number of the advisory lock of PostgreSQL that lets one worker at a time do what only one may."""


@dataclass(frozen=True)
class WorkerStatus:
    """A worker, as the shared state shows it."""

    name: str
    machine: str
    version: str
    started: datetime
    seen: datetime
    at_once: int
    busy: int
    alive: bool

    def line(self) -> dict[str, Any]:
        """Return the worker as a line of JSON shows it."""
        return {
            "worker": self.name, "machine": self.machine, "version": self.version, "started": self.started.isoformat(),
            "seen": self.seen.isoformat(), "at_once": self.at_once, "busy": self.busy, "alive": self.alive,
        }  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """Which home carried an attempt out, and the result."""

    attempt: str
    ledger: str
    done: Mapping[str, Any]


@dataclass(frozen=True)
class SharedEntry:
    """A schedule, watch, feed or row of a feed, as the shared state stores it."""

    id: str
    due: float | None
    """When it is next due; None for never."""
    value: dict[str, Any]


class SharedState:
    """What all workers of a queue share. Thread-safe.

    Every method raises `Unreachable` where the database does not answer.
    """

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        """Open the database at `url`, which is the queue's, and create missing tables.

        `clock` replaces the database's clock, for simulations.
        """
        import sqlalchemy as sa

        self._sa = sa
        self._clock = clock
        self._postgres = url.startswith("postgresql")
        self._dbos = "dbos." if self._postgres else ""
        self._engine = sa.create_engine(url, pool_pre_ping=True, connect_args={} if self._postgres else {"timeout": 30})
        tables = sa.MetaData()
        self._workers, self._settings, self._claims, self._entries = _tables(sa, tables)
        with self.alone():
            tables.create_all(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except self._sa.exc.SQLAlchemyError as error:
            raise unreachable(error) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Exclude all other workers meanwhile. On one machine nothing is locked: SQLite runs one statement at a time."""
        if not self._postgres:
            yield
            return
        with self._begun() as connection:
            connection.execute(self._sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
            yield

    def now(self) -> float:
        """Return the time by the database's clock."""
        if self._clock is not None:
            return self._clock()
        if not self._postgres:
            return system_clock().timestamp()
        with self._begun() as connection:
            return float(connection.execute(self._sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def _put(self, table: Any, row: Mapping[str, Any], keys: Sequence[str]) -> None:
        """Insert a row, or replace it."""
        from sqlalchemy.dialects import postgresql, sqlite

        made: Any = (postgresql if self._postgres else sqlite).insert(table).values(**row)
        made = made.on_conflict_do_update(
            index_elements=list(keys), set_={name: made.excluded[name] for name in row if name not in keys}
        )
        with self._begun() as connection:
            connection.execute(made)

    # -- workers -----------------------------------------------------------------------------------------

    def beat(self, name: str, machine: str, version: str, started: float, at_once: int, busy: int) -> None:
        """Record that a worker is alive, and how many of its places are busy."""
        row = {
            "name": name, "machine": machine, "version": version, "started": started, "seen": self.now(),
            "at_once": at_once, "busy": busy,
        }  # fmt: skip
        self._put(self._workers, row, ["name"])

    def leave(self, name: str) -> None:
        """Remove a worker that has ended."""
        with self._begun() as connection:
            connection.execute(self._workers.delete().where(self._workers.c.name == name))

    def workers(self) -> list[WorkerStatus]:
        """List the workers by name, silent ones too."""
        now = self.now()
        with self._begun() as connection:
            rows = connection.execute(self._workers.select().order_by(self._workers.c.name)).all()
        return [
            WorkerStatus(
                row.name, row.machine, row.version, from_epoch(row.started), from_epoch(row.seen), row.at_once, row.busy,
                row.seen > now - SILENT_SECONDS,
            )
            for row in rows
        ]  # fmt: skip

    # -- settings ----------------------------------------------------------------------------------------

    def setting(self, name: str) -> str | None:
        """Return the value of a setting; None where it was never set."""
        with self._begun() as connection:
            found = connection.execute(
                self._sa.select(self._settings.c.value).where(self._settings.c.name == name)
            ).scalar()
        return None if found is None else str(found)

    def set(self, name: str, value: str) -> None:
        """Set a setting for all workers."""
        self._put(self._settings, {"name": name, "value": value}, ["name"])

    # -- claims ------------------------------------------------------------------------------------------

    def claim(self, attempt: str, ledger: str, done: Mapping[str, Any]) -> Claim:
        """Claim an attempt as carried out by the home of `ledger`. Returns the claim that counts: ours, or an earlier one."""
        from sqlalchemy.dialects import postgresql, sqlite

        made: Any = (postgresql if self._postgres else sqlite).insert(self._claims)
        made = made.values(
            attempt=attempt, ledger=ledger, state=str(done["state"]), done=json.dumps(dict(done)), at=self.now()
        )
        with self._begun() as connection:
            connection.execute(made.on_conflict_do_nothing())
        counts = self.claimed(attempt)
        assert counts is not None
        return counts

    def claimed(self, attempt: str) -> Claim | None:
        """Return the claim on an attempt, if there is one."""
        with self._begun() as connection:
            row = connection.execute(self._claims.select().where(self._claims.c.attempt == attempt)).one_or_none()
        return None if row is None else Claim(row.attempt, row.ledger, json.loads(row.done))

    def claim_passed(self, attempt: str) -> None:
        """Mark a claim as superseded: a later attempt at the job follows, and its result counts instead."""
        with self._begun() as connection:
            asked = self._claims.update().where(self._claims.c.attempt == attempt)
            connection.execute(asked.values(state="again"))

    def claimed_states(self) -> dict[str, int]:
        """Count the attempts that ended as `done`, `dead` and `again`."""
        asked = self._sa.select(self._claims.c.state, self._sa.func.count()).group_by(self._claims.c.state)
        with self._begun() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(asked)}

    def counted(self, table: str, column: str, name: str) -> dict[str, int]:
        """Count the rows of DBOS's `table` by their value in `column`: DBOS cannot count without reading all of them."""
        asked = self._sa.text(f"SELECT {column}, count(*) FROM {self._dbos}{table} WHERE name=:name GROUP BY {column}")
        with self._begun() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(asked, {"name": name})}

    def attempts(
        self, name: str, statuses: Sequence[str] | None, after: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        """List DBOS's workflows of that name as (queued, id), the newest first; with `after` those that follow on it."""
        sa = self._sa
        at, ident = sa.column("created_at"), sa.column("workflow_uuid")
        table = sa.table(
            "workflow_status",
            at,
            ident,
            sa.column("status"),
            sa.column("name"),
            schema="dbos" if self._postgres else None,
        )
        asked = sa.select(at, ident).select_from(table).where(table.c.name == name)
        if statuses is not None:
            asked = asked.where(table.c.status.in_(statuses))
        if after is not None:
            asked = asked.where(sa.tuple_(at, ident) < sa.tuple_(*after))
        with self._begun() as connection:
            rows = connection.execute(asked.order_by(at.desc(), ident.desc()).limit(limit)).all()
        return [(int(row[0]), str(row[1])) for row in rows]

    # -- schedules, watches, feeds -------------------------------------------------------------------------

    def put(self, kind: str, entry: SharedEntry) -> None:
        """Write an entry, replacing what was there."""
        row = {"kind": kind, "id": entry.id, "due": entry.due, "value": json.dumps(entry.value)}
        self._put(self._entries, row, ["kind", "id"])

    def put_all(self, kind: str, entries: Sequence[SharedEntry]) -> None:
        """Write entries, replacing what was there."""
        from sqlalchemy.dialects import postgresql, sqlite

        if not entries:
            return
        made: Any = (postgresql if self._postgres else sqlite).insert(self._entries)
        made = made.on_conflict_do_update(
            index_elements=["kind", "id"], set_={"due": made.excluded.due, "value": made.excluded.value}
        )
        rows = [{"kind": kind, "id": one.id, "due": one.due, "value": json.dumps(one.value)} for one in entries]
        with self._begun() as connection:
            for start in range(0, len(rows), 1000):
                connection.execute(made, rows[start : start + 1000])

    def add(self, kind: str, entries: Sequence[SharedEntry]) -> int:
        """Write the entries that are not there yet. Returns how many those were."""
        from sqlalchemy.dialects import postgresql, sqlite

        if not entries:
            return 0
        rows = [{"kind": kind, "id": one.id, "due": one.due, "value": json.dumps(one.value)} for one in entries]
        made: Any = (postgresql if self._postgres else sqlite).insert(self._entries).on_conflict_do_nothing()
        with self._begun() as connection:
            before = self._count(connection, kind)
            for start in range(0, len(rows), 1000):
                connection.execute(made, rows[start : start + 1000])
            return self._count(connection, kind) - before

    def _count(self, connection: Connection, kind: str, holding: str = "") -> int:
        c, sa = self._entries.c, self._sa
        asked = sa.select(sa.func.count()).select_from(self._entries).where(c.kind == kind)
        if holding:
            asked = asked.where(c.value.contains(holding, autoescape=True))
        return int(connection.execute(asked).scalar_one())

    def count(self, kind: str, holding: str = "") -> int:
        """Count the entries of a kind; with `holding` those whose value contains this text."""
        with self._begun() as connection:
            return self._count(connection, kind, holding)

    def reschedule(self, kind: str, entry: SharedEntry, was: float | None) -> bool:
        """Write an entry if it is still due at `was`: of several workers one succeeds."""
        c = self._entries.c
        asked = (
            self._entries.update()
            .where(c.kind == kind, c.id == entry.id, c.due == was if was is not None else c.due.is_(None))
            .values(due=entry.due, value=json.dumps(entry.value))
        )
        with self._begun() as connection:
            return connection.execute(asked).rowcount == 1

    def entry(self, kind: str, name: str) -> SharedEntry | None:
        """Return one entry, if it exists."""
        with self._begun() as connection:
            asked = self._entries.select().where(self._entries.c.kind == kind, self._entries.c.id == name)
            row = connection.execute(asked).one_or_none()
        return None if row is None else SharedEntry(row.id, row.due, json.loads(row.value))

    def entries(self, kind: str, prefix: str = "", limit: int | None = None) -> list[SharedEntry]:
        """List the entries of a kind by id; with `prefix` those whose id begins with it."""
        asked = self._entries.select().where(self._entries.c.kind == kind)
        if prefix:
            asked = asked.where(self._entries.c.id.startswith(prefix, autoescape=True))
        return self._read(asked.order_by(self._entries.c.id).limit(limit))

    def due(self, kind: str, now: float, limit: int = 200) -> list[SharedEntry]:
        """List the entries that are due by `now`, the longest overdue first."""
        c = self._entries.c
        return self._read(self._entries.select().where(c.kind == kind, c.due <= now).order_by(c.due, c.id).limit(limit))

    def next_due(self, kind: str, holding: str = "") -> float | None:
        """Return when the next entry of a kind is due; with `holding` of those whose value contains this text, quoted."""
        with self._begun() as connection:
            asked = self._sa.select(self._sa.func.min(self._entries.c.due)).where(self._entries.c.kind == kind)
            if holding:
                asked = asked.where(self._entries.c.value.contains(json.dumps(holding), autoescape=True))
            found = connection.execute(asked).scalar()
        return None if found is None else float(found)

    def _read(self, asked: Any) -> list[SharedEntry]:
        with self._begun() as connection:
            return [SharedEntry(row.id, row.due, json.loads(row.value)) for row in connection.execute(asked)]

    def remove_all(self, kind: str, prefix: str) -> None:
        """Remove the entries whose id begins with `prefix`."""
        c = self._entries.c
        with self._begun() as connection:
            connection.execute(self._entries.delete().where(c.kind == kind, c.id.startswith(prefix, autoescape=True)))

    def remove(self, kind: str, name: str) -> bool:
        """Remove one entry. Returns whether it was there."""
        with self._begun() as connection:
            asked = self._entries.delete().where(self._entries.c.kind == kind, self._entries.c.id == name)
            return connection.execute(asked).rowcount == 1


def _tables(sa: Any, tables: Any) -> tuple[Any, Any, Any, Any]:
    """Declare the tables, whose names stay as homes have them: an entry is a row of `archiver_things`."""
    workers = sa.Table(
        "archiver_workers", tables,
        sa.Column("name", sa.Text, primary_key=True), sa.Column("machine", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False), sa.Column("started", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False), sa.Column("at_once", sa.Integer, nullable=False),
        sa.Column("busy", sa.Integer, nullable=False),
    )  # fmt: skip
    settings = sa.Table(
        "archiver_settings", tables,
        sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False),
    )  # fmt: skip
    claims = sa.Table(
        "archiver_claims", tables,
        sa.Column("attempt", sa.Text, primary_key=True), sa.Column("ledger", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False), sa.Column("done", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False), sa.Index("archiver_claims_state", "state"),
    )  # fmt: skip
    entries = sa.Table(
        "archiver_things", tables,
        sa.Column("kind", sa.Text, primary_key=True), sa.Column("id", sa.Text, primary_key=True),
        sa.Column("due", sa.Double), sa.Column("value", sa.Text, nullable=False),
        sa.Index("archiver_things_due", "kind", "due"),
    )  # fmt: skip
    return workers, settings, claims, entries


def unreachable(error: Exception) -> Unreachable:
    """Say what to do where the queue's database does not answer."""
    return Unreachable(
        "a queue that answers",
        f"{type(error).__name__} {str(error).strip().partition(chr(10))[0]}"[:200],
        "PostgreSQL: see whether it runs, and [jobs] database or ARCHIVER_JOBS. Else move jobs/ of the home away: what waited "
        "there is then queued again by hand; nothing captured is lost.",
    )
