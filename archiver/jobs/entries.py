"""Name, find and remove what people set up: schedules, watches and feeds."""

from __future__ import annotations

import secrets

from archiver.errors import NotFound
from archiver.jobs.job import LETTERS
from archiver.jobs.shared_state import SharedEntry, SharedState


def new_entry_id() -> str:
    """Make a random id."""
    return "".join(secrets.choice(LETTERS) for _ in range(8))


def find_entry(shared: SharedState, kind: str, name: str) -> SharedEntry:
    """Return the `schedule`, `watch` or `feed` of that id. Raises `NotFound`, `Unreachable`."""
    entry = shared.entry(kind, name)
    if entry is None:
        raise _missing(kind, name)
    return entry


def remove_entry(shared: SharedState, kind: str, name: str) -> None:
    """Remove the `schedule`, `watch` or `feed` of that id; of a feed its rows too. Raises `NotFound`, `Unreachable`."""
    if not shared.remove(kind, name):
        raise _missing(kind, name)
    if kind == "feed":
        shared.remove_all("row", f"{name}:")


def _missing(kind: str, name: str) -> NotFound:
    return NotFound(f"a {kind} {name!r}", "none", f"List them: archiver {kind} list")
