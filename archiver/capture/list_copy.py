"""A copy of a person's list with our columns beside theirs. Their own file is never written to."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from archiver.capture.link_lists import ListRead, TableFile
from archiver.capture.result_sheet import ANY_OTHER, BESIDE, COLOURS, HEADINGS, NUMBERS, WIDTHS, Row, printable
from archiver.capture.workbook_copy import Cell, NotCopied, SheetColumns, letters, with_columns
from archiver.text.cells import MARK, csv_cell, spreadsheet_cell
from spiders.links import LinkProblem, read_http
from storage.errors import disk_error
from storage.files import write_synced

Places = Mapping[tuple[str, int], Sequence[Row]]
"""Rows of the result sheet by the place in the list that each stands in; a cell may hold several links."""
NAMES = [HEADINGS.get(name, name) for name in BESIDE]
MOST_TEXT = 32_000
"""Characters of a cell; a spreadsheet takes 32,767."""


def copy_name(table: TableFile) -> str:
    """Return the name of the copy of a list."""
    return f"{table.path.stem} with results.{'csv' if table.kind == 'csv' else 'xlsx'}"


def write_copy(read: ListRead, places: Places, path: Path) -> None:
    """Write the copy, as a whole or not at all. Raises `NotCopied`, `DiskError`."""
    assert read.table is not None
    data = copied(read.table, read.headings, places)
    working = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_synced(working, data)
        working.replace(path)
    except OSError as error:
        raise disk_error(error, f"writing {path.name}") from error


def copied(table: TableFile, headings: Mapping[str, int | None], places: Places) -> bytes:
    """Return the table with our columns beside theirs. Raises `NotCopied`."""
    if table.kind == "csv":
        return _csv(table, headings, places)
    columns = {name: _columns(name, headings.get(name), places) for name in table.rows if name in headings}
    lines = [
        f"This is a copy of {table.path.name} with columns added by archiver on the right of each sheet with links.",
        *(f"column {at}: {heading}" for at, heading in enumerate(NAMES, 1)),
    ]
    if table.kind == "ods":
        lines.append(
            "not carried over: formats, formulas, pictures and charts of an ODS file; its cells stand here as text"
        )
        return with_columns(_workbook(table), columns, lines)
    return with_columns(table.data, columns, lines)


def _columns(name: str, heading: int | None, places: Places) -> SheetColumns:
    rows: dict[int, Sequence[Cell]] = {
        number: [_cell(field, found) for field in BESIDE] for (sheet, number), found in places.items() if sheet == name
    }
    if heading is not None:
        rows[heading] = [Cell(text, bold=True) for text in NAMES]
    return SheetColumns(rows, heading, [WIDTHS.get(field, 18) for field in BESIDE])


def _cell(field: str, rows: Sequence[Row]) -> Cell:
    text = _text(field, rows)
    if field in NUMBERS and text.isdecimal():
        return Cell(int(text))
    link = _link(rows[0].link) if field == "title" and text else None
    fill = COLOURS.get(rows[0].status, ANY_OTHER) if field == "status" else None
    return Cell(spreadsheet_cell(printable(text))[:MOST_TEXT], link, fill)


def _text(field: str, rows: Sequence[Row]) -> str:
    return "\n".join(str(getattr(row, field)) for row in rows) if any(getattr(row, field) for row in rows) else ""


def _link(text: str) -> str | None:
    """The link that a cell leads to; none that a spreadsheet would refuse (Excel takes 2,079 characters)."""
    return text if len(text) < 2000 and not isinstance(read_http(text), LinkProblem) else None


def _csv(table: TableFile, headings: Mapping[str, int | None], places: Places) -> bytes:
    """The lines of the file as they are, each record with our cells at its end."""
    text = table.data.decode("utf-8", "surrogatepass")
    lines = list(io.StringIO(text, newline=""))
    records = next(iter(table.rows.values()))
    width = max((len(cells) for _, cells in records), default=0)
    out, at = [], 0
    for number, cells in records:
        record, at = "".join(lines[at:number]), number
        found = places.get(("", number))
        added = NAMES if number == headings.get("") else [_text(field, found) for field in BESIDE] if found else None
        if added is None:
            out.append(record)
            continue
        body = record.rstrip("\r\n")
        ours = (f'"{csv_cell(value).replace(chr(34), chr(34) * 2)}"' for value in added)
        out.append(
            body + table.mark * (width - len(cells) + 1) + table.mark.join(ours) + (record[len(body) :] or "\r\n")
        )
    return (MARK + "".join([*out, *lines[at:]])).encode("utf-8", "backslashreplace")


def _workbook(table: TableFile) -> bytes:
    """The texts of a table as a workbook."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in table.rows.items():
        sheet = book.create_sheet(name[:31] or "list")
        for number, cells in rows:
            for at, text in enumerate(cells, 1):
                if text:
                    sheet[f"{letters(at)}{number}"].value = printable(text)[:MOST_TEXT]
                    sheet[f"{letters(at)}{number}"].data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


__all__ = ["NotCopied", "copied", "copy_name", "write_copy"]
