"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint), pure.

origin LF size LF base64(root) LF          the text
LF
— name base64(key id ‖ signature) LF       one line per signature
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from storage.digest import sha256
from storage.errors import FormatError

ED25519 = 1
_NAME = re.compile(r"[^\s+\x00-\x1f]+")


@dataclass(frozen=True)
class VerifierKey:
    """A public key in note form: `name+hex(key id)+base64(01 ‖ 32 bytes)`."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name LF 01 ‖ public key), as C2SP signed-note defines it."""
        return sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public)[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([ED25519]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Parse a key in note form. Raises `FormatError` unless `str()` of the result would be `text`."""
        parts = text.split("+", 2)
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except (IndexError, binascii.Error) as error:
            raise _bad("a verifier key `name+id+base64`", text) from error
        if len(raw) != 33 or raw[0] != ED25519 or not _NAME.fullmatch(parts[0]):
            raise _bad("an Ed25519 verifier key", text)
        key = cls(parts[0], raw[1:])
        if str(key) != text:
            raise _bad("a verifier key whose id matches its bytes", text)
        return key


class Signing(Protocol):
    """What signs notes: a key in memory, or one that is opened when it is first needed."""

    @property
    def name(self) -> str:
        """The signer's name in signature lines."""

    @property
    def key(self) -> VerifierKey:
        """The public key that checks the signatures."""

    @property
    def private(self) -> Ed25519PrivateKey:
        """The private key that makes the signatures."""


@dataclass(frozen=True)
class NoteSigner:
    """A signer whose private key is in memory."""

    name: str
    private: Ed25519PrivateKey

    @property
    def key(self) -> VerifierKey:
        """The public key that checks the signatures."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"NoteSigner({self.key})"


def sign(text: str, *signers: Signing) -> str:
    """Sign a note by each of the signers. Raises `ValueError` unless `text` ends in a line feed."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in a line feed")
    lines = [text, "\n"]
    for signer in signers:
        signature = signer.key.key_id + signer.private.sign(text.encode())
        lines.append(f"— {signer.name} {base64.b64encode(signature).decode()}\n")
    return "".join(lines)


def open_note(note: str, keys: Sequence[VerifierKey]) -> str:
    """Return the text of a note that at least one known key signed, and no known key signed wrongly.

    Signatures by unknown keys are ignored. Raises `FormatError`.
    """
    split = note.rfind("\n\n")
    if split < 0 or not note.endswith("\n"):
        raise _bad("a signed note: text, blank line, signatures", note[:60])
    text, block = note[: split + 1], note[split + 2 :]
    if any(ord(c) < 0x20 and c != "\n" for c in note):
        raise _bad("a note without control characters", repr(note[:60]))
    known = {(key.name, key.key_id): key for key in keys}
    good = 0
    for line in block.splitlines():
        match = re.fullmatch(r"— (\S+) ([A-Za-z0-9+/=]+)", line)
        if not match:
            raise _bad("a signature line", line[:80])
        try:
            raw = base64.b64decode(match[2], validate=True)
        except binascii.Error as error:
            raise _bad("a base64 signature", line[:80]) from error
        key = known.get((match[1], raw[:4]))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], text.encode())
        except InvalidSignature as error:
            raise _bad(f"a valid signature by {key.name}", "a signature that does not fit the text") from error
        good += 1
    if not good:
        raise _bad("a signature by a known key", "none")
    return text


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log (C2SP tlog-checkpoint): its origin, the number of its leaves, the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Write the checkpoint as the text of a note: origin, size and base64 of the root, a line each."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Parse the text of a checkpoint. Raises `FormatError` unless `text()` would give it back unchanged."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise _bad("three lines: origin, size, root", text[:80])
        if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
            raise _bad("a decimal size", lines[1][:40])
        try:
            root = base64.b64decode(lines[2], validate=True)
        except binascii.Error as error:
            raise _bad("a base64 root", lines[2][:60]) from error
        result = cls(lines[0], int(lines[1]), root)
        if len(root) != 32 or not lines[0] or result.text() != text:
            raise _bad("a checkpoint", text[:80])
        return result


def _bad(expected: str, found: str) -> FormatError:
    return FormatError(expected, found, "Run `archiver check` to see what else is affected.")
