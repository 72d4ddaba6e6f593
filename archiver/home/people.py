"""Public facts about keys and people: fingerprints, recovery keys, recipients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from storage.digest import sha256_hex

if TYPE_CHECKING:
    from archiver.home.home import Home


def fingerprint(vkey: str) -> str:
    """SHA-256 of a public key in note form, without a line end: 64 hex digits."""
    return sha256_hex(vkey.encode())


def in_words(hexadecimal: str) -> list[str]:
    """The first 128 bits of a fingerprint as eight words that can be read out in any language: proquints, 16 bits each.

    Source: D. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016.
    """
    consonants, vowels = "bdfghjklmnprstvz", "aiou"
    words = []
    for at in range(0, 32, 4):
        bits = int(hexadecimal[at : at + 4], 16)
        word = consonants[bits >> 12], vowels[bits >> 10 & 3], consonants[bits >> 6 & 15], vowels[bits >> 4 & 3]
        words.append("".join(word) + consonants[bits & 15])
    return words


RECOVERY = "recovery.txt"


def recovery_keys(home: Path) -> list[str]:
    """The public ones."""
    path = home / "keys" / RECOVERY
    return [line for line in path.read_text("utf-8").split() if line.startswith("age1")] if path.exists() else []


def every_recipient(home: Home) -> list[str]:
    """Whoever holds the key of some case: they may know that this home exists and how long its ledger is."""
    cases = [json.loads(case["recipients"]) for case in home.catalog.cases()]
    return sorted({key for keys in cases for key in keys})


def home_mark(origin: str) -> str:
    """What a home is called at a place of one's own: tells homes apart, and names nobody."""
    return sha256_hex(f"archiver-home/1\n{origin}\n".encode())[:16]
