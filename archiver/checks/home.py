"""Checking a home: ledger and events first, then the captures asked for, then the catalog."""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from archiver.checks.captures import check_capture
from archiver.checks.catalog import check_catalog
from archiver.checks.events import check_events
from archiver.checks.lines import Finding, Line, damaged, intact, note, unknown
from archiver.checks.proofs import (
    Bad,
    RunningTree,
    leaf,
    note_text,
    read_note,
)
from archiver.checks.stamps import check_stamps

TILE = 256
GROWING = 20
"""How often a tile is looked for that is there under no name."""
LOCK_SECONDS = 5.0


def check_home(
    home: Path,
    wanted: Callable[[dict[str, Any]], bool] = lambda detail: True,
    whole: bool = True,
    pinned: frozenset[str] = frozenset(),
    older: bytes | None = None,
    now: datetime | None = None,
) -> list[Line]:
    """Return the lines that `home_lines` yields."""
    return list(home_lines(home, wanted, whole, pinned, older, now))


def home_lines(
    home: Path,
    wanted: Callable[[dict[str, Any]], bool],
    whole: bool,
    pinned: frozenset[str],
    older: bytes | None,
    now: datetime | None,
) -> Iterator[Line]:
    """Yield lines about ledger, events, timestamps, the captures for which `wanted(detail)` holds, and the catalog.

    A home may hold many captures: what was found of one is not kept. `whole`: also look for capture folders that no
    event names. `pinned`: fingerprints of roots whose timestamps count. `older`: a checkpoint that was given away once, to
    hold the ledger against. `now`: for certificates that have ended.
    """
    try:
        key = (home / "keys" / "ledger.vkey").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        path = home / "keys" / "ledger.vkey"
        yield unknown("ledger", "key", f"{path} is missing: without the public key nothing can be told")
        return
    published = _published(home)  # before the latest, which continues them all
    lines, entries, roots = _ledger(home, key)
    yield from lines
    event_lines, events = check_events(home, entries, (home / "others.json").is_file())
    size = len(entries)
    del entries
    keys = keys_by_time(key, events.kept)
    history, notes = _history(home, published, keys, roots)
    yield from history
    yield from _older(older, keys, roots)
    yield from event_lines
    stamp_lines, times = check_stamps(home, notes, pinned, events.kept, now)
    yield from stamp_lines
    hindered = any(
        line.finding is Finding.UNKNOWN and not line.check.endswith("opentimestamps") for line in stamp_lines
    )
    gone = {body["detail"]["capture"]: body for body in events.kept if body["type"] == "disposed"}
    known: set[str] = set()
    earliest = _earliest(times)
    for seq in events.captured:
        if (body := events.body(seq)) is None:
            yield unknown("events", f"event {seq}", "has changed or gone since this check began: check again")
            continue
        detail = body["detail"]
        if whole:
            known.add(str(detail["folder"]))
        if not wanted(detail):
            continue
        if tombstone := gone.get(detail["capture"]):
            yield _disposed(home, detail, tombstone)
        else:
            yield from check_capture(home / detail["folder"], detail, earliest(body["seq"]), hindered=hindered)
    if whole:
        yield from _unsealed(home, known, size, key)
    ended = {name: tombstone["seq"] for name, tombstone in gone.items()}
    yield from check_catalog(home, lambda: _size_now(home, key), events, ended)


def _published(home: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(home / "ledger" / "checkpoints") if not name.startswith("."))
    except OSError:
        return []


def _earliest(times: dict[int, datetime]) -> Callable[[int], datetime | None]:
    """Return what tells, of an event, the earliest time of a checkpoint that holds it."""
    sizes = sorted(times)
    least: list[datetime] = []
    for size in reversed(sizes):
        least.append(min(times[size], least[-1]) if least else times[size])
    least.reverse()

    def earliest(seq: int) -> datetime | None:
        at = bisect_right(sizes, seq)
        return least[at] if at < len(sizes) else None

    return earliest


class Roots:
    """The root of a tree at each size that it has had, 32 bytes each."""

    def __init__(self) -> None:
        self._roots = bytearray()

    def add(self, root: bytes) -> None:
        """Add the root at the next size, from 0."""
        self._roots += root

    def get(self, size: int) -> bytes | None:
        """Return the root at a size; None where the tree is smaller."""
        return bytes(self._roots[32 * size : 32 * size + 32]) or None

    def __bool__(self) -> bool:
        return bool(self._roots)


@contextmanager
def _still(lock: Path) -> Iterator[None]:
    """Keep writers of the ledger waiting, where its lock can be had soon; on a disk that takes nothing nobody writes."""
    try:
        stream = open(lock, "rb")  # noqa: SIM115  closed below
    except OSError:
        yield
        return
    with stream:
        end = time.monotonic() + LOCK_SECONDS
        while time.monotonic() < end:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.01)
        yield


def _bytes(path: Path) -> bytes | OSError:
    try:
        return path.read_bytes()
    except OSError as error:
        return error


