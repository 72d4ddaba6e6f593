"""A damaged `ledger/`, made whole again from everything that says the same: tiles, events, and what lies at the copies.

Each leaf is written down up to five times: in its tile of entries and as a hash in the tile beside it, here and at each copy,
and in the event that it commits to. For each position the entry that most of them bear out is taken; the result counts only
if it gives the root that our key has signed. What then differs from what lies here is damage. Where no root is met nothing
is changed: then more is lost than one can be sure of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.copies.ledger_copy import our_keys, readable_checkpoints
from archiver.copies.vault import Vault
from storage import canonical
from storage.errors import FormatError, LedgerError, disk_error
from storage.events import event_name, leaf
from storage.files import locked, write_synced
from storage.ledger import TILE, Tiles, lock_file, tile_path, unpack_entries
from storage.merkle import leaf_hash, root_of
from storage.note import Checkpoint, VerifierKey, open_note
from storage.packs import unpack
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.home.ports import Signer

HEAD = "keys/ledger.head"


@dataclass(frozen=True)
class Mend:
    """A damaged file of the ledger, and what it should hold.

    `source`: `home`, or the place that had the right content.
    """

    name: str
    found: str
    data: bytes
    source: str

    @property
    def mode(self) -> int:
        """Permissions of the file: 0600 for the head, which lies among the keys, else 0644."""
        return 0o600 if self.name == HEAD else 0o644


@dataclass
class _Source:
    """What one place says of the tree: `home`, or a copy."""

    name: str
    entries: dict[int, list[bytes]]
    hashes: dict[int, list[bytes]]


def damaged_ledger(home: Home, signer: Signer, copies: Sequence[tuple[str, Vault]] = ()) -> list[Mend]:
    """Find what is damaged of `ledger/` and its head, and what belongs there. Changes nothing.

    Raises `LedgerError` where not even the copies given make it whole, or where two histories were signed;
    `StoreError`.
    """
    keys = our_keys(home)
    notes = {**_notes_there(copies, keys), **_notes_here(home, keys)}
    head = _head(home)
    newest = max((point for point, _, _ in notes.values()), key=lambda point: point.size, default=None)
    if head is not None and (newest is None or head.size > newest.size):
        target = head
    elif newest is None:
        raise _beyond("a checkpoint that this home's key has signed", "none here, and none at the copies")
    elif head is not None and head.size < newest.size and notes[newest.size][1] != "home":
        raise _beyond(
            f"copies of a ledger of at most {head.size} events, which is what the key here has signed",
            f"a checkpoint of {newest.size} there: this home was rolled back, or another home continues it",
        )
    elif (head is not None and (head.size, head.root) == (newest.size, newest.root)) or head is None:
        target = newest
    elif head.size == newest.size:  # one bit of damage, or a second history: no file here can tell
        raise _beyond(
            f"in {HEAD} the root that was signed for {newest.size} events",
            "another: it is damaged, or this key has signed a second history elsewhere",
        )
    else:
        target = newest
    leaves, sources = _leaves(home, copies, target.size)
    hashes = [leaf_hash(one) for one in leaves]
    if root_of(hashes) != target.root:
        raise _beyond(f"entries that give the signed root of {target.size} events", "others, in every combination")
    for point, name, _ in notes.values():
        if point.size <= target.size and root_of(hashes[: point.size]) != point.root:
            raise _beyond(
                f"the checkpoint of {point.size} events as a beginning of the ledger", f"another root ({name})"
            )
    return [
        *_tiles(home, leaves, sources),
        *_checkpoints(home, signer, notes, target),
        *_mend_head(home, head, target),
    ]


def mend_ledger(home: Home, signer: Signer, copies: Sequence[tuple[str, Vault]]) -> list[Mend]:
    """Put back what is damaged; move the damaged files to `damaged/`.

    Raises as `damaged_ledger`, and `DiskError`.
    """
    (home.path / "ledger").mkdir(parents=True, exist_ok=True)
    with locked(lock_file(home.path)):
        found = damaged_ledger(home, signer, copies)
        stamp = utc_text(home.clock())[:19].replace(":", "")
        for one in found:  # the checkpoint and the head come last: until then the old ones stand
            path = home.path / one.name
            try:
                if path.exists():
                    write_synced(home.path / "damaged" / f"{one.name}.{stamp}", path.read_bytes(), 0o600)
            except OSError as error:
                raise disk_error(error, f"putting {one.name} aside") from error
            write_synced(path, one.data, one.mode)
    return found


# -- checkpoints -----------------------------------------------------------------------------------------

Notes = dict[int, tuple[Checkpoint, str, bytes]]
"""Size → (checkpoint, where it was found, the signed note)."""


def _notes_here(home: Home, keys: Sequence[VerifierKey]) -> Notes:
    folder, found = home.path / "ledger", {}
    for path in [*(folder / "checkpoints").glob("[0-9]*"), folder / "checkpoint"]:
        with suppress(OSError, FormatError, UnicodeDecodeError):
            data = path.read_bytes()
            point = Checkpoint.parse(open_note(data.decode(), keys))
            found[point.size] = (point, "home", data)
    return found


def _notes_there(copies: Sequence[tuple[str, Vault]], keys: Sequence[VerifierKey]) -> Notes:
    """Read the checkpoints at each place, and those that lie in the packs of events."""
    found: Notes = {}
    for name, vault in copies:
        for point, data in readable_checkpoints(vault, keys):
            found.setdefault(point.size, (point, name, data))
        for one in vault.list("ledger"):
            with suppress(KeyError, FormatError, UnicodeDecodeError):
                for inside, data in unpack(vault.read(f"{vault.home}/ledger/{one.key}")):
                    if inside.startswith("ledger/checkpoints/"):
                        point = Checkpoint.parse(open_note(data.decode(), keys))
                        found.setdefault(point.size, (point, name, data))
    return found


def _head(home: Home) -> Checkpoint | None:
    """Read what the key remembers having signed, where that can be read."""
    try:
        return Checkpoint.parse((home.path / HEAD).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, FormatError):
        return None


def _checkpoints(home: Home, signer: Signer, notes: Notes, target: Checkpoint) -> Iterator[Mend]:
    """Older ones that no longer read as they were signed, and the latest under both its names."""
    folder = home.path / "ledger"
    if (
        target.size not in notes
    ):  # the key signed it, and no copy of the note is left: signing again gives the same bytes
        notes[target.size] = (target, "home", signer.sign_note(target.text()))
    there = {int(path.name) for path in (folder / "checkpoints").glob("[0-9]*") if path.name.isdigit()}
    for size in sorted({*there, *notes}):
        name = f"ledger/checkpoints/{size}"
        if size > target.size:
            continue
        if size not in notes:
            raise _beyond(
                f"the checkpoint of {size} events, which was published", "nothing here or at the copies that is signed"
            )
        yield from _differs(home, name, notes[size][2], notes[size][1])
    yield from _differs(home, "ledger/checkpoint", notes[target.size][2], notes[target.size][1])


def _mend_head(home: Home, head: Checkpoint | None, target: Checkpoint) -> Iterator[Mend]:
    if head != target:
        yield from _differs(home, HEAD, target.text().encode(), "home")


# -- leaves ----------------------------------------------------------------------------------------------


def _leaves(home: Home, copies: Sequence[tuple[str, Vault]], size: int) -> tuple[list[bytes], list[str]]:
    """Choose every leaf by what most say of it; return with it where the one that was taken was found."""
    says = [_said_here(home, size), *(_said_there(name, vault, size) for name, vault in copies)]
    leaves, sources = [], []
    for seq in range(size):
        n, at = divmod(seq, TILE)
        votes: Counter[bytes] = Counter()
        found: dict[bytes, str] = {}
        for one in says:
            entries = one.entries.get(n, [])
            if at < len(entries):
                votes[entries[at]] += 1
                found.setdefault(entries[at], one.name)
        if (event := _of_event(home, seq)) is not None:
            votes[event] += 1
            found.setdefault(event, "home")
        stated = Counter(one.hashes[n][at] for one in says if at < len(one.hashes.get(n, [])))
        if not votes:
            raise _beyond(f"the entry of event {seq}, here or at a copy", "none")
        best = max(votes, key=lambda entry: (votes[entry] + stated[leaf_hash(entry)], stated[leaf_hash(entry)]))
        leaves.append(best)
        sources.append(found[best])
    return leaves, sources


def _said_here(home: Home, size: int) -> _Source:
    said, folder = _Source("home", {}, {}), home.path / "ledger"
    for n in range(-(-size // TILE)):
        width = min(TILE, size - n * TILE)
        for level, kept in (("entries", said.entries), (0, said.hashes)):
            for path in _files(folder, level, n, width):
                with suppress(OSError, FormatError):
                    kept[n] = _read(level, path.read_bytes())
                    break
    return said


def _files(folder: Path, level: int | str, n: int, width: int) -> Iterable[Path]:
    """List where a tile may lie that begins with these leaves: its own width first, then wider ones."""
    partial = folder / (tile_path(level, n) + ".p")
    wider = sorted((int(path.name) for path in partial.glob("[0-9]*") if path.name.isdigit()), reverse=True)
    names = [folder / tile_path(level, n, width), folder / tile_path(level, n), *(partial / str(one) for one in wider)]
    return [path for path in names if path.is_file()]


def _said_there(name: str, vault: Vault, size: int) -> _Source:
    """Read what a copy holds of these tiles, each in the widest form that can be read."""
    said = _Source(name, {}, {})
    there = {one.key for one in vault.list("tile")}
    for level, kept in (("entries", said.entries), (0, said.hashes)):
        for n in range(-(-size // TILE)):
            stem = tile_path(level, n).removeprefix("tile/")
            widths = [TILE] if stem in there else []
            widths += sorted(
                (int(key.rpartition("/")[2].partition(".")[0]) for key in there if key.startswith(f"{stem}.p/")),
                reverse=True,
            )
            for width in dict.fromkeys(widths):
                for key in vault.candidates(f"{vault.home}/{tile_path(level, n, width)}"):
                    with suppress(KeyError, FormatError):
                        kept.setdefault(n, _read(level, vault.read(key)))
                if n in kept:
                    break
    return said


def _read(level: int | str, data: bytes) -> list[bytes]:
    if level == "entries":
        return unpack_entries(data)
    return [data[at : at + 32] for at in range(0, len(data) - len(data) % 32, 32)]


def _of_event(home: Home, seq: int) -> bytes | None:
    """Return the leaf that an event's file gives, or None where it was disposed of or cannot be read."""
    try:
        value = canonical.loads((home.path / "events" / event_name(seq)).read_bytes())
        return leaf(value["event"], bytes.fromhex(value["salt"]))
    except (OSError, FormatError, KeyError, TypeError, ValueError):
        return None


