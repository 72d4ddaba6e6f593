"""The catalog: its search, its views, what it forgets, and other people's programs that read it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.casework.analysis import state_time
from archiver.casework.annotations import about_of, annotate
from archiver.casework.incidents import IncidentFacts, add_to_incident
from archiver.casework.time_range import TimeRange
from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from storage.catalog import Catalog
from storage.catalog_rows import bounds, insert_posts
from storage.catalog_schema import TABLES
from storage.catalog_views import VIEWS, metadata
from storage.times import utc_parse
from tests.conftest import CI
from tests.support.kept_homes import unpack_home

ALBUM = "20261129T130358-wxe6z4t7"
PAGE = "20261129T130359-635s9qcz"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose catalog was made again; nothing in it is changed."""
    home = Home(unpack_home(tmp_path_factory.mktemp("kept")), environment={})
    home.catalog.close()
    del home.catalog
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(unpack_home(tmp_path), environment={})
    home.project()
    return home


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog that takes posts of captures which it does not know."""
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.database.execute("PRAGMA foreign_keys=OFF")
    yield catalog
    catalog.close()


def rows(home: Home, sql: str) -> list[dict[str, Any]]:
    with sqlite3.connect(home.path / "catalog.sqlite") as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql)]


def add(catalog: Catalog, *texts: str, **more: Any) -> None:
    with catalog.transaction() as connection:
        insert_posts(
            connection, "c", [{"platform": "x", "id": f"p{n}", "text": one, **more} for n, one in enumerate(texts)]
        )


# -- search ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["Жаңаөзен", "жанаозен", "Zhanaozen", "JAÑAÖZEN", "ozen_today", "жаңа"])
def test_search_finds_both_scripts_and_beginnings(kept: Home, asked: str) -> None:
    home = Home(kept.path, environment={})
    assert home.catalog.find(asked), asked


def test_a_letter_and_its_mark_that_stand_apart_are_one_letter(empty: Catalog) -> None:
    add(empty, "первый снег", unicodedata.normalize("NFD", "ёлка и первый снег"))
    assert len(empty.find("первый")) == 2
    assert len(empty.find("ёлка")) == 1
    assert len(empty.find(unicodedata.normalize("NFD", "первый"))) == 2


@pytest.mark.parametrize("hangs_on_it", [{"caption": "Алаң түсте"}, {"article": {"text": "The report\nАлаң түсте"}}])
def test_words_that_hang_on_a_post_are_found(empty: Catalog, hangs_on_it: dict[str, Any]) -> None:
    add(
        empty,
        "see",
        "see",
        attachments=[{"kind": "photo", "article": "none", "caption": 5}, {"kind": "story", **hangs_on_it}],
    )
    assert {row["id"] for row in empty.find("alan tuste")} == {"p0", "p1"}
    assert not empty.find("square")


def test_the_search_index_says_what_the_tables_say(home: Home) -> None:
    """Also after somebody's tool has changed a row, or packed the file."""
    database = home.catalog.database
    for change in ("UPDATE posts SET text='qarbyz' WHERE n=0", "DELETE FROM attachments", "VACUUM"):
        database.execute(change)
        for table in ("posts", "annotations"):
            database.execute(f"INSERT INTO {table}_fts({table}_fts, rank) VALUES('integrity-check', 1)")
    assert {row["text"] for row in home.catalog.find("qarbyz")} == {"qarbyz"}


def test_what_sqlite_cannot_hold_is_kept_in_the_line(empty: Catalog) -> None:
    add(empty, "half \ud83d of a pair", views=10**30)
    (row,) = empty.find("half")
    assert (row["text"], row["views"]) == ("half \\ud83d of a pair", None)
    assert json.loads(row["line"]) == {"platform": "x", "id": "p0", "text": "half \ud83d of a pair", "views": 10**30}


def test_json_is_readable(kept: Home) -> None:
    (row,) = rows(kept, "SELECT line FROM posts WHERE line LIKE '%Төрт файл%' AND role='target'")
    assert "\\u" not in row["line"]
    assert not rows(kept, "SELECT line FROM inventory WHERE line LIKE '%\\u04%'")


