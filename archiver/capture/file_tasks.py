"""The files of one capture that are under way, by inventory key, and what waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

GRACE_SECONDS = 5.0
"""How long pages, and media that are put together, may go on after Ctrl-C."""
Work = Coroutine[Any, Any, None]
Task = asyncio.Task[None]


class FileTasks:
    """Starts the fetching of files, each once, and waits for it. Runs on one loop."""

    def __init__(self, on_end: Callable[[BaseException | None], None]) -> None:
        """`on_end` is called after each task with what broke it, if anything did."""
        self._on_end = on_end
        self._files: dict[str, Task] = {}
        self._lasting: set[Task] = set()
        self._followers: set[Task] = set()
        self.waiting = 0
        """How many files are under way."""

    def __contains__(self, key: str) -> bool:
        return key in self._files

    def start(self, key: str, work: Work, *, lasting: bool = False) -> None:
        """Begin to fetch the file of an inventory key.

        `lasting`: after a stop it ends by itself, with what it has.
        """
        task = asyncio.ensure_future(work)
        self._files[key] = task
        self.waiting += 1
        if lasting:
            self._lasting.add(task)
        task.add_done_callback(self._file_ended)

    def follow(self, work: Work) -> None:
        """Begin work that waits for files."""
        task = asyncio.ensure_future(work)
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)
        task.add_done_callback(self._ended)

    def _file_ended(self, task: Task) -> None:
        self.waiting -= 1
        self._ended(task)

    def _ended(self, task: Task) -> None:
        self._on_end(None if task.cancelled() else task.exception())

    def under_way(self) -> list[Task]:
        """List everything that has not ended yet."""
        return [*(task for task in self._files.values() if not task.done()), *self._followers]

    async def wait_for(self, keys: Iterable[str]) -> None:
        """Wait until the files of these keys have ended, in whatever way."""
        await asyncio.gather(*(self._files[key] for key in keys if key in self._files), return_exceptions=True)

    async def below(self, count: int) -> None:
        """Wait until fewer than `count` files are under way."""
        while (open_ := [task for task in self._files.values() if not task.done()]) and len(open_) >= count:
            await asyncio.wait(open_, return_when=asyncio.FIRST_COMPLETED)

    async def settle(self) -> None:
        """Wait until nothing is under way any more."""
        while pending := self.under_way():
            await asyncio.gather(*pending, return_exceptions=True)

    def cancel(self) -> None:
        """Break off every file; those that end by themselves have `GRACE_SECONDS` for it."""
        loop = asyncio.get_running_loop()
        for task in self._files.values():
            if task in self._lasting:
                loop.call_later(GRACE_SECONDS, task.cancel)
            else:
                task.cancel()
