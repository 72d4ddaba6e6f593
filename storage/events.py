"""Events: what was done, by whom, when. One salted canonical JSON file each.

    {"event": {"format", "seq", "type", "time", "agent", "software", "detail", "signature"}, "salt"}

The ledger's leaf carries only `SHA-256(salt ‖ canonical(event))`. Deleting the file (event and salt) leaves
a tree that still checks and a leaf that says nothing about a person.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from storage import canonical
from storage.digest import sha256_hex
from storage.times import utc_text

FORMAT = "archiver-event/1"
SIGNATURE_CONTEXT = b"archiver-event/1\n"
"""Put before the signed bytes, so that a signature over an event can mean nothing else."""

TYPES = frozenset(
    {
        "case", "case-membership", "captured", "recovered", "annotated", "removed", "checked", "timestamped", "renewed",
        "key-handover", "replicated", "exported", "disclosed", "redacted", "disposed", "triaged", "lock-policy", "evicted",
        "repaired", "viewed", "disposal-requested", "erased", "duplicate", "changed", "unavailable", "seen-again",
        "reassessed",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Author:
    """Who signs: a pseudonym and the person's own key, which is not the ledger's."""

    pseudonym: str
    private: Ed25519PrivateKey
    role: str = "collector"

    @property
    def public_text(self) -> str:
        """The person's public key: 32 bytes of Ed25519 (RFC 8032) in base64."""
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    def __repr__(self) -> str:
        return f"Author({self.pseudonym})"


@dataclass(frozen=True)
class Event:
    """What is to be recorded; the ledger adds `seq` and salt."""

    type: str
    time: datetime
    detail: dict[str, Any]


def event_body(event: Event, seq: int, author: Author, software: str) -> dict[str, Any]:
    """Make the signed event as a canonical value. Raises `ValueError` for a type that is not in `TYPES`."""
    if event.type not in TYPES:
        raise ValueError(f"unknown event type {event.type!r}")
    body: dict[str, Any] = {
        "format": FORMAT,
        "seq": seq,
        "type": event.type,
        "time": utc_text(event.time),
        "agent": {"id": author.pseudonym, "key": author.public_text, "role": author.role},
        "software": software,
        "detail": event.detail,
    }
    signature = author.private.sign(SIGNATURE_CONTEXT + canonical.dumps(body))
    return {**body, "signature": base64.b64encode(signature).decode()}


def event_file(body: dict[str, Any], salt: bytes) -> bytes:
    """Write the file of an event: its body and the hex of its salt, as canonical JSON."""
    return canonical.dumps({"event": body, "salt": salt.hex()})


def leaf(body: dict[str, Any], salt: bytes) -> bytes:
    """Make the ledger's entry for an event: `{seq, time, type, salted_hash}`, canonical."""
    return canonical.dumps(
        {
            "seq": body["seq"],
            "type": body["type"],
            "time": body["time"],
            "salted_hash": sha256_hex(salt, canonical.dumps(body)),
        }
    )


def event_name(seq: int) -> str:
    """Return the path of an event's file below `events/`: 10,000 to a folder."""
    return f"{seq // 10000:06d}/{seq:010d}.json"
