"""Signatures: Ed25519 (RFC 8032), notes (C2SP signed-note), fingerprints of keys."""

from __future__ import annotations

import base64
import functools
import hashlib
import re

from .words import Tampered, cannot_tell_if, tampered_if

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SIGNATURES = 16  # a note has one or two: each of more would cost the time of who checks
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    """Points of edwards25519 in extended coordinates (RFC 8032 5.1.4)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, h, g, f = f - e, f + e, d + c, d - c
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(number: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


def _point(data: bytes) -> Point | None:
    """A point from its 32 bytes, or None (RFC 8032 5.1.3)."""
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and data[31] >> 7):
        return None
    if x & 1 != data[31] >> 7:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = _point(bytes.fromhex("58" + 31 * "66"))


@functools.lru_cache(4096)
def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is that of `message` by `public` (32 bytes). RFC 8032 5.1.7."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L or BASE is None:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(r, _times(h, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def key_bytes(vkey: str) -> bytes:
    """The 32 bytes of a key in note form, `name+id+base64`, whose id must be its own."""
    name, key_id, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    own = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    spelt = base64.b64encode(raw).decode() == encoded
    tampered_if(
        len(raw) != 33 or raw[0] != 1 or own != key_id or not spelt,
        f"a key that does not match its own id: {vkey[:60]}",
    )
    return raw[1:]


def note_text(note: bytes, vkey: str) -> str:
    """The text of a note, if `vkey` signed it."""
    whole = note.decode("utf-8")
    text, blank, signatures = whole.partition("\n\n")
    wrong = not blank or re.search("[\x00-\x09\x0b-\x1f]", whole) or not signatures.endswith("\n")
    tampered_if(wrong, "not a signed note")
    text += "\n"
    public, (name, key_id, _) = key_bytes(vkey), vkey.split("+", 2)
    good = False
    lines = signatures[:-1].split("\n")
    tampered_if(len(lines) > SIGNATURES, f"a note with {len(lines)} signatures: ours have one or two")
    for line in lines:
        match = re.fullmatch("\u2014 (\\S+) ([A-Za-z0-9+/=]+)", line)
        tampered_if(not match, "a signature line that is none")
        assert match
        raw = base64.b64decode(match[2], validate=True)
        if match[1] == name and raw[:4].hex() == key_id:
            tampered_if(not ed25519(public, text.encode(), raw[4:]), f"the signature of {name} does not fit")
            good = True
    tampered_if(not good, f"not signed by the key {name}+{key_id}")
    return text


def strangers(note: bytes, vkeys: list[str]) -> list[str]:
    """Names on signature lines of keys that are none of `vkeys`: they say nothing, whatever they are called."""
    known = {tuple(vkey.split("+", 2)[:2]) for vkey in vkeys}
    lines = note.decode("utf-8").partition("\n\n")[2].split("\n")[:-1]
    found = [line.split(" ")[1:3] for line in lines]
    return [name for name, raw in found if (name, base64.b64decode(raw)[:4].hex()) not in known]


def checkpoint(note: bytes, keys: list[str]) -> tuple[int, bytes, str]:
    """(size, root, key) of a checkpoint that one of `keys` signed."""
    last: Tampered = Tampered("no key")
    for vkey in keys:
        try:
            text = note_text(note, vkey)
        except Tampered as error:
            tampered_if("does not fit" in str(error), str(error))
            last = error
            continue
        lines = text.split("\n")
        good = len(lines) == 4 and re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) and lines[0] == vkey.split("+")[0]
        tampered_if(not good, "not a checkpoint of this ledger")
        root = base64.b64decode(lines[2], validate=True)
        tampered_if(len(root) != 32, "a checkpoint whose root is not 32 bytes")
        return int(lines[1]), root, vkey
    raise last


def fingerprint_of(vkey: str) -> str:
    return hashlib.sha256(vkey.encode()).hexdigest()


def in_words(fingerprint: str) -> list[str]:
    """The first 128 bits of a fingerprint as eight words that can be read out: proquints (arXiv:0901.4016)."""

    def word(number: int) -> str:
        parts = enumerate((12, 10, 6, 4, 0))
        return "".join(
            "bdfghjklmnprstvz"[number >> shift & 15] if n % 2 == 0 else "aiou"[number >> shift & 3]
            for n, shift in parts
        )

    return [word(int(fingerprint[at : at + 4], 16)) for at in range(0, 32, 4)]


def given_fingerprint(text: str) -> str:
    """A fingerprint as people write it, in its plain form: 64 hex digits, or eight words without anything between.

    Spaces, colons, commas and dashes between its parts are passed over.
    """
    plain = re.sub(r"[\s:,;.\u2010-\u2015-]+", "", text).lower()
    words = re.fullmatch(r"(?:[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]){8}", plain)
    cannot_tell_if(
        not words and not re.fullmatch("[0-9a-f]{64}", plain),
        f"{text[:80]!r} is no fingerprint: 64 hex digits, or 8 words of five letters",
    )
    return plain


def is_key(fingerprint: str, vkey: str) -> bool:
    """Whether a fingerprint in its plain form is that of a key."""
    own = fingerprint_of(vkey)
    return fingerprint in (own, "".join(in_words(own)))


def given_checkpoint(data: bytes, keys: list[str]) -> tuple[int, bytes, str]:
    """A checkpoint that somebody kept and handed to this check: mail and editors spoil such files, which proves nothing."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    good = re.fullmatch("[^\n\r\ufeff]+\n[0-9]+\n[A-Za-z0-9+/=]+\n\n(\u2014 \\S+ [A-Za-z0-9+/=]+\n)+", text)
    cannot_tell_if(
        not good,
        "the file that you gave is no checkpoint: three lines, an empty one, and signatures. Mail and editors spoil such files: take the original",
    )
    own = [vkey.split("+")[0] for vkey in keys]
    cannot_tell_if(text.split("\n")[0] not in own, "the checkpoint that you gave is of another ledger")
    try:
        return checkpoint(data, keys)
    except Tampered as error:
        cannot_tell_if(
            "does not fit" in str(error),
            f"in the checkpoint that you gave, {error}: it was changed since it was signed. Take the original",
        )
        raise
