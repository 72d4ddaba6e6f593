"""The catalog brought up to the ledger."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import disk_error

if TYPE_CHECKING:
    from storage.catalog import Catalog
    from storage.ledger import LedgerReader

CATALOG = "catalog.sqlite"
LARGE_EVENTS, LARGE_BYTES = 1000, 16 << 20
"""A home of so many events, or whose old catalog has so many bytes, takes seconds or minutes to be gone through."""
SHOWN = 8
"""Events that are entered together where somebody is shown how far it is."""
Told = Callable[[int, int], object]
"""Is told how many events were entered, and of how many; 0 when it begins."""


class Projection:
    """Takes events of a ledger into a catalog. `path`: the home, in which captures lie."""

    def __init__(self, ledger: LedgerReader, catalog: Catalog, path: Path) -> None:
        self._ledger, self._catalog, self._path = ledger, catalog, path

    def remake(self, told: Told | None) -> None:
        """Fill an empty catalog, and tell how far it is where that may take its time. Raises `CatalogError`."""
        path = self._path / CATALOG
        size = path.stat().st_size if path.exists() else 0
        large = size >= LARGE_BYTES or self._ledger.checkpoint().size >= LARGE_EVENTS
        self.project(told if large else None)

    def project(self, told: Told | None = None) -> int:
        """Bring the catalog up to the ledger; return how many events were added. Raises `CatalogError`.

        One thread at a time.
        """
        from storage.ledger import Tiles

        size = self._ledger.checkpoint().size
        done = start = self._catalog.size()
        tiles = Tiles(self._ledger.folder, size)
        if told:
            told(start, size)
        while done < size:
            batch: list[tuple[dict[str, Any], str]] = []
            for offset, entry in enumerate(tiles.entries(done // 256)[done % 256 :]):
                leaf = json.loads(entry)
                body = self._ledger.read_event(done + offset)
                if body is None:
                    self._catalog.project(batch, self._path)
                    batch = []
                    self._catalog.project_disposed(done + offset, leaf)
                else:
                    batch.append((body, leaf["salted_hash"]))
                if told and len(batch) >= SHOWN:
                    self._catalog.project(batch, self._path)
                    batch = []
                    told(done + offset + 1, size)
            self._catalog.project(batch, self._path)
            done = (done // 256 + 1) * 256
        return size - start


def rebuild(ledger: LedgerReader, path: Path) -> int:
    """Make the catalog of a home again from events and captures; return how many events it holds.

    The old file is replaced only when the new one is complete. Nobody may have the old one open.
    Raises `CatalogError`, `DiskError`.
    """
    from storage.catalog import Catalog

    for left in path.glob(f"{CATALOG}.rebuild*"):
        left.unlink()
    fresh = Catalog(path / f"{CATALOG}.rebuild")
    try:
        count = Projection(ledger, fresh, path).project()
    finally:
        fresh.checkpoint()
        fresh.close()
    try:
        for suffix in ("-wal", "-shm"):
            (path / f"{CATALOG}{suffix}").unlink(missing_ok=True)
            (path / f"{CATALOG}.rebuild{suffix}").unlink(missing_ok=True)
        os.replace(path / f"{CATALOG}.rebuild", path / CATALOG)
    except OSError as error:
        raise disk_error(error, f"replacing {CATALOG}") from error
    return count
