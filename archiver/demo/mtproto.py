"""A miniature Telegram data centre: MTProto 2.0 over TCP, spoken with an unmodified client.

Key exchange with an RSA key of its own, encrypted messages, the transports full, abridged and intermediate (also behind
MTProxy's obfuscation), containers, compression, pings, acknowledgements, pushed updates and cut connections. What the
requests mean is the business of `archiver/demo/telegram_api.py`. Sources: core.telegram.org/mtproto/description,
/mtproto/auth_key, /mtproto/mtproto-transports.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import struct
import threading
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from telethon.crypto import AES, AESModeCTR, AuthKey
from telethon.extensions import BinaryReader
from telethon.helpers import generate_key_data_from_nonce
from telethon.tl import TLObject, functions, types
from telethon.tl.core import GzipPacked, MessageContainer, TLMessage
from telethon.tl.tlobject import TLRequest

from storage.digest import Digests, sha256
from storage.times import system_clock

PRIME = bytes.fromhex(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4db"
    "fa336f6e0ac925139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"
    "2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b41"
    "0dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf"
    "6f4fadf034b10403119cd8e3b92fcc5b"
)
"""The prime that Telegram's own servers use, with generator 3."""
GENERATOR = 3
GZIP_FROM = 4096
"""Answers from this size on are sent compressed, as the real servers do with text."""
_P, _Q = 1229739323, 1402015859
_RESULT, _VECTOR = 0xF35C6D01, 0x1CB5C415


class Fault(Exception):
    """An error that the server answers with, such as (420, "FLOOD_WAIT_3")."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Key:
    """What the server knows of an authorization key. `user`: who is logged in with it."""

    key: AuthKey
    dc: int
    user: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What the client said of itself when it connected."""


@dataclass
class Session:
    """One connection with a key, as far as requests are concerned."""

    key: Key
    link: Link
    id: int = 0
    salt: int = 0
    sequence: int = 0
    updates: bool = False
    """Whether it wants pushed updates."""


Handler = Callable[[Session, TLRequest], Awaitable[TLObject | bytes | list[Any]]]


class Server:
    """Data centres on loopback, one port each, in a thread of their own until `stop`."""

    def __init__(self, handler: Handler, centres: int = 2, secret: bytes | None = None) -> None:
        """`secret`: 16 bytes of an MTProxy; with it a further port takes obfuscated connections."""
        self.handler = handler
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public_pem = self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
        numbers = self._private.private_numbers()
        self._n, self._d = numbers.public_numbers.n, numbers.d
        parts = [TLObject.serialize_bytes(_big(number)) for number in (self._n, numbers.public_numbers.e)]
        (self.fingerprint,) = struct.unpack("<q", _sha1(b"".join(parts))[-8:])
        self.keys: dict[int, Key] = {}
        self.links: set[Link] = set()
        self.secret = secret
        self.connections = 0
        self.last_id = 0
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="data centres", daemon=True)
        self._thread.start()
        self.ports: dict[int, int] = {}
        self._servers: list[asyncio.Server] = []
        self.run(self._start(centres))

    def run(self, work: Any) -> Any:
        """Runs a coroutine on the server's loop and waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def _start(self, centres: int) -> None:
        for centre in range(1, centres + 1):
            self.ports[centre] = await self._listen(centre, False)
        if self.secret is not None:
            self.ports[0] = await self._listen(0, True)

    async def _listen(self, centre: int, obfuscated: bool) -> int:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            link = Link(self, centre, reader, writer)
            self.links.add(link)
            try:
                await link.serve(obfuscated)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, struct.error, ValueError):
                pass
            finally:
                self.links.discard(link)
                link.close()

        server = await asyncio.start_server(client, "127.0.0.1", 0, limit=4 << 20)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        async def end() -> None:
            for server in self._servers:
                server.close()
            for link in list(self.links):
                link.close()
            await asyncio.sleep(0)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """Cuts every connection, as a network does: without a word."""

        async def now() -> None:
            for link in list(self.links):
                link.close()

        self.run(now())

    async def push(self, update: TLObject, users: set[int] | None = None) -> None:
        """Sends an update to every session that wants them. `users`: only to these."""
        for link in list(self.links):
            session = link.session
            if session is not None and session.updates and (users is None or session.key.user in users):
                link.send(bytes(update), content=True, answer=False)

    async def push_together(self, updates: list[TLObject]) -> None:
        """Several updates in one container, as the real servers send what has come up meanwhile."""
        for link in list(self.links):
            if link.session is not None and link.session.updates:
                parts = [bytes(update) for update in updates]
                heads = [struct.pack("<qii", self.message_id(False), 1, len(part)) for part in parts]
                body = b"".join(head + part for head, part in zip(heads, parts, strict=True))
                link.send(
                    struct.pack("<Ii", MessageContainer.CONSTRUCTOR_ID, len(parts)) + body, content=False, answer=False
                )

    def message_id(self, answer: bool) -> int:
        now = system_clock().timestamp()
        made = (int(now) << 32) | (int((now % 1) * (1 << 32)) & ~3) | (1 if answer else 3)
        while made <= self.last_id:
            made += 4
        self.last_id = made
        return made

    def decrypt(self, data: bytes) -> bytes:
        """The client's inner data: SHA-1, data, padding under plain RSA."""
        plain = pow(int.from_bytes(data, "big"), self._d, self._n).to_bytes(255, "big")
        return plain[20:]


