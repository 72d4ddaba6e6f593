"""Telegram's error answers → outcomes, in the words that all platforms share. Pure.

Source: core.telegram.org/api/errors and the error lists of the methods that are asked. What no row names is `failed`
with Telegram's own word for it: nothing is concluded about the target.
"""

from __future__ import annotations

import re

from spiders.availability import absence
from spiders.posts import Absence, Outcome, State

TABLE: dict[str, tuple[Outcome, str | None, str]] = {
    # name: (outcome, kind in spiders/availability.py, what it says)
    "USERNAME_NOT_OCCUPIED": (Outcome.UNAVAILABLE, "no such account", "nobody has this name"),
    "USERNAME_INVALID": (Outcome.UNAVAILABLE, "no such account", "no name can look like this"),
    "CHANNEL_INVALID": (Outcome.UNAVAILABLE, "does not exist", "there is no such channel"),
    "PEER_ID_INVALID": (Outcome.UNAVAILABLE, "does not exist", "there is no such chat for this account"),
    "CHAT_ID_INVALID": (Outcome.UNAVAILABLE, "does not exist", "there is no such group"),
    "MSG_ID_INVALID": (Outcome.UNAVAILABLE, "not found", "there is no such message, or nothing is under it"),
    "MESSAGE_ID_INVALID": (Outcome.UNAVAILABLE, "not found", "there is no such message"),
    "INVITE_HASH_EXPIRED": (Outcome.UNAVAILABLE, "gone", "the invite link has expired or was withdrawn"),
    "INVITE_HASH_INVALID": (Outcome.UNAVAILABLE, "does not exist", "there is no such invite link"),
    "CHANNEL_PRIVATE": (Outcome.REFUSED, "private", "private to its members, or the account was banned from it, or it was closed"),
    "CHANNEL_PUBLIC_GROUP_NA": (Outcome.REFUSED, "private", "not to be seen by this account"),
    "CHAT_ADMIN_REQUIRED": (Outcome.REFUSED, "not for everybody", "for administrators only"),
    "CHAT_FORBIDDEN": (Outcome.REFUSED, "private", "this account may not see it"),
    "USER_BANNED_IN_CHANNEL": (Outcome.REFUSED, "private", "this account was banned from it"),
    "CHAT_RESTRICTED": (Outcome.REFUSED, "withheld", "Telegram does not show it"),
    "CHANNEL_FORUM_MISSING": (Outcome.UNAVAILABLE, "not found", "it has no topics"),
    "TOPIC_ID_INVALID": (Outcome.UNAVAILABLE, "not found", "there is no such topic"),
    "STORIES_NEVER_CREATED": (Outcome.UNAVAILABLE, "not found", "it has never had stories"),
    "FILE_ID_INVALID": (Outcome.UNAVAILABLE, "not found", "there is no such file"),
    "LOCATION_INVALID": (Outcome.UNAVAILABLE, "not found", "there is no such file"),
    "AUTH_KEY_UNREGISTERED": (Outcome.REFUSED, "login expired", "the account is logged out, here or from another device"),
    "AUTH_KEY_INVALID": (Outcome.REFUSED, "login expired", "the account is logged out"),
    "AUTH_KEY_DUPLICATED": (Outcome.REFUSED, "login expired", "the session was used from two places at once; Telegram ended it"),
    "SESSION_REVOKED": (Outcome.REFUSED, "login expired", "the account was logged out from another device"),
    "SESSION_EXPIRED": (Outcome.REFUSED, "login expired", "the session has expired"),
    "USER_DEACTIVATED": (Outcome.REFUSED, "login not accepted", "the account itself was deleted"),
    "USER_DEACTIVATED_BAN": (Outcome.REFUSED, "login not accepted", "the account itself was banned by Telegram"),
    "FROZEN_METHOD_INVALID": (Outcome.REFUSED, "login not accepted", "the account itself was frozen by Telegram"),
    "PREMIUM_ACCOUNT_REQUIRED": (Outcome.REFUSED, "not for everybody", "for paying accounts only"),
    "API_ID_INVALID": (Outcome.REFUSED, "login not accepted", "api_id and api_hash do not belong together"),
}  # fmt: skip
LOGGED_OUT = frozenset({
    "AUTH_KEY_UNREGISTERED", "AUTH_KEY_INVALID", "AUTH_KEY_DUPLICATED", "SESSION_REVOKED", "SESSION_EXPIRED",
    "USER_DEACTIVATED", "USER_DEACTIVATED_BAN",
})  # fmt: skip
_WAIT = re.compile(r"(?:FLOOD|FLOOD_PREMIUM|SLOWMODE|FLOOD_TEST_PHONE|TAKEOUT_INIT_DELAY)_?(?:WAIT)?_(\d+)")


class Trouble(Exception):
    """Something could not be had. `name`: Telegram's own word for it, None where no answer came."""

    def __init__(self, outcome: Outcome, reason: str, said: Absence, name: str | None = None, wait: int = 0) -> None:
        super().__init__(reason)
        self.outcome, self.reason, self.absence, self.name, self.wait = outcome, reason, said, name, wait
        self.record: str | None = None
        """The record of the answer that says so."""

    @property
    def logged_out(self) -> bool:
        return self.name in LOGGED_OUT


def of_error(code: int, name: str) -> Trouble:
    """What an `rpc_error` means for what was asked."""
    if match := _WAIT.fullmatch(name):
        seconds = int(match[1])
        reason = f"Telegram asks for a pause of {seconds} s (it answers {name})"
        return Trouble(Outcome.BLOCKED, reason, absence("rate limit", name), name, seconds)
    if name in TABLE:
        outcome, kind, words = TABLE[name]
        return Trouble(outcome, f"{words} (Telegram answers {name})", absence(kind, name), name)
    if code == 420:
        return Trouble(Outcome.BLOCKED, f"Telegram asks to come back later ({name})", absence("rate limit", name), name)
    if code in (500, -503) or code < 0:
        return Trouble(Outcome.FAILED, f"Telegram has internal trouble ({name})", absence("server error", name), name)
    if code in (401, 403, 406):
        return Trouble(Outcome.REFUSED, f"Telegram refuses it ({name})", Absence(State.UNKNOWN, said=name), name)
    return Trouble(Outcome.FAILED, f"Telegram answers {name}", Absence(State.UNKNOWN, said=name), name)


def unreachable(what: str) -> Trouble:
    return Trouble(Outcome.FAILED, f"Telegram cannot be reached: {what}", Absence(State.UNKNOWN, "no answer"))


def pausing(left: float) -> Trouble:
    """Nothing was asked: Telegram had told this account to pause, in another capture or on another machine."""
    reason = f"Telegram asked this account for a pause, {left:.0f} s of which are left; nothing was asked"
    return Trouble(Outcome.BLOCKED, reason, Absence(State.UNKNOWN, "no answer"), wait=int(left) + 1)
