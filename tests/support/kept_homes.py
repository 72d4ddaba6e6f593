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


FIRST_KEY = "76b6cb28c0532db28574ca6b538ced4c61bb565a5a0cb17523e5856ac233ba5a"
SECOND_KEY = "5b39db464e2458686c5ad4da5c279cb75d1ec97606dda88819b19aad196ef062"
"""Fingerprints of the keys that signed the package of version 1 and that of version 2."""
RETIRED_KEY = "19000bc47d4ebd38f8ff3f91b2672986809e815093cc5be5af5b894ff8f6fd0a"
"""Fingerprint of the key that handed over to the second one."""


def unpack_package(into: Path, version: int = 2) -> Path:
    """Unpack a full package of November 2026; return its folder. That of version 2 is small, and was stamped."""
    name = {1: "2026-11-package.tar.xz", 2: "2026-11-package-2.tar.xz"}[version]
    with tarfile.open(KEPT / name) as archive:
        archive.extractall(into, filter="data")
    return into / "almaty-full"
