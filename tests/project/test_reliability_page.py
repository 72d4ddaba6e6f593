"""The page of what the long campaigns tried: it fits what is held, and holds nothing that was not done."""

from __future__ import annotations

import json
import re
import runpy
from typing import Any

import pytest

from tests.support.soak import ROOT

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "reliability_page.py"))
HELD = json.loads((ROOT / "docs" / "reference" / "reliability.json").read_text("utf-8"))


def result(test: str, **more: Any) -> dict[str, Any]:
    held = {"test": test, "outcome": "passed", "commit": "a" * 40, "seed": 1, "ended": "2026-11-30T10:00:00"}
    return {**held, "parts": ["power"], "tried": {"power cuts": 30}, **more}


def test_the_page_is_made_of_what_is_held() -> None:
    assert (ROOT / "docs" / "reference" / "reliability.md").read_text("utf-8") == SCRIPT["page"](HELD)


def test_every_part_of_the_campaigns_is_told_of() -> None:
    marks = re.compile(r'mark\.(?:soak|thorough)\("(\w+)"\)')
    parts = {part for path in (ROOT / "tests").rglob("test_*.py") for part in marks.findall(path.read_text("utf-8"))}
    assert parts == set(SCRIPT["PARTS"])
    told = re.findall(r"^#   (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert [part for part in sorted(parts) if not any(re.search(rf"\b{part}\b", line) for line in told)] == []


def test_the_newest_run_of_a_part_counts_with_the_last_result_of_each_of_its_tests() -> None:
    results = [
        result("one", outcome="failed"),
        result("one", ended="2026-11-30T11:00:00"),
        result("two", outcome="failed", ended="2026-11-30T12:00:00"),
        result("one", commit="b" * 40, tried={"power cuts": 500}, ended="2026-11-29T12:00:00"),
        result("three", commit=f"{'c' * 40}+", ended="2026-11-30T23:00:00"),
    ]
    found = SCRIPT["summary"](results, {})["power"]
    assert (found["commit"], found["tests"], found["passed"]) == ("a" * 40, 2, 1)
    assert found["tried"] == {"power cuts": 60}
    assert "something was wrong in 1 of 2" in SCRIPT["page"]({"power": found})


@pytest.mark.parametrize(("ended", "kept"), [("2026-11-01", 30), ("2026-12-24", 7)])
def test_what_other_machines_ran_stays_until_there_is_something_newer(ended: str, kept: int) -> None:
    held = {"power": {**SCRIPT["summary"]([result("one")], {})["power"], "ended": ended, "tried": {"power cuts": 7}}}
    assert SCRIPT["summary"]([result("one")], held)["power"]["tried"] == {"power cuts": kept}
    assert SCRIPT["summary"]([], held) == held
