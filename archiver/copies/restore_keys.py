"""Keys that a recovery sheet brings back into a home which has lost them."""

from __future__ import annotations

from pathlib import Path

from archiver.errors import UsageError
from storage.files import write_synced


def close_folders(home: Path) -> None:
    """Close the folders of keys to everybody else."""
    for folder in ("keys", "keys/cases", "keys/people", "keys/retired"):
        if (home / folder).is_dir():
            (home / folder).chmod(0o700)


def restore_keys(home: Path, keyring: list[tuple[str, bytes]]) -> int:
    """Write a keyring back into a home that has lost its keys; return the number of files. What is there stays.

    Raises `UsageError` where there is no ledger, or another key in a file's place, `DiskError`.
    """
    checkpoint = home / "ledger" / "checkpoint"
    if not checkpoint.is_file():
        raise UsageError(
            f"a home at {home}", "no ledger there", "Name its folder: --home DIR; or the copies: --from WHERE"
        )
    other = [name for name, data in keyring if name != "archiver.toml" and _differs(home / name, data)]
    if other:
        raise UsageError(
            f"no other {other[0]} in {home}",
            "one that is not on the sheet",
            "Is it the right home? Nothing was changed.",
        )
    missing = [(name, data) for name, data in keyring if not (home / name).exists()]
    for name, data in sorted(missing, key=lambda file: file[0] == "archiver.toml"):  # from then on it is a home
        write_synced(home / name, data, 0o644 if name.endswith(".vkey") else 0o600)
    if not (home / "keys" / "ledger.head").exists():
        write_synced(home / "keys" / "ledger.head", checkpoint.read_bytes(), 0o600)
    close_folders(home)
    return len(missing)


def _differs(path: Path, data: bytes) -> bool:
    return path.exists() and path.read_bytes() != data
