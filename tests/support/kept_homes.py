"""The home and the package that are kept in `tests/homes/`, unpacked: a home with captures costs nothing this way."""

from __future__ import annotations

import lzma
import tarfile
from pathlib import Path

KEPT = Path(__file__).parents[1] / "homes"


def unpack_home(into: Path) -> Path:
    """Unpack the home of November 2026 and its catalog; return its folder."""
    with tarfile.open(KEPT / "2026-11-home.tar.xz") as archive:
        archive.extractall(into, filter="data")
    catalog = lzma.decompress((KEPT / "2026-11-catalog.sqlite.xz").read_bytes())
    (into / "home" / "catalog.sqlite").write_bytes(catalog)
    return into / "home"


def unpack_package(into: Path) -> Path:
    """Unpack the full package of November 2026; return its folder."""
    with tarfile.open(KEPT / "2026-11-package.tar.xz") as archive:
        archive.extractall(into, filter="data")
    return into / "almaty-full"
