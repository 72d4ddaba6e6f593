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
    """Parse ISO 8601: to UTC where there is an offset, else to an interval, since the zone is unknown."""
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


def with_offset(literal: str, source: str, *formats: str) -> Time:
    """Parse one of the `strptime` forms, else ISO 8601: to UTC where it has an offset, else keep the literal alone."""
    found = _read(literal, formats)
    if found is None:
        return Time(None, None, False, literal, source)
    if found.tzinfo is None:
        return Time(None, "second", False, literal, source)
    try:
        return Time(found.astimezone(UTC), "second", True, literal, source)
    except OverflowError:
        return Time(None, None, True, literal, source)


def _read(literal: str, formats: tuple[str, ...]) -> datetime | None:
    for form in formats:
        try:
            return datetime.strptime(literal, form)
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(literal)
    except ValueError:
        return None


def day(found: datetime, literal: str, source: str) -> Time:
    """Make the interval of a date without a zone: all moments at which it was that day somewhere on earth."""
    try:
        start = found.replace(tzinfo=UTC, hour=0, minute=0, second=0, microsecond=0)
        return Time(None, "day", False, literal, source, start - EAST, start + timedelta(days=1) + WEST)
    except OverflowError:
        return Time(None, "day", False, literal, source)


def instant(seconds: float | None, literal: str, source: str, precision: str = "second") -> Time | None:
    """Make the time of seconds since 1970 in UTC; None for None."""
    if seconds is None:
        return None
    try:
        return Time(datetime.fromtimestamp(seconds, UTC), precision, True, literal, source)
    except (OverflowError, OSError, ValueError):
        return Time(None, None, False, literal, source)


def ago(literal: str, source: str, observed: datetime | None) -> Time:
    """Parse `5 years ago`, seen at `observed`: five to six years before. Without `observed`, keep the literal alone."""
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


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january янв января қаңтар", "feb february фев февраля ақпан", "mar march мар марта наурыз",
            "apr april апр апреля сәуір", "may мая мамыр", "jun june июн июня маусым", "jul july июл июля шілде",
            "aug august авг августа тамыз", "sep sept september сен сент сентября қыркүйек",
            "oct october окт октября қазан", "nov november ноя ноября қараша", "dec december дек декабря желтоқсан",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_CLOCK = r"(?:\D{0,12}?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<half>[ap])?\.?m?\.?)?"
_WRITTEN = [
    re.compile(rf"(?P<month>[^\W\d]{{3,10}})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_CLOCK}", re.IGNORECASE),
    re.compile(rf"(?P<day>\d{{1,2}})\.?\s+(?P<month>[^\W\d]{{3,10}})\.?,?\s+(?P<year>\d{{4}}){_CLOCK}", re.IGNORECASE),
    re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}){_CLOCK}"),
    re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_CLOCK}"),
]  # fmt: skip


def written(literal: str, source: str) -> Time:
    """Parse `December 18, 2011 at 12:43 pm` or `18 декабря 2011, 12:43`: no zone, so an interval.

    Dates like 12/11/2011 are left alone: nothing says which number is the month.
    """
    unknown = Time(None, None, False, literal, source)
    for pattern in _WRITTEN:
        match = pattern.search(literal)
        if match is None:
            continue
        named = match["month"].lower()
        month = int(named) if named.isdigit() else _MONTHS.get(named)
        if month is None:
            continue
        parts = match.groupdict()
        hour = int(parts["hour"]) if parts["hour"] else None
        if hour is not None and parts["half"]:
            hour = hour % 12 + (12 if parts["half"].lower() == "p" else 0)
        try:
            base = datetime(
                int(parts["year"]), month, int(parts["day"]), hour or 0, int(parts["minute"] or 0),
                int(parts["second"] or 0), tzinfo=UTC,
            )  # fmt: skip
            if hour is None:
                return day(base, literal, source)
            precision = "second" if parts["second"] else "minute"
            width = timedelta(0) if parts["second"] else timedelta(minutes=1)
            return Time(None, precision, False, literal, source, base - EAST, base + WEST + width)
        except (ValueError, OverflowError):
            return unknown
    return unknown
