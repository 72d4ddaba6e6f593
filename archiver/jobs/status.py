"""`archiver status`: what waits, who works, which hosts are being asked, what is owed, what failed last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archiver import __version__
from archiver.capture.services import shared_slots
from archiver.jobs.queue import Queue
from archiver.jobs.watch import CANNOT_TELL
from archiver.seal.kept_stamps import needed, stamps
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.home.home import Home

LAST_FAILURES = 5


def status(home: Home, queue: Queue) -> dict[str, Any]:
    """Everything as one value. Raises `EvidenceError`."""
    home.project()
    config, board = home.config, queue.board
    kept = stamps(home)
    slots = shared_slots(home)
    try:
        hosts = slots.standing()
    finally:
        slots.leave()
    dead = queue.jobs("dead", LAST_FAILURES)
    covered = max((stamp.size for stamp in kept if stamp.time is not None), default=0)
    due = {kind: board.next_due(kind) for kind in ("schedule", "watch", "feed")}
    return {
        "paused": queue.paused,
        "jobs": queue.counts(),
        "workers": [worker.line() for worker in board.workers()],
        "hosts": hosts,
        "schedules": board.count("schedule"), "watches": board.count("watch"), "feeds": board.count("feed"),
        "watches_that_could_not_tell": board.count("watch", f'"said": "{CANNOT_TELL}'),
        "next": {kind: utc_text(datetime.fromtimestamp(when, UTC)) for kind, when in due.items() if when is not None},
        "captures": len(home.catalog.captures()),
        "not_copied": {one.name: len(home.catalog.not_copied_to(one.name)) for one in config.copies.destinations},
        "timestamps": {
            "wanted": config.timestamps.wanted,
            "owed": max(0, needed(home) - covered) if config.timestamps.wanted else 0,
            "pending": sum(stamp.owed for stamp in kept),
        },
        "failed": [one.line() for one in dead],
    }  # fmt: skip


def health(queue: Queue) -> tuple[bool, dict[str, Any]]:
    """For a program that looks whether all is well: no links, no names. Raises `Unreachable`."""
    alive = sum(worker.alive for worker in queue.board.workers())
    good = alive > 0
    value = {"status": "ok" if good else "no worker is alive", "workers": alive, "paused": queue.paused}
    return good, {**value, "jobs": queue.counts(), "version": __version__}
