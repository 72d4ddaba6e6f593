"""Cases of a home: their names and captures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from archiver.errors import NotFound
from archiver.text.meant import meant

if TYPE_CHECKING:
    from archiver.home.home import Home


def named_captures(home: Home, what: str) -> list[str]:
    """Return the captures of a case, or the one capture that is named. Raises `NotFound`, `UsageError`."""
    if any(case["name"] == what for case in home.catalog.cases()):
        return [row["id"] for row in home.catalog.captures(what)]
    try:
        return [home.resolve_capture(what)]
    except NotFound as error:
        guess = meant(what, (case["name"] for case in home.catalog.cases()))
        if not guess:
            raise
        raise NotFound(f"a capture or case {what!r}", error.found, guess.strip()) from error


def no_case(name: str, known: Iterable[str]) -> NotFound:
    """Return the error for a case that is not there: it names those that are, and the one that was probably meant."""
    names = list(known)
    step = meant(name, names).strip() or f"Make it: archiver case new {name}"
    return NotFound(f"the case {name!r}", f"cases: {', '.join(names) or 'none'}", step)


DEFAULT_CASE = "inbox"


CASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
