"""A server that sends exactly the bytes it is told to, plainly or over TLS, and ends as it is told to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import trustme

from archiver.recorder.network import TestNetwork
from archiver.recorder.tls import Roots

HOST = "raw.example.org"


class RawServer:
    """`answers[path]` → the bytes of the answer. Paths ending in `?abrupt` end without close_notify."""

    def __init__(
        self, folder: Path, tls: bool, certificate: Callable[[trustme.CA], trustme.LeafCert] | None = None
    ) -> None:
        self.answers: dict[str, bytes] = {}
        self.keep_open: set[str] = set()
        self.abrupt: set[str] = set()
        self.pieces: dict[str, list[bytes]] = {}
        self.gates: dict[str, threading.Event] = {}
        self.received: list[bytes] = []
        self.tls = tls
        authority = trustme.CA()
        folder.mkdir(parents=True, exist_ok=True)
        roots = folder / "roots.pem"
        roots.write_bytes(authority.cert_pem.bytes())
        self._context: ssl.SSLContext | None = None
        if tls:
            leaf = certificate(authority) if certificate else authority.issue_cert(HOST)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            leaf.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        scheme = "https" if tls else "http"
        self.base = f"{scheme}://{HOST}"
        self.network = TestNetwork({f"{HOST}:{443 if tls else 80}": ("127.0.0.1", self.port)}, Roots(roots, "test"))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(30)
        with contextlib.suppress(OSError, ssl.SSLError):
            client = self._context.wrap_socket(raw, server_side=True) if self._context else raw
            while self._one(client, raw):
                pass
        raw.close()

    def _one(self, client: socket.socket, raw: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            data = client.recv(65536)
            if not data:
                return False
            request += data
        path = request.split(b" ")[1].decode()
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if b"expect: 100-continue" in head.lower() and length:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(body) < length:
            body += client.recv(65536)
        self.received.append(head + b"\r\n\r\n" + body)
        for piece in self.pieces.get(
            path, [self.answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")]
        ):
            client.sendall(piece)
            if path in self.gates:
                self.gates[path].wait(30)
        if path in self.keep_open:
            return True
        if path in self.abrupt or not isinstance(client, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(client, socket.SHUT_WR)  # beneath TLS: no close_notify
            return False
        with contextlib.suppress(OSError, ssl.SSLError):
            client.unwrap()
        return False
