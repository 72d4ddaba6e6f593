"""One request to a service that the person named at set-up (an authority, a calendar), outside of any capture.

It goes by the same proxy as captures do and refuses the same addresses; what is asked and answered is kept by the
caller. TLS is checked against the same roots.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from archiver.recorder.dial import Dialer, DialError, ProxyChoice
from archiver.recorder.framing import Body, End, Framing, Head, Problem
from archiver.recorder.network import TestNetwork, default_roots
from archiver.recorder.streams import Stream, StreamError, TlsStream
from archiver.recorder.tls import Roots, client_connection, client_context, facts
from archiver.recorder.url import split_url
from spiders.links import LinkProblem, has_control, mask_userinfo

SECONDS = 30.0
LIMIT = 1 << 20


class NoAnswer(Exception):
    """The service gave no HTTP answer that could be read. The text tells why."""


@dataclass(frozen=True)
class ServiceClient:
    """A way to reach services: the proxy, the roots, and the tests' routes."""

    proxy: str | None = None
    network: TestNetwork | None = None
    seconds: float = SECONDS
    limit: int = LIMIT
    """The longest answer, bytes."""

    def ask(self, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Send one GET, or a POST where there is a body; return (status, body).

        Raises `NoAnswer`, also where there is no answer within `seconds`.
        """

        async def within() -> tuple[int, bytes]:
            async with asyncio.timeout(self.seconds):
                return await self._ask(url, body, headers or {})

        try:
            return asyncio.run(within())
        except TimeoutError as error:
            raise NoAnswer(f"no answer in {self.seconds:.0f} s") from error
        except (DialError, StreamError) as error:
            raise NoAnswer(str(error)) from error

    async def _ask(self, url: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        link = LinkProblem.FIELD if any(has_control(k + v) for k, v in headers.items()) else split_url(url)
        if isinstance(link, LinkProblem):
            raise NoAnswer(f"not a link to a service: {mask_userinfo(url)!r}: {link}")
        network = self.network or TestNetwork()
        dialer = Dialer(ProxyChoice(self.proxy), dict(network.routes), network.resolve)
        plain, _ = await dialer.connect(link.host, link.port)
        stream: Stream = plain
        try:
            if link.scheme == "https":
                host = link.host.strip("[]")
                roots: Roots = network.roots or default_roots()
                connection = client_connection(client_context(roots), host)
                stream = TlsStream(plain, connection)
                await stream.handshake()
                if problem := facts(connection, host).problem:
                    raise NoAnswer(f"its certificate is not good: {problem}")
            return await _exchange(stream, link.authority, link.target, body, headers, self.limit)
        finally:
            stream.close()


async def _exchange(
    stream: Stream, authority: str, path: str, body: bytes | None, headers: Mapping[str, str], limit: int
) -> tuple[int, bytes]:
    method = "GET" if body is None else "POST"
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority}", "Connection: close", "User-Agent: Mozilla/5.0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    await stream.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
    framing = Framing(method.encode())
    head: Head | None = None
    answer = bytearray()
    while True:
        data = await stream.recv()
        for event in framing.feed(data) if data else framing.eof():
            if isinstance(event, Head):
                head = event
            elif isinstance(event, Body):
                answer += event.payload
            elif isinstance(event, Problem):
                raise NoAnswer(f"not a readable answer: {event.flaw}")
            elif isinstance(event, End) and head is not None:
                return head.status or 0, bytes(answer)
        if len(answer) > limit:
            raise NoAnswer(f"an answer of more than {limit} bytes")
        if not data:
            raise NoAnswer("the connection closed before the answer was whole")
