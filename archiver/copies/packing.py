"""Which files of a capture travel together, by its manifest alone: so that who has only the manifest knows what to ask for."""

from __future__ import annotations

from typing import Any

from storage.manifest import MANIFEST as MANIFEST
from storage.manifest import listed_files

ALONE = 1 << 20
"""A file above this, in bytes, is an object of its own."""
PACK = 16 << 20
"""What a pack holds at most, bytes."""


def planned(manifest: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Sort a capture's files into (those that are packed together, those that are objects of their own).

    Raises `FormatError` where the manifest names what no archiver writes.
    """
    small: list[dict[str, Any]] = []
    large: list[dict[str, Any]] = []
    total = 0
    for entry in sorted(listed_files(manifest), key=lambda item: (item["size"], item["name"])):
        total += entry["size"]
        (small if entry["size"] <= ALONE and total <= PACK else large).append(entry)
    return sorted(small, key=lambda item: item["name"]), large
