"""A copy of a package to damage, and the tables that every defect enters itself into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.packages import PackagedCase, copy_of, flipped

TAMPERED, INCOMPLETE, CANNOT_TELL = 5, 2, 6


@dataclass
class Scene:
    """A copy of the package, and what a defect may use."""

    package: Path
    case: PackagedCase
    scratch: Path

    def path(self, name: str) -> Path:
        return self.package / name

    def one(self, pattern: str) -> Path:
        return sorted(self.package.glob(pattern))[0]

    def capture(self, link: str) -> Path:
        return self.package / "data" / "captures" / self.case.captures[link]


Defect = Callable[[Scene], None]
OUTSIDE: dict[str, tuple[Defect, int]] = {}
INSIDE: dict[str, tuple[Defect, int]] = {}


def outside(code: int = TAMPERED) -> Callable[[Defect], Defect]:
    def take(defect: Defect) -> Defect:
        OUTSIDE[defect.__name__] = (defect, code)
        return defect

    return take


def inside(code: int = TAMPERED) -> Callable[[Defect], Defect]:
    def take(defect: Defect) -> Defect:
        INSIDE[defect.__name__] = (defect, code)
        return defect

    return take


def alter(path: Path, at: int = 100) -> None:
    data = path.read_bytes()
    path.write_bytes(flipped(data, min(at, len(data) - 1)))


def scene_of(full: Path, case: PackagedCase, tmp_path: Path) -> Scene:
    (tmp_path / "scratch").mkdir()
    return Scene(copy_of(full, tmp_path), case, tmp_path / "scratch")
