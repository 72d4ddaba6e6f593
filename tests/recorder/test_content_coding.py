"""Content coding: removed whole, as far as it goes, or within a bound; and what is said of a body that breaks off."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.capture.fetcher import Fetcher, FetchRequest
from archiver.capture.outcomes import of_exchange
from archiver.recorder.content_coding import LOOKED_AT, CodedBody, PartlyDecoded, decode_body, decode_told
from archiver.recorder.proxy import Recorder
from spiders.posts import Outcome
from storage.capture import CaptureWriter
from storage.lines import read_lines
from tests.support.rawserver import RawServer

Make = Callable[..., CaptureWriter]
Open = Callable[..., Recorder]

PAGE = b"<html>" + bytes(range(256)) * 400 + b"</html>"


def _zlib(data: bytes, window: int) -> bytes:
    made = zlib.compressobj(wbits=window)
    return made.compress(data) + made.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PAGE[:5000], mtime=0) + gzip.compress(PAGE[5000:], mtime=0)),
        ("gzip", gzip.compress(PAGE, mtime=0) + bytes(8)),
        ("x-gzip", gzip.compress(PAGE, mtime=0)),
        *(("deflate", _zlib(PAGE, window)) for window in (15, 12, 9, -15)),
        ("br", brotli.compress(PAGE, quality=1)),
        ("zstd", zstd.compress(PAGE)),
        ("gzip, br", brotli.compress(gzip.compress(PAGE, mtime=0), quality=1)),
    ],
)
def test_bodies_are_decoded_whole_and_cut_ones_as_far_as_they_go(coding: str, body: bytes) -> None:
    assert decode_told(body, coding, 1 << 20) == (PAGE, True)
    part, whole = decode_told(body[: len(body) // 2], coding, 1 << 20)
    assert not whole
    assert part is None or PAGE.startswith(part)
    assert decode_body(body, coding, len(PAGE) - 1) is None


def test_what_stands_behind_a_member_is_not_taken_for_one() -> None:
    assert decode_told(gzip.compress(PAGE, mtime=0) + b"more", "gzip", 1 << 20) == (PAGE, True)


def test_gzip_bombs_are_decoded_only_within_a_bound() -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000), mtime=0), mtime=0)
    assert decode_body(bomb, "gzip", 1 << 20) is not None, "the outer layer is small"
    assert decode_body(bomb, "gzip, gzip", 1 << 20) is None
    assert decode_body(b"not gzip", "gzip", 100) is None
    assert decode_body(b"abc", "rot13", 100) is None
    assert decode_body(b"abc", None, 100) == b"abc"


CODED = {
    "gzip": gzip.compress(PAGE, mtime=0),
    "x-gzip": gzip.compress(PAGE[:50000], mtime=0) + gzip.compress(PAGE[50000:], mtime=0),
    "deflate": _zlib(PAGE, 15),
    "br": brotli.compress(PAGE, quality=1),
    "zstd": zstd.compress(PAGE),
    "gzip, br": brotli.compress(gzip.compress(PAGE, mtime=0), quality=1),
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(CODED)), st.data())
def test_it_does_not_matter_in_what_pieces_a_body_arrives(coding: str, data: st.DataObject) -> None:
    body = CODED[coding][: data.draw(st.integers(0, len(CODED[coding])))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    coded, out = CodedBody(coding), b""
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        out += b"".join(coded.feed(body[start:end]))
    at_once, whole = decode_told(body, coding, 1 << 20)
    assert (out, coded.whole) == (at_once or b"", whole)
    assert PAGE.startswith(out)
    assert (coded.partly() is None) == (body in (b"", CODED[coding]))
    assert coded.partly() in (None, PartlyDecoded(coding, len(out), len(body)))


def test_of_a_bomb_no_more_is_looked_at_than_the_bound() -> None:
    coded = CodedBody("gzip", 1 << 20)
    assert sum(map(len, coded.feed(gzip.compress(bytes(200_000_000), mtime=0)))) <= 1 << 20 < LOOKED_AT
    assert coded.partly() is None, "what was not looked at is not called cut"


def answered(coding: str, body: bytes, more: str = "", said: int | None = None) -> bytes:
    length = len(body) if said is None else said
    head = f"Content-Type: image/png\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n{more}"
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


def damaged(body: bytes) -> bytes:
    return body[: len(body) // 2] + b"\xff" * 40 + body[len(body) // 2 + 40 :]


def test_a_body_that_decodes_only_in_part_is_partial_with_how_much(
    tmp_path: Path, new_writer: Make, open_recorder: Open
) -> None:
    """By our own fetcher and by a client: in what is reported, in records.jsonl, and in words."""
    server = RawServer(tmp_path / "server", False)
    noise = random.Random(7).randbytes(60000)
    coded = {
        "gzip": gzip.compress(noise), "deflate": _zlib(noise, 15), "br": brotli.compress(noise), "zstd": zstd.compress(noise),
    }  # fmt: skip
    bodies = {f"/{coding}": (coding, body[:-20000]) for coding, body in coded.items()}
    bodies["/damaged"] = ("gzip", damaged(gzip.compress(PAGE * 20)))
    for path, (coding, body) in bodies.items():
        server.answers[path] = answered(coding, body)
    server.answers |= {
        "/whole": answered("gzip", coded["gzip"]),
        "/plain": answered("gzip", PAGE),
        "/unknown": answered("rot13", PAGE),
        "/empty": answered("gzip", b""),
        "/broken": answered("gzip", coded["gzip"][:-20000], said=len(coded["gzip"])),
        "/part": answered("gzip", coded["gzip"][300:900], "Content-Range: bytes 300-899/60000\r\n").replace(
            b"200 OK", b"206 Part"
        ),
    }
    writer = new_writer("partly")
    port = open_recorder(network=server.network).open(writer)
    for path, (coding, body) in bodies.items():
        done = port.fetch(f"{server.base}{path}", []).result(30)
        assert done.complete, "HTTP itself was kept"
        assert done.partly is not None, path
        assert (done.partly.coding, done.partly.received) == (coding, len(body))
        assert 500 < done.partly.decoded == len(decode_body(body, coding, 1 << 24) or b"")
        outcome, reason = of_exchange(done)
        assert outcome is Outcome.PARTIAL
        assert f"{done.partly.decoded} bytes, from {len(body)} received" in (reason or "")
    for path in ("/whole", "/plain", "/unknown", "/empty", "/part"):
        assert port.fetch(f"{server.base}{path}", []).result(30).partly is None, path
    broken = port.fetch(f"{server.base}/broken", []).result(30)
    outcome, reason = of_exchange(broken)
    assert outcome is Outcome.PARTIAL
    assert "cut short" in (reason or "")
    assert "could be decoded only in part" in (reason or "")
    with socket.create_connection(port.address) as client:
        request = f"GET {server.base}/br HTTP/1.1\r\nHost: raw.example.org\r\nConnection: close\r\n"
        client.sendall(f"{request}Proxy-Authorization: {port.authorization}\r\n\r\n".encode())
        while client.recv(65536):
            pass
    port.close()
    server.close()
    writer.close("partial", "test")
    lines = [line for line in read_lines(writer.folder / "records.jsonl") if line["type"] == "response"]
    kept = {line["uri"].removeprefix(server.base): line.get("partly_decoded") for line in lines}
    assert {path for path, partly in kept.items() if partly} == {*bodies, "/broken"}
    assert kept["/br"] == {"coding": "br", "decoded": kept["/br"]["decoded"], "received": len(bodies["/br"][1])}
    assert [line["uri"] for line in lines].count(f"{server.base}/br") == 2


def test_a_file_that_decodes_only_in_part_is_partial(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", False)
    body = CODED["gzip"][:-100]
    server.answers["/a.png"] = answered("gzip", body)
    port = open_recorder(network=server.network).open(new_writer("file"))
    got = asyncio.run(Fetcher(port, "Seen/1").fetch(FetchRequest("image", f"{server.base}/a.png")))
    server.close()
    assert got.outcome is Outcome.PARTIAL
    assert "could be decoded only in part" in (got.reason or "")
    assert got.facts["partly_decoded"]["received"] == len(body) == got.size, "its bytes are kept as they came"
    assert len(server.received) == 1, "asked again, it would send the same"
