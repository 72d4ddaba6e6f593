"""Lists of links as people keep them, captured one after the other."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.batch import Batch
from archiver.capture.link_lists import Entry, links_in, read_list
from archiver.capture.options import CaptureOptions
from archiver.demo.server import Answer
from archiver.errors import UsageError
from archiver.home.home import Home
from tests.conftest import Shell, World, plain_home
from tests.support.commands import Commands
from tests.support.soak import SOAK


def read(path: Path, column: str | None = None) -> list[Entry]:
    return list(read_list(str(path), column, io.BytesIO()).entries)


def found(path: Path, column: str | None = None) -> list[tuple[str, str]]:
    return [(entry.where, entry.text) for entry in read(path, column) if entry.is_link]


# -- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://t.me/a/1", ["https://t.me/a/1"]),
        ("see https://t.me/a/1, and (https://x.com/b/status/2).", ["https://t.me/a/1", "https://x.com/b/status/2"]),
        ("https://t.me/a/1;https://t.me/a/2", ["https://t.me/a/1", "https://t.me/a/2"]),
        ("https://t.me/a/1https://t.me/a/2", ["https://t.me/a/1", "https://t.me/a/2"]),
        (
            "https://web.archive.org/web/2020/https://one.example/a",
            ["https://web.archive.org/web/2020/https://one.example/a"],
        ),
        ("web.archive.org/web/2020/https://one.example/a", ["web.archive.org/web/2020/https://one.example/a"]),
        (
            "https://a.example/?x=https://b.example&y=https://c.example",
            ["https://a.example/?x=https://b.example&y=https://c.example"],
        ),
        ("t.me/share/url?url=https://b.example/c", ["t.me/share/url?url=https://b.example/c"]),
        ("tg://msg_url?url=https://b.example/c", ["tg://msg_url?url=https://b.example/c"]),
        (
            "https://a.example/https://b.example/1,https://c.example/2",
            ["https://a.example/https://b.example/1", "https://c.example/2"],
        ),
        (
            "https://a.example/?https://b.example/1;https://c.example/2",
            ["https://a.example/?https://b.example/1", "https://c.example/2"],
        ),
        ("source:https://b.example/c", ["https://b.example/c"]),
        ("see/https://b.example/c", ["https://b.example/c"]),
        ("t.me/a/1 youtu.be/Zh5janSq001 x.com/i/status/1", ["t.me/a/1", "youtu.be/Zh5janSq001", "x.com/i/status/1"]),
        ("https://en.wikipedia.org/wiki/Zhanaozen_(city)", ["https://en.wikipedia.org/wiki/Zhanaozen_(city)"]),
        ("https://e.org/a?x=1,2&y=z", ["https://e.org/a?x=1,2&y=z"]),
        ("https://t.me/a/1 https://t.me/a/1", ["https://t.me/a/1"]),
        ("@ozen_today", ["@ozen_today"]),
        ("mail me at a@t.me/x", []),
        ("nothing", []),
        ("«https://t.me/a/1»", ["https://t.me/a/1"]),
        ("tg://resolve?domain=a_b_c&post=5", ["tg://resolve?domain=a_b_c&post=5"]),
    ],
)
def test_links_in_a_text(text: str, links: list[str]) -> None:
    assert links_in(text) == links


@pytest.mark.parametrize(
    ("line", "links"),
    [
        ("https://blog.example/a b", ["https://blog.example/a b"]),
        ("https://blog.example/a b.jpg", ["https://blog.example/a b.jpg"]),
        ("https://blog.example/Artist - Title (live).mp3", ["https://blog.example/Artist - Title (live).mp3"]),
        ("https://blog.example/a\u00a0b", ["https://blog.example/a\u00a0b"]),
        ("x.com/search?q=Zhanaozen 2011", ["x.com/search?q=Zhanaozen 2011"]),
        ("see https://blog.example/a now", ["https://blog.example/a"]),
        ("https://blog.example/a, the square", ["https://blog.example/a"]),
        ("https://blog.example/a. It burned.", ["https://blog.example/a"]),
        ("https://blog.example/a # the square", ["https://blog.example/a"]),
        ("https://blog.example/a\tthe square", ["https://blog.example/a"]),
        ("<https://blog.example/a> the square", ["https://blog.example/a"]),
        ("https://blog.example/a and https://blog.example/b", ["https://blog.example/a", "https://blog.example/b"]),
        ("https://blog.example/a https://blog.example/a", ["https://blog.example/a"]),
        ("https://u:hun'ter2@blog.example/a", ["https://u:hun'ter2@blog.example/a"]),
        ("see https://u: hunter2@blog.example/a", ["see https://u: hunter2@blog.example/a"]),
        ("see https://u:hunter2@b.example/a now", ["https://u:hunter2@b.example/a"]),
        ("https://u:h'2@b.example/a https://b.example", ["https://u:h'2@b.example/a https://b.example"]),
        ("https://u:h2@b.example/a https://b.example", ["https://u:h2@b.example/a", "https://b.example"]),
        ("see https://blog.example and write to u@b.example", ["https://blog.example"]),
        ("https://blog.example\tu@b.example", ["https://blog.example"]),
        ("https://@blog.example/a # empty", ["https://@blog.example/a"]),
    ],
)
def test_a_line_that_is_one_link_with_a_blank_stays_whole(tmp_path: Path, line: str, links: list[str]) -> None:
    """Its beginning is another page. Whole it is refused with its reason, as on the command line."""
    path, table = tmp_path / "links.txt", tmp_path / "links.csv"
    path.write_text(line + "\n", encoding="utf-8")
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerow([line])
    assert [text for _, text in found(path)] == [text for _, text in found(table, "A")] == links


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    for link in links_in(text):
        assert link
        assert not any(c.isspace() for c in link)


def test_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "links.txt"
    path.write_text("# night\nhttps://t.me/a/1\n\nsaid on the phone\nt.me/a/2 and t.me/a/3\nexample.org/page\n")
    assert [(entry.where, entry.text, entry.is_link) for entry in read(path)] == [
        ("line 2", "https://t.me/a/1", True),
        ("line 4", "said on the phone", False),
        ("line 5", "t.me/a/2", True),
        ("line 5", "t.me/a/3", True),
        ("line 6", "example.org/page", True),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_csv_as_it_comes(tmp_path: Path, mark: str, coding: str) -> None:
    rows = [
        ["Ссылки за ночь", "", ""],
        ["", "", ""],
        ["№", "что", "ссылка"],
        ["1", "площадь", "https://t.me/a/1"],
        ["2", "", ""],
    ]
    path = tmp_path / "links.csv"
    path.write_bytes("\r\n".join(mark.join(row) for row in rows).encode(coding))
    assert found(path) == [("row 4", "https://t.me/a/1")]
    assert read_list(str(path), None, io.BytesIO()).column == "ссылка"
    assert found(path, "ссылка") == found(path, "C") == found(path, "3") == [("row 4", "https://t.me/a/1")]


def test_rows_without_a_link_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("link\nhttps://t.me/a/1\nask Aigul\nhttps://t.me/a/2\n")
    assert [(entry.where, entry.is_link) for entry in read(path)] == [
        ("row 2", True),
        ("row 3", False),
        ("row 4", True),
    ]


def test_links_in_other_columns_are_told(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("link,backup\nhttps://t.me/a/1,\nhttps://t.me/a/2,https://x.com/b/status/1\n")
    assert read_list(str(path), None, io.BytesIO()).notes == (
        "there are also links in column B (1); choose another with --column",
    )
    assert found(path, "backup") == [("row 3", "https://x.com/b/status/1")]


def book(tmp_path: Path) -> tuple[Any, Path]:
    return openpyxl.Workbook(), tmp_path / "links.xlsx"


def test_a_spreadsheet_with_everything(tmp_path: Path) -> None:
    """Merged cells, a formula, a hyperlink behind a word, a heading in row three, three links in one cell."""
    made, path = book(tmp_path)
    sheet = made.active
    sheet["A1"] = "The night of 5 January"
    sheet.merge_cells("A1:D1")
    for cell, text in (("A3", "no"), ("B3", "what"), ("C3", "Link")):
        sheet[cell] = text
    sheet["C4"] = '=HYPERLINK("https://t.me/a/1","video")'
    sheet["C5"] = "the roof"
    sheet["C5"].hyperlink = "https://t.me/a/2"
    sheet["C6"] = "https://t.me/a/3\nhttps://t.me/a/4 https://t.me/a/5"
    sheet["C7"] = "https://t.me/a/6"
    sheet.merge_cells("C7:C9")
    sheet["C10"] = "=A1"
    sheet["C11"] = 12
    made.save(path)
    assert found(path) == [
        ("row 4", "https://t.me/a/1"),
        ("row 5", "https://t.me/a/2"),
        ("row 6", "https://t.me/a/3"),
        ("row 6", "https://t.me/a/4"),
        ("row 6", "https://t.me/a/5"),
        ("row 7", "https://t.me/a/6"),
    ]
    assert [entry.where for entry in read(path) if not entry.is_link] == ["row 11"]
    assert found(path, "link") == found(path)


def test_every_sheet_of_a_book(tmp_path: Path) -> None:
    made, path = book(tmp_path)
    made.active.title = "Almaty"
    made.active["A1"] = "https://t.me/a/1"
    made.create_sheet("Zhanaozen")["B2"] = "https://t.me/b/2"
    made.create_sheet("notes")["A1"] = "nothing"
    made.save(path)
    assert found(path) == [("Almaty, row 1", "https://t.me/a/1"), ("Zhanaozen, row 2", "https://t.me/b/2")]


def test_a_cell_in_the_last_corner(tmp_path: Path) -> None:
    made, path = book(tmp_path)
    made.active["A1"] = "https://t.me/a/1"
    made.active["A1048576"] = "https://t.me/a/2"
    made.active["XFD1048576"] = "seen"
    made.active["XFD1048575"] = "=A1"
    made.save(path)
    assert found(path) == [("row 1", "https://t.me/a/1"), ("row 1048576", "https://t.me/a/2")]


@pytest.mark.parametrize(
    "asked",
    [
        '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>',
        '<hyperlinks><hyperlink ref="$A$1:$XFD$1048576" location="x"/></hyperlinks>',
    ],
)
def test_a_range_that_asks_for_days(tmp_path: Path, asked: str) -> None:
    made, path = book(tmp_path)
    made.active["A1"] = "https://t.me/a/1"
    made.save(path)
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", b"</sheetData>" + asked.encode())
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    with pytest.raises(UsageError, match="more than 2,000,000 cells"):
        read(path)


def test_a_spreadsheet_that_unpacks_beyond_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, path = book(tmp_path)
    made.active["A1"] = "https://t.me/a/1"
    made.save(path)
    assert len(found(path)) == 1
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/media/more.bin", bytes(3 << 20))
    monkeypatch.setattr("archiver.capture.link_lists.XLSX_LIMIT", 2 << 20)
    with pytest.raises(UsageError, match="unpacks to more than 2 MiB"):
        read(path)


def test_an_open_document_that_repeats_beyond_measure(tmp_path: Path) -> None:
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    cells = '<t:table-cell t:number-columns-repeated="9999"><x:p>a</x:p></t:table-cell>' * 9
    content = (
        f'<o:c xmlns:o="{office}office:1.0" xmlns:t="{office}table:1.0" xmlns:x="{office}text:1.0">'
        f'<t:table><t:table-row t:number-rows-repeated="1048576">{cells}</t:table-row></t:table></o:c>'
    )
    path = tmp_path / "links.ods"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("content.xml", content)
    with pytest.raises(UsageError, match="more than 2,000,000 cells"):
        read(path)


@pytest.mark.thorough("parsers")
def test_thousands_of_rows(tmp_path: Path) -> None:
    many = 50_000 if SOAK else 5_000
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet("all")
    sheet.append(["no", "link"])
    for number in range(many):
        sheet.append([number, f"https://t.me/a/{number + 1}"])
    path = tmp_path / "many.xlsx"
    made.save(path)
    entries = found(path)
    assert (len(entries), entries[-1]) == (many, (f"row {many + 1}", f"https://t.me/a/{many}"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Save it as XLSX or CSV"),
        ("broken.xlsx", b"PK\x03\x04 this is no zip", "Save it again"),
        ("empty.csv", b"", "links in the list"),
        ("none.csv", b"a,b\n1,2\n", "links in the list"),
    ],
)
def test_lists_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        read(path)
    assert said in str(raised.value)


@pytest.mark.parametrize("column", ["Ссылка", "²", "3", "9" * 5000])
def test_a_column_that_is_not_there(tmp_path: Path, column: str) -> None:
    path = tmp_path / "links.csv"
    path.write_text("no,link\n1,https://t.me/a/1\n")
    with pytest.raises(UsageError, match="no, link"):
        read(path, column)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read(tmp_path / "none.csv")


# -- whole lists -----------------------------------------------------------------------------------------------------

NIGHT = """link
https://youtu.be/Zh5janSq001
https://t.me/ozen_today/12
https://www.youtube.com/watch?v=Zh5janSq001&list=PL1
https://x.com/i/status/1478660000000000001
https://x.com/i/status/1478660000000000008
https://youtu.be/B0tWa11Vid0
gone
https://blog.ozen.example/2011/12/17/square?utm_source=x
https://blog.ozen.example/2011/12/17/square
"""


def night(shell: Shell | Commands, tmp_path: Path, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    path, sheet = tmp_path / "night.csv", tmp_path / "sheet.csv"
    path.write_text(NIGHT)
    code, _, _ = shell("capture", "--list", str(path), "--sheet", str(sheet), *words)
    with open(sheet, encoding="utf-8-sig", newline="") as stream:
        return code, {row["row"]: row for row in csv.DictReader(stream)}


class FirstNight(Commands):
    """A home in which the list was captured once, and how that ended."""

    def __init__(self, folder: Path, world: World) -> None:
        super().__init__(plain_home(folder / "home").path, world.network)
        self.code, self.rows = night(self, folder)


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory, world: World) -> FirstNight:
    return FirstNight(tmp_path_factory.mktemp("night"), world)


@pytest.fixture
def next_day(first_night: FirstNight, shell: Shell) -> Shell:
    """A shell whose home is a copy of that one."""
    shutil.rmtree(shell.home)
    shutil.copytree(first_night.home, shell.home)
    return shell


def test_a_night_of_links(first_night: FirstNight) -> None:
    shell, rows = first_night, first_night.rows
    assert first_night.code == 4
    assert {where: row["status"] for where, row in rows.items()} == {
        "row 2": "kept whole",
        "row 3": "kept whole",
        "row 4": "same as another row",
        "row 5": "kept whole",
        "row 6": "not available",
        "row 7": "stopped by the site",
        "row 8": "not a link",
        "row 9": "kept whole",
        "row 10": "same as another row",
    }
    assert rows["row 4"]["reason"] == "the same video as row 2"
    assert (rows["row 2"]["files kept"], rows["row 3"]["files kept"]) == ("5", "2")
    assert shell("check", "--quiet")[0] == 0


def test_quick_takes_what_vanishes_first(shell: Shell, world: World, tmp_path: Path) -> None:
    code, rows = night(shell, tmp_path, "--quick", "--at-once", "1", "--comments")
    assert code == 4
    hosts = [asked.host for asked in world.served.log]
    assert hosts.index("t.me") < hosts.index("cdn.syndication.twimg.com") < hosts.index("www.youtube.com")
    assert hosts.index("www.youtube.com") < hosts.index("blog.ozen.example")
    paths = [asked.path for asked in world.served.log]
    assert paths.index("/square.mp4") < paths.index("/api/timedtext"), "captions come in the second pass"
    assert paths.count("/videoplayback") == 2, "the media are fetched once"
    assert rows["row 2"]["second pass"].endswith("(kept whole)")
    assert rows["row 3"]["second pass"] == ""
    assert "Сатпаева" in shell("find", "Сатпаева")[1]


def test_the_same_list_again_tries_only_what_was_blocked(next_day: Shell, world: World, tmp_path: Path) -> None:
    shell = next_day
    video = world.youtube.videos["B0tWa11Vid0"]
    good = world.youtube.videos["Zh5janSq001"]
    before = dict(video.__dict__)
    video.__dict__.update({**good.__dict__, "id": "B0tWa11Vid0"})
    try:
        code, rows = night(shell, tmp_path)
    finally:
        video.__dict__.update(before)
    assert {asked.query.get("v") for asked in world.served.log if asked.path == "/watch"} == {"B0tWa11Vid0"}
    assert "t.me" not in {asked.host for asked in world.served.log}
    assert rows["row 7"]["status"] == "kept whole"
    assert rows["row 3"]["capture"], "rows that were done before keep their capture"
    assert code == 3
    world.served.log.clear()
    night(shell, tmp_path)
    assert "t.me" in {asked.host for asked in world.served.log}, "a finished list is captured anew"


def test_restart_begins_anew(next_day: Shell, world: World, tmp_path: Path) -> None:
    night(next_day, tmp_path, "--restart")
    assert "t.me" in {asked.host for asked in world.served.log}


def test_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    links = b"https://t.me/ozen_today/13\nhttps://t.me/ozen_today/13?embed=1\n"
    monkeypatch.setattr("archiver.cli.commands.capture.sys.stdin", io.TextIOWrapper(io.BytesIO(links)))
    code, out, _ = shell("capture", "--list", "-")
    assert code == 0
    assert "2 rows, 1 different links" in out
    [sheet] = (shell.home / "lists").glob("*/results.xlsx")
    shown: Any = openpyxl.load_workbook(sheet).active
    assert [cell.value for cell in shown["E"]] == ["status", "kept whole", "same as another row"]


def test_killed_in_the_middle_it_goes_on(shell: Shell, world: World, tmp_path: Path) -> None:
    """`kill -9` while a list runs: what was sealed is not asked for again, and every row gets its end."""
    links = [f"https://t.me/ozen_today/{number}" for number in range(22, 34)]
    path = tmp_path / "list.txt"
    path.write_text("\n".join(links))
    assert world.network.roots is not None
    routes = {key: list(value) for key, value in world.network.routes.items()}
    program = (
        "import json,sys;from pathlib import Path;from archiver.cli.main import main;"
        "from archiver.recorder.network import TestNetwork;from archiver.recorder.tls import Roots\n"
        "o=json.loads(sys.argv[1]);n=TestNetwork({k:tuple(v) for k,v in o['routes'].items()},Roots(Path(o['roots']),'t'))\n"
        "main(['capture','--list',o['list'],'--home',o['home'],'--at-once','1'],n,{})"
    )
    import json

    order = {"routes": routes, "roots": str(world.network.roots.path), "list": str(path), "home": str(shell.home)}
    child = subprocess.Popen([sys.executable, "-c", program, json.dumps(order)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    done = 0
    for line in child.stdout:  # killed after the fifth result was said
        done += "captured" in line
        if done == 5:
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    world.served.log.clear()
    code, out, _ = shell("capture", "--list", str(path))
    assert code == 0
    again = {asked.path for asked in world.served.log if asked.path.startswith("/ozen_today/")}
    assert 6 <= len(again) <= 7, "one may have been captured and not yet noted"
    assert "12 kept whole" in out
    assert shell("check", "--quiet")[0] == 0


def test_a_secret_in_a_link_is_not_on_the_sheet(shell: Shell, tmp_path: Path) -> None:
    shell.environment["ARCHIVER_SECRETS"] = "Zx81-token-in-a-link"
    path = tmp_path / "list.txt"
    path.write_text("https://blog.ozen.example/2011/12/17/square?token=Zx81-token-in-a-link\n")
    shell("capture", "--list", str(path))
    for file in shell.home.rglob("*"):
        if file.is_file():
            assert b"Zx81-token-in-a-link" not in file.read_bytes(), file


def test_another_page_is_never_captured_for_a_link_with_a_blank(shell: Shell, world: World, tmp_path: Path) -> None:
    path = tmp_path / "links.txt"
    path.write_text("https://blog.ozen.example/2011/12/17/square b\n")
    code, _, _ = shell("capture", "--list", str(path), "--sheet", str(tmp_path / "sheet.csv"))
    assert (code, world.served.log) == (1, [])
    assert "%20" in (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig")


LOCKED = "https://user:hunter2@blog.ozen.example/2011/12/17/square"


@pytest.mark.parametrize(
    "words",
    [
        ("capture", LOCKED),
        ("capture", "--list", "LIST"),
        ("crawl", LOCKED),
        ("jobs", "add", LOCKED),
        ("schedule", "add", f"capture {LOCKED} every 1h"),
        ("schedule", "add", LOCKED),
        ("watch", "add", LOCKED),
        ("feed", "add", f"{LOCKED}.rss"),
        ("record", "--about", LOCKED, "--", "true"),
    ],
    ids=" ".join,
)
def test_a_link_with_a_password_is_refused_and_kept_nowhere(
    shell: Shell, world: World, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{LOCKED}\nuser:hunter2@x.example/\nhttps://user:hunt hunter2@x.example/\n")
    code, out, err = shell(*(str(path) if word == "LIST" else word for word in words))
    assert (code, world.served.log) == (1, [])
    assert "hunter2" not in out + err
    for file in shell.home.rglob("*"):
        if file.is_file():
            assert b"hunter2" not in file.read_bytes(), file
    if "--list" in words:
        [sheet] = shell.home.rglob("results.csv")
        assert "withheld@" in sheet.read_text(encoding="utf-8-sig")


def test_failures_among_many_links(shell: Shell, world: World, tmp_path: Path) -> None:
    """Thirty links with failures and a wall between them: all are attempted, and the sheet is right."""
    links = [f"https://blog.ozen.example/2011/12/17/square?n={number}" for number in range(25)]
    links += ["https://blog.ozen.example/missing", "https://blog.ozen.example/limited", "https://nosuch.ozen.example/"]
    links += ["https://youtu.be/B0tWa11Vid0", "https://youtu.be/Pr1vateVid0"]
    path, sheet = tmp_path / "list.txt", tmp_path / "sheet.csv"
    path.write_text("\n".join(links))
    world.news.trouble["/style.css"] = Answer(404, "text/plain", b"")
    code, out, _ = shell("capture", "--list", str(path), "--sheet", str(sheet), "--no-media", "--at-once", "8")
    assert code == 4
    with open(sheet, encoding="utf-8-sig", newline="") as stream:
        status = [row["status"] for row in csv.DictReader(stream)]
    assert status[:25] == ["kept whole"] * 25
    assert status[25:] == [
        "not available",
        "stopped by the site",
        "failed on our side",
        "stopped by the site",
        "not shown to us",
    ]
    assert "25 kept whole" in out


EXEMPT = {
    "second_proxy",
    "oldest_first",
    "holes",
    "since",
    "until",
    "limit",
    "media_reason",
    "extras_only",
    "page_media",
}
"""Options that no `capture --list` sets, or that follow from others."""
OTHER: dict[str, Any] = {"cases": ("almaty",), "account": "field-1"}


def test_a_list_is_gone_on_with_only_by_the_same_options(home: Home) -> None:
    """Every option that changes what a capture holds; who asks is one of them."""
    entries = [Entry("", "https://t.me/ozen_today/16")]

    def key(**changed: Any) -> str:
        return Batch(home, entries, replace(CaptureOptions(), **changed), lambda event: None).key

    names = {field.name for field in fields(CaptureOptions)} - EXEMPT
    keys = {
        name: key(**{name: OTHER.get(name, not getattr(CaptureOptions(), name))})
        for name in names
        if not name.startswith("part_")
    }
    assert len({key(), key(account="field-2"), *keys.values()}) == len(keys) + 2, keys


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder"):
        read(tmp_path)
