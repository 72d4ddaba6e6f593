"""Asking Telegram for one thing, and keeping what it answers.

Each answer is kept once as an `answer` (what was asked, which ids came, the server's clock) whose TL bytes go to the
private record; each message, chat and person in it as an object of its own.
"""

from __future__ import annotations

import asyncio
import json
from asyncio import sleep
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from telethon import __version__ as telethon_version
from telethon import errors, types
from telethon.extensions import BinaryReader
from telethon.tl.alltlobjects import LAYER

from spiders.posts import Post
from spiders.telegram.api.client import Reader, Wire
from spiders.telegram.api.errors import TelegramError, of_error, pausing, unreachable
from spiders.telegram.api.messages import Setting, read_messages
from spiders.telegram.api.peers import Peer, marked, peers_in
from spiders.telegram.api.ports import Keep, Thing
from spiders.telegram.api.tl import ACCOUNT, Location, Plain, plain, time_text

Only = Callable[[Any], set[int]] | None
"""Which messages of an answer are wanted, once it is there."""
More = Callable[[Any], Sequence[tuple[str, Any]]]
"""What else of an answer is kept: (uri, object)."""
URN = "urn:evc:telegram"
ANSWER_SECONDS = 120.0
"""How long an answer may take, reconnecting included."""


@dataclass
class KeptAnswer:
    """An answer whose messages are kept. `records`: message id → record. `files`: file id → where it lies."""

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
        """List the ids of the messages that were kept."""
        return [message["id"] for message in self.messages]


class Pauses(Protocol):
    """The pauses that Telegram asks of an account which others use too. `method`: as `method_of` names it."""

    async def left(self, method: str) -> float:
        """Return the seconds that are left of a pause; 0 for none."""

    def asked(self, method: str, seconds: float) -> None:
        """Remember that Telegram asked for a pause."""


class AccountApi:
    """Telegram's API for one capture or watch, through an account's client that several may share."""

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
        """Send one request, after any pauses. Raises `TelegramError`."""
        through = sender if sender is not None else self.client._sender
        return await self.answered(request, lambda: self.client._call(through, request))

    async def answered(self, request: Any, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Do what sends `request`, after any pauses, and again after one that Telegram asks for. Raises `TelegramError`."""
        while True:
            await self._paused(request)
            try:
                return await asyncio.wait_for(work(), ANSWER_SECONDS)
            except errors.RPCError as error:
                trouble = trouble_of(request, error)
                if self._pauses is not None and trouble.wait > 0:
                    self._pauses.asked(method_of(request), trouble.wait)
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
        """Wait until no pause is left that another was told to make. Raises `TelegramError` where it is too long."""
        while self._pauses is not None and (left := await self._pauses.left(method_of(request))) > 0:
            if left > self._patience or self._stopped():
                raise pausing(left)
            self.waited += left
            await sleep(left)

    async def ask(
        self, request: Any, asked: dict[str, Any], only: Only = None, parent: str | None = None, more: More = lambda result: (),
    ) -> tuple[Any, KeptAnswer]:  # fmt: skip
        """Send a request and keep its answer. `asked`: what of the request can be shown.

        Raises `TelegramError`, with its record.
        """
        result = await self.answer(request, asked, self._interval if self._answers else 0.0)
        wanted = only(result) if only is not None else None
        wire = getattr(request, "wire", None)
        return result, await self.take(method_of(request), asked, result, wire, wanted, parent, more(result))

    async def refused(self, request: Any, asked: dict[str, Any], trouble: TelegramError) -> None:
        """Keep Telegram's own answer that something cannot be had. Where no answer came there is nothing to keep."""
        if trouble.name is None:
            return
        value = {"_": "RpcError", "method": method_of(request), "asked": asked, "error": trouble.name}
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
    ) -> KeptAnswer:  # fmt: skip
        """Keep an answer: itself in short, and what is new in it. `only`: ids of the messages to keep.

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
        made = self._changed(plains)
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
        kept = KeptAnswer(
            ids[0], wire, [item.value for item in objects], count=getattr(result, "count", None), peers=found
        )
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

    def _changed(self, people: list[Plain]) -> list[tuple[str, Plain]]:
        """The chats and users that are new, or not as they were kept before, each with its URI."""
        changed: list[tuple[str, Plain]] = []
        for item in people:
            uri = f"{URN}:{item.value['_'].lower()}:{item.value['id']}"
            text = self._keep.digest(json.dumps(item.value, sort_keys=True).encode())
            if self._seen_peers.get(uri) != text:
                self._seen_peers[uri] = text
                changed.append((uri, item))
        return changed

    async def _commit(self, items: Iterable[Plain]) -> None:
        """Put a commitment in the place of whatever does not travel."""
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

    async def answer(self, request: Any, asked: dict[str, Any], pause: float = 0.0) -> Any:
        """Send a request; if it is refused, keep the refusal. Raises `TelegramError`, with its record."""
        if pause:
            await sleep(pause)
        try:
            return await self.call(request)
        except TelegramError as trouble:
            await self.refused(request, asked, trouble)
            raise


def trouble_of(request: Any, error: errors.RPCError) -> TelegramError:
    """Make the error from the bytes of Telegram's own answer; from Telethon's error where nothing was sent."""
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


def method_of(request: Any) -> str:
    """Return the name of a request's method as Telethon spells it: `messages.GetHistory`."""
    module = type(request).__module__.rpartition(".")[2]
    return f"{module}.{type(request).__name__.removesuffix('Request')}"
