"""What the commands about jobs, schedules, watches and feeds print alike."""

from __future__ import annotations

from archiver.cli.console import Console
from archiver.jobs.entries import remove_entry
from archiver.jobs.queue import Queue
from storage.times import from_epoch

JOB_MARKS = {"waiting": "·", "later": "◷", "running": "▶", "done": "✓", "dead": "✗", "cancelled": "–", "again": "·"}
"""The sign of each state of a job."""


def due_words(due: float | None, never: str) -> str:
    """Return in words when an entry is next due, or `never`."""
    return f"next {from_epoch(due):%Y-%m-%d %H:%M}Z" if due is not None else never


def warn_without_worker(console: Console, queue: Queue, consequence: str) -> None:
    """Warn that nothing will be done, where no worker is alive. Raises `Unreachable`."""
    if not queue.shared.workers.alive():
        console.say(f"No worker is alive: {consequence} until `archiver work` runs.")


def remove(console: Console, queue: Queue, kind: str, name: str, said: str) -> int:
    """Remove a schedule, watch or feed, and say so; `said` has its id for {id}.

    Raises `NotFound`, `UsageError`, `Unreachable`.
    """
    removed = remove_entry(queue.shared.entries, kind, name)
    console.say(said.format(id=removed))
    console.data({"removed": removed})
    return 0
