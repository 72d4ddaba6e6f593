"""A person's own SQL over the catalog: what it gives, what it refuses, when it is stopped."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archiver.casework.annotations import about_of, annotate
from archiver.cli.main import main
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.lookup.capture_view import capture_view
from archiver.lookup.catalog_query import Query, QueryStopped
from archiver.signer.local import LocalSigner
from storage.catalog_schema import TABLES
from storage.catalog_views import VIEWS
from tests.support.kept_homes import unpack_home

ALBUM = "20261129T130358-wxe6z4t7"
WORDS = "Төрт файл"
ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(unpack_home(tmp_path_factory.mktemp("home")), environment={})


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which each observation of the album's post is quarantined."""
    home = Home(unpack_home(tmp_path_factory.mktemp("hidden")), environment={})
    for row in home.catalog.observations("ozen_today/16"):
        about = about_of(home, row["capture"], "ozen_today/16")
        annotate(home, LocalSigner(home), "quarantine", about, "a child")
    return home


def answer(home: Home, sql: str, seconds: float = 30) -> list[tuple[Any, ...]]:
    query = Query(home, sql, seconds)
    try:
        return list(query.rows())
    finally:
        query.close()


def test_tables_views_and_search_answer(home: Home) -> None:
    assert answer(home, "SELECT COUNT(*) FROM captures") == [(7,)]
    match = "SELECT DISTINCT p.id FROM posts_fts f JOIN posts p ON p.rowid=f.rowid WHERE posts_fts MATCH 'файл'"
    assert answer(home, match) == [("ozen_today/16",)]
    assert answer(home, f"SELECT COUNT(*) FROM file WHERE capture='{ALBUM}'") == [(4,)]
    assert len(answer(home, "PRAGMA table_info(posts)")) == 24
    assert Query(home, "SELECT p.id, q.id FROM posts p, posts q LIMIT 1", 30).columns == ["id", "id_2"]
    assert answer(home, "SELECT CAST(x'ff' AS TEXT)") == [("\\xff",)]


def test_json_columns_can_be_listed(home: Home) -> None:
    assert answer(home, "SELECT j.key FROM cases, json_each(cases.recipients) j WHERE cases.name='inbox'") == [(0,)]
    assert answer(home, "SELECT DISTINCT t.fullkey FROM events e, json_tree(e.body) t WHERE t.key='type'") == [
        ("$.type",)
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM posts", "UPDATE posts SET text=''", "INSERT INTO cases VALUES ('a','b','c',1)", "DROP TABLE posts",
        "CREATE TEMP TABLE x (a)", "CREATE TEMP VIEW x AS SELECT 1", "ATTACH ':memory:' AS x", "DETACH main", "VACUUM",
        "VACUUM INTO '/tmp/never'", "BEGIN", "SAVEPOINT x", "REINDEX", "ANALYZE", "PRAGMA query_only=0",
        "PRAGMA writable_schema=1", "PRAGMA journal_mode=DELETE", "PRAGMA user_version=9", "PRAGMA database_list",
        "SELECT * FROM pragma_database_list", "SELECT load_extension('x')", "SELECT * FROM sqlite_temp_master",
        "SELECT * FROM temp.sqlite_schema", "CREATE VIRTUAL TABLE temp.v USING fts5vocab(posts_fts, row)", "SELECT 1; SELECT 2",
        "", "-- nothing", "SELECT * FROM nix", "SELECT nix FROM posts", "SELEC 1", "SELECT zeroblob(1000000000)",
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused_and_changes_nothing(home: Home, sql: str) -> None:
    path = home.path / "catalog.sqlite"
    answer(home, "SELECT 1")
    before = path.read_bytes()
    with pytest.raises(UsageError):
        answer(home, sql)
    assert path.read_bytes() == before


@pytest.mark.parametrize("sql", [f"{ENDLESS} SELECT COUNT(*) FROM c", f"{ENDLESS} SELECT n FROM c"])
def test_a_query_that_never_ends_is_stopped(home: Home, sql: str) -> None:
    begun = time.monotonic()
    with pytest.raises(QueryStopped, match="seconds"):
        answer(home, sql, 0.3)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("ended_by", ["--seconds", "Ctrl-C"])
def test_one_long_step_is_stopped(home: Home, ended_by: str) -> None:
    text = "replace(hex(zeroblob({})), '00', 'a')"  # of 20 and of 10 million letters: a comparison at each of ten million places
    sql = f"SELECT instr({text.format(20_000_000)}, {text.format(10_000_000)} || 'b')"
    words = ["--home", str(home.path), "catalog", "query", sql, "--seconds", "1" if ended_by == "--seconds" else "600"]
    with subprocess.Popen([sys.executable, "-m", "archiver", *words], stderr=subprocess.PIPE, text=True) as ran:
        try:
            if ended_by == "Ctrl-C":
                time.sleep(3)
                ran.send_signal(signal.SIGINT)
            _, err = ran.communicate(timeout=30)
        finally:
            ran.kill()
    assert ran.returncode == 4
    assert ("--seconds" if ended_by == "--seconds" else "stopped") in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("VACUUM INTO '/tmp/never'", "VACUUM"), ("ATTACH 'x' AS y", "ATTACH"), ("BEGIN", "a transaction"),
        ("DELETE FROM posts", "a statement that does more than read"),
        ("PRAGMA query_only=0", "PRAGMA query_only"), ("SELECT load_extension('x')", "the function load_extension"),
        ("SELECT * FROM sqlite_temp_master", "the table sqlite_temp_master"),
        ("SELECT zeroblob(1000000000)", "a longer one"),
        ("SELECT 'a' LIKE hex(zeroblob(1000))", "a longer one"),
    ],
)  # fmt: skip
def test_what_was_refused_is_said_in_plain_words(home: Home, sql: str, found: str) -> None:
    with pytest.raises(UsageError) as refused:
        answer(home, sql)
    assert refused.value.found == found


