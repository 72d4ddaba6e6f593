"""Rows of the catalog, made from ledger events and the files of capture folders.

Captures, records and posts come by the thousand: they go in by `executemany`. What is rare and may stand there already
goes through sqlite-utils.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from storage import canonical
from storage.assembly import URI as ASSEMBLY
from storage.catalog_schema import TABLES
from storage.errors import FormatError
from storage.fold import skeletons
from storage.lines import read_lines
from storage.manifest import capture_place
from storage.post_lines import GUESSES, guesses
from storage.post_lines import words as words_of

_WIDTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
"""How long a stated time lasts, by its precision; less than a second is not told apart."""
_FILE = re.compile(r"(?:post (?P<post>.*?) #|file )(?P<number>\d+)", re.DOTALL)
"""The key of a file in an inventory: of a post, counted from 0, or received, counted from 1."""


def insert_event(connection: sqlite3.Connection, body: dict[str, Any], salted_hash: str, home: Path) -> None:
    """Enter an event of the ledger and what it tells of. `home`: where captures lie. Raises `sqlite3.Error`."""
    detail = body["detail"]
    connection.execute(
        "INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,?)",
        (
            body["seq"], body["type"], body["time"], body["agent"]["id"], salted_hash,
            canonical.dumps(body).decode(),
        ),
    )  # fmt: skip
    _insert(connection, "mentions", [(body["seq"], one) for one in sorted(_named(body))])
    if body["type"] in ("captured", "recovered"):
        _insert_capture(connection, body, home)
    elif body["type"] == "annotated":
        _insert_annotation(connection, body)
    elif body["type"] == "reassessed":
        _insert_reassessment(connection, body)
    elif body["type"] == "case":
        row = {"name": detail["name"], "created": body["time"], "recipients": json.dumps(detail["recipients"])}
        _table(connection, "cases").insert({**row, "seq": body["seq"]}, pk="name", ignore=True)
    elif body["type"] == "case-membership":
        _insert_membership(connection, detail["case"], detail["capture"], body["seq"])
    elif body["type"] == "replicated":
        rows = [
            {
                "destination": detail["destination"], "capture": one["capture"], "seq": body["seq"],
                "objects": canonical.dumps(one["objects"]).decode(),
            }
            for one in detail["captures"]
        ]  # fmt: skip
        _table(connection, "copies").upsert_all(rows, pk=("destination", "capture"))
    elif body["type"] == "timestamped":
        row = {"checkpoint": detail["checkpoint"], "authority": detail["by"], "states": detail.get("states")}
        _table(connection, "timestamps").insert({"seq": body["seq"], **row}, pk="seq", ignore=True)
    elif body["type"] == "erased":
        place = (detail["destination"], detail["capture"])
        _table(connection, "copies").delete_where("destination=? AND capture=?", place)
    elif body["type"] == "disposed":
        _dispose(connection, body["seq"], detail)


def _named(body: Mapping[str, Any]) -> set[str]:
    """Return what an event is about: captures, cases as `case:NAME`; of a watch's findings also post, link and watch."""
    detail = body["detail"]
    about = detail.get("about", {})
    # What was copied is listed with where its objects lie, everything else by its id alone.
    listed = [one.get("capture") if isinstance(one, dict) else one for one in detail.get("captures", ())]
    named = [detail.get("capture"), about.get("capture"), *listed]
    if body["type"] in ("removed", "changed", "unavailable", "seen-again", "duplicate"):
        named += [detail.get(name) for name in ("post", "link", "watch")]
    cases = [detail.get("case"), about.get("case"), detail.get("name") if body["type"] == "case" else None]
    of_cases = {f"case:{one}" for one in cases if isinstance(one, str)}
    return {one for one in named if isinstance(one, str)} | of_cases


def _table(connection: sqlite3.Connection, name: str) -> Any:
    import sqlite_utils  # late: it takes its time, and most events do not need it

    return sqlite_utils.Database(connection, execute_plugins=False).table(name)


def _dispose(connection: sqlite3.Connection, seq: int, detail: dict[str, Any]) -> None:
    capture = detail["capture"]
    row = {"capture": capture, "seq": seq, "folder": detail["folder"], "manifest_sha256": detail["manifest_sha256"]}
    _table(connection, "disposed").insert(row, pk="capture", ignore=True)
    for table in ("attachments", "posts", "records", "inventory", "case_captures", "lent", "reassessments"):
        connection.execute(f"DELETE FROM {table} WHERE capture=?", (capture,))
    connection.execute("DELETE FROM captures WHERE id=?", (capture,))


def purge_index(connection: sqlite3.Connection) -> None:
    """Remove deleted words from the search index, which would keep them until it is next merged."""
    for name in ("posts", "annotations"):
        _table(connection, name).optimize()


