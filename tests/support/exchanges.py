"""Exchanges as they crossed the wire."""

from __future__ import annotations

import threading

from storage.capture import CaptureWriter
from storage.records import Exchange
from storage.times import system_clock


def exchange(writer: CaptureWriter, uri: str, body: bytes, kind: str = "text/html", pieces: int = 1) -> None:
    start = Exchange(uri, system_clock(), [f"GET / HTTP/1.1\r\nHost: x\r\nX: {uri}\r\n\r\n".encode()])
    sink = writer.exchange(start, threading.Event().set)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    sink.head(head, status=200, content_type=kind, content_encoding=None, expected=len(body), chunked=False)
    step = max(1, -(-len(body) // pieces))
    for at in range(0, len(body), step):
        piece = body[at : at + step]
        sink.body(piece, piece)
    sink.finish()
