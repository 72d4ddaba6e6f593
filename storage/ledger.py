"""The ledger on disk: C2SP tiles, signed checkpoints, and the events they commit to.

    ledger/checkpoint            the latest signed checkpoint
    ledger/checkpoints/<size>    every one that was ever published
    ledger/tile/<L>/<N>[.p/<W>]  hashes (tlog-tiles)
    ledger/tile/entries/<N>…     the leaves
    events/…                     the events, deletable one by one
    <head>                       what the key has signed; kept beside the key, not in the ledger

Order of an append, each step durable before the next: events, tiles, head, checkpoint. A crash between any two
is repaired on the next opening: events without a leaf are adopted, a head without a checkpoint is published.
A ledger *behind* its head was rolled back, and nothing is signed over it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import canonical
from storage.errors import FormatError, LedgerError, disk_error
from storage.events import Author, Event, event_body, event_file, event_name, leaf
from storage.files import locked, sync_folder, write_synced
from storage.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)
from storage.note import Checkpoint, Signing, VerifierKey, open_note, sign

TILE = 256
GROWING = 20
"""How often a tile is looked for that is there under no name: its name changes while it grows."""


def lock_file(home: Path) -> Path:
    """Return the path of the lock under which one process at a time writes to a home's ledger, or changes its keys."""
    return home / "ledger" / ".lock"


def tile_number(n: int) -> str:
    """Write a tile's number as a path: `x001/x234/067` for 1234067 (C2SP tlog-tiles)."""
    parts = [f"{n % 1000:03d}"]
    while n := n // 1000:
        parts.append(f"x{n % 1000:03d}")
    return "/".join(reversed(parts))


