"""A home, a catalog and packages made in November 2026, before the code was laid out anew, read by today's code.

`tests/homes/` holds them compressed, as that code wrote them: seven captures of the miniature platforms, annotations, a
key that was handed over, a watch, a schedule and a waiting job. They are made with test routes, so they are no evidence.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.cli.main import main
from tests.support.kept_homes import FIRST_KEY, RETIRED_KEY, SECOND_KEY, unpack_home, unpack_package
from tests.support.packages import both, flipped

CAPTURES = 7


@pytest.fixture
def old_home(tmp_path: Path) -> Path:
    return unpack_home(tmp_path)


def run(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["--home", str(home), *words], None, {})
    return code, capsys.readouterr().out


def rows(catalog: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table → its rows, in an order of their own. The search index's own pages are left out: they depend on how it was filled."""
    with sqlite3.connect(catalog) as database:
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_") and "_fts" not in name and not name.startswith("search_")
        ]
        return {name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr) for name in tables}


def test_the_home_is_intact_and_shows_what_it_held(old_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(old_home, capsys, "check")
    assert code == 0, out
    assert f"intact · {CAPTURES} captures looked at" in out
    code, out = run(old_home, capsys, "--json", "find", "Zhanaozen")
    assert code == 0, out
    assert out
    code, out = run(old_home, capsys, "watch", "list")
    assert code == 0
    assert "https://t.me/ozen_today/12" in out
    code, out = run(old_home, capsys, "schedule", "list")
    assert code == 0
    assert "crawl https://t.me/s/ozen_today" in out
    code, out = run(old_home, capsys, "jobs", "list")
    assert code == 0
    assert "https://t.me/ozen_today/13" in out


def test_the_home_goes_on(old_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(old_home, capsys, "--json", "case", "show", "almaty")
    first = json.loads(out.splitlines()[0])
    capture = str(first.get("capture") or first.get("id"))
    code, out = run(old_home, capsys, "note", capture, "read again by later code")
    assert code == 0, out
    code, out = run(old_home, capsys, "check", "--quiet")
    assert code == 0, out


def test_the_catalog_is_made_again_when_the_home_is_opened(old_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(old_home / "catalog.sqlite")
    assert len(before["captures"]) == CAPTURES
    assert run(old_home, capsys, "find", "Zhanaozen")[0] == 0
    opened = rows(old_home / "catalog.sqlite")
    assert run(old_home, capsys, "catalog", "rebuild")[0] == 0
    assert rows(old_home / "catalog.sqlite") == opened
    same = set(before) - {"records", "posts", "inventory", "annotations", "search"}  # these have columns more
    assert {name: opened[name] for name in same} == {name: before[name] for name in same}
    assert {name: len(opened[name]) for name in set(before) - {"search"}} == {
        name: len(before[name]) for name in set(before) - {"search"}
    }


def test_a_catalog_that_is_missing_is_made_again_before_it_answers(
    old_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = run(old_home, capsys, "find", "Жаңаөзен")
    assert held[0] == 0
    assert held[1].count("\n") >= 4
    for path in old_home.glob("catalog.sqlite*"):
        path.unlink()
    assert run(old_home, capsys, "find", "Жаңаөзен") == held


def test_many_that_open_the_home_at_once_make_the_catalog_once(old_home: Path) -> None:
    ask = [sys.executable, "-m", "archiver", "--home", str(old_home), "--json", "find", "Жаңаөзен"]
    running = [subprocess.Popen(ask, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [(*process.communicate(timeout=120), process.returncode) for process in running]
    assert {code for _, _, code in answers} == {0}, answers
    assert len({out for out, _, _ in answers}) == 1
    assert answers[0][0].count("\n") == 3


VERDICTS = {
    1: "profile full; NOT TIMESTAMPED; NOT EVIDENCE; made by the rules of version 1, which hold less",
    2: "profile full; time by roots that came with the package; NOT EVIDENCE",
}


@pytest.mark.parametrize(("version", "key"), [(1, FIRST_KEY), (2, SECOND_KEY)])
def test_the_package_checks_with_both_checkers(version: int, key: str, tmp_path: Path) -> None:
    package = unpack_package(tmp_path, version)
    code, out = both(package, key)
    assert code == 0, out
    assert out.endswith(f"INTACT, and signed by the key that you named; {VERDICTS[version]}")
    assert both(package, "00" * 32)[0] == 5, "and still refuses another key"
    warc = package / "data" / "archive.wacz"
    warc.write_bytes(flipped(warc.read_bytes(), 400))
    assert both(package, key)[0] == 5


def test_the_key_before_the_rotation_counts_since_its_hand_over_was_stamped(tmp_path: Path) -> None:
    code, out = both(unpack_package(tmp_path), RETIRED_KEY)
    assert code == 0, out
    assert out.count("by way of a hand-over of keys that an outsider had seen by 2026-11-30") == 2


@pytest.mark.usefixtures("no_browser")
def test_the_home_makes_packages_of_today(old_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--profile", "full", "--no-encrypt", "--name", "again", "--yes")
    code, out = run(old_home, capsys, "export", "almaty", "--to", str(tmp_path / "out"), *words)
    assert code == 0, out
    code, out = both(tmp_path / "out" / "again", FIRST_KEY)
    assert code == 0, out
    assert "documents" not in out, "every text in it is that of this release"
