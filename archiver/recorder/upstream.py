"""Connections to servers: made, kept alive by host, and described in the WARC where they are secured."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from OpenSSL import SSL

from archiver.recorder.dial import Dialer, DialError
from archiver.recorder.missing_certificates import SETTING, MissingCertificates, issuer_host
from archiver.recorder.streams import PlainStream, Stream, StreamError, TlsStream
from archiver.recorder.tls import Roots, TlsFacts, client_connection, facts
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
        self.missing: MissingCertificates | None = None
        """What completes the chains of servers; None: they must send them whole."""

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
        plain, ip = await self._connect(request)
        if request.scheme == "http":
            return Connection(plain, ip, ("http/1.1",), None, None)
        return await self._secure(plain, ip, request)

    async def _connect(self, request: Request) -> tuple[PlainStream, str | None]:
        try:
            plain, ip = await self._dialer.connect(request.host, request.port)
        except DialError as error:
            if error.kind == "refused address":
                self._writer.refused_hosts.add(request.host)
            elif error.kind == "host unreachable":
                self._writer.hosts.add(request.host)
            raise
        self._writer.hosts.add(request.host)
        return plain, ip

    async def _secure(self, plain: PlainStream, ip: str | None, request: Request) -> Connection:
        made, known = await self._handshake(plain, ip, request)
        if known.problem is None:
            return made
        if not known.lacks_issuer:
            raise DialError("tls failed", known.problem)
        if self.missing is None:
            raise DialError("tls failed", known.problem + _hint(known.chain))
        place = (request.host, request.port)
        if (why := await self.missing.complete(place, known.chain, _agent(request.head))) is not None:
            raise DialError("tls failed", f"{known.problem}; {why}")
        # Anew, and not on the connection that failed: the check that counts is the one of a handshake.
        made, known = await self._handshake(*await self._connect(request), request)
        if known.problem is not None:
            raise DialError("tls failed", known.problem)
        return made

    async def _handshake(self, plain: PlainStream, ip: str | None, request: Request) -> tuple[Connection, TlsFacts]:
        """Speak TLS, and record what was found of the server. A connection whose check failed is closed."""
        place, host = (request.host, request.port), request.host.strip("[]")
        completed = self.missing.context(place) if self.missing is not None else None
        connection = client_connection(completed or self._context, host)
        stream = TlsStream(plain, connection)
        broke = None
        try:
            async with asyncio.timeout(30):
                await stream.handshake()
        except (StreamError, TimeoutError) as error:
            broke = str(error) or "no answer in 30 s"
        known = facts(connection, host)
        if broke is not None:
            known = replace(known, problem=broke, lacks_issuer=False)
        about = {
            "format": "archiver-tls/1",
            "host": request.host,
            "port": request.port,
            "ip": ip,
            "protocol": known.protocol_text,
            "cipher": known.cipher,
            "intact": known.problem is None,
            "problem": known.problem,
            "roots": self._roots.describe(),
            "chain": known.chain,
        }
        if completed is not None and self.missing is not None and known.problem is None:
            about["completed"] = [one.line() for one in self.missing.used(place, connection)]
        uri = f"urn:archiver:tls:{request.host}:{request.port}"
        block = json.dumps(about, indent=1).encode()
        record = self._writer.resource(uri, "application/json", block, extra={"tls_problem": known.problem})
        if known.problem is not None:
            stream.close()
        protocols = ("http/1.1", known.protocol) if known.protocol else ("http/1.1",)
        return Connection(stream, ip, protocols, known.cipher, record.record_id), known


def _hint(chain: list[str]) -> str:
    """What a person can do about a chain that lacks a certificate, where that can be had."""
    host = issuer_host(chain)
    if host is None:
        return ""
    return f"; the server does not send the certificate of its issuer: {SETTING} = true lets it be fetched from {host}"


def _agent(head: bytes) -> str | None:
    """The User-Agent of a request: what is asked beside it shows the same one."""
    for line in head.splitlines()[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"user-agent":
            return value.strip().decode("latin-1")
    return None
