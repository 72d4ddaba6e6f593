"""A person's own SQL over the catalog: it reads, it ends in time, and what is quarantined does not come back.

The catalog is attached, for reading only, to an empty database in memory, under a name that nobody can know. Names
without a schema lead into it; where something is quarantined, views in front of its tables leave that out. SQLite asks an
authorizer about each step of a statement when it is prepared: nothing but reading passes.

A thread of its own waits for SQLite. Its clock is looked at between two steps, and one step is as long as a function takes:
`instr` of two long texts, for minutes. Whoever asked goes on at the end of the time, or at Ctrl-C, and leaves that thread behind.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.projection import CATALOG
from storage.catalog import REBUILD
from storage.catalog_schema import TABLES
from storage.catalog_views import VIEWS, shown
from storage.errors import CatalogError, EvidenceError
from storage.sqlite import read_only

AT_ONCE = 200
"""Rows that are read together."""
_STEPS = 20_000
"""Of SQLite's virtual machine between two looks at the clock: about a millisecond."""
_LONGEST = 64 << 20
"""Bytes of the longest value that a query may make."""
_LONGEST_PATTERN = 500
"""Bytes of a LIKE or GLOB pattern: one comparison with a long one is a single step, which no clock interrupts."""
_GRACE = 1.0
"""Seconds, after its time, in which a query may still end by itself."""
_NO_FUNCTIONS = ("load_extension", "fts3_tokenizer", "fts5")
_PRAGMAS = ("table_info", "table_xinfo", "data_version")
"""They list the columns of a table; the search index asks for the last, whether it was changed meanwhile."""
_REFUSED = {
    sqlite3.SQLITE_ATTACH: "ATTACH", sqlite3.SQLITE_DETACH: "DETACH", sqlite3.SQLITE_REINDEX: "REINDEX",
    sqlite3.SQLITE_ANALYZE: "ANALYZE", sqlite3.SQLITE_TRANSACTION: "a transaction", sqlite3.SQLITE_SAVEPOINT: "a savepoint",
}  # fmt: skip
"""What a refused step of SQLite's is called; the others mostly write."""

Row = tuple[Any, ...]


class QueryStopped(EvidenceError):
    """A question that took longer than it may."""


