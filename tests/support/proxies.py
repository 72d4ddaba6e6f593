"""A proxy of tests, a real one on loopback."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Mapping


class Proxy:
    """A proxy that speaks SOCKS5 or HTTP CONNECT, and leads everywhere to one port, or to one for each `host:port`."""

    def __init__(
        self, kind: str, target: int | Mapping[str, int], user: str = "", password: str = "", fail: bool = False
    ) -> None:
        self.kind, self.target, self.user, self.password, self.fail = kind, target, user, password, fail
        self.asked: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error, IndexError):
            ready = self._socks(client) if self.kind == "socks5" else self._http(client)
            if ready:
                port = self.target if isinstance(self.target, int) else self.target[self.asked[-1]]
                upstream = socket.create_connection(("127.0.0.1", port))
                threading.Thread(target=self._pump, args=(upstream, client), daemon=True).start()
                self._pump(client, upstream)
        client.close()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _socks(self, client: socket.socket) -> bool:
        count = client.recv(2)[1]
        client.recv(count)
        client.sendall(b"\x05\x02" if self.user else b"\x05\x00")
        if self.user:
            data = client.recv(512)
            size = data[1]
            given = (data[2 : 2 + size].decode(), data[3 + size :].decode())
            client.sendall(b"\x01\x00" if given == (self.user, self.password) else b"\x01\x01")
            if given != (self.user, self.password):
                return False
        head = client.recv(4)
        assert head[3] == 3, "the name is left to the proxy"
        size = client.recv(1)[0]
        name = client.recv(size).decode()
        port = struct.unpack("!H", client.recv(2))[0]
        self.asked.append(f"{name}:{port}")
        client.sendall(b"\x05" + (b"\x01" if self.fail else b"\x00") + b"\x00\x01\x00\x00\x00\x00\x00\x00")
        return not self.fail

    def _http(self, client: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        self.asked.append(request.split(b" ")[1].decode())
        client.sendall(b"HTTP/1.1 403 No\r\n\r\n" if self.fail else b"HTTP/1.1 200 Connection established\r\n\r\n")
        return not self.fail
