"""Telegram's error answers → outcomes, by the table in `spiders/telegram/absence.py`. Pure."""

from __future__ import annotations

import re

from spiders.availability import absence
from spiders.posts import Absence, Availability, Outcome
from spiders.telegram.absence import ERRORS, LOGGED_OUT

_WAIT = re.compile(r"(?:FLOOD|FLOOD_PREMIUM|SLOWMODE|FLOOD_TEST_PHONE|TAKEOUT_INIT_DELAY)_?(?:WAIT)?_(\d+)")


class TelegramError(Exception):
    """An error that says why something could not be had. `name`: Telegram's word for it; None without an answer."""

    def __init__(self, outcome: Outcome, reason: str, said: Absence, name: str | None = None, wait: int = 0) -> None:
        super().__init__(reason)
        self.outcome, self.reason, self.absence, self.name, self.wait = outcome, reason, said, name, wait
        self.record: str | None = None
        """The record of the answer that says so."""

    @property
    def logged_out(self) -> bool:
        """Whether Telegram says that the account is not logged in any more."""
        return self.name in LOGGED_OUT


def of_error(code: int, name: str) -> TelegramError:
    """Translate an `rpc_error` of Telegram into what it means for the target, by its name, then by its code."""
    if match := _WAIT.fullmatch(name):
        seconds = int(match[1])
        reason = f"Telegram asks for a pause of {seconds} s (it answers {name})"
        return TelegramError(Outcome.BLOCKED, reason, absence("rate limit", name), name, seconds)
    if (known := ERRORS.named(name)) is not None:
        return TelegramError(
            known.outcome, f"{known.meaning} (Telegram answers {name})", absence(known.kind, name), name
        )
    if code == 420:
        return TelegramError(Outcome.BLOCKED, f"Telegram asks for a pause ({name})", absence("rate limit", name), name)
    if code in (500, -503) or code < 0:
        return TelegramError(
            Outcome.FAILED, f"Telegram has an internal error ({name})", absence("server error", name), name
        )
    if code in (401, 403, 406):
        return TelegramError(
            Outcome.REFUSED, f"Telegram refuses it ({name})", Absence(Availability.UNKNOWN, said=name), name
        )
    return TelegramError(Outcome.FAILED, f"Telegram answers {name}", Absence(Availability.UNKNOWN, said=name), name)


def unreachable(what: str) -> TelegramError:
    """Make the error for when no answer came. `what`: the problem, in words."""
    return TelegramError(
        Outcome.FAILED, f"Telegram cannot be reached: {what}", Absence(Availability.UNKNOWN, "no answer")
    )


def pausing(left: float) -> TelegramError:
    """Make the error for when nothing was asked, because Telegram had told this account to pause.

    That was in another capture or on another machine. `left`: seconds.
    """
    reason = f"Telegram asked this account for a pause, {left:.0f} s of which are left; nothing was asked"
    return TelegramError(Outcome.BLOCKED, reason, Absence(Availability.UNKNOWN, "no answer"), wait=int(left) + 1)
