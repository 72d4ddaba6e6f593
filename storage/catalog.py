"""The catalog: what the captures and events say, in tables, with full-text search. A projection (sqlite-utils)."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from storage import canonical
from storage.errors import CatalogError
from storage.fold import index_text, query
from storage.lines import read_lines
from storage.sqlite import open_database

REBUILD = "Run `archiver catalog rebuild`; it makes the catalog again from the captures and events."
TABLES = (
    "cases",
    "events",
    "captures",
    "case_captures",
    "records",
    "posts",
    "attachments",
    "inventory",
    "annotations",
    "copies",
    "disposed",
    "lent",
)


class Catalog:
    """Raises `CatalogError` throughout where the database is not sound."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_database(path, "0", REBUILD)
        self._turn = threading.RLock()
        """One thread at a time: see `storage.sqlite.Serial`."""

    @cached_property
    def database(self) -> Any:
        """The catalog as a `sqlite_utils.Database`, for looking around in it. Imported late: it takes its time."""
        import sqlite_utils

        return sqlite_utils.Database(self._connection)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is committed together, durably, or not at all."""
        try:
            with self._turn:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:  # commits, or rolls back whatever was raised
                    yield self._connection
        except sqlite3.Error as error:
            raise CatalogError("a sound catalog", str(error), REBUILD) from error

    def project(self, events: Iterable[tuple[dict[str, Any], str]], home: Path) -> None:
        """Takes in ledger events (body, salted hash) in order of seq; captured ones bring their folder's lines."""
        with self.transaction() as connection:
            for body, salted_hash in events:
                _insert_event(connection, body, salted_hash)
                if body["type"] in ("captured", "recovered"):
                    _insert_capture(connection, body, home)
                elif body["type"] == "annotated":
                    _insert_annotation(connection, body)
                elif body["type"] == "case":
                    detail = body["detail"]
                    connection.execute(
                        "INSERT OR IGNORE INTO cases VALUES (?,?,?,?)",
                        (detail["name"], body["time"], json.dumps(detail["recipients"]), body["seq"]),
                    )
                elif body["type"] in ("replicated", "erased", "disposed"):
                    _insert_copies(connection, body)
                elif body["type"] == "case-membership":
                    detail = body["detail"]
                    _insert_membership(connection, detail["case"], detail["capture"], body["seq"])

    def project_disposed(self, seq: int, leaf: dict[str, Any]) -> None:
        """An event whose body is gone: the leaf still says that something was there."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,NULL)",
                (seq, leaf["type"], leaf["time"], "", leaf["salted_hash"]),
            )

    def size(self) -> int:
        """How many events are projected, counted from 0 without a hole."""
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
            raise CatalogError("a sound catalog", str(error), REBUILD) from error

    def find(self, text: str, limit: int = 50) -> list[dict[str, Any]]:
        """Posts and annotations that hold every word of `text`, best first."""
        expression = query(text)
        if not expression:
            return []
        rows = self._query(
            "SELECT capture, n, kind FROM search WHERE search MATCH ? ORDER BY rank LIMIT ?",
            (expression, limit),
        )
        found = []
        for row in rows:
            if row["kind"] == "post":
                posts = self._query("SELECT * FROM posts WHERE capture=? AND n=?", (row["capture"], row["n"]))
                found += [{"kind": "post", **_row(post)} for post in posts]
            else:
                notes = self._query("SELECT * FROM annotations WHERE seq=?", (row["n"],))
                found += [{**_row(note), "annotation": note["kind"], "kind": "annotation"} for note in notes]
        return found

    def capture_ids(self, partial: str) -> list[str]:
        """Ids that equal, begin or end with `partial`."""
        rows = self._query(
            "SELECT id FROM captures WHERE id=? OR substr(id,1,?)=? OR substr(id,-?)=? ORDER BY id LIMIT 20",
            (partial, len(partial), partial, len(partial), partial),
        )
        return [row["id"] for row in rows]

    def capture(self, capture_id: str) -> dict[str, Any] | None:
        rows = self._query("SELECT * FROM captures WHERE id=?", (capture_id,))
        return _row(rows[0]) if rows else None

    def captures(self, case: str | None = None) -> list[dict[str, Any]]:
        if case is None:
            return [_row(row) for row in self._query("SELECT * FROM captures ORDER BY seq")]
        sql = 'SELECT c.* FROM captures c JOIN case_captures m ON m.capture=c.id WHERE m."case"=? ORDER BY c.seq'
        return [_row(row) for row in self._query(sql, (case,))]

    def captures_of(self, target: str) -> list[dict[str, Any]]:
        """Captures of one link, oldest first."""
        return [_row(row) for row in self._query("SELECT * FROM captures WHERE target=? ORDER BY seq", (target,))]

    def event_bodies(self, types: Sequence[str]) -> list[dict[str, Any]]:
        """The events of these types that were not disposed of, oldest first."""
        marks = ",".join("?" for _ in types)
        rows = self._query(f"SELECT body FROM events WHERE type IN ({marks}) AND body IS NOT NULL ORDER BY seq", types)
        return [json.loads(row[0]) for row in rows]

    def all_bodies(self) -> list[dict[str, Any]]:
        """Every event that was not disposed of, oldest first."""
        return [
            json.loads(row[0]) for row in self._query("SELECT body FROM events WHERE body IS NOT NULL ORDER BY seq")
        ]

    def last_event_but(self, types: Sequence[str]) -> int | None:
        """The newest event that is of none of these types."""
        marks = ",".join("?" for _ in types)
        row = self._query(f"SELECT MAX(seq) FROM events WHERE type NOT IN ({marks})", types)[0]
        return None if row[0] is None else int(row[0])

    def observations(self, post_id: str) -> list[dict[str, Any]]:
        """Every time a post was seen, oldest first: its line, and the capture and event that hold it."""
        sql = (
            "SELECT p.*, c.opened, c.seq, c.test_routes, c.platform AS target_platform, r.date AS seen FROM posts p "
            "JOIN captures c ON c.id=p.capture LEFT JOIN records r ON r.capture=p.capture AND r.id=p.record "
            "WHERE p.id=? ORDER BY COALESCE(r.date, c.opened), c.seq, p.n"
        )
        return [_row(row) for row in self._query(sql, (post_id,))]

    def removals(self, post_id: str) -> list[dict[str, Any]]:
        """Events that say a post was seen to be gone, oldest first."""
        rows = self._query("SELECT body FROM events WHERE type='removed' AND body IS NOT NULL ORDER BY seq")
        bodies = [json.loads(row["body"]) for row in rows]
        return [body for body in bodies if body["detail"].get("post") == post_id]

    def interrupted(self, target: str) -> list[dict[str, Any]]:
        """Captures of a target whose process died."""
        sql = "SELECT * FROM captures WHERE target=? AND outcome='partial' AND reason='interrupted' ORDER BY seq"
        return [_row(row) for row in self._query(sql, (target,))]

    def run(self, run: str) -> list[dict[str, Any]]:
        """Captures of a run, in the order of their parts."""
        return [_row(row) for row in self._query("SELECT * FROM captures WHERE run=? ORDER BY part", (run,))]

    def cases(self) -> list[dict[str, Any]]:
        sql = 'SELECT s.*, (SELECT COUNT(*) FROM case_captures m WHERE m."case"=s.name) AS captures FROM cases s ORDER BY seq'
        return [_row(row) for row in self._query(sql)]

    def cases_of(self, capture_id: str) -> list[str]:
        rows = self._query('SELECT "case" FROM case_captures WHERE capture=? ORDER BY 1', (capture_id,))
        return [row[0] for row in rows]

    def posts(self, capture_id: str) -> list[dict[str, Any]]:
        return [_row(row) for row in self._query("SELECT * FROM posts WHERE capture=? ORDER BY n", (capture_id,))]

    def inventory(self, capture_id: str) -> list[dict[str, Any]]:
        rows = self._query("SELECT line FROM inventory WHERE capture=? ORDER BY n", (capture_id,))
        return [json.loads(row["line"]) for row in rows]

    def records(self, capture_id: str) -> list[dict[str, Any]]:
        return [_row(row) for row in self._query("SELECT * FROM records WHERE capture=? ORDER BY n", (capture_id,))]

    def annotations(self, capture_id: str) -> list[dict[str, Any]]:
        rows = self._query(
            "SELECT a.*, e.time, e.agent FROM annotations a JOIN events e USING (seq) WHERE a.capture=? ORDER BY seq",
            (capture_id,),
        )
        return [_row(row) for row in rows]

    # -- copies ----------------------------------------------------------------------------------------

    def quarantined_captures(self) -> set[str]:
        """Captures of which something is kept from view."""
        return {row[0] for row in self._query("SELECT DISTINCT capture FROM annotations WHERE kind='quarantine'")}

    def not_copied_to(self, destination: str) -> list[dict[str, Any]]:
        """The backlog: sealed captures without a copy there, oldest first."""
        sql = (
            "SELECT c.* FROM captures c LEFT JOIN copies k ON k.capture=c.id AND k.destination=? "
            "WHERE k.capture IS NULL AND c.id NOT IN (SELECT capture FROM disposed) ORDER BY c.seq"
        )
        return [_row(row) for row in self._query(sql, (destination,))]

    def copies(self, destination: str | None = None, capture: str | None = None) -> list[dict[str, Any]]:
        """Where copies lie, as the newest `replicated` event says: destination, capture, seq, time, objects."""
        rows = self._query(
            "SELECT k.*, e.time FROM copies k JOIN events e ON e.seq=k.seq WHERE (?1 IS NULL OR destination=?1) "
            "AND (?2 IS NULL OR capture=?2) ORDER BY k.capture, destination",
            (destination, capture),
        )
        return [{**_row(row), "objects": json.loads(row["objects"])} for row in rows]

    def referring_to(self, capture: str) -> list[str]:
        """Captures that name this one as the place of bytes which they do not hold themselves."""
        rows = self._query("SELECT DISTINCT capture FROM lent WHERE lender=? ORDER BY 1", (capture,))
        return [row[0] for row in rows]

    def lenders_of(self, capture: str) -> list[str]:
        """Captures in which bytes lie that this one only names."""
        return [row[0] for row in self._query("SELECT lender FROM lent WHERE capture=? ORDER BY 1", (capture,))]

    def lendings(self) -> list[tuple[str, str]]:
        """(capture, lender) of every such reference."""
        return [(row[0], row[1]) for row in self._query("SELECT capture, lender FROM lent ORDER BY 1, 2")]

    def sealed_payload(self, digest: str, cases: Sequence[str]) -> dict[str, Any] | None:
        """The oldest sealed record with this payload, in a capture that is in all of `cases`. Raises `CatalogError`.

        `digest`: `sha256:…`. Neither quarantined nor disposed of; records that hold the bytes themselves.
        """
        marks = ",".join("?" for _ in cases)
        sql = (
            "SELECT r.*, c.folder FROM records r JOIN captures c ON c.id=r.capture WHERE r.payload_digest=? "
            "AND r.type='response' AND r.truncated IS NULL "
            f'AND (SELECT COUNT(*) FROM case_captures m WHERE m.capture=r.capture AND m."case" IN ({marks}))=? '
            "AND r.capture NOT IN (SELECT capture FROM annotations WHERE kind='quarantine' AND capture IS NOT NULL) "
            "ORDER BY c.seq LIMIT 1"
        )
        rows = self._query(sql, (digest, *cases, len(set(cases))))
        return _row(rows[0]) if rows else None

    def holder(self, record: str, payload_digest: str) -> str | None:
        """The capture that holds a record with this payload."""
        sql = "SELECT capture FROM records WHERE payload_digest=? AND id=? AND type='response'"
        rows = self._query(sql, (payload_digest, record))
        return rows[0]["capture"] if rows else None

    def forget_events(self, seqs: Sequence[int]) -> None:
        """The bodies of events that were disposed of."""
        with self.transaction() as connection:
            for seq in seqs:
                connection.execute("UPDATE events SET body=NULL, agent='' WHERE seq=?", (seq,))
                connection.execute("DELETE FROM annotations WHERE seq=?", (seq,))
                connection.execute("DELETE FROM search WHERE kind='annotation' AND n=?", (seq,))

    def disposals(self) -> list[dict[str, Any]]:
        """Captures that were disposed of: capture, folder, manifest_sha256, seq."""
        return [_row(row) for row in self._query("SELECT * FROM disposed ORDER BY seq")]

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Every row of a table ordered by primary key, for comparing two catalogs."""
        keys = [row[1] for row in sorted(self._query(f"PRAGMA table_info({table})"), key=lambda r: r[5]) if row[5]]
        order = ", ".join(f'"{key}"' for key in keys)
        return [tuple(row) for row in self._query(f"SELECT * FROM {table} ORDER BY {order}")]


