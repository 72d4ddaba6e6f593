"""Names of files out of text of strangers, for every file system."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.text.file_names import MARKS, MOST_BYTES, ascii_name, name_part, same_name


@pytest.mark.parametrize(
    ("text", "name"),
    [("ozen_today", "ozen_today"), ("жаңаөзен", "жаңаөзен"), ("新疆", "新疆"), ("غرداية", "غرداية"), ("नमस्ते", "नमस्ते"),
     ("a/b\\c:d*e?f\"g<h>i|j", "a_b_c_d_e_f_g_h_i_j"), ("../../etc/passwd", "etc_passwd"), ("con", "con_"), ("COM1", "COM1_"),
     ("lpt¹", "lpt¹_"), ("console", "console"), (" . ", ""), ("\u202egpj.exe", "gpj_exe"), ("a\x00b\n", "a_b"), ("-rf", "rf"),
     ("😀", ""), ("a" + "\u0301" * 500, "á" + "\u0301" * MARKS), ("\u0301" * 500, ""), ("tiếng Việt", "tiếng_Việt")],
)  # fmt: skip
def test_what_a_name_is_made_of(text: str, name: str) -> None:
    assert name_part(text) == name


@given(st.text(max_size=300))
def test_any_text_gives_a_name_that_every_file_system_takes(text: str) -> None:
    name = name_part(text)
    assert len(name.encode()) <= MOST_BYTES + 1
    assert not set(name) & set('<>:"/\\|?*.')
    assert all(unicodedata.category(letter)[0] in "LNM" or letter in "-_@+" for letter in name)
    assert name.strip("-") == name
    assert ascii_name(name).isascii()


def test_names_that_are_one_where_capitals_do_not_count() -> None:
    assert same_name("Ä.mp4") == same_name("a\u0308.MP4")
    assert same_name("straße") == same_name("STRASSE")
    assert same_name("a") != same_name("b")
