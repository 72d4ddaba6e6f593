"""What captures of all processes share: the recorder, and the limits at hosts."""

from __future__ import annotations

import secrets

from archiver.home.home import Home
from archiver.ratelimit.limiter import SharedLimiter
from archiver.ratelimit.shared_slots import SharedSlots
from archiver.ratelimit.stores import PostgresStore, SqliteStore
from archiver.recorder.dial import ProxyChoice
from archiver.recorder.network import TestNetwork
from archiver.recorder.proxy import Recorder


def shared_slots(home: Home, interval: float | None = None) -> SharedSlots:
    """Make one more holder of slots at hosts, shared by all processes of the home, or by all machines.

    `interval`: seconds between two starts at a host, where it is not the home's own.
    """
    config = home.config
    store = PostgresStore(config.jobs) if config.jobs else SqliteStore(home.path / "state.sqlite")
    seconds = config.interval if interval is None else interval
    return SharedSlots(store, secrets.token_hex(8), seconds, config.concurrency)


def open_recorder(home: Home, network: TestNetwork | None) -> Recorder:
    """Start the recorder of a home. `network`: a miniature one, for the demo and the tests."""
    config = home.config
    limiter = SharedLimiter(shared_slots(home, None if network is None else 0.0), config.concurrency)
    return Recorder(
        limiter, ProxyChoice(config.proxy), network=network, clock=home.clock,
        fetch_missing_certificates=config.fetch_missing_certificates,
    )  # fmt: skip
