"""The queue's database, whichever Python asks and whichever SQLite answers."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError

from archiver.jobs.database import unreachable
from archiver.jobs.job import Job
from archiver.jobs.queue import Queue

JOB = Job("20261128T170000-abcdefgh", "capture", "https://example.org/1", {})


def make_as_on_python_3_12(patch: pytest.MonkeyPatch) -> None:
    """Have DBOS do as on Python 3.12 and later: take the time from SQLite's `unixepoch('subsec')`."""
    from dbos import _migration, _sys_db, _sys_db_sqlite

    earlier, later = "(strftime('%s','now') * 1000)", "(unixepoch('subsec') * 1000)"
    scripts = [script.replace(earlier, later) for script in _migration.sqlite_migrations]
    assert any(later in script for script in scripts)
    patch.setattr(_sys_db_sqlite, "sqlite_migrations", scripts)
    patch.setattr(_sys_db, "sys", SimpleNamespace(version_info=(3, 12)))


def test_a_queue_of_a_later_python_takes_jobs_on_an_old_sqlite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_as_on_python_3_12(monkeypatch)
    before = time.time()
    queue = Queue(f"sqlite:///{tmp_path}/queue.sqlite")
    try:
        queue.add([JOB])
        (one,) = queue.jobs()
        assert one.state == "waiting"
        assert one.queued is not None
        assert before - 1 <= one.queued.timestamp() <= time.time() + 1
    finally:
        queue.close()


def test_tables_made_by_a_later_python_take_jobs_of_an_earlier_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queue.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        make_as_on_python_3_12(patch)
        Queue(url).close()
    queue = Queue(url)
    try:
        queue.add([JOB])
        assert queue.counts() == {"waiting": 1}
    finally:
        queue.close()


def test_a_fault_of_a_queue_in_the_home_does_not_speak_of_a_server() -> None:
    here = unreachable(OperationalError("SELECT 1", {}, sqlite3.OperationalError("disk I/O error")))
    assert "PostgreSQL" not in here.next_step
    assert "jobs/ out of the home" in here.next_step
    there = unreachable(OperationalError("SELECT 1", {}, RuntimeError("connection refused")))
    assert "PostgreSQL" in there.next_step
    assert "jobs/ of the home" not in there.next_step
