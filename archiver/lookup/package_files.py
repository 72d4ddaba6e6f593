"""What a package on disk says of itself: read from its own files, and not checked here."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any


def read_package(folder: Path) -> dict[str, Any]:
    """Read `data/package.json`: format, name, profile, key, captures."""
    value: dict[str, Any] = json.loads((folder / "data" / "package.json").read_bytes())
    return value


def read_withheld(folder: Path) -> list[dict[str, str]]:
    """Read what a package leaves out (`item`, `what`, `why`, `instead`), of version 1 too."""
    table = folder / "data" / "tables" / "withheld.jsonl"
    if table.exists():
        return [json.loads(line) for line in table.read_bytes().splitlines()]
    rows = csv.DictReader(io.StringIO((folder / "data" / "withheld.csv").read_text("utf-8-sig")))
    return [{**row, "item": row["exhibit"], "instead": row["in its place"]} for row in rows]
