"""One capture of Telegram by an account: which answers are asked for, and what of them is entered in the inventory."""

from __future__ import annotations

from archiver.capture.session import CaptureSession
from archiver.telegram.chat_info import ChatInfo
from archiver.telegram.posts import PostReading, PostsByAccount
from spiders.date_range import DateRange
from spiders.items import Counted, Reached
from spiders.posts import Absence, Availability, Outcome
from spiders.telegram.api.account_api import KeptAnswer
from spiders.telegram.api.collector import ChatRef, Collector, HistoryPage, Hole
from spiders.telegram.api.errors import TelegramError
from spiders.telegram.api.messages import identity, link_of

UNDER_WAY = 60
"""Files that may wait while the next page of a history is asked for."""


class TelegramCapture:
    """Asks for everything that the target of one capture names, in order."""

    def __init__(self, session: CaptureSession, collector: Collector) -> None:
        self._session, self._context, self._inventory = session, session.context, session.inventory
        self.collector = self._ask = collector
        self.posts = PostsByAccount(session, collector)
        self.info = ChatInfo(session, collector, self.posts)

    async def run(self) -> None:
        """Ask for everything that the target names. Raises `TelegramError`, `EvidenceError`."""
        target = self._context.target
        if target.kind in ("post", "private post", "comment"):
            chat, number, comment = await self._named_post()
            if self._context.walk is not None:
                await self._thread(chat, number)
            elif comment is not None:
                await self._comment(chat, number, comment)
            else:
                await self._single(chat, number)
            return
        if target.kind == "story":
            await self.info.one_story(await self.chat(), int(target.id.rpartition("/")[2]))
            return
        await self._walk(await self.chat())

    # -- which chat -------------------------------------------------------------------------------------

    async def chat(self) -> ChatRef:
        """Ask for the channel or group that the target names. Raises `TelegramError`."""
        target = self._context.target
        if target.kind == "invite":
            chat = await self._ask.by_invite(target.id)
        elif target.kind == "private channel":
            chat = await self._ask.by_number(-(10**12) - int(target.id))
        elif target.kind == "private group":
            chat = await self._ask.by_number(-int(target.id))
        else:
            chat = await self._ask.by_name(target.handle or target.id)
        self._met(chat)
        return chat

    async def _named_post(self) -> tuple[ChatRef, int, int | None]:
        target = self._context.target
        post, _, comment = target.id.partition("#")
        where, _, number = post.rpartition("/")
        if where.startswith("c/") or target.kind == "private post":
            chat = await self._ask.by_number(-(10**12) - int(where.removeprefix("c/")))
        else:
            chat = await self._ask.by_name(target.handle or where)
        self._met(chat)
        return chat, int(number), int(comment) if comment else None

    def _met(self, chat: ChatRef) -> None:
        asked = (self._context.target.handle or "").lower()
        if asked and chat.place.lower() != asked:
            reason = f"asked for {self._context.target.handle}, Telegram answers with {chat.place}"
            if self._inventory.discover(f"name {chat.place}", "name", link_of(f"{chat.place}/1"), "target"):
                self._inventory.end(f"name {chat.place}", Outcome.CAPTURED, reason)
        if chat.restricted and self._inventory.discover(f"restriction {chat.place}", "restriction", None, "target"):
            said = Absence(Availability.WITHHELD, "withheld", "platform", chat.restricted)
            self._inventory.end(f"restriction {chat.place}", Outcome.CAPTURED, chat.restricted, absence=said.line())

    # -- one post ---------------------------------------------------------------------------------------

    async def _single(self, chat: ChatRef, number: int) -> None:
        kept = await self._ask.with_album(chat, number, self._context.target.single, None)
        if not _there(kept, number):
            newest = await self._ask.newest(chat, 1)
            control = next((one for one in newest.numbers() if one != number), None)
            kept = await self._ask.with_album(chat, number, True, control)
            if not _there(kept, number):
                self._absent(chat, number, kept, control)
                return
        self._take_posts(chat, kept, "answer")
        self._session.answered(Outcome.CAPTURED, None)
        if self._context.options.comments:
            await self._comments(chat, identity(chat.place, number) or str(number), number)

    def _absent(self, chat: ChatRef, number: int, kept: KeptAnswer, control: int | None) -> None:
        """Telegram has no such message now. Whether it ever had one, it does not say."""
        post_id = identity(chat.place, number)
        reason = f"Telegram answers that there is no message {number}"
        if control is not None:
            reason += f", and in the same answer gives message {control}"
        said = Absence(Availability.UNAVAILABLE, "not found", said="messageEmpty")
        self._inventory.discover(f"post {post_id}", "post", self._context.target.url, "target")
        self._inventory.end(
            f"post {post_id}", Outcome.UNAVAILABLE, reason, kept.records.get(number, kept.answer), absence=said.line()
        )
        self._session.answered(Outcome.UNAVAILABLE, reason)

    async def _comment(self, chat: ChatRef, number: int, comment: int) -> None:
        parent = identity(chat.place, number) or str(number)
        kept = await self._ask.comment(chat, number, comment, parent)
        if not kept.posts:
            reason = f"Telegram answers that there is no comment {comment} under {parent}"
            key = f"post {parent}?comment={comment}"
            self._inventory.discover(key, "comment", self._context.target.url, "target")
            said = Absence(Availability.UNAVAILABLE, "not found")
            self._inventory.end(key, Outcome.UNAVAILABLE, reason, kept.answer, absence=said.line())
            self._session.answered(Outcome.UNAVAILABLE, reason)
            return
        self._take_posts(chat, kept, "answer")
        self._session.answered(Outcome.CAPTURED, None)

    async def _comments(self, chat: ChatRef, parent: str, number: int) -> None:
        """Take everything that stands under a post."""
        key = f"comments {parent}"
        if not self._inventory.discover(key, "comments", None, f"post {parent}"):
            return
        counts: list[int] = []
        found, record = 0, None
        try:
            async for page in self._ask.history(chat, None, DateRange(), thread=number, parent=parent):
                self._take_posts(chat, page.kept, key)
                found += len(page.kept.messages)
                counts += [page.kept.count] if page.kept.count is not None else []
                record = record or page.kept.answer
                await self._context.tasks.below(UNDER_WAY)
                if self._context.interrupted or self._context.port.stopped:
                    self._inventory.end(key, Outcome.PARTIAL, self._context.port.stopped or "interrupted", record)
                    return
        except TelegramError as trouble:
            if trouble.outcome is Outcome.UNAVAILABLE:
                self._inventory.end(key, Outcome.SKIPPED, f"no comments: {trouble.reason}", trouble.record)
                return
            self._inventory.end(key, Outcome.PARTIAL if found else trouble.outcome, trouble.reason, trouble.record)
            self._inventory.require(key)
            return
        self._inventory.end(key, Outcome.CAPTURED, None, record)
        self._compare_counts(f"comments on {parent}", counts, found)

    # -- walks ------------------------------------------------------------------------------------------

    async def _thread(self, chat: ChatRef, number: int) -> None:
        """Walk a message and everything under it: comments, a topic, a thread of a group."""
        assert self._context.walk is not None
        parent = identity(chat.place, number) or str(number)
        cursor, _, _ = _read_cursor(self._context.walk.state.cursor)
        if cursor is None:
            kept = await self._ask.with_album(chat, number, False, None)
            self._take_posts(chat, kept, "answer")
        self._session.answered(Outcome.CAPTURED, None)
        under = parent if chat.broadcast else None
        async for page in self._ask.history(
            chat, cursor, self._span(), self._context.options.oldest_first, thread=number, parent=under
        ):
            if not await self._take_page(chat, page, None):
                return

    async def _walk(self, chat: ChatRef) -> None:
        assert self._context.walk is not None
        cursor, found, stated = _read_cursor(self._context.walk.state.cursor)
        if cursor is None:
            await self.info.about(chat)
        self._session.answered(Outcome.CAPTURED, None)
        whole = self._span().open and self._context.options.limit is None
        async for page in self._ask.history(chat, cursor, self._span(), self._context.options.oldest_first):
            if cursor is None and not page.kept.messages and chat.restricted:
                said = Absence(Availability.WITHHELD, "withheld", "platform", chat.restricted)
                raise TelegramError(Outcome.REFUSED, f"Telegram does not show it: {chat.restricted}", said)
            found += len(page.kept.messages)
            counts = [count for count in (stated, page.kept.count) if count is not None]
            stated = stated if stated is not None else page.kept.count
            for post in page.kept.posts if self._context.options.comments else ():
                if post.replies and post.extra.get("comments_in") and post.id and self._span().may_hold(post.published):
                    await self._comments(chat, post.id, int(post.id.rpartition("/")[2]))
            if not await self._take_page(chat, page, (found, stated)):
                return
            if page.cursor is None and whole and counts and chat.is_channel:
                self._compare_counts("messages", counts, found)

    def _compare_counts(self, what: str, stated: list[int], found: int) -> None:
        """Compare the counts that Telegram stated with what came; posts come and go, so anything between them is right."""
        if stated:
            low, high = min(stated), max(stated)
            self._session.seen(Counted(what, low if found < low else high if found > high else found, found))

    async def _take_page(self, chat: ChatRef, page: HistoryPage, so_far: tuple[int, int | None] | None) -> bool:
        """Take a page of a walk and remember how far it came. Return whether this part goes on."""
        self._take_posts(chat, page.kept, "history")
        for hole in page.holes:
            self._hole(hole)
        reached = None
        if page.cursor is not None:
            reached = str(page.cursor) if so_far is None else f"{page.cursor} {so_far[0]} {so_far[1] or 0}"
        self._session.seen(Reached(reached))
        await self._context.tasks.below(UNDER_WAY)
        return not self._session.enough()

    def _span(self) -> DateRange:
        return DateRange(self._context.options.since, self._context.options.until)

    # -- what an answer brings --------------------------------------------------------------------------

    def _take_posts(self, chat: ChatRef, kept: KeptAnswer, parent: str) -> None:
        for post in kept.posts:
            if post.outcome is not Outcome.UNAVAILABLE:  # the empty answer beside it
                wanted = self._span().may_hold(post.published)
                self.posts.take(chat, PostReading.of(post, kept), parent, wanted=wanted)

    def _hole(self, hole: Hole) -> None:
        one = hole.first == hole.last
        named = f"{hole.first}" if one else f"{hole.first}–{hole.last}"
        key, facts = f"ids {named}", {"first": hole.first, "last": hole.last}
        if not self._inventory.discover(key, "hole", None, "history", **facts):
            return
        if hole.record is None:
            self._inventory.end(
                key,
                Outcome.SKIPPED,
                f"{hole.last - hole.first + 1} ids without a message in the history: not asked one by one",
            )
            return
        said = Absence(Availability.UNAVAILABLE, "not found", said="messageEmpty")
        self._inventory.end(
            key, Outcome.UNAVAILABLE, "Telegram answers that there is no such message: deleted, or never used", hole.record,
            absence=said.line(),
        )  # fmt: skip


def _there(kept: KeptAnswer, number: int) -> bool:
    return any(message["id"] == number and message["_"] != "MessageEmpty" for message in kept.messages)


def _read_cursor(text: str | None) -> tuple[int | None, int, int | None]:
    """Return where to continue, how many messages were found so far, and how many Telegram stated at the beginning."""
    if not text:
        return None, 0, None
    parts = [int(part) for part in text.split(" ")]
    return parts[0], parts[1] if len(parts) > 1 else 0, (parts[2] or None) if len(parts) > 2 else None
