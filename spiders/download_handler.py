"""The download handler: every request goes to the recorder, in absolute form, https as well as http.

There is no second TLS leg and no certificate to trust: the recorder speaks TLS with the server. Without a recorder
every request is refused, so `scrapy crawl` can never fetch unrecorded.
"""

from __future__ import annotations

import asyncio
import base64
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import brotli
import h11
from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError, NotSupported
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from spiders.links import as_uri

TAG = "archiver-tag"
ERROR = "archiver-error"
NO_RECORDER = (
    "refused: no open capture records this request. "
    "Use `archiver capture LINK`, or `archiver record -- scrapy crawl …` to record an ordinary crawl."
)
READ_SIZE = 256 * 1024
_TEXT = (
    b"text/",
    b"application/json",
    b"application/xml",
    b"application/xhtml",
    b"application/javascript",
    b"application/rss",
    b"application/atom",
)


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection = field(
        default_factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=512 * 1024)
    )


class RecorderHandler(BaseDownloadHandler):
    """A handler that speaks HTTP/1.1 to the recorder (settings RECORDER_ADDRESS, RECORDER_AUTHORIZATION)."""

    lazy = False

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        settings = crawler.settings
        address = settings.get("RECORDER_ADDRESS")
        self._address: tuple[str, int] | None = (
            tuple(address) if address else _from_proxy(settings.get("RECORDER_PROXY"))[0]
        )
        self._authorization: str | None = (
            settings.get("RECORDER_AUTHORIZATION") or _from_proxy(settings.get("RECORDER_PROXY"))[1]
        )
        self._limit: int = settings.getint("DOWNLOAD_MAXSIZE")
        self._idle: list[_Connection] = []

    async def download_request(self, request: Request) -> Response:
        """Send a request through the recorder and read the whole answer.

        Raises `NotSupported` without a recorder, `DownloadTimeoutError`, `DownloadFailedError`.
        """
        if self._address is None:
            raise NotSupported(NO_RECORDER)
        timeout = float(request.meta.get("download_timeout", 180))
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(request)
        except TimeoutError as error:
            raise DownloadTimeoutError(f"{request.url}: no answer in {timeout:.0f} s") from error
        except (OSError, h11.ProtocolError, EOFError, UnicodeError) as error:  # UnicodeError: a host beyond ASCII
            raise DownloadFailedError(f"{request.url}: {error}") from error

    async def _exchange(self, request: Request) -> Response:
        connection, reused = await self._connect()
        keep = False
        try:
            try:
                head, body, flags = await self._send(connection, request)
            except (EOFError, ConnectionError, h11.RemoteProtocolError):
                if not reused:
                    raise
                connection.writer.close()
                connection = await self._open()
                head, body, flags = await self._send(connection, request)
            keep = connection.protocol.our_state is h11.DONE and connection.protocol.their_state is h11.DONE
        finally:
            if keep:
                connection.protocol.start_next_cycle()
                self._idle.append(connection)
            else:
                connection.writer.close()
        return self._response(request, head, body, flags)

    async def _connect(self) -> tuple[_Connection, bool]:
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection, True
            connection.writer.close()
        return await self._open(), False

    async def _open(self) -> _Connection:
        assert self._address is not None
        reader, writer = await asyncio.open_connection(*self._address, limit=READ_SIZE * 2)
        return _Connection(reader, writer)

    async def _send(self, connection: _Connection, request: Request) -> tuple[h11.Response, bytes, list[str]]:
        fields: list[tuple[bytes, bytes]] = [(b"Host", urlsplit(request.url).netloc.rpartition("@")[2].encode("ascii"))]
        for name, values in request.headers.items():
            if name.lower() not in (b"host", b"proxy-authorization"):
                fields += [(name, value) for value in values]
        if request.body:
            fields.append((b"Content-Length", str(len(request.body)).encode()))
        fields.append((TAG.encode(), str(request.meta.get("tag", "")).encode("utf-8", "replace") or b"-"))
        if self._authorization:
            fields.append((b"Proxy-Authorization", self._authorization.encode()))
        protocol = connection.protocol
        out = [protocol.send(h11.Request(method=request.method, target=as_uri(request.url), headers=fields))]
        if request.body:
            out.append(protocol.send(h11.Data(data=request.body)))
        out.append(protocol.send(h11.EndOfMessage()))
        connection.writer.write(b"".join(part for part in out if part))
        await connection.writer.drain()
        return await self._read(connection)

    async def _read(self, connection: _Connection) -> tuple[h11.Response, bytes, list[str]]:
        """The answer. Bodies that are no text, or too large, are read to the end (they are in the WARC) and dropped."""
        head: h11.Response | None = None
        parts: list[bytes] = []
        size, keep = 0, True
        flags: list[str] = []
        while True:
            event = connection.protocol.next_event()
            if event is h11.NEED_DATA:
                data = await connection.reader.read(READ_SIZE)
                if not data and head is None:
                    raise EOFError("the recorder closed the connection")
                connection.protocol.receive_data(data)
            elif isinstance(event, h11.Response):
                head = event
                kind = dict(event.headers).get(b"content-type", b"")
                keep = not kind or kind.strip().lower().startswith(_TEXT)
            elif isinstance(event, h11.Data):
                size += len(event.data)
                keep = keep and size <= self._limit
                if keep:
                    parts.append(bytes(event.data))
                elif parts:
                    parts.clear()
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                if not keep and size:
                    flags.append("not-read")
                return head, b"".join(parts), flags
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError("the recorder closed the connection")

    def _response(self, request: Request, head: h11.Response, body: bytes, flags: list[str]) -> Response:
        headers = Headers()
        for name, value in head.headers.raw_items():
            headers.appendlist(name, value)
        if refusal := dict(head.headers).get(ERROR.encode()):
            # The reason is the recorder's; its own report by tag is what enters the inventory.
            raise DownloadFailedError(f"{request.url}: {refusal.partition(b' ')[2].decode('latin-1')}")
        if _is_cut(body, dict(head.headers).get(b"content-encoding", b"")):
            raise DownloadFailedError(f"{request.url}: its compressed body ends before its end")
        kind = responsetypes.from_args(headers=headers, url=request.url, body=body)
        version = f"HTTP/{head.http_version.decode()}"
        return kind(
            url=request.url,
            status=head.status_code,
            headers=headers,
            body=body,
            flags=flags,
            protocol=version,
        )

    async def close(self) -> None:
        """Close the connections that wait to be used again."""
        for connection in self._idle:
            connection.writer.close()
        self._idle.clear()