def test_disposed_words_are_in_the_file_no_more(home: Home) -> None:
    catalog, secret = home.catalog, "шестнадцатого"
    body = {
        "seq": catalog.size(), "type": "disposed", "time": "2026-11-30T00:00:00Z", "agent": {"id": "tester"},
        "detail": {"capture": PAGE, "folder": "captures/x", "manifest_sha256": "0" * 64},
    }  # fmt: skip
    files = [home.path / f"catalog.sqlite{end}" for end in ("", "-wal")]
    assert any(secret.encode() in path.read_bytes() for path in files)
    assert catalog.find(secret)
    catalog.project([(body, "0" * 64)], home.path)
    assert not any(secret.encode() in path.read_bytes() for path in files)
    assert not catalog.find(secret)
    catalog.database.execute("INSERT INTO posts_fts(posts_fts, rank) VALUES('integrity-check', 1)")


def test_what_looks_does_not_import_what_makes_tables(kept: Home) -> None:
    code = "import sys; from pathlib import Path; from storage.catalog import Catalog; "
    code += (
        "Catalog(Path(sys.argv[1])).find('x'); print([one for one in ('sqlite_utils', 'warcio') if one in sys.modules])"
    )
    assert output(sys.executable, "-c", code, str(kept.path / "catalog.sqlite")) == "[]\n"


# -- views ---------------------------------------------------------------------------------------------------


def test_every_column_is_described(kept: Home) -> None:
    described = metadata()["databases"]["catalog"]["tables"]
    assert set(described) == {*TABLES, *VIEWS}
    with sqlite3.connect(kept.path / "catalog.sqlite") as connection:
        for name, said in described.items():
            found = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            assert found == list(said["columns"]), name
            assert said["description"]


def test_a_file_lies_where_the_view_says(kept: Home) -> None:
    found = rows(kept, f"SELECT * FROM file WHERE capture='{ALBUM}' ORDER BY attachment")
    assert [(one["post"], one["attachment"], one["kind"], one["duration"], one["pieces"]) for one in found] == [
        ("ozen_today/16", 0, "video", 2.0, 0), ("ozen_today/16", 1, "photo", None, 0),
        ("ozen_today/16", 2, "video", 2.0, 0), ("ozen_today/16", 3, "photo", None, 0),
    ]  # fmt: skip
    for one in found:
        with open(kept.path / one["path"], "rb") as stream:
            stream.seek(one["offset"])
            record = next(iter(ArchiveIterator(stream)))
            body = record.raw_stream.read()
        assert record.rec_headers["WARC-Record-ID"] == one["record"]
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (one["sha256"], one["size"])
        assert record.http_headers.get_header("Content-Type") == one["media_type"]


def test_each_post_stands_once_as_it_was_last_seen(kept: Home) -> None:
    latest = rows(kept, "SELECT * FROM post_latest")
    assert len({(one["platform"], one["id"]) for one in latest}) == len(latest)
    seen = rows(kept, "SELECT * FROM posts WHERE id='ozen_today/16' ORDER BY seen")
    (one,) = [one for one in latest if one["id"] == "ozen_today/16"]
    assert (one["observations"], one["first_seen"], one["last_seen"]) == (3, seen[0]["seen"], seen[-1]["seen"])
    assert one["capture"] == seen[-1]["capture"]


