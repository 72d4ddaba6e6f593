"""The proxy on loopback, one port for each open capture, in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from archiver.ratelimit.limiter import HostLimiter, Limiter
from archiver.recorder.content_coding import decode_body
from archiver.recorder.dial import Dialer, ProxyChoice, ProxyError
from archiver.recorder.exchange import ExchangeDone, Exchanger, Limits
from archiver.recorder.listener import Listener
from archiver.recorder.missing_certificates import LIMIT as CERTIFICATE_LIMIT
from archiver.recorder.missing_certificates import SECONDS as CERTIFICATE_SECONDS
from archiver.recorder.missing_certificates import CertificateAnswer, MissingCertificates
from archiver.recorder.network import TestNetwork, default_roots
from archiver.recorder.redact import Redactor
from archiver.recorder.streams import PlainStream, close_socket
from archiver.recorder.tls import Roots, ThrowAwayAuthority, client_context
from archiver.recorder.upstream import Request, Upstream
from archiver.recorder.url import WireLink, split_url
from spiders.links import LinkProblem, has_control, mask_userinfo
from storage.capture import CaptureWriter
from storage.times import Clock, system_clock

T = TypeVar("T")


class Recorder:
    """The recording proxy, one per process. `open` gives each capture its port; `close` ends all. Thread-safe."""

    def __init__(
        self,
        limiter: Limiter | None = None,
        proxy: ProxyChoice | None = None,
        roots: Roots | None = None,
        network: TestNetwork | None = None,
        clock: Clock = system_clock,
        fetch_missing_certificates: bool = False,
    ) -> None:
        self.network = network
        self._fetch_missing = fetch_missing_certificates
        self._roots = (network.roots if network else None) or roots or default_roots()
        self._clock = clock
        self._proxy = proxy or ProxyChoice()
        self._context = client_context(self._roots)
        self.authority = ThrowAwayAuthority(clock())
        self.limiter: Limiter = limiter or HostLimiter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def call(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the recorder's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def soon(self, work: Callable[..., object], *arguments: object) -> None:
        """Call `work` on the recorder's loop, without waiting for it."""
        self._loop.call_soon_threadsafe(partial(work, *arguments))

    def open(
        self,
        writer: CaptureWriter,
        limits: Limits | None = None,
        secret_values: Iterable[bytes] = (),
        on_done: Callable[[ExchangeDone], None] = lambda done: None,
        proxy: ProxyChoice | None = None,
        on_fault: Callable[[BaseException], None] = lambda error: None,
    ) -> Port:
        """Open a port that records into `writer`. `on_done` is called on the recorder's thread after each exchange.

        `on_fault` is called there too, with what broke the answer to a client: the client sees only an end.

        `proxy`: the proxy of this capture's case, where it is not the recorder's own.
        """
        network = self.network or TestNetwork()
        dialer = Dialer(proxy or self._proxy, dict(network.routes), network.resolve)
        upstream = Upstream(writer, dialer, self._context, self._roots)
        redactor = Redactor(writer.withhold, secret_values)
        limits = limits or Limits()
        exchanger = Exchanger(writer, upstream, self.limiter, redactor, limits, self._clock, on_done)
        if self._fetch_missing:
            own = replace(limits, response_bytes=CERTIFICATE_LIMIT, response_seconds=CERTIFICATE_SECONDS)
            # Places of its own at hosts: whoever waits for a certificate holds one already, perhaps the last.
            beside = Exchanger(writer, upstream, HostLimiter(), redactor, own, self._clock, on_done)
            upstream.missing = MissingCertificates(self._roots, partial(_ask_certificates, beside))
        port = Port(self, exchanger, upstream, on_fault)
        self.call(port._listen()).result()
        return port

    def close(self) -> None:
        """Cancel what is under way, end the recorder's loop and thread, and close the limiter."""

        async def stop() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.call(stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.limiter.close()


class Port:
    """The recorder's side of one open capture."""

    def __init__(
        self,
        recorder: Recorder,
        exchanger: Exchanger,
        upstream: Upstream,
        on_fault: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self._recorder, self._on_fault = recorder, on_fault
        self._exchanger = exchanger
        self._upstream = upstream
        self.token = secrets.token_urlsafe(18)
        self._listener = Listener(exchanger, recorder.authority, self.token)
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._fetches: set[asyncio.Task[ExchangeDone]] = set()
        self.address = ("127.0.0.1", 0)

    def __repr__(self) -> str:
        return f"Port({self.address[0]}:{self.address[1]})"

    @property
    def proxy_url(self) -> str:
        """`http://archiver:<token>@127.0.0.1:<port>`, for a client's proxy setting. A secret."""
        return f"http://archiver:{self.token}@{self.address[0]}:{self.address[1]}"

    def proxy_for(self, tag: str) -> str:
        """Return a proxy address of its own for one job: what is requested through it carries `tag`. A secret."""
        token = secrets.token_urlsafe(18)
        self._listener.admit(token, tag)
        return f"http://archiver:{token}@{self.address[0]}:{self.address[1]}"

    @property
    def authorization(self) -> str:
        """Value of `Proxy-Authorization` for this port. A secret."""
        return "Basic " + base64.b64encode(f"archiver:{self.token}".encode()).decode()

    @property
    def received(self) -> int:
        """Payload bytes received so far, for showing progress."""
        return self._exchanger.received

    @property
    def stopped(self) -> str | None:
        """Why nothing more is requested in this capture, or None while requests still go out."""
        return self._exchanger.stopped

    def stop(self, reason: str) -> None:
        """Request nothing more, for `reason`; exchanges under way go on."""
        self._exchanger.stopped = self._exchanger.stopped or reason

    def cut(self) -> None:
        """Break off what is under way: what has arrived is filed as cut. New requests are answered as before."""
        self._recorder.soon(self._cut)

    def _cut(self) -> list[asyncio.Task[Any]]:
        tasks = [*self._clients, *self._fetches]
        for task in tasks:
            task.cancel()
        return tasks

    async def _listen(self) -> None:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen(128)
        sock.setblocking(False)
        self._socket = sock
        self.address = sock.getsockname()
        self._accepting = asyncio.create_task(self._accept(sock))
        self._accepting.add_done_callback(self._told)

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(sock)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            task = asyncio.create_task(self._listener.serve(PlainStream(client)))
            self._clients.add(task)
            task.add_done_callback(self._clients.discard)
            task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[None]) -> None:
        """Tell of what broke a task that nobody waits for."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fault(error)

    def fetch(
        self, url: str, headers: list[tuple[str, str]], tag: str | None = None, keep_body: int = 0
    ) -> Future[ExchangeDone]:
        """GET `url` straight into the WARC, as the streaming fetcher does. Follows no redirect.

        Never raises for the network. `keep_body`: give the payload back if it is no larger than this, in bytes.
        """
        return self._recorder.call(self._fetch(url, headers, tag, keep_body))

    async def _fetch(self, url: str, headers: list[tuple[str, str]], tag: str | None, keep_body: int) -> ExchangeDone:
        link = split_url(url)
        if not isinstance(link, LinkProblem) and any(has_control(name + value) for name, value in headers):
            link = LinkProblem.FIELD
        if isinstance(link, LinkProblem):
            return ExchangeDone(tag, mask_userinfo(url), None, problem="unsupported link", detail=link.value)
        request = Request(b"GET", link.uri, link.scheme, link.host, link.port, _head(link, headers), tag=tag)
        task = asyncio.ensure_future(self._exchanger.run(request, None, keep_body))
        self._fetches.add(task)
        try:
            done = await task
        finally:
            self._fetches.discard(task)
        return done

    def close(self) -> None:
        """Stop accepting, end what is under way, close connections. The writer is left to its owner."""
        self._recorder.call(self._close()).result()

    async def _close(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
        if self._socket is not None:
            close_socket(asyncio.get_running_loop(), self._socket)
        await asyncio.gather(*self._cut(), return_exceptions=True)
        self._upstream.close()


async def _ask_certificates(exchanger: Exchanger, link: WireLink, host: str, agent: str | None) -> CertificateAnswer:
    """Fetch certificates for the server of that host, recorded like any other answer. Raises `ProxyError`."""
    fields = [("User-Agent", agent)] if agent is not None else []
    head = _head(link, [*fields, ("Accept", "*/*"), ("Accept-Encoding", "identity")])
    request = Request(
        b"GET", link.uri, link.scheme, link.host, link.port, head, tag=f"missing certificate of {host}"
    )  # fmt: skip
    done = await exchanger.run(request, None, CERTIFICATE_LIMIT)
    if done.problem == "proxy failed":
        raise ProxyError(done.problem, done.detail or "")
    if done.problem == "response too large" or (done.body is None and done.complete):
        return CertificateAnswer(problem=f"more than {CERTIFICATE_LIMIT} bytes")
    if not done.complete:
        return CertificateAnswer(
            problem=f"{done.problem or done.truncated}" + (f" ({done.detail})" if done.detail else "")
        )
    if done.status != 200:
        return CertificateAnswer(problem=f"HTTP {done.status}")
    body = decode_body(done.body or b"", done.header("content-encoding"), CERTIFICATE_LIMIT)
    if not body:
        return CertificateAnswer(problem="an answer without a readable body")
    return CertificateAnswer(body, done.record.record_id if done.record is not None else None)


def _head(link: WireLink, headers: list[tuple[str, str]]) -> bytes:
    """Write a GET. Fields beyond Latin-1, which HTTP has no charset for, go out as UTF-8."""
    text = [f"GET {link.target} HTTP/1.1", f"Host: {link.authority}", *(f"{name}: {value}" for name, value in headers)]
    lines = []
    for line in text:
        try:
            lines.append(line.encode("latin-1"))
        except UnicodeEncodeError:
            lines.append(line.encode("utf-8", "replace"))
    return b"\r\n".join([*lines, b"", b""])
