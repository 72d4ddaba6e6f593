"""Keep what is due again and again: schedules, watches, feeds, and the rows of feeds.

An entry is a small JSON value under a kind and an id, with the moment at which it is due in a column of its own: what a schedule
or a watch means belongs to its module, not to the database. Times are seconds since 1970 by the database's clock.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.errors import NotFound, UsageError
from archiver.jobs.database import Database, in_slices
from archiver.jobs.job import LETTERS
from archiver.jobs.queue_secrets import PRIVATE, QueueSecrets, Unopened

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData


@dataclass(frozen=True)
class SharedEntry:
    """A schedule, watch, feed or row of a feed, as the shared state stores it."""

    id: str
    due: float | None
    """When it is next due; None for never."""
    value: dict[str, Any]

    @property
    def unopened(self) -> bool:
        """Whether its secrets are masked still: they are only shown, or no key here opens them."""
        return PRIVATE in self.value


def new_entry_id() -> str:
    """Make a random id."""
    return "".join(secrets.choice(LETTERS) for _ in range(8))


class Entries:
    """The entries, by kind: `schedule`, `watch`, `feed`, `row`."""

    def __init__(self, database: Database, tables: MetaData, secrets: QueueSecrets | None = None) -> None:
        """`secrets`: what keeps secrets out of the database; None where nothing secret is stored."""
        self._database, self._sa, self._secrets = database, database.sa, secrets
        self.left: set[str] = set()
        """Entries that were due and whose secrets no key here opens, in words: left to another machine."""
        sa = database.sa
        self._table = sa.Table(
            "archiver_things", tables,
            sa.Column("kind", sa.Text, primary_key=True), sa.Column("id", sa.Text, primary_key=True),
            sa.Column("due", sa.Double), sa.Column("value", sa.Text, nullable=False),
            sa.Index("archiver_things_due", "kind", "due"),
        )  # fmt: skip

    def put(self, kind: str, entry: SharedEntry) -> None:
        """Write an entry, replacing what was there."""
        self.put_all(kind, [entry])

    def put_all(self, kind: str, entries: Sequence[SharedEntry]) -> None:
        """Write entries, replacing what was there."""
        self._database.upsert(self._table, self._rows(kind, entries), ["kind", "id"])

    def add(self, kind: str, entries: Sequence[SharedEntry]) -> int:
        """Write the entries that are not there yet; return how many that were."""
        if not entries:
            return 0
        made = self._database.insert(self._table).on_conflict_do_nothing()
        rows = self._rows(kind, entries)
        with self._database.begin() as connection:
            before = self._count(connection, kind)
            in_slices(connection, made, rows)
            return self._count(connection, kind) - before

    def reschedule(self, kind: str, entry: SharedEntry, was: float | None) -> bool:
        """Write an entry if it is still due at `was`: of several workers one succeeds."""
        c = self._table.c
        asked = (
            self._table.update()
            .where(c.kind == kind, c.id == entry.id, c.due == was if was is not None else c.due.is_(None))
            .values(due=entry.due, value=self._stored(entry.value))
        )
        with self._database.begin() as connection:
            return connection.execute(asked).rowcount == 1

    def remove(self, kind: str, name: str) -> bool:
        """Remove one entry; return whether it was there."""
        c = self._table.c
        with self._database.begin() as connection:
            return connection.execute(self._table.delete().where(c.kind == kind, c.id == name)).rowcount == 1

    def remove_all(self, kind: str, prefix: str) -> None:
        """Remove the entries whose id begins with `prefix`."""
        c = self._table.c
        with self._database.begin() as connection:
            connection.execute(self._table.delete().where(c.kind == kind, c.id.startswith(prefix, autoescape=True)))

    def get(self, kind: str, name: str) -> SharedEntry | None:
        """Return one entry, if it exists."""
        c = self._table.c
        found = self._read(self._table.select().where(c.kind == kind, c.id == name))
        return found[0] if found else None

    def all(self, kind: str, prefix: str = "") -> list[SharedEntry]:
        """List the entries of a kind by id; with `prefix` those whose id begins with it."""
        c = self._table.c
        asked = self._table.select().where(c.kind == kind)
        if prefix:
            asked = asked.where(c.id.startswith(prefix, autoescape=True))
        return self._read(asked.order_by(c.id))

    def due(self, kind: str, now: float, limit: int = 200) -> list[SharedEntry]:
        """List the entries that are due by `now` and can be opened here, the longest overdue first."""
        c = self._table.c
        asked = self._table.select().where(c.kind == kind, c.due <= now).order_by(c.due, c.id).limit(limit)
        opened: list[SharedEntry] = []
        seen = 0
        while len(opened) < limit and (found := self._read(asked.offset(seen))):
            seen += len(found)
            # What is left to another machine stays due while that is away: it may not hide what stands behind it.
            self.left |= {f"{kind} {one.id}" for one in found if one.unopened}
            opened += [one for one in found if not one.unopened]
        return opened[:limit]

    def next_due(self, kind: str, holding: str = "") -> float | None:
        """Return when the next entry of a kind is due.

        `holding`: only entries whose value contains this text, quoted.
        """
        c, sa = self._table.c, self._sa
        asked = sa.select(sa.func.min(c.due)).where(c.kind == kind)
        if holding:
            asked = asked.where(c.value.contains(json.dumps(holding), autoescape=True))
        with self._database.begin() as connection:
            found = connection.execute(asked).scalar()
        return None if found is None else float(found)

    def count(self, kind: str, holding: str = "") -> int:
        """Count the entries of a kind; with `holding` those whose value contains this text."""
        with self._database.begin() as connection:
            return self._count(connection, kind, holding)

    def _count(self, connection: Connection, kind: str, holding: str = "") -> int:
        c, sa = self._table.c, self._sa
        asked = sa.select(sa.func.count()).select_from(self._table).where(c.kind == kind)
        if holding:
            asked = asked.where(c.value.contains(holding, autoescape=True))
        return int(connection.execute(asked).scalar_one())

    def _read(self, asked: Any) -> list[SharedEntry]:
        with self._database.begin() as connection:
            rows = connection.execute(asked).all()
        return [SharedEntry(row.id, row.due, self._shown(row.kind, row.id, json.loads(row.value))) for row in rows]

    def _rows(self, kind: str, entries: Sequence[SharedEntry]) -> list[dict[str, Any]]:
        return [{"kind": kind, "id": one.id, "due": one.due, "value": self._stored(one.value)} for one in entries]

    def _stored(self, value: dict[str, Any]) -> str:
        return json.dumps(self._secrets.hide(value) if self._secrets is not None else value)

    def _shown(self, kind: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
        """For a worker the true value, where it can be opened; for others the masked one, also of a row that is plain still."""
        if self._secrets is None:
            return value
        if not self._secrets.reveals:
            return self._secrets.hide(value)
        try:
            return self._secrets.reveal(value, f"{kind} {name}")
        except Unopened:
            return value


def find_entry(entries: Entries, kind: str, name: str) -> SharedEntry:
    """Return the one `schedule`, `watch` or `feed` whose id equals, begins or ends with `name`.

    Raises `NotFound`, `UsageError` where several do, `Unreachable`.
    """
    entry = entries.get(kind, name)
    if entry is not None:
        return entry
    found = [one for one in entries.all(kind) if name and (one.id.startswith(name) or one.id.endswith(name))]
    if not found:
        raise NotFound(f"a {kind} {name!r}", "none", f"List them: archiver {kind} list")
    if len(found) > 1:
        several = f"{len(found)}: {', '.join(one.id for one in found[:4])}"
        raise UsageError(f"{name!r} to fit the id of one {kind}", several, "Give more of the id.")
    return found[0]


def remove_entry(entries: Entries, kind: str, name: str) -> str:
    """Remove the `schedule`, `watch` or `feed` that is named; of a feed its rows too. Return its id.

    Raises as `find_entry` does.
    """
    found = find_entry(entries, kind, name).id
    entries.remove(kind, found)
    if kind == "feed":
        entries.remove_all("row", f"{found}:")
    return found
