"""`archiver watch telegram`: what is new, edited, removed, pinned or renamed, as it happens and as it is found later.

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
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from telethon import functions, types

from archiver.capture.options import Options
from archiver.capture.result import Result
from archiver.capture.session import Act
from archiver.telegram.accounts import connected
from archiver.telegram.driver import Gathering
from archiver.telegram.flood_waits import AccountPauses
from archiver.telegram.records import ActKeep
from spiders.date_range import Span
from spiders.posts import Absence, Outcome, Post, State
from spiders.targets import Target
from spiders.telegram.api.asking import URN, Kept
from spiders.telegram.api.client import Reader, Wire
from spiders.telegram.api.collector import ChatRef, Collector
from spiders.telegram.api.errors import Trouble
from spiders.telegram.api.messages import identity
from spiders.telegram.api.peers import Peer, marked
from storage import canonical
from storage.digest import sha256_hex
from storage.events import Event

if TYPE_CHECKING:
    from archiver.capture.engine import Archive

COUNTERS = frozenset({"views", "forwards", "reactions", "replies", "_account", "edit_hide", "edit_date", "pinned"})
"""What of a message changes without anybody having edited it."""
DIFFERENCE = 100
AT_A_TIME = 90
LASTING = (Outcome.REFUSED, Outcome.UNAVAILABLE)
"""What Telegram says of a chat that ends its watch; anything else is waited out."""
ALBUM_SECONDS = 1.0
"""How long after a member of an album the others are waited for."""


@dataclass
class Pace:
    """How a watch goes about it. Times in seconds."""

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


@dataclass
class _Album:
    """Members of an album that have come so far, and when the last of them came."""

    since: float = 0.0
    kept: list[Kept] = field(default_factory=list)

    def add(self, kept: Kept) -> None:
        self.since = time.monotonic()
        if kept not in self.kept:
            self.kept.append(kept)


@dataclass
class Told:
    """What a person is told as it happens. `what`: new, edited, removed, pinned, unpinned, info."""

    what: str
    post: str | None
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


class Watch:
    """One chat that is watched. `tell` is called for each thing that happens, `closed` with each sealed capture."""

    def __init__(
        self, archive: Archive, target: Target, options: Options, client: Reader, pace: Pace,
        tell: Callable[[Told], None], closed: Callable[[Result], None],
    ) -> None:  # fmt: skip
        self.archive, self.target, self.options, self.client, self.pace = archive, target, options, client, pace
        self._tell, self._closed = tell, closed
        self.home = archive.home
        self.run = self.home.new_capture_id(self.home.clock())
        self.part = 0
        self.chat: ChatRef | None = None
        self.pts = 0
        self._act: Act | None = None
        self._gathering: Gathering | None = None
        self._opened = 0.0
        self._quiet = False
        self._albums: dict[str, _Album] = {}
        self._gone: set[int] = set()
        """Removed before they were posts of ours; numbers never come back."""
        self._peers: dict[int, Peer] = {}
        self.pushed: asyncio.Queue[tuple[Any, Any, Wire]] = asyncio.Queue()
        self._woken = asyncio.Event()
        self.ended: tuple[Outcome, str] | None = None

    # -- the loop ---------------------------------------------------------------------------------------

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`, or until Telegram no longer shows the chat. Raises `EvidenceError` where the disk refuses."""
        begun = time.monotonic()
        pause = 1.0
        next_poll = next_reread = 0.0
        while not stop.is_set() and self.ended is None:
            now = time.monotonic()
            if self.pace.duration is not None and now - begun >= self.pace.duration:
                break
            try:
                if self.chat is None:
                    await self._begin()
                    next_reread = time.monotonic() + self.pace.reread
                    next_poll = time.monotonic() + self.pace.poll
                await self._take_pushed()
                if time.monotonic() >= next_poll:
                    await self._difference()
                    next_poll = time.monotonic() + self.pace.poll
                await self._albums_due()
                if time.monotonic() >= next_reread:
                    await self._reread()
                    next_reread = time.monotonic() + self.pace.reread
                pause = 1.0
            except Trouble as trouble:
                next_poll = time.monotonic() + await self._met(trouble, pause)
                pause = min(60.0, pause * 2)
            await self._close_if_due()
            await self._sleep(stop, min(next_poll, next_reread))
        with suppress(Trouble):
            await self._take_pushed()
            await self._albums_due(every=True)
        await self._close()

    async def _sleep(self, stop: asyncio.Event, until: float) -> None:
        """Until something is pushed, it is time to ask, or the watch is stopped."""
        due = until
        if self._act is not None:
            due = min(due, self._opened + self.pace.seal)
        due = min([due, *(waiting.since + ALBUM_SECONDS for waiting in self._albums.values())])
        wait = max(0.01, min(due - time.monotonic(), 3600.0))
        if self.pace.duration is not None:
            wait = min(wait, max(0.01, self.pace.duration / 20))
        waiting = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._woken.wait())]
        await asyncio.wait(waiting, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        self._woken.clear()

    async def _met(self, trouble: Trouble, pause: float) -> float:
        """What a trouble means for the watch; seconds until it is tried again."""
        if trouble.outcome in LASTING:
            act = self._open()[0]
            key = f"target {self.run}"
            if act.discover(key, self.target.kind, self.target.url, None):
                act.end(key, trouble.outcome, trouble.reason, trouble.record, absence=trouble.absence.line())
                act.needs(key)
            self.ended = (trouble.outcome, trouble.reason)
            self._tell(Told("ended", None, trouble.reason, {"outcome": str(trouble.outcome)}))
            return pause
        self._tell(Told("waiting", None, trouble.reason, {"outcome": str(trouble.outcome)}))
        if trouble.name is None and not self.client.is_connected():
            with suppress(Trouble):
                await self.client.disconnect()
                await connected(self.client)
        return max(pause, float(trouble.wait))

    @property
    def place(self) -> ChatRef:
        """The chat, once Telegram has told of it."""
        assert self.chat is not None
        return self.chat

    def wake(self, update: Any, whole: Any, wire: Wire) -> None:
        """An update that may be about this chat was pushed."""
        self.pushed.put_nowait((update, whole, wire))
        self._woken.set()

    # -- captures ---------------------------------------------------------------------------------------

    def _open(self) -> tuple[Act, Gathering]:
        """The open capture, begun if there is none."""
        if self._act is None or self._gathering is None:
            self.part += 1
            act = self._act = Act(
                self.home, self.archive, self.target, self.run, self.part, self.options, lambda act: None,
                asyncio.get_running_loop(),
            )  # fmt: skip
            name = self.options.account or "default"
            config = self.home.config.telegram
            test = act.recorder.network is not None
            collector = Collector(
                self.client, ActKeep(act), name, min(config.patience, 60.0), 0.0 if test else config.interval,
                pauses=AccountPauses(act.recorder, self.client, name),
            )  # fmt: skip
            collector.peers = self._peers
            self._gathering = Gathering(act, collector)
            self._opened = time.monotonic()
            act.writer.hosts.add(str(self.client.session.server_address))
            act.settled(Outcome.CAPTURED, None)
        return self._act, self._gathering

    @property
    def _ask(self) -> Collector:
        return self._open()[1].asking

    async def _close_if_due(self) -> None:
        if self._act is not None and (self._act.full() or time.monotonic() - self._opened >= self.pace.seal):
            await self._close()

    async def _close(self) -> None:
        """Closes and seals what is open. A look that found nothing new leaves its answers as proof that it looked."""
        if self._act is not None and self._albums:
            with suppress(Trouble):
                await self._albums_due(every=True)
        act, self._act, self._gathering = self._act, None, None
        if act is None:
            return
        await act.settle()
        self._closed(await asyncio.to_thread(act.finish))

    # -- beginning --------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """The state of things when the watch begins: the chat, the last messages, and from where updates count."""
        act, gathering = self._open()
        known = self.home.state.watch(self.target.key)
        chat = await gathering.chat()
        about = await gathering.asking.about(chat)
        record, full = next(iter(about.more.values()))
        if act.discover(f"chat {chat.place}", "chat", None, "target", title=chat.title):
            act.end(f"chat {chat.place}", Outcome.CAPTURED, None, record)
        stated = full.get("pts")
        self.chat = chat
        self._peers = gathering.asking.peers
        self._quiet = known is None
        try:
            # From here on everything is numbered: what is read now is the state at this number or after it.
            self._reached(known[0] if known is not None else stated if isinstance(stated, int) else 0)
            await self._broken_off()
            if known is not None:
                await self._difference()
            await self._reread()
        except Trouble:
            self.chat = None  # begun again when Telegram answers again
            raise
        finally:
            self._quiet = False
        self._tell(
            Told(
                "watching",
                None,
                f"{chat.place}: {chat.title or ''}, {act.posts} posts read",
                {"chat": chat.id, "pts": self.pts},
            )
        )

    async def _broken_off(self) -> None:
        """Posts whose files were under way when an earlier watch was killed: observed once more, files included."""
        key, again = self.target.key, []
        for row in self.home.catalog.interrupted(self._open()[0].shown_target.url):
            ends = {line.get("key"): line.get("outcome") for line in self.home.catalog.inventory(row["id"])}
            for number in self.home.state.watch_seen_in(key, row["id"]):
                post = identity(self.place.place, number)
                mine = [
                    how for name, how in ends.items() if name == f"post {post}" or str(name).startswith(f"edit {post} ")
                ]
                if not mine or "failed" in mine:  # no line of its own: a member of an album
                    again.append(number)
        for start in range(0, len(again), AT_A_TIME):
            some = again[start : start + AT_A_TIME]
            kept = await self._ask.messages(self.place, some)
            self.home.state.watch_forget(key, [m["id"] for m in kept.messages if m["_"] != "MessageEmpty"])
            await self._observe(kept)

    def _reached(self, pts: int) -> None:
        """Everything up to here is kept."""
        self.pts = pts
        self.home.state.watch_reached(self.target.key, pts, {"chat": self.place.id})

    # -- updates ----------------------------------------------------------------------------------------

    async def _take_pushed(self) -> None:
        while not self.pushed.empty():
            update, whole, wire = self.pushed.get_nowait()
            pts, count = getattr(update, "pts", None), getattr(update, "pts_count", 0)
            chat = self.place
            if not chat.is_channel or pts is None or isinstance(update, types.UpdateChannelTooLong):
                await (self._difference() if chat.is_channel else self._reread())
                if isinstance(update, types.UpdateChannel):
                    await self._info()
                continue
            if pts <= self.pts:
                continue
            if pts - count != self.pts:
                await self._difference()  # something before it has not come: asked for, in order
                continue
            await self._apply(update, whole, wire)
            self._reached(pts)
            if self._act is not None and self._act.full():
                await self._close()

    async def _difference(self) -> None:
        """Everything since the last known `pts`, in order."""
        chat = self.place
        if not chat.is_channel:
            return  # basic groups have no numbers of their own: they are pushed, and read again
        channel = types.InputChannel(chat.input.channel_id, chat.input.access_hash)
        while True:
            request = functions.updates.GetChannelDifferenceRequest(
                channel, types.ChannelMessagesFilterEmpty(), max(1, self.pts), DIFFERENCE, force=False
            )
            asked = {"chat": chat.id, "pts": self.pts}
            if self._act is None:
                # A look that finds nothing leaves no capture: thousands of empty ones would hide the others.
                try:
                    result = await self._bare().call(request)
                except Trouble as trouble:
                    if trouble.outcome in LASTING:
                        await self._ask.refused(request, asked, trouble)
                    raise
                if isinstance(result, types.updates.ChannelDifferenceEmpty):
                    return
                kept = await self._ask.take(
                    "updates.GetChannelDifference", asked, result, getattr(request, "wire", None)
                )
            else:
                result, kept = await self._ask.ask(request, asked)
            if isinstance(result, types.updates.ChannelDifferenceEmpty):
                return
            if isinstance(result, types.updates.ChannelDifferenceTooLong):
                await self._too_long(result, kept)
                return
            await self._observe(kept, whole=False)
            for update in result.other_updates:
                await self._apply(update, result, kept.wire)
            self._reached(result.pts)
            if self._act is not None and self._act.full():
                await self._close()
            if result.final:
                return

    def _bare(self) -> Collector:
        """For a question whose answer may not be worth a capture. It keeps nothing."""
        config = self.home.config.telegram
        name = self.options.account or "default"
        pauses = AccountPauses(self.archive.recorder, self.client, name)
        return Collector(self.client, _Nothing(), name, min(config.patience, 60.0), pauses=pauses)

    async def _too_long(self, result: Any, kept: Kept) -> None:
        """More has happened than Telegram hands out: what is there now is read back to where we were."""
        act = self._open()[0]
        pts = getattr(result.dialog, "pts", None) or self.pts
        key = f"gap {self.pts}–{pts}"
        if act.discover(key, "gap", None, "target"):
            reason = "Telegram no longer lists what happened in between: what is there now was read; edits and removals of that time may be missing"
            act.end(key, Outcome.PARTIAL, reason, kept.answer)
            act.needs(key)
        await self._reread(everything=True)
        self._reached(pts)

    async def _apply(self, update: Any, whole: Any, wire: Wire | None) -> None:
        """One update, kept as an object of its own, and what it means."""
        message, pts = getattr(update, "message", None), getattr(update, "pts", None)
        said = Pushed(
            [message] if message is not None else [], getattr(whole, "chats", []), getattr(whole, "users", []), pts
        )
        uri = f"{URN}:update:{self.place.id}:{pts if pts is not None else 'unnumbered'}"
        more = [] if message is not None else [(uri, update)]
        kept = await self._ask.take(type(update).__name__, {"chat": self.place.id}, said, wire, more=more)
        record = next((record for record, _ in kept.more.values()), kept.answer)
        if message is not None:
            await self._observe(kept, whole=False)
        elif isinstance(update, types.UpdateDeleteChannelMessages):
            self._removed(list(update.messages), "announced", kept, record, None)
        elif isinstance(update, types.UpdatePinnedChannelMessages):
            for number in update.messages:
                self._pinned(number, bool(update.pinned), record)

    # -- observations -----------------------------------------------------------------------------------

    async def _albums_due(self, every: bool = False) -> None:
        """Albums whose last member came a while ago, each as the one post that it is. `every`: without waiting."""
        now = time.monotonic()
        for album, waiting in list(self._albums.items()):
            if not every and now - waiting.since < ALBUM_SECONDS:
                continue
            numbers = {number for kept in waiting.kept for number in kept.numbers()}
            whole = await self._ask.with_album(self.place, min(numbers), False, None)
            del self._albums[album]
            await self._observe(whole)
            there = {message["id"] for message in whole.messages if message["_"] != "MessageEmpty"}
            for kept in waiting.kept:  # what was removed again meanwhile was there all the same
                if not there.issuperset(kept.numbers()):
                    await self._observe(kept)

    async def _observe(self, kept: Kept, whole: bool = True) -> None:
        """Posts of an answer: new, edited, or as they were. Not `whole`: members of an album come one by one."""
        act, gathering = self._open()
        digests = {message["id"]: content(message) for message in kept.messages if message["_"] != "MessageEmpty"}
        seen: list[tuple[int, str, str, str | None]] = []
        for post in sorted(kept.posts, key=lambda post: _numbers(post)[:1]):
            numbers = [number for number in _numbers(post) if number in digests]
            known = [self.home.state.watch_last(self.target.key, number) for number in numbers]
            changed = [n for n, last in zip(numbers, known, strict=True) if last is None or last[0] != digests[n]]
            if not changed or post.outcome is Outcome.UNAVAILABLE:
                continue
            new = any(last is None for last in known)
            if new and not whole and post.extra.get("grouped_id"):
                self._albums.setdefault(post.extra["grouped_id"], _Album()).add(kept)
                continue
            key = None
            if not new or act.has(f"post {post.id}"):
                key = f"edit {post.id} {kept.answer.strip('<>')[-8:]}"
            role = {"role": "target" if new else "edit"}
            gathering.observed(self.place, post, kept, key, role)
            seen += [(n, digests[n], act.capture_id, kept.records.get(n)) for n in changed]
            if not self._quiet:  # what stands there when a watch begins is not news
                self._tell(Told("new" if new else "edited", post.id, post.text or "", {"published": _date(post)}))
            if post.extra.get("action") in ("chat edit title", "chat edit photo", "chat delete photo"):
                await self._info()
        if seen:
            self.home.state.watch_saw(self.target.key, seen)
            self.home.state.watch_removed(self.target.key, [row[0] for row in seen if row[0] in self._gone])

    async def _info(self) -> None:
        """The chat itself has changed: title, photo, description. Kept anew."""
        act, gathering = self._open()
        kept = await gathering.asking.about(self.place)
        record, full = next(iter(kept.more.values()))
        state = canonical.dumps([_stable(full), _stable(kept.people.get(self.place.id))])
        key = f"chat {self.place.place} {sha256_hex(state)[:8]}"
        if not act.discover(key, "chat", None, "target"):
            return
        gathering.pictures(self.place, key, full, kept)
        peer = kept.peers.get(self.place.id)
        title = peer.name if peer is not None else self.place.title
        act.end(key, Outcome.CAPTURED, None, record, title=title)
        if title != self.place.title:
            self._tell(Told("info", None, f"title is now {title}", {"title": title}))
            self.chat = replace(self.place, title=title)
        else:
            self._tell(Told("info", None, "photo or description changed"))

    def _pinned(self, number: int, pinned: bool, record: str) -> None:
        act = self._open()[0]
        post = identity(self.place.place, number)
        what = "pinned" if pinned else "unpinned"
        key = f"{what} {post} {record.strip('<>')[-8:]}"
        if act.discover(key, "pin", None, "target"):
            act.end(key, Outcome.CAPTURED, what, record)
            self._tell(Told(what, post, ""))

    def _removed(self, numbers: list[int], how: str, kept: Kept, shown: str, control: int | None) -> None:
        """Messages that are no longer there: an event each, with the last observation and what shows the removal."""
        act = self._open()[0]
        events, gone = [], []
        for number in numbers:
            post = identity(self.place.place, number)
            last = self.home.state.watch_last(self.target.key, number)
            if last is not None and last[3]:
                continue  # was seen to be gone before
            key = f"removal {post}"
            record = kept.records.get(number, shown)
            if last is None:
                self._gone.add(number)
            before = {"capture": last[1], "record": last[2]} if last is not None else self._before(post, number)
            if not act.discover(key, "removal", None, "target"):
                continue
            reason = "Telegram announced its removal"
            if how == "empty answer":
                reason = (
                    f"Telegram answers that there is no such message, and in the same answer gives message {control}"
                )
            said = Absence(
                State.UNAVAILABLE, "removed", said="messageEmpty" if control else "updateDeleteChannelMessages"
            )
            act.end(key, Outcome.CAPTURED, reason, record, last=before, absence=said.line())
            detail = {
                "post": post, "platform": "telegram", "capture": act.capture_id, "record": record, "how": how,
                "control": control, "last": before, "account": self.options.account,
            }  # fmt: skip
            events.append(Event("removed", self.home.clock(), {k: v for k, v in detail.items() if v is not None}))
            gone.append(number)
            self._tell(Told("removed", post, reason, {"last": before}))
        if events:
            self.archive.signer.append(events)
        self.home.state.watch_removed(self.target.key, gone)

    def _before(self, post: str | None, number: int) -> dict[str, Any] | None:
        """The last observation of a post: a member of an album that is still waited for, or by any earlier capture."""
        for kept in (kept for waiting in self._albums.values() for kept in waiting.kept):
            if self._act is not None and number in kept.records:
                return {"capture": self._act.capture_id, "record": kept.records[number]}
        found = self.home.catalog.observations(post) if post else []
        return {"capture": found[-1]["capture"], "record": found[-1]["record"]} if found else None

    # -- reading again ----------------------------------------------------------------------------------

    async def _reread(self, everything: bool = False) -> None:
        """The newest messages once more: edits that were not announced, and what is gone.

        `everything`: back to what was known before, however far that is.
        """
        chat = self.place
        present: set[int] = set()
        known = set(self.home.state.watch_present(self.target.key, 1)) if everything else set()
        low = None
        async for page in self._ask.history(chat, None, Span(), holes=False):
            await self._observe(page.kept)
            present |= set(page.kept.numbers())
            low = min(page.kept.numbers(), default=low)
            if page.cursor is None:
                low = 1
                break
            if len(present) >= self.pace.last and not (everything and known.isdisjoint(present)):
                break
        if low is None or not present:
            return
        control = max(present)
        missing = [n for n in self.home.state.watch_present(self.target.key, low) if n not in present]
        for start in range(0, len(missing), AT_A_TIME):
            some = missing[start : start + AT_A_TIME]
            kept = await self._ask.messages(chat, [*some, control])
            there = {m["id"] for m in kept.messages if m["_"] != "MessageEmpty"}
            if control not in there:
                continue  # the answer is empty as a whole: it says nothing about any single message
            self._removed([n for n in some if n not in there], "empty answer", kept, kept.answer, control)
            await self._observe(kept)


class _Nothing:
    """A `Keep` that keeps nothing."""

    async def withhold(self, values: Iterable[tuple[str, bytes]]) -> list[str]:
        return ["" for _ in values]

    async def keep(self, things: Iterable[Any]) -> list[str]:
        return ["" for _ in things]

    def digest(self, raw: bytes) -> str:
        return ""


def content(message: dict[str, Any]) -> str:
    """A digest of what a message says: without counters, and without commitments, which are new each time."""
    return sha256_hex(canonical.dumps(_stable(message)))


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("_") in ("PollResults", "WebPage", "WebPagePending"):
            return {"_": value["_"], "url": value.get("url")}  # Telegram makes and counts these by itself
        return {key: _stable(item) for key, item in value.items() if key not in COUNTERS and key != "commitment"}
    if isinstance(value, list):
        return [_stable(item) for item in value]
    return value


def _numbers(post: Post) -> list[int]:
    texts = post.album_ids or ((post.id or "").rpartition("/")[2],)
    return [int(text) for text in texts if text.isdecimal()]


def _date(post: Post) -> str | None:
    return post.published.text() if post.published else None


class Watches:
    """Several chats watched with one account."""

    def __init__(self, client: Reader, watches: list[Watch]) -> None:
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
                if watch.chat is not None and (
                    number == watch.chat.id or (number is None and not watch.chat.is_channel)
                ):
                    watch.wake(update, whole, wire)

    async def run(self, stop: asyncio.Event) -> None:
        await asyncio.gather(*(watch.watch(stop) for watch in self.watches))


def _chat_of(update: Any) -> int | None:
    if isinstance(getattr(update, "channel_id", None), int):
        return marked({"channel_id": update.channel_id})
    peer = getattr(getattr(update, "message", None), "peer_id", None)
    return marked(peer.to_dict()) if peer is not None else None
