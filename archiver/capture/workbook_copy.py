"""A copy of a person's workbook with columns added beside theirs. Pure: bytes in, bytes out.

Nothing of theirs is written anew: cells, formats, pictures, charts and formulas with their values stay the very bytes that they
were, and ours are set between them, where the parser of the XML says that a row ends. What cannot be carried over (macros, a
signature) is left out and listed on a sheet of its own. ECMA-376, part 1: 18.3 worksheets, 18.8 styles; part 2: packages.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
PLAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_BEFORE_FILTER = ("sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios")
_BEFORE_LINKS = (
    *_BEFORE_FILTER, "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr",
    "conditionalFormatting", "dataValidations", "hyperlinks",
)  # fmt: skip
"""Elements of a worksheet in the order that its schema asks for (CT_Worksheet)."""
_LAST_COLUMN = 16384
_LEFT_OUT = {
    "vbaProject": "macros: this copy has none, so that it opens without a warning",
    "_xmlsignatures/": "the digital signature: it was one of the file without the added columns",
}


class NotCopied(ValueError):
    """A workbook that cannot be copied with columns added, and why."""


@dataclass(frozen=True)
class Cell:
    """A cell of ours: a text or a number, and the link that it leads to. `fill`: colour as RRGGBB."""

    value: str | int
    link: str | None = None
    fill: str | None = None
    bold: bool = False


@dataclass
class SheetColumns:
    """What is added to one sheet: cells by row, from the first free column on. `heading`: the row of the headings."""

    rows: dict[int, Sequence[Cell]]
    heading: int | None = None
    widths: Sequence[int] = ()


@dataclass
class _Sheet:
    """What a first reading of a worksheet found; places are offsets in bytes."""

    prefix: str = ""
    width: int = 0
    last_row: int = 0
    rows: dict[int, tuple[int, int]] = field(default_factory=dict)
    data_at: int = 0
    has_columns: bool = False
    filter_at: tuple[int, int] | None = None
    after: dict[str, int] = field(default_factory=dict)
    links_end: int | None = None
    has_table: bool = False


def with_columns(data: bytes, sheets: Mapping[str, SheetColumns], about: Sequence[str]) -> bytes:
    """Return the workbook with the columns added and a sheet that says so. `about`: lines of that sheet. Raises `NotCopied`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = {entry.filename: packed.read(entry) for entry in packed.infolist() if not entry.is_dir()}
        return _zipped(_changed(parts, sheets, about))
    except (
        zipfile.BadZipFile,
        KeyError,
        etree.XMLSyntaxError,
        expat.ExpatError,
        OSError,
        RuntimeError,
        UnicodeError,
    ) as error:
        raise NotCopied(f"it is not built as spreadsheets are: {str(error)[:120]}") from error


def _changed(parts: dict[str, bytes], sheets: Mapping[str, SheetColumns], about: Sequence[str]) -> dict[str, bytes]:
    left_out = [said for mark, said in _LEFT_OUT.items() if any(mark in name for name in parts)]
    parts = {name: part for name, part in parts.items() if not any(mark in name for mark in _LEFT_OUT)}
    root = _relations(parts, "_rels/.rels")
    book_name = next(target for target, kind in root.values() if kind.endswith("/officeDocument")).lstrip("/")
    folder = posixpath.dirname(book_name)
    rels_name = f"{folder}/_rels/{posixpath.basename(book_name)}.rels"
    related = _relations(parts, rels_name)
    styles_name = next((_at(folder, to) for to, kind in related.values() if kind.endswith("/styles")), None)
    styles = _Styles(parts[styles_name]) if styles_name else None
    book = _tree(parts[book_name])
    main = etree.QName(book).namespace
    filters: list[tuple[int, str, str]] = []
    listed = list(book.iterfind(f"{{{main}}}sheets/{{{main}}}sheet"))
    for number, element in enumerate(listed):
        title = element.get("name")
        if title not in sheets:
            continue
        relation = next(value for name, value in element.attrib.items() if name.endswith("}id"))
        name = _at(folder, related[relation][0])
        place, rels = _links_of(parts, name)
        mark = _free("archiver", [one.get("Id", "") for one in rels])
        parts[name], links, area = _added(parts[name], sheets[title], styles, mark)
        if links:
            _link(rels, links, mark)
            parts[place] = _bytes(rels)
        if area:
            filters.append((number, title, area))
    if styles is not None and styles_name is not None:
        parts[styles_name] = styles.bytes()
    _name_filters(book, main, filters)
    _about_sheet(parts, book, main, rels_name, folder, [*about, *(f"not carried over: {said}" for said in left_out)])
    parts[book_name] = _bytes(book)
    _drop_relations(parts)
    return parts


