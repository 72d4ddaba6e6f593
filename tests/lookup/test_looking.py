"""Filters, pages and short answers: find, case show, custody, check, chronology; and the pager of a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archiver.casework.annotations import about_of, annotate
from archiver.cli.pager import pager_of
from archiver.home.home import Home
from archiver.lookup.events import events_about
from archiver.lookup.search import POST_ORDERS, Wanted, search
from archiver.signer.local import LocalSigner
from storage.catalog import Catalog
from storage.catalog_find import find_captures, find_posts
from storage.catalog_rows import insert_posts
from tests.support.commands import Commands
from tests.support.kept_homes import unpack_home

ALBUM = "wxe6z4t7"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_home(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def home(path: Path) -> Home:
    return Home(path, environment={})


@pytest.fixture
def shell(path: Path) -> Commands:
    return Commands(path, None)


@pytest.fixture(scope="module")
def seen_twice(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Posts by two authors; the first one was seen three times, and edited."""
    catalog = Catalog(tmp_path_factory.mktemp("catalog") / "catalog.sqlite")
    video = [{"kind": "video", "url": "https://example.org/v"}]

    def post(id_: str, text: str, day: int, author: str, **more: Any) -> dict[str, Any]:
        at = f"2022-01-0{day}T10:00:00.000000Z"
        return {"platform": "telegram", "id": id_, "text": text, "published_at": at, "author_handle": author, **more}

    with catalog.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        for n, (capture, words) in enumerate((("a", "square first"), ("b", "square second"), ("c", "nothing left")), 1):
            seen = f"2022-02-0{n}T00:00:00Z"
            posts = [post("x/1", words, 5, "Ozen_Today"), post("x/2", "square film", 6, "other", attachments=video)][
                : 3 - n or 1
            ]
            connection.execute("INSERT INTO events VALUES (?,'captured','','','',NULL)", (n,))
            connection.execute(
                "INSERT INTO captures VALUES (?,?,'r',1,'f','l',?,?,?,?,?,NULL,1,'',0)",
                (capture, n, "telegram", "post", seen, seen, "captured" if n < 3 else "partial"),
            )
            insert_posts(connection, capture, posts, [seen] * len(posts))
        connection.execute("INSERT INTO events VALUES (9,'case','','','',NULL)")
        connection.execute("INSERT INTO cases VALUES ('one','','[]',9)")
        connection.executemany("INSERT INTO case_captures VALUES ('one',?,9)", [("a",), ("b",)])
    return catalog


def ids(catalog: Catalog, **wanted: Any) -> list[tuple[str, str]]:
    return [(row["id"], row["capture"]) for row in find_posts(catalog, Wanted(**wanted), "published", 10).rows]


