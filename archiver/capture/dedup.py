"""Finding bytes that a sealed capture of the same case holds already, so that they are not kept twice.

Referred to is only what was read back just now, whole, from this disk: a good copy that arrived is never given up for a
damaged one that lies here. The index is the catalog's, on disk: memory does not grow with what is held.
"""

from __future__ import annotations

import threading
from typing import Any

from archiver.home.home import Home
from storage.assembly import digest_of, payload
from storage.catalog import Catalog
from storage.errors import EvidenceError
from storage.records import Origin


class SealedOriginals:
    """Finds payloads that sealed captures already hold, for one capture. May be called from any thread."""

    def __init__(self, home: Home, cases: tuple[str, ...]) -> None:
        self._home, self._cases = home, cases
        self._mutex = threading.Lock()
        self._catalog: Catalog | None = None

    def find(self, digest: str, size: int) -> Origin | None:
        """Return the oldest record whose payload is `digest` (`sha256:…`) and can be read back, or None."""
        with self._mutex:
            try:
                if self._catalog is None:
                    self._catalog = Catalog(self._home.path / "catalog.sqlite")
                row = self._catalog.sealed_payload(digest, self._cases)
                if row is None or row["payload_size"] != size or not self._good(row):
                    return None
            except (EvidenceError, OSError):
                return None  # what arrived is kept, as if nothing were known
        return Origin(row["capture"], row["id"], row["uri"], row["date"])

    def _good(self, row: dict[str, Any]) -> bool:
        path = self._home.path / row["folder"] / row["file"]
        if not path.is_file():
            return False
        found = digest_of(payload(path, row["offset"], 0, row["payload_size"]))
        return (found.label(), found.size) == (row["payload_digest"], row["payload_size"])

    def close(self) -> None:
        """Close the catalog."""
        with self._mutex:
            if self._catalog is not None:
                self._catalog.close()
                self._catalog = None
