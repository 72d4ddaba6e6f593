"""What the times of events say of the clocks that gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

SERVERS_TOLERANCE_MS = 60_000
"""How far the median of the servers' own dates may be from ours."""
BACK_SECONDS = 60
"""Events of processes side by side, and of machines of a team, may be out of order by less."""


def servers_apart(clock: Mapping[str, Any]) -> str | None:
    """Say how far the dates of servers were from the recorder's clock, as a manifest states it; None where that is little."""
    servers = clock.get("servers")
    if not servers or abs(servers["median_ms"]) <= SERVERS_TOLERANCE_MS:
        return None
    return f"{servers['answers']} answers of servers put the time {servers['median_ms'] / 1000:+.0f} s from ours"


def clock_set_back(times: Iterable[tuple[int, str]]) -> str | None:
    """Say which event is dated before the one before it, by more than processes side by side explain.

    `times`: (event number, its time as its leaf states it), in order. Raises `ValueError` where one is no time.
    """
    ordered = ((seq, datetime.fromisoformat(time)) for seq, time in times)
    for (before, earlier), (seq, moment) in pairwise(ordered):
        if (back := int((earlier - moment).total_seconds())) > BACK_SECONDS:
            return f"event {seq} is dated {back} s before event {before}: a clock was wrong before or set back"
    return None


def clock_behind(now: datetime, newest: str) -> str | None:
    """Say that a clock is behind the newest event, which it or another gave a later time; None where it is not."""
    try:
        back = int((datetime.fromisoformat(newest) - now).total_seconds())
    except (ValueError, TypeError):
        return None
    if back <= BACK_SECONDS:
        return None
    return (
        f"this machine's clock is {back} s behind the newest event, of {newest}: it is wrong now, or was then."
        " What is recorded now is dated before it; set the clock, and note what happened"
    )
