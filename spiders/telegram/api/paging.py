"""Pages of a history: where one ends, and which ids it leaves out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from spiders.date_range import DateRange


def untorn(messages: Sequence[Any], numbers: list[int]) -> list[int]:
    """Leave out the album at the end of a full page: the rest of it may be on the next one."""
    albums = {message.id: getattr(message, "grouped_id", None) for message in messages}
    last = albums.get(numbers[-1])
    kept = numbers
    while last and kept and albums.get(kept[-1]) == last:
        kept = kept[:-1]
    return kept or numbers


def past(messages: Sequence[Any], span: DateRange, oldest_first: bool) -> bool:
    """Return whether everything further on lies outside the range of dates."""
    dates: list[datetime] = [message.date for message in messages if getattr(message, "date", None)]
    if not dates:
        return False
    if oldest_first:
        return span.until is not None and max(dates) >= span.until
    return span.since is not None and min(dates) < span.since


def gaps(numbers: set[int], bottom: int, top: int) -> list[tuple[int, int]]:
    """List the ids from `bottom` to `top` that are not in `numbers` as (first, last); none for a range of a million."""
    return runs(number for number in range(bottom, top + 1) if number not in numbers) if top - bottom < 10**6 else []


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Group consecutive numbers as (first, last)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
