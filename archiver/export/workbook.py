"""`data/tables.xlsx`: all tables in one workbook, numbers as numbers, with filters. The same package gives the same bytes."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archiver.export.bag import Bag
from archiver.export.profiles import PackageView
from archiver.export.tables import columns_of, rows, tables_of, value_at
from archiver.export.wacz import READ, pieces_of
from archiver.home.scratch import scratch
from archiver.text.cells import line_json
from storage.times import utc_parse

NAME = "data/tables.xlsx"
LONGEST_CELL, MOST_ROWS = 32_000, 1_000_000
"""What a sheet holds, a little below Excel's own limits; what is longer is whole in data/tables/."""
CUT = " … (cut: whole in data/tables/)"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WIDE = {"post.text": 60, "post.title": 40, "post.url": 40, "what": 40, "why": 40, "reason": 40, "key": 40, "file": 28}
_FIXED = (1980, 1, 1, 0, 0, 0)


def write_workbook(home: Path, bag: Bag, shown: PackageView, made: str) -> None:
    """Write the workbook. Raises `DiskError`."""
    if bag.has(NAME) is not None:
        return
    with scratch(home, "workbook") as folder:
        raw, fixed = folder / "raw.xlsx", folder / "fixed.xlsx"
        _save(bag, shown, made, raw)
        _without_times(raw, fixed)
        bag.write(NAME, pieces_of(fixed))


def _save(bag: Bag, shown: PackageView, made: str, path: Path) -> None:
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook(write_only=True)
    book.properties.created = book.properties.modified = utc_parse(made).replace(tzinfo=None)
    book.properties.creator = "archiver"
    for table in tables_of(shown):
        columns = columns_of(table)
        sheet = book.create_sheet(table.name)
        sheet.freeze_panes = "B2"
        for number, column in enumerate(columns, 1):
            sheet.column_dimensions[get_column_letter(number)].width = _WIDE.get(column, 18)
        head = [openpyxl.cell.WriteOnlyCell(sheet, value=column) for column in columns]
        for cell in head:
            cell.font = Font(bold=True)
        sheet.append(head)
        count = 1
        for row in _first(rows(bag, shown, table)):
            sheet.append([_cell(sheet, value_at(row, column)) for column in columns])
            count += 1
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"
    book.save(path)


def _first(found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for count, row in enumerate(found):
        if count == MOST_ROWS:
            return
        yield row


def _cell(sheet: Any, value: Any) -> Any:
    """A value of a cell: a text stays a text whatever it begins with, so that no word of a stranger is a formula."""
    import openpyxl

    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**15):
        return value
    text = value if isinstance(value, str) else line_json(value)
    text = _NOT_IN_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    cell = openpyxl.cell.WriteOnlyCell(sheet, value=text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + CUT)
    cell.data_type = "s"
    return cell


def _without_times(raw: Path, fixed: Path) -> None:
    """Pack a workbook anew, its entries without the time of today."""
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in sorted(source.infolist(), key=lambda one: (one.filename != "[Content_Types].xml", one.filename)):
            copy = zipfile.ZipInfo(entry.filename, _FIXED)
            copy.compress_type = zipfile.ZIP_DEFLATED
            if entry.filename == "docProps/core.xml":  # the library writes the time of today into it
                created = re.search(rb"<dcterms:created[^>]*>([^<]*)<", source.read(entry))
                stamp = created[1] if created else b""
                text = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, source.read(entry))
                out.writestr(copy, text)
                continue
            with source.open(entry) as content, out.open(copy, "w", force_zip64=True) as target:
                shutil.copyfileobj(content, target, READ)
