"""What commands that capture are made of: the engine, Ctrl-C, and the timestamps at moments of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from asyncio import sleep
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from archiver.capture.engine import CaptureEngine
from archiver.capture.file_tasks import GRACE_SECONDS
from archiver.capture.result import Progress
from archiver.capture.scrapy_driver import ScrapyDriver
from archiver.cli.answers import tell_stopped
from archiver.cli.signals import on_stop
from archiver.home.cases import DEFAULT_CASE
from archiver.home.home import Home
from archiver.recorder.proxy import Recorder
from archiver.seal.kept_stamps import OTS, Stamp
from archiver.seal.moments import draw, is_due, never_at_the_start
from archiver.seal.timestamps import TimestampReport, service_client, stamp_latest
from archiver.telegram.accounts import Telegrams
from archiver.telegram.driver import TelegramDriver
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context

OWN_CAPTURES = ("capture", "crawl", "record")
"""Commands by which a person captures: LAST means what they made."""
LOOK_EVERY = 45.0
"""Seconds between two looks whether the moment of a timestamp has come, which `seal/moments.py` draws."""

LEAVE_SECONDS = 2.0
"""How long a second Ctrl-C waits for the slots at hosts to be given back."""


def capture_engine(
    context: Context,
    home: Home,
    recorder: Recorder,
    telegrams: Telegrams | None = None,
    report: Callable[[Progress], None] | None = None,
) -> CaptureEngine:
    """Compose the engine that captures into `home`.

    `telegrams`: the clients to share, where a command has its own. `report`: what is told of open captures, where it is
    not the console.
    """
    drivers = (TelegramDriver(telegrams or Telegrams(home, recorder.network), recorder), ScrapyDriver())
    own = context.arguments.command in OWN_CAPTURES

    def begun(capture: str) -> None:
        if own:
            home.state.own_capture_begun(capture, home.person)

    return CaptureEngine(home, recorder, context.signer(home), drivers, report or context.console.progress, begun)


class Interruptible:
    """Runs work on open captures that Ctrl-C or SIGTERM ends.

    Once closes and seals what is there as partial; twice stops at once, and the next command recovers. What was
    sealed is timestamped where set-up allowed it, by the proxy of the `cases`: at a moment drawn before, if the work lasts
    until then, and never because a capture began or ended.
    """

    def __init__(
        self,
        engine: CaptureEngine,
        context: Context,
        cases: Iterable[str] = (DEFAULT_CASE,),
        on_signal: Callable[[signal.Signals, int], None] = lambda number, times: None,
    ) -> None:
        """`on_signal` is told of each signal and of how many have come, for what runs beside."""
        self._engine, self._context, self._cases = engine, context, list(cases)
        self._on_signal = on_signal
        self._presses = 0

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` to its end in a loop of its own, then close the engine.

        Raises what `work` raises; else what broke what ran beside it, which does not stop the work.
        """
        asyncio.run(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        on_stop(self._pressed)
        if self._engine.home.config.timestamps.wanted and self._context.arguments.command != "work":
            never_at_the_start(self._engine.home)
        beside = [asyncio.ensure_future(self._engine.tick()), asyncio.ensure_future(self._keep_stamping())]
        for task in beside:
            task.add_done_callback(self._ended_beside)
        try:
            await work
        finally:
            for task in beside:
                task.cancel()
            ended = await asyncio.gather(*beside, return_exceptions=True)
            await self._engine.close()
        if broken := [error for error in ended if isinstance(error, Exception)]:
            raise ExceptionGroup("what runs beside captures", broken)

    def _ended_beside(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._context.console.warn(
                f"archiver: a background task failed ({type(error).__name__}); captures continue. Details at the end."
            )

    def _pressed(self, number: signal.Signals) -> None:
        console = self._context.console
        self._presses += 1
        self._on_signal(number, self._presses)
        if self._presses > 1:
            code = tell_stopped(console)
            self._give_back_slots()
            os._exit(code)
        console.warn(
            f"stopping: each open page has {GRACE_SECONDS:.0f} s; then its capture is closed and sealed as partial. "
            "Press Ctrl-C again to stop at once."
        )
        self._engine.interrupt()

    def _give_back_slots(self) -> None:
        """Give back the slots at hosts, for which other captures would wait; not for long, where their store is away."""
        leaving = threading.Thread(target=self._engine.recorder.limiter.close, daemon=True)
        leaving.start()
        leaving.join(LEAVE_SECONDS)

    async def _keep_stamping(self) -> None:
        while self._engine.home.config.timestamps.wanted:
            await sleep(LOOK_EVERY)
            await asyncio.to_thread(stamp_if_due, self._context, self._engine.home, self._cases)


def shown(stamp: Stamp) -> dict[str, object]:
    """Return a stamp as the JSON object that --json prints."""
    return {
        "checkpoint": stamp.size,
        "by": stamp.name,
        "states": utc_text(stamp.time) if stamp.time else None,
        "pending": list(stamp.pending),
        "blocks": list(stamp.blocks),
    }


def tell(console: Console, report: TimestampReport) -> None:
    """Print a line for each proof that came, and for each that did not."""
    for stamp in report.new:
        if stamp.name != OTS:
            time = utc_text(stamp.time)[:19] + "Z" if stamp.time else "time unknown"
            console.say(f"  stamped   checkpoint {stamp.size} by {stamp.name}: {time}")
        elif stamp.blocks:
            console.say(
                f"  stamped   checkpoint {stamp.size} by Bitcoin block {stamp.blocks[0]}, as the calendar says; "
                "its header is not checked here"
            )
        else:
            console.say(
                f"  owed      checkpoint {stamp.size} by OpenTimestamps: pending at {len(stamp.pending)} calendars"
            )
    if report.renewed:
        console.say(f"  renewed   {report.renewed} timestamps with expiring certificates")
    for name, why in report.troubles.items():
        console.warn(f"  ! {name}: {why}; `archiver seal` tries again")
    for text in report.notes:
        console.warn(f"  ! {text}")


def stamp_if_due(context: Context, home: Home, cases: Iterable[str] = (DEFAULT_CASE,)) -> None:
    """Have the latest checkpoint timestamped if set-up allowed it and the moment drawn for it has come.

    Its failure is printed, and takes nothing from the captures.
    """
    if not home.config.timestamps.wanted or not is_due(home):
        return
    draw(home)  # also where nobody answers: the next moment is another
    report = stamp_latest(home, context.signer(home), service_client(home, cases, context.network))
    tell(context.console, report)
    if report.new or report.troubles:
        context.console.data({"stamps": [shown(stamp) for stamp in report.new], "troubles": report.troubles})
