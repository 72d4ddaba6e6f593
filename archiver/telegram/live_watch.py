"""Watching chats by an account: what is new, edited, removed, pinned or renamed, as it happens and as it is found later.

Three ways of noticing, because none is enough. Telegram pushes updates, numbered without a gap (`pts`): they are applied in
order, and where a number is missing the difference is asked for. It is also asked for from time to time, since only
channels that the account has joined are pushed. And the last messages are read again now and then, since Telegram does not
announce every removal. A removal is an event of the ledger: it names the last observation and the record that shows it.

Observations go into captures like any other; one is open only while there is something to keep. Nothing that was kept is
ever taken away. Sources: core.telegram.org/api/updates.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from telethon import functions, types

from archiver.capture.engine import CaptureEngine
from archiver.capture.options import CaptureOptions
from archiver.capture.result import CaptureResult
from archiver.telegram.accounts import connected
from archiver.telegram.observations import Observations, Told
from archiver.telegram.reread import observe_interrupted, reread
from archiver.telegram.watched_chat import WatchedChat
from spiders.posts import Outcome
from spiders.targets import Target
from spiders.telegram.api.account_api import URN, KeptAnswer
from spiders.telegram.api.client import Reader, Wire
from spiders.telegram.api.collector import ChatRef
from spiders.telegram.api.errors import TelegramError
from spiders.telegram.api.peers import marked

DIFFERENCE = 100
LASTING = (Outcome.REFUSED, Outcome.UNAVAILABLE)
"""What Telegram says of a chat that ends its watch; anything else is waited out."""


@dataclass
class Pace:
    """Pace of a watch. Times in seconds."""

    poll: float = 30.0
    """Between two questions for the difference."""
    reread: float = 900.0
    last: int = 200
    """How many of the newest messages are read again."""
    seal: float = 60.0
    """A capture is closed and sealed this long after its first observation."""
    duration: float | None = None


@dataclass
class Pushed:
    """A pushed update in the shape of an answer."""

    messages: list[Any]
    chats: list[Any]
    users: list[Any]
    pts: int | None = None


class LiveWatch:
    """One chat that is watched. `tell` is called for each thing that happens, `closed` with each sealed capture."""

    def __init__(
        self, engine: CaptureEngine, target: Target, options: CaptureOptions, client: Reader, pace: Pace,
        tell: Callable[[Told], None], closed: Callable[[CaptureResult], None],
    ) -> None:  # fmt: skip
        self.pace = pace
        self._watched = WatchedChat(engine, target, options, client, closed)
        self._observations = Observations(self._watched, engine.signer, tell)
        self.pts = 0
        self.pushed: asyncio.Queue[tuple[Any, Any, Wire]] = asyncio.Queue()
        self._woken = asyncio.Event()
        self.ended: tuple[Outcome, str] | None = None

    @property
    def chat(self) -> ChatRef | None:
        """The chat, or None until Telegram has told of it."""
        return self._watched.chat

    # -- the loop ---------------------------------------------------------------------------------------

    async def watch(self, stop: asyncio.Event) -> None:
        """Watch until `stop`, or until Telegram no longer shows the chat.

        Raises `EvidenceError` where the disk refuses.
        """
        begun = time.monotonic()
        pause = 1.0
        next_poll = next_reread = 0.0
        while not stop.is_set() and self.ended is None:
            now = time.monotonic()
            if self.pace.duration is not None and now - begun >= self.pace.duration:
                break
            try:
                if self._watched.chat is None:
                    await self._begin()
                    next_reread = time.monotonic() + self.pace.reread
                    next_poll = time.monotonic() + self.pace.poll
                await self._take_pushed()
                if time.monotonic() >= next_poll:
                    await self._difference()
                    next_poll = time.monotonic() + self.pace.poll
                await self._observations.albums_due()
                if time.monotonic() >= next_reread:
                    await self._reread()
                    next_reread = time.monotonic() + self.pace.reread
                pause = 1.0
            except TelegramError as trouble:
                next_poll = time.monotonic() + await self._met(trouble, pause)
                pause = min(60.0, pause * 2)
            await self._close_if_due()
            await self._sleep(stop, min(next_poll, next_reread))
        with suppress(TelegramError):
            await self._take_pushed()
            await self._observations.albums_due(every=True)
        await self._close()

    async def _sleep(self, stop: asyncio.Event, until: float) -> None:
        """Until something is pushed, it is time to ask, or the watch is stopped."""
        due = until
        if self._watched.is_open:
            due = min(due, self._watched.opened + self.pace.seal)
        due = self._observations.albums.next_due(due)
        wait = max(0.01, min(due - time.monotonic(), 3600.0))
        if self.pace.duration is not None:
            wait = min(wait, max(0.01, self.pace.duration / 20))
        waiting = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._woken.wait())]
        await asyncio.wait(waiting, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        self._woken.clear()

    async def _met(self, trouble: TelegramError, pause: float) -> float:
        """What a trouble means for the watch; seconds until it is tried again."""
        if trouble.outcome in LASTING:
            session = self._watched.session
            key = f"target {self._watched.run}"
            if session.inventory.discover(key, self._watched.target.kind, self._watched.target.url, None):
                session.inventory.end(
                    key, trouble.outcome, trouble.reason, trouble.record, absence=trouble.absence.line()
                )
                session.inventory.require(key)
            self.ended = (trouble.outcome, trouble.reason)
            self._observations.tell(Told("ended", None, trouble.reason, {"outcome": str(trouble.outcome)}))
            return pause
        self._observations.tell(Told("waiting", None, trouble.reason, {"outcome": str(trouble.outcome)}))
        if trouble.name is None and not self._watched.client.is_connected():
            with suppress(TelegramError):
                await self._watched.client.disconnect()
                await connected(self._watched.client)
        return max(pause, float(trouble.wait))

    def wake(self, update: Any, whole: Any, wire: Wire) -> None:
        """Queue an update that was pushed and may be about this chat, and wake the watch."""
        self.pushed.put_nowait((update, whole, wire))
        self._woken.set()

    # -- captures ---------------------------------------------------------------------------------------

    async def _close_if_due(self) -> None:
        watched = self._watched
        if watched.is_full or (watched.is_open and time.monotonic() - watched.opened >= self.pace.seal):
            await self._close()

    async def _close(self) -> None:
        """Close and seal what is open, with the albums that are waited for."""
        if self._watched.is_open and self._observations.albums:
            with suppress(TelegramError):
                await self._observations.albums_due(every=True)
        await self._watched.close()

    async def _reread(self, everything: bool = False) -> None:
        await reread(self._watched, self._observations, self.pace.last, everything)

    # -- beginning --------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """The state of things when the watch begins: the chat, the last messages, and from where updates count."""
        session = self._watched.session
        known = self._watched.home.state.watch(self._watched.target.key)
        chat = await self._watched.capture.chat()
        about = await self._watched.ask.about(chat)
        record, full = next(iter(about.more.values()))
        if session.inventory.discover(f"chat {chat.place}", "chat", None, "target", title=chat.title):
            session.inventory.end(f"chat {chat.place}", Outcome.CAPTURED, None, record)
        stated = full.get("pts")
        self._watched.chat = chat
        self._watched.peers = self._watched.ask.peers
        self._observations.quiet = known is None
        try:
            # From here on everything is numbered: what is read now is the state at this number or after it.
            self._reached(known[0] if known is not None else stated if isinstance(stated, int) else 0)
            await observe_interrupted(self._watched, self._observations)
            if known is not None:
                await self._difference()
            await self._reread()
        except TelegramError:
            self._watched.chat = None  # begun again when Telegram answers again
            raise
        finally:
            self._observations.quiet = False
        self._observations.tell(
            Told(
                "watching",
                None,
                f"{chat.place}: {chat.title or ''}, {session.posts.count} posts read",
                {"chat": chat.id, "pts": self.pts},
            )
        )

    def _reached(self, pts: int) -> None:
        """Everything up to here is kept."""
        self.pts = pts
        self._watched.home.state.watch_reached(self._watched.target.key, pts, {"chat": self._watched.place.id})

    # -- updates ----------------------------------------------------------------------------------------

    async def _take_pushed(self) -> None:
        while not self.pushed.empty():
            update, whole, wire = self.pushed.get_nowait()
            pts, count = getattr(update, "pts", None), getattr(update, "pts_count", 0)
            chat = self._watched.place
            if not chat.is_channel or pts is None or isinstance(update, types.UpdateChannelTooLong):
                await (self._difference() if chat.is_channel else self._reread())
                if isinstance(update, types.UpdateChannel):
                    await self._observations.info()
                continue
            if pts <= self.pts:
                continue
            if pts - count != self.pts:
                await self._difference()  # something before it has not come: asked for, in order
                continue
            await self._apply(update, whole, wire)
            self._reached(pts)
            if self._watched.is_full:
                await self._close()

    async def _difference(self) -> None:
        """Everything since the last known `pts`, in order."""
        chat = self._watched.place
        if not chat.is_channel:
            return  # basic groups have no numbers of their own: they are pushed, and read again
        channel = types.InputChannel(chat.input.channel_id, chat.input.access_hash)
        while True:
            request = functions.updates.GetChannelDifferenceRequest(
                channel, types.ChannelMessagesFilterEmpty(), max(1, self.pts), DIFFERENCE, force=False
            )
            asked = {"chat": chat.id, "pts": self.pts}
            if not self._watched.is_open:
                # A look that finds nothing leaves no capture: thousands of empty ones would hide the others.
                try:
                    result = await self._watched.bare().call(request)
                except TelegramError as trouble:
                    if trouble.outcome in LASTING:
                        await self._watched.ask.refused(request, asked, trouble)
                    raise
                if isinstance(result, types.updates.ChannelDifferenceEmpty):
                    return
                kept = await self._watched.ask.take(
                    "updates.GetChannelDifference", asked, result, getattr(request, "wire", None)
                )
            else:
                result, kept = await self._watched.ask.ask(request, asked)
            if isinstance(result, types.updates.ChannelDifferenceEmpty):
                return
            if isinstance(result, types.updates.ChannelDifferenceTooLong):
                await self._too_long(result, kept)
                return
            await self._observations.observe(kept, whole=False)
            for update in result.other_updates:
                await self._apply(update, result, kept.wire)
            self._reached(result.pts)
            if self._watched.is_full:
                await self._close()
            if result.final:
                return

    async def _too_long(self, result: Any, kept: KeptAnswer) -> None:
        """More has happened than Telegram hands out: what is there now is read back to where we were."""
        session = self._watched.session
        pts = getattr(result.dialog, "pts", None) or self.pts
        key = f"gap {self.pts}–{pts}"
        if session.inventory.discover(key, "gap", None, "target"):
            reason = "Telegram no longer lists what happened in between: what is there now was read; edits and removals of that time may be missing"
            session.inventory.end(key, Outcome.PARTIAL, reason, kept.answer)
            session.inventory.require(key)
        await self._reread(everything=True)
        self._reached(pts)

    async def _apply(self, update: Any, whole: Any, wire: Wire | None) -> None:
        """One update, kept as an object of its own, and what it means."""
        message, pts = getattr(update, "message", None), getattr(update, "pts", None)
        said = Pushed(
            [message] if message is not None else [], getattr(whole, "chats", []), getattr(whole, "users", []), pts
        )
        uri = f"{URN}:update:{self._watched.place.id}:{pts if pts is not None else 'unnumbered'}"
        more = [] if message is not None else [(uri, update)]
        kept = await self._watched.ask.take(
            type(update).__name__, {"chat": self._watched.place.id}, said, wire, more=more
        )
        record = next((record for record, _ in kept.more.values()), kept.answer)
        if message is not None:
            await self._observations.observe(kept, whole=False)
        elif isinstance(update, types.UpdateDeleteChannelMessages):
            self._observations.removed(list(update.messages), "announced", kept, record, None)
        elif isinstance(update, types.UpdatePinnedChannelMessages):
            for number in update.messages:
                self._observations.pinned(number, bool(update.pinned), record)


class LiveWatches:
    """Several chats watched with one account."""

    def __init__(self, client: Reader, watches: list[LiveWatch]) -> None:
        self.client, self.watches = client, watches
        client.on_update = self._heard

    def _heard(self, whole: Any, wire: Wire) -> None:
        if isinstance(whole, types.UpdatesTooLong):
            for watch in self.watches:
                watch.wake(types.UpdateChannelTooLong(0), whole, wire)
            return
        updates = getattr(whole, "updates", None) or [getattr(whole, "update", whole)]
        for update in updates:
            number = _chat_of(update)
            for watch in self.watches:
                if (chat := watch.chat) is not None and (number == chat.id or (number is None and not chat.is_channel)):
                    watch.wake(update, whole, wire)

    async def run(self, stop: asyncio.Event) -> None:
        """Watch them all until `stop`. Raises `EvidenceError`."""
        await asyncio.gather(*(watch.watch(stop) for watch in self.watches))


def _chat_of(update: Any) -> int | None:
    if isinstance(getattr(update, "channel_id", None), int):
        return marked({"channel_id": update.channel_id})
    peer = getattr(getattr(update, "message", None), "peer_id", None)
    return marked(peer.to_dict()) if peer is not None else None
