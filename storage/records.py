"""The values that the capture folder is written with: what was asked, what was withheld, where a record lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.times import utc_text


@dataclass(frozen=True)
class Withheld:
    """A secret that was replaced: where it stood, and the commitment put in its place."""

    where: str
    name: str
    commitment: str

    def line(self) -> dict[str, str]:
        """Return the form in which records.jsonl lists it: without the value."""
        return {"where": self.where, "name": self.name, "commitment": self.commitment}


@dataclass(frozen=True)
class Exchange:
    """One request that is about to be answered. `request` is as sent, secrets replaced."""

    uri: str
    date: datetime
    request: Sequence[bytes]
    request_payload: bytes | None = None
    ip: str | None = None
    protocols: tuple[str, ...] = ()
    cipher: str | None = None
    tls_record: str | None = None
    tag: str | None = None
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Origin:
    """Where the same payload lies already: a sealed record of another capture."""

    capture: str
    record: str
    uri: str
    date: str
    """As its `WARC-Date` says."""


@dataclass(frozen=True)
class RecordRef:
    """The place of a record in a WARC file (byte offset and length), and what the record says of itself."""

    record_id: str
    type: str
    uri: str | None
    date: datetime
    file: str
    offset: int
    length: int
    block_digest: str
    payload_digest: str | None
    payload_size: int | None
    line: dict[str, Any] = field(repr=False, default_factory=dict)


def placed(ref: RecordRef, file: str, offset: int, length: int, extra: dict[str, Any]) -> RecordRef:
    """Return the record at its place, with its line. Raises `ValueError` if `extra` replaces one of its own facts."""
    own = {
        "id": ref.record_id,
        "type": ref.type,
        "uri": ref.uri,
        "date": utc_text(ref.date),
        "file": file,
        "offset": offset,
        "length": length,
        "block_digest": ref.block_digest,
        "payload_digest": ref.payload_digest,
        "payload_size": ref.payload_size,
    }
    if taken := own.keys() & extra.keys():
        raise ValueError(f"a record's own facts cannot be replaced: {', '.join(sorted(taken))}")
    line = {**own, **{key: value for key, value in extra.items() if value is not None and value != []}}
    return RecordRef(
        ref.record_id, ref.type, ref.uri, ref.date, file, offset, length,
        ref.block_digest, ref.payload_digest, ref.payload_size, line,
    )  # fmt: skip
