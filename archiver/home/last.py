"""`LAST` and `LAST~2`: the captures that a person's own commands made here, counted from the newest.

What a worker, a watch or a feed captures beside them, and what somebody handed over, is never meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

NAME = re.compile(r"LAST(?:~([0-9]{1,6}))?")
AT_ONCE = 64
"""Captures that may be under way together: they are sealed in another order than they were begun in."""


def steps_back(text: str) -> int | None:
    """Return how many captures before the last one are meant; None where `text` is an id or another name."""
    found = NAME.fullmatch(text)
    return int(found[1] or 0) if found else None


def counted_back(sealed: Iterable[tuple[int, str]], steps: int) -> str | None:
    """Return the capture that was sealed `steps` before the last one; None where there are not so many.

    `sealed`: (number of its event, capture), the one that was begun last first.
    """
    newest = sorted(islice(sealed, steps + 1 + AT_ONCE), reverse=True)
    return newest[steps][1] if steps < len(newest) else None
