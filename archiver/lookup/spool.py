"""Sequences that may be longer than memory holds: they lie in a file inside the home, which has no name.

What is read of posts must not lie in the system's folder for temporary files; and a file without a name is gone when the
process ends, however it ends.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import msgspec

from storage.errors import disk_error

T = TypeVar("T")
_ROWS = 100
"""How many items are read from the file at a time."""


def unnamed_database(home: Path | None) -> sqlite3.Connection:
    """Make an empty database in the `scratch/` of a home; without one in memory. Raises `DiskError`."""
    if home is None:
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    folder = home / "scratch"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".spool-") as made:
            path = Path(made) / "spool.sqlite"
            database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for setting in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-4000"):
                database.execute(f"PRAGMA {setting}")
            database.execute("CREATE TABLE begun (n)")  # so that the file is there before its name goes
    except (OSError, sqlite3.Error) as error:
        raise disk_error(error if isinstance(error, OSError) else OSError(str(error)), "making a spool") from error
    return database


def packed(value: Any) -> str:
    """Return a value of dataclasses, paths and what JSON knows, as it lies in such a file."""
    return json.dumps(msgspec.to_builtins(value, enc_hook=_path_text))


def unpacked(text: str, kind: type[T]) -> T:
    """Return a value of that type as `packed` was given it."""
    return msgspec.convert(json.loads(text), type=kind, dec_hook=_path)


def _path_text(value: Any) -> str:
    if not isinstance(value, Path):
        raise TypeError(f"{type(value).__name__} is nothing that a spool holds")
    return str(value)


def _path(kind: type[Any], value: Any) -> Any:
    if kind is not Path:
        raise TypeError(f"{kind.__name__} is nothing that a spool holds")
    return Path(value)


class Spool(Sequence[T], Generic[T]):
    """A sequence that grows at its end. What is changed in an item that was taken out of it stays as it was in it."""

    def __init__(self, home: Path | None, kind: type[T], items: Iterable[T] = ()) -> None:
        """`kind`: the type of its items."""
        self._database, self._kind = unnamed_database(home), kind
        self._database.execute("CREATE TABLE items (n INTEGER PRIMARY KEY, value TEXT)")
        self._length = 0
        self.extend(items)

    def append(self, item: T) -> None:
        """Add an item."""
        self._database.execute("INSERT INTO items VALUES (?,?)", (self._length, packed(item)))
        self._length += 1

    def extend(self, items: Iterable[T]) -> None:
        """Add items."""
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return self._from(0)

    def _from(self, start: int) -> Iterator[T]:
        while rows := self._rows(start):
            yield from (unpacked(value, self._kind) for (value,) in rows)
            start += len(rows)

    def _rows(self, start: int) -> list[Any]:
        sql = "SELECT value FROM items WHERE n>=? ORDER BY n LIMIT ?"
        return self._database.execute(sql, (start, _ROWS)).fetchall()

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            if step < 0:
                return [self[n] for n in range(start, stop, step)]
            return list(itertools.islice(self._from(start), 0, max(0, stop - start), step))
        at = range(self._length)[index]
        (value,) = self._database.execute("SELECT value FROM items WHERE n=?", (at,)).fetchone()
        item: T = unpacked(value, self._kind)
        return item
