"""Who signed: the key in the package, its hand-overs, and the fingerprint that came by another way."""

from __future__ import annotations

import re

from archiver.checks.package.bag import kinds
from archiver.checks.package.files import PackageFiles, Unknown
from archiver.checks.proofs import Bad, key_parts, note_parts, note_text
from storage.digest import Digests, sha256_hex

_BETWEEN = re.compile("[\\s:,;.\u2010-\u2015-]+")
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"


def key(files: PackageFiles) -> str:
    """Read the key, and follow its hand-overs back; return an empty text."""
    files.keys = [files.read("proofs/vkey.txt").decode("ascii").strip()]
    notes = {name for name in files.names if name.startswith("proofs/handovers/")}
    numbered = [f"proofs/handovers/{number:03d}.note" for number in range(1, len(notes) + 1)]
    if absent := [name for name in reversed(numbered) if name not in notes]:
        raise Bad(f"{absent[0]} is not there, though others are: they are numbered from 001")
    for name in reversed(numbered):
        data = files.read(name)
        title, old, new = note_parts(data)[0].split("\n")[:3]
        if title != "archiver-key-handover/1" or new != files.keys[-1]:
            raise Bad(f"{name} is no hand-over to the key that follows")
        text = f"archiver-key-handover/1\n{old}\n{new}\n"
        if note_text(data, new) != text or note_text(data, old) != text:
            raise Bad(f"{name} is not signed by both keys")
        files.keys.append(old)
    return ""


def signature(files: PackageFiles) -> str:
    """Check that the key signed the list of all files."""
    kind = kinds(files)[-1]
    note = files.read(f"signature/tagmanifest-{kind}.txt.note")
    running = Digests(kind)
    running.update(files.read(f"tagmanifest-{kind}.txt"))
    if note_text(note, files.keys[0]) != f"archiver-package/{files.version}\n{kind} {running.hexdigests()[kind]}\n":
        raise Bad("the signature belongs to another package")
    own = key_parts(files.keys[0])[:2]
    for name, raw in note_parts(note)[1]:
        if (name, raw[:4].hex()) != own:
            files.note("signature", f"a line by {name}, a key that nothing here vouches for: it says nothing")
    return "the key signed the list of all files"


def signer(files: PackageFiles) -> str:
    """Compare the key with the fingerprint that was given: the one thing that a package cannot prove by itself."""
    own = [sha256_hex(key.encode()) for key in files.keys]
    if not files.wanted:
        raise Unknown(
            f"signer unconfirmed. Compare through another channel: {own[0]}, in words: {' '.join(in_words(own[0]))}"
        )
    given = plain_fingerprint(files.wanted)
    for number, one in enumerate(own):
        if given in (one, "".join(in_words(one))):
            files.handed = number
            return "the key that you named" + (" handed over to the one that signed" if number else " signed")
    raise Bad(
        f"signed by a key other than the one that you named: {own[0]}, in words: {' '.join(in_words(own[0]))}. "
        "One wrong letter names another key: look at what you typed"
    )


def retired(files: PackageFiles) -> str:
    """Check that an outsider saw the hand-over by which the key that was named ended. Raises `Unknown`.

    Whoever holds a retired key can sign a hand-over to a key of their own, today as well: a stamp shows when it was there.
    """
    handovers = sorted((seq for seq, leaf in files.leaves.items() if leaf["type"] == "key-handover"), reverse=True)
    seq = handovers[files.handed - 1] if len(handovers) >= files.handed else None
    seen = [] if seq is None else [time for size, time in files.times.items() if size > seq]
    if not seen and files.unchecked:
        raise Unknown(
            "the key that you named was retired. Whether an outsider saw its hand-over to the key that signed was not checked: "
            "see the lines about timestamps"
        )
    if not seen:
        raise Unknown(
            "the key that you named was retired, and no outsider saw its hand-over to the key that signed: whoever holds it "
            "could have made that. Ask the makers for the fingerprint of their key of today"
        )
    files.report.add(f"by way of a hand-over of keys that an outsider had seen by {min(seen):%Y-%m-%d}")
    return f"its hand-over is event {seq}, and was there at {min(seen):%Y-%m-%dT%H:%M:%SZ}"


def plain_fingerprint(text: str) -> str:
    """Return a fingerprint as people write it in its plain form: 64 hex digits, or eight words without anything between.

    Raises `Unknown` for what is neither.
    """
    plain = _BETWEEN.sub("", text).lower()
    letters = [_CONSONANTS if at % 5 in (0, 2, 4) else _VOWELS for at in range(40)]
    worded = len(plain) == 40 and all(letter in allowed for letter, allowed in zip(plain, letters, strict=True))
    if not worded and not re.fullmatch("[0-9a-f]{64}", plain):
        raise Unknown(f"{text[:80]!r} is no fingerprint: 64 hex digits, or 8 words of five letters")
    return plain


def plain_root(text: str) -> str:
    """Return the fingerprint of a root certificate in 64 hex digits, however openssl, browsers and people write it.

    Raises `Unknown` for what is none.
    """
    plain = re.sub(r"(?i)^.*fingerprint\s*=|^sha-?256[:=\s]+|^0x|[\s:-]", "", text.strip()).lower()
    if not re.fullmatch("[0-9a-f]{64}", plain):
        raise Unknown(
            f"{text[:80]!r} is no fingerprint of a root certificate: 64 hex digits (openssl x509 -noout -fingerprint -sha256)"
        )
    return plain


def in_words(hexadecimal: str) -> list[str]:
    """Return the first 128 bits as eight words that can be read out: proquints (arXiv:0901.4016)."""
    out = []
    for at in range(0, 32, 4):
        bits = f"{int(hexadecimal[at : at + 4], 16):016b}"
        parts = (bits[:4], bits[4:6], bits[6:10], bits[10:12], bits[12:])
        out.append("".join((_CONSONANTS if len(part) == 4 else _VOWELS)[int(part, 2)] for part in parts))
    return out
