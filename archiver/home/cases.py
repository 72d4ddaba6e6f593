"""Cases of a home: how they are named, and what is said of one that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archiver.errors import NotFound
from archiver.text.meant import meant

DEFAULT_CASE = "inbox"
"""Where a capture goes that belongs to no other case."""

CASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def no_case(name: str, known: Iterable[str]) -> NotFound:
    """Return the error for a case that is not there: it names those that are, and the one that was probably meant."""
    names = list(known)
    step = meant(name, names).strip() or f"Create it: archiver case new {name}"
    return NotFound(f"the case {name!r}", f"cases: {', '.join(names) or 'none'}", step)
