"""Times are aware UTC; they are converted, never relabelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The one place where the program reads the wall clock."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def utc_text(moment: datetime) -> str:
    """`2026-11-22T05:15:26.434731Z`: W3CDTF with six digits (standards.md 2.2). Refuses naive times."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written as UTC")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def utc_parse(text: str) -> datetime:
    """The inverse of `utc_text`. Raises `ValueError`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
