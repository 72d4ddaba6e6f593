"""Keep what workers share beside the queue, in the queue's database.

That is: who is alive, settings, claims on attempts, and the entries of `jobs/entries.py`. The tables are SQLAlchemy's, for SQLite and
PostgreSQL alike; their names stay as queues that exist have them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from archiver.jobs.database import Database
from archiver.jobs.entries import Entries
from archiver.jobs.queue_secrets import QueueSecrets
from storage.times import from_epoch

if TYPE_CHECKING:
    from sqlalchemy import MetaData

BEAT_SECONDS = 5.0
FOREIGN_SHOWN = 20
"""How many names of workflows that are not ours are listed."""
SILENT_SECONDS = 25.0
"""A worker that is silent for this long counts as dead, and its attempts are taken over: within a minute, all in all."""


class SharedState:
    """State that all workers of a queue share. Thread-safe.

    Every method of it and of its parts raises `Unreachable`.
    """

    def __init__(self, url: str, clock: Callable[[], float] | None = None, secrets: QueueSecrets | None = None) -> None:
        """Open the database at `url`, which is the queue's, and create missing tables.

        `clock` replaces the database's clock, for simulations. `secrets`: what keeps secrets out of the entries.
        """
        self._database = Database(url, clock)
        tables = self._database.sa.MetaData()
        self.workers = Workers(self._database, tables)
        self.settings = Settings(self._database, tables)
        self.claims = SharedClaims(self._database, tables)
        self.entries = Entries(self._database, tables, secrets)
        self.workflows = Workflows(self._database)
        self._database.create(tables)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def alone(self) -> AbstractContextManager[None]:
        """Exclude all other workers until the block ends."""
        return self._database.alone()

    def now(self) -> float:
        """Return the time by the database's clock, in seconds since 1970."""
        return self._database.now()


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


class Workers:
    """The workers of a queue, each as it last reported."""

    def __init__(self, database: Database, tables: MetaData) -> None:
        self._database, sa = database, database.sa
        self._table = sa.Table(
            "archiver_workers", tables,
            sa.Column("name", sa.Text, primary_key=True), sa.Column("machine", sa.Text, nullable=False),
            sa.Column("version", sa.Text, nullable=False), sa.Column("started", sa.Double, nullable=False),
            sa.Column("seen", sa.Double, nullable=False), sa.Column("at_once", sa.Integer, nullable=False),
            sa.Column("busy", sa.Integer, nullable=False),
        )  # fmt: skip

    def beat(self, name: str, machine: str, version: str, started: float, at_once: int, busy: int) -> None:
        """Record that a worker is alive, and how many of its places are busy."""
        row = {
            "name": name, "machine": machine, "version": version, "started": started, "seen": self._database.now(),
            "at_once": at_once, "busy": busy,
        }  # fmt: skip
        self._database.upsert(self._table, [row], ["name"])

    def leave(self, name: str) -> None:
        """Remove a worker that has ended."""
        with self._database.begin() as connection:
            connection.execute(self._table.delete().where(self._table.c.name == name))

    def all(self) -> list[WorkerStatus]:
        """List the workers by name, silent ones too."""
        now = self._database.now()
        with self._database.begin() as connection:
            rows = connection.execute(self._table.select().order_by(self._table.c.name)).all()
        return [
            WorkerStatus(
                row.name, row.machine, row.version, from_epoch(row.started), from_epoch(row.seen), row.at_once, row.busy,
                row.seen > now - SILENT_SECONDS,
            )
            for row in rows
        ]  # fmt: skip

    def alive(self) -> list[WorkerStatus]:
        """List the workers that have reported lately."""
        return [worker for worker in self.all() if worker.alive]


class Settings:
    """Settings for all workers, such as whether work is paused."""

    def __init__(self, database: Database, tables: MetaData) -> None:
        self._database, sa = database, database.sa
        self._table = sa.Table(
            "archiver_settings", tables,
            sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False),
        )  # fmt: skip

    def get(self, name: str) -> str | None:
        """Return the value of a setting; None where it was never set."""
        c = self._table.c
        with self._database.begin() as connection:
            found = connection.execute(self._database.sa.select(c.value).where(c.name == name)).scalar()
        return None if found is None else str(found)

    def set(self, name: str, value: str) -> None:
        """Write the value of a setting, for all workers."""
        self._database.upsert(self._table, [{"name": name, "value": value}], ["name"])


@dataclass(frozen=True)
class Claim:
    """Claim on an attempt: which home carried it out, and the result."""

    attempt: str
    ledger: str
    done: Mapping[str, Any]


