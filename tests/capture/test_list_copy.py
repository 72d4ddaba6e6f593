"""A person's list comes back with our columns beside theirs, and theirs as they were."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font, PatternFill

from archiver.capture.link_lists import ListRead, read_list
from archiver.capture.list_copy import NAMES, copied
from archiver.capture.result_sheet import Row
from archiver.capture.workbook_copy import NotCopied

ROWS = 300
SHA = "ab" * 32


def workbook(path: Path, rows: int = ROWS) -> Path:
    """As an investigator keeps one: a title over merged cells, headings in row three, Cyrillic, formulas, dates, a chart."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "Ссылки"
    sheet["A1"] = "Жаңаөзен, 16 желтоқсан 2011"
    sheet["A1"].font = Font(bold=True, size=20)
    sheet.merge_cells("A1:F1")
    for at, text in enumerate(("№", "Дата", "Источник", "Ссылка", "Кто нашёл", "Сумма"), 1):
        sheet.cell(3, at, text).fill = PatternFill("solid", fgColor="FFFF00")
    for number in range(1, rows + 1):
        row = number + 3
        sheet.cell(row, 1, number)
        sheet.cell(row, 2, datetime(2011, 12, 17)).number_format = "DD.MM.YYYY"
        sheet.cell(row, 3, f"очевидец {number}").font = Font(italic=True, color="FF0000")
        sheet.cell(row, 4, f"https://t.me/ozen_today/{number}")
        sheet.cell(row, 6, f"=A{row}*2")
    sheet.freeze_panes = "A4"
    sheet.protection.sheet = True
    sheet.column_dimensions["D"].width = 40
    notes = book.create_sheet("Заметки")
    notes["A1"] = "не для печати"
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=1, min_row=3, max_row=8), titles_from_data=True)
    notes.add_chart(chart, "C3")
    book.save(path)
    return path


def changed(path: Path, **parts: tuple[str, str] | bytes) -> Path:
    """Change parts of a packed file: a pattern and what stands in its place, or a new part. `__` in a name is `/`."""
    with zipfile.ZipFile(path) as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    for name, change in parts.items():
        place = name.replace("__", "/").replace("_xml", ".xml").replace("_bin", ".bin")
        if isinstance(change, bytes):
            held[place] = change
        else:
            held[place], count = re.subn(change[0].encode(), change[1].encode(), held[place])
            assert count, place
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in held.items():
            packed.writestr(name, data)
    return path


def sheet_of(path: Path, number: int) -> str:
    with zipfile.ZipFile(path) as packed:
        return packed.read(f"xl/worksheets/sheet{number}.xml").decode()


def results(read: ListRead) -> dict[tuple[str, int], list[Row]]:
    found: dict[tuple[str, int], list[Row]] = {}
    for entry in read.entries:
        assert entry.place is not None
        row = Row(
            entry.where, entry.text, status="kept whole", title="Алаң <&>", words="=1+1", posts="1", files="2", sha256=SHA,
            author="Озен", published="2011-12-17T10:00:00Z",
        )  # fmt: skip
        found.setdefault(entry.place, []).append(row)
    return found


def copy(path: Path) -> bytes:
    read = read_list(str(path), None, io.BytesIO())
    assert read.table is not None
    before = path.read_bytes()
    made = copied(read.table, read.headings, results(read))
    assert path.read_bytes() == before, "the person's own file is never written to"
    return made


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = workbook(tmp_path_factory.mktemp("lists") / "links.xlsx")
    # Values that were computed, as Excel leaves them; the chart's picture; a macro.
    changed(path, xl__worksheets__sheet1_xml=(r"<f>A(\d+)\*2</f><v ?/?>(</v>)?", r"<f>A\1*2</f><v>\1</v>"))
    return changed(path, **{"xl/media/image1.png": b"\x89PNG a picture"})


@pytest.fixture(scope="module")
def ours(theirs: Path) -> Path:
    path = theirs.with_name("copy.xlsx")
    path.write_bytes(copy(theirs))
    return path


