"""What strangers wrote is never run by a spreadsheet, whichever file it stands in."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.result_sheet import Row, write_sheet
from archiver.text.cells import csv_bytes, spreadsheet_cell

HIDING = [*"\t\r\n \x0b\x1c\x85\xa0\u200b\u202e\u2066\ufeff"]
SIGNS = [*"=+-@＝＋－＠"]
FORMULAS = st.builds(
    lambda hidden, sign, rest: "".join(hidden) + sign + rest,
    st.lists(st.sampled_from(HIDING), max_size=3),
    st.sampled_from(SIGNS),
    st.text(max_size=20),
)


def dangerous(cell: str) -> bool:
    """Whether a program that skips what cannot be seen would find a formula; by other means than the code's own."""
    seen = "".join(c for c in cell if c.isprintable() and not c.isspace())
    begins = cell[:1] in ("\t", "\r") or seen[:1] in SIGNS
    return begins and re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", cell, re.ASCII | re.IGNORECASE) is None


@given(FORMULAS | st.text(max_size=20))
def test_no_text_becomes_a_formula_and_none_is_lost(text: str) -> None:
    cell = spreadsheet_cell(text)
    assert not dangerous(cell)
    assert cell in (text.replace("\x00", "\\x00"), "'" + text.replace("\x00", "\\x00"))


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_numbers(value: float) -> None:
    assert type(value)(spreadsheet_cell(value)) == value
    assert spreadsheet_cell(str(value)) == str(value)


@pytest.mark.parametrize("text", ["-1+1", "-", "- a point of a list", "+7 701", "\t1", "\r-5", "-inf", "+1_000", "-٥"])
def test_what_only_looks_like_a_number_is_text(text: str) -> None:
    assert spreadsheet_cell(text) == f"'{text}"


SEPARATED = st.lists(FORMULAS | st.text(max_size=8) | st.sampled_from([*";,|\t\r\n", '"']), max_size=5).map("".join)


@given(st.lists(SEPARATED, min_size=1, max_size=3))
def test_no_part_of_a_table_is_run_whichever_separator_a_program_takes(texts: list[str]) -> None:
    data = csv_bytes(texts, [texts]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(data, newline="")))
    assert len(rows) == 2
    for cell in (cell for row in rows for cell in row):
        for part in re.split("[;,|\t\r\n]", cell):
            seen = part.lstrip("".join([*HIDING, *map(chr, range(32)), *map(chr, range(127, 160))])).lstrip()
            assert seen[:1] not in SIGNS or re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", cell)
    for before, after in zip(texts, rows[1], strict=True):
        assert without(after) == without(before)


def without(text: str) -> str:
    """A text as a cell holds it, without the apostrophes that were put before signs, and those that stood there."""
    text = re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text.replace("\x00", "\\x00"))
    return re.sub("'(?=[=+\\-@＝＋－＠])", "", text)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("hidden", ["", *HIDING])
def test_the_result_sheet_has_no_formulas_as_csv_or_xlsx(tmp_path: Path, hidden: str, sign: str) -> None:
    paths = [tmp_path / "sheet.csv", tmp_path / "sheet.xlsx"]
    write_sheet([Row("row 1", f"{hidden}{sign}1+1", reason=f"{hidden}{sign}x")], paths)
    with open(paths[0], encoding="utf-8-sig", newline="") as stream:
        cells = list(csv.reader(stream))[1]
    sheet: Any = openpyxl.load_workbook(paths[1]).active
    cells += [str(cell.value) for cell in sheet[2] if cell.value]
    assert sum(sign in cell for cell in cells) == 4
    assert not any(dangerous(cell) for cell in cells)


@given(
    st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["\ud800", "\uffff", "\x0b", "\x00", "x" * 40_000])
)
def test_any_text_can_stand_in_a_sheet(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    write_sheet([Row("row 1", text)], [path, path.with_suffix(".csv")])
    assert openpyxl.load_workbook(path).active["A2"].value == "row 1"
