"""The database that workers share."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa

from archiver.jobs.database import Database


def test_processes_that_begin_at_once_share_its_tables(tmp_path: Path) -> None:
    """A server and a worker that are started together: each looks which tables are missing, and one makes them."""
    for turn in range(5):
        url = f"sqlite:///{tmp_path}/{turn}.sqlite"
        ready, go = os.pipe()
        children = []
        for _ in range(4):
            child = os.fork()
            if not child:
                code = 1
                try:
                    os.close(go)
                    os.read(ready, 1)  # until all are there
                    tables = sa.MetaData()
                    for number in range(8):
                        sa.Table(f"t{number}", tables, sa.Column("id", sa.Integer, primary_key=True))
                    Database(url).create(tables)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        os.close(go)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
        os.close(ready)