def _tiles(home: Home, leaves: list[bytes], sources: list[str]) -> Iterator[Mend]:
    """Tiles that differ from those that the leaves give, the lowest first."""
    _, files, _ = Tiles(home.path / "ledger", 0).grown(leaves)
    for path, data in files.items():
        level, rest = path.removeprefix("tile/").split("/", 1)
        source = "home"
        if level in ("entries", "0"):
            n = int(rest.partition(".")[0].replace("x", "").replace("/", ""))
            source = next((one for one in sources[n * TILE : (n + 1) * TILE] if one != "home"), "home")
        yield from _differs(home, f"ledger/{path}", data, source)


def _differs(home: Home, name: str, data: bytes, source: str) -> Iterator[Mend]:
    path = home.path / name
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        # A tile that grew is read from the wider one, and an older checkpoint need not be kept under a name of its own.
        wider = "/tile/" in name and any(_files(home.path / "ledger", *_tile_of(name)))
        if not wider:
            yield Mend(name, "it is gone", data, source)
        return
    except OSError as error:
        yield Mend(name, error.strerror or "cannot be read", data, source)
        return
    if there != data:
        yield Mend(name, _first_difference(there, data), data, source)


def _tile_of(name: str) -> tuple[int | str, int, int]:
    level, rest = name.removeprefix("ledger/tile/").split("/", 1)
    stem, _, width = rest.partition(".p/")
    n = int(stem.replace("x", "").replace("/", ""))
    return (level if level == "entries" else int(level)), n, int(width or TILE)


def _first_difference(there: bytes, data: bytes) -> str:
    at = next((i for i, (one, other) in enumerate(zip(there, data, strict=False)) if one != other), None)
    if at is None:
        return f"{len(there)} bytes instead of {len(data)}"
    return f"other bytes from {at} on" if len(there) == len(data) else f"{len(there)} bytes, other from {at} on"


def _beyond(expected: str, found: str) -> LedgerError:
    return LedgerError(
        expected,
        found,
        "Nothing was changed. Keep the folder as it is, and restore the ledger from a copy into an empty folder: archiver restore",
    )
