"""Connections to servers: made, kept alive by host, and described in the WARC where they are secured."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from OpenSSL import SSL

from archiver.recorder.dial import Dialer, DialError
from archiver.recorder.streams import PlainStream, Stream, StreamError, TlsStream
from archiver.recorder.tls import Roots, client_connection, facts
from storage.capture import CaptureWriter


@dataclass
class Request:
    """A request to a server. `head`: as the client wrote it, in origin form; `body` may still be to come."""

    method: bytes
    uri: str
    scheme: str
    host: str
    port: int
    head: bytes
    body: bytes = b""
    tag: str | None = None
    expects_continue: bool = False
    read_body: Callable[[], Awaitable[bytes]] | None = None


class Connection:
    """A connection to a server, with what is known of it."""

    def __init__(
        self,
        stream: Stream,
        ip: str | None,
        protocols: tuple[str, ...],
        cipher: str | None,
        tls_record: str | None,
    ) -> None:
        self.stream = stream
        self.ip = ip
        self.protocols = protocols
        self.cipher = cipher
        self.tls_record = tls_record
        self.used = 0
        self.idle_since = 0.0


class Upstream:
    """Connections of one capture, kept alive by host. Runs on the recorder's loop."""

    def __init__(self, writer: CaptureWriter, dialer: Dialer, context: SSL.Context, roots: Roots) -> None:
        self._writer = writer
        self._dialer = dialer
        self._context = context
        self._roots = roots
        self._idle: dict[tuple[str, str, int], list[Connection]] = {}

    async def take(self, request: Request, fresh: bool = False) -> Connection:
        """Return an idle connection, or a new one; with `fresh` always a new one. Raises `DialError`."""
        idle = self._idle.get((request.scheme, request.host, request.port), [])
        while idle and not fresh:
            connection = idle.pop()
            if time.monotonic() - connection.idle_since < 10:
                return connection
            connection.stream.close()
        return await self._open(request)

    def give_back(self, request: Request, connection: Connection) -> None:
        """Keep a connection for the next request to the same host and port, for up to 10 s."""
        connection.idle_since = time.monotonic()
        self._idle.setdefault((request.scheme, request.host, request.port), []).append(connection)

    def close(self) -> None:
        """Close all idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.stream.close()
        self._idle.clear()

    async def _open(self, request: Request) -> Connection:
        try:
            plain, ip = await self._dialer.connect(request.host, request.port)
        except DialError as error:
            if error.kind == "refused address":
                self._writer.refused_hosts.add(request.host)
            elif error.kind == "host unreachable":
                self._writer.hosts.add(request.host)
            raise
        self._writer.hosts.add(request.host)
        if request.scheme == "http":
            return Connection(plain, ip, ("http/1.1",), None, None)
        return await self._secure(plain, ip, request)

    async def _secure(self, plain: PlainStream, ip: str | None, request: Request) -> Connection:
        connection = client_connection(self._context, request.host.strip("[]"))
        stream = TlsStream(plain, connection)
        broke = None
        try:
            async with asyncio.timeout(30):
                await stream.handshake()
        except (StreamError, TimeoutError) as error:
            broke = str(error) or "no answer in 30 s"
        known = facts(connection, request.host.strip("[]"))
        problem = broke or known.problem
        about = {
            "format": "archiver-tls/1",
            "host": request.host,
            "port": request.port,
            "ip": ip,
            "protocol": known.protocol_text,
            "cipher": known.cipher,
            "intact": problem is None,
            "problem": problem,
            "roots": self._roots.describe(),
            "chain": known.chain,
        }
        uri = f"urn:archiver:tls:{request.host}:{request.port}"
        block = json.dumps(about, indent=1).encode()
        record = self._writer.resource(uri, "application/json", block, extra={"tls_problem": problem})
        if problem is not None:
            stream.close()
            raise DialError("tls failed", problem)
        protocols = ("http/1.1", known.protocol) if known.protocol else ("http/1.1",)
        return Connection(stream, ip, protocols, known.cipher, record.record_id)