class SharedClaims:
    """The first claim on each attempt that was carried out."""

    def __init__(self, database: Database, tables: MetaData) -> None:
        self._database, sa = database, database.sa
        self._table = sa.Table(
            "archiver_claims", tables,
            sa.Column("attempt", sa.Text, primary_key=True), sa.Column("ledger", sa.Text, nullable=False),
            sa.Column("state", sa.Text, nullable=False), sa.Column("done", sa.Text, nullable=False),
            sa.Column("at", sa.Double, nullable=False), sa.Index("archiver_claims_state", "state"),
        )  # fmt: skip

    def add(self, attempt: str, ledger: str, done: Mapping[str, Any]) -> Claim:
        """Claim an attempt as carried out by the home of `ledger`.

        Returns the claim that counts: ours, or an earlier one.
        """
        made = self._database.insert(self._table).values(
            attempt=attempt, ledger=ledger, state=str(done["state"]), done=json.dumps(dict(done)),
            at=self._database.now(),
        )  # fmt: skip
        with self._database.begin() as connection:
            connection.execute(made.on_conflict_do_nothing())
        counts = self.get(attempt)
        assert counts is not None
        return counts

    def get(self, attempt: str) -> Claim | None:
        """Return the claim on an attempt, if there is one."""
        with self._database.begin() as connection:
            row = connection.execute(self._table.select().where(self._table.c.attempt == attempt)).one_or_none()
        return None if row is None else Claim(row.attempt, row.ledger, json.loads(row.done))

    def supersede(self, attempt: str) -> None:
        """Mark a claim as superseded: a later attempt at the job follows, and its result counts instead."""
        with self._database.begin() as connection:
            connection.execute(self._table.update().where(self._table.c.attempt == attempt).values(state="again"))

    def newest(self, state: str, limit: int) -> list[str]:
        """List at most `limit` attempts that ended in this state, of the newest jobs first."""
        c, sa = self._table.c, self._database.sa
        asked = sa.select(c.attempt).where(c.state == state).order_by(c.attempt.desc()).limit(limit)
        with self._database.begin() as connection:
            return [str(row[0]) for row in connection.execute(asked)]

    def count_states(self) -> dict[str, int]:
        """Count the attempts that ended as `done`, `dead` and `again`."""
        c, sa = self._table.c, self._database.sa
        with self._database.begin() as connection:
            rows = connection.execute(sa.select(c.state, sa.func.count()).group_by(c.state))
            return {row[0]: int(row[1]) for row in rows}


@dataclass(frozen=True)
class ForeignRows:
    """Rows of a workflow that is none of ours, in the queue's database."""

    workflow: str | None
    """Its name, as whoever wrote it says."""
    in_our_queue: bool
    """Whether they stand in our queue, where each worker cancels them; else they are another program's affair."""
    count: int

    def line(self) -> dict[str, Any]:
        """Return the rows as a line of JSON shows them."""
        return {"refused": self.workflow, "in_our_queue": self.in_our_queue, "rows": self.count}


class Workflows:
    """DBOS's own table of workflows, for what its calls cannot do without reading all of them."""

    def __init__(self, database: Database) -> None:
        self._database, sa = database, database.sa
        self._table = sa.table(
            "workflow_status", sa.column("created_at"), sa.column("workflow_uuid"), sa.column("status"), sa.column("name"),
            sa.column("serialization"), sa.column("queue_name"), schema="dbos" if database.postgres else None,
        )  # fmt: skip

    def count_statuses(self, name: str) -> dict[str, int]:
        """Count the workflows with that name; return the number for each status."""
        c, sa = self._table.c, self._database.sa
        asked = sa.select(c.status, sa.func.count()).where(c.name == name).group_by(c.status)
        with self._database.begin() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(asked)}

    def foreign(self, name: str, queue: str) -> list[ForeignRows]:
        """Count the workflows of other names than `name`, by name and by whether they stand in `queue`."""
        c, sa = self._table.c, self._database.sa
        asked = sa.select(c.name, c.queue_name, sa.func.count()).where(sa.func.coalesce(c.name, "") != name)
        with self._database.begin() as connection:
            rows = connection.execute(asked.group_by(c.name, c.queue_name).limit(FOREIGN_SHOWN)).all()
        found: Counter[tuple[str | None, bool]] = Counter()
        for workflow, at, count in rows:
            found[None if workflow is None else str(workflow), at == queue] += int(count)
        return [ForeignRows(*key, found[key]) for key in sorted(found, key=lambda key: (key[0] or "", key[1]))]

    def not_ours(self, name: str, queue: str, forms: Sequence[str], limit: int) -> list[str]:
        """List at most `limit` workflows that have not ended, and are of another name in `queue`, or in another form than these.

        What stands in queues of others is theirs.
        """
        c, sa = self._table.c, self._database.sa
        named = sa.func.coalesce(c.name, "")
        strange = sa.or_(
            sa.and_(named == name, c.serialization.not_in(forms)), sa.and_(named != name, c.queue_name == queue)
        )
        asked = sa.select(c.workflow_uuid).where(strange, c.status.in_(("ENQUEUED", "DELAYED", "PENDING")))
        with self._database.begin() as connection:
            return [str(row[0]) for row in connection.execute(asked.limit(limit))]

    def page(
        self, name: str, statuses: Sequence[str] | None, after: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        """List workflows of that name as (queued, id), the newest first; with `after` those that follow on it."""
        sa, c = self._database.sa, self._table.c
        asked = sa.select(c.created_at, c.workflow_uuid).where(c.name == name)
        if statuses is not None:
            asked = asked.where(c.status.in_(statuses))
        if after is not None:
            asked = asked.where(sa.tuple_(c.created_at, c.workflow_uuid) < sa.tuple_(*after))
        asked = asked.order_by(c.created_at.desc(), c.workflow_uuid.desc()).limit(limit)
        with self._database.begin() as connection:
            return [(int(row[0]), str(row[1])) for row in connection.execute(asked)]

    def jobs_named(self, name: str, text: str, limit: int) -> list[str]:
        """List at most `limit` ids of jobs that are, begin or end with `text`, of workflows of that name.

        The database reads them; a queue may hold hundreds of thousands, of which only the few that match come here.
        """
        ident = self._table.c.workflow_uuid
        first = self._database.sa.select(ident).where(self._table.c.name == name, ident.endswith(".1"))
        for like in (
            ident == f"{text}.1",
            ident.startswith(text, autoescape=True),
            ident.endswith(f"{text}.1", autoescape=True),
        ):
            with self._database.begin() as connection:
                rows = connection.execute(first.where(like).order_by(ident).limit(limit)).all()
            if rows:
                return [str(row[0]).removesuffix(".1") for row in rows]
        return []
