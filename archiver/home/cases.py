"""Cases of a home: their names and captures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.home.home import Home


def named_captures(home: Home, what: str) -> list[str]:
    """Return the captures of a case, or the one capture that is named. Raises `NotFound`, `UsageError`."""
    if any(case["name"] == what for case in home.catalog.cases()):
        return [row["id"] for row in home.catalog.captures(what)]
    return [home.resolve_capture(what)]


DEFAULT_CASE = "inbox"


CASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
