"""Telethon, held to reading, and listened to on the wire.

`Reader` is Telethon's own client with two changes. It refuses every request that is not on its list, so that nothing is
ever posted, joined, marked as read or shown online by mistake. And it keeps the bytes: each answer and each pushed update
as TL, exactly as it came out of the encryption, before Telethon makes objects of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from telethon import TelegramClient, functions, types, utils
from telethon.crypto import AES
from telethon.extensions import BinaryReader
from telethon.network.mtprotosender import MTProtoSender
from telethon.network.mtprotostate import MTProtoState
from telethon.tl.alltlobjects import LAYER, tlobjects
from telethon.tl.core import GzipPacked, MessageContainer, RpcResult
from telethon.tl.tlobject import TLRequest

from spiders.telegram.api.messages import LAYER as READ_LAYER

assert LAYER >= READ_LAYER, "the mappings follow a newer layer than this Telethon has"

READS = frozenset({
    functions.help.GetConfigRequest, functions.users.GetUsersRequest, functions.users.GetFullUserRequest,
    functions.updates.GetStateRequest, functions.updates.GetDifferenceRequest,
    functions.updates.GetChannelDifferenceRequest, functions.contacts.ResolveUsernameRequest,
    functions.channels.GetChannelsRequest, functions.channels.GetFullChannelRequest,
    functions.channels.GetMessagesRequest, functions.messages.GetMessagesRequest, functions.messages.GetChatsRequest,
    functions.messages.GetFullChatRequest, functions.messages.GetHistoryRequest, functions.messages.GetRepliesRequest,
    functions.messages.GetForumTopicsRequest, functions.messages.GetDialogsRequest, functions.messages.SearchRequest,
    functions.messages.CheckChatInviteRequest, functions.stories.GetPeerStoriesRequest,
    functions.stories.GetPinnedStoriesRequest, functions.stories.GetStoriesByIDRequest,
    functions.upload.GetFileRequest, functions.upload.GetFileHashesRequest,
    functions.auth.ExportAuthorizationRequest, functions.auth.ImportAuthorizationRequest,
})  # fmt: skip
"""All that is ever asked while collecting and watching. None of these changes anything that others see."""
LOGIN = frozenset({
    functions.auth.SendCodeRequest, functions.auth.ResendCodeRequest, functions.auth.SignInRequest,
    functions.account.GetPasswordRequest, functions.auth.CheckPasswordRequest, functions.auth.ExportLoginTokenRequest,
    functions.auth.ImportLoginTokenRequest, functions.auth.LogOutRequest,
})  # fmt: skip
JOIN = frozenset({functions.messages.ImportChatInviteRequest, functions.channels.JoinChannelRequest})


class NotReading(Exception):
    """A request that would do more than read was about to be sent. It is a bug of ours; nothing was sent."""


@dataclass(frozen=True)
class Wire:
    """An answer or update as it came: TL bytes, decrypted and decompressed. The message id holds the server's time."""

    raw: bytes = field(repr=False)
    message_id: int
    dc: int
    layer: int = LAYER

    @property
    def server_time(self) -> datetime:
        """When the server sent it, in whole seconds: the upper 32 bits of its message id (MTProto)."""
        return datetime.fromtimestamp(self.message_id >> 32, UTC)


def silent_logger() -> logging.Logger:
    """Return a logger that shows nothing: Telethon's log could name phones and keys.

    What went wrong is in the inventory, with its reason; the log of the home keeps the types of errors, not their texts.
    """
    logger = logging.getLogger("telethon.archiver")
    logger.handlers[:] = [logging.NullHandler()]
    logger.setLevel(logging.ERROR)
    return logger


class Reader(TelegramClient):
    """Telethon's client, limited to reading.

    `on_update(update, wire)` is called for each pushed update, in the order in which they came.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, base_logger=silent_logger(), flood_sleep_threshold=0, **named)
        type(self)._config = None  # Telethon shares it between clients; ours may have different ways out
        self._permitted: frozenset[type] = READS
        self.on_update: Callable[[Any, Wire], None] | None = None
        listen(self._sender, self, lambda: int(self.session.dc_id))

    @property
    def own_id(self) -> int | None:
        """The account's own id; None until it has connected."""
        found = self._mb_entity_cache.self_id
        return int(found) if found else None

    @contextmanager
    def permitting(self, more: frozenset[type]) -> Iterator[None]:
        """Permit more requests inside the `with` block: to log in, or to join because a person explicitly asked."""
        before = self._permitted
        self._permitted = READS | more
        try:
            yield
        finally:
            self._permitted = before

    async def _call(self, sender: Any, request: Any, *arguments: Any, **named: Any) -> Any:
        for one in request if utils.is_list_like(request) else [request]:
            if type(innermost(one)) not in self._permitted:
                raise NotReading(f"{type(one).__name__} is not among what a reader may ask")
        return await super()._call(sender, request, *arguments, **named)

    async def _create_exported_sender(self, dc_id: int) -> Any:
        sender = await super()._create_exported_sender(dc_id)
        listen(sender, self, lambda: dc_id)
        return sender


