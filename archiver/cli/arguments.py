"""Arguments that several commands share, read into values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import UsageError
from archiver.home.home import Home
from spiders.platforms import platform_named
from spiders.targets import NoTarget, Target


def telegram_account(home: Home, arguments: Any, targets: Iterable[Target | NoTarget]) -> str | None:
    """The account by which Telegram is asked, where one of the targets is Telegram's. Raises `NotFound`, `UsageError`."""
    if not any(isinstance(one, Target) and platform_named(one.platform).by_account for one in targets):
        return None
    return chosen_account(home, arguments)


def chosen_account(home: Home, arguments: Any) -> str | None:
    """What `--account` and `--no-account` come to. None: Telegram's public pages. Raises `NotFound`, `UsageError`."""
    if arguments.no_account:
        return None
    from archiver.telegram.accounts import Accounts

    return Accounts(home).chosen(arguments.account)


def moment(text: str | None, flag: str) -> datetime | None:
    """A date or time, UTC unless it carries an offset or the name of a zone. Raises `UsageError`."""
    if text is None:
        return None
    try:
        return read_moment(text)
    except ValueError as error:
        raise UsageError(
            f"{flag} as 2022-01-05, 2022-01-05T12:00+06:00 or '2022-01-05T12:00 Asia/Almaty'",
            repr(text),
            "Give it in that form.",
        ) from error


def read_moment(text: str) -> datetime:
    """The moment in UTC. A zone's name follows its rules of that day: Almaty was +6 until March 2024. Raises `ValueError`."""
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
