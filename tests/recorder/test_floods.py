"""A server that never pauses costs its own exchange and nobody else's."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archiver.recorder.exchange import Limits
from archiver.recorder.network import TestNetwork
from archiver.recorder.proxy import Recorder
from storage.capture import CaptureWriter
from tests.support.rawserver import RawServer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 4000),
    "one field": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 100_000),
    "chunk extensions": (CHUNKED, b"".join(b"1;" + b"x" * 16000 + b"\r\na\r\n" for _ in range(6))),
    "small chunks": (CHUNKED, b"1\r\na\r\n" * 16_000),
    "trailers": (CHUNKED + b"0\r\n", b"X-A: 1\r\n" * 12_000),
    "a body": (b"HTTP/1.1 200 OK\r\n\r\n", bytes(100_000)),
    "noise": (b"\x00", bytes(100_000)),
}


@pytest.fixture
def flood() -> Iterator[Callable[[bytes, bytes], tuple[str, int]]]:
    """Starts a server that sends a beginning and then the same again and again, as fast as it is taken."""
    listener = socket.create_server(("127.0.0.1", 0))
    said: list[bytes] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            client.recv(65536)
            client.sendall(said[0])
            while True:
                client.sendall(said[1])

    def start(first: bytes, again: bytes) -> tuple[str, int]:
        said[:] = [first, again]
        threading.Thread(target=serve, daemon=True).start()
        return "127.0.0.1", int(listener.getsockname()[1])

    yield start
    listener.close()


@pytest.mark.parametrize("name", FLOODS)
def test_others_are_served_and_limits_hold(
    name: str,
    tmp_path: Path,
    flood: Callable[[bytes, bytes], tuple[str, int]],
    new_writer: Callable[..., CaptureWriter],
    open_recorder: Callable[..., Recorder],
) -> None:
    quiet = RawServer(tmp_path / "quiet", False)
    quiet.answers["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    routes = {**quiet.network.routes, "flood.example:80": flood(*FLOODS[name])}
    recorder = open_recorder(network=TestNetwork(routes, quiet.network.roots))
    limits = Limits(response_bytes=8 << 20, response_seconds=3)
    flooded = recorder.open(new_writer("flooded"), limits).fetch("http://flood.example/", [])
    other = recorder.open(new_writer("other"), limits)
    slowest = 0.0
    for _ in range(5):
        begun = time.monotonic()
        assert other.fetch(f"{quiet.base}/", []).result(30).complete
        slowest = max(slowest, time.monotonic() - begun)
    done = flooded.result(30)
    quiet.close()
    assert slowest < 1  # the promise; a tenth of it on a machine that does nothing else
    assert done.problem is not None
    assert done.size <= 9 << 20
    assert done.record is not None