def _drop_relations(parts: dict[str, bytes]) -> None:
    """Take what was left out out of the lists of parts, and say of the file that it has no macros."""
    for name in [name for name in parts if name.endswith(".rels")]:
        tree = _tree(parts[name])
        gone = [one for one in tree if any(mark.rstrip("/") in one.get("Target", "") for mark in _LEFT_OUT)]
        for one in gone:
            tree.remove(one)
        if gone:
            parts[name] = _bytes(tree)
    types = _tree(parts["[Content_Types].xml"])
    for one in list(types):
        if any(mark in one.get("PartName", "") for mark in _LEFT_OUT):
            types.remove(one)
        elif one.get("ContentType", "").endswith(("macroEnabled.main+xml", "template.main+xml")):
            one.set("ContentType", PLAIN)
    parts["[Content_Types].xml"] = _bytes(types)


# -- one worksheet -----------------------------------------------------------------------------------------------------


def _added(
    data: bytes, columns: SheetColumns, styles: _Styles | None, mark: str
) -> tuple[bytes, list[tuple[str, str]], str | None]:
    """The worksheet with the cells set in, the links of cells to targets, and the area of a new filter."""
    found = _read(data, set(columns.rows))
    first, count = found.width + 1, max(map(len, columns.rows.values()), default=0)
    if first + count - 1 > _LAST_COLUMN:
        raise NotCopied("it has no free columns")
    links: list[tuple[str, str]] = []
    edits: list[tuple[int, int, bytes]] = []
    for row, cells in columns.rows.items():
        if row not in found.rows:
            continue
        text = "".join(_cell(found.prefix, row, first + at, cell, styles) for at, cell in enumerate(cells))
        links += [(f"{letters(first + at)}{row}", cell.link) for at, cell in enumerate(cells) if cell.link]
        start, end = found.rows[row]
        if data[end : end + 2] == b"/>":  # <row r="7"/>
            edits.append((end, end + 2, f">{text}</{found.prefix}row>".encode()))
        else:
            edits.append((end, end, text.encode()))
        if spans := re.match(rb"<[\w:]*row\b[^>]*?(\sspans=\"[^\"]*\")", data[start : start + 4096]):
            edits.append((start + spans.start(1), start + spans.end(1), b""))
    area = None
    if columns.heading is not None and columns.heading in found.rows and not found.has_table:
        area = _filtered(data, found, columns.heading, first + count - 1, edits)
    if columns.widths and not found.has_columns:
        each = "".join(
            f'<{found.prefix}col min="{first + at}" max="{first + at}" width="{wide}" customWidth="1"/>'
            for at, wide in enumerate(columns.widths)
        )
        edits.append((found.data_at, found.data_at, f"<{found.prefix}cols>{each}</{found.prefix}cols>".encode()))
    if links:
        each = "".join(
            f'<{found.prefix}hyperlink ref="{cell}" r:id="{mark}_{at}" xmlns:r="{_OFFICE}"/>'
            for at, (cell, _) in enumerate(links, 1)
        )
        if found.links_end is not None:
            edits.append((found.links_end, found.links_end, each.encode()))
        else:
            place = max(found.after[name] for name in _BEFORE_LINKS if name in found.after)
            edits.append((place, place, f"<{found.prefix}hyperlinks>{each}</{found.prefix}hyperlinks>".encode()))
    return _edited(data, edits), links, area


def _filtered(data: bytes, found: _Sheet, heading: int, last: int, edits: list[tuple[int, int, bytes]]) -> str | None:
    """Widen the person's own filter, or set one over the whole table; return the area of a new one."""
    if found.filter_at is not None:
        start, end = found.filter_at
        tag = data[start:end]
        wider = re.sub(
            rb'ref="(\$?[A-Z]+\$?)(\d+):\$?[A-Z]+(\$?\d+)"',
            lambda match: (
                b'ref="%s%s:%s%s"' % (match[1], match[2], letters(last).encode(), match[3])
                if int(match[2]) == heading
                else match[0]
            ),
            tag,
        )
        edits.append((start, end, wider))
        return None
    area = f"A{heading}:{letters(last)}{max(found.last_row, heading)}"
    place = max(found.after[name] for name in _BEFORE_FILTER if name in found.after)
    edits.append((place, place, f'<{found.prefix}autoFilter ref="{area}"/>'.encode()))
    return area


