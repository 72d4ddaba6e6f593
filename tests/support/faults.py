"""A gateway in front of a server that does what networks and tired servers do, when it is told to."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import threading
from collections.abc import Callable

SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
BROKEN = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
GONE = b"<?xml version='1.0'?><Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>"
CODE = b"<?xml version='1.0'?><Error><Code>CODE</Code><Message>As the test wants it.</Message></Error>"
FAULTS = ("slow-down", "error", "no-answer", "answer-lost", "answer-torn")


class Gateway:
    """`trouble(number, method, path)` says which of `FAULTS` befalls a request, or None. `asked` are all requests.

    `code:403:AccessDenied` is an answer with that status and code. `changed(method, path, answer)` changes answers.
    """

    def __init__(self, host: str, port: int) -> None:
        self.asked: list[tuple[str, str]] = []
        self.trouble: Callable[[int, str, str], str | None] = lambda number, method, path: None
        self.changed: Callable[[str, str, bytes], bytes] = lambda method, path, answer: answer
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                gateway.asked.append((self.command, self.path))
                fault = gateway.trouble(len(gateway.asked) - 1, self.command, self.path)
                if self.headers.get("Expect", "").lower() == "100-continue":
                    self.send_response_only(100)
                    self.end_headers()
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if fault == "no-such-upload":
                    self.answer(404, [], GONE)
                    return
                if fault is not None and fault.startswith("code:"):
                    _, status, code = fault.split(":")
                    self.answer(int(status), [], CODE.replace(b"CODE", code.encode()))
                    return
                if fault in ("slow-down", "error"):
                    self.answer(503 if fault == "slow-down" else 500, [], SLOW_DOWN if fault == "slow-down" else BROKEN)
                    return
                if fault == "no-answer":
                    self.hang_up()
                    return
                onward = http.client.HTTPConnection(host, port)
                onward.request(self.command, self.path, body, dict(self.headers))
                got = onward.getresponse()
                data = got.read()
                onward.close()
                if fault == "answer-lost":
                    self.hang_up()
                    return
                kept = [(name, value) for name, value in got.getheaders() if name.lower() not in HOP]
                other = gateway.changed(self.command, self.path, data)
                if other != data:
                    data, kept = other, [pair for pair in kept if pair[0].lower() != "content-length"]
                self.answer(got.status, kept, data, torn=fault == "answer-torn" and len(data) > 1)

            def answer(self, status: int, headers: list[tuple[str, str]], data: bytes, torn: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                if not any(name.lower() == "content-length" for name, _ in headers):
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if torn else data)
                if torn:
                    self.hang_up()

            def hang_up(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


HOP = ("connection", "transfer-encoding", "keep-alive")
