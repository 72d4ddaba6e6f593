"""How Telegram's public pages write numbers. Pure."""

from __future__ import annotations

import re

_COUNT = re.compile(r"([\d.,\s\u00a0\u202f]+)\s*([KMB]?)")


def count(text: str | None) -> int | None:
    """Parse a count as Telegram rounds it: `8.67M` → 8670000. The caller keeps the literal beside it."""
    match = _COUNT.fullmatch((text or "").strip())
    if not match:
        return None
    digits = re.sub(r"[\s\u00a0\u202f,]", "", match[1])
    scale = {"": 0, "K": 3, "M": 6, "B": 9}[match[2]]
    whole, _, fraction = digits.partition(".")
    if not (whole + fraction).isdigit() or len(fraction) > scale:
        return None
    return int(whole + fraction.ljust(scale, "0"))
