"""The proxy side: clients speak HTTP to us in absolute form, or open a CONNECT tunnel and speak TLS inside."""

from __future__ import annotations

import base64
import hmac
import re

from archiver.recorder.exchange import REQUEST_BODY_LIMIT, ExchangeDone, Exchanger
from archiver.recorder.framing import Body, Framing, Head, Problem, Trailers
from archiver.recorder.streams import PlainStream, Stream, StreamError, TlsStream
from archiver.recorder.tls import ThrowAwayAuthority
from archiver.recorder.upstream import Request
from archiver.recorder.url import ascii_of, split_url
from spiders.links import LinkProblem

TAG = b"archiver-tag"
ERROR = "Archiver-Error"
_OURS = (b"proxy-connection", b"proxy-authorization", TAG)
"""Fields meant for us: stripped before the request goes out or is recorded."""


class Listener:
    """Serves the clients of one open capture. `token` keeps other programs on this machine out of the record."""

    def __init__(
        self,
        exchanger: Exchanger,
        authority: ThrowAwayAuthority,
        token: str,
    ) -> None:
        self._exchanger = exchanger
        self._authority = authority
        self._token = token
        self._admitted: dict[bytes, str | None] = {}
        self.admit(token, None)

    def admit(self, token: str, tag: str | None) -> None:
        """Let in clients that show `token`. Their requests carry `tag`, unless a request names its own."""
        self._admitted[b"Basic " + base64.b64encode(b"archiver:" + token.encode())] = tag

    async def serve(self, client: Stream) -> None:
        """Answer one client connection until it ends."""
        try:
            await self._requests(client, None, None)
        except StreamError:
            pass
        finally:
            client.close()

    async def _requests(self, client: Stream, tunnel: tuple[str, int] | None, tag: str | None) -> None:
        rest = b""
        while True:
            framing = Framing(None)
            events, rest = await _read_head(client, framing, rest)
            head = next((event for event in events if isinstance(event, Head)), None)
            if head is None:
                if any(isinstance(event, Problem) and event.raw for event in events):
                    await self._refuse(client, 400, "malformed request")
                return
            shown = self._shown(head) if tunnel is None else None
            if tunnel is None and shown is None:
                await client.send(
                    b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="archiver"\r\n'
                    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                )
                return
            tag = self._admitted[shown] if shown is not None else tag
            if head.method == b"CONNECT":
                await self._tunnel(client, head, tag)
                return
            reader = _BodyReader(client, framing, events)
            done = await self._one(client, head, reader, tunnel, tag)
            if done is None or not done.complete or not head.persistent or not reader.finished:
                return
            if _is_close(done):
                return
            rest = reader.rest

    async def _one(
        self, client: Stream, head: Head, reader: _BodyReader, tunnel: tuple[str, int] | None, tag: str | None
    ) -> ExchangeDone | None:
        target = ascii_of(head.target)
        tag = head.first(TAG) or tag
        if tunnel is not None:
            host, port = tunnel
            authority = host if port == 443 else f"{host}:{port}"
            if not target.startswith("/"):
                await self._refuse(client, 400, "a request inside a tunnel names a path")
                return None
            target = f"https://{authority}{target}"
        link = split_url(target, as_sent=True)
        if isinstance(link, LinkProblem):
            self._exchanger.refuse(tag, target, link)
            await self._refuse(client, 400, f"an invalid link: {link}")
            return None
        expects = (head.first(b"expect") or "").lower() == "100-continue"
        request = Request(
            head.method, link.uri, link.scheme, link.host, link.port, _origin_form(head, link.target), tag=tag,
            expects_continue=expects, read_body=reader.read,
        )  # fmt: skip
        sent = False

        async def relay(data: bytes) -> None:
            nonlocal sent
            sent = True
            await client.send(data)

        done = await self._exchanger.run(request, relay)
        if not sent and not done.complete:
            await self._refuse(client, 502, f"{done.problem}")
        return done

    def _shown(self, head: Head) -> bytes | None:
        """The credentials by which a client is let in, if it shows any of ours."""
        for value in head.all(b"proxy-authorization"):
            for known in self._admitted:
                if hmac.compare_digest(value, known):
                    return known
        return None

    async def _refuse(self, client: Stream, status: int, reason: str) -> None:
        """Our own answer. The token in it shows a client that it is ours and not the server's."""
        body = f"archiver: {reason}\n".encode("ascii", "replace")
        text = f"HTTP/1.1 {status} Recorder\r\n{ERROR}: {self._token} {body[10:-1].decode()}\r\n"
        text += f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        await client.send(text.encode() + body)

    async def _tunnel(self, client: Stream, head: Head, tag: str | None) -> None:
        place = ascii_of(head.target)
        link = split_url(f"https://{place}/", as_sent=True)
        named = re.fullmatch(r"[^/?#@]+:[0-9]+", place)
        if not named or isinstance(link, LinkProblem) or not isinstance(client, PlainStream):
            await self._refuse(client, 400, "CONNECT needs host:port")
            return
        await client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        secure = TlsStream(client, self._authority.server_connection(link.host.strip("[]")))
        await secure.handshake()
        await self._requests(secure, (link.host, link.port), tag)
        await secure.goodbye()


class _BodyReader:
    """Reads a client's request body when it is asked for."""

    def __init__(self, client: Stream, framing: Framing, events: list[object]) -> None:
        self._client = client
        self._framing = framing
        self._events = events
        self.rest = b""

    @property
    def finished(self) -> bool:
        return self._framing.complete

    async def read(self) -> bytes:
        """The body as the client framed it. Raises `StreamError` where it ends early or is unreasonable."""
        parts: list[bytes] = []
        size = 0
        events = self._events
        while True:
            for event in events:
                if isinstance(event, Body | Trailers):
                    wire = event.wire if isinstance(event, Body) else event.raw
                    parts.append(wire)
                    size += len(wire)
                elif isinstance(event, Problem):
                    raise StreamError(str(event.flaw))
                elif hasattr(event, "rest"):
                    self.rest = event.rest
            if self._framing.complete:
                return b"".join(parts)
            if size > REQUEST_BODY_LIMIT:
                raise StreamError("request body too large")
            data = await self._client.recv()
            if not data:
                raise StreamError("the client closed inside its request")
            events = list(self._framing.feed(data))


async def _read_head(client: Stream, framing: Framing, rest: bytes) -> tuple[list[object], bytes]:
    events: list[object] = list(framing.feed(rest)) if rest else []
    while framing.head is None and not any(isinstance(event, Problem) for event in events):
        data = await client.recv()
        if not data:
            return [*events, *framing.eof()], b""
        events += framing.feed(data)
    return events, b""


def _origin_form(head: Head, path: str) -> bytes:
    """The head as it goes out: our fields stripped, the target in origin form, everything else untouched."""
    eol = b"\r\n" if b"\r\n" in head.raw else b"\n"
    lines = head.raw.split(eol)
    method, _, version = lines[0].split(b" ", 2)
    kept = [b" ".join((method, path.encode("ascii"), version))]
    skipping = False
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t") and skipping:
            continue
        skipping = line.partition(b":")[0].strip().lower() in _OURS
        if not skipping:
            kept.append(line)
    return eol.join(kept)


def _is_close(done: ExchangeDone) -> bool:
    """Whether the client can only see the end of this answer by our closing."""
    names = {name.lower() for name, _ in done.fields}
    bodiless = done.status in (204, 304)
    closes = any(name.lower() == "connection" and "close" in value.lower() for name, value in done.fields)
    delimited = "content-length" in names or "transfer-encoding" in names or bodiless
    return closes or not delimited
