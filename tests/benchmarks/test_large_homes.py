"""Large homes are homes: sealed, projected, with a queue; a smaller one is what a larger one began with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archiver.checks import Finding, check_home
from archiver.home.home import Home
from archiver.jobs.queue import opened
from benchmarks.homes import capture_id, post_ids
from benchmarks.processes import ROOT
from storage.digest import file_sha256


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("homes")
    subprocess.run(
        [sys.executable, "-m", "benchmarks.homes", str(folder), "2", "4"], check=True, cwd=ROOT, capture_output=True
    )
    return folder


def test_a_large_home_is_intact(made: Path) -> None:
    for size in (2, 4):
        lines = check_home(made / str(size))
        assert [line.text() for line in lines if line.finding not in (Finding.INTACT, Finding.NOTE)] == []
        assert any(line.check == "routes" and "NOT EVIDENCE" in line.detail for line in lines)
        home = Home(made / str(size), environment={})
        assert home.catalog.count_captures() == size
        assert len(home.catalog.observations(post_ids(0)[0])) == 1
        with opened(home, looks=True) as queue:
            assert queue.counts() == {"done": size - 1, "waiting": 1}
            assert [one.job.id for one in queue.jobs("done")] == [capture_id(n) for n in reversed(range(1, size))]
        home.catalog.close()


def test_a_smaller_one_is_what_a_larger_one_began_with(made: Path) -> None:
    for path in (made / "2" / "captures").rglob("*.*"):
        assert file_sha256(path).hexdigest() == file_sha256(made / "4" / path.relative_to(made / "2")).hexdigest()