class Link:
    """One TCP connection."""

    def __init__(self, server: Server, centre: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.centre = server, centre
        self._reader, self._writer = reader, writer
        self._transport = "full"
        self._sent = 0
        self._decrypt: AESModeCTR | None = None
        self._encrypt: AESModeCTR | None = None
        self._shaking: dict[str, Any] = {}
        self.session: Session | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        for task in self._calls:
            task.cancel()
        self._writer.close()

    # -- transports -------------------------------------------------------------------------------------

    async def _read(self, count: int) -> bytes:
        data = await self._reader.readexactly(count)
        return self._decrypt.encrypt(data) if self._decrypt else data

    def _write(self, data: bytes) -> None:
        self._writer.write(self._encrypt.encrypt(data) if self._encrypt else data)

    async def serve(self, obfuscated: bool) -> None:
        if obfuscated:
            await self._open_obfuscated()
        else:
            first = await self._reader.readexactly(1)
            if first == b"\xef":
                self._transport = "abridged"
            else:
                start = first + await self._reader.readexactly(3)
                if start == b"\xee\xee\xee\xee":
                    self._transport = "intermediate"
                else:
                    await self._message(await self._full(start))
        while True:
            await self._message(await self._packet())

    async def _open_obfuscated(self) -> None:
        """MTProxy's first 64 bytes: keys for both directions, transport and data centre."""
        start = await self._reader.readexactly(64)
        secret = self.server.secret or b""
        back = start[55:7:-1]
        self._decrypt = AESModeCTR(sha256(start[8:40], secret), start[40:56])
        self._encrypt = AESModeCTR(sha256(back[:32], secret), back[32:48])
        plain = self._decrypt.encrypt(start)
        self._transport = {b"\xef" * 4: "abridged", b"\xee" * 4: "intermediate"}.get(plain[56:60], "padded")
        self.centre = abs(struct.unpack("<h", plain[60:62])[0])

    async def _full(self, start: bytes) -> bytes:
        (size,) = struct.unpack("<i", start)
        rest = await self._read(size - 4)
        if zlib.crc32(start + rest[:-4]) != struct.unpack("<I", rest[-4:])[0]:
            raise ValueError("a packet with a wrong checksum")
        return rest[4:-4]

    async def _packet(self) -> bytes:
        if self._transport == "full":
            return await self._full(await self._read(4))
        if self._transport == "abridged":
            (size,) = await self._read(1)
            if size == 0x7F:
                size = int.from_bytes(await self._read(3), "little")
            return await self._read(size * 4)
        (size,) = struct.unpack("<i", await self._read(4))
        return await self._read(size)

    def _send_packet(self, data: bytes) -> None:
        if self._transport == "full":
            head = struct.pack("<ii", len(data) + 12, self._sent)
            self._sent += 1
            self._write(head + data + struct.pack("<I", zlib.crc32(data, zlib.crc32(head))))
        elif self._transport == "abridged":
            words = len(data) // 4
            head = bytes([words]) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")
            self._write(head + data)
        else:
            self._write(struct.pack("<i", len(data)) + data)

    # -- messages ---------------------------------------------------------------------------------------

    async def _message(self, data: bytes) -> None:
        if len(data) >= 8 and data[:8] == bytes(8):
            with BinaryReader(data[20:]) as reader:
                answer = self._shake(reader.tgread_object())
            body = bytes(answer)
            self._send_packet(struct.pack("<qqi", 0, self.server.message_id(True), len(body)) + body)
        else:
            self._encrypted(data)
        await self._writer.drain()

    def _shake(self, asked: Any) -> TLObject:
        """The three steps of making a key (core.telegram.org/mtproto/auth_key)."""
        known = self._shaking
        if isinstance(asked, functions.ReqPqMultiRequest):
            known["nonce"], known["server_nonce"] = asked.nonce, int.from_bytes(os.urandom(16), "big", signed=True)
            return types.ResPQ(asked.nonce, known["server_nonce"], _big(_P * _Q), [self.server.fingerprint])
        if isinstance(asked, functions.ReqDHParamsRequest):
            with BinaryReader(self.server.decrypt(asked.encrypted_data)) as reader:
                inner = reader.tgread_object()
            known["new_nonce"] = inner.new_nonce
            known["a"] = int.from_bytes(os.urandom(255), "big")
            key, iv = generate_key_data_from_nonce(known["server_nonce"], inner.new_nonce)
            known["aes"] = key, iv
            answer = bytes(
                types.ServerDHInnerData(
                    known["nonce"], known["server_nonce"], GENERATOR, PRIME, _big(pow(GENERATOR, known["a"], _prime())),
                    int(system_clock().timestamp()),
                )
            )  # fmt: skip
            plain = _sha1(answer) + answer
            plain += os.urandom(-len(plain) % 16)
            return types.ServerDHParamsOk(known["nonce"], known["server_nonce"], AES.encrypt_ige(plain, key, iv))
        if isinstance(asked, functions.SetClientDHParamsRequest):
            with BinaryReader(AES.decrypt_ige(asked.encrypted_data, *known["aes"])[20:]) as reader:
                inner = reader.tgread_object()
            key = AuthKey(_big(pow(int.from_bytes(inner.g_b, "big"), known["a"], _prime())))
            self.server.keys[key.key_id] = Key(key, self.centre)
            return types.DhGenOk(known["nonce"], known["server_nonce"], key.calc_new_nonce_hash(known["new_nonce"], 1))
        raise ValueError(f"not part of a key exchange: {type(asked).__name__}")

    def _encrypted(self, data: bytes) -> None:
        (key_id,) = struct.unpack("<Q", data[:8])
        known = self.server.keys.get(key_id)
        if known is None:
            self._send_packet(struct.pack("<i", -404))
            return
        key, iv = _aes(known.key.key, data[8:24], client=True)
        whole = len(data) - (len(data) - 24) % 16  # the padded transport adds up to three bytes that mean nothing
        plain = AES.decrypt_ige(data[24:whole], key, iv)
        salt, session_id, message_id, _, size = struct.unpack("<qqqii", plain[:32])
        if self.session is None or self.session.id != session_id:
            self.session = Session(known, self, session_id, salt)
        with BinaryReader(plain[32 : 32 + size]) as reader:
            self._take(message_id, reader.tgread_object())

    def _take(self, message_id: int, body: Any) -> None:
        if isinstance(body, MessageContainer):
            for inner in body.messages:
                assert isinstance(inner, TLMessage)
                self._take(inner.msg_id, inner.obj)
        elif isinstance(body, GzipPacked):
            with BinaryReader(body.data) as reader:
                self._take(message_id, reader.tgread_object())
        elif isinstance(body, functions.PingRequest | functions.PingDelayDisconnectRequest):
            self.send(bytes(types.Pong(message_id, body.ping_id)), content=False)
        elif isinstance(body, TLRequest):
            task = asyncio.ensure_future(self._call(message_id, body))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _call(self, message_id: int, request: TLRequest) -> None:
        session = self.session
        assert session is not None
        try:
            while (inner := getattr(request, "query", None)) is not None:
                if isinstance(request, functions.InitConnectionRequest):
                    session.key.facts = {"device": request.device_model, "app": request.app_version}
                    session.updates = True
                if isinstance(request, functions.InvokeWithoutUpdatesRequest):
                    session.updates = False
                    inner = _quiet(session, inner)
                request = inner
            if type(request) is functions.updates.GetStateRequest:
                session.updates = True
            answer = await self.server.handler(session, request)
            body = (
                answer if isinstance(answer, bytes) else _vector(answer) if isinstance(answer, list) else bytes(answer)
            )
        except (AssertionError, struct.error, TypeError) as error:  # an object of the demo that the layer cannot carry
            body = bytes(types.RpcError(500, f"INTERNAL {type(error).__name__}: {str(error)[:200]}"))
        except Fault as fault:
            body = bytes(types.RpcError(fault.code, fault.message))
        if len(body) >= GZIP_FROM and not isinstance(request, functions.upload.GetFileRequest):
            packed = TLObject.serialize_bytes(gzip.compress(body, 1))
            body = struct.pack("<I", GzipPacked.CONSTRUCTOR_ID) + packed
        self.send(struct.pack("<Iq", _RESULT, message_id) + body, content=True)
        await self._writer.drain()

    def send(self, body: bytes, content: bool, answer: bool = True) -> None:
        """Encrypts and sends one message of the server (MTProto 2.0)."""
        session = self.session
        assert session is not None
        sequence = session.sequence * 2 + (1 if content else 0)
        session.sequence += 1 if content else 0
        head = struct.pack("<qqqii", session.salt, session.id, self.server.message_id(answer), sequence, len(body))
        plain = head + body
        plain += os.urandom(12 + -(len(plain) + 12) % 16)
        key = session.key.key
        message_key = sha256(key.key[96:128], plain)[8:24]
        aes, iv = _aes(key.key, message_key, client=False)
        sealed = AES.encrypt_ige(plain, aes, iv)
        if not self._writer.is_closing():
            self._send_packet(struct.pack("<Q", key.key_id) + message_key + sealed)


def _quiet(session: Session, inner: Any) -> Any:
    """`invokeWithoutUpdates` around the opening of a connection holds for the connection."""
    if isinstance(inner, functions.InitConnectionRequest):
        session.key.facts = {"device": inner.device_model, "app": inner.app_version}
        return inner.query
    return inner


def _vector(items: list[Any]) -> bytes:
    parts = [item.to_bytes(8, "little", signed=True) if isinstance(item, int) else bytes(item) for item in items]
    return struct.pack("<Ii", _VECTOR, len(items)) + b"".join(parts)


def _aes(key: bytes, message_key: bytes, client: bool) -> tuple[bytes, bytes]:
    x = 0 if client else 8
    a, b = sha256(message_key, key[x : x + 36]), sha256(key[x + 40 : x + 76], message_key)
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]


def _prime() -> int:
    return int.from_bytes(PRIME, "big")


def _big(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _sha1(data: bytes) -> bytes:
    digests = Digests("sha1")
    digests.update(data)
    return bytes.fromhex(digests.hexdigests()["sha1"])