def test_a_slow_reader_is_not_stopped(home: Home) -> None:
    query = Query(home, "SELECT a.n FROM posts a, posts b LIMIT 500", 0.5)
    for number, _ in enumerate(query.rows()):
        time.sleep(0.6 if number in (0, 250) else 0)
    query.close()
    assert number == 499


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM posts", "SELECT * FROM post_latest", "SELECT line FROM posts WHERE id='ozen_today/16'",
        "SELECT * FROM attachments", "SELECT url FROM file JOIN posts USING (capture)",
        "SELECT * FROM posts_fts_data", "SELECT * FROM posts_fts_docsize",
    ],
)  # fmt: skip
def test_what_is_quarantined_does_not_come_back(home: Home, hidden: Home, sql: str) -> None:
    said = str(answer(hidden, sql))
    assert WORDS not in said
    assert "album-16.mp4" not in said
    query = Query(hidden, sql, 30)
    assert query.quarantined == 3
    query.close()
    assert answer(home, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT rowid FROM posts_fts WHERE posts_fts MATCH 'файл'", "SELECT COUNT(*) FROM posts_fts WHERE posts_fts MATCH 'файл'",
        "SELECT p.text FROM posts_fts f JOIN posts p ON p.rowid=f.rowid WHERE posts_fts MATCH 'файл'",
        "SELECT text FROM posts_fts", "SELECT * FROM posts_fts", "SELECT * FROM main.posts",
        "SELECT snippet(posts_fts, 1, '', '', '', 9) FROM posts_fts WHERE posts_fts MATCH 'файл'",
        "SELECT HIGHLIGHT(posts_fts, 1, '', '') FROM posts_fts WHERE posts_fts MATCH 'файл'",
        "WITH posts AS (SELECT * FROM main.posts) SELECT * FROM posts",
    ],
)  # fmt: skip
def test_no_way_round_to_what_is_quarantined(hidden: Home, sql: str) -> None:
    with pytest.raises(UsageError):
        answer(hidden, sql)