def _row(row: sqlite3.Row) -> dict[str, Any]:
    return {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over values


def _insert_event(connection: sqlite3.Connection, body: dict[str, Any], salted_hash: str) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,?)",
        (
            body["seq"],
            body["type"],
            body["time"],
            body["agent"]["id"],
            salted_hash,
            canonical.dumps(body).decode(),
        ),
    )


def _insert_copies(connection: sqlite3.Connection, body: dict[str, Any]) -> None:
    """Where copies lie now. Later events stand in place of earlier ones."""
    detail = body["detail"]
    if body["type"] == "replicated":
        connection.executemany(
            "INSERT OR REPLACE INTO copies VALUES (?,?,?,?)",
            [
                (detail["destination"], one["capture"], body["seq"], canonical.dumps(one["objects"]).decode())
                for one in detail["captures"]
            ],
        )
    elif body["type"] == "erased":
        connection.execute(
            "DELETE FROM copies WHERE destination=? AND capture=?", (detail["destination"], detail["capture"])
        )
    elif body["type"] == "disposed":
        connection.execute(
            "INSERT OR IGNORE INTO disposed VALUES (?,?,?,?)",
            (detail["capture"], body["seq"], detail["folder"], detail["manifest_sha256"]),
        )
        for table in ("search", "attachments", "posts", "records", "inventory", "case_captures", "lent"):
            connection.execute(f"DELETE FROM {table} WHERE capture=?", (detail["capture"],))
        connection.execute("DELETE FROM captures WHERE id=?", (detail["capture"],))


