"""Reading lists of links as people keep them: text, CSV, spreadsheets, standard input.

Nothing in a list disappears: each cell of the links' column gives its links, or a row that says that it holds none.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from archiver.errors import UsageError
from archiver.home.paths import given_path
from spiders import platforms
from spiders.cleaning import clean, without_end
from spiders.links import mask_links
from storage.errors import disk_error

SIZE_LIMIT = 200 << 20
_FORMULA = re.compile(r"=\s*HYPERLINK\s*\(\s*\"((?:[^\"]|\"\")*)\"", re.IGNORECASE)
_HANDLE = re.compile(r"@[A-Za-z][A-Za-z0-9_]{2,63}")


@dataclass(frozen=True)
class Entry:
    """One link of a list, or a row that should have held one. `where`: as a person finds it, like `row 7`."""

    where: str
    text: str
    is_link: bool = True


@dataclass(frozen=True)
class ListRead:
    """Links that were read from a list. `column`: heading of the column that they stood in; None for plain text."""

    entries: tuple[Entry, ...]
    column: str | None = None
    notes: tuple[str, ...] = ()
    """What a person should know: links in other columns, sheets that were passed over."""


Cells = list[str]


@dataclass
class _Table:
    name: str
    rows: list[tuple[int, Cells]]


@lru_cache(maxsize=4)
def _link_pattern(bare_hosts: tuple[str, ...]) -> re.Pattern[str]:
    """What a link in a text looks like: with its scheme, or without one on a host that people write so."""
    # Links to what is dangerous are written so that nobody follows them by chance: hxxps://, [.] for a dot.
    hosts = "|".join(re.escape(host).replace(r"\.", r"(?:\.|\[\.\]|\(\.\))") for host in bare_hosts)
    scheme = r"h(?:tt|xx)ps?(?:\[:\]|:)//"
    # A link inside another, as archives and share buttons write them, follows one of these. Behind anything else a new
    # link begins, even without a blank.
    another = rf"(?<![/=?&#:!]){scheme}"
    rest, narrow = rf"(?:(?!{another})[^\s<>\"'|])+", rf"(?:(?!{another})[^\s<>\"'|,;])+"
    return re.compile(
        rf"{scheme}{rest}|tg:(?://)?{narrow}|(?<![\w/.@:-])(?:(?:www\.)?(?:{hosts})/{narrow}"
        rf"|(?:[\w-]+\.)+[^\W\d_]{{2,}}/(?=[^\s<>\"'|,;]*(?<=[/=?&#:!])https?://){narrow})",
        re.IGNORECASE,
    )


def _bare_hosts() -> tuple[str, ...]:
    return tuple(host for platform in platforms.PLATFORMS for host in platform.links.bare)


def links_in(text: str) -> list[str]:
    """Return the links in a piece of text, in order, each once."""
    found: dict[str, None] = {}
    for match in _link_pattern(_bare_hosts()).finditer(text):
        link = without_end(match[0])
        # Links that are set apart by nothing but a comma or semicolon end there.
        link = re.split(r"[,;](?=\s|$)", link)[0]
        found.setdefault(link)
    plain = clean(text)
    if not found and (_HANDLE.fullmatch(plain.link) or (plain.changed and len(links_in(plain.link)) == 1)):
        found.setdefault(plain.literal)
    return list(found)


def _links_of(text: str) -> list[str]:
    """Return the links of a line or cell; a single link with a blank in it whole, to be refused with its reason.

    Its beginning is another page. Such a text begins with its only link, and words follow after nothing but blanks. Words
    before the link, or a comma, full stop, tab, line end or ` # ` behind it, say where it ends. A text with a password that
    goes on behind its link stays whole too: it is masked whole.
    """
    pattern, links = _link_pattern(_bare_hosts()), links_in(text)
    if any(_goes_on(piece, links) for piece in re.split(r"[\t\r\n]", text)):
        return [text]
    if len(pattern.findall(text)) > 1:
        return links
    start = pattern.match(text)
    broken = start and start[0] == links[0] and re.match(r"[^\S\t\r\n]+(?!#\s)\S", text[start.end() :])
    return [text] if broken else links


def _goes_on(text: str, links: list[str]) -> bool:
    """Whether a password stands in a text of which its links, as they were found, hold a part or nothing."""
    masked = text
    for link in links:
        masked = masked.replace(link, mask_links(link))
    return mask_links(text) != masked


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
        return _tables(_ods(path) if ODS in data[:200] else _spreadsheet(path), column)
    if data.startswith(b"\xd0\xcf\x11\xe0") or path.suffix.lower() in (".xls", ".ods", ".numbers"):
        raise UsageError(
            "a list as text, CSV, XLSX or ODS",
            f"{path.name}, an old or locked spreadsheet",
            "Save it as XLSX or CSV without a password.",
        )
    text = _decoded(data)
    if path.suffix.lower() in (".csv", ".tsv") or column is not None:
        return _tables([_csv(text)], column)
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
        links = _links_of(line)
        if not links and re.fullmatch(r"[\w.-]+\.[a-zа-я]{2,}(?:/\S*)?", line, re.IGNORECASE):
            links = [line]
        entries += [Entry(f"{unit} {number}", link) for link in links] or [Entry(f"{unit} {number}", line, False)]
    return ListRead(tuple(entries))


def _csv(text: str) -> _Table:
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
    return _Table("", rows)


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
        entries += _entries(table, index, several)
    if not entries and not any(_links_by_column(table) for table in tables):
        raise UsageError("links in the list", "none", "Check the file, or name the column of links with --column.")
    return ListRead(tuple(entries), named, tuple(notes))


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
        links = _links_of(text)
        entries += [Entry(where, link) for link in links] or [Entry(where, text[:200], False)]
    return entries


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
