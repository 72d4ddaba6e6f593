"""A home on a disk that takes nothing, and looks that make nothing where they could."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from tests.conftest import CI, NEW_HOME, need
from tests.support.kept_homes import unpack_home

READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
shift
exec "$@"
"""
COMMANDS = """
import contextlib, io, json, os, sys
from archiver.cli.main import main
os.environ["ARCHIVER_AS"] = ""
for words in json.load(sys.stdin):
    out, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(wrong):
        code = main(words)
    print(json.dumps([int(code), out.getvalue(), wrong.getvalue()]))
"""
"""One process for many commands: what is tried is the disk, and each start of Python takes half a second."""


def _on_a_read_only_disk(folder: Path, *commands: list[str]) -> list[tuple[int, str, str]]:
    """The exit code of each command, and what it printed to standard output and standard error."""
    command = [need("unshare"), "--mount", "--map-root-user", "sh", "-c", READ_ONLY, "sh", str(folder)]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        (pytest.fail if CI else pytest.skip)("nothing can be mounted here: this needs root, or namespaces of users")
    run = [*command, sys.executable, "-c", COMMANDS]
    ran = subprocess.run(run, input=json.dumps(commands), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return [(code, out, wrong) for code, out, wrong in map(json.loads, ran.stdout.splitlines())]


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
    assert main(["--home", home, *NEW_HOME], None, {}) == 0
    before = sorted(tmp_path.rglob("*"))
    assert main(["--home", home, *words], None, {}) == 0
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == []


def test_a_look_at_work_on_a_read_only_disk_shows_it(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    home = ["--home", str(disk / "home")]
    assert main([*home, *NEW_HOME], None, {}) == 0
    assert main([*home, "jobs", "add", "https://t.me/durov/1"], None, {}) == 0
    assert main([*home, "case", "new", "almaty"], None, {}) == 0  # makes state.sqlite too
    before = sorted(disk.rglob("*"))
    status, listed, paused = _on_a_read_only_disk(
        disk, [*home, "status"], [*home, "jobs", "list"], [*home, "jobs", "pause"]
    )
    assert "jobs        1 waiting" in status[1], status[2]
    assert "https://t.me/durov/1" in listed[1]
    assert paused[0] == 4
    assert "Traceback" not in paused[2]
    assert sorted(disk.rglob("*")) == before


TRIED: list[tuple[list[str], bool]] = [
    ([], True), (["find", "x"], True), (["check"], True), (["case", "new", "x"], False), *((look, True) for look in LOOKS),
]  # fmt: skip
"""Commands, and whether each only reads."""


@pytest.mark.parametrize("there", [False, True], ids=["new", "old"])
def test_a_home_on_a_read_only_disk(there: bool, tmp_path: Path) -> None:
    disk, home = tmp_path / "disk", tmp_path / "disk" / "home"
    disk.mkdir()
    if there:
        assert main(["--home", str(home), *NEW_HOME], None, {}) == 0
    before = sorted(tmp_path.rglob("*"))
    ended = _on_a_read_only_disk(disk, *(["--home", str(home), *words] for words, _ in TRIED))
    for (words, reads), (code, out, wrong) in zip(TRIED, ended, strict=True):
        assert "Traceback" not in wrong, words
        assert "expected" in wrong or (reads and there and code == 0), words
        assert code in ((0, 4) if reads and there else (1, 4)), (words, out)
        assert not words or not reads or not there or code == 0, (words, wrong)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_catalog_of_an_earlier_release_on_a_read_only_disk(tmp_path: Path) -> None:
    """It cannot be made again there: the words say so, and what to do. Made again on another disk, it is read there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    home = unpack_home(disk)
    before = (home / "catalog.sqlite").read_bytes()
    asked = [["find", "Zhanaozen"], ["show", "wxe6z4t7"], ["status"], ["catalog", "query", "SELECT id FROM captures"]]
    commands = [["--home", str(home), *words] for words in asked]
    for code, _, wrong in _on_a_read_only_disk(disk, *commands):
        assert code == 4
        assert "Traceback" not in wrong
        assert "made by an earlier release, on a read-only disk" in wrong
        assert "Copy the home to a writable disk" in wrong
    assert (home / "catalog.sqlite").read_bytes() == before
    Home(home, environment={}).catalog.close()
    for words, (code, out, wrong) in zip(asked, _on_a_read_only_disk(disk, *commands), strict=True):
        assert code == (2 if words == ["status"] else 0), wrong  # a job of it failed for good
        assert ("captures    7" if words == ["status"] else "wxe6z4t7") in out
