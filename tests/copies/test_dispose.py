"""Putting away what must not be kept."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.copies import dispose
from archiver.home.home import Home
from archiver.home.log import HomeLog
from archiver.signer.local import LocalSigner
from storage.errors import DiskError
from tests.support.copied import At, bodies
from tests.support.places import Kept, evidence

# -- disposal --------------------------------------------------------------------------------------------


def second_person(kept: Kept) -> None:
    assert kept.run("keys", "new", "R-2", "--role", "reviewer") == 0


def test_disposal_takes_two_people_and_leaves_a_tombstone(
    kept: Kept, every: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = kept.captures
    second_person(kept)
    assert kept.run("triage", "inbox") == 0
    assert kept.run("sync") == 0
    folder = kept.folder_of(first)
    assert kept.run("dispose", first) == 1, "a legal basis is needed"
    assert kept.run("dispose", first, "--confirm", "--yes") == 1, "nobody asked"
    assert kept.run("dispose", first, "--basis", "§ 184b", "--with-notes") == 0
    assert kept.run("dispose", first, "--confirm", "--yes") == 1, "the same person"
    assert kept.run("--as", "R-2", "dispose", first, "--confirm") == 1, "not read"
    assert folder.exists()
    there = every.objects()
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 0
    assert not folder.exists()
    gone = set(there) - set(every.objects())
    assert any("/capture/" in key for key in gone)
    assert any("/key/" in key for key in gone) or every.own
    (tombstone,) = bodies(kept.home, "disposed")
    assert tombstone["detail"]["basis"] == "§ 184b"
    assert tombstone["detail"]["requested_by"] == "tester"
    assert tombstone["agent"]["id"] == "R-2"
    (erased,) = bodies(kept.home, "erased")
    assert (erased["detail"]["capture"], erased["detail"]["remains"]) == (first, [])
    capsys.readouterr()
    assert kept.run("check") == 0
    assert "disposed of by R-2" in capsys.readouterr().out
    assert kept.run("find", "note about") == 0
    assert "a note about it" not in capsys.readouterr().out
    rows = Home(kept.home).catalog
    before = {
        table: rows.rows(table) for table in ("captures", "events", "disposed", "annotations", "posts", "case_captures")
    }
    assert kept.run("catalog", "rebuild") == 0
    rows = Home(kept.home).catalog
    assert {table: rows.rows(table) for table in before} == before
    assert kept.run("sync") == 0
    assert b"a note about it" not in b"".join(every.objects().values())
    words = [*every.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new") == evidence(kept.home)
    assert main(["--home", str(tmp_path / "new"), "check"], None, {}) == 0
    assert [row["id"] for row in Home(tmp_path / "new").catalog.captures()] == [second]


def test_what_a_lock_keeps_is_said_and_unreadable(kept: Kept, bucket: At, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = kept.captures
    second_person(kept)
    assert kept.run("triage", "inbox") == 0
    assert kept.run("lock", "inbox", "compliance", "--because", "x", "--yes") == 0
    assert kept.run("sync") == 0
    assert kept.run("dispose", first, "--basis", "§ 184b") == 0
    capsys.readouterr()
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 2
    err = capsys.readouterr().err
    assert "remains, locked until" in err
    assert "nobody can read it" in err
    (erased,) = bodies(kept.home, "erased")
    assert erased["detail"]["unreadable"]
    assert [item["lock"]["mode"] for item in erased["detail"]["remains"]] == ["compliance"]
    assert not [key for key in bucket.objects() if "/key/" in key and key.endswith(first)]
    assert kept.run("sync") == 0
    assert len(bodies(kept.home, "erased")) == 1, "nothing new to say"


def test_the_log_says_nothing_of_what_was_disposed_of(kept: Kept) -> None:
    first, second = kept.captures
    second_person(kept)
    with HomeLog(kept.home, [].append):
        for capture in (first, second):
            logging.getLogger("archiver.tests").warning("capture %s: a warning", capture)
    with HomeLog(kept.home, [].append, lambda: str):
        logging.getLogger("archiver.tests").warning("about a witness")
    assert kept.run("dispose", first, "--basis", "§ 184b") == 0
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 0
    said = b"".join(path.read_bytes() for path in (kept.home / "log").iterdir())
    assert first.encode() not in said
    assert b"witness" not in said
    assert second.encode() in said


@pytest.mark.parametrize("left", ["folder", "half", "manifest"])
def test_a_kill_in_the_middle_of_a_disposal_is_finished_by_the_next_command(
    kept: Kept, disk: At, left: str, tmp_path: Path
) -> None:
    first, _ = kept.captures
    second_person(kept)
    assert kept.run("sync") == 0
    folder = kept.folder_of(first)
    saved = tmp_path / "saved"
    shutil.copytree(folder, saved)
    assert kept.run("dispose", first, "--basis", "§ 184b") == 0
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 0
    folder.mkdir(parents=True)
    for path in saved.iterdir():
        if left == "folder" or path.name == "manifest.json" or (left == "half" and path.suffix == ".gz"):
            shutil.copy(path, folder / path.name)
    assert kept.run("check") == 5
    assert kept.run("note", kept.captures[0], "any command that writes") == 0
    assert not folder.exists()
    assert kept.run("check") == 0


@pytest.mark.parametrize("step", ["confirm", "destroy_here", "destroy_there"])
def test_nothing_is_said_to_be_destroyed_where_the_catalog_cannot_be_written(home: Home, step: str) -> None:
    """Tombstones are read from it: one that it does not take would be passed over, with exit code 0."""
    home.catalog.writable = False
    before = home.ledger.checkpoint().size
    given: dict[str, tuple[Any, ...]] = {
        "confirm": (home, LocalSigner(home), "x"), "destroy_here": (home,), "destroy_there": (home, LocalSigner(home), None),
    }  # fmt: skip
    with pytest.raises(DiskError, match="can only be read"):
        getattr(dispose, step)(*given[step])
    assert home.ledger.checkpoint().size == before
