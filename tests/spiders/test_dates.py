"""Times: converted where the zone is known, bounds where it is not, never relabelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.cli.analysis import time_range
from archiver.cli.moments import given_moments, read_moments
from archiver.errors import UsageError
from spiders import dates
from spiders.x.common import when


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("literal", "utc"),
    [
        ("2018-06-19T12:41:34-07:00", "2018-06-19T19:41:34Z"),  # Pacific daylight time
        ("2022-01-05T20:30:00-08:00", "2022-01-06T04:30:00Z"),  # Pacific standard time: another day in UTC
        ("2022-01-05T12:00:00+06:00", "2022-01-05T06:00:00Z"),
        ("2024-03-02T12:00:00+05:00", "2024-03-02T07:00:00Z"),
        ("2022-01-05T12:00:00Z", "2022-01-05T12:00:00Z"),
        ("2022-01-05T12:00:00+05:30", "2022-01-05T06:30:00Z"),
    ],
)
def test_offsets_are_converted(literal: str, utc: str) -> None:
    time = dates.iso(literal, "x")
    assert (time.text(), time.zone_known, time.literal) == (utc, True, literal)


@pytest.mark.parametrize("literal", ["2018-12-28", "20181228"])
def test_a_bare_date_has_bounds_and_no_value(literal: str) -> None:
    time = dates.iso(literal, "x")
    assert (time.value, time.zone_known, time.precision) == (None, False, "day")
    # From when it became that day in Kiribati until it ceased to be that day at Baker Island.
    assert (time.earliest, time.latest) == (at("2018-12-27T10:00:00+00:00"), at("2018-12-29T12:00:00+00:00"))


def test_a_time_without_a_zone_has_bounds_and_no_value() -> None:
    time = dates.iso("2022-01-05T12:00:00", "x")
    assert (time.value, time.zone_known) == (None, False)
    assert (time.earliest, time.latest) == (at("2022-01-04T22:00:00+00:00"), at("2022-01-06T00:00:00+00:00"))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-02-29T12:00 Asia/Almaty", "2024-02-29T06:00:00+00:00"),  # +6 until 1 March 2024
        ("2024-03-01T12:00 Asia/Almaty", "2024-03-01T07:00:00+00:00"),  # +5 from then on
        ("2022-01-05 Asia/Almaty", "2022-01-04T18:00:00+00:00"),
        ("2022-01-05T12:00+06:00", "2022-01-05T06:00:00+00:00"),
        ("2022-01-05", "2022-01-05T00:00:00+00:00"),
        ("2022-07-01T12:00 America/Los_Angeles", "2022-07-01T19:00:00+00:00"),
        ("2022-01-05 12:00", "2022-01-05T12:00:00+00:00"),
    ],
)
def test_named_zones_follow_the_rules_of_that_day(text: str, utc: str) -> None:
    assert read_moments(text) == (at(utc), at(utc))


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("2024-02-29T23:30 Asia/Almaty", "2024-02-29T17:30:00+00:00", "2024-02-29T18:30:00+00:00"),
        ("2021-10-31T03:30 Europe/Kyiv", "2021-10-31T00:30:00+00:00", "2021-10-31T01:30:00+00:00"),
    ],
)
def test_an_hour_that_happened_twice_is_an_interval(text: str, first: str, second: str) -> None:
    assert read_moments(text) == (at(first), at(second))
    when = time_range(text, None)
    assert (when.start, when.end, when.given) == (at(first), at(second), (text,))
    assert time_range("2021-01-01", text).end == at(second)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2021-03-28T03:30 Europe/Kyiv", "the clocks of Europe/Kyiv went from 03:00 to 04:00 that day"),
        ("2011-03-27T02:15 Europe/Moscow", "the clocks of Europe/Moscow went from 02:00 to 03:00 that day"),
    ],
)
def test_an_hour_that_never_happened_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        given_moments(text, "--since")


@pytest.mark.parametrize(
    "text", ["2022-01-05T12:00+06:00 Asia/Almaty", "2022-01-05 Nowhere/Town", "yesterday", "../etc"]
)
def test_bad_moments(text: str) -> None:
    with pytest.raises(ValueError):
        read_moments(text)


@pytest.mark.parametrize(
    ("literal", "earliest", "latest"),
    [
        ("5 years ago", "2020-01-26", "2021-01-26"),
        ("1 month ago", "2025-11-26", "2025-12-26"),
        ("2 weeks ago (edited)", "2026-01-05", "2026-01-12"),
        ("Streamed 3 days ago", "2026-01-22", "2026-01-23"),
    ],
)
def test_relative_dates_are_bounds(literal: str, earliest: str, latest: str) -> None:
    time = dates.ago(literal, "x", at("2026-01-26T00:00:00+00:00"))
    assert (time.value, time.literal) == (None, literal)
    assert time.earliest is not None
    assert time.latest is not None
    assert (time.earliest.date().isoformat(), time.latest.date().isoformat()) == (earliest, latest)


def test_a_relative_date_without_a_moment_stays_literal() -> None:
    time = dates.ago("5 years ago", "x", None)
    assert (time.value, time.earliest, time.latest) == (None, None, None)


def test_a_month_back_from_the_31st() -> None:
    time = dates.ago("1 month ago", "x", at("2024-03-31T12:00:00+00:00"))
    assert time.latest == at("2024-02-29T12:00:00+00:00")


@given(st.datetimes(min_value=datetime(2006, 1, 1), max_value=datetime(2030, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_any_offset_gives_the_same_moment(naive: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    text = f"{naive.isoformat()}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    time = dates.iso(text, "x")
    assert time.value == naive.replace(tzinfo=UTC) - timedelta(minutes=minutes)


@given(st.text(max_size=40))
def test_any_text_is_no_traceback(text: str) -> None:
    dates.iso(text, "x")
    dates.ago(text, "x", datetime.now(UTC))
    when(text, "x")


@pytest.mark.parametrize(
    "literal",
    [
        "1403-05-01",
        "1403-05-01T10:00:00+03:30",
        "2567-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-W01",
        "2026-W01-1",
    ],
)
def test_years_of_other_calendars_and_weeks_stay_literals(literal: str) -> None:
    for time in (dates.iso(literal, "x"), dates.stated(literal, "x")):
        assert (time.value, time.earliest, time.precision, time.literal) == (None, None, None, literal)


@pytest.mark.parametrize(
    ("literal", "precision", "lasts"),
    [
        ("2026-01-01T12", "hour", 60), ("2026-01-01T12:43", "minute", 1), ("2026-01-01 12:43", "minute", 1),
        ("20260101T1243", "minute", 1), ("2026-01-01T12:43:00", "second", 0), ("2026-01-01T12:43:00.5", "second", 0),
        ("Thu, 01 Jan 2026 12:43", "minute", 1),
    ],
)  # fmt: skip
def test_seconds_that_nobody_states_are_not_known(literal: str, precision: str, lasts: int) -> None:
    time = dates.stated(literal, "x")
    assert time.precision == precision
    assert time.earliest is not None
    assert time.latest is not None
    assert time.latest - time.earliest == dates.EAST + dates.WEST + timedelta(minutes=lasts)
    zoned = dates.stated(f"{literal} +0500" if "Thu" in literal else f"{literal}+05:00", "x")
    assert (zoned.precision, zoned.zone_known) == (precision, True)
