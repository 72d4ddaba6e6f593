"""docs/how-to/query.md: every command in it is run, by the programs that it names, and answers its question."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.casework.annotations import about_of, annotate
from archiver.casework.incidents import IncidentFacts, add_to_incident
from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from tests.conftest import CI
from tests.support.kept_homes import unpack_home, unpack_package

ROOT = Path(__file__).parents[2]
READERS = ROOT / ".venv-readers" / "bin"
TOOLS = ("sqlite-utils", "Datasette", "pandas", "jq", "csvkit")
PAGE = (ROOT / "docs" / "how-to" / "query.md").read_text("utf-8")
ALBUM, SQUARE, GATE = "wxe6z4t7", "the square of the test", "the gate of the test"


def blocks(tool: str) -> list[str]:
    """Return the commands or the code that the page shows for one program."""
    part = PAGE.partition(f"\n## {tool}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```(?:sh|python)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def needed(*programs: str) -> None:
    """Skip where a program is not installed; in CI all of them are."""
    if absent := [one for one in programs if not (READERS / one).exists() and shutil.which(one) is None]:
        (pytest.fail if CI else pytest.skip)(f"{', '.join(absent)} not installed: scripts/setup.sh test does it")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page: a catalog, a package, and programs of others on the way."""
    work = tmp_path_factory.mktemp("query")
    home = Home(unpack_home(work), environment={})
    signer = LocalSigner(home)
    position = {"latitude": "43.3412", "longitude": "52.8619", "whose": "event"}
    annotate(home, signer, "place", about_of(home, ALBUM), SQUARE, position)
    annotate(home, signer, "place", about_of(home, ALBUM), "a window", {**position, "whose": "camera"})
    add_to_incident(home, signer, "almaty", "gate", IncidentFacts(title="Gate", place=GATE, at="43.34,52.86"))
    home.catalog.checkpoint()
    (work / "catalog.sqlite").symlink_to(work / "home" / "catalog.sqlite")
    package = unpack_package(work)
    package.rename(work / "package")
    (work / "bin").mkdir()
    (work / "bin" / "archiver").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m archiver "$@"\n')
    (work / "bin" / "archiver").chmod(0o755)
    return work


def said(folder: Path, *command: str) -> str:
    path = os.pathsep.join((str(folder / "bin"), str(READERS), os.environ["PATH"]))
    given = {**os.environ, "PATH": path, "ARCHIVER_HOME": str(folder / "home")}
    ran = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def video(folder: Path) -> str:
    """SHA-256 of a video that the home holds."""
    found = Home(folder / "home", environment={}).catalog.select(
        "SELECT sha256 FROM file WHERE kind='video' AND post IS NOT NULL"
    )
    return str(found[0]["sha256"])


@pytest.fixture(scope="module")
def missed(folder: Path) -> str:
    """A reason for which something of the home was not kept."""
    sql = "SELECT reason FROM inventory WHERE outcome!='captured' AND reason IS NOT NULL"
    return str(Home(folder / "home", environment={}).catalog.select(sql)[0]["reason"])


@pytest.mark.parametrize("tool", TOOLS)
def test_each_program_answers_three_questions(tool: str) -> None:
    assert len(blocks(tool)) == 3


def test_sqlite_utils(folder: Path, video: str, missed: str) -> None:
    needed("sqlite-utils")
    first, second, third = (said(folder, "sh", "-c", block) for block in blocks("sqlite-utils"))
    assert video in first
    assert missed in second
    assert {one["place"] for one in json.loads(third)} == {SQUARE, GATE}
    [copy] = re.findall(r"^```sh\n(.*?)^```$", PAGE.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    said(folder, "sh", "-c", copy)
    assert (folder / "copy.sqlite").stat().st_size > 0


def test_datasette(folder: Path, video: str, missed: str) -> None:
    needed("datasette")
    first, second, third = (json.loads(said(folder, "sh", "-c", block)) for block in blocks("Datasette"))
    assert video in {one["sha256"] for one in first}
    assert missed in {one["reason"] for one in second["rows"]}
    assert {one["place"] for one in third} == {SQUARE, GATE}


def test_pandas(folder: Path, video: str, missed: str) -> None:
    needed("python")
    out = said(folder, str(READERS / "python"), "-c", "\n".join(blocks("pandas")))
    assert video in out
    assert missed in out
    assert SQUARE in out
    assert "a window" not in out


def test_jq(folder: Path) -> None:
    needed("jq")
    first, second, third = (said(folder, "sh", "-c", block) for block in blocks("jq"))
    tables = folder / "package" / "data" / "tables"
    lines = [json.loads(line) for line in (tables / "files.jsonl").read_text("utf-8").splitlines()]
    assert first.count("\n") == sum(line["kind"] == "video" for line in lines)
    lines = [json.loads(line) for line in (tables / "not-kept.jsonl").read_text("utf-8").splitlines()]
    assert sum(int(row.rpartition("\t")[2]) for row in second.splitlines()) == len(lines)
    assert third.splitlines() == [f"{SQUARE}\t43.3412\t52.8619", f"{GATE}\t43.34\t52.86"]


def test_csvkit(folder: Path) -> None:
    needed("csvgrep", "csvsql", "csvcut")
    first, second, third = (said(folder, "sh", "-c", block) for block in blocks("csvkit"))
    assert first.splitlines()[0] == "item,file,sha256"
    assert second.splitlines()[0] == "outcome,reason,things"
    assert third.splitlines()[-2:] == [f"{SQUARE},43.3412,52.8619", f"{GATE},43.34,52.86"]
