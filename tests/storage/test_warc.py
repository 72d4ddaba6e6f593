"""Records as gzip members: others can read them, large ones are streamed, torn ones are found."""

from __future__ import annotations

import gzip
import io
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.checks.captures import check_records
from archiver.checks.proofs import Bad
from archiver.checks.warcs import problems_of, read_records
from storage.capture import CaptureWriter
from storage.digest import sha256_label
from storage.errors import FormatError
from storage.lines import read_lines
from storage.records import Exchange
from storage.times import system_clock
from storage.warc import (
    MemberInPlace,
    complete_members,
    is_incompressible,
    member,
    parse_header,
    read_warc,
    record_header,
    spooled_block,
    stored_blocks,
)
from tests.support.exchanges import exchange

pytestmark = pytest.mark.thorough("formats")


@given(st.binary(max_size=200_000), st.booleans())
def test_a_member_is_one_gzip_member_with_the_record_in_it(block: bytes, stored: bool) -> None:
    header = record_header("resource", "<urn:uuid:0>", system_clock(), [("WARC-Target-URI", "urn:x")], len(block))
    data = member(header, [block], stored)
    assert gzip.decompress(data) == header + block + b"\r\n\r\n"
    if stored:
        assert len(data) < len(block) + len(header) + 5 * (len(block) // 65535 + 3) + 40


@given(st.lists(st.binary(max_size=100_000), max_size=6), st.booleans(), st.integers(0, 1500))
def test_a_member_streamed_in_place_is_the_same_record(pieces: list[bytes], stored: bool, slack: int) -> None:
    import tempfile

    block = b"".join(pieces)
    header = record_header("resource", "<urn:uuid:0>", system_clock(), [("X", "y" * 40)], len(block))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gz"
        path.write_bytes(gzip.compress(b"before"))
        out = MemberInPlace(path, len(header) + 21 + slack, stored)
        for piece in pieces:
            out.write(piece)
        offset, length = out.finish(header)
        data = path.read_bytes()
        assert offset + length == len(data)
        assert gzip.decompress(data[offset:]) == header + block + b"\r\n\r\n"
        assert [m.offset for m in complete_members(path)] == [0, offset]


def test_no_room_for_the_header_is_an_error(tmp_path: Path) -> None:
    out = MemberInPlace(tmp_path / "x.gz", 50, True)
    with pytest.raises(FormatError, match="room"):
        out.finish(b"WARC/1.1\r\n" + b"x" * 100)


@given(st.binary(max_size=300_000))
def test_stored_blocks(data: bytes) -> None:
    import zlib

    assert zlib.decompress(b"".join(stored_blocks(memoryview(data), True)), -15) == data


@pytest.mark.parametrize(
    ("kind", "coding", "stored"),
    [("video/mp4", None, True), ("image/jpeg", None, True), ("image/svg+xml", None, False), ("text/html", None, False),
     ("text/html", "gzip", True), ("application/zip", None, True), (None, None, False), ("application/json", "identity", False)],
)  # fmt: skip
def test_what_is_stored_and_what_is_deflated(kind: str | None, coding: str | None, stored: bool) -> None:
    assert is_incompressible(kind, coding) is stored


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    """Complete members before the cut are found, nothing behind it."""
    header = record_header("resource", "<urn:uuid:0>", system_clock(), [], 5)
    one = member(header, [b"first"], False)
    two = member(header, [b"other"], True)
    for cut in range(len(one), len(one) + len(two)):
        path = tmp_path / "cut.gz"
        path.write_bytes((one + two)[:cut])
        assert [m.length for m in complete_members(path)] == [len(one)]


def test_a_spool_that_was_never_finished_gives_what_it_holds(tmp_path: Path) -> None:
    body = os.urandom(500_000)
    for stored in (True, False):
        path = tmp_path / f"spool-{stored}"
        out = MemberInPlace(path, 2000, stored)
        out.write(body)
        out.abandon()
        held = b"".join(spooled_block(path, 2000))
        assert body.startswith(held)
        assert len(held) > (450_000 if stored else 0)
        with open(path, "r+b") as stream:
            stream.truncate(2000 + 123_456)
        held = b"".join(spooled_block(path, 2000))
        assert body.startswith(held)


def test_header_lines_cannot_be_smuggled() -> None:
    with pytest.raises(FormatError):
        record_header("resource", "<urn:uuid:0>", system_clock(), [("WARC-Target-URI", "x\r\nWARC-Type: y")], 0)
    assert parse_header(b"WARC/1.1\r\nA: b\r\nA: c\r\n\r\n") == [("A", "b"), ("A", "c")]
    with pytest.raises(FormatError):
        parse_header(b"HTTP/1.1 200\r\n\r\n")


def test_others_accept_what_we_write(new_writer: Callable[..., CaptureWriter]) -> None:
    writer = new_writer("others")
    noise = random.Random(1)
    for n in range(40):
        exchange(writer, f"https://example.org/{n}", noise.randbytes(noise.randint(0, 40_000)), pieces=3)
    exchange(writer, "https://example.org/big", noise.randbytes(3_000_000), "video/mp4", 20)
    exchange(writer, "https://example.org/bigtext", b"text " * 600_000, "text/plain", 20)
    writer.resource("urn:view:https://example.org/", "image/png", noise.randbytes(5000))
    writer.resource("urn:x", "application/json", b"{}", record_type="metadata")
    writer.close("captured", None)
    for path in writer.folder.glob("*.warc.gz"):
        for program in ("warcio", "fastwarc"):
            ran = subprocess.run(
                [str(Path(sys.executable).parent / program), "check", str(path)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
    total = sum(1 for path in writer.folder.glob("*.warc.gz") for _ in read_warc(open(path, "rb")))  # noqa: SIM115
    assert total == len(list(read_lines(writer.folder / "records.jsonl")))


@pytest.mark.damages
def test_a_changed_byte_is_noticed(new_writer: Callable[..., CaptureWriter]) -> None:
    writer = new_writer("changed")
    exchange(writer, "https://example.org/", os.urandom(2_000_000), "video/mp4")
    writer.close("captured", None)
    [path] = [p for p in writer.folder.glob("*.warc.gz") if p.stat().st_size > 1_000_000]
    data = bytearray(path.read_bytes())
    data[1_500_000] ^= 1
    path.write_bytes(bytes(data))
    # warcio prints an error and exits 0 here; gzip and our own reader do not.
    assert subprocess.run(["gzip", "-t", str(path)], capture_output=True, check=False).returncode == 1
    with pytest.raises(Bad):
        list(read_records(path))


def test_large_files_are_rotated(new_writer: Callable[..., CaptureWriter], monkeypatch: pytest.MonkeyPatch) -> None:
    import storage.capture

    monkeypatch.setattr(storage.capture, "FILE_LIMIT", 100_000)
    writer = new_writer("rotate")
    for n in range(10):
        exchange(writer, f"https://example.org/{n}", os.urandom(40_000))
    writer.close("captured", None)
    files = sorted(writer.folder.glob("*.warc.gz"))
    assert len(files) == 4
    for path in files:
        first = next(read_warc(io.BytesIO(path.read_bytes())))
        assert first.type == "warcinfo"
        assert first.get("WARC-Filename") == path.name


def test_the_private_record_opens_with_the_age_program(
    new_writer: Callable[..., CaptureWriter], age_identity: object, tmp_path: Path
) -> None:
    from tests.conftest import need

    writer = new_writer("age")
    [held] = writer.withhold([("request", "cookie", b"value")])
    writer.close("captured", None)
    key = tmp_path / "key"
    key.write_text(f"{age_identity}\n")
    ran = subprocess.run(
        [need("age"), "-d", "-i", str(key), str(writer.folder / "private.age")], capture_output=True, check=True
    )
    assert held.commitment.encode() in ran.stdout


def test_a_full_disk_keeps_what_was_written(
    new_writer: Callable[..., CaptureWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The torn record is dropped, the file stays readable, and the error says what to do."""
    import errno

    from storage.errors import DiskError

    writer = new_writer("full")
    exchange(writer, "https://example.org/1", b"kept")
    real = os.write
    calls = 0

    def full(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return real(descriptor, bytes(data)[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("storage.capture.os.write", full)
        with pytest.raises(DiskError, match="Free some space"):
            exchange(writer, "https://example.org/2", os.urandom(5000))
    exchange(writer, "https://example.org/3", b"after space was freed")
    writer.close("partial", "disk")
    found = [r for path in writer.folder.glob("*.warc.gz") for r in read_records(path)]
    assert all(not problems_of(r) for r in found)
    assert sha256_label(b"kept") in [r.payload_digest for r in found]


@pytest.mark.parametrize("after", ["append_lines", "rename"])
def test_a_recovery_that_is_interrupted_can_be_run_again(
    new_writer: Callable[..., CaptureWriter], monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """The record is listed once, however often the salvage begins anew."""
    import storage.salvage
    from storage.recovery import recover_folder

    writer = new_writer("twice")
    start = Exchange("https://example.org/v", system_clock(), [b"GET / HTTP/1.1\r\n\r\n"])
    sink = writer.exchange(start, threading.Event().set)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"
    sink.head(head, status=200, content_type="video/mp4", content_encoding=None, expected=9_000_000, chunked=False)
    for _ in range(4):
        piece = os.urandom(1_000_000)
        sink.body(piece, piece)
    sink.abandon()
    writer._lock.release()
    real = storage.salvage.append_lines

    def dies(path: Path, lines: list[dict[str, object]]) -> None:
        if after == "append_lines":
            real(path, lines)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("storage.salvage.append_lines", dies)
        with pytest.raises(KeyboardInterrupt):
            recover_folder(writer.folder, system_clock, lambda report: None, lambda record, digest: None)
    assert recover_folder(writer.folder, system_clock, lambda report: None, lambda record, digest: None) is not None
    lines = list(read_lines(writer.folder / "records.jsonl"))
    assert len({line["id"] for line in lines}) == len(lines)
    assert str(check_records("x", writer.folder, lines, True).finding) == "intact"
