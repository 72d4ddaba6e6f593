"""The same pages and the same video, written as WARC by our writer and by warcio."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

HEAD = (
    "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 05:15:26 GMT\r\n"
    "Content-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
)


def write_ours(path: Path, bodies: list[bytes], kind: str) -> float:
    """Write response records only, as warcio writes them below; return the seconds."""
    from storage.digest import sha256_label
    from storage.times import system_clock
    from storage.warc import member, new_record_id, record_header

    path.unlink(missing_ok=True)
    start = time.perf_counter()
    with open(path, "ab", buffering=0) as out:
        for number, body in enumerate(bodies):
            head = HEAD.format(kind=kind, size=len(body)).encode()
            if len(body) > 1 << 20:
                _write_streamed(path, head, body)
                continue
            fields = [
                ("WARC-Target-URI", f"https://bench.example/{number}"),
                ("WARC-Block-Digest", sha256_label(head, body)),
                ("WARC-Payload-Digest", sha256_label(body)),
                ("Content-Type", "application/http; msgtype=response"),
            ]
            header = record_header("response", new_record_id(), system_clock(), fields, len(head) + len(body))
            out.write(member(header, [head, body], stored=False))
    return time.perf_counter() - start


def _write_streamed(path: Path, head: bytes, body: bytes) -> None:
    """As the recorder does: one thread writes and digests the block, another the payload."""
    from storage.digest import Sha256
    from storage.times import system_clock
    from storage.warc import MemberInPlace, new_record_id, record_header

    out = MemberInPlace(path, 3000, stored=True)
    block, payload = Sha256(), Sha256()
    view = memoryview(body)
    pieces = [view[at : at + (1 << 20)] for at in range(0, len(body), 1 << 20)]

    def digest() -> None:
        for piece in pieces:
            payload.update(piece)

    thread = threading.Thread(target=digest)
    thread.start()
    block.update(head)
    out.write(head)
    for piece in pieces:
        block.update(piece)
        out.write(piece)
    thread.join()
    fields = [
        ("WARC-Target-URI", "https://bench.example/v"),
        ("WARC-Block-Digest", block.label()),
        ("WARC-Payload-Digest", payload.label()),
    ]
    out.finish(record_header("response", new_record_id(), system_clock(), fields, block.size))


def write_warcio(path: Path, bodies: list[bytes], kind: str) -> float:
    """Write the same with warcio's default settings; return the seconds."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    start = time.perf_counter()
    with open(path, "wb") as out:
        writer = WARCWriter(out, gzip=True)
        for number, body in enumerate(bodies):
            fields = [
                ("Server", "nginx"),
                ("Date", "Sun, 22 Nov 2026 05:15:26 GMT"),
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
            ]
            record = writer.create_warc_record(
                f"https://bench.example/{number}",
                "response",
                payload=io.BytesIO(body),
                http_headers=StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1"),
            )
            writer.write_record(record)
    return time.perf_counter() - start
