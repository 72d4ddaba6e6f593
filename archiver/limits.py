"""Politeness: the Limiter port, and one that holds within a process.

The recorder asks before each exchange and reports when a host tells it to wait. Because every client goes through
the recorder, the limit holds across captures; an implementation over a shared store holds across machines.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Limiter(Protocol):
    """All methods are called on the recorder's loop."""

    async def acquire(self, host: str) -> None:
        """Returns when a request to `host` may start."""

    def release(self, host: str) -> None:
        """The exchange has ended."""

    def penalise(self, host: str, seconds: float) -> None:
        """The host asked for a pause: no request to it starts before it is over."""


@dataclass
class _Host:
    next_start: float = 0.0
    running: int = 0
    waiters: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)


class HostLimiter:
    """At most `concurrency` exchanges with a host at a time, starts at least `interval` seconds apart."""

    def __init__(
        self, interval: float = 0.0, concurrency: int = 6, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = interval
        self._concurrency = concurrency
        self._ticks = ticks
        self._hosts: dict[str, _Host] = {}
        self._order = 0

    async def acquire(self, host: str) -> None:
        state = self._hosts.setdefault(host, _Host())
        while state.running >= self._concurrency:
            self._order += 1
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(state.waiters, (self._order, waiter))
            await waiter
        state.running += 1
        try:
            while (wait := state.next_start - self._ticks()) > 0:
                await asyncio.sleep(wait)
            state.next_start = max(state.next_start, self._ticks()) + self._interval
        except asyncio.CancelledError:
            self.release(host)
            raise

    def release(self, host: str) -> None:
        state = self._hosts[host]
        state.running -= 1
        while state.waiters:
            _, waiter = heapq.heappop(state.waiters)
            if not waiter.done():
                waiter.set_result(None)
                break

    def penalise(self, host: str, seconds: float) -> None:
        state = self._hosts.setdefault(host, _Host())
        state.next_start = max(state.next_start, self._ticks() + seconds)
