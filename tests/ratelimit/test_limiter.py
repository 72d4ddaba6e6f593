"""The Limiter: concurrency, spacing, penalties; on a clock of its own."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_a_waiter_cancelled_after_its_wake_up_passes_it_on() -> None:
    """Woken and cancelled in the same moment: the place goes to the next in the row, not to nobody."""

    async def run() -> None:
        limiter = HostLimiter(concurrency=1)
        await limiter.acquire("a")
        first = asyncio.ensure_future(limiter.acquire("a"))
        second = asyncio.ensure_future(limiter.acquire("a"))
        await asyncio.sleep(0)
        limiter.release("a")
        first.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(first, return_exceptions=True)
            await second
        limiter.release("a")
        async with asyncio.timeout(5):
            await limiter.acquire("a")

    asyncio.run(run())


def test_a_waiter_cancelled_before_its_turn_leaves_the_row() -> None:
    """Cancelled, and a place is freed before it has run again: the freed place goes to the one behind it."""

    async def run() -> None:
        limiter = HostLimiter(concurrency=1)
        await limiter.acquire("a")
        first = asyncio.ensure_future(limiter.acquire("a"))
        second = asyncio.ensure_future(limiter.acquire("a"))
        await asyncio.sleep(0)
        first.cancel()
        limiter.release("a")
        async with asyncio.timeout(5):
            assert [type(one) for one in await asyncio.gather(first, return_exceptions=True)] == [
                asyncio.CancelledError
            ]
            await second

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(
    concurrency=st.integers(1, 3),
    interval=st.sampled_from([0.0, 0.0005]),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 6)), st.booleans()), min_size=2, max_size=24
    ),
)
def test_whoever_is_cancelled_and_whenever_nobody_waits_for_ever(
    concurrency: int, interval: float, steps: list[tuple[int, int | None, bool]]
) -> None:
    """Each step is (turns that the exchange takes, turns until it is cancelled, whether after its place is freed)."""

    async def run() -> int:
        limiter = HostLimiter(interval, concurrency)
        running = most = 0

        async def one(turns: int) -> None:
            nonlocal running, most
            await limiter.acquire("a")
            running += 1
            most = max(most, running)
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                running -= 1
                limiter.release("a")

        async def cancel(task: asyncio.Task[None], turns: int, last: bool) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            if last:
                asyncio.get_running_loop().call_soon(task.cancel)
            else:
                task.cancel()

        tasks = [asyncio.ensure_future(one(turns)) for turns, _, _ in steps]
        cancels = [
            cancel(task, when, last) for task, (_, when, last) in zip(tasks, steps, strict=True) if when is not None
        ]
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, *cancels, return_exceptions=True)
            for _ in range(concurrency):
                await limiter.acquire("a")
        return most

    assert asyncio.run(run()) <= concurrency
