"""Bringing teammates' captures here, and saying what came: for `archiver team` and `archiver sync --from`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archiver.copies.destinations import open_place
from archiver.copies.team import Brought, bring
from archiver.errors import ExitCode
from archiver.home.people import home_mark
from archiver.text.plain import harmless, many, size
from storage.note import VerifierKey

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.home.copies_config import Destination
    from archiver.home.home import Home


def bring_from(context: Context, home: Home, places: Iterable[Destination], case: str | None = None) -> int:
    """Bring what our keys open of other homes at these places; with `case`, of that case alone.

    Exit code 2 where a capture could not be fetched, 3 where nothing of that case is there.
    Raises `LedgerError`, `StoreError`, `DiskError`.
    """
    console = context.console
    found: list[Brought] = []
    for one in places:
        brought, closed = bring(home, open_place(home, one, writing=False), case)
        for part in brought:
            _say(console, home, part)
        if closed:
            console.say(f"{one.name}: {many(closed, 'more home')} there cannot be opened by any key here")
        if not brought and not closed:
            console.say(f"{one.name}: no other home has copies there")
        found += brought
    if case is not None and not any(case in one.cases for one in found):
        console.say(f"No home there has the case {harmless(case)!r} for a key of this home.")
        return ExitCode.UNAVAILABLE
    return ExitCode.PARTIAL if any(one.done.missing for one in found) else ExitCode.OK


def _say(console: Console, home: Home, one: Brought) -> None:
    cases = ", ".join(map(harmless, one.cases)) or "no case whose key is here"
    fetched = f"{many(one.done.captures, 'capture')} fetched ({size(one.done.bytes)})"
    console.say(f"{one.mark}: {cases}; {fetched}, with every proof checked")
    console.say(f"  its ledger: {many(one.done.checkpoint, 'event')}, signed by {one.key}")
    console.say(f"  in the queue's listings: {home_mark(VerifierKey.parse(one.key).name)[:8]}")
    console.say(
        f"  compare this key with its owner; then check: archiver check --home {home.path / 'others' / one.mark}"
    )
    for capture, why in one.done.missing:
        console.warn(f"  NOT FETCHED  {capture}: {why}")
    console.data(
        {"home": one.mark, "cases": one.cases, "captures": one.done.captures, "checkpoint": one.done.checkpoint,
         "key": one.key, "missing": [list(item) for item in one.done.missing]}
    )  # fmt: skip