def _is_cut(body: bytes, coding: bytes) -> bool:
    """Whether a compressed body breaks off: what Scrapy makes of it would be read as the whole.

    Damage of another kind is said where the body is decoded.
    """
    name = coding.strip().lower()
    if not body or name not in (b"gzip", b"x-gzip", b"deflate", b"br"):
        return False
    try:
        if name == b"br":
            return _is_cut_brotli(body)
        if name != b"deflate":
            return _is_cut_zlib(body, 31)
        return _is_cut_zlib(body, 15 if body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0 else -15)
    except (zlib.error, brotli.error):
        return False


def _is_cut_zlib(body: bytes, window: int) -> bool:
    """gzip (RFC 1952) and deflate, with zlib's header (RFC 1950) or bare."""
    inflate = zlib.decompressobj(window)
    rest = body
    while rest and not inflate.eof:
        inflate.decompress(rest, READ_SIZE)
        rest = inflate.unconsumed_tail
    inflate.flush()
    return not inflate.eof


def _is_cut_brotli(body: bytes) -> bool:
    decoder = brotli.Decompressor()
    rest = body
    while not decoder.is_finished():
        if not decoder.process(rest, output_buffer_limit=READ_SIZE) and decoder.can_accept_more_data():
            return True
        rest = b""
    return False


def _from_proxy(url: str | None) -> tuple[tuple[str, int] | None, str | None]:
    """Address and authorization out of `http://user:token@host:port`, as `archiver record` sets it."""
    if not url:
        return None, None
    parts = urlsplit(url)
    if not parts.hostname or not parts.port:
        return None, None
    credentials = f"{parts.username or ''}:{parts.password or ''}".encode()
    return (parts.hostname, parts.port), "Basic " + base64.b64encode(credentials).decode()
