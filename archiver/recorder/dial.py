"""Reaching a host: resolution, refused addresses, and the proxy of the case (HTTP CONNECT or SOCKS5 proxy, Tor).

An address is judged after resolution and connected to as judged, so a name that resolves differently the next time
changes nothing. Behind a proxy the proxy resolves; addresses and local names in a link are refused all the same.
A proxy that fails stops the capture: there is no falling back to a direct connection.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from archiver.recorder import nat64
from archiver.recorder.addresses import refused_address
from archiver.recorder.nat64 import Translators
from archiver.recorder.streams import PlainStream, StreamError, close_socket
from spiders.links import LinkProblem, ascii_host

CONNECT_TIMEOUT = 20.0
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home", ".home.arpa", ".localdomain")

Resolve = Callable[[str, int], Awaitable[list[str]]]
Routes = Mapping[str, tuple[str, int]]


class DialError(Exception):
    """A connection that could not be made. `kind` is the typed reason."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class ProxyError(DialError):
    """The case's proxy failed. The capture must stop."""


@dataclass(frozen=True)
class ProxyChoice:
    """Choice of how captures connect: directly, or by a proxy URL (`http://…`, `socks5h://…`)."""

    url: str | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """How connections go out: "direct", "socks5", or the scheme of an HTTP proxy."""
        if self.url is None:
            return "direct"
        scheme = urlsplit(self.url).scheme
        return "socks5" if scheme.startswith("socks5") else scheme


def refused_host(host: str) -> str | None:
    """Return why a host named in a link is refused before resolution, or None. It is judged in the form that is asked for."""
    bare = (ascii_host(host) or host).strip("[]").rstrip(".").lower()
    try:
        return refused_address(bare)
    except ValueError:
        pass
    if bare == "localhost" or bare.endswith(_LOCAL_SUFFIXES):
        return "local name"
    try:
        # inet_aton reads 2130706433, 0x7f.1 and 127.1 as addresses, and so would the C library's resolver.
        return refused_address(socket.inet_ntoa(socket.inet_aton(bare)))
    except (OSError, ValueError):
        return None


async def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses of `host`, in the system's order, each once. Raises `DialError`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise DialError(
            "name not found", f"{host} does not resolve: {getattr(error, 'strerror', None) or error}"
        ) from error
    return list(dict.fromkeys(str(item[4][0]) for item in found))


@dataclass(frozen=True)
class Dialer:
    """Opens TCP connections for one capture. `routes` exists for the demo and the tests only."""

    proxy: ProxyChoice = ProxyChoice()
    routes: Routes = field(default_factory=dict)
    resolve: Resolve = system_resolve
    translators: Translators = nat64.SYSTEM

    async def connect(self, host: str, port: int) -> tuple[PlainStream, str | None]:
        """Return (stream, address of the server; None behind a proxy). Raises `DialError`, `ProxyError`.

        Whatever letters `host` is written in, one form of it is judged, resolved and named to a proxy (IDNA, UTS 46).
        """
        plain = ascii_host(host)
        if plain is None:
            raise DialError("unsupported link", f"{host[:100]!r}: {LinkProblem.HOST}")
        host = plain
        route = self.routes.get(f"{host}:{port}")
        if route is not None:
            return await _open(route[0], route[1], "host unreachable"), route[0]
        if reason := refused_host(host):
            raise DialError("refused address", f"{host}: {reason}")
        if self.proxy.url is not None:
            return await self._through_proxy(host, port), None
        addresses = await self.resolve(host.strip("[]"), port)
        # Only an address of IPv6 can lead to a translator: only then is one looked for.
        prefixes = await self.translators.prefixes() if any(":" in address for address in addresses) else ()
        judged = {address: refused_address(address, prefixes) for address in addresses}
        allowed = [address for address, why in judged.items() if why is None]
        if not allowed:
            reasons = ", ".join(f"{address} ({why})" for address, why in judged.items())
            raise DialError("refused address", f"{host} resolves to {reasons}")
        last: DialError | None = None
        for address in allowed:
            try:
                return await _open(address, port, "host unreachable"), address
            except DialError as error:
                last = error
        assert last is not None
        raise last

    async def _through_proxy(self, host: str, port: int) -> PlainStream:
        assert self.proxy.url is not None
        try:
            parts = urlsplit(self.proxy.url)
            own_port = parts.port
        except ValueError as error:
            raise ProxyError("proxy failed", f"the proxy's address cannot be read: {error}") from error
        user = unquote(parts.username or "").encode()
        password = unquote(parts.password or "").encode()
        default = 1080 if self.proxy.kind == "socks5" else 8080
        try:
            stream = await _open(parts.hostname or "", own_port or default, "proxy failed")
        except DialError as error:
            raise ProxyError("proxy failed", error.detail) from error
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT * 3):
                if self.proxy.kind == "socks5":
                    await _socks5(stream, host.strip("[]"), port, user, password)
                else:
                    await _http_connect(stream, host, port, user, password)
        except (StreamError, TimeoutError) as error:
            stream.close()
            raise ProxyError(
                "proxy failed", f"the proxy closed the connection ({error or 'no answer in time'})"
            ) from error
        except DialError:
            stream.close()
            raise
        return stream


