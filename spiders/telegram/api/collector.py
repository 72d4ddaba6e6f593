"""Telegram by its own API: what is asked for, in which order, and what is handed over to be kept.

Each answer is kept once as an `answer` (what was asked, which ids came, the server's clock) whose TL bytes go to the
private record; each message, chat and person in it as an object of its own. Posts are read out of the kept objects by
`spiders/telegram/api/messages.py`, as anybody can do later. Sources: core.telegram.org/api/offsets, /api/files,
/api/discussion, /api/forum, /api/stories.
"""

from __future__ import annotations

import asyncio
import json
from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from telethon import __version__ as telethon_version
from telethon import errors, functions, types, utils
from telethon.extensions import BinaryReader
from telethon.tl.alltlobjects import LAYER

from spiders.availability import absence
from spiders.date_range import Span
from spiders.posts import Absence, Outcome, Post, State
from spiders.telegram.api.client import Reader, Wire
from spiders.telegram.api.errors import Trouble, of_error, pausing, unreachable
from spiders.telegram.api.messages import Peer, Setting, marked, peers_in, place_of, read_messages
from spiders.telegram.api.ports import Keep, Thing
from spiders.telegram.api.tl import ACCOUNT, Location, Plain, plain, time_text

Only = Callable[[Any], set[int]] | None
"""Which messages of an answer are wanted, once it is there."""
More = Callable[[Any], Sequence[tuple[str, Any]]]
"""What else of an answer is kept: (uri, object)."""
URN = "urn:evc:telegram"
PAGE = 100
"""Messages a request; Telegram gives no more."""
HOLE_LIMIT = 2000
"""Ids of one gap that are asked for; a wider gap is listed without asking."""
ALBUM = 10
"""Members that an album can have."""
ANSWER_SECONDS = 120.0
"""How long an answer may take, reconnecting included."""


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
        return self.id < -(10**12)


