"""Dates as platforms write them, as `Time`: converted where the zone is given, an interval where it is not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

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
_LASTS = {"second": timedelta(0), "minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_YEARS = range(1900, 2101)
"""Years of other calendars are not taken for ours."""
WEST, EAST = timedelta(hours=12), timedelta(hours=14)
"""The zones furthest behind and ahead of UTC."""


def iso(literal: str, source: str) -> Time:
    """Parse ISO 8601: to UTC where there is an offset, else to an interval, since the zone is unknown.

    Years that are no years of ours (1403, 2567, and the year 1 of programs that know no date), and weeks, stay literals.
    """
    unknown = Time(None, None, False, literal, source)
    try:
        found = datetime.fromisoformat(literal)
    except ValueError:
        return unknown
    if found.year not in _YEARS or "W" in literal:
        return unknown
    if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", literal):
        return day(found, literal, source)
    precision = _precision(literal)
    if found.tzinfo is None:
        base = found.replace(tzinfo=UTC)
        return Time(None, precision, False, literal, source, base - EAST, base + WEST + _LASTS[precision])
    return Time(found.astimezone(UTC), precision, True, literal, source)


def _precision(literal: str) -> str:
    """To what a time of ISO 8601 is stated. The seconds of "12:43" stand nowhere."""
    clock = re.match(r"\d{4}-?\d{2}-?\d{2}.\d{2}(:?\d{2})?(:?\d{2})?", literal)
    return "second" if clock is None or clock[2] else "minute" if clock[1] else "hour"


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
            "jan january янв января қаңтар січня januar jänner ocak يناير كانون", "feb february фев февраля ақпан лютого februar şubat فبراير شباط",
            "mar march мар марта наурыз березня märz mart مارس آذار", "apr april апр апреля сәуір квітня nisan أبريل نيسان",
            "may мая мамыр травня mai mayıs مايو أيار", "jun june июн июня маусым червня juni haziran يونيو حزيران",
            "jul july июл июля шілде липня juli temmuz يوليو تموز", "aug august авг августа тамыз серпня ağustos أغسطس آب",
            "sep sept september сен сент сентября қыркүйек вересня eylül سبتمبر أيلول", "oct october окт октября қазан жовтня oktober ekim أكتوبر",
            "nov november ноя ноября қараша листопада kasım نوفمبر", "dec december дек декабря желтоқсан грудня dezember aralık ديسمبر",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_MONTHS.pop("كانون")  # the first half of two months' names
_CLOCK = r"(?:\D{0,12}?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<half>[ap])?\.?m?\.?)?"
_WRITTEN = [
    re.compile(rf"(?P<month>[^\W\d]{{2,10}})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_CLOCK}", re.IGNORECASE),
    re.compile(rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?P<month>[^\W\d]{{2,10}})\.?,?\s+(?P<year>\d{{4}}){_CLOCK}", re.IGNORECASE),
    re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}){_CLOCK}"),
    re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_CLOCK}"),
]  # fmt: skip
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})([/-])(\d{1,2})\2(\d{4})(?!\d)|(?<!\d)(\d{4})([/.])(\d{1,2})\6(\d{1,2})(?!\d)")


def written(literal: str, source: str) -> Time:
    """Parse `December 18, 2011 at 12:43 pm` or `18 декабря 2011, 12:43`: no zone, so an interval.

    Nothing says which number of 11/12/2011 is the month: the interval holds both readings.
    """
    unknown = Time(None, None, False, literal, source)
    for pattern in _WRITTEN:
        match = pattern.search(literal)
        if match is None:
            continue
        month = _month(match["month"])
        if month is None:
            continue
        if not _days((int(match["year"]), month, int(match["day"]))):
            return unknown
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
    return _of_days(_in_numbers(literal), literal, source) or unknown


def days_in(literal: str) -> list[date]:
    """List the days that a written date can mean: two for 11/12/2011, none where it is no date."""
    for pattern in _WRITTEN:
        match = pattern.search(literal)
        if match is not None and (month := _month(match["month"])) is not None:
            return _days((int(match["year"]), month, int(match["day"])))
    return _in_numbers(literal)


def _month(name: str) -> int | None:
    return int(name) if name.isdigit() else _MONTHS.get(name.casefold().replace("\u0307", ""))


def _in_numbers(literal: str) -> list[date]:
    """The days that three numbers with strokes between them can mean."""
    match = _NUMBERS.search(literal)
    if match is None:
        return []
    if match[5]:
        return _days((int(match[5]), int(match[7]), int(match[8])))
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    return _days((year, second, first), (year, first, second))


def _days(*readings: tuple[int, int, int]) -> list[date]:
    """The days that there are of these. Years like 1400 are of another calendar, and are not taken for ours."""
    found = []
    for year, month, number in readings:
        try:
            found += [date(year, month, number)] if year in _YEARS else []
        except ValueError:
            continue
    return list(dict.fromkeys(found))


def _of_days(days: list[date], literal: str, source: str) -> Time | None:
    """The interval from the beginning of the first of these days to the end of the last, wherever on earth."""
    if not days:
        return None
    ends = [day(datetime(one.year, one.month, one.day, tzinfo=UTC), literal, source) for one in (min(days), max(days))]
    return Time(None, "day", False, literal, source, ends[0].earliest, ends[1].latest)


def stated(literal: str, source: str) -> Time:
    """Parse a time that a publisher stated for machines or in words: ISO 8601 in its looser spellings, RFC 2822, a date.

    To UTC where it has an offset; an interval where it has none; the literal alone where it cannot be read.
    """
    loose = re.sub(
        r"^(\d{4}-\d{2}-\d{2})\s+(\d{1,2}:\d{2}\S*?)\s*(Z|UTC|[+-]\d{2}:?\d{2})?$", r"\1T\2\3", literal.strip()
    )
    loose = re.sub(r"(?<=\d)\s*UTC$", "Z", loose)
    loose = re.sub(r"T(\d):", r"T0\1:", loose)
    found = iso(loose, source)
    if found.precision is None and (sent := _sent(literal)) is not None:
        found = iso(sent.isoformat(timespec="seconds" if re.search(r":\d\d:\d\d", literal) else "minutes"), source)
    if found.precision is None:
        found = written(literal, source)
    return replace(found, literal=literal)


def _sent(literal: str) -> datetime | None:
    """A date of RFC 2822 (section 3.3), as in the header of a mail."""
    if not re.match(r"(?:[A-Za-z]{3},\s*)?\d{1,2} [A-Za-z]{3} \d{4} \d{1,2}:\d{2}", literal):
        return None
    try:
        return parsedate_to_datetime(literal)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