def test_what_show_tells_of_a_quarantined_post_is_in_answers_too(hidden: Home) -> None:
    """That it is held stays: its link, and what became of its files. What it says, and which files it names, does not."""
    view = capture_view(hidden, ALBUM)
    assert [post.line for post in view.posts if post.row["id"] == "ozen_today/16"] == [None]
    assert answer(hidden, f"SELECT target FROM captures WHERE id='{ALBUM}'") == [(view.row["target"],)]
    lines = answer(hidden, f"SELECT line FROM inventory WHERE capture='{ALBUM}' ORDER BY n")
    assert [json.loads(line) for (line,) in lines] == view.inventory
    records = answer(hidden, f"SELECT id FROM records WHERE capture='{ALBUM}' ORDER BY n")
    assert [record for (record,) in records] == [record["id"] for record in view.records]
    assert answer(hidden, f"SELECT * FROM attachments WHERE capture='{ALBUM}'") == []
    assert answer(hidden, f"SELECT * FROM file WHERE capture='{ALBUM}'") == []


PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "catalog.md").read_text("utf-8")


@pytest.mark.parametrize("sql", re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL))
def test_each_question_of_the_page_has_an_answer(home: Home, hidden: Home, sql: str) -> None:
    assert answer(home, sql)
    if "posts_fts" in sql:
        with pytest.raises(UsageError, match="archiver find"):
            answer(hidden, sql)
    else:
        assert WORDS not in str(answer(hidden, sql))


def test_the_page_has_every_column() -> None:
    for name, described in [*VIEWS.items(), *TABLES.items()]:
        part = PAGE.partition(f"### `{name}`\n")[2].partition("\n##")[0]
        said = re.findall(r"^\| `(\w+)` \| (.*) \| ?(.*) ?\|$", part, re.MULTILINE)
        wanted = [(column, one.about, one.unit or "") for column, one in described.columns.items()]
        assert [(column, about, unit.strip()) for column, about, unit in said] == wanted, name


# -- the command -------------------------------------------------------------------------------------------------


def ask(home: Home, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["--home", str(home.path), "catalog", *words], None, {})
    return (code, *capsys.readouterr())


def test_an_answer_as_table_csv_and_json(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    sql = "SELECT id, text, '=1+1' AS formula, 9e999 AS much, x'0a' AS bytes FROM posts WHERE role='target' ORDER BY id"
    code, out, _ = ask(home, capsys, "query", sql)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["id", "text", "formula", "much", "bytes"]
    assert all(len(line) <= 60 for line in lines)
    code, out, _ = ask(home, capsys, "query", sql, "--csv")
    table = list(csv.DictReader(io.StringIO(out.lstrip("\ufeff"))))
    assert out.startswith("\ufeff")
    assert {row["formula"] for row in table} == {"'=1+1"}
    code, out, _ = ask(home, capsys, "query", sql, "--json")
    values = [json.loads(line) for line in out.splitlines()]
    assert [row["text"] for row in table] == [row["text"] for row in values]
    assert (values[0]["much"], values[0]["bytes"]) == ("inf", "0a")


def test_columns_that_do_not_fit_stand_below_each_other(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    _, out, _ = ask(home, capsys, "query", "SELECT * FROM posts LIMIT 2")
    assert [line for line in out.splitlines() if line.startswith("──")] == ["── 1", "── 2"]
    assert f"capture{' ' * 13}{ALBUM[:19]}…" in out
    assert max(map(len, out.splitlines())) <= 40


def test_what_the_command_refuses(home: Home, hidden: Home, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(home, capsys, "query", f"{ENDLESS} SELECT COUNT(*) FROM c", "--seconds", "1")
    assert (code, "--seconds" in err) == (4, True)
    code, _, err = ask(home, capsys, "query", "SELECT * FROM post")
    assert code == 1
    assert "post_latest" in err
    assert ask(home, capsys, "query", "SELECT 1", "--csv", "--json")[0] == 1
    code, out, err = ask(hidden, capsys, "query", "SELECT text FROM posts")
    assert (code, WORDS in out) == (0, False)
    assert "3 quarantined: not shown" in err


def test_metadata_is_what_datasette_reads(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(home, capsys, "metadata")
    assert code == 0
    assert json.loads(out)["databases"]["catalog"]["tables"]["file"]["columns"]["duration"].endswith("(seconds)")
    assert json.loads(ask(home, capsys, "metadata", "--json")[1]) == json.loads(out)
