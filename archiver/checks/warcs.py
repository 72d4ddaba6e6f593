"""Reading our WARC files again: gzip member by gzip member, each record's digests computed from its bytes.

Says what `warcio check` does not: a removed record, a missing digest, a cut file.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import FileIO, RawIOBase
from pathlib import Path
from typing import cast

from isal import isal_zlib
from isal.igzip_lib import IsalError

from archiver.checks.numbers import whole
from archiver.checks.proofs import Bad
from storage.digest import Beside, Sha256, file_sha256

READ = 1 << 20
_INFLATE_ERRORS: tuple[type[BaseException], ...] = (zlib.error, cast("type[BaseException]", IsalError))
MAX_HEADER = 1 << 20
_VERSION = b"WARC/1.1\r\n"
_ID = re.compile(r"<urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}>")
Take = Callable[[memoryview], None]
CHUNK_LINE = 16 << 10
"""A chunk's line with its line end is no longer than this, bytes; where one is, the framing is broken."""
_CODINGS = {b"chunked", b"gzip", b"deflate", b"compress", b"x-gzip", b"identity"}
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@dataclass
class FoundRecord:
    """One record, as computed from the bytes of the file."""

    offset: int
    length: int
    fields: list[tuple[str, str]]
    block_digest: str
    payload_digest: str
    decoded_digest: str | None
    problems: list[str] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """Return the first value of a WARC field, its name in any case; None where it is absent."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


class _Record:
    """Takes the content of one member in pieces."""

    def __init__(self, beside: Beside, take: Take | None = None) -> None:
        """`take` gets the payload too, transfer coding removed. `beside` counts the block while this counts the payload."""
        self._take = take
        self._beside = beside
        self._head = bytearray()
        self.fields: list[tuple[str, str]] | None = None
        self._left = 0
        self._tail = b""
        self._http: bytearray | None = None
        self._chunks: Chunks | None = None
        self.block = Sha256()
        self.payload = Sha256()
        self.problems: list[str] = []

    def feed(self, data: memoryview) -> None:
        if self.fields is None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                if len(self._head) > MAX_HEADER:
                    raise Bad("a record header without an end")
                return
            rest = bytes(self._head[end + 4 :])
            self._parse(bytes(self._head[:end]))
            self._head.clear()
            data = memoryview(rest)
        take = min(self._left, len(data))
        if take:
            self._left -= take
            self._block(data[:take])
        if len(data) > take:
            self._tail += bytes(data[take : take + 8])  # a few bytes too many are enough to tell
            if len(self._tail) > 4:
                raise Bad("the record does not end with two line ends, or more than one is in the member")

    def _parse(self, head: bytes) -> None:
        if not head.startswith(_VERSION):
            raise Bad("not a WARC/1.1 record")
        fields = []
        for line in head.split(b"\r\n")[1:]:
            name, colon, value = line.decode("utf-8", "surrogateescape").partition(": ")
            if not colon:
                raise Bad(f"a header line without a colon: {line[:40]!r}")
            fields.append((name, value))
        self.fields = fields
        named = {name.lower(): value for name, value in fields}
        length = whole(named.get("content-length", ""))
        if length is None:
            raise Bad("no Content-Length")
        self._left = length
        if "application/http" in named.get("content-type", "") and named.get("warc-type") in (
            "request",
            "response",
            "revisit",
        ):
            self._http = bytearray()

    def _block(self, data: memoryview) -> None:
        self._beside.update(self.block, data)
        if self._http is None:
            self._payload(data)
            return
        self._http += data
        match = re.search(rb"\r?\n\r?\n", self._http)
        if match:
            head, rest = bytes(self._http[: match.end()]), bytes(self._http[match.end() :])
            self._http = None
            if in_chunks(head):
                self._chunks = Chunks(self._take)
            self._payload(memoryview(rest))
        elif len(self._http) > MAX_HEADER:
            self._http = None

    def _payload(self, data: memoryview) -> None:
        self.payload.update(data)
        if self._chunks is not None:
            self._chunks.feed(bytes(data))
        elif self._take is not None:
            self._take(data)

    def end(self, offset: int, length: int) -> FoundRecord:
        if self.fields is None:
            raise Bad("a member without a record header")
        self._beside.wait()
        if self._left:
            self.problems.append(f"{self._left} bytes of the block are missing")
        elif self._tail != b"\r\n\r\n":
            self.problems.append("the record does not end with two line ends, or more than one is in the member")
        decoded = self._chunks.payload.label() if self._chunks is not None else None
        return FoundRecord(
            offset, length, self.fields, self.block.label(), self.payload.label(), decoded, self.problems
        )


def in_chunks(head: bytes) -> bool:
    """Return whether the body behind this head of an answer is in chunks, by RFC 9112 section 6.

    False where two readers would see two bodies: a length beside the coding, HTTP/1.0, a coding twice, before others or
    unknown. The payload of such an answer is what came, as it came.
    """
    lines = re.split(rb"\r?\n", re.sub(rb"\r?\n[ \t]+", b" ", head))
    start = re.match(rb"HTTP/1\.1 ([0-9]{3})", lines[0])
    if start is None or start[1] in (b"204", b"304") or start[1].startswith(b"1"):
        return False
    values: dict[bytes, list[bytes]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        values.setdefault(name.rstrip(b" \t").lower(), []).append(value)
    listed = (coding.strip(b" \t").lower() for coding in b",".join(values.get(b"transfer-encoding", [])).split(b","))
    codings = [coding for coding in listed if coding]
    known = set(codings) <= _CODINGS and codings.count(b"chunked") == 1 and codings[-1] == b"chunked"
    return known and b"content-length" not in values


class Chunks:
    """Removes chunk framing (RFC 9112 7.1); stops quietly where it breaks, as the writer's digest did."""

    def __init__(self, take: Take | None = None) -> None:
        self._take = take
        self.payload = Sha256()
        self._buffer = b""
        self._left = 0
        self._state = "size"

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrive; digest the payload in them, and hand it to `take`."""
        buffer = self._buffer + data
        while buffer and self._state != "done":
            if self._state == "data":
                piece, buffer = buffer[: self._left], buffer[self._left :]
                self.payload.update(piece)
                if self._take is not None:
                    self._take(memoryview(piece))
                self._left -= len(piece)
                if self._left == 0:
                    self._state = "crlf"
            elif self._state == "crlf":
                if len(buffer) < 2:
                    break
                self._state = "size" if buffer[:2] == b"\r\n" else "done"
                buffer = buffer[2:]
            else:
                line, found, rest = buffer.partition(b"\r\n")
                too_long = len(line) + 2 > CHUNK_LINE
                if not found and not too_long:
                    break
                match = None if too_long else re.fullmatch(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?", line)
                self._left = int(match[1], 16) if match else 0
                self._state = "data" if self._left else "done"
                buffer = rest
        self._buffer = buffer


def read_records(path: Path, start: int = 0, size: int | None = None) -> Iterator[FoundRecord]:
    """Read every record of a `.warc.gz`, or of the one that lies in `path` from `start`; offsets count from there.

    Raises `Bad` at the first byte that is no complete member, `OSError`.
    """
    size = path.stat().st_size if size is None else size
    offset = 0
    with open(path, "rb", buffering=0) as stream, Beside() as beside:
        stream.seek(start)
        pending = b""
        while offset < size:
            found, pending = _member(stream, offset, pending, beside, None)
            yield found
            offset += found.length
    if offset != size:
        raise Bad("the last record reaches beyond the end")


def read_payload(path: Path, offset: int, take: Take, start: int = 0) -> FoundRecord:
    """Read the record at `offset`, its payload handed to `take` as it is read. Raises `Bad`, `OSError`."""
    with open(path, "rb", buffering=0) as stream, Beside() as beside:
        stream.seek(start + offset)
        return _member(stream, offset, b"", beside, take)[0]


def _member(
    stream: RawIOBase | FileIO, offset: int, pending: bytes, beside: Beside, take: Take | None
) -> tuple[FoundRecord, bytes]:
    """One member, and what was read behind it."""
    inflate = isal_zlib.decompressobj(31)
    record = _Record(beside, take)
    used = 0
    while not inflate.eof:
        chunk = pending or stream.read(READ) or b""
        pending = b""
        if not chunk:
            raise Bad(f"cut: the member at {offset} does not end")
        used += len(chunk)
        while chunk and not inflate.eof:
            try:
                data = inflate.decompress(chunk, READ)
            except _INFLATE_ERRORS as error:
                raise Bad(f"damaged member at {offset}: {error}") from error
            record.feed(memoryview(data))
            chunk = inflate.unconsumed_tail
    rest = inflate.unused_data
    try:
        return record.end(offset, used - len(rest)), rest
    except Bad as error:
        raise Bad(f"at {offset}: {error}") from error


def problems_of(found: FoundRecord) -> list[str]:
    """List what is wrong with one record by itself."""
    problems = list(found.problems)
    kind = found.get("WARC-Type") or ""
    if not _ID.fullmatch(found.get("WARC-Record-ID") or ""):
        problems.append("no proper WARC-Record-ID")
    if not _DATE.fullmatch(found.get("WARC-Date") or ""):
        problems.append("no proper WARC-Date")
    stated = found.get("WARC-Block-Digest")
    if stated is None:
        problems.append("no block digest")
    elif stated != found.block_digest:
        problems.append("the block is not what its digest says")
    payload = found.get("WARC-Payload-Digest")
    if payload is not None and payload != found.payload_digest and kind != "revisit":
        problems.append("the payload is not what its digest says")
    if payload is None and kind in ("resource", "response", "conversion") and found.decoded_digest is None:
        problems.append("no payload digest")
    if payload is not None and found.decoded_digest not in (None, payload):
        problems.append("a payload digest over chunk framing")
    return problems


def digest_of_file(path: Path) -> tuple[int, str]:
    """Return size in bytes and SHA-256 (hex) of a file. Raises `OSError`."""
    running = file_sha256(path)
    return running.size, running.hexdigest()
