"""Folders for work in progress: inside the home, one's own, and gone also when the process was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archiver.home.scratch import scratch
from storage.errors import DiskError


def test_one_s_own_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch(tmp_path, "media") as one, scratch(tmp_path, "media") as other:
        assert one != other
        assert one.parent == tmp_path / "scratch"
        assert (one.stat().st_mode & 0o777, one.parent.stat().st_mode & 0o777) == (0o700, 0o700)
        (one / "film").write_bytes(b"seen")
    assert not one.exists()
    assert not other.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from archiver.home.scratch import scratch\n"
        "with scratch(pathlib.Path(sys.argv[1]), 'stills') as folder:\n"
        " (folder / 'face').write_bytes(b'a face'); print(folder, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        for _ in range(2)
    ]
    folders = [Path(one.stdout.readline().strip()) for one in running if one.stdout]
    running[0].kill()
    running[0].wait()
    with scratch(tmp_path, "other"):
        assert [folder.exists() for folder in folders] == [False, True]
        assert (folders[1] / "face").exists()
    running[1].communicate("")
    assert not folders[1].exists()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "scratch").write_text("a file")
    with pytest.raises(DiskError), scratch(tmp_path, "media"):
        raise AssertionError