def test_a_post_is_found_once_with_how_often_it_was_seen(seen_twice: Catalog) -> None:
    page = find_posts(seen_twice, Wanted(text="square"), "published", 10)
    assert [(row["id"], row["capture"], row["observations"]) for row in page.rows] == [("x/1", "b", 3), ("x/2", "a", 1)]
    assert (page.total, page.hidden) == (2, 0)
    assert ids(seen_twice, text="nothing") == [("x/1", "c")], (
        "words that an edit took away are found in what was seen before"
    )
    assert ids(seen_twice, text="first") == [("x/1", "a")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"case": "one"}, [("x/1", "b"), ("x/2", "a")]),
        ({"author": "@ozen_today"}, [("x/1", "c")]),
        ({"author": "nobody"}, []),
        ({"video": True}, [("x/2", "a")]),
        ({"since": "2022-01-06T00:00:00.000000Z"}, [("x/2", "a")]),
        ({"until": "2022-01-06T00:00:00.000000Z"}, [("x/1", "c")]),
        ({"outcome": "partial"}, [("x/1", "c")]),
        ({"kind": "channel"}, []),
        ({"platform": "x"}, []),
        ({"text": "square", "video": True, "case": "one"}, [("x/2", "a")]),
    ],
)
def test_filters_of_posts(seen_twice: Catalog, wanted: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert ids(seen_twice, **wanted) == found


def test_pages_tell_how_many_there_are(seen_twice: Catalog) -> None:
    for order in POST_ORDERS:
        first, second, behind = (find_posts(seen_twice, Wanted(text="square"), order, 1, n) for n in range(3))
        assert {first.rows[0]["id"], second.rows[0]["id"]} == {"x/1", "x/2"}
        assert (first.total, second.total, behind.total, behind.rows) == (2, 2, 2, [])


def test_what_is_looked_for_is_found_by_an_index(seen_twice: Catalog) -> None:
    """By a case or a time no more posts are read than fit."""
    for sql in (
        "SELECT p.n FROM posts p WHERE p.capture IN (SELECT capture FROM case_captures WHERE \"case\"='one')",
        "SELECT p.n FROM posts p WHERE p.published_earliest<'2022'",
        "SELECT seq FROM mentions WHERE about='a'",
        "SELECT seq FROM annotations WHERE kind='tag'",
    ):
        plan = [row["detail"] for row in seen_twice.select(f"EXPLAIN QUERY PLAN {sql}")]
        assert all(not line.startswith("SCAN p") and "SCAN mentions" not in line for line in plan), plan


def test_captures_say_what_they_are_of(home: Home, shell: Commands) -> None:
    page = find_captures(home.catalog, Wanted(case="almaty"), "sealed", 2)
    assert (len(page.rows), page.total) == (2, 4)
    code, out, _ = shell("case", "show", "almaty")
    assert (code, len(out.splitlines())) == (0, 4)
    words = str(home.catalog.posts(home.resolve_capture(ALBUM))[0]["text"]).split()
    assert any(" ".join(words[:2]) in line for line in out.splitlines())
    assert len(shell("case", "show", "almaty", "--verbose")[1].splitlines()) > 4
    code, out, _ = shell("case", "show", "almaty", "--limit", "3", "--page", "2")
    assert (code, out.splitlines()[-1]) == (0, "4 to 4 of 4")
    assert shell("case", "show", "almaty", "--platform", "none")[1] == "no captures\n"
    code, rows = shell.json("case", "show", "almaty", "--sort", "opened")
    assert [row["opened"] for row in rows] == sorted(row["opened"] for row in rows)
    assert {"id", "outcome", "reason", "opened", "posts", "target", "folder", "words"} <= rows[0].keys()


def test_find_needs_words_or_a_filter(shell: Commands) -> None:
    assert shell("find")[0] == 1
    assert shell("find", "--case", "none")[0] == 1
    assert shell("find", "--since", "2022-01-05", "--until", "2021-01-01")[0] == 1
    code, out, _ = shell("find", "--case", "almaty", "--limit", "1")
    assert (code, "--page 2" in out) == (0, True)
    assert shell("find", "--case", "almaty", "--page", "999")[1].startswith("nothing on page 999")


def test_quarantined_posts_and_captures_are_hidden_from_lists(tmp_path: Path) -> None:
    home = Home(unpack_home(tmp_path), environment={})
    capture = home.resolve_capture(ALBUM)
    words = str(home.catalog.posts(capture)[0]["text"])
    annotate(home, LocalSigner(home), "quarantine", about_of(home, ALBUM), "a child")
    shell = Commands(home.path, None)
    for command in (("case", "show", "almaty", "--verbose"), ("find", "--case", "almaty"), ("chronology", "almaty"),
                    ("tag", ALBUM, "x")):  # fmt: skip
        for form in ((), ("--json",)):
            code, out, _ = shell(*command, *form)
            assert code == 0
            assert words[:20] not in out, command
    assert "quarantined: not shown" in shell("find", "--case", "almaty")[1]
    assert search(home, Wanted(case="almaty"), 100).hidden > 0


def test_custody_is_read_by_pages_and_shown_in_short(home: Home, shell: Commands) -> None:
    every = [body["seq"] for body in events_about(home, "almaty")]
    assert every == sorted(set(every))
    about = [body["seq"] for body in events_about(home, ALBUM)]
    assert set(about) < set(every)
    code, out, _ = shell("custody", "almaty")
    assert (code, len(out.splitlines())) == (0, len(every) + 1)
    assert out.splitlines()[-1].startswith(f"{len(every)} events in the ledger · NOT TIMESTAMPED")
    assert len(shell("custody", "almaty", "--verbose")[1].splitlines()) == 2 * len(every) + 1


def test_check_prints_a_line_for_each_capture(home: Home, shell: Commands) -> None:
    code, out, _ = shell("check", "almaty")
    captures = [row["id"] for row in home.catalog.captures("almaty")]
    assert code == 0
    assert [out.count(capture) for capture in captures] == [1] * len(captures)
    assert "NOT TIMESTAMPED" in next(line for line in out.splitlines() if captures[0] in line)
    code, verbose, _ = shell("check", "almaty", "--verbose")
    assert verbose.count(captures[0]) > 5
    assert out.splitlines()[-1] == verbose.splitlines()[-1]
    assert len(shell.json("check", "almaty")[1]) == len(verbose.strip().splitlines()) - 1


@pytest.mark.damages
def test_what_is_damaged_is_told_in_full(tmp_path: Path) -> None:
    home = Home(unpack_home(tmp_path), environment={})
    capture = home.resolve_capture(ALBUM)
    folder = home.path / str((home.catalog.capture(capture) or {})["folder"])
    (folder / "posts.jsonl").write_bytes(b"{}\n")
    code, out, _ = Commands(home.path, None)("check", ALBUM)
    assert code == 5
    assert [line.split()[0] for line in out.splitlines() if capture in line] == ["DAMAGED"] * out.count(capture)


def test_a_chronology_is_in_the_order_of_time(home: Home, shell: Commands, tmp_path: Path) -> None:
    assert shell("time", ALBUM, "by the shadows", "--since", "2001-01-01")[0] == 0
    assert shell("incident", "new", "early", "--case", "almaty", "--title", "=Early", "--since", "2000-01-01")[0] == 0
    target = tmp_path / "chronology.csv"
    assert shell("chronology", "almaty", "--csv", str(target))[0] == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text("utf-8-sig"))))
    known = [row["earliest"] for row in rows if row["earliest"]]
    assert known == sorted(known)
    assert [row["earliest"] for row in rows] == known + [""] * (len(rows) - len(known)), "what has no time comes last"
    assert [(row["what"], row["basis"]) for row in rows[:2]] == [
        ("incident", "'=Early"),
        ("time of a post", "by the shadows"),
    ]
    assert "post" in {row["what"] for row in rows}
    assert rows[0]["incident"] == "early"
    assert f"{len(rows)} lines" in shell("chronology", "almaty", "--csv", str(target))[1]


