"""Bring two sights of a post to one version of the parser, before they are compared."""

from __future__ import annotations

from dataclasses import replace

from archiver.jobs.watch import Sight, sight
from archiver.lookup.rereading import OTHER_VERSION, Rereading


def one_reading(reading: Rereading, before: Sight, now: Sight, post: str | None = None) -> tuple[Sight, Sight] | str:
    """Return both sights as one version reads them, or why that cannot be: the older bytes are not here.

    `post`: id of the post, where its record shows several.
    """
    if before.parser is not None and before.parser == now.parser:
        return before, now
    if before.ledger != now.ledger:  # the older bytes lie in another home
        return OTHER_VERSION
    was = reading.known(before.capture, before.record, post)
    line = reading.known(now.capture, now.record, post or (was or {}).get("id"))
    if was is None or line is None:
        return OTHER_VERSION
    if was.get("parser") == now.parser:
        return replace(before, parser=now.parser), now
    pair = reading.pair(was, before.capture, line, now.capture)
    if pair is None:
        return OTHER_VERSION
    return sight(pair[0], before.capture, before.ledger, before.at), sight(pair[1], now.capture, now.ledger, now.at)
