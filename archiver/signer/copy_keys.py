"""The keys of copies: the home's own, the key of the names, and the recovery key, which is kept elsewhere.

keys/copies.age-key   opens every copy of this home that is encrypted
keys/copies.names     32 random bytes, hex: names objects where the provider must not recognise them
keys/recovery.txt     the public recovery keys; what they open (the keyring) brings back everything else
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

import pyrage

from archiver.errors import ConfigError, UsageError
from archiver.home.age import recipients_of
from archiver.home.people import RECOVERY, recovery_keys
from archiver.signer.age import identity_in
from storage.errors import disk_error
from storage.files import write_new, write_synced
from storage.key_files import changing_keys, write_new_key

OWN = "copies.age-key"
NAMES = "copies.names"


def copies_identity(home: Path) -> pyrage.x25519.Identity:
    """Open the key of this home's copies; make it the first time. Raises `ConfigError`, `DiskError`."""
    path = home / "keys" / OWN
    if not path.exists():
        fresh = pyrage.x25519.Identity.generate()
        text = f"# opens the copies of this home\n# public key: {fresh.to_public()}\n{fresh}\n"
        with suppress(FileExistsError):  # another process was quicker
            write_new_key(home, path, text.encode())
    found = identity_in(path)
    if not found:
        raise ConfigError(f"an age identity in {path}", "none", "Restore keys/ from your copy.")
    return found[0]


def names_key(home: Path) -> bytes:
    """Read the key of the names; make it the first time. Raises `ConfigError`, `DiskError`."""
    path = home / "keys" / NAMES
    if not path.exists():
        with suppress(FileExistsError):  # another process was quicker
            write_new_key(home, path, f"{secrets.token_hex(32)}\n".encode())
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise ConfigError(f"64 hex digits in {path}", str(error), "Restore keys/ from your copy.") from error
    if len(key) != 32:
        raise ConfigError(f"64 hex digits in {path}", f"{2 * len(key)}", "Restore keys/ from your copy.")
    return key


def new_recovery_key(home: Path, to: Path) -> str:
    """Write a new recovery key to `to`, outside the home, and add its public half here; return that half.

    Raises `UsageError`, `DiskError`.
    """
    to = to.expanduser().absolute()
    if to.is_dir():
        to = to / "archiver-recovery.age-key"
    if home.resolve() in to.resolve().parents:
        raise UsageError(
            "a place outside the home", str(to), "A key lost with the home cannot restore it: name another disk."
        )
    if to.exists():
        raise UsageError(f"no file at {to} yet", "one", "Name another.")
    fresh = pyrage.x25519.Identity.generate()
    public = str(fresh.to_public())
    text = (
        f"# recovery key of an archive. With it and the copies everything comes back: archiver restore --from WHERE --recovery FILE\n"
        f"# Keep it where neither this machine nor the copies are. Whoever has it and the copies can read all of it.\n"
        f"# public key: {public}\n{fresh}\n"
    )
    try:
        write_new(to, text.encode())
    except FileExistsError as error:
        raise UsageError(f"no file at {to} yet", "one", "Name another.") from error
    except OSError as error:
        raise disk_error(error, f"writing {to}") from error
    add_recovery_key(home, public)
    return public


def add_recovery_key(home: Path, public: str) -> None:
    """Add the public half of a recovery key that somebody else keeps. Raises `UsageError`, `DiskError`."""
    recipients_of([public])
    with changing_keys(home):
        known = recovery_keys(home)
        if public not in known:
            _keep_recovery_keys(home, [*known, public])


def drop_recovery_key(home: Path, public: str) -> None:
    """Drop a recovery key that was lost or is no longer trusted: the next keyring is not for it.

    Raises `UsageError`.
    """
    with changing_keys(home):
        known = recovery_keys(home)
        if public not in known:
            raise UsageError(f"one of {', '.join(known) or 'no recovery keys'}", repr(public), "Name the public key.")
        _keep_recovery_keys(home, [key for key in known if key != public])


def _keep_recovery_keys(home: Path, keys: list[str]) -> None:
    write_synced(home / "keys" / RECOVERY, "".join(f"{key}\n" for key in keys).encode(), 0o600)


def private_files(home: Path) -> list[tuple[str, bytes]]:
    """List what the keyring holds: settings and keys, but not what was signed last, which grows with every event."""
    left_out = {"ledger.head", "ledger.next.key"}
    names = [home / "archiver.toml", *sorted(path for path in (home / "keys").rglob("*") if path.is_file())]
    found: list[tuple[str, bytes]] = []
    for path in names:
        if path.name not in left_out and not path.name.startswith("."):
            found.append((path.relative_to(home).as_posix(), path.read_bytes()))
    return found
