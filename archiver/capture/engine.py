"""Captures of one home: which driver runs, and what is left when it has ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from archiver.capture.blocked_hosts import BlockedHosts
from archiver.capture.context import CaptureOrder, CaptureServices
from archiver.capture.item_channel import ItemChannel
from archiver.capture.options import CaptureOptions
from archiver.capture.program_intake import ProgramIntake
from archiver.capture.result import CaptureResult, Progress
from archiver.capture.session import CaptureSession, host_of
from archiver.capture.walk_state import WalkState
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.recorder.proxy import Recorder
from archiver.tools.chromium import Browser
from archiver.tools.extractor_update import in_force
from archiver.tools.probe import MediaProbe
from archiver.tools.ytdlp_pool import ExtractorPool
from spiders.items import Verdict
from spiders.posts import Outcome
from spiders.targets import Target
from storage.errors import EvidenceError, StorageError

MOST_TARGETS = 10
"""How many targets one link may lead to, one after another."""


class Driver(Protocol):
    """Brings what a target names into an open capture: by spiders, by an account, …"""

    def takes(self, target: Target, options: CaptureOptions) -> bool:
        """Return whether this driver is the one for the target."""
        ...

    def refusal(self, target: Target, walk: bool) -> tuple[Outcome, str] | None:
        """Return why the target cannot be captured, or walked, with what to do; None if it can."""
        ...

    async def run(self, session: CaptureSession) -> None:
        """Report everything to the session, until there is nothing more to request. Raises `EvidenceError`."""
        ...

    async def close(self) -> None:
        """Close what was opened for several captures."""
        ...


class CaptureEngine:
    """Runs captures of one home: the recorder, the drivers, and the order of their ends."""

    def __init__(
        self,
        home: Home,
        recorder: Recorder,
        signer: Signer,
        drivers: Sequence[Driver],
        report: Callable[[Progress], None] = lambda progress: None,
        begun: Callable[[str], None] = lambda capture: None,
    ) -> None:
        """`drivers`: the first that takes a target runs. `report` is told how far each open capture has come.

        `begun` is told the id of each capture that is opened.
        """
        self.home = home
        self.recorder = recorder
        self.signer = signer
        self._drivers = drivers
        self._begun = begun
        self._services = CaptureServices(
            home=home,
            recorder=recorder,
            signer=signer,
            browser=Browser(recorder.authority),
            extractors=ExtractorPool(recorder.authority.pem, home.config.extractors, in_force(home.path)),
            probe=MediaProbe(),
            blocked_hosts=BlockedHosts(),
            report=report,
        )
        self._sessions: set[CaptureSession] = set()
        self.stopping = False
        self.on_interrupt: list[Callable[[], None]] = []

    async def close(self) -> None:
        """End the drivers, and the processes of the extractor, the browser and the probe."""
        for driver in self._drivers:
            await driver.close()
        await self._services.extractors.close()
        await self._services.browser.close()
        self._services.probe.close()

    def interrupt(self) -> None:
        """Begin nothing more; what is open is closed and sealed as partial."""
        self.stopping = True
        for told in self.on_interrupt:
            told()
        for session in self._sessions:
            session.interrupt()

    async def tick(self) -> None:
        """Show progress while nothing else happens, such as during one long file. Runs until cancelled."""
        while True:
            for session in self._sessions:
                self._services.report(session.progress())
            await asyncio.sleep(0.25)

    def warm_extractor(self) -> None:
        """Make the media extractor ready beside other work."""
        self._services.extractors.warm()

    def warm_browser(self) -> None:
        """Make the browser ready beside other work."""
        self._services.browser.warm()

    def open_session(self, order: CaptureOrder) -> CaptureSession:
        """Open a capture that the caller drives, settles and finishes. Raises `StorageError`."""
        session = CaptureSession(self._services, order)
        self._begun(session.context.capture_id)
        return session

    async def capture(
        self, target: Target, options: CaptureOptions, run: str, part: int = 1, capture_id: str | None = None
    ) -> CaptureResult:
        """Make one capture of a post or page. Raises `StorageError`, `ArchiverError`."""
        return await self._run(CaptureOrder(target, options, run, part, capture_id=capture_id))

    async def part(self, target: Target, options: CaptureOptions, walk: WalkState) -> CaptureResult:
        """Make one part of a walk, from where it stands. Raises `StorageError`, `ArchiverError`."""
        return await self._run(CaptureOrder(target, options, walk.state.run, walk.state.parts, walk))

    async def record(
        self, target: Target, options: CaptureOptions, program: Callable[[str, Path], Awaitable[int]]
    ) -> CaptureResult:
        """Make a capture of what a program asks through the recorder, and of the items that its spiders hand over.

        `program`: proxy URL, and the socket for items → exit code.

        Raises `StorageError`, and what `program` raises; the capture is closed and sealed even so.
        """
        session = self.open_session(CaptureOrder(target, options, self.home.new_capture_id(self.home.clock())))
        async with self._open(session):
            intake = ProgramIntake(session)
            try:
                async with ItemChannel(intake.take, intake.lost) as items:
                    code = await program(session.context.port.proxy_url, items)
                intake.close()
                session.program_ended(code)
            except EvidenceError as error:
                session.program_failed(error.found)
                await self._closed(session)
                raise
            return await self._closed(session)

    async def _run(self, order: CaptureOrder) -> CaptureResult:
        session = self.open_session(order)
        async with self._open(session):
            await self._drive_on(session)
            session.show_page()
            return await self._closed(session)

    @contextlib.asynccontextmanager
    async def _open(self, session: CaptureSession) -> AsyncIterator[None]:
        """Let an interruption reach a session, and let go of it where the disk refuses."""
        self._sessions.add(session)
        try:
            if self.stopping:
                session.interrupt()
            yield
        except StorageError:
            session.abandon()
            raise
        finally:
            self._sessions.discard(session)
            self._services.report(replace(session.progress(), closed=True))

    async def _closed(self, session: CaptureSession) -> CaptureResult:
        await session.settle()
        return await asyncio.to_thread(session.finish)

    async def _drive_on(self, session: CaptureSession) -> None:
        """Capture the target, and then what it leads to; the mirror that was named, if the original is not there."""
        met = [session.context.target.key]
        await self._drive(session)
        while (target := session.next_target()) is not None:
            if target.key in met:
                session.seen(Verdict(Outcome.FAILED, f"a loop of redirects: {target.url} leads back to itself"))
                break
            if len(met) > MOST_TARGETS:
                session.seen(Verdict(Outcome.FAILED, f"a chain of more than {MOST_TARGETS} links that lead on"))
                break
            met.append(target.key)
            session.go_on_with(target)
            await self._drive(session)
        if await session.needs_mirror():
            session.go_on_with_mirror()
            await self._drive(session)
            if session.next_target() is not None:
                session.seen(Verdict(Outcome.FAILED, "it leads to another page"))

    async def _drive(self, session: CaptureSession) -> None:
        order = session.context.order  # as it is now: a redirect changes it
        driver = next(driver for driver in self._drivers if driver.takes(order.target, order.options))
        session.begin()
        refusal = driver.refusal(order.target, order.walk is not None)
        if refusal is not None:
            session.seen(Verdict(*refusal))
        elif (wall := self._services.blocked_hosts.reason(host_of(order.target.url))) is not None:
            session.seen(Verdict(Outcome.BLOCKED, wall))
        else:
            await driver.run(session)
