"""A long queue: the few jobs that are dead are found among the many that are done without reading those."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from archiver.jobs import queue as queues
from archiver.jobs.job import Job
from archiver.jobs.queue import AttemptResult, Queue


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue of forty jobs that are done, of which the second and third are dead; a page holds ten."""
    monkeypatch.setattr(queues, "PAGE", 10)
    queue = Queue(f"sqlite:///{tmp_path / 'queue.sqlite'}")
    jobs = [Job(f"20261128T1700{n:02d}-{n:08d}", "capture", f"https://blog.ozen.example/?n={n}") for n in range(40)]
    queue.add(jobs)
    with sqlite3.connect(tmp_path / "queue.sqlite") as database:
        for n, job in enumerate(jobs):
            state = "dead" if n in (1, 2) else "done"
            line = AttemptResult(state, "failed" if state == "dead" else "captured", None).line()
            database.execute("INSERT INTO workflow_output VALUES (?,?,NULL,0)", (f"{job.id}.1", json.dumps(line)))
            database.execute(
                "INSERT INTO archiver_claims VALUES (?,?,?,?,0)", (f"{job.id}.1", "ledger", state, json.dumps(line))
            )
        database.execute("UPDATE workflow_status SET status='SUCCESS'")
    return queue


def test_the_dead_are_found_without_reading_the_done(long: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    listed = Queue._listed

    def counted(self: Queue, **asked: Any) -> list[Any]:
        found = listed(self, **asked)
        read.extend(one.workflow_id for one in found)
        return found

    monkeypatch.setattr(Queue, "_listed", counted)
    assert [one.job.link[-1] for one in long.jobs("dead", 5)] == ["2", "1"]
    assert len(read) <= 12, "a page of the newest, and the two"
    assert long.counts() == {"done": 38, "dead": 2}
    assert [one.job.link[-1] for one in long.jobs("dead", 1)] == ["2"]
    read.clear()
    assert len(long.jobs("done", 15)) == 15
    assert len(read) <= 20
    long.close()
