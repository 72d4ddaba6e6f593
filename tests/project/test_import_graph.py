"""No module of a room imports itself by way of others.

Counted is every import statement of the source, wherever it stands: at the head of a module, under `TYPE_CHECKING`, and inside
functions. A late import hides a circle from the interpreter and not from the reader: who changes one module of a circle has to
know them all. Type hints count for the same reason; it was through them that 77 modules had once grown into one circle.

Not counted is what Python does by itself: importing `a.b.c` runs `a/__init__.py` too, which no line of the importing module says.
`from a import b` leads to the module `a.b` where there is one, and else to `a`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("archiver", "spiders", "storage", "benchmarks")

Graph = dict[str, set[str]]


def module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def named_by(source: str, module: str, package: bool) -> Iterator[str]:
    """Names that a module imports, each as long as it is written: `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")
            kept = above[: len(above) - node.level + package] if node.level else []
            base = ".".join([*kept, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def graph_of(room: str, root: Path = ROOT) -> Graph:
    """Module → the modules of the same room that it imports."""
    paths = {module_of(path, root): path for path in sorted((root / room).rglob("*.py"))}
    graph: Graph = {}
    for module, path in paths.items():
        named = named_by(path.read_text("utf-8"), module, path.name == "__init__.py")
        found = {name if name in paths else name.rpartition(".")[0] for name in named}
        graph[module] = (found & set(paths)) - {module}
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """Modules that lead back to themselves, grouped: the strongly connected parts of more than one module (Tarjan)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        open_.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
            if other in open_:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            part = open_[open_.index(module) :]
            del open_[-len(part) :]
            if len(part) > 1:
                found.append(sorted(part))

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return found


def write(root: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = root / "room" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


@pytest.mark.parametrize(
    "back",
    [
        "import room.one",
        "from room import one",
        "from room.one import thing",
        "from . import one",
        "from .one import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from room.one import thing",
        "def late():\n    from room.one import thing",
    ],
)
def test_a_circle_is_seen_however_it_is_written(tmp_path: Path, back: str) -> None:
    write(
        tmp_path, {"__init__.py": "", "one.py": "from room.two import x", "two.py": back, "three.py": "import room.one"}
    )
    assert circles(graph_of("room", tmp_path)) == [["room.one", "room.two"]]


def test_a_package_that_its_own_module_imports_is_a_circle(tmp_path: Path) -> None:
    write(
        tmp_path, {"__init__.py": "from room.inner import x", "inner.py": "from room import y", "free.py": "import os"}
    )
    assert circles(graph_of("room", tmp_path)) == [["room", "room.inner"]]


def test_what_leads_one_way_is_no_circle(tmp_path: Path) -> None:
    write(tmp_path, {"__init__.py": "", "one.py": "from room import two, deep", "two.py": "from .deep import low"})
    write(
        tmp_path, {"deep/__init__.py": "", "deep/low.py": "from ..deep.lower import x", "deep/lower.py": "import json"}
    )
    graph = graph_of("room", tmp_path)
    assert graph["room.one"] == {"room.two", "room.deep"}
    assert graph["room.deep.low"] == {"room.deep.lower"}
    assert circles(graph) == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_has_an_import_circle(room: str) -> None:
    assert circles(graph_of(room)) == []
