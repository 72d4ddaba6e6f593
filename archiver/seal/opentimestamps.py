"""OpenTimestamps: a digest goes to calendars at once, the Bitcoin block that commits to it comes hours later.

A pending answer proves nothing yet and is shown as owed. What a calendar later says of a block is kept with the proof;
whether the block is on the chain is checked by who has its header, not here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.recorder.client import NoAnswer, ServiceClient
from archiver.seal.rfc3161 import InvalidProof
from storage.digest import sha256

if TYPE_CHECKING:
    from opentimestamps.core.timestamp import DetachedTimestampFile, Timestamp

_HEADERS = {"Accept": "application/vnd.opentimestamps.v1"}
_ANSWER_LIMIT = 10_000


@dataclass(frozen=True)
class Attested:
    """Attestations in an `.ots` file."""

    pending: tuple[str, ...]
    blocks: tuple[int, ...]
    """Heights of Bitcoin blocks that a calendar says commit to the digest."""


def submit(message: bytes, calendars: tuple[str, ...], service: ServiceClient) -> tuple[bytes | None, dict[str, str]]:
    """Send a digest, salted afresh, to the calendars.

    Returns (the `.ots` file or None, calendar → why it gave no answer).
    """
    from opentimestamps.core.op import OpAppend, OpSHA256
    from opentimestamps.core.timestamp import DetachedTimestampFile, Timestamp

    stamp = Timestamp(sha256(message))
    # The calendar sees a salted digest: it cannot tell later which checkpoint this was.
    salted = stamp.ops.add(OpAppend(os.urandom(16))).ops.add(OpSHA256())
    troubles: dict[str, str] = {}
    good = False
    for calendar in calendars:
        try:
            salted.merge(_read(_get(service, f"{calendar.rstrip('/')}/digest", salted.msg), salted.msg))
            good = True
        except (NoAnswer, InvalidProof) as error:
            troubles[calendar] = str(error)
    return (_write(DetachedTimestampFile(OpSHA256(), stamp)) if good else None), troubles


def upgrade(file: bytes, service: ServiceClient) -> tuple[bytes, dict[str, str]]:
    """Ask the pending calendars of a file what they know by now.

    Returns the file with that, and what they answered otherwise. Raises `InvalidProof`.
    """
    detached = _file(file)
    troubles: dict[str, str] = {}
    for stamp, calendar in list(_pending(detached.timestamp)):
        try:
            stamp.merge(_read(_get(service, f"{calendar.rstrip('/')}/timestamp/{stamp.msg.hex()}", None), stamp.msg))
        except (NoAnswer, InvalidProof) as error:
            troubles[calendar] = str(error)
    return _write(detached), troubles


def attested(file: bytes, message: bytes) -> Attested:
    """Return what the file attests of `message`.

    Raises `InvalidProof` where it is about something else, or no `.ots` file.
    """
    from opentimestamps.core.notary import BitcoinBlockHeaderAttestation

    detached = _file(file)
    if detached.file_digest != sha256(message):
        raise InvalidProof("it stamps something else")
    blocks = {
        note.height for _, note in detached.timestamp.all_attestations() if isinstance(note, BitcoinBlockHeaderAttestation)
    }  # fmt: skip
    return Attested(tuple(sorted({uri for _, uri in _pending(detached.timestamp)})), tuple(sorted(blocks)))


def _get(service: ServiceClient, url: str, body: bytes | None) -> bytes:
    status, answer = service.ask(url, body, _HEADERS)
    if status == 404:
        raise NoAnswer("not yet in a block")
    if status != 200:
        raise NoAnswer(f"HTTP status {status}")
    return answer


def _read(answer: bytes, message: bytes) -> Timestamp:
    from opentimestamps.core.serialize import BytesDeserializationContext, DeserializationError
    from opentimestamps.core.timestamp import Timestamp

    if len(answer) > _ANSWER_LIMIT:
        raise InvalidProof(f"an answer of {len(answer)} bytes")
    try:
        context = BytesDeserializationContext(answer)
        stamp: Timestamp = Timestamp.deserialize(context, message)
        context.assert_eof()
        return stamp
    except (DeserializationError, ValueError, RecursionError) as error:
        raise InvalidProof(f"no OpenTimestamps answer: {error}") from error


def _file(data: bytes) -> DetachedTimestampFile:
    from opentimestamps.core.serialize import BytesDeserializationContext, DeserializationError
    from opentimestamps.core.timestamp import DetachedTimestampFile

    try:
        return DetachedTimestampFile.deserialize(BytesDeserializationContext(data))
    except (DeserializationError, ValueError, RecursionError) as error:
        raise InvalidProof(f"no .ots file: {error}") from error


def _write(detached: DetachedTimestampFile) -> bytes:
    from opentimestamps.core.serialize import BytesSerializationContext

    context = BytesSerializationContext()
    detached.serialize(context)
    data: bytes = context.getbytes()
    return data


def _pending(stamp: Timestamp) -> Iterator[tuple[Timestamp, str]]:
    """Each part that only a calendar's promise stands for; nothing where a block has come since."""
    from opentimestamps.core.notary import BitcoinBlockHeaderAttestation, PendingAttestation

    for note in stamp.attestations:
        if isinstance(note, PendingAttestation) and not any(
            isinstance(other, BitcoinBlockHeaderAttestation) for _, other in stamp.all_attestations()
        ):
            yield stamp, note.uri
    for below in stamp.ops.values():
        yield from _pending(below)
