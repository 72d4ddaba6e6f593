"""The ledger's copy. What lies there is a prefix of ours or the sync stops: two histories are never mixed.

Order, each step durable before the next: ring and keyring, events and timestamps, tiles, checkpoint. A copy that broke off
anywhere is a whole copy of the checkpoint before, with some objects more.
"""

from __future__ import annotations

import operator
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from archiver.copies.vault import AGAIN, Vault
from archiver.home.age import recipients_of
from archiver.home.people import every_recipient, recovery_keys
from archiver.signer.copy_keys import private_files
from storage import canonical
from storage.digest import sha256_hex
from storage.errors import FormatError, LedgerError, Refused
from storage.events import event_name
from storage.ledger import TILE, Tiles, pack_entries, tile_path
from storage.note import Checkpoint, VerifierKey, open_note
from storage.objects import Content, Lock
from storage.packs import pack, unpack

if TYPE_CHECKING:
    from archiver.home.home import Home

FORMAT = "archiver-copies/1"
BUNDLE = 1000
"""Events to an object at most."""


@dataclass(frozen=True)
class Remote:
    """Newest checkpoint at a place that our keys have signed; size 0 where there is none.

    `strange`: what lies there and was not signed by us.
    """

    size: int = 0
    strange: tuple[str, ...] = ()


def our_keys(home: Home) -> list[VerifierKey]:
    """List every key that ever signed this ledger."""
    found = [home.ledger_key_text()]
    for body in home.catalog.event_bodies(("key-handover",)):
        found += [body["detail"]["old"], body["detail"]["new"]]
    return [VerifierKey.parse(text) for text in dict.fromkeys(found)]


def compare(home: Home, vault: Vault) -> Remote:
    """Compare the newest checkpoint there with our ledger.

    Raises `LedgerError` on a fork or a rollback.
    """
    keys, local, strange = our_keys(home), home.ledger.checkpoint(), []
    for one in reversed(vault.list("checkpoint")):
        try:
            note = vault.read(f"{vault.home}/checkpoint/{one.key}")
            found = Checkpoint.parse(open_note(note.decode(), keys))
        except (KeyError, FormatError, UnicodeDecodeError) as error:
            strange.append(f"checkpoint/{one.key}: {'listed, and not there' if isinstance(error, KeyError) else error}")
            continue
        if found.size > local.size:
            raise LedgerError(
                f"copies of a ledger of at most {local.size} events",
                f"a checkpoint of {found.size} events, signed by this home's key: this home was rolled back, or another home continues it",
                "Nothing was copied. Stop working in both homes, and bring the newer one here: archiver restore.",
            )
        if Tiles(home.ledger.folder, found.size).root() != found.root:
            raise LedgerError(
                f"the first {found.size} events of the copies to be the same as here",
                "other events in the copies, signed by this home's key: a second history (a fork)",
                "Nothing was copied. Keep both; compare them with `archiver check --checkpoint FILE`.",
            )
        return Remote(found.size, tuple(strange))
    return Remote(0, tuple(strange))


def push(home: Home, vault: Vault, lock: Lock | None) -> int:
    """Bring the ledger's copy up to ours; return how many events were copied.

    Raises `LedgerError`, `StoreError`.
    """
    remote = compare(home, vault)
    size = home.ledger.checkpoint().size
    everyone = recipients_of([*every_recipient(home.catalog), *_own(vault)])
    _ring(home, vault, size, lock)
    _proofs(home, vault, size, lock)
    if size == remote.size:
        return 0
    for start in range(remote.size, size, BUNDLE):
        _events(home, vault, start, min(start + BUNDLE, size), lock)
    for path, data in _tiles(Tiles(home.ledger.folder, size), remote.size):
        vault.keep(f"{vault.home}/{path}", Content.of(data), lock, everyone)
    note = (home.ledger.folder / "checkpoints" / str(size)).read_bytes()
    vault.keep(f"{vault.home}/checkpoint/{size:012d}", Content.of(note), lock, everyone)
    return size - remote.size


def _own(vault: Vault) -> list[str]:
    return [str(one.to_public()) for one in vault.opens]


def _ring(home: Home, vault: Vault, size: int, lock: Lock | None) -> None:
    """Who this home is, and its keyring; new objects where either has changed."""
    recovery = recovery_keys(home.path)
    ring = {
        "format": FORMAT,
        "origin": home.ledger_key.name,
        "keys": [str(key) for key in our_keys(home)],
        "names": vault.names.hex() if vault.names is not None else None,
    }
    readers = [*every_recipient(home.catalog), *recovery, *_own(vault)]
    _keep_newest(vault, "ring", size, canonical.dumps(ring), readers, lock)
    if recovery:
        bundle = pack(private_files(home.path))
        _keep_newest(vault, "keyring", size, bundle, recovery, lock, always_encrypted=True)


