"""Byte streams over non-blocking sockets: plain, and TLS on memory BIOs. Large reads, few calls."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from OpenSSL import SSL

READ_SIZE = 256 * 1024
BATCH = 1 << 20


class StreamError(Exception):
    """The connection or its TLS broke. A `clean` end of data is not an error."""


class Stream(Protocol):
    """A byte stream to a peer. At its end, `ended_cleanly` tells whether the end was announced."""

    ended_cleanly: bool

    async def recv(self) -> bytes:
        """Return bytes as soon as some arrive; b"" at the end. Raises `StreamError`."""

    async def send(self, data: bytes) -> None:
        """Send all of `data`. Raises `StreamError`."""

    def close(self) -> None:
        """Close the connection without announcing it."""


class PlainStream:
    """A byte stream over a socket, without TLS. An end that TCP announces is a clean one."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.ended_cleanly = False
        self._loop = asyncio.get_running_loop()

    async def recv(self) -> bytes:
        """Return what has arrived, up to some 1 MiB; b"" at the end. Raises `StreamError`."""
        try:
            data = await self._loop.sock_recv(self.sock, READ_SIZE)
            if len(data) >= 65536:
                data = self._more(data)
        except OSError as error:
            raise StreamError(str(error)) from error
        if not data:
            self.ended_cleanly = True
        return data

    def _more(self, first: bytes) -> bytes:
        """What else has already arrived, up to 1 MiB: fewer, larger pieces for digests and disk."""
        parts, size = [first], len(first)
        while size < BATCH:
            try:
                piece = self.sock.recv(READ_SIZE)
            except BlockingIOError:
                break
            if not piece:  # the end is reported by the next read
                break
            parts.append(piece)
            size += len(piece)
        return b"".join(parts) if len(parts) > 1 else first

    async def send(self, data: bytes) -> None:
        """Send all of `data`. Raises `StreamError`."""
        try:
            await self._loop.sock_sendall(self.sock, data)
        except OSError as error:
            raise StreamError(str(error)) from error

    def close(self) -> None:
        """Close the socket, also while a read or write is pending."""
        close_socket(self._loop, self.sock)


def close_socket(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    """Close a socket that a cancelled read or write may still be registered for.

    asyncio unregisters a cancelled `sock_recv` only in the loop's next round. Closed before that, the number of the
    descriptor is given to a new socket at once, and the selector, which still knows it, fails or deafens that one.
    """
    if sock.fileno() >= 0:
        loop.remove_reader(sock)
        loop.remove_writer(sock)
    sock.close()


class TlsStream:
    """TLS over a `PlainStream`. Plain text is not held longer than one read."""

    def __init__(self, plain: PlainStream, connection: SSL.Connection) -> None:
        self._plain = plain
        self.connection = connection
        self.ended_cleanly = False

    async def handshake(self) -> None:
        """Shake hands with the server. Raises `StreamError`."""
        while True:
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                await self._fill()
                continue
            except SSL.Error as error:
                await self._flush_quietly()
                raise StreamError(_reason(error)) from error
            await self._flush()
            return

    async def recv(self) -> bytes:
        """Return decrypted bytes as they arrive; b"" at the end. Raises `StreamError`.

        Only a close_notify (RFC 8446 6.1) sets `ended_cleanly`: without it the body may be cut.
        """
        while True:
            data = self._decrypt()
            if data:
                return data
            if self.ended_cleanly:
                return b""
            raw = await self._plain.recv()
            if not raw:
                return b""
            self._write(raw)

    def _write(self, raw: bytes) -> None:
        view = memoryview(raw)
        while view:
            view = view[self.connection.bio_write(bytes(view) if len(view) != len(raw) else raw) :]

    def _decrypt(self) -> bytes:
        parts = []
        try:
            while True:
                parts.append(self.connection.recv(16384))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.ended_cleanly = True
        except SSL.Error as error:
            if not parts:
                raise StreamError(_reason(error)) from error
        return b"".join(parts) if len(parts) != 1 else parts[0]

    async def send(self, data: bytes) -> None:
        """Encrypt and send all of `data`. Raises `StreamError`."""
        view = memoryview(data)
        try:
            while view:
                sent = self.connection.send(bytes(view[:READ_SIZE]))
                view = view[sent:]
                await self._flush()
        except SSL.Error as error:
            raise StreamError(_reason(error)) from error

    async def _fill(self) -> None:
        raw = await self._plain.recv()
        if not raw:
            raise StreamError("connection closed during the TLS handshake")
        self._write(raw)

    async def _flush(self) -> None:
        while True:
            try:
                out = self.connection.bio_read(READ_SIZE + 65536)
            except SSL.WantReadError:
                return
            await self._plain.send(out)

    async def _flush_quietly(self) -> None:
        try:
            await self._flush()
        except StreamError:
            return

    async def goodbye(self) -> None:
        """Send close_notify, so that our own client can tell a whole body from a cut one."""
        try:
            self.connection.shutdown()
            await self._flush()
        except (SSL.Error, StreamError):
            return

    def close(self) -> None:
        """Close the socket beneath. `goodbye` announces it first, where it is due."""
        self._plain.close()


def _reason(error: SSL.Error) -> str:
    reasons = [item[-1] for item in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(reason) for reason in reasons if reason) or type(error).__name__
