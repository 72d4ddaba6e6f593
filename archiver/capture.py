"""Captures of one home: which spider runs, and what is left when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from archiver import convert
from archiver.act import Act, Progress, host_of
from archiver.browser import Browser
from archiver.extractor import ExtractorPool
from archiver.home import Home
from archiver.options import Options, Result, software
from archiver.recorder import Recorder
from archiver.telegram.accounts import Telegrams
from archiver.walls import Walls
from spiders.items import Verdict
from spiders.platforms import platform_named
from spiders.posts import Outcome
from spiders.targets import Target
from storage.errors import StorageError

if TYPE_CHECKING:
    from archiver.walking import Going

__all__ = ["Act", "Archive", "Options", "Progress", "Result", "software", "unsupported"]


class Archive:
    """Runs captures of one home: the recorder, the spiders, and the order of their ends."""

    def __init__(self, home: Home, recorder: Recorder, progress: Progress = lambda act: None) -> None:
        self.home = home
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
        convert.EXIFTOOL.close()

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
            from archiver.telegram.collecting import collect

            await collect(act)
            return
        from archiver.spiderrun import run_spider

        await run_spider(act)


def walked(target: Target, account: bool) -> str | None:
    """What a walk of the target is called, or None where there is none."""
    platform = platform_named(target.platform)
    kind = platform.kind(target.kind)
    if account and platform.by_account:
        return kind.account_walk
    return kind.walk.called if kind.walk else None


def unsupported(target: Target, walk: bool = False, account: bool = False) -> tuple[Outcome, str] | None:
    """Targets that are recognised and cannot be captured, or not in this way, with what to do."""
    platform = platform_named(target.platform)
    kind = platform.kind(target.kind)
    if account and platform.by_account:
        if kind.account_walk if walk else kind.account:
            return None
        if walk:
            return Outcome.SKIPPED, f"a {target.kind} is nothing to walk: archiver capture {target.url}"
        return Outcome.SKIPPED, f"a whole {kind.account_walk}: archiver crawl {target.url}"
    if kind.walk if walk else kind.capture:
        return None
    if kind.walk:
        return Outcome.SKIPPED, f"a whole {kind.walk.called}: archiver crawl {target.url}"
    if platform.by_account:
        return (
            Outcome.REFUSED,
            f"a {platform.title} {target.kind} is not on the public web; it needs an account "
            f"(archiver {platform.name} login)",
        )
    return (
        Outcome.SKIPPED,
        f"{target.platform} {target.kind}s are recognised but not captured by this release",
    )
