"""Public facts about keys and people: the ledger's public key, fingerprints, recovery keys, recipients; the table of people.

keys/people.json    who works in this home: name, public key, tokens of the HTTP interface by digest, locked since
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.errors import ConfigError, UsageError
from storage.digest import sha256_hex
from storage.files import write_synced
from storage.key_files import changing_keys
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


def home_label(home: Path, origin: str) -> str:
    """Return how a team's listings name a home: its folder, and a mark that tells apart two folders of one name."""
    return f"{home.name} {home_mark(origin)[:8]}"


PEOPLE = "people.json"
FORMAT = "archiver-people/1"


@dataclass(frozen=True)
class Token:
    """A token for the HTTP interface: its digest, when it was made, and since when it counts no more."""

    sha256: str
    made: str
    taken_back: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody who works in this home: their name, the public half of their key, their tokens."""

    name: str
    key: str | None = None
    """Ed25519, 64 hex digits; None where it is not known here, as that of a key with a passphrase."""
    tokens: tuple[Token, ...] = ()
    locked: str | None = None
    """Since when none of their tokens counts; None where they do."""


def people(home: Path) -> list[Person]:
    """Read the table of people, by name; nobody where there is none yet. Raises `ConfigError`."""
    path = home / "keys" / PEOPLE
    try:
        value = json.loads(path.read_text("utf-8"))
        if value["format"] != FORMAT:
            raise ValueError(f"the format {value['format']!r}")
        return [_person(one) for one in value["people"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"a table of people in {path}", str(error), "Restore keys/ from your copy.") from error


def _person(value: dict[str, Any]) -> Person:
    tokens = tuple(Token(one["sha256"], one["made"], one["taken_back"]) for one in value["tokens"])
    return Person(str(value["name"]), value["key"], tokens, value["locked"])


def keep_person(home: Path, name: str, change: Callable[[Person], Person]) -> Person:
    """Change one person of the table, who is added where they are not in it. Raises `ConfigError`, `DiskError`."""
    with changing_keys(home):
        known = {one.name: one for one in people(home)}
        known[name] = changed = change(known.get(name, Person(name)))
        table = {"format": FORMAT, "people": [asdict(known[one]) for one in sorted(known)]}
        write_synced(home / "keys" / PEOPLE, json.dumps(table, indent=1, ensure_ascii=False).encode(), 0o600)
    return changed


def new_token(home: Path, name: str, now: str) -> str:
    """Make a token for a person and return it: only its digest is kept. Raises `ConfigError`, `DiskError`, `UsageError`."""
    token = secrets.token_urlsafe(32)

    def add(one: Person) -> Person:
        if one.locked is not None:
            raise UsageError(f"{name} not to be locked", f"locked since {one.locked[:19]}Z", "Unlock them first.")
        return replace(one, tokens=(*one.tokens, Token(sha256_hex(token.encode()), now)))

    keep_person(home, name, add)
    return token


def take_back_tokens(home: Path, name: str, now: str) -> int:
    """Take back every token of a person; return how many counted until now. Raises `ConfigError`, `DiskError`."""
    count = 0

    def end(one: Person) -> Person:
        nonlocal count
        count = sum(token.taken_back is None for token in one.tokens)
        return replace(one, tokens=tuple(replace(token, taken_back=token.taken_back or now) for token in one.tokens))

    keep_person(home, name, end)
    return count


def set_locked(home: Path, name: str, since: str | None) -> None:
    """Lock a person, so that none of their tokens counts, or unlock them. Raises `ConfigError`, `DiskError`."""
    keep_person(home, name, lambda one: replace(one, locked=(one.locked or since) if since else None))


def person_of(table: Iterable[Person], token: str) -> tuple[Person, Token] | None:
    """Return whose token this is, and what is known of it; None where it is nobody's."""
    digest = sha256_hex(token.encode("utf-8", "surrogateescape"))
    found = None
    for person in table:
        for one in person.tokens:
            if hmac.compare_digest(one.sha256.encode(), digest.encode()):
                found = (person, one)
    return found
