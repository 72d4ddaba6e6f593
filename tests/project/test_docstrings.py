"""What the docstrings of public functions promise: there is one, and it begins as PEP 257 asks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("archiver", "spiders", "storage")
OUTSIDE = ("archiver/demo/", "archiver/export/check.py", "archiver/export/standalone/")
"""The miniatures of platforms, and the one file that outsiders get."""
MODULES = sorted(
    path
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if not str(path.relative_to(ROOT)).startswith(OUTSIDE)
)
THIRD_PERSON = frozenset(
    {
        "Adds", "Adopts", "Appends", "Asks", "Brings", "Closes", "Commits", "Consumes", "Cuts", "Encrypts", "Ends",
        "Enters", "Feeds", "Fetches", "Finishes", "Frees", "Gives", "Has", "Holds", "Keeps", "Lets", "Locks", "Makes",
        "Moves", "Puts", "Raises", "Reads", "Records", "Remembers", "Removes", "Returns", "Says", "Sends", "Starts",
        "Stops", "Syncs", "Takes", "Translates", "Tries", "Waits", "Writes",
    }
)  # fmt: skip
"""Verbs that docstrings have begun with in place of the imperative."""
ARTICLES = frozenset({"A", "An", "The"})
"""How a docstring begins that names a function's result: right for a property or a class, not for a function."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _public(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Yield the public classes, functions and methods of a module by their names, those of public classes too."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not item.name.startswith("_"):
            yield prefix + item.name, item
            if isinstance(item, ast.ClassDef):
                yield from _public(item, f"{prefix}{item.name}.")


def _is_property(node: Function | ast.ClassDef) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def _faults(name: str, node: Function | ast.ClassDef) -> Iterator[str]:
    docstring = ast.get_docstring(node)
    if not docstring:
        yield f"{name}: no docstring"
        return
    first = docstring.split()[0].rstrip(".,:;")
    if isinstance(node, ast.ClassDef) or _is_property(
        node
    ):  # these are named by a noun, or told of in the third person
        return
    if first in THIRD_PERSON:
        yield f"{name}: begins with {first!r}, not with the imperative"
    if first in ARTICLES:
        yield f"{name}: begins with {first!r}, not with a verb"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_say_what_they_do(path: Path) -> None:
    if path.name.startswith("_") and path.name != "__init__.py":
        return
    names = _public(ast.parse(path.read_text("utf-8")))
    assert not [fault for name, node in names for fault in _faults(name, node)]


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("def size(): ...", ["size: no docstring"]),
        ('def size():\n "Returns bytes."', ["size: begins with 'Returns', not with the imperative"]),
        ('def size():\n "The bytes."', ["size: begins with 'The', not with a verb"]),
        ('class A:\n "A thing."\n @property\n def size(self):\n  "The bytes."', []),
        ('class A:\n "A thing."\n def size(self): ...', ["A.size: no docstring"]),
        ('class _A:\n def size(self): ...', []),
    ],
)  # fmt: skip
def test_what_counts_as_a_fault(source: str, faults: list[str]) -> None:
    assert [fault for name, node in _public(ast.parse(source)) for fault in _faults(name, node)] == faults
