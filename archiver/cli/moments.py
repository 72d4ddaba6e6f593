"""Dates and times that a person gives on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import UsageError


class NoSuchTimeError(ValueError):
    """A time of day that a zone's clocks left out when they were put forward. `said`: which they were before and after."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def moment(text: str | None, flag: str, *, last: bool = False) -> datetime | None:
    """Return a date or time, in UTC unless it has an offset or the name of a zone. Raises `UsageError`.

    `last`: of a time that a zone's clocks showed twice, the second; else the first.
    """
    return None if text is None else given_moments(text, flag)[last]


def given_moments(text: str, flag: str) -> tuple[datetime, datetime]:
    """Return the earliest and the latest moment that a given date or time can mean. Raises `UsageError`.

    They differ where the clocks of its zone were put back over it.
    """
    try:
        return read_moments(text)
    except NoSuchTimeError as error:
        raise UsageError(
            f"{flag} as a time that there was", f"{text!r}: {error.said}",
            "Give a time before or after that, or an offset: 2022-01-05T12:00+06:00.",
        ) from error  # fmt: skip
    except ValueError as error:
        raise UsageError(
            f"{flag} as 2022-01-05, 2022-01-05T12:00+06:00 or '2022-01-05T12:00 Asia/Almaty'",
            repr(text),
            "Give it in that form.",
        ) from error


def read_moments(text: str) -> tuple[datetime, datetime]:
    """Parse a time into UTC: the earliest and the latest moment that it can mean. Raises `ValueError`, `NoSuchTimeError`.

    A zone's name follows its rules of that day: Almaty was +6 until 1 March 2024, when its clocks showed the hour before
    midnight twice.
    """
    first, _, zone = text.strip().partition(" ")
    if zone and not re.match(r"[0-9]", zone):
        value = datetime.fromisoformat(first)
        if value.tzinfo is not None:
            raise ValueError("both an offset and a zone")
        try:
            return _in_zone(value, ZoneInfo(zone.strip()))
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"no such zone: {zone}") from error
    value = datetime.fromisoformat(text)
    read = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return read, read


def _in_zone(value: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Both readings of a time of day, by PEP 495: `fold` chooses between them, and one that never was comes back changed."""
    first, second = (value.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != value:
        before, after = _around(second, first, zone)
        raise NoSuchTimeError(f"the clocks of {zone.key} went from {before:%H:%M} to {after:%H:%M} that day")
    return min(first, second), max(first, second)


def _around(low: datetime, high: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What the clocks showed before and after they were put forward, which was between two moments."""
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
    change = high.replace(microsecond=0)
    assert offset is not None
    return (change + offset).replace(tzinfo=None), change.astimezone(zone).replace(tzinfo=None)
