"""Limits across processes and machines: by state.sqlite and by PostgreSQL, the same tests."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from archiver.ratelimit.limiter import SharedLimiter
from archiver.ratelimit.shared_slots import HOLDER_SECONDS, SharedSlots
from archiver.ratelimit.stores import PostgresStore, SqliteStore, Store
from storage.errors import EvidenceError
from tests.support.postgres import Server, served


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes a further connection to the same store."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "state.sqlite")
    url = request.getfixturevalue("server").database()
    return lambda: PostgresStore(url)


def test_starts_are_spaced_across_holders(store: Callable[[], Store]) -> None:
    first, second = SharedSlots(store(), "a", 10.0, 4), SharedSlots(store(), "b", 10.0, 4)
    assert first.take("x") == (True, 0.0)
    mine, wait = second.take("x")
    assert mine
    assert 9.0 < wait <= 10.0, "after the other's"
    assert second.take("y") == (True, 0.0), "another host"


def test_no_more_than_allowed_run_at_once(store: Callable[[], Store]) -> None:
    first, second = SharedSlots(store(), "a", 0.0, 2), SharedSlots(store(), "b", 0.0, 2)
    assert first.take("x")[0]
    assert second.take("x")[0]
    assert not first.take("x")[0]
    assert not second.take("x")[0]
    second.give_back("x")
    assert first.take("x")[0]
    first.leave()
    assert second.take("x")[0], "who leaves gives back what it held"


def test_a_pause_holds_for_all(store: Callable[[], Store]) -> None:
    first, second = SharedSlots(store(), "a", 0.0, 2), SharedSlots(store(), "b", 0.0, 2)
    assert second.take("x") == (True, 0.0)
    first.quiet("x", 60)
    mine, wait = second.take("x", held=True)
    assert mine
    assert 59 < wait <= 60, "also for one that had its turn and was waiting for its start"
    assert 58 < second.left("x") <= 60
    assert second.left("y") == 0.0
    first.quiet("x", 1)
    assert first.take("x")[1] > 50, "a shorter pause does not end a longer one"
    assert [(one["host"], one["running"]) for one in first.standing()] == [("x", 2)]


def test_what_the_dead_held_is_free_again(store: Callable[[], Store]) -> None:
    dead, alive = store(), SharedSlots(store(), "b", 0.0, 1)
    assert SharedSlots(dead, "a", 0.0, 1).take("x")[0]
    assert not alive.take("x")[0]
    with dead.transaction() as rows:
        rows.ask("UPDATE {holders} SET until=until-?", (HOLDER_SECONDS + 1,))
    assert alive.take("x")[0]


def test_a_beat_puts_right_what_was_lost_on_the_way(store: Callable[[], Store]) -> None:
    other, turns = store(), SharedSlots(store(), "a", 0.0, 1)
    turns.beat()
    with other.transaction() as rows:  # a turn that was written and whose answer never came
        rows.ask("INSERT INTO {held} VALUES ('x','a',1)")
    assert not turns.take("x")[0]
    turns.beat()
    assert turns.take("x")[0]


def test_many_at_once_keep_the_limit(store: Callable[[], Store]) -> None:
    """Four limiters, each with a loop of its own, as four machines have."""
    lock, running, most, starts = threading.Lock(), 0, 0, []

    async def one(limiter: SharedLimiter) -> None:
        nonlocal running, most
        await limiter.acquire("x")
        with lock:
            running += 1
            most = max(most, running)
            starts.append(time.monotonic())
        await asyncio.sleep(0.002)
        with lock:
            running -= 1
        limiter.release("x")

    def machine(number: int) -> None:
        limiter = SharedLimiter(SharedSlots(store(), f"m{number}", 0.01, 3), 3)

        async def all_of_them() -> None:
            await asyncio.gather(*(one(limiter) for _ in range(10)))

        asyncio.run(all_of_them())
        limiter.close()

    threads = [threading.Thread(target=machine, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts) == 40
    assert most <= 3
    assert max(starts) - min(starts) >= 39 * 0.01 * 0.95, "forty starts, a hundredth of a second apart"


def test_who_is_cancelled_while_waiting_holds_nothing(store: Callable[[], Store]) -> None:
    turns = SharedSlots(store(), "a", 0.0, 1)
    limiter = SharedLimiter(turns, 2)

    async def run() -> None:
        await limiter.acquire("x")
        waiting = [asyncio.ensure_future(limiter.acquire("x")) for _ in range(3)]
        await asyncio.sleep(0.02)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        limiter.release("x")
        await asyncio.wait_for(limiter.acquire("x"), 5)
        limiter.release("x")

    asyncio.run(run())
    limiter.close()


@pytest.mark.parametrize("seed", range(4))
def test_two_commands_at_one_host_of_which_one_is_cancelled(store: Callable[[], Store], seed: int) -> None:
    """Captures of one command are cut off at every stage; the other command's go on, and the limit holds for both."""
    dice = random.Random(seed)
    lock, running, most, ended = threading.Lock(), 0, 0, []

    async def one(limiter: SharedLimiter) -> None:
        nonlocal running, most
        await limiter.acquire("x")
        with lock:
            running += 1
            most = max(most, running)
        try:
            await asyncio.sleep(0.002)
        finally:
            with lock:
                running -= 1
            limiter.release("x")
        ended.append(limiter)

    def command(name: str, cuts: list[float | None]) -> SharedLimiter:
        limiter = SharedLimiter(SharedSlots(store(), name, 0.0, 1), 1)

        async def cut(task: asyncio.Task[None], after: float) -> None:
            await asyncio.sleep(after)
            task.cancel()

        async def all_of_them() -> None:
            tasks = [asyncio.ensure_future(one(limiter)) for _ in cuts]
            cutting = [cut(task, after) for task, after in zip(tasks, cuts, strict=True) if after is not None]
            await asyncio.wait_for(asyncio.gather(*tasks, *cutting, return_exceptions=True), 30)
            await asyncio.wait_for(limiter.acquire("x"), 30)
            limiter.release("x")

        asyncio.run(all_of_them())
        limiter.close()
        return limiter

    cuts: list[float | None] = [dice.uniform(0, 0.15) for _ in range(8)]
    with ThreadPoolExecutor(2) as both:
        cancelled = both.submit(command, "a", cuts)
        whole = both.submit(command, "b", [None] * 8)
        cancelled.result(90)
        assert ended.count(whole.result(90)) == 8
    assert most == 1
    assert SharedSlots(store(), "c", 0.0, 1).take("x") == (True, 0.0), "nobody holds anything any more"


