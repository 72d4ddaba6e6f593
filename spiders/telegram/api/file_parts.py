"""Files of Telegram: asked for in parts, several at a time, and handed on in order. Source: core.telegram.org/api/files.

Where a part lies is bound to the account and changes: references expire, files are in other data centres than stated.
CDN servers are never asked for: what is kept comes from Telegram's own data centres.
"""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from telethon import functions, types

from spiders.posts import Absence, Availability, Outcome
from spiders.telegram.api.account_api import AccountApi
from spiders.telegram.api.errors import TelegramError
from spiders.telegram.api.tl import Location

Renew = Callable[[], Awaitable[Location | None]]
"""Brings a location whose reference is fresh, when Telegram says that ours has expired."""
PART = 512 * 1024
"""Bytes a request for a file: the most that every data centre gives, and a divisor of 1 MiB as it demands."""
SEGMENT = 8 * PART
"""Bytes of a file that are kept as one record."""
AT_ONCE = 8
"""Parts of one file that are asked for at the same time."""


@dataclass
class FileSegment:
    """A run of bytes of a file from `offset`. `hashes`: (offset, size, SHA-256) that Telegram states for its parts."""

    offset: int
    data: bytes = field(repr=False)
    hashes: list[tuple[int, int, bytes]] = field(default_factory=list)


class Parts:
    """The parts of Telegram's files, fetched through an account's client."""

    def __init__(self, api: AccountApi) -> None:
        self._ask = api

    async def file(self, location: Location, start: int, renew: Renew) -> AsyncIterator[FileSegment]:
        """Fetch the bytes of a file from `start` (a multiple of `PART`), in order. Raises `TelegramError`.

        `renew`: brings a location whose reference is fresh, when Telegram says that ours has expired.
        """
        sender, borrowed = await self._sender(location.dc)
        held = _Held(location, sender, borrowed)
        waiting: deque[asyncio.Task[bytes]] = deque()
        hashes: list[tuple[int, int, bytes]] | None = []
        offset, asked = start, start
        gathered: list[bytes] = []
        size = location.size
        try:
            while True:
                while len(waiting) < (AT_ONCE if size else 1) and (size is None or asked < max(size, 1)):
                    waiting.append(asyncio.ensure_future(self._part(held, asked, PART, renew)))
                    asked += PART
                data = await waiting.popleft() if waiting else b""
                gathered.append(data)
                ended = len(data) < PART
                if ended or len(gathered) * PART >= SEGMENT:
                    whole = b"".join(gathered)
                    if hashes is not None and whole:
                        hashes = await self._hashes(held, offset, offset + len(whole), hashes)
                    if whole:
                        stated = [
                            one for one in hashes or () if offset <= one[0] and one[0] + one[1] <= offset + len(whole)
                        ]
                        yield FileSegment(offset, whole, stated)
                    offset += len(whole)
                    gathered = []
                if ended:
                    return
        finally:
            for task in waiting:
                task.cancel()
            if held.borrowed:
                await self._give_back(held.sender)

    async def part(self, location: Location, offset: int, size: int, renew: Renew) -> bytes:
        """Fetch bytes again that did not match the hash that Telegram states for them. Raises `TelegramError`."""
        sender, borrowed = await self._sender(location.dc)
        held = _Held(location, sender, borrowed)
        try:
            first = offset // PART * PART
            return (await self._part(held, first, PART, renew))[offset - first : offset - first + size]
        finally:
            if held.borrowed:
                await self._give_back(held.sender)

    async def _sender(self, dc: int) -> tuple[Any, bool]:
        """Return the connection to a data centre, and whether it is to be given back. Raises `TelegramError`.

        It takes several steps, each of which a lost connection ends; the authorisation that another data centre
        hands out is good for one try.
        """
        client = self._ask.client
        if not dc or dc == client.session.dc_id:
            return client._sender, False
        asks = functions.auth.ExportAuthorizationRequest(dc)
        for left in reversed(range(client._request_retries)):
            _, known = client._borrowed_senders.get(dc, (None, None))
            if known is not None and not known.is_connected():  # it gave up, and Telethon would hand it out for ever
                client._borrowed_senders.pop(dc)
            try:
                return await self._ask.answered(asks, lambda: client._borrow_exported_sender(dc)), True
            except TelegramError as trouble:
                if not left or trouble.name not in (None, "AUTH_BYTES_INVALID") or trouble.wait:
                    raise
            await sleep(client._retry_delay)
        raise AssertionError("retries are at least 1")

    async def _give_back(self, sender: Any) -> None:
        client = self._ask.client
        if client._borrowed_senders.get(sender.dc_id, (None, None))[1] is sender:  # else another has taken its place
            await client._return_exported_sender(sender)

    async def _part(self, held: _Held, offset: int, size: int, renew: Renew) -> bytes:
        renewed = held.renewals
        for _ in range(4):
            try:
                answer = await self._ask.call(functions.upload.GetFileRequest(held.input, offset, size), held.sender)
            except TelegramError as trouble:
                name = trouble.name or ""
                if name.startswith(("FILE_REFERENCE_", "FILEREF_")):
                    async with held.lock:
                        if held.renewals == renewed:
                            fresh = await renew()
                            if fresh is None:
                                raise
                            held.location, held.renewals = fresh, held.renewals + 1
                        renewed = held.renewals
                    continue
                if name.startswith("FILE_MIGRATE_"):
                    async with held.lock:
                        dc = int(name.rpartition("_")[2])
                        if held.location.dc != dc:
                            if held.borrowed:
                                await self._give_back(held.sender)
                            held.sender, held.borrowed = await self._sender(dc)
                            held.location = replace(held.location, dc=dc)
                    continue
                raise
            if not isinstance(answer, types.upload.File):
                raise TelegramError(
                    Outcome.FAILED,
                    f"Telegram points to another kind of server ({type(answer).__name__})",
                    Absence(Availability.UNKNOWN),
                )
            return bytes(answer.bytes)
        raise TelegramError(
            Outcome.FAILED, "the file's reference expired again and again", Absence(Availability.UNKNOWN)
        )

    async def _hashes(
        self, held: _Held, start: int, end: int, known: list[tuple[int, int, bytes]]
    ) -> list[tuple[int, int, bytes]] | None:
        """Telegram's hashes of a file's parts up to `end`. None where it offers none."""
        while not known or known[-1][0] + known[-1][1] < end:
            at = known[-1][0] + known[-1][1] if known else start
            try:
                answer = await self._ask.call(functions.upload.GetFileHashesRequest(held.input, at), held.sender)
            except TelegramError:
                return None
            fresh = [(one.offset, one.limit, bytes(one.hash)) for one in answer if one.offset + one.limit > at]
            if not fresh:
                return known or None
            known = [*(one for one in known if one[0] + one[1] > start), *fresh]
        return known


@dataclass
class _Held:
    """A file while it is fetched."""

    location: Location
    sender: Any
    borrowed: bool
    renewals: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def input(self) -> Any:
        at = self.location
        make = types.InputPhotoFileLocation if at.kind == "photo" else types.InputDocumentFileLocation
        return make(at.id, at.access_hash, at.reference, at.thumb)
