"""docs/explanation/threat-model.md against the code: each sentence has a test that holds it, or is no claim."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text("utf-8")
TABLE = (ROOT / "docs" / "reference" / "threat-model-tests.md").read_text("utf-8")
PROVED = ("Then", "What each adversary can still do", "What leaves the home", "Work that goes on by itself")
"""Sections of which every paragraph makes claims."""
UNTESTED = {"*limit*", "*advice*"}


def _sections(text: str) -> dict[str, str]:
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in text.split("\n## ")[1:]}


def _paragraphs(section: str) -> list[list[str]]:
    """The sentences of each paragraph, an entry of a list being one, without the words in bold before them."""
    found = []
    for block in re.split(r"\n\s*\n|\n(?=- )", section):
        text = re.sub(r"^(?:- )?(?:\*\*[^*]+\*\*[:\s]*(?:\([^)]*\)\.\s*)?)?", "", " ".join(block.split()))
        if text and not block.startswith(("|", "#")):
            found.append(re.split(r"(?<=[.!?])\s+(?=[^a-z(]|rtmp|yt-dlp|exiftool)", text))
    return found


def _rows(section: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    return {claim: held.split("<br>") for claim, held in lines}


@cache
def _tests_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("section", _sections(TABLE))
def test_each_sentence_has_a_row_and_each_row_a_sentence(section: str) -> None:
    rows = _rows(_sections(TABLE)[section])
    sentences = [one for paragraph in _paragraphs(_sections(PAGE)[section]) for one in paragraph]
    if section in PROVED:
        assert [one for one in sentences if sum(one.startswith(claim) for claim in rows) != 1] == []
    assert [claim for claim in rows if not any(one.startswith(claim) for one in sentences)] == []


@pytest.mark.parametrize("section", PROVED)
def test_each_paragraph_is_held_by_a_test(section: str) -> None:
    """But for those about what somebody can do who is stopped by nothing."""
    rows = _rows(_sections(TABLE)[section])
    loose = []
    for paragraph in _paragraphs(_sections(PAGE)[section]):
        held = {one for claim, tests in rows.items() if any(s.startswith(claim) for s in paragraph) for one in tests}
        if not held - UNTESTED:
            loose.append(paragraph[0])
    assert [one for one in loose if not one.startswith(("Knows which account", "The keys open little"))] == []


def test_the_tests_that_are_named_exist() -> None:
    named = [one for section in _sections(TABLE).values() for tests in _rows(section).values() for one in tests]
    assert len(named) > 150
    for one in named:
        if one not in UNTESTED:
            path, _, name = one.strip("`").partition("::")
            assert (ROOT / path).is_file(), one
            assert name.startswith("test_"), one
            assert name in _tests_in(path), one


def test_the_checks_share_no_code_with_what_wrote() -> None:
    """But the call of SHA-256, that of openssl, the clock, and the table of exit codes."""
    shared = set()
    for path in (ROOT / "archiver" / "checks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("archiver.", "spiders", "storage")):
                shared.add(node.module)
    assert {name for name in shared if name and not name.startswith("archiver.checks")} == {
        "archiver.children", "archiver.errors", "storage.digest", "storage.times",
    }  # fmt: skip