def _read(data: bytes, wanted: set[int]) -> _Sheet:
    """Read where things stand in a worksheet. Raises `NotCopied`, `ExpatError`."""
    if not data.lstrip(b"\xef\xbb\xbf").startswith(b"<") or b'encoding="UTF-16' in data[:200]:
        raise NotCopied("its sheet is not UTF-8")
    found, parser = _Sheet(), expat.ParserCreate()
    depth, number, column, started, current = 0, 0, 0, 0, ""

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, number, column, started, current
        depth += 1
        prefix, _, local = name.rpartition(":")
        at = parser.CurrentByteIndex
        if depth == 1:
            found.prefix = f"{prefix}:" if prefix else ""
        elif depth == 2:
            current = local
            if local == "sheetData":
                found.data_at = at
            elif local == "cols":
                found.has_columns = True
            elif local == "autoFilter":
                found.filter_at = (at, data.index(b">", at) + 1)
            elif local == "tableParts":
                found.has_table = True
        elif depth == 3 and local == "row":
            number, column, started = int(attributes.get("r") or number + 1), 0, at
            found.last_row = max(found.last_row, number)
        elif depth == 4 and local == "c":
            reference = re.match("[A-Z]+", attributes.get("r", ""))
            column = _number(reference[0]) if reference else column + 1
            found.width = max(found.width, column)
        elif local == "mergeCell" and (merged := re.search(r":\$?([A-Z]+)", attributes.get("ref", ""))):
            found.width = max(found.width, _number(merged[1]))

    def end(name: str) -> None:
        nonlocal depth
        local, at = name.rpartition(":")[2], parser.CurrentByteIndex
        if not data.startswith(f"</{name}".encode(), at):  # an empty element, behind which expat stands
            at = at - 2 if data[at - 2 : at] == b"/>" else data.index(b"/>", at)
        if depth == 3 and local == "row" and number in wanted:
            found.rows.setdefault(number, (started, at))
        elif depth == 2:
            if local == "hyperlinks" and data[at : at + 2] == b"</":
                found.links_end = at
            found.after[current] = data.index(b">", at) + 1
        depth -= 1

    def refuse(*_: Any) -> None:
        raise NotCopied("its sheet declares entities")

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = begin, end, refuse
    parser.Parse(data, True)
    return found


def _cell(prefix: str, row: int, column: int, cell: Cell, styles: _Styles | None) -> str:
    style = f' s="{number}"' if styles is not None and (number := styles.of(cell)) else ""
    place = f'{letters(column)}{row}"{style}'
    if isinstance(cell.value, int):
        return f'<{prefix}c r="{place}><{prefix}v>{cell.value}</{prefix}v></{prefix}c>'
    if not cell.value:
        return ""
    text = f'<{prefix}t xml:space="preserve">{escape(cell.value)}</{prefix}t>'
    return f'<{prefix}c r="{place} t="inlineStr"><{prefix}is>{text}</{prefix}is></{prefix}c>'


def _edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    pieces, at = [], 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        pieces += [data[at:start], new]
        at = end
    return b"".join([*pieces, data[at:]])


