"""Make watches of links."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from archiver.capture.support import unsupported
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.jobs.new_job import refusal_of
from archiver.jobs.watch import SHOWN, Watch, is_there, new_watch, sight
from spiders.targets import Target


def watch_for(
    home: Home, target: Target, cases: Sequence[str], every: float, moment: datetime, account: str | None = None
) -> Watch:
    """Return a new watch of a link, as of `moment`: of a channel with the files of its posts, or of a post.

    Of a post it begins with the last observation that the home holds. Raises `UsageError` for a link that can be
    neither captured nor crawled.
    """
    by_account = account is not None
    if (refusal := refusal_of(target, by_account)) is not None:
        raise UsageError("links that can be captured or crawled", refusal, "Leave it out.")
    channel = unsupported(target, account=by_account) is not None
    made = new_watch(target, "channel" if channel else "post", cases, every, moment)
    made = replace(made, account=account, media=channel)
    return made if channel else _with_last_sight(home, made, target)


def _with_last_sight(home: Home, made: Watch, target: Target) -> Watch:
    """Add the last observation that the home holds: the first look is compared with it."""
    rows = [row for row in home.catalog.captures_of(target.url) if row["outcome"] in SHOWN]
    for row in reversed(rows):
        for post in home.catalog.posts(row["id"]):
            line = json.loads(post["line"])
            if line.get("role", "target") == "target" and line.get("id") in (target.id, None) and is_there(line):
                found = sight(line, row["id"], home.ledger_key.name, row["opened"])
                return replace(made, state="present", sight=found)
    return made
