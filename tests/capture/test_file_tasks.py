"""The files of a capture that are under way: counted, waited for, broken off."""

from __future__ import annotations

import asyncio

import pytest

from archiver.capture import file_tasks
from archiver.capture.file_tasks import FileTasks


def test_what_waits_for_files_and_what_broke_them() -> None:
    ended: list[str | None] = []

    async def run() -> None:
        tasks = FileTasks(lambda error: ended.append(None if error is None else str(error)))
        gate, order = asyncio.Event(), []

        async def fetch(name: str) -> None:
            await gate.wait()
            order.append(name)

        async def broken() -> None:
            raise ValueError("a fault")

        async def post() -> None:
            await tasks.wait_for(["a", "b", "never begun"])
            order.append("post")

        tasks.start("a", fetch("a"))
        tasks.start("b", fetch("b"))
        tasks.start("c", broken())
        tasks.follow(post())
        assert ("a" in tasks, "x" in tasks, tasks.waiting) == (True, False, 3)
        await tasks.below(3)
        assert tasks.waiting == 2
        assert len(tasks.under_way()) == 3
        gate.set()
        await tasks.settle()
        assert order == ["a", "b", "post"]
        assert (tasks.waiting, tasks.under_way()) == (0, [])

    asyncio.run(run())
    assert sorted(ended, key=str) == [None, None, None, "a fault"]


def test_what_lasts_has_time_to_end_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_tasks, "GRACE_SECONDS", 0.05)
    ended: list[str] = []

    async def run() -> None:
        tasks = FileTasks(lambda error: None)

        async def fetch(name: str, seconds: float) -> None:
            try:
                await asyncio.sleep(seconds)
                ended.append(name)
            except asyncio.CancelledError:
                ended.append(f"{name} cut off")
                raise

        tasks.start("file", fetch("file", 60))
        tasks.start("quick", fetch("quick", 0.001), lasting=True)
        tasks.start("slow", fetch("slow", 60), lasting=True)
        await asyncio.sleep(0)
        tasks.cancel()
        await tasks.settle()

    asyncio.run(run())
    assert ended == ["file cut off", "quick", "slow cut off"]