def test_places_and_moments_are_columns(home: Home) -> None:
    signer = LocalSigner(home)
    when = TimeRange(
        utc_parse("2022-01-05T10:00:00.000000Z"), utc_parse("2022-01-05T10:30:00.000000Z"), ("10:00", "10:30")
    )
    state_time(home, signer, about_of(home, ALBUM, "16"), when, "shadows")
    facts = IncidentFacts(title="Square", place="Zhanaozen", at="43.3,52.8", when=when)
    add_to_incident(home, signer, "almaty", "square", facts)
    places = rows(home, "SELECT * FROM place ORDER BY seq")
    assert [(one["place"], one["latitude"], one["longitude"], one["incident"]) for one in places] == [
        ("Zhanaozen, square", 43.3412, 52.8619, None), ("Zhanaozen", 43.3, 52.8, "square"),
    ]  # fmt: skip
    moments = rows(home, "SELECT * FROM moment ORDER BY seq")
    assert [(one["post"], one["incident"], one["basis"]) for one in moments] == [
        ("ozen_today/16", None, "shadows"), (None, "square", "Square"),
    ]  # fmt: skip
    assert {(one["earliest"][:16], one["latest"][:16]) for one in moments} == {("2022-01-05T10:00", "2022-01-05T10:30")}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({}, (None, None)),
        ({"published_at": "2022-01-05T10:00:00Z", "published": {"precision": "second"}}, ("2022-01-05T10:00:00Z",) * 2),
        (
            {"published_at": "2022-01-05T10:00:00Z", "published": {"precision": "minute"}},
            ("2022-01-05T10:00:00Z", "2022-01-05T10:00:59Z"),
        ),
        ({"published": {"value": None, "earliest": "2017-01-01T00:00:00Z", "latest": "2018-01-01T00:00:00Z"}},
         ("2017-01-01T00:00:00Z", "2018-01-01T00:00:00Z")),
        ({"published": {"value": None, "precision": "day", "literal": "soon"}}, (None, None)),
    ],
)  # fmt: skip
def test_a_time_has_bounds(line: dict[str, Any], expected: tuple[str | None, str | None]) -> None:
    assert bounds(line) == expected


def test_quarantined_posts_are_in_no_view(home: Home) -> None:
    assert rows(home, f"SELECT * FROM file WHERE capture='{ALBUM}'")
    annotate(home, LocalSigner(home), "quarantine", about_of(home, ALBUM, "16"), "a child")
    assert not rows(home, f"SELECT * FROM file WHERE capture='{ALBUM}'")
    assert not rows(home, f"SELECT * FROM post_latest WHERE capture='{ALBUM}'")


# -- other people's programs -----------------------------------------------------------------------------------


def readers() -> str:
    """Find the Python in which other people's programs are installed, or skip."""
    python = Path(__file__).parents[2] / ".venv-readers" / "bin" / "python"
    if not python.exists():
        (pytest.fail if CI else pytest.skip)(
            "Datasette and pandas are not in .venv-readers; scripts/setup.sh test does it"
        )
    return str(python)


def output(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_sqlite_utils_searches_posts(kept: Home) -> None:
    command = [sys.executable, "-m", "sqlite_utils", "search", str(kept.path / "catalog.sqlite")]
    found = output(*command, "posts", "Алаңда", "-c", "url")
    assert {one["url"] for one in json.loads(found)} == {"https://t.me/ozen_today/11"}


def test_datasette_searches_posts_and_describes_columns(kept: Home, tmp_path: Path) -> None:
    """Which posts of January 2022 speak of the square, in the browser's search box."""
    described = tmp_path / "metadata.json"
    described.write_text(json.dumps(metadata()), "utf-8")
    ask = (readers(), "-m", "datasette", str(kept.path / "catalog.sqlite"), "-m", str(described), "--get")
    found = output(*ask, "/catalog/posts.json?_search=Алаңда&published_earliest__startswith=2022-01&_shape=array")
    assert {one["url"] for one in json.loads(found)} == {"https://t.me/ozen_today/11"}
    page = output(*ask, "/catalog/file?_size=1")
    assert "where the record begins in the WARC file (bytes)" in page


PANDAS = """
import sqlite3, sys, pandas
sql = "SELECT p.author_handle, f.kind, f.duration FROM file f JOIN post_latest p ON p.id=f.post"
frame = pandas.read_sql_query(sql, sqlite3.connect(sys.argv[1]))
print(frame[frame.kind == "video"].groupby("author_handle").duration.sum().to_json())
"""


def test_pandas_adds_up_the_videos_of_an_author(kept: Home) -> None:
    sql = "SELECT SUM(f.duration) AS all_of_them FROM file f JOIN posts p ON p.capture=f.capture AND p.id=f.post"
    (expected,) = rows(kept, f"{sql} WHERE f.kind='video' AND p.author_handle='ozen_today'")
    found = output(readers(), "-c", PANDAS, str(kept.path / "catalog.sqlite"))
    assert json.loads(found)["ozen_today"] == expected["all_of_them"] > 0
