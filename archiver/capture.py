"""Captures of one home: which spider, which order, how a walk goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from archiver import convert
from archiver.act import Act, Progress
from archiver.browser import Browser
from archiver.extractor import ExtractorPool
from archiver.home import Home
from archiver.options import Options, Result, software
from archiver.recorder import Recorder
from spiders.items import Verdict
from spiders.posts import Outcome
from spiders.targets import Target
from storage.errors import StorageError
from storage.state import RunState

__all__ = ["Act", "Archive", "Options", "Progress", "Result", "software", "unsupported"]


class Archive:
    """Runs captures of one home: the recorder, the spiders, and the order of their ends."""

    def __init__(self, home: Home, recorder: Recorder, progress: Progress = lambda act: None) -> None:
        self.home = home
        self.recorder = recorder
        self._progress = progress
        self._acts: set[Act] = set()
        self.stopping = False
        self.browser = Browser(recorder.authority)
        self.extractors = ExtractorPool(recorder.authority.pem, home.config.extractors)

    async def close(self) -> None:
        """Ends the extractor's and the browser's processes."""
        await self.extractors.close()
        await self.browser.close()
        convert.EXIFTOOL.close()

    def interrupt(self) -> None:
        self.stopping = True
        for act in self._acts:
            act.interrupt()

    async def tick(self) -> None:
        """Shows progress while nothing else happens, such as during one long file. Runs until cancelled."""
        while True:
            for act in self._acts:
                self._progress(act)
            await asyncio.sleep(0.25)

    async def capture(self, target: Target, options: Options, run: str, part: int = 1) -> Result:
        """One capture of a post or page. Raises `StorageError`, `ArchiverError`."""
        return await self._act(target, options, run, part, None)

    async def crawl(
        self, target: Target, options: Options, on_part: Callable[[Result], None], restart: bool = False
    ) -> list[Result]:
        """Walks a channel in parts. An unfinished run on the same target is taken up where it stands."""
        state = None if restart else self.home.state.unfinished_run(target.key)
        if state is None:
            state = RunState(self.home.new_capture_id(self.home.clock()), target.key, 0, None, False, {})
            self.home.state.save_run(state)
        results: list[Result] = []
        cursor, part = state.cursor, state.parts
        left = options.limit
        while not self.stopping:
            part += 1
            narrowed = Options(**{**options.__dict__, "limit": left})
            result = await self._act(target, narrowed, state.run, part, cursor)
            results.append(result)
            on_part(result)
            if left is not None:
                left -= result.posts
            ended = result.walk_ended or (left is not None and left <= 0)
            cursor = result.cursor if result.cursor is not None else cursor
            self.home.state.save_run(RunState(state.run, target.key, part, cursor, ended, {}))
            if ended or not result.part_full:
                break
        return results

    async def _act(self, target: Target, options: Options, run: str, part: int, cursor: str | None) -> Result:
        act = Act(self.home, self, target, run, part, options, self._progress, asyncio.get_running_loop())
        self._acts.add(act)
        try:
            if self.stopping:
                act.interrupt()
            await self._spider(act, cursor)
            act.pictured()
            await act.settle()
            return await asyncio.to_thread(act.finish)
        except StorageError:
            act.port.close()
            act.writer.release()
            raise
        finally:
            self._acts.discard(act)

    async def _spider(self, act: Act, cursor: str | None) -> None:
        from archiver.spiderrun import run_spider

        refusal = unsupported(act.target)
        if refusal is not None:
            act.seen(Verdict(*refusal))
            return
        await run_spider(act, cursor)


CAPTURED = {("telegram", "post"), ("telegram", "channel"), ("x", "post"), ("youtube", "video")}
_WALKS = {("x", "profile"), ("youtube", "channel"), ("youtube", "playlist")}


def unsupported(target: Target) -> tuple[Outcome, str] | None:
    """Targets that are recognised and that this release cannot capture, with what to do."""
    kind = (target.platform, target.kind)
    if target.platform == "page" or kind in CAPTURED:
        return None
    if target.platform == "telegram":
        return Outcome.REFUSED, f"a Telegram {target.kind} is not on the public web; it needs an account"
    if kind in _WALKS:
        what = "posts" if target.platform == "x" else "videos"
        return Outcome.SKIPPED, f"a whole {target.kind} is not walked by this release; give the links of its {what}"
    return (
        Outcome.SKIPPED,
        f"{target.platform} {target.kind}s are recognised but not captured by this release",
    )