def _keep_newest(
    vault: Vault,
    kind: str,
    size: int,
    data: bytes,
    readers: Sequence[str],
    lock: Lock | None,
    always_encrypted: bool = False,
) -> None:
    """Keeps it if the newest of its kind is another. The mark covers for whom it is, so that a new reader gets one too."""
    mark = vault.mark(data + "\n".join(sorted(readers)).encode())
    there = vault.list(kind)
    if there and there[-1].key.endswith(mark):
        return
    if vault.store.head(f"{vault.home}/{kind}/{size:012d}-{mark}") is not None:  # whatever the listing says
        return
    if always_encrypted and not vault.encrypted:
        import pyrage

        data = pyrage.encrypt(data, recipients_of(list(readers)))
    vault.keep(f"{vault.home}/{kind}/{size:012d}-{mark}", Content.of(data), lock, recipients_of(list(readers)))


def _events(home: Home, vault: Vault, start: int, end: int, lock: Lock | None, again: str = "") -> None:
    """Events and the checkpoints that ended with them. Where it is encrypted, each case's for that case's keys."""
    groups: dict[tuple[str, ...], list[tuple[str, bytes]]] = {(): []}
    known = home.case_recipients()
    for seq in range(start, end):
        name = event_name(seq)
        path = home.ledger.events / name
        if path.exists():  # else it was disposed of
            group = tuple(sorted(concerned(home, home.ledger.read_event(seq) or {}))) if vault.encrypted else ()
            groups.setdefault(group, []).append((f"events/{name}", path.read_bytes()))
        note = home.ledger.folder / "checkpoints" / str(seq + 1)
        if note.exists():
            groups[()].append((f"ledger/checkpoints/{seq + 1}", note.read_bytes()))
    for group, files in groups.items():
        if files:
            readers = [key for case in group for key in known.get(case, [])]
            key = f"{vault.home}/ledger/{start:012d}-{end:012d}"
            key += f"-{vault.mark(repr(group).encode())}" if group else ""
            vault.keep(key + again, Content.of(pack(files)), lock, recipients_of([*readers, *_own(vault)]))


def concerned(home: Home, body: dict[str, Any]) -> set[str]:
    """Return the cases that an event is about."""
    detail = body.get("detail", {})
    about = detail.get("about") or {}
    named = {detail.get("case"), about.get("case"), *detail.get("cases", [])}
    if body.get("type") == "case":
        named.add(detail.get("name"))
    for capture in {detail.get("capture"), about.get("capture")} - {None}:
        named |= set(home.catalog.cases_of(capture))
    return {str(name) for name in named if name}


