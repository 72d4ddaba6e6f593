"""Dates as platforms write them, as `Time`: converted where the zone is given, an interval where it is not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from spiders.posts import Time

_AGO = re.compile(
    r"(?:Streamed |Premiered |Started streaming )?(\d+) (second|minute|hour|day|week|month|year)s? ago", re.IGNORECASE
)
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
WEST, EAST = timedelta(hours=12), timedelta(hours=14)
"""The zones furthest behind and ahead of UTC."""


def iso(literal: str, source: str) -> Time:
    """ISO 8601. With an offset: converted to UTC. Without: the zone is unknown and the value is an interval."""
    try:
        found = datetime.fromisoformat(literal)
    except ValueError:
        return Time(None, None, False, literal, source)
    if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", literal):
        return day(found, literal, source)
    if found.tzinfo is None:
        try:
            base = found.replace(tzinfo=UTC)
            return Time(None, "second", False, literal, source, base - EAST, base + WEST)
        except OverflowError:
            return Time(None, "second", False, literal, source)
    try:
        return Time(found.astimezone(UTC), "second", True, literal, source)
    except OverflowError:
        return Time(None, "second", True, literal, source)


def day(found: datetime, literal: str, source: str) -> Time:
    """A date without a zone: somewhere on earth it was that day."""
    try:
        start = found.replace(tzinfo=UTC, hour=0, minute=0, second=0, microsecond=0)
        return Time(None, "day", False, literal, source, start - EAST, start + timedelta(days=1) + WEST)
    except OverflowError:
        return Time(None, "day", False, literal, source)


def instant(seconds: float | None, literal: str, source: str, precision: str = "second") -> Time | None:
    """Seconds since 1970 in UTC."""
    if seconds is None:
        return None
    try:
        return Time(datetime.fromtimestamp(seconds, UTC), precision, True, literal, source)
    except (OverflowError, OSError, ValueError):
        return Time(None, None, False, literal, source)


def ago(literal: str, source: str, observed: datetime | None) -> Time:
    """`5 years ago`, seen at `observed`: between five and six years before. Without `observed` only the literal."""
    match = _AGO.search(literal)
    if match is None or observed is None:
        return Time(None, None, False, literal, source)
    amount, unit = int(match[1]), match[2].lower()
    if amount > 10_000:
        return Time(None, None, False, literal, source)
    try:
        latest = _back(observed, amount, unit)
        earliest = _back(observed, amount + 1, unit)
    except (OverflowError, ValueError):
        return Time(None, None, False, literal, source)
    return Time(None, unit, True, literal, source, earliest, latest)


def _back(moment: datetime, amount: int, unit: str) -> datetime:
    if unit in _UNITS:
        return moment - amount * _UNITS[unit]
    months = amount * (12 if unit == "year" else 1)
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    for last in range(moment.day, 27, -1):  # the 31st of a month that has none is its last day
        try:
            return moment.replace(year=year, month=month + 1, day=last)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1)