def test_three_hundred_rows_come_back_with_ours_beside_theirs(theirs: Path, ours: Path) -> None:
    first, second = openpyxl.load_workbook(theirs), openpyxl.load_workbook(ours)
    assert second.sheetnames == [*first.sheetnames, "archiver"]
    for name in first.sheetnames:
        before, after = first[name], second[name]
        assert [str(area) for area in after.merged_cells.ranges] == [str(area) for area in before.merged_cells.ranges]
        assert (after.freeze_panes, after.protection.sheet) == (before.freeze_panes, before.protection.sheet)
        for row in before.iter_rows():
            for cell in row:
                same = after[cell.coordinate]
                formats = [(one.value, one.number_format, repr(one.font), repr(one.fill)) for one in (same, cell)]
                assert formats[0] == formats[1]
    sheet: Any = second["Ссылки"]
    assert [cell.value for cell in sheet[3]][6:] == NAMES, "beside their headings in row three"
    heads = {cell.value: at for at, cell in enumerate(sheet[3])}
    for number in (1, ROWS):
        cells = sheet[number + 3]
        assert cells[heads["status"]].value == "kept whole"
        assert (cells[heads["posts"]].value, cells[heads["files kept"]].value) == (1, 2), "numbers are numbers"
        assert cells[heads["SHA-256"]].value == SHA
        title = cells[heads["title"]]
        assert (title.value, title.hyperlink.target) == ("Алаң <&>", f"https://t.me/ozen_today/{number}")
        assert (cells[heads["words"]].value, cells[heads["words"]].data_type) == ("'=1+1", "s"), (
            "no formula of a stranger"
        )
    assert sheet.auto_filter.ref == f"A3:U{ROWS + 3}"
    assert len(second["Заметки"]._charts) == 1


def test_what_is_theirs_stays_the_same_bytes(theirs: Path, ours: Path) -> None:
    with zipfile.ZipFile(theirs) as before, zipfile.ZipFile(ours) as after:
        added = {"xl/worksheets/archiver.xml", "xl/worksheets/_rels/sheet1.xml.rels"}
        assert set(after.namelist()) == set(before.namelist()) | added
        same = {name for name in before.namelist() if before.read(name) == after.read(name)}
        assert {
            "xl/media/image1.png",
            "xl/charts/chart1.xml",
            "xl/worksheets/sheet2.xml",
        } <= same
    values = openpyxl.load_workbook(ours, data_only=True)["Ссылки"]
    assert values["F4"].value == 4, "formulas keep the values that were computed"


def test_a_copy_can_be_a_list_again(ours: Path) -> None:
    again = openpyxl.load_workbook(io.BytesIO(copy(ours)))
    assert again.sheetnames[-1] == "archiver 2"
    assert [cell.value for cell in again["Ссылки"][3]][6:] == NAMES * 2
    assert again["Ссылки"].auto_filter.ref == f"A3:{openpyxl.utils.get_column_letter(6 + 2 * len(NAMES))}{ROWS + 3}"


def test_macros_are_left_out_and_the_copy_says_so(theirs: Path) -> None:
    path = theirs.with_name("macros.xlsm")
    path.write_bytes(theirs.read_bytes())
    kind = "application/vnd.ms-office.vbaProject"
    override = f'<Override PartName="/xl/vbaProject.bin" ContentType="{kind}"/></Types>'
    kind = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
    relation = f'<Relationship Id="rIdM" Type="{kind}" Target="vbaProject.bin"/></Relationships>'
    changed(path, xl__vbaProject_bin=b"macro")
    changed(path, **{"[Content_Types]_xml": ("</Types>", override)})
    changed(path, **{"xl___rels__workbook_xml.rels": ("</Relationships>", relation)})
    made = copy(path)
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        assert not [name for name in packed.namelist() if "vba" in name.lower()]
        assert all(b"vbaProject" not in packed.read(name) for name in packed.namelist())
    notes = [row[0].value for row in openpyxl.load_workbook(io.BytesIO(made))["archiver"].iter_rows()]
    assert any(str(note).startswith("not carried over: macros") for note in notes)


ORDER = [
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges",
    "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr",
    "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter",
    "drawing", "legacyDrawing", "tableParts", "extLst",
]  # fmt: skip
"""CT_Worksheet (ECMA-376, part 1, 18.3.1.99): Excel opens no sheet whose elements stand in another order."""


