"""The Limiter: concurrency, spacing, penalties; on a clock of its own."""

from __future__ import annotations

import asyncio

import pytest

from archiver.ratelimit.limiter import HostLimiter


def test_no_more_than_allowed_run_at_once() -> None:
    async def run() -> int:
        limiter = HostLimiter(concurrency=2)
        running = most = 0

        async def one() -> None:
            nonlocal running, most
            await limiter.acquire("a")
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            limiter.release("a")

        await asyncio.gather(*(one() for _ in range(20)))
        return most

    assert asyncio.run(run()) == 2


def test_starts_are_spaced_and_penalties_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    starts: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def run() -> None:
        limiter = HostLimiter(interval=2.0, ticks=lambda: now)
        for _ in range(3):
            await limiter.acquire("a")
            starts.append(now)
            limiter.release("a")
        limiter.penalise("a", 60)
        await limiter.acquire("a")
        starts.append(now)
        await limiter.acquire("b")
        starts.append(now)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(run())
    assert starts == [100, 102, 104, 164, 164]


def test_a_cancelled_waiter_gives_its_place_back() -> None:
    async def run() -> None:
        limiter = HostLimiter(concurrency=1)
        await limiter.acquire("a")
        waiting = asyncio.ensure_future(limiter.acquire("a"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        limiter.release("a")
        async with asyncio.timeout(5):
            await limiter.acquire("a")

    asyncio.run(run())
