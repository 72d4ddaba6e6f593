"""Report what waits, who works, which hosts are being asked, what is owed and what failed last."""

from __future__ import annotations

from typing import Any

from archiver import __version__
from archiver.capture.services import shared_slots
from archiver.home.copies_config import folder_of
from archiver.home.home import STATE, Home
from archiver.jobs.queue import Queue
from archiver.jobs.watch import CANNOT_TELL
from archiver.seal.kept_stamps import needed, standing
from storage.times import from_epoch, utc_text

LAST_FAILURES = 5
"""How many dead jobs are shown."""


def status(home: Home, queue: Queue) -> dict[str, Any]:
    """Report on a home and its queue as one JSON value. Raises `EvidenceError`."""
    return {**working(home, queue), **keeping(home)}


def working(home: Home, queue: Queue) -> dict[str, Any]:
    """Report on what the queue knows: jobs, workers, hosts, and what is done again and again. Raises `Unreachable`."""
    shared = queue.shared
    dead = queue.jobs("dead", LAST_FAILURES)
    due = {kind: shared.entries.next_due(kind) for kind in ("schedule", "watch", "feed")}
    return {
        "paused": queue.paused,
        "jobs": queue.counts(),
        "workers": [worker.line() for worker in shared.workers.all()],
        "hosts": _hosts(home),
        "schedules": shared.entries.count("schedule"), "watches": shared.entries.count("watch"), "feeds": shared.entries.count("feed"),
        "watches_that_could_not_tell": shared.entries.count("watch", f'"said": "{CANNOT_TELL}'),
        "next": {kind: utc_text(from_epoch(when)) for kind, when in due.items() if when is not None},
        "failed": [one.line() for one in dead],
    }  # fmt: skip


def keeping(home: Home) -> dict[str, Any]:
    """Report on what the home itself knows: captures, and what is owed to them. Asks nobody. Raises `EvidenceError`."""
    home.project()
    config, proofs = home.config, standing(home)
    places = config.copies.destinations
    return {
        "captures": home.catalog.count_captures(),
        "not_copied": {one.name: home.catalog.count_not_copied(one.name) for one in places},
        "not_there": [one.name for one in places if one.bucket is None and not folder_of(one, home.path).is_dir()],
        "timestamps": {
            "wanted": config.timestamps.wanted,
            "owed": max(0, needed(home) - proofs.covered) if config.timestamps.wanted else 0,
            "pending": proofs.pending,
        },
    }


def _hosts(home: Home) -> list[dict[str, Any]]:
    """List hosts with requests under way or a pause. A look does not make the file that keeps them."""
    if not home.config.jobs and not (home.path / STATE).exists():
        return []
    slots = shared_slots(home)
    try:
        return slots.standing()
    finally:
        slots.leave()


def kept(home: Home) -> dict[str, Any]:
    """Report on what a home holds, without its settings."""
    home.project()
    return {"captures": home.catalog.count_captures()}


def health(queue: Queue) -> tuple[bool, dict[str, Any]]:
    """Return whether all is well, and numbers for a monitor, without links or names. Raises `Unreachable`."""
    alive = len(queue.shared.workers.alive())
    good = alive > 0
    value = {"status": "ok" if good else "no worker is alive", "workers": alive, "paused": queue.paused}
    return good, {**value, "jobs": queue.counts(), "version": __version__}
