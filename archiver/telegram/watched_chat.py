"""A chat that is watched, and the captures that its observations go into."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from archiver.capture.context import CaptureOrder
from archiver.capture.engine import CaptureEngine
from archiver.capture.options import CaptureOptions
from archiver.capture.result import CaptureResult
from archiver.capture.session import CaptureSession
from archiver.telegram.capture import TelegramCapture
from archiver.telegram.flood_waits import AccountPauses
from archiver.telegram.records import CaptureKeep
from spiders.posts import Outcome
from spiders.targets import Target
from spiders.telegram.api.client import Reader
from spiders.telegram.api.collector import ChatRef, Collector
from spiders.telegram.api.peers import Peer

PATIENCE = 60.0
"""Pauses that Telegram asks for are waited out up to this, seconds; after a longer one it is asked again later."""


class WatchedChat:
    """One chat and its open capture: one is open only while there is something to keep."""

    def __init__(
        self,
        engine: CaptureEngine,
        target: Target,
        options: CaptureOptions,
        client: Reader,
        closed: Callable[[CaptureResult], None],
    ) -> None:
        """`closed` is called with each sealed capture."""
        self.engine, self.home = engine, engine.home
        self.target, self.options, self.client = target, options, client
        self._closed = closed
        self.run = self.home.new_capture_id(self.home.clock())
        self.chat: ChatRef | None = None
        self.peers: dict[int, Peer] = {}
        self._part = 0
        self._session: CaptureSession | None = None
        self._capture: TelegramCapture | None = None
        self.opened = 0.0
        """When the open capture was begun, by the monotonic clock."""

    @property
    def place(self) -> ChatRef:
        """The chat, once Telegram has told of it."""
        assert self.chat is not None
        return self.chat

    @property
    def is_open(self) -> bool:
        """Whether a capture is open."""
        return self._session is not None

    @property
    def is_full(self) -> bool:
        """Whether the open capture has reached its bounds."""
        return self._session is not None and self._session.full()

    @property
    def session(self) -> CaptureSession:
        """The open capture, begun if there is none."""
        return self._open()[0]

    @property
    def capture(self) -> TelegramCapture:
        """The `TelegramCapture` of the open capture."""
        return self._open()[1]

    @property
    def ask(self) -> Collector:
        """Collector that asks Telegram, and keeps the answers in the open capture."""
        return self.capture.collector

    def _open(self) -> tuple[CaptureSession, TelegramCapture]:
        if self._session is None or self._capture is None:
            self._part += 1
            session = self.engine.open_session(CaptureOrder(self.target, self.options, self.run, self._part))
            config, context = self.home.config.telegram, session.context
            collector = Collector(
                self.client, CaptureKeep(context), self._account, min(config.patience, PATIENCE),
                0.0 if context.test_routes else config.interval, pauses=self._pauses(),
            )  # fmt: skip
            collector.peers = self.peers
            self._session, self._capture = session, TelegramCapture(session, collector)
            self.opened = time.monotonic()
            context.writer.hosts.add(str(self.client.session.server_address))
            session.answered(Outcome.CAPTURED, None)
        return self._session, self._capture

    def bare(self) -> Collector:
        """Return a collector that keeps nothing.

        It is for questions whose answer may not be worth a capture.
        """
        patience = min(self.home.config.telegram.patience, PATIENCE)
        return Collector(self.client, _Nothing(), self._account, patience, pauses=self._pauses())

    @property
    def _account(self) -> str:
        return self.options.account or "default"

    def _pauses(self) -> AccountPauses:
        return AccountPauses(self.engine.recorder, self.client, self._account)

    async def close(self) -> None:
        """Close and seal the open capture.

        A look that found nothing new leaves its answers as proof that it looked.
        """
        session, self._session, self._capture = self._session, None, None
        if session is not None:
            await session.settle()
            self._closed(await asyncio.to_thread(session.finish))


class _Nothing:
    """A `Keep` that keeps nothing."""

    async def withhold(self, values: Iterable[tuple[str, bytes]]) -> list[str]:
        return ["" for _ in values]

    async def keep(self, things: Iterable[Any]) -> list[str]:
        return ["" for _ in things]

    def digest(self, raw: bytes) -> str:
        return ""