def _insert_membership(connection: sqlite3.Connection, case: str, capture: str, seq: int) -> None:
    """Not of a capture that is missing or was disposed of."""
    connection.execute(
        "INSERT OR IGNORE INTO case_captures SELECT ?1,?2,?3 WHERE EXISTS (SELECT 1 FROM captures WHERE id=?2)",
        (case, capture, seq),
    )


def _insert_reassessment(connection: sqlite3.Connection, body: dict[str, Any]) -> None:
    """Not of a capture that is missing or was disposed of."""
    detail = body["detail"]
    connection.execute(
        "INSERT OR IGNORE INTO reassessments SELECT ?1,?2,?3,?4,?5,?6 WHERE EXISTS (SELECT 1 FROM captures WHERE id=?2)",
        (body["seq"], detail["capture"], detail["outcome"], detail["reason"], detail["parser"], body["software"]),
    )


def _insert_capture(connection: sqlite3.Connection, body: dict[str, Any], home: Path) -> None:
    detail = body["detail"]
    capture = detail["capture"]
    try:
        folder = home / capture_place(detail)
    except FormatError:
        return  # somebody else's event; what it names is nothing to read
    if not (folder / "manifest.json").exists():
        return  # `check` names what is missing; a projection does not invent it
    manifest = canonical.loads((folder / "manifest.json").read_bytes())
    inventory = list(read_lines(folder / "inventory.jsonl"))
    target = next((line for line in inventory if line.get("kind") == "target"), {})
    added = _insert(
        connection, "captures",
        [(
            capture, body["seq"], manifest["run"], manifest["part"], detail["folder"], target.get("url"),
            target.get("platform"), target.get("target_kind"), manifest["opened"], manifest["closed"],
            manifest["outcome"], manifest["reason"], manifest["counts"]["posts"], detail["manifest_sha256"],
            int(manifest["test_routes"]),
        )],
    )  # fmt: skip
    if not added:
        return
    for case in detail.get("cases", []):
        _insert_membership(connection, case, capture, body["seq"])
    records = list(read_lines(folder / "records.jsonl"))
    lenders = {lender for line in records for lender in _lenders(line)} - {capture}
    _insert(connection, "lent", [(capture, one) for one in sorted(lenders)])
    _insert(connection, "records", [_record(capture, n, line) for n, line in enumerate(records)])
    posts = list(read_lines(folder / "posts.jsonl"))
    seen = {line["id"]: line["date"] for line in records}
    insert_posts(connection, capture, posts, [seen.get(line.get("record"), manifest["opened"]) for line in posts])
    files = _Files(records, posts)
    _insert(
        connection, "inventory",
        [
            (
                capture, n, line.get("key"), line.get("kind"), line.get("outcome"), line.get("reason"),
                *files.columns(line), _text(line),
            )
            for n, line in enumerate(inventory)
        ],
    )  # fmt: skip


def _record(capture: str, n: int, line: dict[str, Any]) -> tuple[Any, ...]:
    refers = line.get("refers")
    lender = (refers["capture"], refers["record"]) if isinstance(refers, dict) else (None, None)
    return (
        capture, n, line["id"], line["type"], line.get("uri"), line["date"], line["file"], line["offset"],
        line["length"], line.get("block_digest"), line.get("payload_digest"), line.get("payload_size"),
        line.get("status"), line.get("content_type"), line.get("truncated"), *lender,
    )  # fmt: skip


def _lenders(line: dict[str, Any]) -> list[str]:
    """Captures in which bytes lie that this record only names."""
    refers = line.get("refers")
    return [*([refers["capture"]] if isinstance(refers, dict) else []), *line.get("lent", [])]


class _Files:
    """Finds what an inventory's line says of a file: which it is, where it lies, its digest."""

    def __init__(self, records: Sequence[dict[str, Any]], posts: Sequence[dict[str, Any]]) -> None:
        self._records = {line["id"]: line for line in records}
        self._assemblies = {line["uri"]: line for line in records if str(line.get("uri")).startswith(ASSEMBLY)}
        self._posts: dict[str, int] = {}
        for n, line in enumerate(posts):
            self._posts.setdefault(str(line.get("id") or line.get("url")), n)

    def columns(self, line: dict[str, Any]) -> tuple[Any, ...]:
        """(post, attachment, record, sha256, size, media_type) of a line; None for what it does not say."""
        found = _FILE.match(line.get("key") or "") if line.get("outcome") else None
        if found is None:
            return (None, None, line.get("record"), None, None, None)
        received = found["post"] is None
        post = None if received else self._posts.get(found["post"])
        number = int(found["number"]) - received
        record = self._records.get(line.get("record", ""), {})
        if whole := self._assemblies.get(f"{ASSEMBLY}{line.get('assembly')}"):
            return (post, number, whole["id"], line["assembly"], whole.get("size"), record.get("content_type"))
        digest = str(record.get("payload_digest") or "").removeprefix("sha256:") or None
        if record.get("type") not in ("response", "resource", "revisit"):
            digest = None
        size = record.get("payload_size") if digest else None
        return (post, number, line.get("record"), digest, size, record.get("content_type"))


