"""What the options of a capturing command come to: the account that Telegram is asked by, and `CaptureOptions`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from archiver.capture.options import CaptureOptions
from archiver.cli.moments import moment
from archiver.home.cases import DEFAULT_CASE
from spiders.platforms import platform_named
from spiders.targets import NoTarget, Target

if TYPE_CHECKING:
    from archiver.home.home import Home


def capture_options(home: Home, arguments: Any, account: str | None = None) -> CaptureOptions:
    """Return what a person asked for; an option that the command does not have counts as not given.

    Raises `UsageError` for a date, `NotFound` for a case that is not there.
    """
    asked = vars(arguments)
    options = CaptureOptions(
        cases=tuple(asked.get("case") or [DEFAULT_CASE]),
        media=not asked.get("no_media", False),
        comments=asked.get("comments", False),
        quick=asked.get("quick", False),
        merge=asked.get("merge", False),
        follow=asked.get("follow_embeds", False),
        holes=asked.get("holes", False),
        oldest_first=asked.get("oldest_first", False),
        since=moment(asked.get("since"), "--since"),
        until=moment(asked.get("until"), "--until"),
        limit=asked.get("limit"),
        account=account,
    )
    home.recipients(list(options.cases))
    home.proxy_for(options.cases)  # said before anything begins
    return options


def telegram_account(home: Home, arguments: Any, targets: Iterable[Target | NoTarget]) -> str | None:
    """Return the account by which Telegram is asked, where one of the targets is Telegram's.

    Raises `NotFound`, `UsageError`.
    """
    if not any(isinstance(one, Target) and platform_named(one.platform).by_account for one in targets):
        return None
    return chosen_account(home, arguments)


def chosen_account(home: Home, arguments: Any) -> str | None:
    """Return what `--account`, and `--no-account` where a command has it, come to; None for Telegram's public pages.

    Raises `NotFound`, `UsageError`.
    """
    if vars(arguments).get("no_account"):
        return None
    from archiver.telegram.accounts import Accounts

    return Accounts(home).chosen(arguments.account)
