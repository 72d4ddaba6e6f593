"""Numbers in the files of others: ASCII digits only, and no more of them than a size on any disk has.

`str.isdigit` takes `²` and digits of every script, which `int` refuses or reads; and `int` refuses 4,301 digits.
"""

from __future__ import annotations

import re

_MOST_DIGITS = 18


def whole(text: str) -> int | None:
    """Return a whole number that is written in 1 to 18 ASCII digits; None for anything else."""
    return int(text) if re.fullmatch(rf"[0-9]{{1,{_MOST_DIGITS}}}", text) else None
