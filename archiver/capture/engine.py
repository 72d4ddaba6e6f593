"""Captures of one home: which spider runs, and what is left when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from archiver.capture.blocked_hosts import Walls
from archiver.capture.options import Options
from archiver.capture.result import Result
from archiver.capture.session import Act, Progress, host_of
from archiver.capture.support import unsupported
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.recorder.proxy import Recorder
from archiver.telegram.accounts import Telegrams
from archiver.tools import exiftool
from archiver.tools.chromium import Browser
from archiver.tools.ytdlp_pool import ExtractorPool
from spiders.items import Verdict
from spiders.platforms import platform_named
from spiders.posts import Outcome
from spiders.targets import Target
from storage.errors import StorageError

if TYPE_CHECKING:
    from archiver.capture.walk_state import Going


class Archive:
    """Runs captures of one home: the recorder, the spiders, and the order of their ends."""

    def __init__(
        self, home: Home, recorder: Recorder, progress: Progress = lambda act: None, *, signer: Signer
    ) -> None:
        self.home = home
        self.signer = signer
        self.recorder = recorder
        self._progress = progress
        self._acts: set[Act] = set()
        self.stopping = False
        self.on_interrupt: list[Callable[[], None]] = []
        self.walls = Walls()
        self.browser = Browser(recorder.authority)
        self.telegram = Telegrams(home, recorder.network)
        self.extractors = ExtractorPool(recorder.authority.pem, home.config.extractors)

    async def close(self) -> None:
        """Ends the extractor's and the browser's processes."""
        await self.telegram.close()
        await self.extractors.close()
        await self.browser.close()
        exiftool.EXIFTOOL.close()

    def interrupt(self) -> None:
        self.stopping = True
        for told in self.on_interrupt:
            told()
        for act in self._acts:
            act.interrupt()

    async def tick(self) -> None:
        """Shows progress while nothing else happens, such as during one long file. Runs until cancelled."""
        while True:
            for act in self._acts:
                self._progress(act)
            await asyncio.sleep(0.25)

    async def capture(
        self, target: Target, options: Options, run: str, part: int = 1, capture_id: str | None = None
    ) -> Result:
        """One capture of a post or page. Raises `StorageError`, `ArchiverError`."""
        return await self._act(target, options, run, part, None, capture_id)

    async def part(self, target: Target, options: Options, going: Going) -> Result:
        """One part of a walk, from where it stands. Raises `StorageError`, `ArchiverError`."""
        return await self._act(target, options, going.state.run, going.state.parts, going)

    async def _act(
        self,
        target: Target,
        options: Options,
        run: str,
        part: int,
        going: Going | None,
        capture_id: str | None = None,
    ) -> Result:
        loop = asyncio.get_running_loop()
        act = Act(self.home, self, target, run, part, options, self._progress, loop, going, capture_id)
        self._acts.add(act)
        try:
            if self.stopping:
                act.interrupt()
            await self._spider(act)
            act.pictured()
            await act.settle()
            return await asyncio.to_thread(act.finish)
        except StorageError:
            act.port.close()
            act.writer.release()
            raise
        finally:
            self._acts.discard(act)

    async def _spider(self, act: Act) -> None:
        by_account = platform_named(act.target.platform).by_account and act.options.account is not None
        refusal = unsupported(act.target, act.going is not None, by_account)
        if refusal is not None:
            act.seen(Verdict(*refusal))
            return
        if (wall := self.walls.reason(host_of(act.target.url))) is not None:
            act.seen(Verdict(Outcome.BLOCKED, wall))
            return
        if by_account:
            from archiver.telegram.driver import collect

            await collect(act)
            return
        from archiver.capture.scrapy_driver import run_spider

        await run_spider(act)
