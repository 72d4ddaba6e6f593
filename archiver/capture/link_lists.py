"""Reading lists of links as people keep them: text, CSV, spreadsheets, standard input.

Nothing in a list disappears: each cell of the links' column gives its links, or a row that says that it holds none.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from archiver.capture.links_in_text import links_in, links_of
from archiver.errors import UsageError
from archiver.home.paths import given_path
from storage.errors import disk_error

SIZE_LIMIT = 200 << 20
_FORMULA = re.compile(r"=\s*HYPERLINK\s*\(\s*\"((?:[^\"]|\"\")*)\"", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One link of a list, or a row that should have held one. `where`: as a person finds it, like `row 7`."""

    where: str
    text: str
    is_link: bool = True
    place: tuple[str, int] | None = field(default=None, compare=False)
    """Sheet and row of a table; None in plain text."""


@dataclass(frozen=True)
class TableFile:
    """The file of a table as it was read: `kind` is xlsx, ods or csv; `rows` are those of its sheets."""

    path: Path
    kind: str
    data: bytes
    rows: Mapping[str, list[tuple[int, list[str]]]]
    mark: str = ","
    """What stands between the cells of a CSV file."""


@dataclass(frozen=True)
class ListRead:
    """Links that were read from a list. `column`: heading of the column that they stood in; None for plain text."""

    entries: tuple[Entry, ...]
    column: str | None = None
    notes: tuple[str, ...] = ()
    """What a person should know: links in other columns, sheets that were passed over."""
    headings: Mapping[str, int | None] = field(default_factory=dict, compare=False)
    """The row with the headings of each sheet that links were read from; None where the links begin in the first row."""
    table: TableFile | None = field(default=None, compare=False, repr=False)


Cells = list[str]


@dataclass
class _Table:
    name: str
    rows: list[tuple[int, Cells]]


def read_list(source: str, column: str | None, stdin: IO[bytes]) -> ListRead:
    """Read the links of a file, or of standard input for `-`. Raises `UsageError`, `DiskError`."""
    if source == "-":
        return _text(_decoded(stdin.read(SIZE_LIMIT)), "line")
    path = given_path(source)
    if path.is_dir():
        raise UsageError(f"a list at {source}", "a folder", "Name the file in it.")
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= SIZE_LIMIT else b""
    except FileNotFoundError as error:
        raise UsageError(f"a list {source}", "no such file", "Check the name. Use - to read standard input.") from error
    except OSError as error:
        raise disk_error(error, f"reading {path.name}") from error
    if size > SIZE_LIMIT:
        raise UsageError(f"a list below {SIZE_LIMIT >> 20} MiB", f"{size >> 20} MiB", "Split it.")
    if data.startswith(b"PK\x03\x04"):
        kind = "ods" if ODS in data[:200] else "xlsx"
        return _of_file(path, kind, data, _ods(path) if kind == "ods" else _spreadsheet(path), column)
    if data.startswith(b"\xd0\xcf\x11\xe0") or path.suffix.lower() in (".xls", ".ods", ".numbers"):
        raise UsageError(
            "a list as text, CSV, XLSX or ODS",
            f"{path.name}, an old or locked spreadsheet",
            "Save it as XLSX or CSV without a password.",
        )
    text = _decoded(data)
    if path.suffix.lower() in (".csv", ".tsv") or column is not None:
        table, mark = _csv(text)
        return _of_file(path, "csv", text.encode("utf-8", "surrogatepass"), [table], column, mark)
    return _text(text, "line")


