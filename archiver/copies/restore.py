"""An empty home out of the copies alone, and the recovery key. Nothing that is fetched is believed.

The ring says which keys may sign; a checkpoint counts if one of them signed it; tiles count if they give its root; events if
they fit their leaves; manifests if an event names them; files if a manifest does.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyrage

from archiver.copies.ledger_copy import fits, readable_checkpoints
from archiver.copies.packing import MANIFEST, planned
from archiver.copies.restore_keys import close_folders
from archiver.copies.vault import CannotOpen, Identities, Vault, opened
from archiver.errors import CannotTell, NotFound, UsageError
from archiver.home.copies_config import Destination, destination
from archiver.home.home import is_home
from archiver.signer.age import identity_in
from archiver.signer.copy_keys import NAMES, OWN
from storage import canonical
from storage.digest import sha256_hex
from storage.errors import EvidenceError, FormatError, LedgerError, StoreError, disk_error
from storage.events import event_name
from storage.files import create, sync_folder, write_synced
from storage.ledger import TILE, Tiles, pack_entries, tile_path, unpack_entries
from storage.manifest import capture_place, is_name, listed_files
from storage.merkle import leaf_hash
from storage.note import Checkpoint, VerifierKey
from storage.objects import ObjectStore
from storage.packs import unpack

T = TypeVar("T")
_MARK = re.compile(r"[0-9a-f]{16}")
"""What a home is called at a place: a folder of what is brought of it gets this name."""


@dataclass
class FoundHome:
    """A home that has copies at a place."""

    mark: str
    origin: str
    keys: list[VerifierKey]
    names: bytes | None
    vault: Vault


@dataclass
class Restored:
    """Result of restoring: what came back, and what did not."""

    checkpoint: int = 0
    events: int = 0
    withheld: list[int] = field(default_factory=list)
    """Events whose bodies nobody here can open, or that were disposed of."""
    captures: int = 0
    bytes: int = 0
    missing: list[tuple[str, str]] = field(default_factory=list)
    """(capture, why)"""
    keyring: bool = False


def homes_at(store: ObjectStore, opens: Identities) -> tuple[list[FoundHome], int]:
    """Return the homes whose ring these keys open, and the number of homes that they do not open."""
    marks: dict[str, list[str]] = {}
    for one in store.list():
        mark, _, rest = one.key.partition("/")
        if rest.startswith("ring/") and _MARK.fullmatch(mark):
            marks.setdefault(mark, []).append(one.key)
    found, closed = [], 0
    for mark, keys in sorted(marks.items()):
        for key in sorted(keys, reverse=True):
            try:
                ring = canonical.loads(opened(b"".join(store.get(key)), opens))
                names = bytes.fromhex(ring["names"]) if ring["names"] else None
                signers = [VerifierKey.parse(text) for text in ring["keys"]]
            except (CannotOpen, FormatError, KeyError, TypeError, ValueError):
                continue
            found.append(FoundHome(mark, ring["origin"], signers, names, Vault(store, mark, names, opens)))
            break
        else:
            closed += 1
    return found, closed


def with_keyring(home: FoundHome, recovery: Identities) -> tuple[FoundHome, list[tuple[str, bytes]]]:
    """Read the newest keyring that opens.

    Returns the home as its own keys open it, and the keyring's files as (path in the home, content).
    """
    for one in reversed(home.vault.list("keyring")):
        try:
            files = list(unpack(home.vault.read(f"{home.mark}/keyring/{one.key}", recovery)))
        except (KeyError, FormatError):
            continue
        inside = dict(files)
        own = _identities(inside.get(f"keys/{OWN}", b""))
        names = (
            bytes.fromhex(inside[f"keys/{NAMES}"].decode()) if home.names and f"keys/{NAMES}" in inside else home.names
        )
        vault = Vault(home.vault.store, home.mark, names, [*own, *recovery])
        return FoundHome(home.mark, home.origin, home.keys, names, vault), files
    return home, []


def _identities(data: bytes) -> list[Any]:
    lines = data.decode("utf-8", "replace").split()
    return [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-SECRET-KEY-")]


def restore(
    into: Path,
    store: ObjectStore,
    recovery: Path | None,
    which: str | None = None,
    shown: Callable[[Restored], None] = lambda done: None,
    from_sheet: list[tuple[str, bytes]] | None = None,
) -> Restored:
    """Make the home at `into`, which must not hold one. Run again, it continues where it broke off.

    `from_sheet`: the keyring, as a recovery sheet holds it; else the newest at the copies that `recovery` opens.

    Raises `UsageError`, `CannotTell` (no key opens it), `LedgerError`, `StoreError`, `DiskError`.
    """
    if is_home(into):
        raise UsageError(f"no home at {into} yet", "one", "Restore into an empty folder; nothing was changed.")
    opens: Identities = identity_in(recovery) if recovery is not None else []
    opens = [*opens, *_identities(dict(from_sheet or ()).get(f"keys/{OWN}", b""))]
    home = _chosen(store, opens, which)
    home, keyring = with_keyring(home, opens)
    if not keyring and from_sheet is not None:
        home, keyring = _by_its_keys(home, from_sheet, opens), from_sheet
    try:
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise disk_error(error, f"making a home at {into}") from error
    done = Restored()
    checkpoint = restore_ledger(into, home, done)
    restore_events(into, home, checkpoint, done)
    for path, data in _proofs(home):
        write_synced(into / path, data)
    restore_captures(into, home, events_of(into, checkpoint.size), (), done, shown)
    for path, data in keyring:
        if path != "archiver.toml":
            write_synced(into / path, data, 0o644 if path.endswith(".vkey") else 0o600)
    done.keyring = bool(keyring)
    if keyring:
        close_folders(into)
        write_synced(into / "keys" / "ledger.head", checkpoint.text().encode(), 0o600)
        write_synced(into / "archiver.toml", dict(keyring)["archiver.toml"], 0o600)
    return done


def _by_its_keys(home: FoundHome, keyring: list[tuple[str, bytes]], opens: Identities) -> FoundHome:
    """Return the home as the names in its keyring find its objects."""
    inside = dict(keyring)
    names = bytes.fromhex(inside[f"keys/{NAMES}"].decode()) if home.names and f"keys/{NAMES}" in inside else home.names
    return FoundHome(home.mark, home.origin, home.keys, names, Vault(home.vault.store, home.mark, names, opens))


def _chosen(store: ObjectStore, opens: Identities, which: str | None) -> FoundHome:
    found, closed = homes_at(store, opens)
    if which is not None:
        found = [home for home in found if home.mark.startswith(which)]
    if not found and closed:
        raise CannotTell(
            "a key that opens the copies there",
            f"{closed} {'home' if closed == 1 else 'homes'} that the given key does not open"
            if opens
            else "none given",
            "Name the recovery key: --recovery FILE. Without it, and without the home, nobody can open them.",
        )
    if not found:
        raise NotFound("copies of a home there", "none", "Check the name of the place, and its prefix.")
    if len(found) > 1:
        marks = ", ".join(home.mark for home in found)
        raise UsageError("one home", f"{len(found)}: {marks}", "Choose one: --which MARK")
    return found[0]


def restore_ledger(into: Path, home: FoundHome, done: Restored) -> Checkpoint:
    """Restore the longest ledger whose tiles are there; its older checkpoints must all be prefixes of it.

    Raises `LedgerError`.
    """
    newest: tuple[Checkpoint, bytes] | None = None
    older: list[Checkpoint] = []
    for checkpoint, note in readable_checkpoints(home.vault, home.keys):
        if newest is None:
            if _fetch_tiles(into / "ledger", home.vault, checkpoint):
                newest = (checkpoint, note)
        else:
            older.append(checkpoint)
    if newest is None:
        raise LedgerError(
            "a checkpoint with tiles that match its root", "none", "The copies are incomplete. Use another copy."
        )
    checkpoint, note = newest
    for one in older:
        if Tiles(into / "ledger", one.size).root() != one.root:
            raise LedgerError(
                f"the checkpoint of {one.size} events as a beginning of that of {checkpoint.size}",
                "two histories, both signed",
                "Nothing was restored. Keep the copies unchanged, and find out who signed them.",
            )
    write_synced(into / "ledger" / "checkpoints" / str(checkpoint.size), note)
    write_synced(into / "ledger" / "checkpoint", note)
    done.checkpoint = checkpoint.size
    return checkpoint


def _fetch_tiles(folder: Path, vault: Vault, checkpoint: Checkpoint) -> bool:
    """Tell whether the tiles of this checkpoint are there, whole, and give its root."""
    level = 0
    try:
        while checkpoint.size >> (8 * level):
            size = checkpoint.size >> (8 * level)
            for n in range(-(-size // TILE)):
                width = min(TILE, size - n * TILE)
                hashes = vault.read(f"{vault.home}/{tile_path(level, n, width)}")
                if level == 0:
                    entries = unpack_entries(vault.read(f"{vault.home}/{tile_path('entries', n, width)}"))
                    if [leaf_hash(entry) for entry in entries] != [
                        hashes[at : at + 32] for at in range(0, 32 * width, 32)
                    ]:
                        return False
                    write_synced(folder / tile_path("entries", n, width), pack_entries(entries))
                write_synced(folder / tile_path(level, n, width), hashes)
            level += 1
        return Tiles(folder, checkpoint.size).root() == checkpoint.root
    except (KeyError, FormatError, LedgerError):
        return False


def _leaves(vault: Vault, n: int, width: int) -> tuple[bytes, bytes]:
    """Read one tile of entries and its hashes, from whichever objects agree. Raises `KeyError`, `FormatError`."""

    def read(key: str) -> tuple[bytes, bytes]:
        entries = unpack_entries(vault.read(key))
        hashes = b"".join(leaf_hash(entry) for entry in entries)
        stated = [vault.read(one) for one in _there(vault, f"{vault.home}/{tile_path(0, n, width)}")]
        if len(entries) != width or (stated and hashes not in stated):
            raise FormatError(f"entries that give the hashes of tile {n}", "others", "Use another copy.")
        return pack_entries(entries), hashes

    return _first(vault, f"{vault.home}/{tile_path('entries', n, width)}", read)


def _there(vault: Vault, key: str) -> Iterator[str]:
    for candidate in vault.candidates(key):
        if vault.store.head(candidate) is not None:
            yield candidate


def restore_events(into: Path, home: FoundHome, checkpoint: Checkpoint, done: Restored, opens: Identities = ()) -> None:
    """Restore every event that opens and fits its leaf; leave out and count the others."""
    leaves: dict[int, dict[str, Any]] = {}
    tiles = Tiles(into / "ledger", checkpoint.size)
    for n in range(-(-checkpoint.size // TILE)):
        for number, entry in enumerate(tiles.entries(n), n * TILE):
            leaves[number] = _leaf(entry, number)
    by_name = {f"events/{event_name(seq)}": seq for seq in leaves}
    seen: set[int] = set()
    for one in home.vault.list("ledger"):
        try:
            files = list(unpack(home.vault.read(f"{home.mark}/ledger/{one.key}", opens)))
        except (KeyError, FormatError):
            continue
        for name, data in files:
            seq = by_name.get(name)
            if seq is not None and fits(data, leaves[seq]):
                write_synced(into / name, data)
                seen.add(seq)
            elif name.startswith("ledger/checkpoints/"):
                _older_checkpoint(into, name, data, tiles)
    done.events = len(seen)
    done.withheld = sorted(set(leaves) - seen)
    for folder in sorted((into / "events").glob("*")):
        sync_folder(folder)


def _leaf(entry: bytes, seq: int) -> dict[str, Any]:
    """Read what a leaf says. Raises `LedgerError` where it is not about the event of its place."""
    try:
        said = json.loads(entry)
        if type(said["seq"]) is int and said["seq"] == seq:
            return dict(said)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # no leaf either
    raise LedgerError(f"event {seq} in leaf {seq}", "something else", "Do not use these copies.")


def _older_checkpoint(into: Path, name: str, data: bytes, tiles: Tiles) -> None:
    text = name.rsplit("/", 1)[1]
    if text.isdigit() and int(text) <= tiles.size and not (into / name).exists():
        write_synced(into / "ledger" / "checkpoints" / text, data)


def _proofs(home: FoundHome) -> Iterator[tuple[str, bytes]]:
    """Timestamps; of one that was completed later the newer."""
    for one in home.vault.list("proof"):
        try:
            for name, data in unpack(home.vault.read(f"{home.mark}/proof/{one.key}")):
                if name.startswith("proofs/"):
                    yield name, data
        except (KeyError, FormatError):
            continue


def events_of(home: Path, size: int) -> list[dict[str, Any]]:
    """List the bodies of events that are here."""
    found = []
    for seq in range(size):
        path = home / "events" / event_name(seq)
        if path.exists():
            found.append(canonical.loads(path.read_bytes())["event"])
    return found


def restore_captures(
    into: Path,
    home: FoundHome,
    bodies: list[dict[str, Any]],
    opens: Identities,
    done: Restored,
    shown: Callable[[Restored], None] = lambda done: None,
    wanted: Callable[[dict[str, Any]], bool] = lambda detail: True,
) -> None:
    """Restore every capture that the events name and `wanted` asks for."""
    gone = {body["detail"]["capture"] for body in bodies if body["type"] == "disposed"}
    for body in bodies:
        if body["type"] not in ("captured", "recovered") or not wanted(body["detail"]):
            continue
        detail = body["detail"]
        if detail["capture"] in gone:
            continue
        try:
            if (into / capture_place(detail) / MANIFEST).exists():
                continue
            done.bytes += restore_capture(into, home.vault, detail, opens)
            done.captures += 1
            shown(done)
        except KeyError:
            done.missing.append((detail["capture"], "no copy of it is there"))
        except (CannotOpen, FormatError, StoreError) as error:
            done.missing.append((detail["capture"], error.summary))


def restore_capture(into: Path, vault: Vault, detail: dict[str, Any], opens: Identities) -> int:
    """Restore one capture's folder, every file as its manifest says; return the number of bytes written.

    Raises `KeyError`, `CannotOpen`, `FormatError`, `StoreError`, `DiskError`.
    """
    folder = into / capture_place(detail)
    keys = vault.opens_capture(detail["manifest_sha256"], opens)
    files = _packed(vault, detail["manifest_sha256"], keys)
    manifest_bytes = files.pop(MANIFEST)
    small, large = planned(canonical.loads(manifest_bytes))
    _inside(files.get("records.jsonl", b""))
    working = folder.with_name(f".{folder.name}.restoring")
    try:
        working.mkdir(parents=True, exist_ok=True)
        for entry in small:
            data = files.get(entry["name"], b"")
            if sha256_hex(data) != entry["sha256"]:
                raise _other(detail["capture"], entry["name"])
            write_synced(working / entry["name"], data, _mode(entry["name"]))
        for entry in large:
            fetch_file(vault, entry, keys, working / entry["name"])
        write_synced(working / MANIFEST, manifest_bytes)
        sync_folder(working)
        working.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise disk_error(error, f"restoring {folder.name}") from error
    return len(manifest_bytes) + sum(int(entry["size"]) for entry in (*small, *large))


def _packed(vault: Vault, manifest_sha256: str, opens: Identities) -> dict[str, bytes]:
    """Read the small files of a capture, its manifest among them, which is the right one. Raises as `restore_capture`."""

    def read(key: str) -> dict[str, bytes]:
        files = dict(unpack(vault.read(key, opens)))
        if sha256_hex(files.get(MANIFEST, b"")) != manifest_sha256:
            raise _other("a capture", MANIFEST)
        return files

    return _first(vault, vault.named("capture", manifest_sha256), read)


def fetch_file(vault: Vault, entry: dict[str, Any], opens: Identities, out: Path) -> None:
    """Restore one large file, as its manifest says.

    Raises `KeyError`, `CannotOpen`, `FormatError`, `StoreError`, `DiskError`.
    """
    _first(vault, vault.named("file", entry["sha256"]), lambda key: _fetch(vault, key, entry, opens, out))


def _first(vault: Vault, key: str, read: Callable[[str], T]) -> T:
    """Return what the first good object gives of those that lie there for a key. Raises what the last one raised."""
    failure: Exception = KeyError(key)
    for candidate in vault.candidates(key):
        try:
            return read(candidate)
        except (KeyError, FormatError) as error:
            failure = error
    raise failure


def _fetch(vault: Vault, key: str, entry: dict[str, Any], opens: Identities, out: Path) -> None:
    working = out.with_name(f".{out.name}.fetching")
    try:
        with create(working) as stream:
            _, inside = vault.copy(key, opens, stream)
            stream.flush()
            os.fsync(stream.fileno())
        if (inside.size, inside.hexdigest()) != (entry["size"], entry["sha256"]):
            raise _other(out.parent.name, entry["name"])
        working.rename(out)
        sync_folder(out.parent)
    except OSError as error:
        raise disk_error(error, f"fetching {out.name}") from error
    finally:
        working.unlink(missing_ok=True)


def restored_files(vault: Vault, row: dict[str, Any], names: list[str], into: Path) -> dict[str, Path]:
    """Restore some files of a capture into `into`, each checked; return name → path.

    `row`: with manifest_sha256. Raises as `restore_capture`.
    """
    keys = vault.opens_capture(row["manifest_sha256"])
    packed = _packed(vault, row["manifest_sha256"], keys)
    entries = {entry["name"]: entry for entry in listed_files(canonical.loads(packed[MANIFEST]))}
    found = {}
    for name in names:
        path = into / f"{row['manifest_sha256'][:16]}-{name}"
        if name in packed:
            if name != MANIFEST and sha256_hex(packed[name]) != entries[name]["sha256"]:
                raise _other(row["id"], name)
            write_synced(path, packed[name], _mode(name))
        else:
            fetch_file(vault, entries[name], keys, path)
        found[name] = path
    return found


def _mode(name: str) -> int:
    return 0o600 if name.startswith("private.age") else 0o644


def _inside(records: bytes) -> None:
    """Let no record lie outside of its capture: whoever reads it later goes by this name. Raises `FormatError`."""
    for line in records.splitlines():
        try:
            file = json.loads(line)["file"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # `check` says what is wrong with the line
        if not is_name(file):
            raise FormatError(
                "records in files of the capture", repr(file)[:80], "No archiver wrote this. Do not use these copies."
            )


def _other(capture: str, name: str) -> EvidenceError:
    return FormatError(f"{name} of {capture} as it was sealed", "other bytes at the copies", "Use another copy.")


def destination_of(where: str, endpoint: str, region: str, profile: str, own: bool = False) -> Destination:
    """Make the destination that a person names on the command line. Raises `ConfigError`."""
    return destination(
        {"name": "from", "where": where, "endpoint": endpoint, "region": region, "profile": profile, "own": own}
    )