def test_the_elements_of_a_sheet_stand_in_the_order_of_its_schema(ours: Path) -> None:
    from lxml import etree

    names = [etree.QName(one).localname for one in etree.fromstring(sheet_of(ours, 1).encode())]
    assert names == sorted(names, key=ORDER.index)
    assert {"autoFilter", "hyperlinks", "sheetProtection", "mergeCells"} <= set(names)
    assert len(names) == len(set(names))


def test_headings_in_a_row_without_a_cell_of_ours_and_an_empty_row(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", 1)
    changed(path, xl__worksheets__sheet1_xml=('<row r="4".*?</row>', '<row r="4" spans="1:6"/>'))
    from archiver.capture.workbook_copy import Cell, SheetColumns, with_columns

    made = with_columns(path.read_bytes(), {"Ссылки": SheetColumns({4: [Cell("x")]}, 3)}, ["about"])
    book = openpyxl.load_workbook(io.BytesIO(made))
    assert book["Ссылки"]["G4"].value == "x"


def test_two_sheets_and_links_from_the_first_row_on(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first: Any = book.active
    first.append(["https://t.me/ozen_today/1"])
    first.append([None])
    first.append(["nothing of the kind"])
    second = book.create_sheet("b")
    second.append(["link"])
    second.append(["https://t.me/ozen_today/2 https://t.me/ozen_today/3"])
    second.auto_filter.ref = "A1:A2"
    book.save(tmp_path / "a.xlsx")
    made = openpyxl.load_workbook(io.BytesIO(copy(tmp_path / "a.xlsx")))
    assert made["Sheet"]["B1"].value == "kept whole", (
        "no row above has room for headings: the sheet of ours names the columns"
    )
    assert made["b"]["B2"].value == "kept whole\nkept whole", "two links in a cell, two results"
    assert made["b"].auto_filter.ref == f"A1:{openpyxl.utils.get_column_letter(1 + len(NAMES))}2"


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("cp1251", ";")], ids=str
)  # fmt: skip
def test_csv_comes_back_as_csv(tmp_path: Path, encoding: str, mark: str) -> None:
    path = tmp_path / "links.csv"
    cells = [
        ["Название", "ссылка"],
        ['"две\nстроки, и запятая"', "https://t.me/ozen_today/1"],
        ["=A1"],
        ["конец", "https://t.me/ozen_today/2"],
    ]
    path.write_bytes("\r\n".join(mark.join(row) for row in cells).encode(encoding))
    made = copy(path)
    assert made.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(made.decode("utf-8-sig"), newline=""), delimiter=mark))
    assert rows[0] == [*cells[0], *NAMES]
    assert rows[1][:3] == ["две\nстроки, и запятая", "https://t.me/ozen_today/1", "kept whole"]
    assert rows[2] == ["=A1"], "what is theirs stays as it was"
    assert rows[3][:3] == ["конец", "https://t.me/ozen_today/2", "kept whole"]
    assert rows[3][2 + NAMES.index("words")] == "'=1+1"


def test_an_ods_comes_back_as_a_workbook_that_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    rows = "".join(
        f"<table:table-row>{cell.format(text)}</table:table-row>" for text in ("ссылка", "https://t.me/ozen_today/1")
    )
    content = f'<o xmlns:table="{office}table:1.0" xmlns:text="{office}text:1.0"><table:table table:name="лист">{rows}</table:table></o>'
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("content.xml", content)
    book = openpyxl.load_workbook(io.BytesIO(copy(path)))
    assert [cell.value for cell in book["лист"][2]][:2] == ["https://t.me/ozen_today/1", "kept whole"]
    assert any("not carried over: formats" in str(row[0].value) for row in book["archiver"].iter_rows())


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl__worksheets__sheet1_xml", ("<sheetData>", "<sheetData></broken>")),
        ("xl__worksheets__sheet1_xml", ("^(<\\?xml.*?>)?", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>')),
        ("xl__styles_xml", ("cellXfs", "cellNone")),
    ],
)  # fmt: skip
def test_a_workbook_that_cannot_be_copied_is_refused(tmp_path: Path, part: str, change: tuple[str, str]) -> None:
    path = workbook(tmp_path / "a.xlsx", 2)
    read = read_list(str(path), None, io.BytesIO())
    changed(path, **{part: change})
    assert read.table is not None
    from dataclasses import replace

    with pytest.raises(NotCopied):
        copied(replace(read.table, data=path.read_bytes()), read.headings, results(read))
