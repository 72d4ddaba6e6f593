"""What workers share beside the queue, in the same database: who is alive, whether work is paused, who did which attempt,
schedules, watches, feeds. Tables of SQLAlchemy, for SQLite and PostgreSQL alike.

Rows are small values in JSON under a key, with the moment at which they are due as a column of its own: what a schedule or a watch
is belongs to its module, not to the database. Times are seconds since 1970 by the database's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.errors import Unreachable
from storage.times import system_clock

if TYPE_CHECKING:
    from sqlalchemy import Connection

BEAT_SECONDS = 5.0
SILENT_SECONDS = 25.0
"""A worker that is silent for this long is dead, and what it was at is taken over: within a minute, all in all."""
NAMES = ("schedule", "watch", "feed", "row")
"""Kinds of things on the board."""
LOCK = 0x6172_6369
"""Number of PostgreSQL's advisory lock by which one worker at a time does what only one may."""


@dataclass(frozen=True)
class Seen:
    """A worker as the board shows it."""

    name: str
    machine: str
    version: str
    started: datetime
    seen: datetime
    at_once: int
    busy: int
    alive: bool

    def line(self) -> dict[str, Any]:
        return {
            "worker": self.name, "machine": self.machine, "version": self.version, "started": self.started.isoformat(),
            "seen": self.seen.isoformat(), "at_once": self.at_once, "busy": self.busy, "alive": self.alive,
        }  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """Who carried an attempt out, and what became of it."""

    attempt: str
    ledger: str
    done: Mapping[str, Any]


@dataclass(frozen=True)
class Thing:
    """A schedule, watch, feed or row of a feed."""

    id: str
    due: float | None
    """When it is to be looked at next; None for never."""
    value: dict[str, Any]


