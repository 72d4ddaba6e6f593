"""Folders for work in progress, inside the home: what is sensitive never lies in the system's folder for temporary files.

What a killed process left behind is removed when the next one begins: each folder is locked while its maker lives.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import disk_error
from storage.files import Lock, locked

LOCK = ".lock"
OPENED = "opened"
"""Where copies lie that were made for a person to open, by capture: gone after a day, and with what is hidden or disposed of."""


@contextmanager
def scratch(home: Path, what: str) -> Iterator[Path]:
    """Make an empty folder in `scratch/`, removed at the end. Raises `DiskError`."""
    folder = home / "scratch"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with locked(folder / LOCK):
            _sweep(folder)
            made = Path(tempfile.mkdtemp(prefix=f"{what}-", dir=folder))
            lock = Lock(made / LOCK)
            lock.acquire()
    except OSError as error:
        raise disk_error(error, f"making a folder in {folder}") from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        lock.release()


def _sweep(folder: Path) -> None:
    """Removes folders whose makers are dead. Called under the lock, so none is without its own."""
    for path in folder.iterdir():
        if path.is_dir():
            lock = Lock(path / LOCK)
            if lock.acquire(wait=False):
                shutil.rmtree(path, ignore_errors=True)
                lock.release()


def forget_opened(home: Path, capture: str) -> None:
    """Remove the copies of a capture's files that somebody opened."""
    shutil.rmtree(home / OPENED / capture, ignore_errors=True)