def _insert_membership(connection: sqlite3.Connection, case: str, capture: str, seq: int) -> None:
    """Not of a capture that is missing or was disposed of."""
    connection.execute(
        "INSERT OR IGNORE INTO case_captures SELECT ?1,?2,?3 WHERE EXISTS (SELECT 1 FROM captures WHERE id=?2)",
        (case, capture, seq),
    )


def _insert_capture(connection: sqlite3.Connection, body: dict[str, Any], home: Path) -> None:
    detail = body["detail"]
    folder = home / detail["folder"]
    capture = detail["capture"]
    if not (folder / "manifest.json").exists():
        return  # `check` names what is missing; a projection does not invent it
    manifest = canonical.loads((folder / "manifest.json").read_bytes())
    inventory = list(read_lines(folder / "inventory.jsonl"))
    target = next((line for line in inventory if line.get("kind") == "target"), {})
    connection.execute(
        "INSERT OR IGNORE INTO captures VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            capture, body["seq"], manifest["run"], manifest["part"], detail["folder"], target.get("url"),
            target.get("platform"), target.get("target_kind"), manifest["opened"], manifest["closed"],
            manifest["outcome"], manifest["reason"], manifest["counts"]["posts"], detail["manifest_sha256"],
            int(manifest["test_routes"]),
        ),
    )  # fmt: skip
    for case in detail.get("cases", []):
        _insert_membership(connection, case, capture, body["seq"])
    records = list(read_lines(folder / "records.jsonl"))
    lenders = {lender for line in records for lender in _lenders(line)} - {capture}
    connection.executemany("INSERT OR IGNORE INTO lent VALUES (?,?)", [(capture, one) for one in sorted(lenders)])
    connection.executemany(
        "INSERT OR IGNORE INTO records VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            (
                capture, n, line["id"], line["type"], line.get("uri"), line["date"], line["file"], line["offset"],
                line["length"], line.get("block_digest"), line.get("payload_digest"), line.get("payload_size"),
                line.get("status"), line.get("content_type"), line.get("truncated"),
            )
            for n, line in enumerate(records)
        ),
    )  # fmt: skip
    posts = list(read_lines(folder / "posts.jsonl"))
    insert_posts(connection, capture, posts)
    connection.executemany(
        "INSERT OR IGNORE INTO inventory VALUES (?,?,?,?,?,?,?)",
        (
            (
                capture,
                n,
                line.get("key"),
                line.get("kind"),
                line.get("outcome"),
                line.get("reason"),
                _text(line),
            )
            for n, line in enumerate(inventory)
        ),
    )


