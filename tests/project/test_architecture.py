"""What the house promises about its own code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from spiders.posts import Outcome

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for room in ("archiver", "spiders", "storage") for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_breaks_the_house_rules(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + (
                [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            )
            alone = path.name == "check.py" and path.parent.name == "export"  # goes into packages, by itself
            assert "hashlib" not in names or alone, "digests come from storage/digest.py"
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            assert caught not in ("", "Exception", "BaseException") or _reraises(node) or _is_last_resort(node), (
                f"blind except at line {node.lineno}"
            )
        if isinstance(node, ast.Attribute) and node.attr in ("utcnow", "CERT_NONE"):
            raise AssertionError(f"{node.attr} at line {node.lineno}")


def _reraises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


def _is_last_resort(handler: ast.ExceptHandler) -> bool:
    """Whether it is the command line's own: it tells of a fault of the program, and ends with the exit code for one."""
    return ast.unparse(handler.body[-1]) == "return ExitCode.FAULT"


def test_there_is_one_last_resort() -> None:
    handlers = [
        node
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
    ]
    assert sum(_is_last_resort(node) for node in handlers) == 1


def test_outcomes_are_the_same_in_both_rooms() -> None:
    """storage knows outcomes only as text under a CHECK; spiders as an enumeration."""
    script = (ROOT / "storage" / "sql" / "001_catalog.sql").read_text()
    for found in re.findall(r"outcome IN \(([^)]*)\)", script):
        assert {text.strip("' ") for text in found.split(",")} == {str(outcome) for outcome in Outcome}


def test_every_module_says_what_it_is() -> None:
    silent = []
    for path in MODULES:
        if "demo" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree) and path.read_text().strip() and path.name not in ("__main__.py",):
            silent.append(f"{path.name}: module")
    assert not silent


def test_the_wall_clock_is_read_in_one_place() -> None:
    """But for the script that packages bring, which stands alone."""
    readers = [path.name for path in MODULES if re.search(r"datetime\.now\(|time\.time\(|time_ns\(", path.read_text())]
    assert readers == ["check.py", "times.py"]