def _decoded(data: bytes) -> str:
    """By its byte order mark, as UTF-8, or as what Excel writes in Cyrillic countries."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1251", "replace")


def _text(text: str, unit: str) -> ListRead:
    """One or more links a line; `#` starts a comment."""
    entries: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip().strip("\x00")
        if not line or line.startswith("#"):
            continue
        links = links_of(line)
        if not links and re.fullmatch(r"[\w.-]+\.[a-zа-я]{2,}(?:/\S*)?", line, re.IGNORECASE):
            links = [line]
        entries += [Entry(f"{unit} {number}", link) for link in links] or [Entry(f"{unit} {number}", line, False)]
    return ListRead(tuple(entries))


def _of_file(path: Path, kind: str, data: bytes, tables: list[_Table], column: str | None, mark: str = ",") -> ListRead:
    file = TableFile(path, kind, data, {table.name: table.rows for table in tables}, mark)
    return replace(_tables(tables, column), table=file)


def _csv(text: str) -> tuple[_Table, str]:
    """A table, and the mark between its cells."""
    text = text.replace("\x00", "")
    sample = text[:8192]
    first = re.match(r"sep=(.)\r?\n", sample)  # Excel's own hint
    counts = {mark: sample.count(mark) for mark in ",;\t"}
    mark = first[1] if first else max(counts, key=lambda item: counts[item])
    rows = []
    try:
        reader = csv.reader(io.StringIO(text[first.end() :] if first else text, newline=""), delimiter=mark)
        csv.field_size_limit(1 << 20)
        for row in reader:
            rows.append((reader.line_num + (1 if first else 0), row))
    except csv.Error as error:
        raise UsageError(
            "a CSV file", str(error), "Save it as CSV again, or give the links as text, one a line."
        ) from error
    return _Table("", rows), mark


def _spreadsheet(path: Path) -> list[_Table]:
    """XLSX. A cell counts by its hyperlink, its `HYPERLINK` formula, its last computed value, or its text."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _keep_within_bounds(path)
        book = openpyxl.load_workbook(path)
        cells = {sheet.title: dict(sorted(sheet._cells.items())) for sheet in book.worksheets}
        computed: dict[str, Any] = {}
        if any(cell.data_type == "f" for some in cells.values() for cell in some.values()):
            values = openpyxl.load_workbook(path, data_only=True)
            computed = {sheet.title: sheet._cells for sheet in values.worksheets}
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OSError,
        EOFError,
    ) as error:
        raise UsageError(
            "a readable spreadsheet", f"{path.name}: {str(error)[:120]}", "Save it again as XLSX, or as CSV."
        ) from error
    return [_Table(title, _rows(path, some, computed.get(title, {}))) for title, some in cells.items()]


def _rows(path: Path, cells: Mapping[tuple[int, int], Any], computed: Mapping[tuple[int, int], Any]) -> list[Any]:
    """Make rows of the cells that are there: the last of them may lie at XFD1048576, with nothing before it."""
    rows: list[tuple[int, Cells]] = []
    total = 0
    for (number, column), cell in cells.items():
        if not rows or rows[-1][0] != number:
            rows.append((number, []))
        row = rows[-1][1]
        total += column - len(row)
        if total > CELLS_LIMIT:
            raise _too_large(path, f"more than {CELLS_LIMIT:,} cells")
        row += [""] * (column - 1 - len(row))
        row.append(_cell(cell, computed.get((number, column))))
    return rows


def _keep_within_bounds(path: Path) -> None:
    """Look at what a workbook would unpack to, before it is read: a few kilobytes can ask for gigabytes, and for days.

    Ranges count as the cells that they are made into. Raises `UsageError`, and what a damaged file raises.
    """
    from lxml import etree

    cells = 0
    with zipfile.ZipFile(path) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > XLSX_LIMIT:
            raise _too_large(path, f"one that unpacks to more than {XLSX_LIMIT >> 20} MiB")
        for entry in packed.infolist():
            if not entry.filename.lower().endswith(".xml"):
                continue
            with packed.open(entry) as stream:
                try:
                    for _, element in etree.iterparse(stream, tag=_CELLS, resolve_entities=False, no_network=True):
                        cells += _area(element.get("ref") or "")
                        element.clear()
                        while element.getprevious() is not None:
                            del element.getparent()[0]
                        if cells > CELLS_LIMIT:
                            raise _too_large(path, f"more than {CELLS_LIMIT:,} cells")
                except etree.XMLSyntaxError as error:
                    raise ValueError(str(error)) from error


def _area(reference: str) -> int:
    """Return how many cells a range has; 1 where it is none."""
    found = _RANGE.fullmatch(reference.replace("$", ""))
    if found is None:
        return 1
    return (abs(_column(found[3]) - _column(found[1])) + 1) * (abs(int(found[4]) - int(found[2])) + 1)


