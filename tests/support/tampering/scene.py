"""A copy of a package to damage, and the tables that every defect enters itself into."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.packages import PackagedCase, copy_of, edit_json, flipped

INTACT, TAMPERED, INCOMPLETE, CANNOT_TELL = 0, 5, 2, 6


@dataclass
class Scene:
    """A copy of the package, and what a defect may use."""

    package: Path
    case: PackagedCase
    scratch: Path
    wanted: str = ""
    """The fingerprint that is given to the checkers."""
    older: Path | None = None
    roots: list[str] = field(default_factory=list)

    def path(self, name: str) -> Path:
        return self.package / name

    def one(self, pattern: str) -> Path:
        return sorted(self.package.glob(pattern))[0]

    def capture(self, link: str) -> Path:
        return self.package / "data" / "captures" / self.case.captures[link]

    def edit(self, change: Callable[[Any], None]) -> None:
        """Change data/package.json."""
        edit_json(self.path("data/package.json"), change)

    def said(self) -> Any:
        """What data/package.json says."""
        return json.loads(self.path("data/package.json").read_bytes())

    def replace(self, name: str, old: bytes, new: bytes) -> None:
        """Change bytes of a file, which are there."""
        path = self.path(name)
        data = path.read_bytes()
        assert old in data, f"{name} has no {old!r}"
        path.write_bytes(data.replace(old, new, 1))


Defect = Callable[[Scene], None]


@dataclass(frozen=True)
class Entry:
    """A defect, the exit code that both checkers must end with, the profile of the package, and words that must be said."""

    defect: Defect
    code: int
    profile: str
    words: str


OUTSIDE: dict[str, Entry] = {}
INSIDE: dict[str, Entry] = {}


def outside(code: int = TAMPERED, words: str = "", profile: str = "full") -> Callable[[Defect], Defect]:
    def take(defect: Defect) -> Defect:
        OUTSIDE[defect.__name__] = Entry(defect, code, profile, words)
        return defect

    return take


def inside(code: int = TAMPERED, words: str = "", profile: str = "full") -> Callable[[Defect], Defect]:
    def take(defect: Defect) -> Defect:
        INSIDE[defect.__name__] = Entry(defect, code, profile, words)
        return defect

    return take


def alter(path: Path, at: int = 100) -> None:
    data = path.read_bytes()
    path.write_bytes(flipped(data, min(at, len(data) - 1)))


def scene_of(package: Path, case: PackagedCase, tmp_path: Path) -> Scene:
    (tmp_path / "scratch").mkdir()
    return Scene(copy_of(package, tmp_path), case, tmp_path / "scratch", case.fingerprint)
