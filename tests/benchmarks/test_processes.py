"""The memory of a child is its own, whatever its parent had."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import ROOT, measured, peak

MODULES = sorted((ROOT / "benchmarks").rglob("*.py"))
MANY = 300
"""MB: far more than Python needs to start."""


@pytest.fixture
def large_parent() -> Iterator[None]:
    held = bytearray(MANY << 20)
    assert peak() > MANY
    yield
    del held


@pytest.mark.usefixtures("large_parent")
def test_a_child_does_not_inherit_the_peak_of_its_parent() -> None:
    code = (
        "import resource; from benchmarks.processes import peak; print(peak(), resource.getrusage(0).ru_maxrss >> 10)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    ours, kernels = map(float, said.stdout.split())
    assert ours < 100
    assert kernels > MANY, "this kernel no longer counts the parent's: `peak` may become simpler"


@pytest.mark.usefixtures("large_parent")
def test_neither_does_a_command_that_is_measured() -> None:
    assert 0 < measured([sys.executable, "-c", "import time; time.sleep(0.2)"])[1] < 100


def test_the_memory_that_a_command_gave_back_counts() -> None:
    code = f"import time; held = bytearray({MANY} << 20); del held; time.sleep(0.2)"
    assert measured([sys.executable, "-c", code])[1] > MANY


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_benchmark_asks_for_what_is_inherited(path: Path) -> None:
    names = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
    assert "ru_maxrss" not in names, "ask benchmarks.processes.peak"


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(SystemExit, match=r"ended with 3: found none$"):
        measured(["sh", "-c", "echo expected one; echo found none; exit 3"])
    assert measured(["sh", "-c", "exit 6"], allowed=(0, 6))[0] > 0