@dataclass
class Kept:
    """An answer's messages, kept. `records`: message id → record. `files`: file id → where it lies."""

    answer: str
    wire: Wire | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    posts: tuple[Post, ...] = ()
    records: dict[int, str] = field(default_factory=dict)
    files: dict[int, Location] = field(default_factory=dict, repr=False)
    count: int | None = None
    peers: dict[int, Peer] = field(default_factory=dict)
    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Channels, groups and persons of the answer, by marked id."""
    more: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """What else was kept of the answer: uri → (record, object)."""

    def numbers(self) -> list[int]:
        return [message["id"] for message in self.messages]


@dataclass
class Page:
    """One page of a history. `cursor`: where the next begins, None at the end."""

    kept: Kept
    cursor: int | None
    holes: list[Hole] = field(default_factory=list)


@dataclass
class Hole:
    """Ids without a message. `record`: the answer that says so; None where it was not asked."""

    first: int
    last: int
    record: str | None


class Pauses(Protocol):
    """The pauses that Telegram asks of an account, where others ask by it as well. `method`: as in `messages.getHistory`."""

    async def left(self, method: str) -> float:
        """Seconds that are left of one; 0 for none."""

    def asked(self, method: str, seconds: float) -> None:
        """Telegram asked for one."""


class Collector:
    """Asks for one capture or watch, through an account's client that several may share."""

    def __init__(
        self, client: Reader, keep: Keep, account: str, patience: float = 300.0, interval: float = 0.0,
        stopped: Callable[[], bool] = lambda: False, pauses: Pauses | None = None,
    ) -> None:  # fmt: skip
        """`account`: its pseudonym. `patience`: the longest pause, in seconds, that is waited for when Telegram asks for
        one. `interval`: seconds between two requests for messages. `pauses`: None where nobody else asks by the account."""
        self._pauses = pauses
        self.client, self._keep, self.account = client, keep, account
        self._patience, self._interval, self._stopped = patience, interval, stopped
        self.peers: dict[int, Peer] = {}
        self._seen_peers: dict[str, str] = {}
        self._withheld: set[str] = set()
        self._answers = 0
        self.waited = 0.0

    # -- asking -----------------------------------------------------------------------------------------

    async def call(self, request: Any, sender: Any = None) -> Any:
        """One request, pauses included. Raises `Trouble`."""
        while True:
            await self._paused(request)
            try:
                through = sender if sender is not None else self.client._sender
                return await asyncio.wait_for(self.client._call(through, request), ANSWER_SECONDS)
            except errors.RPCError as error:
                trouble = trouble_of(request, error)
                if self._pauses is not None and trouble.wait > 0:
                    self._pauses.asked(_method(request), trouble.wait)
                if 0 < trouble.wait <= self._patience and not self._stopped():
                    self.waited += trouble.wait
                    await sleep(trouble.wait)
                    continue
                raise trouble from error
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                raise unreachable("the connection was lost") from error  # Telethon cancels what waits for an answer
            except (ConnectionError, OSError, TimeoutError, errors.AuthKeyNotFound, errors.SecurityError) as error:
                if isinstance(error, errors.AuthKeyNotFound):
                    raise of_error(401, "AUTH_KEY_INVALID") from error
                raise unreachable(str(error) or type(error).__name__) from error
            except ValueError as error:  # Telethon's word for "tried five times"
                raise unreachable(str(error)) from error

    async def _paused(self, request: Any) -> None:
        """Returns when no pause is left that another was told to make. Raises `Trouble` where that is too long."""
        while self._pauses is not None and (left := await self._pauses.left(_method(request))) > 0:
            if left > self._patience or self._stopped():
                raise pausing(left)
            self.waited += left
            await sleep(left)

    async def ask(
        self, request: Any, asked: dict[str, Any], only: Only = None, parent: str | None = None, more: More = lambda result: (),
    ) -> tuple[Any, Kept]:  # fmt: skip
        """A request whose answer is kept. `asked`: what of the request can be shown. Raises `Trouble`, with its record."""
        result = await self._answer(request, asked, self._interval if self._answers else 0.0)
        wanted = only(result) if only is not None else None
        wire = getattr(request, "wire", None)
        return result, await self.take(_method(request), asked, result, wire, wanted, parent, more(result))

    async def refused(self, request: Any, asked: dict[str, Any], trouble: Trouble) -> None:
        """Keeps Telegram's own answer that something cannot be had. Where no answer came there is none to keep."""
        if trouble.name is None:
            return
        value = {"_": "RpcError", "method": _method(request), "asked": asked, "error": trouble.name}
        facts = await self._facts(getattr(request, "wire", None))
        (trouble.record,) = await self._keep.keep([Thing(self._uri(), value, facts=facts)])

    def _uri(self) -> str:
        self._answers += 1
        return f"{URN}:answer:{self._answers}"

    async def _facts(self, wire: Wire | None) -> dict[str, Any]:
        """What stands at every record of an answer. The bytes themselves are withheld."""
        facts: dict[str, Any] = {"telethon": telethon_version, "account": self.account, "layer": LAYER}
        if wire is not None and wire.raw:
            digest = self._keep.digest(wire.raw)
            if digest not in self._withheld:
                self._withheld.add(digest)
                await self._keep.withhold([(f"tl {digest}", wire.raw)])
            facts |= {"tl_sha256": digest, "dc": wire.dc, "server_time": time_text(wire.server_time)}
        return facts

    async def take(
        self, method: str, asked: dict[str, Any], result: Any, wire: Wire | None, only: set[int] | None = None,
        parent: str | None = None, more: Sequence[tuple[str, Any]] = (),
    ) -> Kept:  # fmt: skip
        """Keeps an answer: itself in short, and what is new in it. `only`: the messages that are wanted of it.

        `more`: (uri, object) of what else is to be kept of it.
        """
        facts = await self._facts(wire)
        chats, users = getattr(result, "chats", None) or [], getattr(result, "users", None) or []
        messages = getattr(result, "messages", None) or getattr(result, "new_messages", None) or []
        people = [item for item in [*chats, *users] if not getattr(item, "is_self", False)]
        own = self.client.own_id
        plains = [plain(item.to_dict(), own) for item in people]
        found = peers_in(item.value for item in plains)
        self.peers |= found
        value = {
            "_": type(result).__name__ if not isinstance(result, list) else "Vector",
            "method": method,
            "asked": asked,
            "count": getattr(result, "count", None),
            "pts": getattr(result, "pts", None),
            "messages": [message.id for message in messages],
            "peers": sorted(found),
        }
        made: list[tuple[str, Plain]] = []
        for item in plains:
            uri = f"{URN}:{item.value['_'].lower()}:{item.value['id']}"
            text = self._keep.digest(json.dumps(item.value, sort_keys=True).encode())
            if self._seen_peers.get(uri) != text:
                self._seen_peers[uri] = text
                made.append((uri, item))
        wanted = [message for message in messages if only is None or message.id in only]
        objects = [plain(message.to_dict(), own) for message in wanted]
        for item in objects:
            chat = marked(item.value.get("peer_id"))
            made.append((f"{URN}:message:{chat if chat is not None else 'unknown'}:{item.value['id']}", item))
        extras = [(uri, plain(item.to_dict(), own)) for uri, item in more]
        made += extras
        await self._commit(item for _, item in made)
        short = {key: item for key, item in value.items() if item is not None}
        things = [Thing(self._uri(), short, facts=facts), *(Thing(uri, item.value, facts=facts) for uri, item in made)]
        ids = await self._keep.keep(things)
        kept = Kept(ids[0], wire, [item.value for item in objects], count=getattr(result, "count", None), peers=found)
        kept.people = {number: item.value for item in plains for number in peers_in([item.value])}
        start = len(ids) - len(objects) - len(extras)
        kept.records = {item.value["id"]: record for item, record in zip(objects, ids[start:], strict=False)}
        for item in [*objects, *(item for _, item in extras)]:
            kept.files |= item.files
        kept.more = {
            uri: (record, item.value) for (uri, item), record in zip(extras, ids[start + len(objects) :], strict=True)
        }
        kept.posts = read_messages(kept.messages, Setting(self.peers, parent, linked=True))
        return kept

    async def _commit(self, items: Iterable[Plain]) -> None:
        """Puts a commitment in the place of whatever does not travel."""
        held: list[tuple[str, bytes]] = []
        places: list[tuple[dict[str, Any], str]] = []
        for item in items:
            if item.account:
                text = json.dumps(item.account, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
                held.append(("telegram account values", text.encode("utf-8", "surrogatepass")))
                places.append((item.value, ACCOUNT))
            for owner, key, text in item.personal:
                held.append((f"telegram {key}", text.encode("utf-8", "surrogatepass")))
                places.append((owner, key))
        if held:
            for (owner, key), commitment in zip(places, await self._keep.withhold(held), strict=True):
                owner[key] = {"commitment": commitment}

    # -- who and where ----------------------------------------------------------------------------------

    async def by_name(self, handle: str) -> ChatRef:
        """A public channel, group or person. Raises `Trouble`."""
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
        except Trouble as trouble:
            if trouble.outcome is not Outcome.UNAVAILABLE:
                raise
        self.client.session.forget(handle)
        return await self.by_name(handle)

    async def by_number(self, number: int) -> ChatRef:
        """A chat that the account is in or has met, by its marked id. Raises `Trouble`."""
        if -(10**12) < number < 0:
            result, kept = await self.ask(functions.messages.GetChatsRequest([-number]), {"chat": -number})
            return self._ref(result.chats, number, kept)
        access = self.client.session.access_to(number)
        if access is None:
            await self._meet()
            access = self.client.session.access_to(number)
        if access is None:
            said = Absence(State.PRIVATE, "private")
            raise Trouble(
                Outcome.REFUSED,
                "the account is not in this chat and has never met it: nothing can be asked about it",
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
        """The chat that an invite link leads to, if the account is in it or may look. Raises `Trouble`."""
        request = functions.messages.CheckChatInviteRequest(code)
        result = await self._answer(request, {})
        chat, wire = getattr(result, "chat", None), getattr(request, "wire", None)
        if chat is not None:
            kept = await self.take(_method(request), {}, types.messages.Chats([chat]), wire)
            return self._ref([chat], marked(_bare(chat)), kept)
        kept = await self.take(_method(request), {}, result, wire, more=[(f"{URN}:invite", result)])
        said = Absence(State.PRIVATE, "private", said=str(result.title))
        trouble = Trouble(
            Outcome.REFUSED,
            f"“{result.title}” ({result.participants_count} members) is for members: archiver telegram join LINK joins it",
            said,
        )
        trouble.record = kept.more[f"{URN}:invite"][0]
        raise trouble

    def _ref(self, found: Sequence[Any], number: int | None, kept: Kept) -> ChatRef:
        for item in found:
            if marked(_bare(item)) != number or number is None:
                continue
            if isinstance(item, types.ChannelForbidden | types.ChatForbidden):
                trouble = of_error(400, "CHANNEL_PRIVATE")
                trouble.record = kept.answer
                raise trouble
            if number > 0:
                words = "a person or bot, not a channel or group; its chat with this account is nobody else's"
                trouble = Trouble(Outcome.REFUSED, words, absence("a person or bot"))
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

    async def about(self, chat: ChatRef) -> Kept:
        """Everything that Telegram tells of a chat: description, counts, linked chat, photo. Raises `Trouble`."""
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

    async def topics(self, chat: ChatRef) -> AsyncIterator[Kept]:
        """A forum's topics, newest first. Raises `Trouble`."""
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

    async def stories(self, chat: ChatRef) -> AsyncIterator[Kept]:
        """Stories that the account may see: those of now, then the pinned ones. Raises `Trouble`."""
        _, kept = await self.ask(
            functions.stories.GetPeerStoriesRequest(chat.input), {"chat": chat.id},
            more=lambda result: [(f"{URN}:story:{chat.id}:{item.id}", item) for item in result.stories.stories],
        )  # fmt: skip
        yield kept
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

    async def story(self, chat: ChatRef, number: int) -> Kept:
        """One story by its number; nothing is kept of it where Telegram gives none. Raises `Trouble`."""
        _, kept = await self.ask(
            functions.stories.GetStoriesByIDRequest(chat.input, [number]), {"chat": chat.id, "ids": [number]},
            more=lambda result: [(f"{URN}:story:{chat.id}:{item.id}", item) for item in result.stories],
        )  # fmt: skip
        return kept

    # -- messages ---------------------------------------------------------------------------------------

    async def messages(
        self, chat: ChatRef, numbers: Sequence[int], only: Only = None, parent: str | None = None
    ) -> Kept:
        """Messages by their ids, at most 100; a `MessageEmpty` stands for what is not there. Raises `Trouble`."""
        wanted = [types.InputMessageID(number) for number in numbers]
        if chat.is_channel:
            request: Any = functions.channels.GetMessagesRequest(_channel(chat), wanted)
        else:
            request = functions.messages.GetMessagesRequest(wanted)
        return (await self.ask(request, {"chat": chat.id, "ids": list(numbers)}, only, parent))[1]

    async def newest(self, chat: ChatRef, count: int) -> Kept:
        """The last messages of a chat. Raises `Trouble`."""
        request = functions.messages.GetHistoryRequest(chat.input, 0, None, 0, count, 0, 0, 0)
        return (await self.ask(request, {"chat": chat.id, "limit": count}))[1]

    async def pinned(self, chat: ChatRef) -> AsyncIterator[Kept]:
        """Pinned messages, newest first. Raises `Trouble`."""
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
        self, chat: ChatRef, cursor: int | None, span: Span, oldest_first: bool = False, thread: int | None = None,
        parent: str | None = None, holes: bool = True,
    ) -> AsyncIterator[Page]:  # fmt: skip
        """A chat's messages page by page, newest first unless asked otherwise. Raises `Trouble`.

        `cursor`: where to go on, as a page before said. `thread`: only what stands under that message. `parent`: the
        post that these are comments on. It ends at an empty page, or where nothing more can follow.
        """
        ahead: asyncio.Future[Any] | None = None
        request, asked = self._for_page(chat, cursor, span, oldest_first, thread)
        try:
            while True:
                result = await (
                    ahead
                    if ahead is not None
                    else self._answer(request, asked, self._interval if self._answers else 0.0)
                )
                ahead = None
                real = [m for m in result.messages if not isinstance(m, types.MessageEmpty)]
                numbers = sorted((m.id for m in real), reverse=not oldest_first)
                dated = "offset_date" in asked
                everything = cursor is None and not dated and len(real) >= getattr(result, "count", len(real))
                last = not real or everything or (not oldest_first and numbers[-1] == 1)
                numbers = numbers if last else _untorn(real, numbers)
                ended = last or _past(result.messages, span, oldest_first)
                following = None if ended else numbers[-1] + 1 if oldest_first else numbers[-1]
                this, said = request, asked
                if following is not None and following != cursor:
                    # The next page is on its way while this one is kept.
                    request, asked = self._for_page(chat, following, span, oldest_first, thread)
                    ahead = asyncio.ensure_future(self._answer(request, asked, self._interval))
                wire = getattr(this, "wire", None)
                kept = await self.take(_method(this), said, result, wire, set(numbers), parent)
                if oldest_first:
                    kept.messages.sort(key=lambda message: message["id"])
                    kept.posts = read_messages(kept.messages, Setting(self.peers, parent, linked=True))
                page = Page(kept, following)
                if holes and chat.is_channel and thread is None and (numbers or cursor is not None):
                    await self._fill(chat, page, numbers, cursor, last, oldest_first, dated)
                yield page
                if following is None:
                    return
                if following == cursor:
                    reason = f"the page at {cursor} ends where it began: the walk would not end"
                    raise Trouble(Outcome.PARTIAL, reason, Absence(State.UNKNOWN))
                cursor = following
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    def _for_page(
        self, chat: ChatRef, cursor: int | None, span: Span, oldest_first: bool, thread: int | None
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

    async def _answer(self, request: Any, asked: dict[str, Any], pause: float = 0.0) -> Any:
        """A request; if it is refused, the refusal is kept. Raises `Trouble`, with its record."""
        if pause:
            await sleep(pause)
        try:
            return await self.call(request)
        except Trouble as trouble:
            await self.refused(request, asked, trouble)
            raise

    async def _fill(
        self,
        chat: ChatRef,
        page: Page,
        numbers: list[int],
        cursor: int | None,
        last: bool,
        oldest_first: bool,
        dated: bool,
    ) -> None:
        """Asks for the ids that a page leaves out. What is there after all joins the page."""
        if oldest_first:
            top = max(numbers, default=0)
            bottom = min(numbers, default=1) if dated else min([*numbers, cursor or 1])
        else:
            top = max([*numbers, *([cursor - 1] if cursor is not None else [])], default=0)
            bottom = 1 if last else min(numbers, default=1)
        for low, high in _gaps(set(numbers), bottom, top):
            if high - low >= HOLE_LIMIT:
                page.holes.append(Hole(low, high, None))
                continue
            for start in range(low, high + 1, PAGE):
                asked = list(range(start, min(high, start + PAGE - 1) + 1))
                found = await self.messages(chat, asked)
                there = [m for m in found.messages if m["_"] != "MessageEmpty"]
                gone = sorted(set(asked) - {m["id"] for m in there})
                page.holes += [Hole(a, b, found.answer) for a, b in _runs(gone)]
                if there:
                    page.kept.messages += there
                    page.kept.records |= {m["id"]: found.records[m["id"]] for m in there}
                    page.kept.files |= found.files
                    page.kept.posts = read_messages(page.kept.messages, Setting(self.peers, None, linked=True))

    async def comment(self, chat: ChatRef, post: int, number: int, parent: str) -> Kept:
        """One comment under a post, by its number in the link. Raises `Trouble`."""
        request = functions.messages.GetRepliesRequest(chat.input, post, number + 1, None, 0, 1, 0, 0, 0)
        asked = {"chat": chat.id, "thread": post, "offset_id": number + 1, "limit": 1}
        return (await self.ask(request, asked, lambda result: {number}, parent))[1]

    async def with_album(self, chat: ChatRef, number: int, single: bool, control: int | None) -> Kept:
        """A message with the other members of its album. Raises `Trouble`.

        `control`: a message that is known to be there. If the one that is asked for is not, it is kept beside it: the
        same answer then says that the one is there and the other is not.
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


def trouble_of(request: Any, error: errors.RPCError) -> Trouble:
    """In Telegram's own words, from the bytes of its answer; Telethon's error where nothing was sent."""
    wire: Wire | None = getattr(request, "wire", None)
    if wire is not None:
        with BinaryReader(wire.raw) as reader:
            said = reader.tgread_object()
        if isinstance(said, types.RpcError):
            return of_error(said.error_code, said.error_message)
    if isinstance(error, errors.FloodWaitError):
        return of_error(420, f"FLOOD_WAIT_{error.seconds}")
    if isinstance(error, errors.FileMigrateError):
        return of_error(303, f"FILE_MIGRATE_{error.new_dc}")
    return of_error(error.code or 0, _NAMES.get(type(error), str(error.message or type(error).__name__)))


_NAMES = {cls: name for name, cls in errors.rpc_errors_dict.items()}


def _method(request: Any) -> str:
    module = type(request).__module__.rpartition(".")[2]
    return f"{module}.{type(request).__name__.removesuffix('Request')}"


def _channel(chat: ChatRef) -> Any:
    return types.InputChannel(chat.input.channel_id, chat.input.access_hash)


def _bare(item: Any) -> dict[str, int]:
    if isinstance(item, types.Channel | types.ChannelForbidden):
        return {"channel_id": item.id}
    return {"chat_id": item.id} if isinstance(item, types.Chat | types.ChatForbidden) else {"user_id": item.id}


def _untorn(messages: Sequence[Any], numbers: list[int]) -> list[int]:
    """Without the album that stands at the end of a full page: the rest of it may be on the next one."""
    albums = {message.id: getattr(message, "grouped_id", None) for message in messages}
    last = albums.get(numbers[-1])
    kept = numbers
    while last and kept and albums.get(kept[-1]) == last:
        kept = kept[:-1]
    return kept or numbers


def _past(messages: Sequence[Any], span: Span, oldest_first: bool) -> bool:
    """Whether everything further on lies outside of the range of dates."""
    dates: list[datetime] = [message.date for message in messages if getattr(message, "date", None)]
    if not dates:
        return False
    if oldest_first:
        return span.until is not None and max(dates) >= span.until
    return span.since is not None and min(dates) < span.since


def _gaps(numbers: set[int], bottom: int, top: int) -> list[tuple[int, int]]:
    return _runs(number for number in range(bottom, top + 1) if number not in numbers) if top - bottom < 10**6 else []


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Consecutive numbers as (first, last)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
