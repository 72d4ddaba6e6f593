"""The catalog: what the captures and events say, in tables, views and full-text search. A projection.

sqlite-utils makes its tables, indexes, views and search (`catalog_make`) and changes what is changed seldom
(`catalog_rows`). Importing it takes longer than a look at a capture does, so what looks asks the same connection
directly; `Catalog.database` is the whole of it as sqlite-utils sees it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from storage.catalog_schema import END, VERSION
from storage.errors import CatalogError, DiskError
from storage.sqlite import connect, connect_read_only, refused_by_disk

LAST = "\U0010ffff"
"""Sorts after whatever an id goes on with."""
REBUILD = "Run `archiver catalog rebuild`; it makes the catalog again from the captures and events."


class Catalog:
    """The catalog's database. Every method raises `CatalogError` where it is not sound."""

    def __init__(self, path: Path, fill: Callable[[Catalog], object] | None = None) -> None:
        """Open the catalog; a new one is made. On a disk that takes nothing it is opened for reading.

        `fill`: puts in what it is to hold, where it is new or was made by an earlier release. Without it a new one is
        empty, and an earlier one stays as it is.
        Raises `CatalogError`, also for an older catalog that cannot be made again here; `DiskError`.
        """
        self.path = path
        self._turn = threading.RLock()
        """One thread at a time: see `storage.sqlite.Serial`."""
        self.writable = True
        """Whether the disk takes anything."""
        try:
            self._connection = connect(path, REBUILD)
        except DiskError:
            if not path.exists():
                raise
            self._connection, self.writable = connect_read_only(path, REBUILD), False
        version = self._version()
        if version > VERSION:
            self.close()
            raise CatalogError(
                f"a {path.name} of version {VERSION} or older", f"version {version}", "Use a newer archiver."
            )
        if version < VERSION and not self.writable:
            self.close()
            raise CatalogError(
                f"a {path.name} of version {VERSION}",
                f"version {version or 'none'}, made by an earlier release, on a read-only disk",
                "Copy the home to a writable disk and run the command there: it rebuilds the catalog. "
                "`archiver check` reads the home here as it is.",
            )
        if version < VERSION and fill:
            self.remake(lambda: fill(self))
        elif version == 0:
            self.remake(lambda: None)

    def _version(self) -> int:
        return int(self._query("PRAGMA user_version")[0][0])

    @cached_property
    def database(self) -> Any:
        """The catalog as a `sqlite_utils.Database`, for looking around in it. Imported late: it takes its time."""
        import sqlite_utils

        return sqlite_utils.Database(self._connection, execute_plugins=False)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit everything inside together, durably, or nothing. One inside another is part of the outer one."""
        try:
            with self._turn:
                if self._connection.in_transaction:
                    yield self._connection
                    return
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:  # commits, or rolls back whatever was raised
                    yield self._connection
        except sqlite3.Error as error:
            raise refused_by_disk(error, self.path) or CatalogError("a sound catalog", str(error), REBUILD) from error

    def remake(self, fill: Callable[[], object]) -> None:
        """Make every table anew and `fill` them, all in one transaction: others see the old catalog until it is done.

        Where another process was faster, nothing is left to do. Raises `CatalogError`, and what `fill` raises.
        """
        from storage.catalog_make import drop_all, make  # late: see there

        with self._turn:
            self._connection.execute("PRAGMA foreign_keys=OFF")  # takes effect outside transactions only
            try:
                with self.transaction() as connection:
                    if self._version() < VERSION:
                        drop_all(connection)
                        make(connection)
                        fill()
            finally:
                self._connection.execute("PRAGMA foreign_keys=ON")

    def project(self, events: Iterable[tuple[dict[str, Any], str]], home: Path) -> None:
        """Enter ledger events (body, salted hash) in order of seq; captured ones bring their folder's lines."""
        from storage.catalog_rows import insert_event  # late: what looks does not need it

        events = list(events)
        with (
            self._purged() if any(body["type"] == "disposed" for body, _ in events) else nullcontext(),
            self.transaction() as connection,
        ):
            for body, salted_hash in events:
                insert_event(connection, body, salted_hash, home)

    def project_disposed(self, seq: int, leaf: dict[str, Any]) -> None:
        """Enter an event whose body is gone: its leaf in the ledger still says that there was one."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,NULL)",
                (seq, leaf["type"], leaf["time"], "", leaf["salted_hash"]),
            )

    @contextmanager
    def _purged(self) -> Iterator[None]:
        """Take what is deleted inside out of the file itself too: freed pages, search index, write-ahead log."""
        from storage.catalog_rows import purge_index

        self._query("PRAGMA secure_delete=ON")
        with self.transaction() as connection:
            yield
            purge_index(connection)
        if not self._connection.in_transaction:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring everything into the main file, where nobody else has the catalog open. Raises `CatalogError`."""
        self._query("PRAGMA wal_checkpoint(TRUNCATE)")

    def size(self) -> int:
        """Count the events that were entered, from 0 without a hole."""
        row = self._query("SELECT COALESCE(MAX(seq)+1, 0) FROM events")[0]
        return int(row[0])

    # -- looking things up ---------------------------------------------------------------------------

    def _query(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        try:
            with self._turn:
                cursor = self._connection.execute(sql, parameters)
                cursor.row_factory = sqlite3.Row
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise refused_by_disk(error, self.path) or CatalogError("a sound catalog", str(error), REBUILD) from error

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a SELECT; `catalog_find` asks by it. Raises `CatalogError`."""
        return [_row(row) for row in self._query(sql, parameters)]

    def find(self, text: str, limit: int = 50) -> list[dict[str, Any]]:
        """Find posts, each once, and annotations that hold every word of `text`, best first."""
        from storage.catalog_find import Wanted, find  # late: few commands search

        return find(self, Wanted(text=text), "best", limit).rows

    def capture_ids(self, partial: str) -> list[str]:
        """List ids of captures that equal, begin or end with `partial`, 20 at most."""
        if not partial:
            return [row["id"] for row in self._query("SELECT id FROM captures ORDER BY id LIMIT 20")]
        found = {row["id"] for row in self._query("SELECT id FROM captures WHERE id=?", (partial,))}
        beginning = (partial, f"{partial}{LAST}")
        found |= {
            row["id"]
            for row in self._query("SELECT id FROM captures WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 20", beginning)
        }
        backwards = partial[-8:][::-1]
        sql = f"SELECT id FROM captures WHERE {END} BETWEEN ? AND ? AND substr(id,-?)=? ORDER BY id LIMIT 20"
        end = (backwards, f"{backwards}{LAST}", len(partial), partial)
        found |= {row["id"] for row in self._query(sql, end)}
        return sorted(found)[:20]

    def capture(self, capture_id: str) -> dict[str, Any] | None:
        """Return the row of a capture; None where there is none, or it was disposed of."""
        rows = self._query("SELECT * FROM captures WHERE id=?", (capture_id,))
        return _row(rows[0]) if rows else None

    def captures(self, case: str | None = None) -> list[dict[str, Any]]:
        """List captures, of one case or of all, in the order of their events."""
        if case is None:
            return [_row(row) for row in self._query("SELECT * FROM captures ORDER BY seq")]
        sql = 'SELECT c.* FROM captures c JOIN case_captures m ON m.capture=c.id WHERE m."case"=? ORDER BY c.seq'
        return [_row(row) for row in self._query(sql, (case,))]

    def count_captures(self, before: int | None = None) -> int:
        """Count the captures that were not disposed of; with `before` those with a smaller event."""
        if before is None:
            return int(self._query("SELECT COUNT(*) FROM captures")[0][0])
        return int(self._query("SELECT COUNT(*) FROM captures WHERE seq<?", (before,))[0][0])

    def captures_of(self, target: str) -> list[dict[str, Any]]:
        """List captures of one link, oldest first."""
        return [_row(row) for row in self._query("SELECT * FROM captures WHERE target=? ORDER BY seq", (target,))]

    def event_bodies(self, types: Sequence[str]) -> list[dict[str, Any]]:
        """List the events of these types that were not disposed of, oldest first."""
        marks = ",".join("?" for _ in types)
        rows = self._query(f"SELECT body FROM events WHERE type IN ({marks}) AND body IS NOT NULL ORDER BY seq", types)
        return [json.loads(row[0]) for row in rows]

    def each_event_body(self, types: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield what `event_bodies` lists, a few at a time."""
        marks = ",".join("?" for _ in types)
        sql = (
            # The + before type: each page is to go on where the last one ended, not to sort all that are of these types.
            f"SELECT seq, body FROM events WHERE +type IN ({marks}) AND body IS NOT NULL AND seq>? ORDER BY seq LIMIT 500"
        )
        last = -1
        while rows := self._query(sql, (*types, last)):
            yield from (json.loads(row["body"]) for row in rows)
            last = rows[-1]["seq"]

    def all_bodies(self) -> list[dict[str, Any]]:
        """List every event that was not disposed of, oldest first."""
        return [
            json.loads(row[0]) for row in self._query("SELECT body FROM events WHERE body IS NOT NULL ORDER BY seq")
        ]

    def last_event_but(self, types: Sequence[str]) -> int | None:
        """Return the seq of the newest event that is of none of these types; None where there is none."""
        marks = ",".join("?" for _ in types)
        row = self._query(f"SELECT MAX(seq) FROM events WHERE type NOT IN ({marks})", types)[0]
        return None if row[0] is None else int(row[0])

    def observations(self, post_id: str) -> list[dict[str, Any]]:
        """List every time a post was seen, oldest first: its line, and the capture and event that hold it."""
        sql = (
            "SELECT p.*, c.opened, c.seq, c.test_routes, c.platform AS target_platform FROM posts p "
            "JOIN captures c ON c.id=p.capture WHERE p.id=? ORDER BY p.seen, c.seq, p.n"
        )
        return [_row(row) for row in self._query(sql, (post_id,))]

    def events_about(self, what: str, types: Sequence[str]) -> list[dict[str, Any]]:
        """List the events of these types about a post, capture, link or watch, oldest first.

        `types`: of those that the table `mentions` knows.
        """
        marks = ",".join("?" for _ in types)
        sql = (
            "SELECT e.body FROM mentions m JOIN events e USING (seq) "
            f"WHERE m.about=? AND e.type IN ({marks}) AND e.body IS NOT NULL ORDER BY m.seq"
        )
        return [json.loads(row["body"]) for row in self._query(sql, (what, *types))]

    def removals(self, post_id: str) -> list[dict[str, Any]]:
        """List the events that say a post was seen to be gone, oldest first."""
        return self.events_about(post_id, ("removed",))

    def interrupted(self, target: str) -> list[dict[str, Any]]:
        """List captures of a target whose process died."""
        sql = "SELECT * FROM captures WHERE target=? AND outcome='partial' AND reason='interrupted' ORDER BY seq"
        return [_row(row) for row in self._query(sql, (target,))]

    def run(self, run: str) -> list[dict[str, Any]]:
        """List captures of a run, in the order of their parts."""
        return [_row(row) for row in self._query("SELECT * FROM captures WHERE run=? ORDER BY part", (run,))]

    def cases(self) -> list[dict[str, Any]]:
        """List the cases in the order they were made."""
        return [_row(row) for row in self._query("SELECT * FROM cases ORDER BY seq")]

    def count_by_case(self) -> dict[str, int]:
        """Count the captures of each case that has some."""
        rows = self._query('SELECT "case", COUNT(*) FROM case_captures GROUP BY "case"')
        return {row[0]: int(row[1]) for row in rows}

    def cases_of(self, capture_id: str) -> list[str]:
        """List the names of the cases that a capture belongs to."""
        rows = self._query('SELECT "case" FROM case_captures WHERE capture=? ORDER BY 1', (capture_id,))
        return [row[0] for row in rows]

    def posts(self, capture_id: str) -> list[dict[str, Any]]:
        """List the posts of a capture in the order of posts.jsonl."""
        return [_row(row) for row in self._query("SELECT * FROM posts WHERE capture=? ORDER BY n", (capture_id,))]

    def inventory(self, capture_id: str) -> list[dict[str, Any]]:
        """List the inventory lines of a capture as inventory.jsonl has them."""
        rows = self._query("SELECT line FROM inventory WHERE capture=? ORDER BY n", (capture_id,))
        return [json.loads(row["line"]) for row in rows]

    def kept_files(self, capture_id: str) -> list[tuple[str, str]]:
        """List the files of posts that a capture holds: kind and number, and SHA-256 in hexadecimal."""
        rows = self._query(
            "SELECT kind, attachment, sha256 FROM inventory WHERE capture=? AND sha256 IS NOT NULL AND post IS NOT NULL "
            "AND outcome='captured' ORDER BY post, attachment",
            (capture_id,),
        )
        return [(f"{row['kind']} {row['attachment'] + 1}", row["sha256"]) for row in rows]

    def records(self, capture_id: str) -> list[dict[str, Any]]:
        """List the WARC records of a capture in the order of records.jsonl."""
        return [_row(row) for row in self._query("SELECT * FROM records WHERE capture=? ORDER BY n", (capture_id,))]

    def annotations(self, capture_id: str) -> list[dict[str, Any]]:
        """List the annotations of a capture, oldest first, each with its time and its author's id."""
        rows = self._query(
            "SELECT a.*, e.time, e.agent FROM annotations a JOIN events e USING (seq) WHERE a.capture=? ORDER BY seq",
            (capture_id,),
        )
        return [_row(row) for row in rows]

    def standing(self, kind: str) -> list[dict[str, Any]]:
        """List the events of one kind of annotation that were not retracted, oldest first."""
        rows = self._query(
            "SELECT e.body FROM annotations a JOIN events e USING (seq) "
            "WHERE a.kind=? AND a.retracted IS NULL AND e.body IS NOT NULL ORDER BY a.seq",
            (kind,),
        )
        return [json.loads(row["body"]) for row in rows]

    def retraction_of(self, seq: int) -> int | None:
        """Return the event that retracts an annotation; None where it stands."""
        rows = self._query("SELECT retracted FROM annotations WHERE seq=?", (seq,))
        return rows[0]["retracted"] if rows else None

    def reassessment(self, capture_id: str) -> dict[str, Any] | None:
        """Return the latest signed judgement of a capture after its first, with its time; None where there is none."""
        rows = self._query(
            "SELECT r.*, e.time FROM reassessments r JOIN events e USING (seq) WHERE r.capture=? ORDER BY seq DESC LIMIT 1",
            (capture_id,),
        )
        return _row(rows[0]) if rows else None

    def stamps_over(self, seq: int) -> list[dict[str, Any]]:
        """List the timestamps by authorities over an event, as the ledger names them; the earliest first."""
        sql = (
            "SELECT * FROM timestamps WHERE checkpoint>? AND states IS NOT NULL ORDER BY states, checkpoint, authority"
        )
        return [_row(row) for row in self._query(sql, (seq,))]

    def stamps_from_the_newest(self) -> Iterator[dict[str, Any]]:
        """Yield the timestamps by authorities, that of the largest checkpoint first; reads no more than are taken."""
        sql = "SELECT * FROM timestamps WHERE states IS NOT NULL AND checkpoint<? ORDER BY checkpoint DESC LIMIT 20"
        last = self.size() + 1
        while rows := self._query(sql, (last,)):
            yield from map(_row, rows)
            last = rows[-1]["checkpoint"]

    def stamped_by(self, authority: str) -> set[int]:
        """Return the sizes of the checkpoints that the ledger says this authority stamped."""
        rows = self._query("SELECT checkpoint FROM timestamps WHERE authority=?", (authority,))
        return {int(row[0]) for row in rows}

    # -- copies ----------------------------------------------------------------------------------------

    def quarantined_captures(self) -> set[str]:
        """Return the ids of captures of which something is kept from view."""
        sql = "SELECT DISTINCT capture FROM annotations WHERE kind='quarantine' AND retracted IS NULL"
        return {row[0] for row in self._query(sql)}

    def not_copied_to(self, destination: str) -> list[dict[str, Any]]:
        """List sealed captures that have no copy at this destination yet, oldest first."""
        sql = (
            "SELECT c.* FROM captures c LEFT JOIN copies k ON k.capture=c.id AND k.destination=? "
            "WHERE k.capture IS NULL AND c.id NOT IN (SELECT capture FROM disposed) ORDER BY c.seq"
        )
        return [_row(row) for row in self._query(sql, (destination,))]

    def count_not_copied(self, destination: str) -> int:
        """Count the captures that `not_copied_to` lists."""
        sql = (
            "SELECT COUNT(*) FROM captures c WHERE NOT EXISTS "
            "(SELECT 1 FROM copies k WHERE k.destination=? AND k.capture=c.id)"
        )
        return int(self._query(sql, (destination,))[0][0])

    def copies(self, destination: str | None = None, capture: str | None = None) -> list[dict[str, Any]]:
        """List where copies lie, as the newest `replicated` event says: destination, capture, seq, time, objects."""
        asked = {
            name: value for name, value in (("destination", destination), ("capture", capture)) if value is not None
        }
        where = " AND ".join(f"k.{name}=?" for name in asked) or "1"
        rows = self._query(
            f"SELECT k.*, e.time FROM copies k JOIN events e ON e.seq=k.seq WHERE {where} ORDER BY k.capture, destination",
            tuple(asked.values()),
        )
        return [{**_row(row), "objects": json.loads(row["objects"])} for row in rows]

    def referring_to(self, capture: str) -> list[str]:
        """List captures that refer to this one for bytes which they do not hold themselves."""
        rows = self._query("SELECT DISTINCT capture FROM lent WHERE lender=? ORDER BY 1", (capture,))
        return [row[0] for row in rows]

    def lenders_of(self, capture: str) -> list[str]:
        """List captures that hold bytes which this one only refers to."""
        return [row[0] for row in self._query("SELECT lender FROM lent WHERE capture=? ORDER BY 1", (capture,))]

    def lendings(self) -> list[tuple[str, str]]:
        """List every such reference as (capture, lender)."""
        return [(row[0], row[1]) for row in self._query("SELECT capture, lender FROM lent ORDER BY 1, 2")]

    def sealed_payload(self, digest: str, cases: Sequence[str]) -> dict[str, Any] | None:
        """Find the oldest sealed record with this payload, in a capture that is in all of `cases`.

        `digest`: `sha256:…`. Neither quarantined nor disposed of; records that hold the bytes themselves.
        Raises `CatalogError`.
        """
        marks = ",".join("?" for _ in cases)
        sql = (
            "SELECT r.*, c.folder FROM records r JOIN captures c ON c.id=r.capture WHERE r.payload_digest=? "
            "AND r.type='response' AND r.truncated IS NULL "
            f'AND (SELECT COUNT(*) FROM case_captures m WHERE m.capture=r.capture AND m."case" IN ({marks}))=? '
            "AND r.capture NOT IN (SELECT capture FROM annotations WHERE kind='quarantine' AND capture IS NOT NULL "
            "AND retracted IS NULL) "
            "ORDER BY c.seq LIMIT 1"
        )
        rows = self._query(sql, (digest, *cases, len(set(cases))))
        return _row(rows[0]) if rows else None

    def holder(self, record: str, payload_digest: str) -> str | None:
        """Return the capture that holds the response `record` with this payload; None where there is none."""
        sql = "SELECT capture FROM records WHERE payload_digest=? AND id=? AND type='response'"
        rows = self._query(sql, (payload_digest, record))
        return rows[0]["capture"] if rows else None

    def forget_events(self, seqs: Sequence[int]) -> None:
        """Remove the bodies, authors and annotations of events that were disposed of."""
        with self._purged(), self.transaction() as connection:
            for seq in seqs:
                connection.execute("UPDATE events SET body=NULL, agent='' WHERE seq=?", (seq,))
                connection.execute("DELETE FROM annotations WHERE seq=?", (seq,))
                connection.execute("UPDATE annotations SET retracted=NULL WHERE retracted=?", (seq,))
                connection.execute("DELETE FROM reassessments WHERE seq=?", (seq,))
                connection.execute("DELETE FROM mentions WHERE seq=?", (seq,))

    def disposals(self) -> list[dict[str, Any]]:
        """List captures that were disposed of: capture, folder, manifest_sha256, seq."""
        return [_row(row) for row in self._query("SELECT * FROM disposed ORDER BY seq")]

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """List every row of a table ordered by primary key, for comparing two catalogs."""
        keys = [row[1] for row in sorted(self._query(f"PRAGMA table_info({table})"), key=lambda r: r[5]) if row[5]]
        order = ", ".join(f'"{key}"' for key in keys)
        return [tuple(row) for row in self._query(f"SELECT * FROM {table} ORDER BY {order}")]


def _row(row: sqlite3.Row) -> dict[str, Any]:
    return {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over values
