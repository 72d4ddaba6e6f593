"""A large file that was freed here: a small JSON file in its place, NAME.evicted, says what it was and where it lies.

{"evicted": "2026-…Z", "format": "archiver-stub/1", "name": …, "places": ["archive"], "sha256": …, "size": …}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from storage import canonical
from storage.errors import FormatError

SUFFIX = ".evicted"
FORMAT = "archiver-stub/1"


def stub_path(folder: Path, name: str) -> Path:
    """Return where the stub of a file lies."""
    return folder / f"{name}{SUFFIX}"


def is_stub(folder: Path, name: str) -> bool:
    """Return whether only the stub of a file is here."""
    return not (folder / name).exists() and stub_path(folder, name).is_file()


def stub_of(folder: Path, name: str) -> dict[str, Any] | None:
    """Read a stub; None where it is missing or not a valid one."""
    try:
        value = canonical.loads(stub_path(folder, name).read_bytes())
    except (OSError, FormatError):
        return None
    return value if isinstance(value, dict) and value.get("format") == FORMAT else None


def stubs(folder: Path) -> list[str]:
    """List the names of files of which only a stub is here."""
    names = [path.name.removesuffix(SUFFIX) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return [name for name in names if is_stub(folder, name)]