class Board:
    """`url`: as the queue's. Thread-safe. Raises `Unreachable` throughout where the database cannot be asked."""

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        """`clock`: instead of the database's, for simulations."""
        import sqlalchemy as sa

        self._sa = sa
        self._clock = clock
        self.shared = url.startswith("postgresql")
        self._dbos = "dbos." if self.shared else ""
        self._engine = sa.create_engine(url, pool_pre_ping=True, connect_args={} if self.shared else {"timeout": 30})
        tables = sa.MetaData()
        self._workers = sa.Table(
            "archiver_workers", tables,
            sa.Column("name", sa.Text, primary_key=True), sa.Column("machine", sa.Text, nullable=False),
            sa.Column("version", sa.Text, nullable=False), sa.Column("started", sa.Double, nullable=False),
            sa.Column("seen", sa.Double, nullable=False), sa.Column("at_once", sa.Integer, nullable=False),
            sa.Column("busy", sa.Integer, nullable=False),
        )  # fmt: skip
        self._settings = sa.Table(
            "archiver_settings", tables,
            sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False),
        )  # fmt: skip
        self._claims = sa.Table(
            "archiver_claims", tables,
            sa.Column("attempt", sa.Text, primary_key=True), sa.Column("ledger", sa.Text, nullable=False),
            sa.Column("state", sa.Text, nullable=False), sa.Column("done", sa.Text, nullable=False),
            sa.Column("at", sa.Double, nullable=False), sa.Index("archiver_claims_state", "state"),
        )  # fmt: skip
        self._things = sa.Table(
            "archiver_things", tables,
            sa.Column("kind", sa.Text, primary_key=True), sa.Column("id", sa.Text, primary_key=True),
            sa.Column("due", sa.Double), sa.Column("value", sa.Text, nullable=False),
            sa.Index("archiver_things_due", "kind", "due"),
        )  # fmt: skip
        with self.alone():
            tables.create_all(self._engine)

    def close(self) -> None:
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
        """One at a time of all workers is in here. (On one machine the database itself sees to that, each statement by itself.)"""
        if not self.shared:
            yield
            return
        with self._begun() as connection:
            connection.execute(self._sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
            yield

    def now(self) -> float:
        if self._clock is not None:
            return self._clock()
        if not self.shared:
            return system_clock().timestamp()
        with self._begun() as connection:
            return float(connection.execute(self._sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def _put(self, table: Any, row: Mapping[str, Any], keys: Sequence[str]) -> None:
        """Inserts or replaces a row."""
        from sqlalchemy.dialects import postgresql, sqlite

        made: Any = (postgresql if self.shared else sqlite).insert(table).values(**row)
        made = made.on_conflict_do_update(
            index_elements=list(keys), set_={name: made.excluded[name] for name in row if name not in keys}
        )
        with self._begun() as connection:
            connection.execute(made)

    # -- workers -----------------------------------------------------------------------------------------

    def beat(self, name: str, machine: str, version: str, started: float, at_once: int, busy: int) -> None:
        row = {
            "name": name, "machine": machine, "version": version, "started": started, "seen": self.now(),
            "at_once": at_once, "busy": busy,
        }  # fmt: skip
        self._put(self._workers, row, ["name"])

    def leave(self, name: str) -> None:
        with self._begun() as connection:
            connection.execute(self._workers.delete().where(self._workers.c.name == name))

    def workers(self) -> list[Seen]:
        now = self.now()
        with self._begun() as connection:
            rows = connection.execute(self._workers.select().order_by(self._workers.c.name)).all()
        return [
            Seen(
                row.name, row.machine, row.version, _moment(row.started), _moment(row.seen), row.at_once, row.busy,
                row.seen > now - SILENT_SECONDS,
            )
            for row in rows
        ]  # fmt: skip

    # -- settings ----------------------------------------------------------------------------------------

    def setting(self, name: str) -> str | None:
        with self._begun() as connection:
            found = connection.execute(
                self._sa.select(self._settings.c.value).where(self._settings.c.name == name)
            ).scalar()
        return None if found is None else str(found)

    def set(self, name: str, value: str) -> None:
        self._put(self._settings, {"name": name, "value": value}, ["name"])

    # -- claims ------------------------------------------------------------------------------------------

    def claim(self, attempt: str, ledger: str, done: Mapping[str, Any]) -> Claim:
        """Says that we carried it out. Returns the claim that counts: ours, or that of who was first."""
        from sqlalchemy.dialects import postgresql, sqlite

        made: Any = (postgresql if self.shared else sqlite).insert(self._claims)
        made = made.values(
            attempt=attempt, ledger=ledger, state=str(done["state"]), done=json.dumps(dict(done)), at=self.now()
        )
        with self._begun() as connection:
            connection.execute(made.on_conflict_do_nothing())
        counts = self.claimed(attempt)
        assert counts is not None
        return counts

    def claimed(self, attempt: str) -> Claim | None:
        with self._begun() as connection:
            row = connection.execute(self._claims.select().where(self._claims.c.attempt == attempt)).one_or_none()
        return None if row is None else Claim(row.attempt, row.ledger, json.loads(row.done))

    def claim_passed(self, attempt: str) -> None:
        """What it says of its job does not count any more: there is a later attempt."""
        with self._begun() as connection:
            asked = self._claims.update().where(self._claims.c.attempt == attempt)
            connection.execute(asked.values(state="again"))

    def claimed_states(self) -> dict[str, int]:
        """`done`, `dead`, `again`: how many attempts ended so."""
        asked = self._sa.select(self._claims.c.state, self._sa.func.count()).group_by(self._claims.c.state)
        with self._begun() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(asked)}

    def counted(self, table: str, column: str, name: str) -> dict[str, int]:
        """How many rows of DBOS's `table` have which value in `column`: it has no call that counts without reading all."""
        asked = self._sa.text(f"SELECT {column}, count(*) FROM {self._dbos}{table} WHERE name=:name GROUP BY {column}")
        with self._begun() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(asked, {"name": name})}

    def attempts(
        self, name: str, statuses: Sequence[str] | None, after: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        """DBOS's workflows of that name, the newest first: (queued, id). `after`: those that follow on this one."""
        sa = self._sa
        at, ident = sa.column("created_at"), sa.column("workflow_uuid")
        table = sa.table(
            "workflow_status", at, ident, sa.column("status"), sa.column("name"), schema="dbos" if self.shared else None
        )
        asked = sa.select(at, ident).select_from(table).where(table.c.name == name)
        if statuses is not None:
            asked = asked.where(table.c.status.in_(statuses))
        if after is not None:
            asked = asked.where(sa.tuple_(at, ident) < sa.tuple_(*after))
        with self._begun() as connection:
            rows = connection.execute(asked.order_by(at.desc(), ident.desc()).limit(limit)).all()
        return [(int(row[0]), str(row[1])) for row in rows]

    def jobs_named(self, name: str, text: str, limit: int) -> list[str]:
        """Return the ids of jobs that are, begin or end with `text`, at most `limit`: by DBOS's workflows of that `name`.

        The database reads them; a queue may hold hundreds of thousands, of which only the few that match come here.
        """
        sa = self._sa
        ident = sa.column("workflow_uuid")
        table = sa.table("workflow_status", ident, sa.column("name"), schema="dbos" if self.shared else None)
        first = sa.select(ident).select_from(table).where(table.c.name == name, ident.endswith(".1"))
        for like in (
            ident == f"{text}.1",
            ident.startswith(text, autoescape=True),
            ident.endswith(f"{text}.1", autoescape=True),
        ):
            with self._begun() as connection:
                rows = connection.execute(first.where(like).order_by(ident).limit(limit)).all()
            if rows:
                return [str(row[0]).removesuffix(".1") for row in rows]
        return []

    # -- schedules, watches, feeds -------------------------------------------------------------------------

    def put(self, kind: str, thing: Thing) -> None:
        row = {"kind": kind, "id": thing.id, "due": thing.due, "value": json.dumps(thing.value)}
        self._put(self._things, row, ["kind", "id"])

    def put_all(self, kind: str, things: Sequence[Thing]) -> None:
        """Writes them, in the place of what was there."""
        from sqlalchemy.dialects import postgresql, sqlite

        if not things:
            return
        made: Any = (postgresql if self.shared else sqlite).insert(self._things)
        made = made.on_conflict_do_update(
            index_elements=["kind", "id"], set_={"due": made.excluded.due, "value": made.excluded.value}
        )
        rows = [{"kind": kind, "id": one.id, "due": one.due, "value": json.dumps(one.value)} for one in things]
        with self._begun() as connection:
            for start in range(0, len(rows), 1000):
                connection.execute(made, rows[start : start + 1000])

    def add(self, kind: str, things: Sequence[Thing]) -> int:
        """Those that are not there yet. How many were put there."""
        from sqlalchemy.dialects import postgresql, sqlite

        if not things:
            return 0
        rows = [{"kind": kind, "id": one.id, "due": one.due, "value": json.dumps(one.value)} for one in things]
        made: Any = (postgresql if self.shared else sqlite).insert(self._things).on_conflict_do_nothing()
        with self._begun() as connection:
            before = self._count(connection, kind)
            for start in range(0, len(rows), 1000):
                connection.execute(made, rows[start : start + 1000])
            return self._count(connection, kind) - before

    def _count(self, connection: Connection, kind: str, holding: str = "") -> int:
        c, sa = self._things.c, self._sa
        asked = sa.select(sa.func.count()).select_from(self._things).where(c.kind == kind)
        if holding:
            asked = asked.where(c.value.contains(holding, autoescape=True))
        return int(connection.execute(asked).scalar_one())

    def count(self, kind: str, holding: str = "") -> int:
        """How many there are of a kind. `holding`: only of those whose value holds this text."""
        with self._begun() as connection:
            return self._count(connection, kind, holding)

    def moved(self, kind: str, thing: Thing, was: float | None) -> bool:
        """Writes it, if it is still due at `was`: of several workers one succeeds."""
        c = self._things.c
        asked = (
            self._things.update()
            .where(c.kind == kind, c.id == thing.id, c.due == was if was is not None else c.due.is_(None))
            .values(due=thing.due, value=json.dumps(thing.value))
        )
        with self._begun() as connection:
            return connection.execute(asked).rowcount == 1

    def thing(self, kind: str, name: str) -> Thing | None:
        with self._begun() as connection:
            asked = self._things.select().where(self._things.c.kind == kind, self._things.c.id == name)
            row = connection.execute(asked).one_or_none()
        return None if row is None else Thing(row.id, row.due, json.loads(row.value))

    def things(self, kind: str, prefix: str = "", limit: int | None = None) -> list[Thing]:
        asked = self._things.select().where(self._things.c.kind == kind)
        if prefix:
            asked = asked.where(self._things.c.id.startswith(prefix, autoescape=True))
        return self._read(asked.order_by(self._things.c.id).limit(limit))

    def due(self, kind: str, now: float, limit: int = 200) -> list[Thing]:
        """What is to be looked at now, the longest due first."""
        c = self._things.c
        return self._read(self._things.select().where(c.kind == kind, c.due <= now).order_by(c.due, c.id).limit(limit))

    def next_due(self, kind: str, holding: str = "") -> float | None:
        """When the next of a kind is due. `holding`: only of those whose value holds this text."""
        with self._begun() as connection:
            asked = self._sa.select(self._sa.func.min(self._things.c.due)).where(self._things.c.kind == kind)
            if holding:
                asked = asked.where(self._things.c.value.contains(json.dumps(holding), autoescape=True))
            found = connection.execute(asked).scalar()
        return None if found is None else float(found)

    def _read(self, asked: Any) -> list[Thing]:
        with self._begun() as connection:
            return [Thing(row.id, row.due, json.loads(row.value)) for row in connection.execute(asked)]

    def remove_all(self, kind: str, prefix: str) -> None:
        c = self._things.c
        with self._begun() as connection:
            connection.execute(self._things.delete().where(c.kind == kind, c.id.startswith(prefix, autoescape=True)))

    def remove(self, kind: str, name: str) -> bool:
        with self._begun() as connection:
            asked = self._things.delete().where(self._things.c.kind == kind, self._things.c.id == name)
            return connection.execute(asked).rowcount == 1


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def unreachable(error: Exception) -> Unreachable:
    return Unreachable(
        "a queue that answers",
        f"{type(error).__name__} {str(error).strip().partition(chr(10))[0]}"[:200],
        "PostgreSQL: see whether it runs, and [jobs] database or ARCHIVER_JOBS. Else move jobs/ of the home away: what waited "
        "there is then queued again by hand; nothing captured is lost.",
    )