async def _open(address: str, port: int, kind: str) -> PlainStream:
    loop = asyncio.get_running_loop()
    try:
        if ":" in address or address.replace(".", "").isdigit():  # judged already; nothing resolves again
            family, where = (socket.AF_INET6 if ":" in address else socket.AF_INET), (address, port)
        else:  # the name of a proxy of ours
            family, _, _, _, found = (await loop.getaddrinfo(address, port, type=socket.SOCK_STREAM))[0]
            where = (str(found[0]), int(found[1]))
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise DialError(kind, f"{address} port {port}: {error}") from error
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await loop.sock_connect(sock, where)
    except TimeoutError as error:
        close_socket(loop, sock)
        raise DialError(kind, f"{address} port {port}: no answer in {CONNECT_TIMEOUT:.0f} s") from error
    except OSError as error:
        close_socket(loop, sock)
        raise DialError(kind, f"{address} port {port}: {error.strerror or error}") from error
    return PlainStream(sock)


async def _exactly(stream: PlainStream, buffer: bytearray, count: int) -> bytes:
    while len(buffer) < count:
        piece = await stream.recv()
        if not piece:
            raise StreamError("the proxy closed the connection")
        buffer += piece
    taken = bytes(buffer[:count])
    del buffer[:count]
    return taken


_SOCKS_REASONS = {
    1: "general failure", 2: "not allowed", 3: "network unreachable", 4: "host unreachable", 5: "connection refused",
    6: "time-to-live expired", 7: "command not supported", 8: "address type not supported",
}  # fmt: skip


async def _socks5(stream: PlainStream, host: str, port: int, user: bytes, password: bytes) -> None:
    """RFC 1928 with the name resolved by the proxy, RFC 1929 for user and password."""
    buffer = bytearray()
    await stream.send(b"\x05\x01\x02" if user else b"\x05\x01\x00")
    version, method = await _exactly(stream, buffer, 2)
    if version != 5 or method not in (0, 2) or (method == 2 and not user):
        raise ProxyError("proxy failed", "the proxy does not speak SOCKS5 or refuses our way to log in")
    if method == 2:
        await stream.send(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        if (await _exactly(stream, buffer, 2))[1] != 0:
            raise ProxyError("proxy failed", "the proxy refuses the user name or password")
    try:
        packed = ipaddress.ip_address(host).packed
        address = (b"\x01" if len(packed) == 4 else b"\x04") + packed
    except ValueError:
        name = host.encode("ascii")
        address = b"\x03" + bytes([len(name)]) + name
    await stream.send(b"\x05\x01\x00" + address + port.to_bytes(2, "big"))
    reply = await _exactly(stream, buffer, 4)
    size = {1: 4, 4: 16}.get(reply[3])
    if size is None:
        size = (await _exactly(stream, buffer, 1))[0]
    await _exactly(stream, buffer, size + 2)
    if reply[1] in (3, 4, 5, 6):
        raise DialError("host unreachable", f"{host}: the proxy says {_SOCKS_REASONS[reply[1]]}")
    if reply[1] != 0:
        raise ProxyError("proxy failed", f"the proxy says {_SOCKS_REASONS.get(reply[1], reply[1])}")


async def _http_connect(stream: PlainStream, host: str, port: int, user: bytes, password: bytes) -> None:
    """CONNECT for plain http too: the proxy then passes our bytes on unchanged."""
    authority = f"{host}:{port}".encode("ascii")
    head = b"CONNECT " + authority + b" HTTP/1.1\r\nHost: " + authority + b"\r\n"
    if user:
        head += b"Proxy-Authorization: Basic " + base64.b64encode(user + b":" + password) + b"\r\n"
    await stream.send(head + b"\r\n")
    answer = bytearray()
    while b"\r\n\r\n" not in answer and len(answer) < 65536:
        piece = await stream.recv()
        if not piece:
            raise StreamError("the proxy closed the connection")
        answer += piece
    status = bytes(answer.split(b" ")[1:2][0]) if answer.startswith(b"HTTP/1.") else b""
    if status in (b"502", b"503", b"504"):
        raise DialError("host unreachable", f"{host}: the proxy answers {status.decode()}")
    if status != b"200" or not answer.endswith(b"\r\n\r\n"):
        raise ProxyError("proxy failed", f"the proxy answers {status.decode() or 'something else'} to CONNECT")
