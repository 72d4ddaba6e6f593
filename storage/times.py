"""Times are aware UTC; they are converted, never relabelled."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the time now. Only here does the program read the wall clock."""
    return from_epoch(time.time_ns() / 1e9)


def from_epoch(seconds: float) -> datetime:
    """Return the moment `seconds` after the start of 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def from_epoch_ms(milliseconds: int) -> datetime:
    """Return the moment `milliseconds` after the start of 1970."""
    return from_epoch(milliseconds / 1000)


def utc_text(moment: datetime) -> str:
    """Write a time as W3CDTF with six digits: `2026-11-22T05:15:26.434731Z` (WARC 1.1 allows up to nine).

    Raises `ValueError` for a naive time.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written as UTC")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def utc_parse(text: str) -> datetime:
    """Parse what `utc_text` wrote. Raises `ValueError`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


class _Timex(ctypes.Structure):
    """`struct timex` of Linux (adjtimex(2)), as far as it is read here."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


_ERROR = 5
"""TIME_ERROR: the kernel does not hold its clock for synchronised."""


def kernel_clock() -> dict[str, int | bool] | None:
    """Ask the kernel about its clock: whether it is `synchronised`, and its largest error in milliseconds.

    Nobody is asked over the network. None where the system does not tell.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        said = _Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(said))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return {"synchronised": state != _ERROR, "max_error_ms": said.maxerror // 1000}