def insert_posts(
    connection: sqlite3.Connection,
    capture: str,
    posts: Sequence[dict[str, Any]],
    seen: Sequence[str | None] | None = None,
) -> None:
    """Enter lines of posts.jsonl with their attachments, once. `seen`: when each arrived. Raises `sqlite3.Error`."""
    times = seen or [None] * len(posts)
    _insert(
        connection, "posts",
        [
            (
                capture, n, line["platform"], line.get("id"), line.get("url"), line.get("author_handle"),
                line.get("author_name"), line.get("published_at"), *bounds(line), when, line.get("title"),
                line.get("text"), line.get("lang"), line.get("edited"), line.get("views"), line.get("role"),
                line.get("record"), *(guesses(line).get(name) for name in GUESSES[:4]), _text(line),
                skeletons(
                    line.get("title"), words_of(line), line.get("author_name"), line.get("author_handle"),
                    guesses(line).get("guessed_author"),
                    *_words_attached(line),
                ),
            )
            for n, (line, when) in enumerate(zip(posts, times, strict=True))
        ],
    )  # fmt: skip
    columns = ",".join(("rowid", *TABLES["posts"].searched))
    # Row by row: at each statement that adds several, SQLite first writes what the index holds in memory.
    found = connection.execute(f"SELECT {columns} FROM posts WHERE capture=?", (capture,)).fetchall()
    connection.executemany(
        f"INSERT INTO posts_fts ({columns}) VALUES ({','.join('?' * (columns.count(',') + 1))})", found
    )
    _insert(
        connection, "attachments",
        [
            (
                capture, n, k, item["kind"], item.get("url"), item.get("file_name"), item.get("duration"),
                item.get("size"),
            )
            for n, line in enumerate(posts)
            for k, item in enumerate(line.get("attachments") or [])
        ],
    )  # fmt: skip


def _words_attached(line: dict[str, Any]) -> Iterator[str]:
    """Words that hang on a post and are none of its own: a story's caption, an article that the platform shows with it."""
    for item in line.get("attachments") or []:
        article = item.get("article")
        for words in (item.get("caption"), article.get("text") if isinstance(article, dict) else None):
            if isinstance(words, str):
                yield words


def bounds(line: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the earliest and latest time at which a post can have been published, as its line says."""
    said = line.get("published") or {}
    if said.get("earliest") and said.get("latest"):
        return said["earliest"], said["latest"]
    value = line.get("published_at")
    width = _WIDTHS.get(said.get("precision") or "")
    if value is None or width is None:
        return value, value
    latest = datetime.fromisoformat(value) + width - timedelta(seconds=1)
    return value, latest.isoformat().replace("+00:00", "Z")


def _insert_annotation(connection: sqlite3.Connection, body: dict[str, Any]) -> None:
    detail = body["detail"]
    about = detail["about"]
    segment = about.get("segment")
    _insert(
        connection, "annotations",
        [(
            body["seq"], detail["kind"], about.get("capture"), about.get("post"), about.get("attachment"),
            canonical.dumps(segment).decode() if segment else None, detail.get("text"),
            canonical.dumps(detail).decode(), skeletons(detail.get("text")), None,
        )],
    )  # fmt: skip
    if detail["kind"] == "retraction" and isinstance(about.get("event"), int):
        connection.execute(
            "UPDATE annotations SET retracted=? WHERE seq=? AND seq<? AND retracted IS NULL",
            (body["seq"], about["event"], body["seq"]),
        )


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]]) -> int:
    """Insert rows whose values stand in the order of the table's columns; return how many did not stand there already."""
    if not rows:
        return 0
    sql = f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * len(rows[0]))})"
    try:
        return connection.executemany(sql, rows).rowcount
    except (UnicodeEncodeError, OverflowError):
        # A hostile page can say what SQLite cannot hold; the column `line` has it as it was said.
        return connection.executemany(sql, [[_storable(value) for value in row] for row in rows]).rowcount


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return None if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 else value


def _text(line: dict[str, Any]) -> str:
    """Write a line as JSON that people can read and search; `_storable` escapes half of a surrogate pair as JSON does."""
    return json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