def _lenders(line: dict[str, Any]) -> list[str]:
    """Captures in which bytes lie that this record only names."""
    refers = line.get("refers")
    return [*([refers["capture"]] if isinstance(refers, dict) else []), *line.get("lent", [])]


def insert_posts(connection: sqlite3.Connection, capture: str, posts: Sequence[dict[str, Any]]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO posts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            (
                capture, n, line["platform"], line.get("id"), line.get("url"), line.get("author_handle"),
                line.get("author_name"), line.get("published_at"), line.get("title"), line.get("text"),
                line.get("lang"), line.get("edited"), line.get("views"), line.get("record"), _text(line),
            )
            for n, line in enumerate(posts)
        ),
    )  # fmt: skip
    connection.executemany(
        "INSERT OR IGNORE INTO attachments VALUES (?,?,?,?,?,?,?,?)",
        (
            (
                capture,
                n,
                k,
                item["kind"],
                item.get("url"),
                item.get("file_name"),
                item.get("duration"),
                item.get("size"),
            )
            for n, line in enumerate(posts)
            for k, item in enumerate(line.get("attachments") or [])
        ),
    )
    searchable = []
    for n, line in enumerate(posts):
        parts = [line.get("title"), line.get("text"), line.get("author_name"), line.get("author_handle")]
        folded, bones = index_text("\n".join(part for part in parts if part))
        searchable.append((folded, bones, capture, n, "post"))
    connection.executemany("INSERT INTO search VALUES (?,?,?,?,?)", searchable)


def _insert_annotation(connection: sqlite3.Connection, body: dict[str, Any]) -> None:
    detail = body["detail"]
    about = detail["about"]
    segment = about.get("segment")
    connection.execute(
        "INSERT OR IGNORE INTO annotations VALUES (?,?,?,?,?,?,?,?)",
        (
            body["seq"], detail["kind"], about.get("capture"), about.get("post"), about.get("attachment"),
            canonical.dumps(segment).decode() if segment else None, detail.get("text"), canonical.dumps(detail).decode(),
        ),
    )  # fmt: skip
    if detail.get("text"):
        folded, bones = index_text(detail["text"])
        connection.execute(
            "INSERT INTO search VALUES (?,?,?,?,?)",
            (folded, bones, about.get("capture"), body["seq"], "annotation"),
        )


def _text(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
