"""The ledger's mathematics, written a second time: RFC 6962 by its recursive definition, C2SP notes by theirs."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from archiver.checks.numbers import whole
from storage.digest import sha256


class Bad(Exception):
    """Bytes that are not what their format says. The text tells which."""


def leaf(entry: bytes) -> bytes:
    """Return the hash of a leaf, SHA-256 of 0x00 and the entry (RFC 6962 section 2.1)."""
    return sha256(b"\x00" + entry)


class RunningTree:
    """A Merkle tree that grows leaf by leaf and knows its root at each size: subtrees of equal size are merged."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf_hash: bytes) -> None:
        """Append a leaf by its hash, as `leaf` returns it."""
        self._stack.append((1, leaf_hash))
        self.size += 1
        while len(self._stack) > 1 and self._stack[-1][0] == self._stack[-2][0]:
            (width, right), (_, left) = self._stack.pop(), self._stack.pop()
            self._stack.append((2 * width, sha256(b"\x01" + left + right)))

    def root(self) -> bytes:
        """Return the root over the leaves so far, 32 bytes; SHA-256 of nothing where there are none (RFC 6962 2.1)."""
        if not self._stack:
            return sha256(b"")
        stack = list(self._stack)
        _, root = stack.pop()
        while stack:
            root = sha256(b"\x01" + stack.pop()[1] + root)
        return root


def tree_root(leaves: list[bytes]) -> bytes:
    """Compute the root MTH(D[n]) over hashes of leaves, as RFC 6962 section 2.1 defines it."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + tree_root(leaves[:split]) + tree_root(leaves[split:]))


def inclusion_path(leaves: list[bytes], index: int) -> list[bytes]:
    """Compute the inclusion path PATH(index, D[n]) of a leaf, lowest sibling first (RFC 6962 section 2.1.1)."""
    if len(leaves) <= 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*inclusion_path(leaves[:split], index), tree_root(leaves[split:])]
    return [*inclusion_path(leaves[split:], index - split), tree_root(leaves[:split])]


def included(leaf_hash: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Return whether `path` proves that a leaf is in the tree of that root (RFC 9162 section 2.1.3.2)."""
    if index >= size:
        return False
    position, last, value = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return False
        if position % 2 or position == last:
            value = sha256(b"\x01" + sibling + value)
            while position % 2 == 0 and position != 0:
                position //= 2
                last //= 2
        else:
            value = sha256(b"\x01" + value + sibling)
        position //= 2
        last //= 2
    return last == 0 and value == root


SIGNATURES = 16
"""How many a note may have; ours have one or two, and each costs time."""
_NOTE = re.compile("((?:[^\n]+\n)+)\n((?:\u2014 [^\n]+\n)+)")
_SIGNED_BY = re.compile(r"\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})")


def note_parts(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Return (text, [(name, key id and signature)]) of a note, whoever signed it (C2SP signed-note). Raises `Bad`.

    Nothing else stands in it: no words before, between or after the signatures, and no control characters.
    """
    try:
        whole_note = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Bad("not a signed note: no UTF-8") from error
    match = _NOTE.fullmatch(whole_note)
    if match is None or re.search("[\x00-\x09\x0b-\x1f]", whole_note):
        raise Bad("not a signed note, or with lines that are none of its text and no signatures")
    signatures = []
    lines = match[2].split("\n")[:-1]
    if len(lines) > SIGNATURES:
        raise Bad(f"a note with {len(lines)} signatures: ours have one or two")
    for line in lines:
        signed = _SIGNED_BY.fullmatch(line)
        if signed is None:
            raise Bad("a signature line that is none")
        try:
            signatures.append((signed[1], base64.b64decode(signed[2], validate=True)))
        except binascii.Error as error:
            raise Bad("a signature that is not base64") from error
    return match[1], signatures


def key_parts(key: str) -> tuple[str, str, bytes]:
    """Return (name, id, 32 bytes) of a C2SP verifier key for Ed25519, `name+id+base64`. Raises `Bad`."""
    try:
        name, key_id, encoded = key.split("+", 2)
        public = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Bad(f"no verifier key: {key[:60]!r}") from error
    own = sha256(name.encode() + b"\n" + public)[:4].hex()
    if (len(public), public[:1], key_id) != (33, b"\x01", own) or base64.b64encode(public).decode() != encoded:
        raise Bad("the verifier key does not match its own id")
    return name, key_id, public[1:]


class Unsigned(Bad):
    """A note that a key did not sign."""


def note_text(note: bytes, key: str) -> str:
    """Return the text of a note signed by `key` (a C2SP verifier key). Raises `Bad`, `Unsigned`."""
    name, key_id, public = key_parts(key)
    text, signatures = note_parts(note)
    own = [raw[4:] for by, raw in signatures if (by, raw[:4].hex()) == (name, key_id)]
    if not own:
        raise Unsigned(f"not signed by the key {name}+{key_id}")
    for signature in own:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as error:
            raise Bad(f"the signature of {name} does not fit") from error
    return text


def read_note(note: bytes, key: str) -> tuple[str, int, bytes]:
    """Return (origin, size, root) of a checkpoint signed by `key` (C2SP tlog-checkpoint). Raises `Bad`."""
    lines = note_text(note, key).split("\n")
    size = whole(lines[1]) if len(lines) == 4 else None
    if size is None or str(size) != lines[1]:
        raise Bad("not a checkpoint")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error as error:
        raise Bad("a root that is not base64") from error
    if len(root) != 32:
        raise Bad("a root that is not 32 bytes")
    return lines[0], size, root


def strict_json(data: bytes) -> Any:
    """Parse canonical JSON: sorted keys, no spaces, no floats, no duplicates, nothing behind it.

    Raises `Bad` for anything else.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in items]
        if keys != sorted(set(keys)):
            raise Bad("keys that are doubled or not sorted")
        return dict(items)

    def no_float(text: str) -> Any:
        raise Bad(f"a float ({text})")

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_float=no_float, parse_constant=no_float)
        again = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except (UnicodeError, ValueError, RecursionError) as error:
        raise Bad(f"not JSON ({error})") from error
    if again != data:
        raise Bad("not in canonical form")
    return value


def canonical(value: Any) -> bytes:
    """Return a value as canonical JSON in UTF-8: keys sorted, no spaces, letters beyond ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
