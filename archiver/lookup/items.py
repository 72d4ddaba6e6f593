"""The items of a case: posts as several captures saw them, and received files.

They are numbered in the order in which they were first captured, so that the same case gives the same numbers. A case
may hold more posts than memory: what is known of each lies in a spool, and an item is put together when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, overload

from archiver.lookup.spool import packed, unnamed_database, unpacked
from storage.assembly import payload

_ROWS = 100


def _stored(text: str) -> bytes:
    """Spell a stranger's text as the database takes it: SQLite has no text with half of a surrogate pair, and posts do."""
    return text.encode("utf-8", "surrogatepass")


def _told(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogatepass")


OBSERVATION, FILE, ANNOTATION, REMOVAL = range(4)


@dataclass(frozen=True)
class MediaFile:
    """A file that a post or source brought: where its bytes lie, and their digest."""

    capture: str
    key: str
    kind: str
    post: str | None
    name: str
    sha256: str
    size: int
    media_type: str | None
    record: str
    attachment: int
    """Which attachment of its post it is, or is part of; counted from 0."""
    pieces: tuple[tuple[Path, int, int, int], ...] = field(repr=False)
    """(WARC file, where the record begins, offset in its payload, length), in order."""
    damage: str | None = None
    """What was wrong with it already when it was received."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the file's bytes, piece by piece."""
        for path, at, offset, length in self.pieces:
            yield from payload(path, at, offset, length)


@dataclass
class Observation:
    """A post as one capture saw it."""

    capture: str
    seq: int
    line: dict[str, Any]
    seen: str | None
    media: list[MediaFile] = field(default_factory=list)
    missing: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind, outcome, reason) of its files that were not kept in full."""


@dataclass
class Item:
    """An item: a post as several captures saw it, or a file that somebody handed over."""

    number: str
    key: str
    """Platform and id, or the capture and key of a received file."""
    platform: str
    observations: list[Observation] = field(default_factory=list)
    files: list[MediaFile] = field(default_factory=list)
    """Of a received file."""
    removals: list[dict[str, Any]] = field(default_factory=list)
    """Events that say that it was no longer there."""
    annotations: list[dict[str, Any]] = field(default_factory=list)

    @property
    def every_media(self) -> list[MediaFile]:
        """Its files, with those of its observations."""
        return [*self.files, *(one for observation in self.observations for one in observation.media)]

    @property
    def latest(self) -> dict[str, Any]:
        """Its line as it was last seen; empty for a file."""
        return self.observations[-1].line if self.observations else {}


_TYPES: tuple[type[Any], ...] = (Observation, MediaFile, dict, dict)
"""Of what is kept of an item, by its kind."""


class Items(Sequence[Item]):
    """The items in the order of their numbers. Captures are to be gone through in the order of their events."""

    def __init__(self, home: Path | None) -> None:
        self._database = unnamed_database(home)
        self._length = 0
        for sql in (
            "CREATE TABLE items (n INTEGER PRIMARY KEY, key BLOB UNIQUE, platform TEXT)",
            "CREATE TABLE parts (n INTEGER, kind INTEGER, value TEXT)",
            "CREATE INDEX parts_n ON parts (n)",
            "CREATE TABLE places (capture TEXT, n INTEGER, PRIMARY KEY (capture, n)) WITHOUT ROWID",
            "CREATE TABLE ids (id BLOB PRIMARY KEY) WITHOUT ROWID",
            "CREATE TABLE digests (sha256 BLOB PRIMARY KEY) WITHOUT ROWID",
        ):
            self._database.execute(sql)

    # -- what is known of them -------------------------------------------------------------------------

    def observe(self, key: str, platform: str, seen: Observation) -> None:
        """Add an observation of a post."""
        self._add(self._numbered(key, platform), OBSERVATION, seen.capture, seen, seen.media)
        if seen.line.get("id") is not None:
            self._database.execute("INSERT OR IGNORE INTO ids VALUES (?)", (_stored(str(seen.line["id"])),))

    def receive(self, key: str, file: MediaFile) -> None:
        """Add a received file."""
        self._add(self._numbered(key, "received"), FILE, file.capture, file, [file])

    def annotate(self, event: dict[str, Any]) -> None:
        """Add a person's words to the items that they are about."""
        about = event["detail"]["about"]
        for n in self._about(about.get("capture"), about.get("post")):
            self._part(n, ANNOTATION, event)

    def remove(self, key: str, event: dict[str, Any]) -> None:
        """Add an event that says of an item, if there is one, that it was no longer there."""
        for (n,) in self._database.execute("SELECT n FROM items WHERE key=?", (_stored(key),)).fetchall():
            self._part(n, REMOVAL, event)

    def _numbered(self, key: str, platform: str) -> int:
        stored = _stored(key)
        made = self._database.execute("INSERT OR IGNORE INTO items VALUES (?,?,?)", (self._length, stored, platform))
        if made.rowcount:
            self._length += 1
            return self._length - 1
        return int(self._database.execute("SELECT n FROM items WHERE key=?", (stored,)).fetchone()[0])

    def _add(self, n: int, kind: int, capture: str, value: Any, media: Sequence[MediaFile]) -> None:
        self._part(n, kind, value)
        self._database.execute("INSERT OR IGNORE INTO places VALUES (?,?)", (capture, n))
        self._database.executemany(
            "INSERT OR IGNORE INTO digests VALUES (?)", [(_stored(one.sha256),) for one in media]
        )

    def _part(self, n: int, kind: int, value: Any) -> None:
        self._database.execute("INSERT INTO parts VALUES (?,?,?)", (n, kind, packed(value)))

    # -- what is asked of them -------------------------------------------------------------------------

    def numbers_about(self, capture: str | None, post: str | None) -> list[str]:
        """List the numbers of the items of a capture; with `post` that of this post in it."""
        return [f"I{n + 1:04d}" for n in self._about(capture, post)]

    def number_of(self, key: str) -> str:
        """Return the number of an item by its key, which is among them."""
        (n,) = self._database.execute("SELECT n FROM items WHERE key=?", (_stored(key),)).fetchone()
        return f"I{n + 1:04d}"

    def _about(self, capture: str | None, post: str | None) -> list[int]:
        sql = "SELECT e.n, e.key FROM places p JOIN items e USING (n) WHERE p.capture=? ORDER BY e.n"
        rows = self._database.execute(sql, (capture,)).fetchall()
        return [n for n, key in rows if post in (None, _told(key).partition(":")[2])]

    def has_post(self, post: Any) -> bool:
        """Tell whether a post of this id is among them."""
        return self._holds("ids", "id", post)

    def has_file(self, sha256: Any) -> bool:
        """Tell whether a file of this digest is among their files."""
        return self._holds("digests", "sha256", sha256)

    def _holds(self, table: str, column: str, value: Any) -> bool:
        sql = f"SELECT 1 FROM {table} WHERE {column}=?"
        return isinstance(value, str) and self._database.execute(sql, (_stored(value),)).fetchone() is not None

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        return (item for start in range(0, self._length, _ROWS) for item in self._read(start, start + _ROWS))

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(self._length))]
        at = range(self._length)[index]
        return self._read(at, at + 1)[0]

    def _read(self, start: int, end: int) -> list[Item]:
        sql = (
            "SELECT e.n, e.key, e.platform, p.kind, p.value FROM items e JOIN parts p USING (n) "
            "WHERE e.n>=? AND e.n<? ORDER BY e.n, p.rowid"
        )
        found = []
        for (n, key, platform), parts in groupby(self._database.execute(sql, (start, end)), lambda row: row[:3]):
            item = Item(f"I{n + 1:04d}", _told(key), platform)
            kinds: tuple[list[Any], ...] = (
                item.observations, item.files, item.annotations, item.removals
            )  # fmt: skip
            for *_, kind, value in parts:
                kinds[kind].append(unpacked(value, _TYPES[kind]))
            found.append(item)
        return found
