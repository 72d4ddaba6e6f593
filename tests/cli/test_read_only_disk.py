"""A home on a disk that takes nothing, and looks that make nothing where they could."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from tests.conftest import CI, need
from tests.support.kept_homes import unpack_home

READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
shift
exec "$@"
"""


def _on_a_read_only_disk(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [need("unshare"), "--mount", "--map-root-user", "sh", "-c", READ_ONLY, "sh", str(folder)]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        (pytest.fail if CI else pytest.skip)("nothing can be mounted here: this needs root, or namespaces of users")
    run = [*command, sys.executable, "-m", "archiver", *words]
    return subprocess.run(
        run,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "ARCHIVER_AS": ""},
    )


LOOKS = [
    words.split()
    for words in (
        "status", "case list", "case show inbox", "keys list", "keys fingerprint", "custody inbox", "jobs list", "schedule list",
        "feed list", "watch list",
    )
]  # fmt: skip


@pytest.mark.parametrize("words", [*LOOKS, ["find", "x"], ["catalog", "query", "SELECT 1"]], ids=" ".join)
def test_a_look_makes_nothing_in_a_new_home(words: list[str], tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert main(["--home", home], None, {}) == 0
    before = sorted(tmp_path.rglob("*"))
    assert main(["--home", home, *words], None, {}) == 0
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == []


def test_a_look_at_work_on_a_read_only_disk_shows_it(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    home = str(disk / "home")
    assert main(["--home", home, "jobs", "add", "https://t.me/durov/1"], None, {}) == 0
    assert main(["--home", home, "case", "new", "almaty"], None, {}) == 0  # makes state.sqlite too
    before = sorted(disk.rglob("*"))
    ran = _on_a_read_only_disk(disk, "--home", home, "status")
    assert "jobs        1 waiting" in ran.stdout, ran.stderr
    assert "https://t.me/durov/1" in _on_a_read_only_disk(disk, "--home", home, "jobs", "list").stdout
    ran = _on_a_read_only_disk(disk, "--home", home, "jobs", "pause")
    assert ran.returncode == 4
    assert "Traceback" not in ran.stderr
    assert sorted(disk.rglob("*")) == before


@pytest.mark.parametrize("there", [False, True], ids=["new", "old"])
@pytest.mark.parametrize(
    ("words", "reads"),
    [
        ([], True),
        (["find", "x"], True),
        (["check"], True),
        (["case", "new", "x"], False),
        *((look, True) for look in LOOKS),
    ],
)
def test_a_home_on_a_read_only_disk(words: list[str], reads: bool, there: bool, tmp_path: Path) -> None:
    disk, home = tmp_path / "disk", tmp_path / "disk" / "home"
    disk.mkdir()
    if there:
        subprocess.run([sys.executable, "-m", "archiver", "--home", str(home)], check=True, stdin=subprocess.DEVNULL)
    before = sorted(tmp_path.rglob("*"))
    ran = _on_a_read_only_disk(disk, "--home", str(home), *words)
    assert "Traceback" not in ran.stderr
    assert "expected" in ran.stderr or (reads and there and ran.returncode == 0)
    assert ran.returncode in ((0, 4) if reads and there else (1, 4)), ran.stdout
    assert not words or not reads or not there or ran.returncode == 0, ran.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "words", [["find", "Zhanaozen"], ["show", "wxe6z4t7"], ["status"], ["catalog", "query", "SELECT id FROM captures"]]
)
def test_a_catalog_of_an_earlier_release_on_a_read_only_disk(words: list[str], tmp_path: Path) -> None:
    """It cannot be made again there: the words say so, and what to do. Made again on another disk, it is read there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    home = unpack_home(disk)
    before = (home / "catalog.sqlite").read_bytes()
    ran = _on_a_read_only_disk(disk, "--home", str(home), *words)
    assert ran.returncode == 4
    assert "Traceback" not in ran.stderr
    assert "made by an earlier release, on a read-only disk" in ran.stderr
    assert "Copy the home to a writable disk" in ran.stderr
    assert (home / "catalog.sqlite").read_bytes() == before
    Home(home, environment={}).catalog.close()
    ran = _on_a_read_only_disk(disk, "--home", str(home), *words)
    assert ran.returncode == (2 if words == ["status"] else 0), ran.stderr  # a job of it failed for good
    assert ("captures    7" if words == ["status"] else "wxe6z4t7") in ran.stdout