# -- the pager ---------------------------------------------------------------------------------------------------


def test_which_pager_is_started(tmp_path: Path) -> None:
    assert pager_of({"PAGER": "cat"}) is None
    assert pager_of({"PAGER": "no-such-program-anywhere -x"}) is None
    assert pager_of({"PAGER": "'"}) is None
    found = pager_of({"PAGER": f"{sys.executable} -c 'x y'"})
    assert found == [sys.executable, "-c", "x y"]


def on_a_terminal(home: Path, *words: str, **environment: str) -> str:
    """Run a command on a terminal of its own; return what that showed."""
    ours, theirs = pty.openpty()
    given = {**os.environ, "ARCHIVER_PASSPHRASE": "s3cret-word", **environment}
    with subprocess.Popen(
        [sys.executable, "-m", "archiver", "--home", str(home), *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=given,
    ) as process:
        os.close(theirs)
        shown, until = b"", time.monotonic() + 30
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # the terminal's other end is closed
                    break
                shown += data
        process.kill()
    os.close(ours)
    return shown.decode(errors="replace")


def test_a_terminal_gets_the_pager_and_the_pager_no_secret(path: Path, tmp_path: Path) -> None:
    script = tmp_path / "pager.py"
    script.write_text("import os, sys\nprint('PAGED', sorted(os.environ))\nsys.stdout.write(sys.stdin.read())\n")
    pager = f"{sys.executable} {script}"
    shown = on_a_terminal(path, "custody", ALBUM, PAGER=pager)
    assert shown.startswith("PAGED")
    assert "ARCHIVER_PASSPHRASE" not in shown
    assert "in the ledger" in shown
    assert "PAGED" not in on_a_terminal(path, "--json", "custody", ALBUM, PAGER=pager)


def test_no_pager_where_there_is_no_terminal(path: Path, shell: Commands) -> None:
    code, out, _ = Commands(path, None, PAGER=f"{sys.executable} -c 1/0")("custody", ALBUM)
    assert code == 0
    assert "in the ledger" in out
    for line in shell("--json", "custody", ALBUM)[1].splitlines():
        assert json.loads(line)["event"] >= 0
