"""The private values of a home that must stand in no package: its keys, and the sessions of its accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyrage

from archiver.errors import ConfigError
from archiver.signer.age import identity_in


def private_values(home: Path) -> Iterator[tuple[bytes, str]]:
    """Yield each private value of a home with what it is called. Raises `OSError`."""
    for path in sorted((home / "keys").rglob("*key")):
        if path.suffix in (".key", ".age-key") and path.is_file():
            for value in key_values(path.read_bytes()):
                yield value, f"the key {path.name}"
    yield from _accounts(home)


def key_values(data: bytes) -> list[bytes]:
    """Return what is secret in a key's file.

    Of a key in text these are its lines, without the frame; a key of random bytes counts as a whole.
    Random bytes hold line ends by chance; parts of them would be too short to be searched for.
    """
    if not data.isascii():
        return [data]
    return [line for line in data.splitlines() if line and not line.startswith((b"-----", b"#"))]


def _accounts(home: Path) -> Iterator[tuple[bytes, str]]:
    """Telegram's sessions, where they can be opened without asking for a passphrase."""
    sealed = sorted((home / "accounts" / "telegram").glob("*.age"))
    if not sealed:
        return
    try:
        identities = identity_in(home / "keys" / "accounts.age-key")
    except ConfigError:
        return
    for path in sealed:
        try:
            value = json.loads(pyrage.decrypt(path.read_bytes(), identities))
        except (OSError, ValueError, pyrage.DecryptError):
            continue
        for key in ("api_hash", "session", "phone"):
            if value.get(key):
                yield str(value[key]).encode(), f"{key} of the account {path.stem}"
