"""Checking the events of a home against the leaves of its ledger. Of most of them only a digest is kept in memory."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from archiver.checks.clocks import clock_set_back
from archiver.checks.lines import Line, damaged, intact, note
from archiver.checks.proofs import Bad, RunningTree, canonical, included, inclusion_path, leaf, strict_json
from storage.digest import sha256, sha256_hex

EVENT_CONTEXT = b"archiver-event/1\n"
KEPT = ("key-handover", "timestamped", "renewed", "disposed")
"""Types of which the bodies are kept: what other checks ask for again and again."""
CAPTURED = ("captured", "recovered")


class CheckedEvents:
    """What was found of the events of a ledger, by their numbers from 0."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.kept: list[dict[str, Any]] = []
        """Bodies of the types in `KEPT`, in order."""
        self.captured = array("Q")
        """Numbers of the events that seal a capture."""
        self._digests: list[bytes | None] = []

    def __len__(self) -> int:
        return len(self._digests)

    def add(self, body: dict[str, Any] | None) -> None:
        """Add the next event, which was checked; None for one that is not here, or not what its leaf says."""
        self._digests.append(sha256(canonical(body)) if body else None)
        if body and body["type"] in KEPT:
            self.kept.append(body)
        elif body and body["type"] in CAPTURED:
            self.captured.append(body["seq"])

    def says(self, seq: int, text: bytes) -> bool | None:
        """Tell whether an event is this canonical text; None where it is not known."""
        return None if self._digests[seq] is None else sha256(text) == self._digests[seq]

    def body(self, seq: int) -> dict[str, Any] | None:
        """Read an event again, as it was when it was checked; None where it has changed since, or is not known."""
        with suppress(Bad, OSError, ValueError, KeyError, TypeError):
            body: dict[str, Any] = strict_json(event_path(self._home, seq).read_bytes())["event"]
            if self.says(seq, canonical(body)):
                return body
        return None

    def captures(self) -> Iterator[dict[str, Any]]:
        """Yield the bodies of the events that seal a capture, one by one."""
        return (body for seq in self.captured if (body := self.body(seq)) is not None)


def check_events(home: Path, entries: list[bytes], others: bool) -> tuple[list[Line], CheckedEvents]:
    """Check each event against its leaf: salted hash, inclusion, the signature of its author.

    `others`: whether events about other people's cases may be missing.
    """
    found = CheckedEvents(home)
    lines: list[Line] = []
    missing: list[int] = []
    for seq, entry in enumerate(entries):
        try:
            found.add(_event(home, seq, entry))
        except FileNotFoundError:
            found.add(None)
            missing.append(seq)
        except (Bad, OSError, InvalidSignature, ValueError, KeyError, TypeError) as error:
            found.add(None)
            lines.append(damaged("events", f"event {seq}", str(error) or "its author's signature does not fit"))
    if others and missing:
        text = f"{len(missing)} of {len(entries)} events are not here: they are somebody else's, about other cases"
        lines.append(note("events", "others", text))
    elif missing:
        lines += _missing(missing, found.kept)
    lines += _newest_is_included(entries)
    with suppress(ValueError, KeyError, TypeError):  # a leaf that is none is told of its event
        if said := clock_set_back((seq, str(strict_json(entry)["time"])) for seq, entry in enumerate(entries)):
            lines.append(note("events", "clock", said))
    if waiting := _waiting(home, len(entries)):
        text = f"{waiting} events are written but not yet in the ledger; the next command adds them"
        lines.append(note("events", "waiting", text))
    if not any(line.finding == "DAMAGED" for line in lines):
        text = f"{len(entries) - len(missing)} fit their leaves and their authors' signatures"
        lines.insert(0, intact("events", "events", text))
    return lines, found


def _missing(missing: list[int], kept: list[dict[str, Any]]) -> list[Line]:
    """Events whose file is not here: disposed of, as a later event says, or lost."""
    disposed: set[int] = set()
    for body in kept:
        if body["type"] == "disposed":
            disposed |= set(body["detail"].get("seqs", []))
    return [
        note("events", f"event {seq}", "was disposed of; its leaf remains")
        if seq in disposed
        else damaged("events", f"event {seq}", "is missing, and no event says that it was disposed of")
        for seq in missing
    ]


def _newest_is_included(entries: list[bytes]) -> list[Line]:
    """One explicit inclusion proof, of the newest event: the shape an outsider will be given."""
    if not 0 < len(entries) <= 4096:
        return []
    hashes = [leaf(entry) for entry in entries]
    root = RunningTree()
    for hashed in hashes:
        root.add(hashed)
    index = len(hashes) - 1
    if included(hashes[index], index, len(hashes), inclusion_path(hashes, index), root.root()):
        return []
    return [damaged("events", "inclusion", f"event {index} is not proven by the signed root")]


def event_path(home: Path, seq: int) -> Path:
    """Return where an event lies in a home."""
    return home / "events" / f"{seq // 10000:06d}" / f"{seq:010d}.json"


def _event(home: Path, seq: int, entry: bytes) -> dict[str, Any]:
    said = strict_json(entry)
    if said["seq"] != seq:
        raise Bad(f"its leaf says seq {said['seq']}")
    value = strict_json(event_path(home, seq).read_bytes())
    body: dict[str, Any] = value["event"]
    if sha256_hex(bytes.fromhex(value["salt"]), canonical(body)) != said["salted_hash"]:
        raise Bad("does not match the ledger")
    if (body["seq"], body["type"], body["time"]) != (seq, said["type"], said["time"]):
        raise Bad("does not match its leaf")
    unsigned = {key: item for key, item in body.items() if key != "signature"}
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["agent"]["key"], validate=True))
    public.verify(base64.b64decode(body["signature"], validate=True), EVENT_CONTEXT + canonical(unsigned))
    return body


def _waiting(home: Path, size: int) -> int:
    count = 0
    while event_path(home, size + count).exists():
        count += 1
    return count
