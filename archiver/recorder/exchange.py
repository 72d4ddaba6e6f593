"""One exchange: a request goes out, the answer comes back, both are recorded as they crossed the wire.

The client is kept one read behind: it gets the last bytes only once the exchange is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from archiver.ratelimit.limiter import Limiter
from archiver.recorder.content_coding import LOOKED_AT, CodedBody, PartlyDecoded
from archiver.recorder.dial import DialError, ProxyError
from archiver.recorder.framing import Body, End, Flaw, Framing, Head, Interim, Trailers
from archiver.recorder.redact import Redactor
from archiver.recorder.streams import StreamError
from archiver.recorder.upstream import Connection, Request, Upstream
from spiders.http_values import digits, http_date
from spiders.links import LinkProblem, mask_userinfo
from storage.capture import CaptureWriter
from storage.errors import EvidenceError, StorageError
from storage.records import Exchange, RecordRef
from storage.sink import ExchangeSink
from storage.times import Clock

REQUEST_BODY_LIMIT = 64 << 20
UNPARSED_LIMIT = 512 << 10
"""How much is kept of an answer that is no HTTP, bytes."""
IRREGULAR = "lines in the head that are no fields"
FLAWED_IDLE = 5.0
"""Seconds to wait for more once the framing is known to be broken."""
TURN = 0.01
"""Seconds after which others get their turn. A read that finds data does not wait, so a server that never pauses would keep
the loop, and the clock of its own exchange, to itself."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one response and on one capture. None: no bound.

    Bytes are those on the wire: heads, interim answers, framing and trailers count too.
    """

    response_bytes: int | None = 64 << 30
    response_seconds: float = 6 * 3600
    idle_seconds: float = 60
    capture_bytes: int | None = None
    capture_seconds: float | None = None


@dataclass(frozen=True)
class ExchangeDone:
    """Result of one request. `record` is the response's place in the WARC, None where nothing was received."""

    tag: str | None
    uri: str
    status: int | None
    fields: list[tuple[str, str]] = field(repr=False, default_factory=list)
    record: RecordRef | None = None
    truncated: str | None = None
    problem: str | None = None
    """Typed reason: a `Flaw`, or "name not found", "host unreachable", "refused address", "tls failed", …"""
    detail: str | None = None
    size: int = 0
    body: bytes | None = field(repr=False, default=None)
    """Payload as received (content coding kept), where the caller asked for it and it stayed below its bound."""
    partly: PartlyDecoded | None = None
    """How much could be decoded of a body whose compression breaks off; None where nothing is known to be missing."""

    @property
    def complete(self) -> bool:
        """Whether a whole response was received: it has a status, was not cut, and had no problem."""
        return self.status is not None and self.truncated is None and self.problem is None

    def header(self, name: str) -> str | None:
        """Return the first value of a response field, its name in any case; None where it is absent."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


Relay = Callable[[bytes], Awaitable[None]]


class ClientGone(Exception):
    """The client went away while we relayed to it."""


class Exchanger:
    """Carries out the exchanges of one capture."""

    def __init__(
        self,
        writer: CaptureWriter,
        upstream: Upstream,
        limiter: Limiter,
        redactor: Redactor,
        limits: Limits,
        clock: Clock,
        on_done: Callable[[ExchangeDone], None],
    ) -> None:
        self.writer = writer
        self._upstream = upstream
        self.limiter = limiter
        self.redactor = redactor
        self.limits = limits
        self.clock = clock
        self._on_done = on_done
        self.received = 0
        """Payload bytes received in this capture so far."""
        self.stopped: str | None = None
        """Why nothing more is requested in this capture (its proxy failed, the disk is full, a limit is reached)."""

    async def run(self, request: Request, relay: Relay | None, keep_body: int = 0) -> ExchangeDone:
        """Carry out one request. Never raises for what a server or network does: `ExchangeDone.problem` tells.

        `on_done` hears of the exchange before the client sees its last byte: who acts on the answer can rely on it.
        """
        if self.stopped is None and self._over_capture_limits():
            self.stopped = "capture limit reached"
        if self.stopped is not None:
            return self._ended(request, "stopped", self.stopped)
        try:
            await self.limiter.acquire(request.host)
        except EvidenceError as error:  # a limit that cannot be known is not ignored
            self.stopped = error.summary
            return self._ended(request, "stopped", self.stopped)
        try:
            one, done = await self._attempt(request, relay, keep_body, fresh=False)
            if one.connection.used > 1 and done.problem == Flaw.NO_ANSWER:
                # The server had closed an idle connection; nothing was received on it.
                one, done = await self._attempt(request, relay, keep_body, fresh=True)
            self._on_done(done)
            await one.release()
            return done
        except ProxyError as error:
            self.stopped = error.detail
            return self._ended(request, error.kind, error.detail)
        except DialError as error:
            return self._ended(request, error.kind, error.detail)
        except StreamError as error:
            return self._ended(request, "host unreachable", str(error))
        except StorageError as error:
            self.stopped = str(error)
            self.writer.failed = self.writer.failed or error
            return self._ended(request, "not stored", str(error))
        finally:
            self.limiter.release(request.host)

    async def _attempt(
        self, request: Request, relay: Relay | None, keep_body: int, fresh: bool
    ) -> tuple[ExchangeRun, ExchangeDone]:
        connection = await self._upstream.take(request, fresh)
        one = ExchangeRun(self, connection, request, relay, keep_body)
        try:
            return one, await one.run()
        finally:
            connection.used += 1
            if one.reusable:
                self._upstream.give_back(request, connection)
            else:  # also where it was cancelled, or the disk failed, in the middle of something
                connection.stream.close()

    def refuse(self, tag: str | None, uri: str, problem: LinkProblem) -> ExchangeDone:
        """Report a link that cannot be requested. Nothing goes out."""
        done = ExchangeDone(tag, mask_userinfo(uri), None, problem="unsupported link", detail=problem.value)
        self._on_done(done)
        return done

    def _ended(self, request: Request, problem: str, detail: str) -> ExchangeDone:
        """An exchange that brought nothing."""
        done = ExchangeDone(request.tag, request.uri, None, problem=problem, detail=detail)
        self._on_done(done)
        return done

    def _over_capture_limits(self) -> bool:
        limits, writer = self.limits, self.writer
        too_large = limits.capture_bytes is not None and writer.bytes_stored >= limits.capture_bytes
        return too_large or (limits.capture_seconds is not None and writer.elapsed() >= limits.capture_seconds)


class ExchangeRun:
    """The state of a single exchange on a single connection."""

    def __init__(
        self,
        exchanger: Exchanger,
        connection: Connection,
        request: Request,
        relay: Relay | None,
        keep_body: int,
    ) -> None:
        self._exchanger = exchanger
        self.connection = connection
        self._request = request
        self._relay = relay
        self._keep = bytearray() if keep_body else None
        self._keep_limit = keep_body
        self._held: list[bytes] = []
        self._head: Head | None = None
        self._problem: Flaw | str | None = None
        self._detail: str | None = None
        self._truncated: str | None = None
        self._complete = False
        self._coded: CodedBody | None = None
        self._raw_head = b""
        self._size = 0
        self._wire = 0
        self._turn = 0.0
        self.reusable = False

    async def run(self) -> ExchangeDone:
        """Send the request, receive and file the response; its last bytes stay back from the client until `release`.

        Raises `StorageError`, and `StreamError` where the connection breaks. A cancelled run is filed as cut.
        """
        loop = asyncio.get_running_loop()
        exchanger, request = self._exchanger, self._request
        drained = asyncio.Event()
        head, held = exchanger.redactor.head(request.head, "request")
        uri, held_uri = exchanger.redactor.text(request.uri.encode("utf-8", "surrogateescape"), "link")
        uri_text = uri.decode("utf-8", "surrogateescape")
        date = exchanger.clock()
        if request.read_body is not None and not request.expects_continue:
            request.body = await request.read_body()
        body, held_body = exchanger.redactor.text(request.body, "request body")

        def wake() -> None:
            loop.call_soon_threadsafe(drained.set)

        def begin() -> ExchangeSink:
            return exchanger.writer.exchange(
                Exchange(
                    uri_text, date, [head, body] if body else [head], body or None,
                    self.connection.ip, self.connection.protocols, self.connection.cipher,
                    self.connection.tls_record, exchanger.redactor.mark(request.tag), (*held, *held_uri, *held_body),
                ),
                wake,
            )  # fmt: skip

        framing = Framing(request.method)
        sink = begin()
        try:
            await self._converse(framing, sink, drained)
        except asyncio.CancelledError:
            # The capture is being closed: what has arrived is filed as cut.
            self._problem = self._problem or "interrupted"
            self._truncated = self._truncated or "unspecified"
            self._file(sink)
            raise
        except StorageError:
            sink.abandon()
            raise
        except Exception:  # a fault of ours: what has arrived is filed before anybody hears of it
            self._problem, self._truncated = "a fault of ours", "unspecified"
            self._file(sink)
            raise
        return await self._finish(sink, uri_text)

    async def _converse(self, framing: Framing, sink: ExchangeSink, drained: asyncio.Event) -> None:
        """Sends the request and takes the answer until it ends, or must."""
        limits, request, stream = self._exchanger.limits, self._request, self.connection.stream
        started = self._turn = time.monotonic()
        try:
            await stream.send(request.head + request.body)
        except StreamError as error:
            self._detail = str(error)  # the server may have answered before it broke off: read on
        while not framing.complete:
            idle = limits.idle_seconds if self._problem is None else min(FLAWED_IDLE, limits.idle_seconds)
            await self._give_way()
            left = started + limits.response_seconds - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                async with asyncio.timeout(min(idle, left)):
                    data = await stream.recv()
            except TimeoutError:
                self._truncated, self._problem = "time", self._problem or "too slow"
                break
            except StreamError as error:
                self._detail = str(error)
                data = b""
            try:
                if data:
                    await self._release()
                    for events in framing.in_turns(data):
                        await self._take(events, sink)
                        await self._give_way()
                    self._received(len(data))
                else:
                    await self._end_of_data(framing, sink, stream.ended_cleanly)
                    break
            except ClientGone:
                self._truncated, self._problem = "unspecified", "client left"
                break
            if self._head is None and self._raw_head and self._size > UNPARSED_LIMIT:
                self._truncated = "length"
            if self._truncated:
                break
            if sink.backlogged:
                drained.clear()
                if sink.backlogged:
                    await drained.wait()

    async def _take(self, events: list[Any], sink: ExchangeSink) -> None:
        for event in events:
            if isinstance(event, Body):
                sink.body(event.wire, event.payload)
                self._count(event.payload)
                self._pass_on(event.wire)
                if self._coded is not None:  # counted, and not kept
                    for _ in self._coded.feed(event.payload):
                        await self._give_way()
            elif isinstance(event, Head):
                self._start(event, sink)
                self._pass_on(event.regular)
            elif isinstance(event, Trailers):
                sink.trailers(*self._exchanger.redactor.trailers(event.raw, "response"))
                self._pass_on(event.raw)
            elif isinstance(event, End):
                self._complete = True
                self.reusable = not event.rest and self._problem is None and bool(self._head and self._head.persistent)
                if event.rest:
                    # Bytes behind the message belong to none; they are kept, and the connection is not used again.
                    self._exchanger.writer.resource(
                        f"urn:archiver:excess:{sink.exchange.uri}", "application/octet-stream", event.rest,
                        fields=[("WARC-Concurrent-To", sink.response_id)],
                    )  # fmt: skip
            elif isinstance(event, Interim):
                await self._interim(event, sink)
            else:
                self._problem = event.flaw
                self._raw_head += event.raw
                if self._head is None:
                    sink.head(
                        event.raw,
                        status=None,
                        content_type=None,
                        content_encoding=None,
                        expected=None,
                        chunked=False,
                    )

    async def _interim(self, event: Interim, sink: ExchangeSink) -> None:
        raw, _ = self._exchanger.redactor.head(event.raw, "response")
        sink.interim(raw)
        request = self._request
        if event.status == 100 and request.expects_continue and request.read_body is not None:
            if self._relay is not None:
                await self._send_client(event.raw)
            request.body = await request.read_body()
            request.read_body = None
            body, held = self._exchanger.redactor.text(request.body, "request body")
            exchange = sink.exchange
            sink.exchange = Exchange(
                exchange.uri, exchange.date, [*exchange.request, body], body, exchange.ip, exchange.protocols,
                exchange.cipher, exchange.tls_record, exchange.tag, (*exchange.withheld, *held),
            )  # fmt: skip
            try:
                await self.connection.stream.send(request.body)
            except StreamError as error:
                self._detail = str(error)

    def _start(self, head: Head, sink: ExchangeSink) -> None:
        self._head = head
        codings = b",".join(head.all(b"content-encoding")).decode("latin-1")
        if codings and head.status != 206:  # a range of coded bytes begins anywhere
            self._coded = CodedBody(codings, LOOKED_AT)
        raw, held = self._exchanger.redactor.head(head.raw, "response")
        sink.head(
            raw,
            status=head.status,
            content_type=head.first(b"content-type"),
            content_encoding=head.first(b"content-encoding"),
            expected=None if head.chunked else head.expected,
            chunked=head.chunked,
            withheld=held,
        )
        if (stated := http_date(head.first(b"date"))) is not None:
            self._exchanger.writer.server_offsets_ms.append(
                int((stated - self._exchanger.clock()).total_seconds() * 1000)
            )
        if head.status in (429, 503):
            self._exchanger.limiter.penalise(self._request.host, _retry_after(head, self._exchanger.clock))

    async def _give_way(self) -> None:
        """Let others have their turn, if this exchange has had its own for long enough."""
        if time.monotonic() - self._turn > TURN:
            await asyncio.sleep(0)
            self._turn = time.monotonic()

    def _received(self, count: int) -> None:
        """Hold what has come in against the limits. An answer that is whole is kept whole."""
        self._wire += count
        limits, writer = self._exchanger.limits, self._exchanger.writer
        if self._complete:
            return
        if limits.response_bytes is not None and self._wire > limits.response_bytes:
            self._truncated, self._problem = "length", "response too large"
        elif limits.capture_bytes is not None and writer.bytes_stored + self._wire > limits.capture_bytes:
            self._truncated, self._problem = "length", "capture limit reached"

    def _count(self, payload: bytes) -> None:
        self._size += len(payload)
        self._exchanger.received += len(payload)
        if self._keep is not None:
            if len(self._keep) + len(payload) > self._keep_limit:
                self._keep = None
            else:
                self._keep += payload

    async def _end_of_data(self, framing: Framing, sink: ExchangeSink, clean: bool) -> None:
        secure = self._request.scheme == "https"
        head = framing.head
        await self._take(framing.eof(), sink)
        if head is not None and head.close_delimited and self._complete and ((secure and not clean) or self._detail):
            # Without close_notify anybody could have cut the body short (RFC 8446 6.1).
            self._complete = False
            self._truncated, self._problem = (
                "disconnect",
                "ended without close_notify" if secure else Flaw.CUT,
            )
        elif not self._complete:
            cut = self._problem in (None, Flaw.CUT, Flaw.NO_ANSWER)
            self._truncated = self._truncated or ("disconnect" if cut else "unspecified")
            self._problem = self._problem or Flaw.CUT

    def _pass_on(self, data: bytes) -> None:
        """Holds what has just come; what came before it is sent on by the next read (`_release`)."""
        if self._relay is not None:
            self._held.append(data)

    async def _release(self) -> None:
        """Sends what earlier reads brought, now that more has come."""
        if self._held:
            held, self._held = b"".join(self._held), []
            await self._send_client(held)

    async def _send_client(self, data: bytes) -> None:
        assert self._relay is not None
        try:
            await self._relay(data)
        except StreamError as error:
            raise ClientGone from error

    def _file(self, sink: ExchangeSink) -> RecordRef | None:
        """Ends the record. Blocks on disk and digests where the body is large."""
        if self._problem and self._truncated is None and not self._complete:
            self._truncated = "unspecified"
        if self._head is None and not self._raw_head:
            self._problem = self._problem or Flaw.NO_ANSWER
            sink.finish_without_answer()
            return None
        if self._head is None:  # the bytes are no HTTP response
            return sink.finish_unparsed(str(self._problem))
        facts = {
            "problem": str(self._problem) if self._problem else None,
            "partly_decoded": partly.line() if self._coded and (partly := self._coded.partly()) else None,
            "irregular": IRREGULAR if self._head.odd else None,
        }
        return sink.finish(self._truncated, facts)

    async def release(self) -> None:
        """Let the client have the last bytes: only now is the exchange filed and its report out."""
        if self._held and self._relay is not None:
            held, self._held = b"".join(self._held), []
            with contextlib.suppress(StreamError):  # the client left; the exchange is filed all the same
                await self._relay(held)

    async def _finish(self, sink: ExchangeSink, uri: str) -> ExchangeDone:
        if sink.streaming:
            filing = asyncio.get_running_loop().run_in_executor(None, self._file, sink)
            try:
                record = await asyncio.shield(filing)
            except asyncio.CancelledError:
                await asyncio.wait([filing])  # the folder must not be closed under its hands
                raise
        else:
            record = self._file(sink)
        head = self._head
        fields = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in head.fields] if head else []
        return ExchangeDone(
            self._request.tag, uri, head.status if head else None, fields, record, self._truncated,
            str(self._problem) if self._problem else None, self._detail, self._size,
            bytes(self._keep) if self._keep is not None else None,
            self._coded.partly() if self._coded is not None else None,
        )  # fmt: skip


def _retry_after(head: Head, clock: Clock) -> float:
    """Seconds to wait (RFC 9110 10.2.3), between 1 and 600; 30 where the host does not say."""
    text = head.first(b"retry-after")
    if text is None:
        return 30.0 if head.status == 429 else 5.0
    seconds = digits(text)
    if seconds is None and (until := http_date(text)) is not None:
        seconds = int((until - clock()).total_seconds())
    return float(min(max(seconds, 1), 600)) if seconds is not None else 30.0
