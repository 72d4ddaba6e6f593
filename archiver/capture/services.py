"""What captures share: the recorder and the limits at hosts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from archiver.home.home import Home
from archiver.ratelimit.limiter import SharedLimiter
from archiver.ratelimit.stores import PostgresStore, SqliteStore
from archiver.ratelimit.turns import Turns
from archiver.recorder.dial import Exit
from archiver.recorder.proxy import Recorder

if TYPE_CHECKING:
    from archiver.cli.context import Context


def turns_of(home: Home, interval: float | None = None) -> Turns:
    """A further holder of turns at hosts, among all processes of the home, or all machines. `interval`: not the home's, seconds."""
    config = home.config
    store = PostgresStore(config.jobs) if config.jobs else SqliteStore(home.path / "state.sqlite")
    return Turns(store, secrets.token_hex(8), config.interval if interval is None else interval, config.concurrency)


def open_recorder(context: Context, home: Home) -> Recorder:
    config = home.config
    limiter = SharedLimiter(turns_of(home, None if context.network is None else 0.0), config.concurrency)
    return Recorder(limiter, Exit(config.proxy), network=context.network, clock=home.clock)