def _disposed(home: Path, detail: dict[str, Any], tombstone: dict[str, Any]) -> Line:
    """What was put away: the tombstone must name the manifest that was sealed, and nothing of it may be left."""
    said, name = tombstone["detail"], str(detail["capture"])
    if said.get("manifest_sha256") != detail["manifest_sha256"]:
        return damaged(name, "disposed", f"event {tombstone['seq']} names another manifest")
    if (home / detail["folder"]).exists():
        return damaged(
            name, "disposed", f"event {tombstone['seq']} disposed of it, and it is still here: any command removes it"
        )
    text = f"disposed of by {tombstone['agent']['id']} at {tombstone['time'][:19]}Z, asked for by {said.get('requested_by')}: {said.get('basis')}"
    return note(name, "disposed", text)


def tile_name(n: int) -> str:
    """Return the path of a tile's number (C2SP tlog-tiles): three digits a folder.

    All parts but the last begin with `x`.
    """
    digits = f"{n:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _read_tile(folder: Path, level: str, n: int, width: int) -> bytes:
    """The bytes of a tile that begins with `width` leaves.

    The home may be at work: a tile that grows gets another name, and the narrower one is removed. What a wider one
    begins with is held against the signed root as everything else.
    """
    name = f"tile/{level}/{tile_name(n)}"
    paths = [folder / f"{name}.p" / str(width), folder / name] if width < TILE else [folder / name]
    for _ in range(GROWING):
        for path in paths:
            with suppress(FileNotFoundError):
                return path.read_bytes()
        wider = (path for path in (folder / f"{name}.p").glob("[0-9]*") if len(path.name) < 4)
        paths = [
            *sorted((path for path in wider if int(path.name) > width), key=lambda path: int(path.name)),
            folder / name,
        ]
    raise Bad(f"{name} ({width} wide) is missing")