def _column(letters: str) -> int:
    """Return the number of a column: 1 for A, 27 for AA."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _too_large(path: Path, found: str) -> UsageError:
    return UsageError("a spreadsheet of ordinary size", f"{path.name}: {found}", "Save the links alone, as CSV.")


ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
UNPACKED_LIMIT = 500 << 20
XLSX_LIMIT = 200 << 20
ROWS_LIMIT = 1_000_000
CELLS_LIMIT = 2_000_000
_CELLS = ("{*}c", "{*}mergeCell", "{*}hyperlink")
_RANGE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7}):([A-Za-z]{1,3})([0-9]{1,7})")


def _ods(path: Path) -> list[_Table]:
    """OpenDocument (part 3, 9.1): a cell counts by the link in it, by the link of its `HYPERLINK` formula, or by its text."""
    from lxml import etree

    try:
        with zipfile.ZipFile(path) as packed:
            if packed.getinfo("content.xml").file_size > UNPACKED_LIMIT:
                raise UsageError("a spreadsheet of ordinary size", "one that unpacks to gigabytes", "Save it as CSV.")
            with packed.open("content.xml") as stream:
                tables: list[_Table] = []
                number = total = 0
                events = etree.iterparse(
                    stream, events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=True
                )
                for event, element in events:
                    if event == "start" and element.tag == f"{{{_OFFICE}table:1.0}}table":
                        tables.append(_Table(element.get(f"{{{_OFFICE}table:1.0}}name") or "", []))
                        number = 0
                    elif event == "end" and element.tag == f"{{{_OFFICE}table:1.0}}table-row" and tables:
                        cells = _ods_cells(element)
                        times = _repeated(element, "number-rows-repeated") if any(cells) else 1
                        total += len(cells) * times
                        if total > CELLS_LIMIT:
                            raise _too_large(path, f"more than {CELLS_LIMIT:,} cells")
                        for again in range(min(times, ROWS_LIMIT - len(tables[-1].rows))):
                            tables[-1].rows.append((number + 1 + again, cells))
                        number += _repeated(element, "number-rows-repeated")
                        element.clear()
                return tables
    except (
        zipfile.BadZipFile,
        KeyError,
        etree.XMLSyntaxError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise UsageError(
            "a readable spreadsheet",
            f"{path.name}: {str(error)[:120]}",
            "Save it again without a password, or as CSV.",
        ) from error


def _repeated(element: Any, name: str) -> int:
    text = element.get(f"{{{_OFFICE}table:1.0}}{name}") or "1"
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def _ods_cells(row: Any) -> Cells:
    cells: Cells = []
    for cell in row:
        if cell.tag not in (f"{{{_OFFICE}table:1.0}}table-cell", f"{{{_OFFICE}table:1.0}}covered-table-cell"):
            continue
        text = "\n".join("".join(line.itertext()) for line in cell.iterfind(f"{{{_OFFICE}text:1.0}}p"))
        formula = _FORMULA.search(cell.get(f"{{{_OFFICE}table:1.0}}formula") or "")
        target = next(
            (link.get("{http://www.w3.org/1999/xlink}href") for link in cell.iter(f"{{{_OFFICE}text:1.0}}a")), None
        )
        if formula:
            text = formula[1].replace('""', '"')
        elif target and not links_in(text):
            text = target
        cells += [text] * min(_repeated(cell, "number-columns-repeated"), 1000)
    while cells and not cells[-1]:
        cells.pop()  # a row ends with one empty cell that is repeated to the edge of the sheet
    return cells


def entries_of_rows(rows: list[list[str]], column: str | None) -> ListRead:
    """Read the links of a table that is not in a file. Raises `UsageError`."""
    return _tables([_Table("", [(number, row) for number, row in enumerate(rows, 1)])], column)


def _cell(cell: Any, computed: Any) -> str:
    link = getattr(cell, "hyperlink", None)
    target = getattr(link, "target", None)
    value = cell.value
    text = "" if value is None else str(value)
    if cell.data_type == "f":
        if match := _FORMULA.match(text):
            return match[1].replace('""', '"')
        known = getattr(computed, "value", None)
        text = "" if known is None else str(known)
    if target and not links_in(text):
        return str(target)
    return text


# -- which column ---------------------------------------------------------------------------------------------------


def _tables(tables: list[_Table], column: str | None) -> ListRead:
    entries: list[Entry] = []
    notes: list[str] = []
    named: str | None = None
    headings: dict[str, int | None] = {}
    several = sum(1 for table in tables if _links_by_column(table)) > 1
    for table in tables:
        counts = _links_by_column(table)
        if column is not None:
            index = _named_column(table, column)
            if index is None:
                if len(tables) == 1:
                    raise UsageError(
                        f"a column {column!r}", _columns(table), "Name it by its heading, letter or number."
                    )
                notes.append(f"the sheet {table.name} has no column {column!r} and was skipped")
                continue
        elif counts:
            index = max(counts, key=lambda item: (counts[item], -item))
        else:
            continue
        others = [f"{_letter(other)} ({count})" for other, count in sorted(counts.items()) if other != index]
        if others:
            place = f" of {table.name}" if several else ""
            notes.append(f"there are also links in column {', '.join(others)}{place}; choose another with --column")
        named = named or _heading(table, index)
        headings[table.name] = _heading_row(table, index)
        entries += _entries(table, index, several)
    if not entries and not any(_links_by_column(table) for table in tables):
        raise UsageError("links in the list", "none", "Check the file, or name the column of links with --column.")
    return ListRead(tuple(entries), named, tuple(notes), headings)


def _links_by_column(table: _Table) -> dict[int, int]:
    counts: dict[int, int] = {}
    for _, cells in table.rows:
        for index, cell in enumerate(cells):
            if cell and links_in(cell):
                counts[index] = counts.get(index, 0) + 1
    return counts


def _first_link(table: _Table, index: int) -> int | None:
    return next((at for at, (_, cells) in enumerate(table.rows) if index < len(cells) and links_in(cells[index])), None)


def _heading(table: _Table, index: int) -> str:
    first = _first_link(table, index)
    for _, cells in reversed(table.rows[: first or 0]):
        if index < len(cells) and cells[index].strip():
            return cells[index].strip()
    return _letter(index)


def _entries(table: _Table, index: int, several: bool) -> list[Entry]:
    """From the first link on; what stands above it is headings and titles."""
    first = _first_link(table, index)
    entries = []
    for number, cells in table.rows[first or 0 :]:
        text = cells[index].strip() if index < len(cells) else ""
        where = f"{table.name}, row {number}" if several else f"row {number}"
        if not text:
            continue
        links = links_of(text)
        place = (table.name, number)
        entries += [Entry(where, link, place=place) for link in links] or [Entry(where, text[:200], False, place)]
    return entries


def _heading_row(table: _Table, index: int) -> int | None:
    """The row above the first link in which the column has its heading; None where there is none."""
    above = table.rows[: _first_link(table, index) or 0]
    return next((number for number, cells in reversed(above) if index < len(cells) and cells[index].strip()), None)


def _named_column(table: _Table, name: str) -> int | None:
    wanted = name.strip().casefold()
    for _, cells in table.rows[:20]:
        for index, cell in enumerate(cells):
            if cell.strip().casefold() == wanted:
                return index
    width = max((len(cells) for _, cells in table.rows), default=0)
    if wanted.isdecimal() and len(wanted) < 8 and 1 <= int(wanted) <= width:
        return int(wanted) - 1
    if re.fullmatch(r"[a-z]{1,2}", wanted):
        index = 0
        for letter in wanted:
            index = index * 26 + ord(letter) - ord("a") + 1
        return index - 1 if index <= width else None
    return None


def _letter(index: int) -> str:
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _columns(table: _Table) -> str:
    row = next((cells for _, cells in table.rows if any(cell.strip() for cell in cells)), [])
    return "columns: " + (", ".join(cell.strip() for cell in row if cell.strip())[:200] or "none")
