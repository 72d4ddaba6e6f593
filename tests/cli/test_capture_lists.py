"""A list on the command line: its copy, its numbering, its pace, and the channels in it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from archiver.capture.batch import Pace
from archiver.cli.batch_report import pace
from archiver.cli.console import Console
from archiver.home.home import Home
from archiver.jobs.queue import opened
from tests.conftest import Shell

LINKS = [
    "https://t.me/ozen_today/16",
    "https://t.me/s/ozen_today",
    "https://t.me/ozen_today/999999",
    "nothing",
    "https://t.me/ozen_today/12",
]


def listed(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Список", None])
    sheet.append(["№", "Ссылка"])
    for number, link in enumerate(LINKS, 1):
        sheet.append([number, link])
    book.save(folder / "links.xlsx")
    return folder / "links.xlsx"


def test_the_copy_says_what_became_of_each_row(shell: Shell, tmp_path: Path) -> None:
    path = listed(tmp_path)
    before = path.read_bytes()
    _, out, _ = shell("capture", "--list", str(path), "--walk", "--at-once", "1")
    assert path.read_bytes() == before
    [made] = (shell.home / "lists").glob("*/links with results.xlsx")
    assert f"your list     {made}" in out
    sheet: Any = openpyxl.load_workbook(made).active
    rows = [
        dict(zip([cell.value for cell in sheet[2]], [cell.value for cell in row], strict=True))
        for row in sheet.iter_rows(min_row=3)
    ]
    assert [row["№"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["status"] for row in rows] == ["kept whole", "left out", "not available", "not a link", "kept whole"]
    post = rows[0]
    assert post["words"].startswith("Төрт файл")
    assert (post["author"], post["stated time"]) == ("Өзен бүгін / Озен сегодня", "2022-01-05T10:52:00Z")
    assert (post["posts"], post["files kept"]) == (1, 5), "numbers"
    names, digests = post["file names"].split("\n"), post["SHA-256"].split("\n")
    assert (sorted(names), len(digests)) == (["photo 2", "photo 4", "video 1", "video 3"], 4)
    held = {
        row["sha256"]
        for row in Home(shell.home).catalog.database.query("SELECT sha256 FROM inventory WHERE sha256 IS NOT NULL")
    }
    assert set(digests) <= held
    # Every link has its number, whatever became of it.
    numbered = [line.split("/")[0].strip() for line in out.splitlines() if "/4 " in line[:6]]
    assert numbered == ["1", "2", "3", "4"]
    assert "is a whole channel: archiver crawl https://t.me/s/ozen_today" in out
    with opened(Home(shell.home)) as queue:
        [job] = queue.jobs(None, 10)
    assert (job.job.kind, rows[1]["what to do next"]) == ("crawl", f"queued: archiver jobs show {job.job.id}")
    assert "1 crawl queued" in out
    [plain] = (shell.home / "lists").glob("*/results.csv")
    with open(plain, encoding="utf-8-sig", newline="") as stream:
        assert next(csv.DictReader(stream))["title"] == ""


def test_the_list_itself_is_never_a_result_sheet(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("link\nhttps://t.me/ozen_today/16\n")
    code, _, err = shell("capture", "--list", str(path), "--sheet", str(path))
    assert (code, "Your file is never written to" in err) == (1, True)
    assert path.read_text() == "link\nhttps://t.me/ozen_today/16\n"


@pytest.mark.parametrize(
    ("news", "said"),
    [
        (Pace(40, 299, 40, 200), "40 of 299 · 12 links a minute · about 22 min left"),
        (Pace(298, 299, 1, 5), "298 of 299 · 12 links a minute · about a minute left"),
        (Pace(41, 1041, 1, 60), "41 of 1041 · 60 links an hour · about 16 h 40 min left"),
        (Pace(1, 2, 1, 0), "1 of 2 · 60000 links a minute · about a minute left"),
    ],
    ids=str,
)  # fmt: skip
def test_the_pace_in_words(news: Pace, said: str) -> None:
    assert pace(news) == said


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_pace_on_its_line_and_a_pipe_every_twenty_links() -> None:
    from archiver.capture.result import Progress
    from archiver.cli.batch_report import tell

    for err, lines in ((_Terminal(), 0), (io.StringIO(), 2)):
        out = io.StringIO()
        console = Console(False, out, err)
        for done in range(1, 41):
            tell(console, Pace(done, 100, done, done * 5.0))
        assert out.getvalue().count("links a minute") == lines
        console.progress(Progress("id", "https://t.me/x/1", 1, 0, 10, False))
        assert ("40 of 100 · 12 links a minute · about 5 min left" in err.getvalue()) is bool(not lines)