def test_a_store_that_cannot_be_asked_stops_everything(server: Server) -> None:
    limiter = SharedLimiter(SharedSlots(PostgresStore(server.database()), "a", 0.0, 2), 2, patience=0.0)

    async def run() -> None:
        await limiter.acquire("x")
        server.stop()
        try:
            with pytest.raises(EvidenceError, match="until it answers, no host is contacted"):
                await limiter.acquire("y")
            limiter.release("x")
        finally:
            server.start()
        await limiter.acquire("x")  # at once, as soon as it answers
        await limiter.acquire("x")

    asyncio.run(run())
    limiter.close()


def test_a_store_that_is_started_anew_is_waited_for(server: Server) -> None:
    turns = SharedSlots(PostgresStore(server.database()), "a", 0.0, 2)
    limiter = SharedLimiter(turns, 4)

    async def run() -> None:
        await limiter.acquire("x")
        server.stop()
        waiting = [asyncio.ensure_future(limiter.acquire("x")) for _ in range(2)]
        limiter.release("x")  # cannot be said just now
        done, _ = await asyncio.wait(waiting, timeout=1.5)
        assert not done
        server.start()
        await asyncio.wait_for(asyncio.gather(*waiting), 20)
        assert [one["running"] for one in turns.standing()] == [2], "what could not be said is put right"

    asyncio.run(run())
    limiter.close()