class Query:
    """One question to the catalog. `rows` gives its answer; `columns` names the columns, each once."""

    def __init__(self, home: Home, sql: str, seconds: float) -> None:
        """Ask. Raises `UsageError` where the SQL is wrong or does not only read, `QueryStopped`, `CatalogError`."""
        _ = home.catalog  # opened: one of an earlier release is now of this one
        self._seconds, self._spent, self._since = seconds, 0.0, time.monotonic()
        self._refused: str | None = None
        self._waiting = threading.Thread()
        self._schema = f"c{secrets.token_hex(8)}"
        self._connection = _attached(home, self._schema)
        self._connection.execute(
            "BEGIN"
        )  # the answer sees the catalog as it is when it is looked at for what is quarantined
        self.quarantined = self._hide()
        """How many posts are left out of every answer."""
        self._connection.execute("PRAGMA query_only=ON")
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _LONGEST_PATTERN)
        self._connection.set_authorizer(self._may)
        self._connection.set_progress_handler(self._is_late, _STEPS)
        self._first = self._asked(sql)
        self.columns = _distinct([column[0] for column in self._cursor.description])

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the answer as they come. Raises `QueryStopped` where that takes more than its time."""
        rows = self._first
        while rows:
            yield from rows
            rows = self._timed(lambda: self._cursor.fetchmany(AT_ONCE))

    def close(self) -> None:
        """Close the catalog; one that still is at a step is told to end with it."""
        if self._waiting.is_alive():  # closing would wait for it
            self._connection.interrupt()
        else:
            self._connection.close()

    def _asked(self, sql: str) -> list[Row]:
        self._cursor = self._connection.cursor()
        rows = self._timed(lambda: self._cursor.execute(sql).fetchmany(AT_ONCE))
        if self._cursor.description is None:
            raise UsageError("one SELECT", "none", "For example: archiver catalog query 'SELECT * FROM cases'")
        return rows

    def _timed(self, ask: Callable[[], list[Row]]) -> list[Row]:
        """Take the next rows; only SQLite's own time counts, not that of whoever reads them."""
        self._since = time.monotonic()
        answer: Future[list[Row]] = Future()
        # Not kept from ending the process: a step that nothing interrupts would hold it.
        self._waiting = threading.Thread(target=_answer, args=(ask, answer), name="archiver query", daemon=True)
        self._waiting.start()
        try:
            rows = answer.result(max(self._seconds - self._spent, 0) + _GRACE)
            self._waiting.join()
            return rows
        except TimeoutError as error:
            raise self._stopped() from error
        except (sqlite3.Error, sqlite3.Warning) as error:
            self._waiting.join()
            raise self._refusal(error) from error
        finally:
            self._spent += time.monotonic() - self._since

    def _stopped(self) -> QueryStopped:
        return QueryStopped(
            f"an answer within {self._seconds:g} seconds",
            "none, or not all of it",
            "Narrow the query, or allow more time with --seconds. The rows shown are not the whole answer.",
        )

    def _refusal(self, error: Exception) -> EvidenceError:
        said = str(error).replace(f"{self._schema}.", "")
        if said == "interrupted":
            return self._stopped()
        if self.quarantined and "posts_fts" in said:
            return UsageError(
                "SQL without the search index posts_fts while a post is quarantined",
                said,
                "Search with `archiver find`, or with LIKE in posts.",
            )
        if said.startswith(("not authorized", "access to", "authorization denied")):
            return UsageError("SQL that only reads the catalog", self._refused or said, "Ask with one SELECT.")
        if said.startswith("cannot VACUUM"):  # SQLite asks nobody about it: it sees the open transaction first
            return UsageError("SQL that only reads the catalog", "VACUUM", "Ask with one SELECT.")
        if "one statement at a time" in said:
            return UsageError("one statement", "several", "Run them one by one.")
        if said.startswith("no such table"):
            return UsageError("a table or view of the catalog", said, f"There are: {', '.join([*VIEWS, *TABLES])}.")
        if said == "string or blob too big":
            return UsageError(f"values of up to {_LONGEST >> 20} MiB", "a longer one", "Ask for a part, with substr().")
        if said == "LIKE or GLOB pattern too complex":
            long = f"a LIKE or GLOB pattern of up to {_LONGEST_PATTERN} bytes"
            return UsageError(long, "a longer one", "Shorten it, or look for a text with instr().")
        return UsageError(
            "SQL that SQLite understands", said, "docs/reference/catalog.md lists tables, views and columns."
        )

    def _is_late(self) -> bool:
        return self._spent + time.monotonic() - self._since > self._seconds

    def _hide(self) -> int:
        """Put views before the tables in which quarantined posts stand; return how many posts they leave out."""
        schema = self._schema
        kept = shown("p.id", "p.capture").replace(" FROM ", f" FROM {schema}.")
        # From the few annotations, not from the many posts.
        counted = (
            f"SELECT COUNT(DISTINCT p.rowid) FROM {schema}.annotations q JOIN {schema}.posts p "
            "ON p.capture=q.capture AND (q.post IS NULL OR q.post=p.id) WHERE q.kind='quarantine' AND q.retracted IS NULL"
        )
        hidden = int(self._connection.execute(counted).fetchone()[0])
        if not hidden:
            return 0
        posts = f"SELECT p.rowid, p.* FROM {schema}.posts p WHERE {kept}"
        attachments = (
            f"SELECT t.* FROM {schema}.attachments t JOIN {schema}.posts p ON p.capture=t.capture AND p.n=t.post"
        )
        self._connection.execute(f"CREATE TEMP VIEW posts AS {posts}")
        self._connection.execute(f"CREATE TEMP VIEW attachments AS {attachments} WHERE {kept}")
        for part in ("data", "idx", "docsize", "config"):
            self._connection.execute(f"CREATE TEMP VIEW posts_fts_{part} AS SELECT NULL AS block WHERE 0")
        return hidden

    def _may(self, action: int, first: str | None, second: str | None, schema: str | None, _view: str | None) -> int:
        """Tell SQLite whether a step of a statement may be taken (sqlite.org/c3ref/set_authorizer.html)."""
        table, name = (first or "").lower(), (second or "").lower()
        if action == sqlite3.SQLITE_FUNCTION:
            refused = name in _NO_FUNCTIONS
        elif action == sqlite3.SQLITE_READ:
            # The schema tables in memory hold the name under which the catalog is attached.
            refused = table.startswith("sqlite_") and schema != self._schema
            # Which rows the index finds tells, word by word, what a quarantined post says.
            refused |= bool(self.quarantined) and table == "posts_fts"
        elif action == sqlite3.SQLITE_PRAGMA:
            refused = table not in _PRAGMAS
        else:
            refused = action not in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
        if refused and self._refused is None:
            named = {
                sqlite3.SQLITE_FUNCTION: f"the function {name}",
                sqlite3.SQLITE_READ: f"the table {table}",
                sqlite3.SQLITE_PRAGMA: f"PRAGMA {table}",
            }
            self._refused = named.get(action) or _REFUSED.get(action, "a statement that does more than read")
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


def _answer(ask: Callable[[], list[Row]], answer: Future[list[Row]]) -> None:
    """Ask SQLite, in a thread of its own."""
    try:
        answer.set_result(ask())
    except (sqlite3.Error, sqlite3.Warning, MemoryError, ValueError) as error:
        answer.set_exception(error)


def _attached(home: Home, schema: str) -> sqlite3.Connection:
    path = home.path / CATALOG
    connection = sqlite3.connect(":memory:", uri=True, isolation_level=None, check_same_thread=False)
    connection.text_factory = lambda value: value.decode("utf-8", "backslashreplace")
    try:
        connection.execute(f"ATTACH ? AS {schema}", (read_only(path),))
        for name, table in TABLES.items():
            if table.searched:  # a search index is opened now: that takes statements which the authorizer refuses
                connection.execute(f"SELECT rowid FROM {schema}.{name}_fts LIMIT 0")
        connection.execute(
            "SELECT 1 FROM json_each('[]'), json_tree('[]')"
        )  # likewise: they list what JSON columns hold
    except sqlite3.Error as error:
        connection.close()
        raise CatalogError(f"a sound {path.name} that can be read", str(error), REBUILD) from error
    return connection


def _distinct(names: list[str]) -> list[str]:
    """Make names unique: `id`, `id_2`. Two columns of one name would be one in a JSON object."""
    found: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in found:
            candidate, number = f"{name}_{number}", number + 1
        found.append(candidate)
    return found
