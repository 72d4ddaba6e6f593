"""Writing into keys/, which several processes do: in one lock, whole or not at all.

The lock is the ledger's, since a hand-over of its key changes both. So whoever holds it may take away what a kill left of a
file, and what is read in it stays so until it is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.files import locked, write_synced
from storage.ledger import lock_file


@contextmanager
def changing_keys(home: Path) -> Iterator[None]:
    """Hold the lock in which the files in keys/ are changed. Raises `DiskError`."""
    lock = lock_file(home)
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(lock):
        yield


def write_new_key(home: Path, path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a key that must not exist yet; of several processes one succeeds.

    Raises `FileExistsError`, `DiskError`.
    """
    with changing_keys(home):
        put_new_key(path, content, mode)


def put_new_key(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a key that must not exist yet, for a caller who holds the lock. Raises `FileExistsError`, `DiskError`."""
    if os.path.lexists(path):
        raise FileExistsError(path)
    write_synced(path, content, mode)


def sweep_keys(home: Path, folder: Path) -> None:
    """Remove half-written files that a killed process left: private keys must not lie around. Raises `DiskError`."""
    if any(folder.rglob(".*.new")):
        with changing_keys(home):
            for left in list(folder.rglob(".*.new")):
                left.unlink()
