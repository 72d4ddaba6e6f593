"""Operational state: which captures are open, where a crawl stands. Not evidence."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import CatalogError
from storage.sqlite import Serial, connect_read_only, open_database


@dataclass(frozen=True)
class RunState:
    """How far a run has come: how many captures it has, the next page's cursor, whether it has ended."""

    run: str
    target: str
    parts: int
    cursor: str | None
    done: bool
    options: dict[str, Any]


class State:
    """The database of operational state. Opening it raises `CatalogError`, `DiskError`."""

    def __init__(self, path: Path) -> None:
        step = f"Move {path.name} away and run the command again; interrupted captures are then found by `archiver catalog rebuild`."
        self._connection = Serial(open_database(path, "state_", step), path)

    def capture_opened(self, capture_id: str, folder: str, opened: str, cases: list[str]) -> None:
        """Remember a capture that is being written. `opened`: UTC text."""
        self._connection.execute(
            "INSERT OR REPLACE INTO open_captures VALUES (?,?,?,?)",
            (capture_id, folder, opened, json.dumps(cases)),
        )

    def capture_sealed(self, capture_id: str) -> None:
        """Forget an open capture, which is now in the ledger."""
        self._connection.execute("DELETE FROM open_captures WHERE id=?", (capture_id,))

    def own_capture_begun(self, capture_id: str, person: str) -> None:
        """Remember that a command of this person began a capture. `person`: "" for the home's own."""
        self._connection.execute(
            "INSERT OR IGNORE INTO own_captures (capture, person) VALUES (?,?)", (capture_id, person)
        )

    def open_captures(self) -> list[tuple[str, str, list[str]]]:
        """List (capture id, folder, cases) of captures that were opened and not yet sealed."""
        rows = self._connection.execute("SELECT id, folder, cases FROM open_captures ORDER BY id").fetchall()
        return [(row[0], row[1], json.loads(row[2])) for row in rows]

    def save_run(self, state: RunState) -> None:
        """Keep how far a run has come, in place of what was kept before."""
        self._connection.execute(
            "INSERT OR REPLACE INTO runs VALUES (?,?,?,?,?,?)",
            (state.run, state.target, state.parts, state.cursor, int(state.done), json.dumps(state.options)),
        )

    def unfinished_runs(self, target: str) -> list[RunState]:
        """List runs on `target` that did not reach their end, newest first."""
        rows = self._connection.execute(
            "SELECT run, target, parts, cursor, done, options FROM runs WHERE target=? AND done=0 ORDER BY run DESC",
            (target,),
        )
        return [RunState(row[0], row[1], row[2], row[3], bool(row[4]), json.loads(row[5])) for row in rows]

    def run(self, run: str) -> RunState | None:
        """Return how far the run of that id has come; None where there is none."""
        row = self._connection.execute(
            "SELECT run, target, parts, cursor, done, options FROM runs WHERE run=?", (run,)
        ).fetchone()
        return RunState(row[0], row[1], row[2], row[3], bool(row[4]), json.loads(row[5])) if row else None

    def reached(self, state: RunState, found: list[tuple[str, str]]) -> None:
        """Record that everything before `state.cursor` is captured. `found`: (key, link) of what is to be captured separately."""
        with self._connection:
            self._connection.execute("BEGIN")
            self.save_run(state)
            (count,) = self._connection.execute("SELECT count(*) FROM frontier WHERE run=?", (state.run,)).fetchone()
            self._connection.executemany(
                "INSERT OR IGNORE INTO frontier (run, n, key, link) VALUES (?,?,?,?)",
                [(state.run, count + number, key, link) for number, (key, link) in enumerate(found)],
            )

    def frontier(self, run: str) -> list[tuple[str, str]]:
        """List (key, link) of what a walk has found and not captured yet, in order."""
        rows = self._connection.execute("SELECT key, link FROM frontier WHERE run=? AND done=0 ORDER BY n", (run,))
        return [(row[0], row[1]) for row in rows]

    def frontier_size(self, run: str) -> int:
        """Count all that the walk has found, captured or not."""
        (count,) = self._connection.execute("SELECT count(*) FROM frontier WHERE run=?", (run,)).fetchone()
        return int(count)

    def frontier_done(self, run: str, key: str) -> None:
        """Mark what a walk has found under this key as captured."""
        self._connection.execute("UPDATE frontier SET done=1 WHERE run=? AND key=?", (run, key))

    # -- files that arrived in part ----------------------------------------------------------------------

    def file_begun(self, key: str, capture: str) -> None:
        """Remember that a capture holds a part of a file."""
        self._connection.execute("INSERT OR IGNORE INTO files_begun VALUES (?,?)", (key, capture))

    def file_captures(self, key: str) -> list[str]:
        """List captures that hold parts of the file, oldest first."""
        rows = self._connection.execute("SELECT capture FROM files_begun WHERE key=? ORDER BY capture", (key,))
        return [row[0] for row in rows]

    def file_done(self, key: str) -> None:
        """Forget the parts of a file, which is now complete."""
        self._connection.execute("DELETE FROM files_begun WHERE key=?", (key,))

    # -- watches -----------------------------------------------------------------------------------------------

    def watch(self, target: str) -> tuple[int, dict[str, Any]] | None:
        """Return (pts, facts) of a watch that has begun: every update up to `pts` was kept. None before it began."""
        row = self._connection.execute("SELECT pts, facts FROM watches WHERE target=?", (target,)).fetchone()
        return (int(row[0]), json.loads(row[1])) if row else None

    def watch_reached(self, target: str, pts: int, facts: dict[str, Any]) -> None:
        """Keep that every update of a watch up to `pts` was kept. `pts`: Telegram's count of a channel's events."""
        self._connection.execute("INSERT OR REPLACE INTO watches VALUES (?,?,?)", (target, pts, json.dumps(facts)))

    def watch_saw(self, target: str, seen: list[tuple[int, str, str, str | None]]) -> None:
        """Keep the last observation of each message: (message, digest of its content, capture, record)."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT OR REPLACE INTO watched VALUES (?,?,?,?,?,0)", [(target, *row) for row in seen]
            )

    def watch_last(self, target: str, message: int) -> tuple[str, str, str | None, bool] | None:
        """Return the last observation of a message: (digest, capture, record, removed). None where there is none."""
        row = self._connection.execute(
            "SELECT digest, capture, record, removed FROM watched WHERE target=? AND message=?", (target, message)
        ).fetchone()
        return (row[0], row[1], row[2], bool(row[3])) if row else None

    def watch_present(self, target: str, first: int) -> list[int]:
        """List messages from `first` on that were there when they were last seen."""
        rows = self._connection.execute(
            "SELECT message FROM watched WHERE target=? AND message>=? AND removed=0 ORDER BY message", (target, first)
        )
        return [int(row[0]) for row in rows]

    def watch_seen_in(self, target: str, capture: str) -> list[int]:
        """List messages whose last observation is in that capture and that were not removed since."""
        rows = self._connection.execute(
            "SELECT message FROM watched WHERE target=? AND capture=? AND removed=0 ORDER BY message", (target, capture)
        )
        return [int(row[0]) for row in rows]

    def watch_forget(self, target: str, messages: list[int]) -> None:
        """Forget that these messages were observed: the capture that was to keep them broke off."""
        self._connection.executemany(
            "DELETE FROM watched WHERE target=? AND message=?", [(target, number) for number in messages]
        )

    def watch_removed(self, target: str, messages: list[int]) -> None:
        """Mark messages as removed."""
        self._connection.executemany(
            "UPDATE watched SET removed=1 WHERE target=? AND message=?", [(target, number) for number in messages]
        )

    # -- lists of links ------------------------------------------------------------------------------------

    def list_begun(self, run: str, key: str) -> None:
        """Keep that a run over a list of links has begun. `key` is equal for equal lists."""
        self._connection.execute("INSERT OR REPLACE INTO lists VALUES (?,?,0)", (run, key))

    def unfinished_list(self, key: str) -> str | None:
        """Return the newest run over that list which did not reach its end; None where there is none."""
        row = self._connection.execute(
            "SELECT run FROM lists WHERE key=? AND done=0 ORDER BY run DESC LIMIT 1", (key,)
        ).fetchone()
        return row[0] if row else None

    def list_done(self, run: str) -> None:
        """Mark a run over a list as ended."""
        self._connection.execute("UPDATE lists SET done=1 WHERE run=?", (run,))

    def save_result(self, run: str, stage: str, target: str, result: dict[str, Any]) -> None:
        """Keep what became of a target of a list at one stage."""
        self._connection.execute(
            "INSERT OR REPLACE INTO list_results VALUES (?,?,?,?)", (run, stage, target, json.dumps(result))
        )

    def results(self, run: str, stage: str) -> dict[str, dict[str, Any]]:
        """Return what has become of each target of a list so far at one stage."""
        rows = self._connection.execute("SELECT target, result FROM list_results WHERE run=? AND pass=?", (run, stage))
        return {row[0]: json.loads(row[1]) for row in rows}

    # -- a queue that is shared with other homes --------------------------------------------------------------

    def claim_made(self, attempt: str, done: dict[str, Any]) -> None:
        """Keep that an attempt was carried out here; the shared queue is still to be told."""
        self._connection.execute("INSERT OR REPLACE INTO claims VALUES (?,?)", (attempt, json.dumps(done)))

    def claims(self) -> dict[str, dict[str, Any]]:
        """Return what was done, by attempt, that the shared queue is still to be told."""
        return {row[0]: json.loads(row[1]) for row in self._connection.execute("SELECT attempt, done FROM claims")}

    def claim_settled(self, attempt: str) -> None:
        """Forget an attempt that the shared queue was told of."""
        self._connection.execute("DELETE FROM claims WHERE attempt=?", (attempt,))

    def close(self) -> None:
        """Close the database."""
        with suppress(CatalogError):
            self._connection.close()


def own_captures(path: Path, person: str) -> list[str]:
    """List the captures that commands of this person began, the newest first; none where that was not kept yet.

    The database is only read: it may lie on a disk that takes nothing. Raises `CatalogError`.
    """
    if not path.exists():
        return []
    connection = connect_read_only(path, f"Move {path.name} away; it is no evidence, and is made again.")
    try:
        kept = connection.execute("SELECT 1 FROM sqlite_master WHERE name='own_captures'").fetchone()
        if not kept:
            return []
        rows = connection.execute("SELECT capture FROM own_captures WHERE person=? ORDER BY n DESC", (person,))
        return [row[0] for row in rows]
    finally:
        connection.close()