def letters(number: int) -> str:
    """Return the name of a column: A for 1, AA for 27."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _number(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number


# -- the parts around it -----------------------------------------------------------------------------------------------


class _Styles:
    """The styles of a workbook, to which ours are added behind theirs."""

    def __init__(self, data: bytes) -> None:
        self._tree = _tree(data)
        self._main = etree.QName(self._tree).namespace
        self._known: dict[tuple[str | None, bool, bool], int] = {}

    def of(self, cell: Cell) -> int:
        """Return the number of the style of a cell; 0 for the plain one."""
        key = (cell.fill, cell.bold, cell.link is not None)
        if key == (None, False, False):
            return 0
        if key not in self._known:
            font = self._add("fonts", f"{'<b/>' if cell.bold else ''}{'<u/>' if cell.link else ''}" '<sz val="11"/>'
                             + ('<color rgb="FF0563C1"/>' if cell.link else "") + '<name val="Calibri"/>', "font")  # fmt: skip
            fill = 0
            if cell.fill:
                solid = f'<patternFill patternType="solid"><fgColor rgb="FF{cell.fill}"/></patternFill>'
                fill = self._add("fills", solid, "fill")
            attributes = (
                f'numFmtId="0" fontId="{font}" fillId="{fill}" borderId="0" xfId="0" applyFont="1" applyFill="1"'
            )
            self._known[key] = self._add("cellXfs", "", "xf", attributes)
        return self._known[key]

    def _add(self, where: str, inner: str, name: str, attributes: str = "") -> int:
        group = self._tree.find(f"{{{self._main}}}{where}")
        if group is None:
            raise NotCopied(f"its styles have no {where}")
        group.append(etree.fromstring(f'<{name} xmlns="{self._main}" {attributes}>{inner}</{name}>'))
        count = len(group)
        group.set("count", str(count))
        return count - 1

    def bytes(self) -> bytes:
        """Write the styles."""
        return _bytes(self._tree)


def _links_of(parts: Mapping[str, bytes], sheet: str) -> tuple[str, Any]:
    """The part with the relationships of a sheet, and what it holds."""
    folder, name = posixpath.split(sheet)
    place = f"{folder}/_rels/{name}.rels"
    empty = etree.Element(f"{{{_PACKAGE}}}Relationships", nsmap={None: _PACKAGE})  # type: ignore[dict-item]
    return place, _tree(parts[place]) if place in parts else empty


def _link(rels: Any, links: Sequence[tuple[str, str]], mark: str) -> None:
    for at, (_, target) in enumerate(links, 1):
        about = {"Id": f"{mark}_{at}", "Type": f"{_OFFICE}/hyperlink", "Target": target, "TargetMode": "External"}
        etree.SubElement(rels, f"{{{_PACKAGE}}}Relationship", about)


def _free(name: str, taken: Sequence[str]) -> str:
    """A name with which none of those begins: this may be a copy that we made already."""
    return next(
        one for one in (name, *(f"{name}{n}x" for n in range(1, 10000))) if not any(t.startswith(one) for t in taken)
    )


def _name_filters(book: Any, main: str, filters: list[tuple[int, str, str]]) -> None:
    """Give each new filter the hidden name by which Excel knows it (18.2.5)."""
    if not filters:
        return
    names = book.find(f"{{{main}}}definedNames")
    if names is None:
        names = etree.Element(f"{{{main}}}definedNames")
        before = next(
            one
            for tag in ("externalReferences", "functionGroups", "sheets")
            if (one := book.find(f"{{{main}}}{tag}")) is not None
        )
        before.addnext(names)
    for number, title, area in filters:
        first, _, last = area.partition(":")
        fixed = ":".join(re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", end) for end in (first, last))
        for old in list(names):
            if old.get("name") == "_xlnm._FilterDatabase" and old.get("localSheetId") == str(number):
                names.remove(old)
        name = etree.SubElement(
            names, f"{{{main}}}definedName", name="_xlnm._FilterDatabase", localSheetId=str(number), hidden="1"
        )
        name.text = "'{}'!{}".format(title.replace("'", "''"), fixed)


def _about_sheet(
    parts: dict[str, bytes], book: Any, main: str, rels_name: str, folder: str, lines: Sequence[str]
) -> None:
    sheets = book.find(f"{{{main}}}sheets")
    taken = {one.get("name", "").casefold() for one in sheets}
    title = next(name for name in ("archiver", *(f"archiver {n}" for n in range(2, 1000))) if name not in taken)
    related = _tree(parts[rels_name])
    mark = _free("archiver", [*(one.get("Id", "") for one in related), *map(posixpath.basename, parts)])
    place = f"{folder}/worksheets/{mark}.xml"
    rows = "".join(
        f'<row r="{at}"><c r="A{at}" t="inlineStr"><is><t xml:space="preserve">{escape(line)}</t></is></c></row>'
        for at, line in enumerate(lines, 1)
    )
    parts[place] = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns={quoteattr(main)}><sheetData>{rows}</sheetData></worksheet>'.encode()
    )
    kind = (
        f"{_OFFICE}/worksheet" if main == _MAIN else "http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet"
    )
    etree.SubElement(related, f"{{{_PACKAGE}}}Relationship", Id=mark, Type=kind, Target=f"/{place}")
    parts[rels_name] = _bytes(related)
    number = max((int(one.get("sheetId", "0")) for one in sheets), default=0) + 1
    relation = next(name for name in sheets[0].attrib if name.endswith("}id"))
    etree.SubElement(sheets, f"{{{main}}}sheet", {"name": title, "sheetId": str(number), relation: mark})
    types = _tree(parts["[Content_Types].xml"])
    etree.SubElement(types, types[0].tag.rpartition("}")[0] + "}Override", PartName=f"/{place}", ContentType=_SHEET)
    parts["[Content_Types].xml"] = _bytes(types)


def _relations(parts: dict[str, bytes], name: str) -> dict[str, tuple[str, str]]:
    return {one.get("Id"): (one.get("Target"), one.get("Type")) for one in _tree(parts[name])}


def _at(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))


def _tree(data: bytes) -> Any:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))


def _bytes(tree: Any) -> bytes:
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(parts, key=lambda name: name != "[Content_Types].xml"):
            packed.writestr(zipfile.ZipInfo(name), parts[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()
