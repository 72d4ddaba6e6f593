"""Dates and times that a person gives on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import UsageError


def moment(text: str | None, flag: str) -> datetime | None:
    """Return a date or time, in UTC unless it has an offset or the name of a zone. Raises `UsageError`."""
    return None if text is None else given_moment(text, flag)


def given_moment(text: str, flag: str) -> datetime:
    """Return a date or time that was given, as `moment` does. Raises `UsageError`."""
    try:
        return read_moment(text)
    except ValueError as error:
        raise UsageError(
            f"{flag} as 2022-01-05, 2022-01-05T12:00+06:00 or '2022-01-05T12:00 Asia/Almaty'",
            repr(text),
            "Give it in that form.",
        ) from error


def read_moment(text: str) -> datetime:
    """Parse a moment into UTC. Raises `ValueError`.

    A zone's name follows its rules of that day: Almaty was +6 until March 2024.
    """
    first, _, zone = text.strip().partition(" ")
    if zone and not re.match(r"[0-9]", zone):
        value = datetime.fromisoformat(first)
        if value.tzinfo is not None:
            raise ValueError("both an offset and a zone")
        try:
            return value.replace(tzinfo=ZoneInfo(zone.strip())).astimezone(UTC)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"no such zone: {zone}") from error
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
