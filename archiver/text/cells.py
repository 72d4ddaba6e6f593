"""Cells of spreadsheets, in which text of strangers must not be run as a formula.

A spreadsheet runs a cell of a CSV file that begins with `=`, `+`, `-` or `@`, and drops some of what may stand before it
(OWASP, "CSV Injection"). An apostrophe in front makes it text. Plain numbers stay as they are, signs included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_FORMULA = re.compile(
    "[\t\r]"
    # Blanks, control characters and marks without a width, which programs skip or drop.
    "|[\\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
    # The full-width forms are read as the others where Chinese, Japanese or Korean is written.
    "[=+\\-@＝＋－＠]"
)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_ANYWHERE = re.compile(
    # Blanks that are separators themselves begin anew: else many line ends would be looked at over and over.
    "((?:^|[;,|\t\r\n])(?:(?![\t\r\n])[\\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff])*)"
    "(?=[=+\\-@＝＋－＠])"
)
_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_LONE = re.compile("[\ud800-\udfff]")
MARK = "\ufeff"
"""So that Excel reads the file as UTF-8."""


def spreadsheet_cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula (OWASP, "CSV Injection").

    None is empty; a value that is not text is written as JSON.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\x00", "\\x00")
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_bytes(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return a table as CSV in UTF-8, beginning with `MARK`, each row by `csv_line`."""
    return (MARK + csv_text((head, *rows))).encode()


def csv_pieces(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """Yield what `csv_bytes` returns, row by row."""
    yield (MARK + csv_text([head])).encode("utf-8", "backslashreplace")
    for row in rows:
        yield csv_text([row]).encode("utf-8", "backslashreplace")


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV, each by `csv_line`. A file of them begins with `MARK`."""
    return "".join(csv_line(row) for row in rows)


def csv_line(values: Iterable[Any]) -> str:
    """Return a row of CSV (RFC 4180): each value by `csv_cell`, in double quotes."""
    return ",".join(f'"{csv_cell(value).replace(chr(34), chr(34) * 2)}"' for value in values) + "\r\n"


def csv_cell(value: Any) -> str:
    """Return a value as the text of a cell of CSV, that no spreadsheet runs, whichever separator it takes.

    An apostrophe stands before each sign that begins a formula, at the start of the text and after whatever a program
    may take for the end of a cell: `;`, `,`, `|`, a tab, a line end. None is empty; a value that is not text is
    written by `line_json`.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else line_json(value)
    text = _spelt(text.replace("\x00", "\\x00"))
    return text if _PLAIN.fullmatch(text) else _ANYWHERE.sub(r"\1'", text)


def line_json(value: Any) -> str:
    """Return a value as JSON for a line: sorted keys, no spaces, lone surrogates as codes."""
    return _spelt(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _spelt(text: str) -> str:
    return _LONE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
