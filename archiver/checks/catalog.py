"""The catalog against what it projects: events of the ledger, and the listed lines of each capture."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archiver.checks.events import CheckedEvents
from archiver.checks.lines import Finding, Line, damaged, intact, note


def check_catalog(
    home: Path,
    size_now: Callable[[], int],
    events: CheckedEvents,
    ended: Mapping[str, int],
) -> list[Line]:
    """Return lines about the catalog of a home, which may be at work.

    `size_now`: how many events its ledger has by now. `ended`: capture → the number of the event by which it was
    disposed of.
    """
    path = home / "catalog.sqlite"
    if not path.exists():
        return [note("catalog", "catalog", "there is none; `archiver catalog rebuild` makes it")]
    try:
        connection = sqlite3.connect(_read_only(path), uri=True)
        try:
            connection.execute("BEGIN")  # all tables as they were at one moment
            held = connection.execute("SELECT COUNT(*) FROM events").fetchone()[0]
            if held > len(events) and held > size_now():
                return [_wrong("it has events that the ledger does not")]
            held = min(held, len(events))
            lines = [_compare(home, connection, events, held, ended)]
            if held < len(events) and lines[0].finding is not Finding.DAMAGED:
                text = f"{len(events) - held} events are not in it yet; the next command adds them"
                lines.append(note("catalog", "behind", text))
            return lines
        finally:
            connection.close()
    except sqlite3.Error as error:
        return [damaged("catalog", "catalog", f"{error}. It can be made again: archiver catalog rebuild")]


def _read_only(path: Path) -> str:
    """Return the link by which SQLite reads `path` and writes nothing beside it, also on a disk that takes nothing."""
    wal = path.with_name(f"{path.name}-wal")
    still = not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size)
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if still else ''}"


def _compare(
    home: Path, connection: sqlite3.Connection, events: CheckedEvents, held: int, ended: Mapping[str, int]
) -> Line:
    """The catalog's rows of the first `held` events against the files that it projects."""
    if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        return _wrong("the file is damaged")
    if events_differ := _events_differ(connection, events, held):
        return _wrong(events_differ)
    rows, captures, names = 0, 0, set()
    for body in events.captures():
        capture = body["detail"]["capture"]
        if body["seq"] >= held or ended.get(capture, held) < held:
            continue
        count, differs = _capture_differs(home, connection, body["detail"])
        if differs:
            return _wrong(differs)
        rows += count
        captures += 1
        names.add(capture)
    of_these = connection.execute("SELECT COUNT(*) FROM captures WHERE seq < ?", (held,)).fetchone()[0]
    if stray := of_these - len(names):
        return _wrong(f"{abs(stray)} captures too {'many' if stray > 0 else 'few'}")
    said = f"says what {captures} captures and {held} events say ({rows} rows compared)"
    return intact("catalog", "catalog", said)


def _wrong(what: str) -> Line:
    return damaged("catalog", "catalog", f"{what}. Make it again: archiver catalog rebuild")


def _events_differ(connection: sqlite3.Connection, events: CheckedEvents, held: int) -> str | None:
    rows = connection.execute("SELECT seq, body FROM events WHERE seq < ? ORDER BY seq", (held,))
    expected = 0
    for expected, (seq, body) in enumerate(rows):
        if seq != expected:
            return f"event {expected} is missing"
        if events.says(seq, (body or "").encode()) is False:
            return f"event {seq} differs"
    return f"event {expected + 1} is missing" if expected + 1 < held else None


def _capture_differs(home: Path, connection: sqlite3.Connection, detail: dict[str, Any]) -> tuple[int, str | None]:
    """How many rows of a capture were compared, and what of it differs."""
    folder, capture, rows = home / detail["folder"], detail["capture"], 0
    for table, file in (("posts", "posts.jsonl"), ("inventory", "inventory.jsonl")):
        try:
            said = [json.loads(line) for line in (folder / file).read_bytes().splitlines()]
        except (OSError, ValueError):
            continue  # told by the capture's own lines
        asked = connection.execute(f"SELECT line FROM {table} WHERE capture=? ORDER BY n", (capture,))
        found = [json.loads(row[0]) for row in asked]
        if said != found:
            return rows, f"{table} of {capture} differ"
        rows += len(found)
    return rows, _records_differ(connection, folder, capture)


def _records_differ(connection: sqlite3.Connection, folder: Path, capture: str) -> str | None:
    try:
        said = [json.loads(line) for line in (folder / "records.jsonl").read_bytes().splitlines()]
    except (OSError, ValueError):
        return None
    sql = 'SELECT id, file, "offset", length, block_digest, payload_digest FROM records WHERE capture=? ORDER BY n'
    found = connection.execute(sql, (capture,)).fetchall()
    keys = ("id", "file", "offset", "length", "block_digest", "payload_digest")
    if [tuple(line.get(key) for key in keys) for line in said] != [tuple(row) for row in found]:
        return f"records of {capture} differ"
    return None
