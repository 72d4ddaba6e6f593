"""Numbers and dates of HTTP fields, and of texts written like them: read in one way everywhere. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
"""First byte, last byte and size of the whole, or `*` (RFC 9110 14.4)."""
_NUMBER = re.compile(r"[0-9]{1,18}")


def digits(text: str | None) -> int | None:
    """Return the number that 1 to 18 ASCII digits write; None for everything else.

    `str.isdigit` is no test before `int`: it takes `²`, which `int` refuses, and `int` refuses thousands of digits.
    """
    return int(text) if text and _NUMBER.fullmatch(text) else None


def http_date(text: str | None) -> datetime | None:
    """Parse a date of an HTTP field (RFC 9110 5.6.7); None where it is none, has no zone, or lies in no calendar."""
    try:
        found = parsedate_to_datetime(text or "")
        return found if found.utcoffset() is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
