"""Telegram by its own API: what is asked for, in which order, and what is handed over to be kept.

How one thing is asked for and kept is in `account_api`; posts are read out of the kept objects by `messages`, as anybody can do
later. Sources: core.telegram.org/api/offsets, /api/files, /api/discussion, /api/forum, /api/stories.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from telethon import functions, types, utils

from spiders.availability import absence
from spiders.date_range import DateRange
from spiders.posts import Absence, Availability, Outcome
from spiders.telegram.api.account_api import URN, AccountApi, KeptAnswer, Only, method_of
from spiders.telegram.api.errors import TelegramError, of_error
from spiders.telegram.api.messages import Setting, read_messages
from spiders.telegram.api.paging import gaps, past, runs, untorn
from spiders.telegram.api.peers import Peer, marked, place_of
from spiders.telegram.api.tl import time_text

PAGE = 100
"""Messages a request; Telegram gives no more."""
HOLE_LIMIT = 2000
"""Ids of one gap that are asked for; a wider gap is listed without asking."""
ALBUM = 10
"""Members that an album can have."""


@dataclass
class ChatRef:
    """A channel, group or person as this account reaches it."""

    id: int
    """Marked, as in `messages.marked`."""
    input: Any = field(repr=False)
    place: str
    title: str | None
    broadcast: bool
    restricted: str | None = None

    @property
    def is_channel(self) -> bool:
        """Whether it is a channel or supergroup: marked ids of those are below -10^12."""
        return self.id < -(10**12)


@dataclass
class HistoryPage:
    """One page of a history. `cursor`: where the next begins, None at the end."""

    kept: KeptAnswer
    cursor: int | None
    holes: list[Hole] = field(default_factory=list)


@dataclass
class Hole:
    """A run of ids without a message. `record`: the answer that says so; None where none was asked for."""

    first: int
    last: int
    record: str | None


class Collector(AccountApi):
    """What a capture asks of Telegram about chats, messages and stories, and in which order."""

    # -- who and where ----------------------------------------------------------------------------------

    async def by_name(self, handle: str) -> ChatRef:
        """Find a public channel, group or person by its name in links. Raises `TelegramError`."""
        known = self.client.session.known(handle)
        if known is not None:
            return await self._renewed(known, handle)
        result, kept = await self.ask(functions.contacts.ResolveUsernameRequest(handle), {"username": handle})
        return self._ref([*result.chats, *result.users], marked(result.peer.to_dict()), kept)

    async def _renewed(self, known: Any, handle: str) -> ChatRef:
        """A name that was resolved before: what the account knows is asked for again, without resolving it once more."""
        try:
            if isinstance(known, types.InputPeerChannel):
                request = functions.channels.GetChannelsRequest(
                    [types.InputChannel(known.channel_id, known.access_hash)]
                )
                result, kept = await self.ask(request, {"channel": known.channel_id})
                ref = self._ref(result.chats, marked({"channel_id": known.channel_id}), kept)
                if ref.place.lower() == handle.lower():
                    return ref
        except TelegramError as trouble:
            if trouble.outcome is not Outcome.UNAVAILABLE:
                raise
        self.client.session.forget(handle)
        return await self.by_name(handle)

    async def by_number(self, number: int) -> ChatRef:
        """Find a chat that the account is in or has met, by its marked id. Raises `TelegramError`."""
        if -(10**12) < number < 0:
            result, kept = await self.ask(functions.messages.GetChatsRequest([-number]), {"chat": -number})
            return self._ref(result.chats, number, kept)
        access = self.client.session.access_to(number)
        if access is None:
            await self._meet()
            access = self.client.session.access_to(number)
        if access is None:
            said = Absence(Availability.PRIVATE, "private")
            raise TelegramError(
                Outcome.REFUSED,
                "the account has never met this chat, so it cannot request anything about it",
                said,
            )
        bare = -number - 10**12
        result, kept = await self.ask(
            functions.channels.GetChannelsRequest([types.InputChannel(bare, access)]), {"channel": bare}
        )
        return self._ref(result.chats, number, kept)

    async def _meet(self) -> None:
        """The account's list of chats, which brings access to those it is in. It is not kept: it is not about the target."""
        date, offset, peer = None, 0, types.InputPeerEmpty()
        for _ in range(50):
            result = await self.call(functions.messages.GetDialogsRequest(date, offset, peer, 100, 0))
            if not isinstance(result, types.messages.DialogsSlice) or not result.dialogs:
                return
            tops = {(marked(m.peer_id.to_dict()), m.id): m for m in result.messages}
            last = result.dialogs[-1]
            top = tops.get((marked(last.peer.to_dict()), last.top_message))
            if top is None or len(result.dialogs) < 100:
                return
            date, offset = top.date, top.id
            peer = await self.client.get_input_entity(last.peer)

    async def by_invite(self, code: str) -> ChatRef:
        """Find the chat of an invite link, if the account is in it or may look at it. Raises `TelegramError`."""
        request = functions.messages.CheckChatInviteRequest(code)
        result = await self.answer(request, {})
        chat, wire = getattr(result, "chat", None), getattr(request, "wire", None)
        if chat is not None:
            kept = await self.take(method_of(request), {}, types.messages.Chats([chat]), wire)
            return self._ref([chat], marked(_bare(chat)), kept)
        kept = await self.take(method_of(request), {}, result, wire, more=[(f"{URN}:invite", result)])
        said = Absence(Availability.PRIVATE, "private", said=str(result.title))
        trouble = TelegramError(
            Outcome.REFUSED,
            f"“{result.title}” ({result.participants_count} members) is for members only; to join: archiver telegram join LINK",
            said,
        )
        trouble.record = kept.more[f"{URN}:invite"][0]
        raise trouble

    def _ref(self, found: Sequence[Any], number: int | None, kept: KeptAnswer) -> ChatRef:
        for item in found:
            if marked(_bare(item)) != number or number is None:
                continue
            if isinstance(item, types.ChannelForbidden | types.ChatForbidden):
                trouble = of_error(400, "CHANNEL_PRIVATE")
                trouble.record = kept.answer
                raise trouble
            if number > 0:
                words = "a person or bot, not a channel or group; its chat with this account is nobody else's"
                trouble = TelegramError(Outcome.REFUSED, words, absence("a person or bot"))
                trouble.record = kept.answer
                raise trouble
            reasons = getattr(item, "restriction_reason", None) or []
            return ChatRef(
                number, utils.get_input_peer(item), place_of(number, self.peers) or str(number),
                (self.peers.get(number) or Peer(number)).name, bool(getattr(item, "broadcast", False)),
                "; ".join(f"{one.platform}: {one.text}" for one in reasons) or None,
            )  # fmt: skip
        trouble = of_error(400, "PEER_ID_INVALID")
        trouble.record = kept.answer
        raise trouble

    async def about(self, chat: ChatRef) -> KeptAnswer:
        """Fetch all that Telegram tells of a chat: description, counts, linked chat, photo. Raises `TelegramError`."""
        if chat.is_channel:
            request = functions.channels.GetFullChannelRequest(_channel(chat))
        elif chat.id < 0:
            request = functions.messages.GetFullChatRequest(-chat.id)
        else:
            request = functions.users.GetFullUserRequest(chat.input)
        _, kept = await self.ask(
            request, {"chat": chat.id},
            more=lambda result: [(f"{URN}:full:{chat.id}", getattr(result, "full_chat", None) or result.full_user)],
        )  # fmt: skip
        return kept

    async def topics(self, chat: ChatRef) -> AsyncIterator[KeptAnswer]:
        """Fetch a forum's topics page by page, newest first. Raises `TelegramError`."""
        topic = 0
        while True:
            request = functions.messages.GetForumTopicsRequest(chat.input, None, 0, topic, PAGE)
            result, kept = await self.ask(
                request, {"chat": chat.id, "before": topic}, lambda result: set(),
                more=lambda result: [(f"{URN}:topic:{chat.id}:{item.id}", item) for item in result.topics],
            )  # fmt: skip
            yield kept
            if len(result.topics) < PAGE:
                return
            topic = result.topics[-1].id

    async def stories(self, chat: ChatRef) -> AsyncIterator[KeptAnswer]:
        """Fetch the stories that the account may see: current ones, then pinned ones. Raises `TelegramError`.

        Of some of the current ones the first answer gives only the number: these are asked for by it.
        """
        result, kept = await self.ask(
            functions.stories.GetPeerStoriesRequest(chat.input), {"chat": chat.id},
            more=lambda result: [(f"{URN}:story:{chat.id}:{item.id}", item) for item in result.stories.stories],
        )  # fmt: skip
        yield kept
        numbers = [item.id for item in result.stories.stories if isinstance(item, types.StoryItemSkipped)]
        for start in range(0, len(numbers), PAGE):
            yield await self.numbered_stories(chat, numbers[start : start + PAGE])
        before = 0
        while True:
            result, kept = await self.ask(
                functions.stories.GetPinnedStoriesRequest(chat.input, before, PAGE), {"chat": chat.id, "before": before},
                more=lambda result: [(f"{URN}:story:{chat.id}:{item.id}", item) for item in result.stories],
            )  # fmt: skip
            yield kept
            if len(result.stories) < PAGE:
                return
            before = result.stories[-1].id

    async def numbered_stories(self, chat: ChatRef, numbers: Sequence[int]) -> KeptAnswer:
        """Fetch stories by their numbers, at most 100; where Telegram gives none, none is kept. Raises `TelegramError`."""
        _, kept = await self.ask(
            functions.stories.GetStoriesByIDRequest(chat.input, list(numbers)), {"chat": chat.id, "ids": list(numbers)},
            more=lambda result: [(f"{URN}:story:{chat.id}:{item.id}", item) for item in result.stories],
        )  # fmt: skip
        return kept

    # -- messages ---------------------------------------------------------------------------------------

    async def messages(
        self, chat: ChatRef, numbers: Sequence[int], only: Only = None, parent: str | None = None
    ) -> KeptAnswer:
        """Fetch messages by their ids, at most 100; a `MessageEmpty` stands for a missing one.

        Raises `TelegramError`.
        """
        wanted = [types.InputMessageID(number) for number in numbers]
        if chat.is_channel:
            request: Any = functions.channels.GetMessagesRequest(_channel(chat), wanted)
        else:
            request = functions.messages.GetMessagesRequest(wanted)
        return (await self.ask(request, {"chat": chat.id, "ids": list(numbers)}, only, parent))[1]

    async def newest(self, chat: ChatRef, count: int) -> KeptAnswer:
        """Fetch the last `count` messages of a chat. Raises `TelegramError`."""
        request = functions.messages.GetHistoryRequest(chat.input, 0, None, 0, count, 0, 0, 0)
        return (await self.ask(request, {"chat": chat.id, "limit": count}))[1]

    async def pinned(self, chat: ChatRef) -> AsyncIterator[KeptAnswer]:
        """Fetch a chat's pinned messages page by page, newest first. Raises `TelegramError`."""
        before = 0
        while True:
            request = functions.messages.SearchRequest(
                chat.input, "", types.InputMessagesFilterPinned(), None, None, before, 0, PAGE, 0, 0, 0
            )
            result, kept = await self.ask(request, {"chat": chat.id, "filter": "pinned", "before": before})
            yield kept
            if len(result.messages) < PAGE:
                return
            before = result.messages[-1].id

    async def history(
        self, chat: ChatRef, cursor: int | None, span: DateRange, oldest_first: bool = False, thread: int | None = None,
        parent: str | None = None, holes: bool = True,
    ) -> AsyncIterator[HistoryPage]:  # fmt: skip
        """Fetch a chat's messages page by page, newest first unless asked otherwise. Raises `TelegramError`.

        `cursor`: where to go on, as an earlier page said. `thread`: only what stands under that message. `parent`: the
        post that these are comments on. It ends at an empty page, or where nothing more can follow.
        """
        ahead: asyncio.Future[Any] | None = None
        request, asked = self._for_page(chat, cursor, span, oldest_first, thread)
        try:
            while True:
                result = await (
                    ahead
                    if ahead is not None
                    else self.answer(request, asked, self._interval if self._answers else 0.0)
                )
                ahead = None
                real = [m for m in result.messages if not isinstance(m, types.MessageEmpty)]
                numbers = sorted((m.id for m in real), reverse=not oldest_first)
                dated = "offset_date" in asked
                everything = cursor is None and not dated and len(real) >= getattr(result, "count", len(real))
                last = not real or everything or (not oldest_first and numbers[-1] == 1)
                numbers = numbers if last else untorn(real, numbers)
                ended = last or past(result.messages, span, oldest_first)
                following = None if ended else numbers[-1] + 1 if oldest_first else numbers[-1]
                this, said = request, asked
                if following is not None and following != cursor:
                    # The next page is on its way while this one is kept.
                    request, asked = self._for_page(chat, following, span, oldest_first, thread)
                    ahead = asyncio.ensure_future(self.answer(request, asked, self._interval))
                wire = getattr(this, "wire", None)
                kept = await self.take(method_of(this), said, result, wire, set(numbers), parent)
                if oldest_first:
                    kept.messages.sort(key=lambda message: message["id"])
                    kept.posts = read_messages(kept.messages, Setting(self.peers, parent, linked=True))
                page = HistoryPage(kept, following)
                if holes and chat.is_channel and thread is None and (numbers or cursor is not None):
                    await self._fill(chat, page, numbers, cursor, last, oldest_first, dated)
                yield page
                if following is None:
                    return
                if following == cursor:
                    reason = f"the page at {cursor} ends where it began: the crawl would not end"
                    raise TelegramError(Outcome.PARTIAL, reason, Absence(Availability.UNKNOWN))
                cursor = following
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    def _for_page(
        self, chat: ChatRef, cursor: int | None, span: DateRange, oldest_first: bool, thread: int | None
    ) -> tuple[Any, dict[str, Any]]:
        """The request for a page of a history, and what of it can be shown."""
        offset, add = (cursor or 1, -PAGE) if oldest_first else (cursor or 0, 0)
        date = (span.since if oldest_first else span.until) if cursor is None else None
        if date is not None:
            offset = 0
        asked: dict[str, Any] = {"chat": chat.id, "offset_id": offset, "add_offset": add, "limit": PAGE}
        if date is not None:
            asked["offset_date"] = time_text(date)
        if thread is None:
            return functions.messages.GetHistoryRequest(chat.input, offset, date, add, PAGE, 0, 0, 0), asked
        asked["thread"] = thread
        return functions.messages.GetRepliesRequest(chat.input, thread, offset, date, add, PAGE, 0, 0, 0), asked

    async def _fill(
        self,
        chat: ChatRef,
        page: HistoryPage,
        numbers: list[int],
        cursor: int | None,
        last: bool,
        oldest_first: bool,
        dated: bool,
    ) -> None:
        """Ask for the ids that a page leaves out. What is there after all joins the page."""
        if oldest_first:
            top = max(numbers, default=0)
            bottom = min(numbers, default=1) if dated else min([*numbers, cursor or 1])
        else:
            top = max([*numbers, *([cursor - 1] if cursor is not None else [])], default=0)
            bottom = 1 if last else min(numbers, default=1)
        for low, high in gaps(set(numbers), bottom, top):
            if high - low >= HOLE_LIMIT:
                page.holes.append(Hole(low, high, None))
                continue
            for start in range(low, high + 1, PAGE):
                asked = list(range(start, min(high, start + PAGE - 1) + 1))
                found = await self.messages(chat, asked)
                there = [m for m in found.messages if m["_"] != "MessageEmpty"]
                gone = sorted(set(asked) - {m["id"] for m in there})
                page.holes += [Hole(a, b, found.answer) for a, b in runs(gone)]
                if there:
                    page.kept.messages += there
                    page.kept.records |= {m["id"]: found.records[m["id"]] for m in there}
                    page.kept.files |= found.files
                    page.kept.posts = read_messages(page.kept.messages, Setting(self.peers, None, linked=True))

    async def comment(self, chat: ChatRef, post: int, number: int, parent: str) -> KeptAnswer:
        """Fetch one comment under a post, by its number in the link. Raises `TelegramError`."""
        request = functions.messages.GetRepliesRequest(chat.input, post, number + 1, None, 0, 1, 0, 0, 0)
        asked = {"chat": chat.id, "thread": post, "offset_id": number + 1, "limit": 1}
        return (await self.ask(request, asked, lambda result: {number}, parent))[1]

    async def with_album(self, chat: ChatRef, number: int, single: bool, control: int | None) -> KeptAnswer:
        """Fetch a message with the other members of its album. Raises `TelegramError`.

        `control`: a message that is known to be there. If the wanted message is missing, the control is kept beside it:
        the same answer then says that one is there and the other is not.
        """
        numbers = {number} if single or not chat.is_channel else set(range(max(1, number - ALBUM + 1), number + ALBUM))
        asked = sorted(numbers | ({control} if control is not None else set()))

        def only(result: Any) -> set[int]:
            by_id = {message.id: message for message in result.messages}
            meant = by_id.get(number)
            if meant is None or isinstance(meant, types.MessageEmpty):
                return {number} | ({control} if control is not None else set())
            album = getattr(meant, "grouped_id", None)
            members = {one for one, message in by_id.items() if album and getattr(message, "grouped_id", None) == album}
            return {number} if single else {number} | members

        return await self.messages(chat, asked, only)


def _channel(chat: ChatRef) -> Any:
    return types.InputChannel(chat.input.channel_id, chat.input.access_hash)


def _bare(item: Any) -> dict[str, int]:
    if isinstance(item, types.Channel | types.ChannelForbidden):
        return {"channel_id": item.id}
    return {"chat_id": item.id} if isinstance(item, types.Chat | types.ChatForbidden) else {"user_id": item.id}
