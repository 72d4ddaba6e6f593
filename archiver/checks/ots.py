"""Reading OpenTimestamps proofs again: a tree of operations from a digest to attestations, as python-opentimestamps writes it."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.checks.proofs import Bad
from storage.digest import Digests

MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294") + b"\x01"
PENDING, BITCOIN = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")
LIMIT, DEPTH = 4096, 256
_HASHES = {0x08: "sha256", 0x02: "sha1"}
_UNCOMPUTED = {0x03: "RIPEMD-160", 0x67: "Keccak-256"}


class Uncomputed(Bad):
    """A proof with an operation that is not computed here: nothing is known to be wrong with it, and nothing shown."""


@dataclass(frozen=True)
class Said:
    """One attestation: what it commits to, and who answers for it."""

    kind: str
    """`pending`, `bitcoin` or `other`: a notary that is not known here."""
    message: bytes
    where: str
    """The calendar's address, or the height of the block."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) != count:
            raise Bad("a cut OpenTimestamps proof")
        self.at += count
        return piece

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
            if shift > 63:
                raise Bad("a number without an end in an OpenTimestamps proof")

    def bytes(self) -> bytes:
        length = self.number()
        if length > LIMIT:
            raise Bad("an oversized value in an OpenTimestamps proof")
        return self.take(length)


def read_ots(file: bytes, digest: bytes) -> list[Said]:
    """Return what an `.ots` file says of `digest` (SHA-256, 32 bytes).

    Raises `Bad` where it is about another digest, or no proof, `Uncomputed` where it has an operation that is not computed.
    """
    reader = _Reader(file)
    if reader.take(len(MAGIC)) != MAGIC or reader.take(1) != b"\x08":
        raise Bad("not an OpenTimestamps proof of a SHA-256 digest")
    if reader.take(32) != digest:
        raise Bad("the OpenTimestamps proof is for something else")
    found: list[Said] = []
    _tree(reader, digest, found, 0)
    if reader.at != len(file):
        raise Bad("extra bytes after the OpenTimestamps proof")
    return found


def _tree(reader: _Reader, message: bytes, found: list[Said], depth: int) -> None:
    if depth > DEPTH:
        raise Bad("an OpenTimestamps proof that is too deep")
    while True:
        tag = reader.take(1)[0]
        more = tag == 0xFF
        if more:
            tag = reader.take(1)[0]
        if tag == 0x00:
            found.append(_attestation(reader, message))
        else:
            _tree(reader, _applied(tag, reader, message), found, depth + 1)
        if not more:
            return


def _applied(tag: int, reader: _Reader, message: bytes) -> bytes:
    if tag == 0xF0:
        message = message + reader.bytes()
    elif tag == 0xF1:
        message = reader.bytes() + message
    elif tag in _HASHES:
        running = Digests(_HASHES[tag])
        running.update(message)
        message = bytes.fromhex(running.hexdigests()[_HASHES[tag]])
    elif tag == 0xF2:
        message = message[::-1]
    elif tag == 0xF3:
        message = message.hex().encode()
    elif tag in _UNCOMPUTED:
        raise Uncomputed(f"an operation of OpenTimestamps that is not computed here: {_UNCOMPUTED[tag]}")
    else:
        raise Bad(f"an operation {tag:#04x} that OpenTimestamps does not have")
    if len(message) > LIMIT:
        raise Bad("an OpenTimestamps proof that grows too long")
    return message


def _attestation(reader: _Reader, message: bytes) -> Said:
    tag, inner = reader.take(8), _Reader(reader.bytes())
    if tag == PENDING:
        return Said("pending", message, inner.bytes().decode("utf-8", "replace"))
    if tag == BITCOIN:
        return Said("bitcoin", message, str(inner.number()))
    return Said("other", message, tag.hex())
