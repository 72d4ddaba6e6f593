"""Politeness: the Limiter port, one that holds within a process, and one that holds across processes and machines.

The recorder asks before each exchange and reports when a host tells it to wait. Because every client goes through
the recorder, the limit holds across captures; the one over shared slots holds for all that share their store.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from archiver.ratelimit.shared_slots import BEAT_SECONDS, SharedSlots
from storage.errors import EvidenceError

AGAIN_SECONDS = 0.5
"""Pause before a store that did not answer is asked again."""


class Limiter(Protocol):
    """Limit on how often and how many requests go to a host.

    All methods but `close` are called on the recorder's loop.
    """

    async def acquire(self, host: str) -> None:
        """Wait until a request to `host` may start. Raises `EvidenceError` where that cannot be known."""

    def release(self, host: str) -> None:
        """Give the place back: the exchange has ended."""

    def penalise(self, host: str, seconds: float) -> None:
        """Hold back all requests to `host` for `seconds` from now, as it asked."""

    async def quiet(self, host: str) -> float:
        """Return how many seconds are left of the pause that the host asked for; 0 where there is none.

        Raises `EvidenceError` as `acquire` does.
        """

    def close(self) -> None:
        """Give back everything that is held. Must not be called on the recorder's loop."""


@dataclass
class _Host:
    next_start: float = 0.0
    quiet_until: float = -math.inf
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    """First come, first served. Somebody waits only while all places are taken."""


class HostLimiter:
    """At most `concurrency` exchanges with a host at a time, starts at least `interval` seconds apart."""

    def __init__(
        self, interval: float = 0.0, concurrency: int = 6, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = interval
        self._concurrency = concurrency
        self._ticks = ticks
        self._hosts: dict[str, _Host] = {}

    async def acquire(self, host: str) -> None:
        """Wait until a request to `host` may start; whoever came first starts first."""
        state = self._hosts.setdefault(host, _Host())
        if state.running < self._concurrency:
            state.running += 1
        else:
            await self._place(host, state)
        try:
            while (wait := state.next_start - self._ticks()) > 0:
                await asyncio.sleep(wait)
            state.next_start = max(state.next_start, self._ticks()) + self._interval
        except asyncio.CancelledError:
            self.release(host)
            raise

    async def _place(self, host: str, state: _Host) -> None:
        """Wait until a place is handed over; whoever hands it over leaves it counted."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        state.waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # handed over and cancelled in the same moment
                self.release(host)
            elif place in state.waiting:  # `release` may have passed it over already
                state.waiting.remove(place)
            raise

    def release(self, host: str) -> None:
        """Hand the place at `host` to whoever has waited longest, or free it where nobody waits."""
        state = self._hosts[host]
        while state.waiting:
            if not (place := state.waiting.popleft()).done():
                place.set_result(None)
                return
        state.running -= 1

    def penalise(self, host: str, seconds: float) -> None:
        """Let no request to `host` start for `seconds` from now. A longer pause already set stays."""
        state = self._hosts.setdefault(host, _Host())
        state.quiet_until = max(state.quiet_until, self._ticks() + seconds)
        state.next_start = max(state.next_start, state.quiet_until)

    async def quiet(self, host: str) -> float:
        """Return how many seconds are left of the host's pause; 0 where there is none."""
        state = self._hosts.get(host)
        return max(0.0, state.quiet_until - self._ticks()) if state is not None else 0.0

    def close(self) -> None:
        """Do nothing: no limit outlives the process."""


class SharedLimiter:
    """The limits of all who share a store. Raises `EvidenceError` from `acquire` where the store cannot be asked.

    Within the process those who wait for a host stand in a row as with `HostLimiter`, so that few of them ask the
    store. Its queries run on one thread, in order. A store that is away is asked again for a while: a database that is
    started anew should cost no capture.
    """

    def __init__(self, slots: SharedSlots, concurrency: int, patience: float = 30.0) -> None:
        """`patience`: seconds for which a store that does not answer is asked again before a request fails of it."""
        self._slots, self._patience = slots, patience
        self._local = HostLimiter(0.0, concurrency)
        self._thread = ThreadPoolExecutor(1, "slots")
        self._lost: EvidenceError | None = None
        self._beating: asyncio.Task[None] | None = None

    async def acquire(self, host: str) -> None:
        """Wait for a place within the process, then for a slot in the store.

        Raises `EvidenceError` after the store has not answered for `patience` seconds.
        """
        if self._beating is None:
            self._beating = asyncio.ensure_future(self._beat())
        await self._local.acquire(host)
        try:
            await self._slot(host)
        except (EvidenceError, asyncio.CancelledError):
            self._local.release(host)
            raise

    async def _slot(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        ours = False
        answered = loop.time()
        try:
            while True:
                asked = self._thread.submit(self._take, host, ours)
                try:
                    mine, wait = await asyncio.wrap_future(asked, loop=loop)
                except asyncio.CancelledError:
                    if not ours and not asked.cancel():
                        asked.add_done_callback(lambda done: self._undo(done, host))
                    raise
                except EvidenceError:
                    if loop.time() - answered > self._patience:
                        raise
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                answered = loop.time()
                ours = ours or mine
                if ours and wait <= 0:
                    return
                await asyncio.sleep(wait)
        except (EvidenceError, asyncio.CancelledError):
            if ours:
                self._later(self._slots.give_back, host)
            raise

    def _take(self, host: str, held: bool) -> tuple[bool, float]:
        """On the store's thread."""
        try:
            if self._lost is not None:
                self._slots.beat()  # first, what was lost on the way is put right
                self._lost = None
            return self._slots.take(host, held)
        except EvidenceError as error:
            self._lost = error
            raise

    def _undo(self, done: Future[tuple[bool, float]], host: str) -> None:
        """Give back the slot that was just taken: nobody waits for it any more."""
        if not done.cancelled() and done.exception() is None and done.result()[0]:
            self._later(self._slots.give_back, host)

    async def _beat(self) -> None:
        while True:
            self._later(self._slots.beat)
            await asyncio.sleep(BEAT_SECONDS)

    def _later(self, work: Callable[..., Any], *arguments: Any) -> None:
        def done() -> None:
            try:
                work(*arguments)
                self._lost = None
            except EvidenceError as error:
                self._lost = error

        self._thread.submit(done)

    def release(self, host: str) -> None:
        """Give the slot back to the store, on its thread, and the place to whoever waits within the process."""
        self._later(self._slots.give_back, host)
        self._local.release(host)

    def penalise(self, host: str, seconds: float) -> None:
        """Hold back requests to `host` for `seconds` from now, for all who share the store."""
        self._local.penalise(host, seconds)  # kept here too: the store may be away just now
        self._later(self._slots.quiet, host, seconds)

    async def quiet(self, host: str) -> float:
        """Return how many seconds are left of the host's pause, in the store or here, whichever is longer; 0 for none.

        Raises `EvidenceError` after the store has not answered for `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            try:
                shared = await asyncio.wrap_future(self._thread.submit(self._slots.left, host))
                return max(shared, await self._local.quiet(host))
            except EvidenceError:
                if loop.time() - begun > self._patience:
                    raise
                await asyncio.sleep(AGAIN_SECONDS)

    def close(self) -> None:
        """Give all slots back and end the store's thread; waits until both are done."""
        self._thread.submit(self._slots.leave).result()
        self._thread.shutdown()
