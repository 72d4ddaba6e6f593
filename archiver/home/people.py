"""Public facts about keys and people: the ledger's public key, fingerprints, recovery keys, recipients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import ConfigError
from storage.digest import sha256_hex
from storage.note import VerifierKey

if TYPE_CHECKING:
    from storage.catalog import Catalog

RECOVERY = "recovery.txt"


def ledger_key(home: Path) -> VerifierKey:
    """Read the public key that the ledger is signed with. Raises `ConfigError`."""
    path = home / "keys" / "ledger.vkey"
    try:
        return VerifierKey.parse(path.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the key {path}", str(error), "Restore keys/ from your copy.") from error


def fingerprint(vkey: str) -> str:
    """Return the SHA-256 of a public key in note form, without a line end: 64 hex digits."""
    return sha256_hex(vkey.encode())


def key_words(hexadecimal: str) -> list[str]:
    """Spell the first 128 bits of a fingerprint as eight words that can be read out in any language.

    Proquints of 16 bits each: D. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016.
    """
    consonants, vowels = "bdfghjklmnprstvz", "aiou"
    words = []
    for at in range(0, 32, 4):
        bits = int(hexadecimal[at : at + 4], 16)
        word = consonants[bits >> 12], vowels[bits >> 10 & 3], consonants[bits >> 6 & 15], vowels[bits >> 4 & 3]
        words.append("".join(word) + consonants[bits & 15])
    return words


def recovery_keys(home: Path) -> list[str]:
    """Return the public recovery keys of a home (age); none where there is no file of them."""
    path = home / "keys" / RECOVERY
    return [line for line in path.read_text("utf-8").split() if line.startswith("age1")] if path.exists() else []


def every_recipient(catalog: Catalog) -> list[str]:
    """Return the public keys of all cases, sorted, each once.

    Whoever holds one of the private keys may know that this home exists and how long its ledger is.
    """
    cases = [json.loads(case["recipients"]) for case in catalog.cases()]
    return sorted({key for keys in cases for key in keys})


def home_mark(origin: str) -> str:
    """Return the name of a home at a place of one's own: 16 hex digits.

    It tells homes apart and names nobody.
    """
    return sha256_hex(f"archiver-home/1\n{origin}\n".encode())[:16]
