"""Plain text for people: amounts in words, and text of strangers that cannot drive a terminal."""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def size(count: int) -> str:
    """Format a number of bytes in decimal units, as files are sold and sent: `1.9 MB`."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def many(count: int, what: str) -> str:
    """Format a count with its noun: `1 capture`, `2 captures`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def harmless(text: str) -> str:
    """Return text of strangers with its control characters shown as codes.

    So are characters that turn the direction of writing.
    """
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