def tile_path(level: int | str, n: int, width: int = TILE) -> str:
    """Return a tile's path below `ledger/` (C2SP tlog-tiles). `level`: number or "entries"; `width`: of 256."""
    path = f"tile/{level}/{tile_number(n)}"
    return path if width == TILE else f"{path}.p/{width}"


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """Write an entry bundle (C2SP tlog-tiles): each entry after its length, two bytes big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(data: bytes) -> list[bytes]:
    """Read the entries of a bundle that `pack_entries` wrote. Raises `FormatError` where one is cut."""
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        if at + 2 + length > len(data):
            raise FormatError("whole entries in a tile", "a cut one", "Restore the ledger from a copy.")
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return entries


class Tiles:
    """The tiles of a tree of `size` leaves, as files below `folder`."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size
        self._cache: dict[tuple[int, int], list[bytes]] = {}

    def hashes(self, level: int, n: int) -> list[bytes]:
        """Read the hashes of one tile, as many as it has in a tree of `size`. Raises `LedgerError`."""
        if (level, n) not in self._cache:
            width = min(TILE, (self.size >> (8 * level)) - n * TILE)
            data = self._read(level, n, width) if width else b""
            self._cache[level, n] = [data[i * 32 : i * 32 + 32] for i in range(width)]
            if len(data) != 32 * width:
                raise _damaged(f"tile {tile_path(level, n, width)} of {32 * width} bytes", f"{len(data)} bytes")
        return self._cache[level, n]

    def entries(self, n: int) -> list[bytes]:
        """Read the entries of the leaves of one tile. Raises `LedgerError`."""
        width = min(TILE, self.size - n * TILE)
        try:
            return unpack_entries(self._read("entries", n, width))[:width] if width else []
        except FormatError as error:
            raise _damaged(f"whole entries in tile {n}", error.found) from error

    def _read(self, level: int | str, n: int, width: int) -> bytes:
        """A partial tile may meanwhile have grown; a wider or full one begins with the same bytes.

        Another process may remove a narrower one at any moment: a wider one stood there before that.
        """
        partial = self.folder / (tile_path(level, n) + ".p")
        widths = [width, TILE]
        for _ in range(GROWING):
            for candidate in widths:
                with suppress(FileNotFoundError):
                    data = (self.folder / tile_path(level, n, candidate)).read_bytes()
                    return data[: 32 * width] if level != "entries" else data
            widths = [*sorted(int(p.name) for p in partial.glob("[0-9]*") if int(p.name) > width), TILE]
        raise _damaged(f"tile {tile_path(level, n, width)}", "no such file")

    def perfect(self, level: int, index: int) -> bytes:
        """Compute the root of the perfect subtree of 2^level leaves that starts at leaf index·2^level."""
        tile_level, rest = divmod(level, 8)
        first = index << rest
        hashes = self.hashes(tile_level, first // TILE)[first % TILE : first % TILE + (1 << rest)]
        if len(hashes) != 1 << rest:
            raise _damaged("a complete subtree", f"{len(hashes)} hashes")
        while len(hashes) > 1:
            hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    def peaks(self, start: int, end: int) -> list[bytes]:
        """Compute the roots of the perfect subtrees that cover leaves start..end; `start` is aligned to the first."""
        peaks = []
        while start < end:
            level = (end - start).bit_length() - 1
            peaks.append(self.perfect(level, start >> level))
            start += 1 << level
        return peaks

    def subtree(self, start: int, end: int) -> bytes:
        """Compute the root over leaves start..end, for the ranges that RFC 6962 proofs ask for."""
        if start == end:
            return EMPTY_ROOT
        return Frontier(self.peaks(start, end), end - start).root()

    def root(self) -> bytes:
        """Compute the root of the whole tree, 32 bytes (RFC 6962 2.1). Raises `LedgerError`."""
        return self.subtree(0, self.size)

    def grown(self, entries: Sequence[bytes]) -> tuple[int, dict[str, bytes], list[str]]:
        """Return the new size, the files of a tree grown by `entries`, and the partial tiles that they replace.

        Nothing is written. Raises `LedgerError`.
        """
        files: dict[str, bytes] = {}
        stale: list[str] = []
        new: list[bytes] = [leaf_hash(entry) for entry in entries]
        level, size = 0, self.size
        bundle = self.entries(size // TILE) if size % TILE else []
        if [leaf_hash(entry) for entry in bundle] != (self.hashes(0, size // TILE) if bundle else []):
            # What is damaged in a tile would otherwise be copied into each wider one.
            raise _damaged(f"entries that fit the hashes of tile {size // TILE}", "others")
        while new:
            n, width = divmod(size, TILE)
            row = list(self.hashes(level, n)) if width else []
            up: list[bytes] = []
            if width:
                stale.append(tile_path(level, n, width))
                if level == 0:
                    stale.append(tile_path("entries", n, width))
            pending_entries = list(entries) if level == 0 else []
            while new:
                take = TILE - len(row)
                row += new[:take]
                new = new[take:]
                files[tile_path(level, n, len(row))] = b"".join(row)
                if level == 0:
                    bundle += pending_entries[:take]
                    pending_entries = pending_entries[take:]
                    files[tile_path("entries", n, len(row))] = pack_entries(bundle)
                if len(row) == TILE:
                    up.append(root_of(row))
                    row, bundle = [], []
                    n += 1
            new, level = up, level + 1
            size >>= 8
        return self.size + len(entries), files, stale


@dataclass(frozen=True)
class Sealed:
    """An event that is in the ledger under a signed checkpoint."""

    seq: int
    body: dict[str, Any]
    checkpoint: Checkpoint


class LedgerReader:
    """One home's ledger as anybody may read it: no private key, no lock, and nothing is written.

    `key` gives the public key that checkpoints must be signed with. It is asked at each reading, since another
    process may hand the ledger over to a new key meanwhile.
    """

    def __init__(self, home: Path, key: Callable[[], VerifierKey]) -> None:
        self.folder = home / "ledger"
        self.events = home / "events"
        self._key = key

    def checkpoint(self) -> Checkpoint:
        """Read the latest checkpoint and check its signature. Size 0 in a new ledger. Raises `LedgerError`.

        Without the lock, another process can hand the ledger over between the reading of the checkpoint and that of the
        key: where they do not fit, both are read again until neither has changed.
        """
        note = self._note()
        while note is not None:
            key = self._key()
            try:
                return Checkpoint.parse(open_note(note, [key]))
            except FormatError as error:
                earlier, note = note, self._note()
                if note == earlier and self._key() == key:
                    raise _damaged(error.expected, error.found) from error
        return Checkpoint(self._key().name, 0, EMPTY_ROOT)

    def _note(self) -> str | None:
        try:
            return (self.folder / "checkpoint").read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged("a readable checkpoint", str(error)) from error

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """Prove that an event is in the tree of `size` leaves (default: the latest). Raises `LedgerError`."""
        tiles = Tiles(self.folder, size or self.checkpoint().size)
        return inclusion_proof(seq, tiles.size, tiles.subtree)

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """Prove that the tree of `size` leaves continues the one of `old`. Raises `LedgerError`."""
        tiles = Tiles(self.folder, size or self.checkpoint().size)
        return consistency_proof(old, tiles.size, tiles.subtree)

    def newest_time(self) -> str | None:
        """Return the time of the newest event, as it states it; None where there is none here. Raises `LedgerError`."""
        size = self.checkpoint().size
        newest = self.read_event(size - 1) if size else None
        return str(newest["time"]) if newest and "time" in newest else None

    def read_event(self, seq: int) -> dict[str, Any] | None:
        """Read an event's body; None where it was disposed of. Raises `FormatError`, `LedgerError`."""
        try:
            data = (self.events / event_name(seq)).read_bytes()
        except FileNotFoundError:
            return None
        value = canonical.loads(data)
        body = value.get("event") if isinstance(value, dict) else None
        if not isinstance(body, dict):
            raise _damaged(f"an event in {event_name(seq)}", "something else")
        return body


@dataclass(frozen=True)
class Unfinished:
    """What a crash left of a hand-over."""

    new: Signing | None
    """The key that was to take over; None where it cannot be read."""
    end: Callable[[str | None], None]
    """Ends the hand-over, told which key the newest event hands over to, if it does."""


class Ledger(LedgerReader):
    """A home's ledger for the holder of its key. Appending and signing happen under a lock that is held briefly."""

    def __init__(
        self,
        home: Path,
        signer: Signing,
        head: Path,
        software: str,
        unfinished: Callable[[], Unfinished | None] = lambda: None,
    ) -> None:
        """`unfinished`: what a crash left of a hand-over, asked for in the lock before anything is signed."""
        super().__init__(home, lambda: signer.key)
        self._unfinished = unfinished
        self._signer = signer
        self._also: tuple[Signing, ...] = ()
        self._lock = lock_file(home)
        self._head = head
        self._software = software

    def append(self, events: Sequence[Event], author: Author) -> list[Sealed]:
        """Record `events` under one new checkpoint. They are durable when it returns.

        Raises `LedgerError` where the ledger is damaged or older than what its key signed; nothing is written then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._held():
            self._settle()
            return self._append(events, author)

    def hand_over(
        self, author: Author, begin: Callable[[], tuple[Event, Signing]], commit: Callable[[], None]
    ) -> Sealed:
        """Record the hand-over that `begin` prepares under a checkpoint that both keys sign; then call `commit`.

        `begin` gives the event and the new key. All of it in the lock: what is handed over is the key of this moment,
        not one that another process has handed over meanwhile, and what `begin` keeps of the new key is never taken for
        what a crash left. After `commit` the new key must be the one that this ledger's signer gives.
        Raises `LedgerError`.
        """
        with self._held():
            self._settle()
            event, new = begin()
            self._also = (new,)
            try:
                sealed = self._append([event], author)[0]
                commit()
            finally:
                self._also = ()
            return sealed

    def finish_hand_over(self) -> None:
        """Finish a hand-over that a crash left half done, if there is one. Raises `LedgerError`."""
        with self._held():
            self._settle()

    def recover(self) -> int:
        """Add events to the tree that were written before a crash and are not in it yet. Return how many."""
        if not self.folder.exists():
            return 0
        with self._held():
            self._settle()
            before = self.checkpoint().size
            return self._repaired().size - before

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the lock. A disk that refuses anything inside is told as that."""
        with locked(self._lock):
            try:
                yield
            except OSError as error:
                raise disk_error(error, "writing the ledger") from error

    # -- inside the lock ---------------------------------------------------------------------------

    def _settle(self) -> None:
        """Finish what a crash left of a hand-over, before anything else is signed.

        Else a process that runs on would sign with the old key behind the hand-over, and nobody could tell any more that
        the new key is the ledger's.
        """
        unfinished = self._unfinished()
        if unfinished is None:
            return
        self._also = (unfinished.new,) if unfinished.new else ()
        try:
            size = self._repaired().size
            newest = (self.read_event(size - 1) if size else None) or {"type": None}
            unfinished.end(newest["detail"]["new"] if newest["type"] == "key-handover" else None)
        finally:
            self._also = ()

    def _append(self, events: Sequence[Event], author: Author) -> list[Sealed]:
        checkpoint = self._repaired()
        bodies = []
        for position, event in enumerate(events):
            body = event_body(event, checkpoint.size + position, author, self._software)
            bodies.append((body, os.urandom(32)))
        if not bodies:
            return []
        touched = set()
        for body, salt in bodies:
            path = self.events / event_name(body["seq"])
            write_synced(path, event_file(body, salt))
            touched.add(path.parent)
        for folder in touched:
            sync_folder(folder.parent)
        grown = self._extend(checkpoint, [leaf(body, salt) for body, salt in bodies])
        return [Sealed(body["seq"], body, grown) for body, _ in bodies]

    def _repaired(self) -> Checkpoint:
        """The checkpoint to build on, after what a crash left half done was finished."""
        checkpoint = self.checkpoint()
        head = self._read_head()
        if head is not None and head.size > checkpoint.size:
            checkpoint = self._publish_signed_head(head, checkpoint)
        elif head is not None and (head.size, head.root) != (checkpoint.size, checkpoint.root):
            raise _forked(head, checkpoint)
        if Tiles(self.folder, checkpoint.size).root() != checkpoint.root:
            raise _damaged("tiles that give the checkpoint's root", "another root")
        leftover = []
        seq = checkpoint.size
        while (path := self.events / event_name(seq)).exists():
            value = canonical.loads(path.read_bytes())
            leftover.append(leaf(value["event"], bytes.fromhex(value["salt"])))
            seq += 1
        return self._extend(checkpoint, leftover) if leftover else checkpoint

    def _publish_signed_head(self, head: Checkpoint, published: Checkpoint) -> Checkpoint:
        """The crash fell between remembering the head and publishing it: the tiles must already hold it."""
        try:
            complete = Tiles(self.folder, head.size).root() == head.root
        except LedgerError:
            complete = False
        if not complete:
            raise LedgerError(
                f"a ledger of {head.size} events, signed by this key",
                f"one of {published.size}: it was rolled back, perhaps restored from an older backup",
                "Restore the newer `ledger/` and `events/` folders. Nothing was signed or changed; "
                "captures are kept, and sealed once the ledger is restored.",
            )
        self._publish(head)
        return head

    def _extend(self, checkpoint: Checkpoint, entries: list[bytes]) -> Checkpoint:
        tiles = Tiles(self.folder, checkpoint.size)
        size, files, stale = tiles.grown(entries)
        for name, content in files.items():
            write_synced(self.folder / name, content)
        root = Tiles(self.folder, size).root()
        grown = Checkpoint(self._signer.name, size, root)
        self._write_head(grown)
        self._publish(grown)
        for name in stale:
            if name not in files:
                with contextlib.suppress(OSError):  # it only takes room, and the event is recorded by now
                    (self.folder / name).unlink(missing_ok=True)
        return grown

    def _publish(self, checkpoint: Checkpoint) -> None:
        note = sign(checkpoint.text(), self._signer, *self._also).encode()
        write_synced(self.folder / "checkpoints" / str(checkpoint.size), note)
        write_synced(self.folder / "checkpoint", note)

    def _read_head(self) -> Checkpoint | None:
        try:
            return Checkpoint.parse(self._head.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, FormatError) as error:
            raise _damaged(f"what the key has signed, in {self._head.name}", str(error)) from error

    def _write_head(self, checkpoint: Checkpoint) -> None:
        try:
            write_synced(self._head, checkpoint.text().encode(), 0o600)
        except OSError as error:
            raise disk_error(error, "remembering what was signed") from error


def _damaged(expected: str, found: str) -> LedgerError:
    return LedgerError(
        expected,
        found,
        "Nothing was changed. `archiver check` lists the damage; `archiver fixity --repair` restores it from intact data.",
    )


def _forked(head: Checkpoint, checkpoint: Checkpoint) -> LedgerError:
    return LedgerError(
        f"the checkpoint of size {head.size} that this key signed",
        f"another of size {checkpoint.size}: a second history",
        "Nothing was changed. Keep both copies and compare their `ledger/checkpoints`.",
    )