def _tiles(tiles: Tiles, old: int) -> Iterator[tuple[str, bytes]]:
    """List the tiles that are new in a ledger which has grown from `old` leaves, by their paths."""
    level = 0
    while tiles.size >> (8 * level):
        now, before = tiles.size >> (8 * level), old >> (8 * level)
        for n in range(before // TILE, -(-now // TILE)):
            width = min(TILE, now - n * TILE)
            if n * TILE + width > before:
                yield tile_path(level, n, width), b"".join(tiles.hashes(level, n))
                if level == 0:
                    yield tile_path("entries", n, width), pack_entries(tiles.entries(n))
        level += 1


def _proofs(home: Home, vault: Vault, size: int, lock: Lock | None) -> None:
    """Timestamps: a folder of proofs is one object, and another one when it was completed."""
    folders = sorted(path for path in (home.path / "proofs").glob("*") if path.is_dir())
    there = {one.key.rsplit("-", 1)[1] for one in vault.list("proof")} if folders else set()
    for folder in folders:
        files = [
            (path.relative_to(home.path).as_posix(), path.read_bytes())
            for path in sorted(folder.iterdir())
            if path.is_file() and not path.name.startswith(".")
        ]
        bundle = pack(files)
        mark = vault.mark(bundle)
        if files and mark not in there:
            vault.keep(f"{vault.home}/proof/{size:012d}-{mark}", Content.of(bundle), lock, recipients_of(_own(vault)))


def readable_checkpoints(vault: Vault, keys: Sequence[VerifierKey]) -> Iterator[tuple[Checkpoint, bytes]]:
    """Yield the checkpoints that these keys have signed, newest first, each with its note."""
    for one in reversed(vault.list("checkpoint")):
        try:
            note = vault.read(f"{vault.home}/checkpoint/{one.key}")
            yield Checkpoint.parse(open_note(note.decode(), keys)), note
        except (KeyError, FormatError, UnicodeDecodeError):
            continue


# -- fixity ----------------------------------------------------------------------------------------------


def check_ledger_copy(home: Home, vault: Vault) -> Iterator[tuple[str, str]]:
    """Read back each object of the ledger's copy and compare it with what is here.

    Yields (key, what is wrong with it). Raises `LedgerError`, `StoreError`.
    """
    keys = our_keys(home)
    newest = next((one.size for one, _ in readable_checkpoints(vault, keys)), 0)
    if newest > home.ledger.checkpoint().size:
        compare(home, vault)  # says what that is
    for path, data in _tiles(Tiles(home.ledger.folder, newest), 0):
        yield from _differs(vault, f"{vault.home}/{path}", partial(operator.eq, data))
    for one in vault.list("checkpoint"):
        if one.key.isdigit():
            yield from _differs(vault, f"{vault.home}/checkpoint/{one.key}", lambda note: _is_ours(home, keys, note))
    seen: set[str] = set()
    for one in vault.list("ledger"):
        key = f"{vault.home}/ledger/{one.key}"
        if AGAIN not in one.key:
            yield from _differs(vault, key, lambda data: _events_fit(home, data))
        with suppress(KeyError, FormatError):
            seen |= {name for name, _ in unpack(vault.read(key))}
    for seq in range(newest):
        if f"events/{event_name(seq)}" not in seen and (home.ledger.events / event_name(seq)).exists():
            yield f"{vault.home}/ledger/{seq:012d}-{seq + 1:012d}", "no pack holds this event"
    for one in vault.list("ring"):
        yield from _differs(vault, f"{vault.home}/ring/{one.key}", lambda data: bool(canonical.loads(data)))


def _differs(vault: Vault, key: str, good: Callable[[bytes], bool]) -> Iterator[tuple[str, str]]:
    found = "it is gone"
    for candidate in vault.candidates(key):
        try:
            if good(vault.read(candidate)):
                return
            found = "other content"
        except KeyError:
            continue
        except (FormatError, UnicodeDecodeError) as error:
            found = getattr(error, "found", str(error))
    yield key, found


def _is_ours(home: Home, keys: Sequence[VerifierKey], note: bytes) -> bool:
    checkpoint = Checkpoint.parse(open_note(note.decode(), keys))
    return Tiles(home.ledger.folder, checkpoint.size).root() == checkpoint.root


def _events_fit(home: Home, data: bytes) -> bool:
    """Tell whether each file of a pack is what lies here; one that was disposed of here need not be."""
    for name, content in unpack(data):
        path = home.path / name
        if path.exists() and path.read_bytes() != content:
            return False
    return True


def fits(data: bytes, leaf: dict[str, Any]) -> bool:
    """Return whether an event's file is the one that a leaf of the ledger commits to."""
    try:
        value = canonical.loads(data)
        body = value["event"]
        if body["seq"] != leaf["seq"] or not isinstance(body["detail"], dict):
            return False
        return bool(sha256_hex(bytes.fromhex(value["salt"]), canonical.dumps(body)) == leaf["salted_hash"])
    except (FormatError, KeyError, TypeError, ValueError):
        return False


def event_in_copy(vault: Vault, name: str, good: Callable[[bytes], bool]) -> bytes | None:
    """Return the file of one event out of the packs there; None where none is `good`. Raises `StoreError`."""
    for one in vault.list("ledger"):
        with suppress(KeyError, FormatError):
            for found, data in unpack(vault.read(f"{vault.home}/ledger/{one.key}")):
                if found == name and good(data):
                    return data
    return None


def mend_ledger_copy(home: Home, vault: Vault, key: str) -> bool:
    """Put an object of the ledger's copy there again, under a key that begins with the old one.

    Returns whether the object could be made from what is here.
    """
    again = f"{key}{AGAIN}{secrets.token_hex(4)}"
    path = key.removeprefix(f"{vault.home}/")
    everyone = recipients_of([*every_recipient(home.catalog), *_own(vault)])
    if path.startswith("tile/"):
        newest = next((one.size for one, _ in readable_checkpoints(vault, our_keys(home))), 0)
        data = dict(_tiles(Tiles(home.ledger.folder, newest), 0)).get(path)
        if data is None:
            return False
        vault.keep(again, Content.of(data), None, everyone)
        return True
    if path.startswith("checkpoint/"):
        note = home.ledger.folder / "checkpoints" / str(int(path.split("/")[1]))
        if note.exists():
            vault.keep(again, Content.of(note.read_bytes()), None, everyone)
        return note.exists()
    if path.startswith("ledger/"):
        start, end = (int(text) for text in path.removeprefix("ledger/").split("-")[:2])
        _events(home, vault, start, end, None, AGAIN + secrets.token_hex(4))
        return True
    return False


def replace_events(home: Home, vault: Vault, seqs: Sequence[int]) -> None:
    """Write the packs that hold disposed events anew without them, and remove the old ones.

    Raises `StoreError` where a lock forbids that.
    """
    gone = {f"events/{event_name(seq)}" for seq in seqs}
    for one in vault.list("ledger"):
        key = f"{vault.home}/ledger/{one.key}"
        try:
            names = {name for name, _ in unpack(vault.read(key))}
        except (KeyError, FormatError):
            continue
        if names & gone:
            start, end = (int(text) for text in one.key.split("-")[:2])
            _events(home, vault, start, end, None, AGAIN + secrets.token_hex(4))
            remains = vault.store.remove(key)
            if remains:
                raise Refused(f"the old {key} removed", remains[0].why, "Try again when its lock has ended.")