def _ledger(home: Path, key: str) -> tuple[list[Line], list[bytes], Roots]:
    """(lines, the leaves, the root of every prefix)."""
    folder = home / "ledger"
    try:
        with _still(folder / ".lock"):  # the key's head is written just before the checkpoint
            said = (folder / "checkpoint").read_bytes()
            head = _bytes(home / "keys" / "ledger.head")
        origin, size, root = read_note(said, key)
    except FileNotFoundError:
        return [damaged("ledger", "checkpoint", "there is none")], [], Roots()
    except (OSError, Bad) as error:
        return [damaged("ledger", "checkpoint", str(error))], [], Roots()
    if origin != key.split("+")[0]:
        return [damaged("ledger", "checkpoint", f"is of another ledger, {origin}")], [], Roots()
    lines = [intact("ledger", "checkpoint", f"signed by {key.split('+')[0]}, {size} events")]
    lines.append(_head(head, size, root))
    tree = RunningTree()
    roots = Roots()
    roots.add(tree.root())
    entries: list[bytes] = []
    try:
        for start in range(0, size, TILE):
            width = min(TILE, size - start)
            data = _read_tile(folder, "entries", start // TILE, width)
            tile = _read_tile(folder, "0", start // TILE, width)
            unpacked = _unpack(data)[:width]
            if len(unpacked) != width:
                raise Bad(f"the entries from {start} are {len(unpacked)}, not {width}")
            for number, entry in enumerate(unpacked):
                hashed = leaf(entry)
                if tile[number * 32 : number * 32 + 32] != hashed:
                    raise Bad(f"the hash tile does not fit entry {start + number}")
                tree.add(hashed)
                roots.add(tree.root())
                entries.append(entry)
    except (Bad, OSError) as error:
        return [*lines, damaged("ledger", "tiles", str(error))], entries, roots
    if tree.root() != root:
        return [*lines, damaged("ledger", "root", "the entries do not give the signed root")], entries, roots
    lines.append(intact("ledger", "root", f"{size} entries give the signed root"))
    return lines, entries, roots


def _unpack(data: bytes) -> list[bytes]:
    out = []
    while data:
        length = int.from_bytes(data[:2], "big")
        if len(data) < 2 + length:
            raise Bad("a cut entry")
        out.append(data[2 : 2 + length])
        data = data[2 + length :]
    return out


def _head(said: bytes | OSError, size: int, root: bytes) -> Line:
    """What the key remembers having signed: a ledger behind it was rolled back."""
    if isinstance(said, FileNotFoundError):
        return unknown(
            "ledger",
            "rollback",
            "keys/ledger.head is missing: whether the ledger was rolled back cannot be told",
        )
    try:
        if isinstance(said, OSError):
            raise said
        text = said.decode("utf-8").split("\n")
        head_size, head_root = int(text[1]), base64.b64decode(text[2], validate=True)
    except (OSError, ValueError, IndexError, UnicodeDecodeError, binascii.Error) as error:
        return damaged("ledger", "rollback", f"keys/ledger.head cannot be read: {error}")
    if head_size > size:
        return damaged(
            "ledger",
            "rollback",
            f"the key has signed {head_size} events, the ledger has {size}: it was rolled back",
        )
    if (head_size, head_root) != (size, root):
        return damaged("ledger", "rollback", "the key has signed another history of this length")
    return intact("ledger", "rollback", "is as long as what its key has signed")


Keys = list[tuple[int, str]]
"""(from which size of the ledger, the key that signs it), oldest first."""


def keys_by_time(key: str, bodies: list[dict[str, Any]]) -> Keys:
    """Return the keys that signed the ledger, followed back from `key` through its hand-overs, which `bodies` hold."""
    found: Keys = []
    for body in reversed(bodies):
        if body["type"] == "key-handover" and body["detail"].get("new") == key and _handed_over(body["detail"]):
            found.append((body["seq"] + 1, key))
            key = str(body["detail"]["old"])
    return [(0, key), *reversed(found)]


def _handed_over(detail: dict[str, Any]) -> bool:
    """Whether both keys signed that the new one follows the old one."""
    text = f"archiver-key-handover/1\n{detail.get('old')}\n{detail.get('new')}\n"
    try:
        note_bytes = str(detail.get("note")).encode()
        return all(note_text(note_bytes, str(detail.get(which))) == text for which in ("old", "new"))
    except Bad:
        return False


def _signed_in_time(note_bytes: bytes, keys: Keys) -> tuple[int, bytes]:
    """(size, root) of a checkpoint signed by the key of its time; at a hand-over by both. Raises `Bad`."""
    errors = []
    for position, (start, key) in enumerate(keys):
        try:
            _, size, root = read_note(note_bytes, key)
        except Bad as error:
            errors.append(str(error))
            continue
        end = keys[position + 1][0] if position + 1 < len(keys) else None
        if size < start or (end is not None and size > end):
            raise Bad("signed by a key that was not the ledger's at that size")
        if size == start and position:
            read_note(note_bytes, keys[position - 1][1])
        return size, root
    raise Bad(errors[-1])


def _history(home: Path, published: list[str], keys: Keys, roots: Roots) -> tuple[list[Line], dict[int, bytes]]:
    """Every checkpoint that was ever published is a prefix of today's tree; (lines, size → checkpoint, of the stamped)."""
    notes: dict[int, bytes] = {}
    if not roots:
        return [], notes
    for name in published:
        try:
            data = (home / "ledger" / "checkpoints" / name).read_bytes()
            size, root = _signed_in_time(data, keys)
        except (OSError, Bad) as error:
            return [damaged("ledger", "history", f"checkpoint {name}: {error}")], notes
        if str(size) != name or roots.get(size) != root:
            text = f"checkpoint {name} is not a prefix of the ledger: history was rewritten"
            return [damaged("ledger", "history", text)], notes
        if (home / "proofs" / name).is_dir():
            notes[size] = data
    lines = [intact("ledger", "history", f"{len(published)} earlier checkpoints are consistent with the latest")]
    if len(keys) > 1:
        lines.append(intact("ledger", "keys", f"{len(keys) - 1} hand-overs of its key, each signed by both keys"))
    return lines, notes


def _older(older: bytes | None, keys: Keys, roots: Roots) -> list[Line]:
    """A checkpoint that somebody outside kept."""
    if older is None:
        return []
    try:
        size, root = _signed_in_time(older, keys)
    except Bad as error:
        return [damaged("ledger", "given away", f"the checkpoint that was given is not of this ledger: {error}")]
    if roots.get(size) != root:
        return [
            damaged("ledger", "given away", f"the checkpoint of {size} events that was given is of another history")
        ]
    return [intact("ledger", "given away", f"the ledger continues the checkpoint of {size} events that was given")]


def _is_of_a_beginning(name: str) -> bool:
    """Return whether a file says nothing yet: the lock, or half a write, in a folder whose process died as it began."""
    return name == ".lock" or (name.startswith(".") and name.endswith(".new"))


def _unsealed(home: Path, known: set[str], size: int, key: str) -> list[Line]:
    """Say of capture folders that none of the first `size` events names what they are."""
    lines = []
    days = sorted((home / "captures").glob("*/*/*"))
    for folder in (folder for day in days for folder in sorted(day.glob("*"))):
        name = folder.relative_to(home).as_posix()
        if name in known or folder.name.startswith(".") or not folder.is_dir():
            continue
        if (folder / ".lock").exists() and _in_use(folder / ".lock"):
            lines.append(note(folder.name, "open", "is being captured now"))
        elif _size_now(home, key) > size:
            lines.append(note(folder.name, "open", "the ledger has grown since this check began: check again for it"))
        elif any(not _is_of_a_beginning(path.name) for path in folder.iterdir()):
            lines.append(damaged(folder.name, "open", "was never sealed; `archiver catalog rebuild` seals it"))
    return lines


def _size_now(home: Path, key: str) -> int:
    try:
        return read_note((home / "ledger" / "checkpoint").read_bytes(), key)[1]
    except (OSError, Bad):
        return 0


def _in_use(lock: Path) -> bool:
    try:
        with open(lock, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