def innermost(request: Any) -> Any:
    """Return the request inside `invokeWithoutUpdates` and similar wrappers."""
    while isinstance(inner := getattr(request, "query", None), TLRequest):
        request = inner
    return request


def listen(sender: MTProtoSender, reader: Reader, dc: Callable[[], int]) -> None:
    """Listen on a connection: put each answer's bytes on its request (`request.wire`), and pass updates on."""
    state: MTProtoState = sender._state
    decrypt, answered, pushed = state.decrypt_message_data, sender._handle_rpc_result, sender._handle_update
    answers: dict[int, tuple[bytes, int]] = {}
    updates: dict[int, bytes] = {}

    def is_file(request_id: int) -> bool:
        known = sender._pending_state.get(request_id)
        return known is not None and isinstance(innermost(known.request), functions.upload.GetFileRequest)

    def heard(body: bytes) -> Any:
        message = decrypt(body)
        if message is None or (isinstance(message.obj, RpcResult) and is_file(message.obj.req_msg_id)):
            return message  # parts of files are kept as files
        for message_id, raw in split(opened(state, body)):
            if raw[:4] != _RESULT:
                if (update := unpacked(raw))[:4] in _UPDATE_IDS:
                    updates[message_id] = update
            elif not is_file(int.from_bytes(raw[4:12], "little", signed=True)):
                answers[int.from_bytes(raw[4:12], "little", signed=True)] = (unpacked(raw[12:]), message_id)
        return message

    async def result(message: Any) -> None:
        known = sender._pending_state.get(message.obj.req_msg_id)
        found = answers.pop(message.obj.req_msg_id, None)
        if known is not None and found is not None:
            innermost(known.request).wire = Wire(found[0], found[1], dc())
        await answered(message)

    async def update(message: Any) -> None:
        raw = updates.pop(message.msg_id, b"")
        if reader.on_update is not None and getattr(message.obj, "SUBCLASS_OF_ID", None) == _UPDATES:
            reader.on_update(message.obj, Wire(raw, message.msg_id, dc()))
        else:
            await pushed(message)

    state.decrypt_message_data = heard
    sender._handlers[RpcResult.CONSTRUCTOR_ID] = result
    sender._handle_update = update


_RESULT = RpcResult.CONSTRUCTOR_ID.to_bytes(4, "little")
_CONTAINER = MessageContainer.CONSTRUCTOR_ID.to_bytes(4, "little")
_GZIP = GzipPacked.CONSTRUCTOR_ID.to_bytes(4, "little")
_UPDATES = types.Updates.SUBCLASS_OF_ID
_UPDATE_IDS = frozenset(
    number.to_bytes(4, "little")
    for number, cls in tlobjects.items()
    if getattr(cls, "SUBCLASS_OF_ID", None) == _UPDATES
)
"""How each kind of pushed update begins on the wire."""


def opened(state: MTProtoState, body: bytes) -> bytes:
    """Decrypt a message that Telethon has already checked."""
    key, iv = state._calc_key(state.auth_key.key, body[8:24], False)
    return bytes(AES.decrypt_ige(body[24:], key, iv))


def split(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (message id, TL bytes) for each message of a decrypted text, also inside a container.

    Source: core.telegram.org/mtproto/service_messages.
    """
    size = int.from_bytes(text[28:32], "little")
    body, message_id = text[32 : 32 + size], int.from_bytes(text[16:24], "little")
    if body[:4] != _CONTAINER:
        yield message_id, body
        return
    at = 8
    for _ in range(int.from_bytes(body[4:8], "little")):
        size = int.from_bytes(body[at + 12 : at + 16], "little")
        yield int.from_bytes(body[at : at + 8], "little"), body[at + 16 : at + 16 + size]
        at += 16 + size


def unpacked(raw: bytes) -> bytes:
    """Decompress TL bytes that are a `gzip_packed` (MTProto); return others as they are."""
    if raw[:4] != _GZIP:
        return raw
    with BinaryReader(raw) as reader:
        return bytes(GzipPacked.read(reader))
