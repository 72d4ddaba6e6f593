"""WARC 1.1 records as gzip members (ISO 28500:2017): building, in-place streaming, reading.

One member per record. Text is deflated (isal level 2), media is stored (deflate blocks of type 0), because it
does not shrink. A record header stands before its block and names digests that are known only after it, so a
large body is streamed into the file behind a gap, and the gap is filled at the end:

    gzip header (its FEXTRA field takes up the slack) | stored block: WARC header | deflate blocks: the block | CRC

The CRC of the member is combined from the two parts (`crc32_combine`); the body is written once.
"""

from __future__ import annotations

import os
import uuid
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from isal import isal_zlib
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from storage.digest import Buffer
from storage.errors import FormatError, disk_error
from storage.times import utc_text

HTTP_REQUEST = "application/http; msgtype=request"
HTTP_RESPONSE = "application/http; msgtype=response"
STORED_LIMIT = 0xFFFF
TEXT_LEVEL = 2
_GZIP_PLAIN = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"
_GZIP_EXTRA = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\x03"
_RECORD_END = b"\r\n\r\n"
Fields = Sequence[tuple[str, str]]

_STORED_TYPES = ("video/", "image/", "audio/", "font/")
_STORED_EXACT = frozenset(
    {
        "application/zip",
        "application/gzip",
        "application/x-gzip",
        "application/x-7z-compressed",
        "application/pdf",
    }
    | {"application/x-rar-compressed", "application/vnd.rar", "application/octet-stream", "application/zstd"}
)


def is_incompressible(content_type: str | None, content_encoding: str | None = None) -> bool:
    """Return whether a body is stored rather than deflated. SVG and BMP are images that shrink."""
    if content_encoding and content_encoding.strip().lower() not in ("", "identity"):
        return True
    base = (content_type or "").split(";")[0].strip().lower()
    if base in ("image/svg+xml", "image/bmp"):
        return False
    return base.startswith(_STORED_TYPES) or base in _STORED_EXACT


def new_record_id() -> str:
    """Return a random `WARC-Record-ID`: `<urn:uuid:…>` (RFC 9562, version 4)."""
    return f"<urn:uuid:{uuid.uuid4()}>"


def record_header(record_type: str, record_id: str, date: datetime, fields: Fields, length: int) -> bytes:
    """Write a record's header, the empty line included. `fields` keep their order and may repeat.

    `length`: of the block, in bytes. Raises `FormatError` where a value has more than one line.
    """
    lines = [
        "WARC/1.1",
        f"WARC-Type: {record_type}",
        f"WARC-Record-ID: {record_id}",
        f"WARC-Date: {utc_text(date)}",
    ]
    for name, value in fields:
        if "\r" in value or "\n" in value:
            raise FormatError("a header value on one line", repr(value[:80]), "Report this as a bug.")
        lines.append(f"{name}: {value}")
    lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def member(header: bytes, block: Sequence[Buffer], stored: bool) -> bytes:
    """Write a whole record as one gzip member (RFC 1952). `stored`: without compressing it."""
    if not stored:
        deflate = isal_zlib.compressobj(TEXT_LEVEL, isal_zlib.DEFLATED, 31)
        parts = [deflate.compress(header), *(deflate.compress(part) for part in block)]
        return b"".join([*parts, deflate.compress(_RECORD_END), deflate.flush()])
    plain = b"".join([header, *block, _RECORD_END])
    out = [_GZIP_PLAIN, *stored_blocks(memoryview(plain), final=True)]
    out.append(isal_zlib.crc32(plain).to_bytes(4, "little") + (len(plain) & 0xFFFFFFFF).to_bytes(4, "little"))
    return b"".join(out)


def stored_blocks(data: memoryview, final: bool) -> list[Buffer]:
    """Wrap `data` in deflate blocks of type 0 (RFC 1951 3.2.4); the last is marked where `final`."""
    out: list[Buffer] = []
    at = 0
    while True:
        piece = data[at : at + STORED_LIMIT]
        at += len(piece)
        last = at >= len(data)
        length = len(piece)
        out.append(
            bytes([1 if final and last else 0]) + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little")
        )
        out.append(piece)
        if last:
            return out


class MemberInPlace:
    """A gzip member whose block is streamed into a file before its record header is known.

    `write` may be called from another thread than `finish`, one after the other. Raises `DiskError`.
    """

    def __init__(self, path: Path, reserve: int, stored: bool) -> None:
        """Append to the file at `path`; `reserve` bytes are kept free for the record header."""
        self.path = path
        self.stored = stored
        self._reserve = reserve
        self._crc = 0
        self.block_size = 0
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            self.offset = os.lseek(self._fd, 0, os.SEEK_END)
            self._position = self.offset + reserve
            os.lseek(self._fd, self._position, os.SEEK_SET)
        except OSError as error:
            raise disk_error(error, f"opening {path.name}") from error
        self._deflate = None if stored else isal_zlib.compressobj(TEXT_LEVEL, isal_zlib.DEFLATED, -15)

    def write(self, data: Buffer) -> None:
        """Append the next bytes of the block."""
        view = memoryview(data)
        if not view:
            return
        self._crc = isal_zlib.crc32(view, self._crc)
        self.block_size += len(view)
        if self._deflate is None:
            self._put(stored_blocks(view, final=False))
        elif packed := self._deflate.compress(view):
            self._put([packed])

    def finish(self, header: bytes) -> tuple[int, int]:
        """Write the ending and then the record header. Return (offset, length) of the member in bytes."""
        end = memoryview(_RECORD_END)
        crc = isal_zlib.crc32(end, self._crc)
        if self._deflate is None:
            self._put(stored_blocks(end, final=True))
        else:
            self._put([self._deflate.compress(end) + self._deflate.flush()])
        crc = isal_zlib.crc32_combine(isal_zlib.crc32(header), crc, self.block_size + len(end))
        size = len(header) + self.block_size + len(end)
        self._put([crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")])
        prefix = self._prefix(header)
        try:
            os.pwrite(self._fd, prefix, self.offset)
            os.close(self._fd)
        except OSError as error:
            raise disk_error(error, f"writing {self.path.name}") from error
        return self.offset, self._position - self.offset

    def abandon(self) -> None:
        """Close the file and leave the member unfinished."""
        os.close(self._fd)

    def _prefix(self, header: bytes) -> bytes:
        """gzip header with an FEXTRA subfield that fills the gap, and the record header as a stored block."""
        if len(header) > STORED_LIMIT:
            raise FormatError("a record header below 64 KiB", f"{len(header)} bytes", "Report this as a bug.")
        slack = self._reserve - (len(_GZIP_EXTRA) + 2 + 5 + len(header))
        if slack < 4:
            raise FormatError("room for the record header", f"{len(header)} bytes", "Report this as a bug.")
        # RFC 1952 2.3.1.1: subfield id ("AR", ours), length, that many bytes.
        extra = slack.to_bytes(2, "little") + b"AR" + (slack - 4).to_bytes(2, "little") + bytes(slack - 4)
        return b"".join([_GZIP_EXTRA, extra, *stored_blocks(memoryview(header), final=False)])

    def _put(self, parts: list[Buffer]) -> None:
        try:
            wanted = sum(len(part) for part in parts)
            done = 0
            for start in range(0, len(parts), 512):
                done += os.writev(self._fd, parts[start : start + 512])
            if done != wanted:  # a short write: the disk is full, or a signal; say so by the next write
                rest = b"".join(parts)[done:]
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            self._position += wanted
        except OSError as error:
            raise disk_error(error, f"writing {self.path.name}") from error


def header_reserve(uri: str) -> int:
    """Return how many bytes to keep free for a record header about `uri`: the fixed fields take under 1.6 KB."""
    return min(2400 + len(uri.encode("utf-8", "surrogateescape")), 60000)


def spooled_block(path: Path, offset: int, end: int | None = None) -> Generator[bytes, None, int | None]:
    """Decode what an unfinished member holds: its deflate blocks from `offset` to `end`, in pieces. Raises `OSError`.

    Returns from where on nothing was decoded, at most a read too early; None where all of it was.
    """
    inflate = zlib.decompressobj(-15)
    with open(path, "rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(1 << 18 if end is None else min(1 << 18, end - stream.tell())):
            begun = stream.tell() - len(chunk)
            while chunk:
                try:
                    data = inflate.decompress(chunk, 1 << 20)
                except zlib.error:  # garbage behind a cut write: what came before it is kept
                    return begun
                chunk = inflate.unconsumed_tail
                if data:
                    yield data
                if inflate.eof:  # a whole member ends with a sum and a size behind this; anything else is damage
                    return None if len(inflate.unused_data) + len(stream.read(9)) <= 8 else begun
    return end


@dataclass(frozen=True)
class Member:
    """A complete gzip member found in a file."""

    offset: int
    length: int
    head: bytes
    """The first bytes of its content, up to 64 KiB: enough for any record header of ours."""


def complete_members(path: Path) -> Iterator[Member]:
    """Find the complete members from the start of a file; stop before the first that is cut or damaged."""
    size = path.stat().st_size
    offset = 0
    with open(path, "rb") as stream:
        while offset < size and (found := complete_member(stream, offset)):
            yield found
            offset += found.length


def complete_member(stream: BinaryIO, offset: int) -> Member | None:
    """Read the gzip member that begins at `offset`; None where it is cut, damaged, or none. Raises `OSError`."""
    stream.seek(offset)
    inflate = zlib.decompressobj(31)
    head, read = bytearray(), 0
    while not inflate.eof:
        chunk = stream.read(1 << 18)
        if not chunk:
            return None
        read += len(chunk)
        while chunk and not inflate.eof:
            try:
                data = inflate.decompress(chunk, 1 << 20)
            except zlib.error:
                return None
            if len(head) < 65536:
                head += data[: 65536 - len(head)]
            chunk = inflate.unconsumed_tail
    return Member(offset, read - len(inflate.unused_data), bytes(head))


def parse_header(head: bytes) -> list[tuple[str, str]]:
    """Parse the fields of a record header, in order, as written. Raises `FormatError`."""
    end = head.find(b"\r\n\r\n")
    lines = head[:end].split(b"\r\n") if end >= 0 else []
    if not lines or not lines[0].startswith(b"WARC/"):
        raise FormatError("a WARC record header", repr(head[:40]), "The file was damaged; run `archiver check`.")
    fields = []
    for line in lines[1:]:
        name, _, value = line.decode("utf-8", "surrogateescape").partition(":")
        fields.append((name.strip(), value.strip()))
    return fields


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes, all where it is negative; none at the end."""


@dataclass
class WarcRecord:
    """A record as read: `fields` keep order and repetitions; `http` is the status line and HTTP fields, if any."""

    type: str
    fields: list[tuple[str, str]]
    stream: Readable = field(repr=False)
    http_status: str | None = None
    http_fields: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """Return the first WARC field of that name, in any case; None where there is none."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)

    def http(self, name: str) -> str | None:
        """Return the first HTTP field of that name, in any case; None where there is none."""
        return next((value for key, value in self.http_fields if key.lower() == name.lower()), None)

    @property
    def uri(self) -> str | None:
        """The `WARC-Target-URI` without the angle brackets that some writers put around it."""
        uri = self.get("WARC-Target-URI")
        return uri.strip("<>") if uri else None


def read_warc(stream: BinaryIO) -> Iterator[WarcRecord]:
    """Read the records of any WARC or ARC file by warcio. Raises `FormatError` where it cannot go on.

    `stream` of a record is its payload with transfer coding removed; content coding is left.
    """
    try:
        for record in ArchiveIterator(stream, no_record_parse=False, arc2warc=True):
            http = record.http_headers
            chunked = http is not None and (http.get_header("transfer-encoding") or "").lower() == "chunked"
            yield WarcRecord(
                record.rec_type,
                list(record.rec_headers.headers),
                Dechunked(record.raw_stream) if chunked else record.raw_stream,
                http.get_statuscode() if http is not None else None,
                list(http.headers) if http is not None else [],
            )
    except (
        ArchiveLoadFailed, EOFError, zlib.error, ValueError, OverflowError, KeyError, AttributeError, OSError,
    ) as error:  # fmt: skip
        raise FormatError("a readable WARC file", str(error)[:200], "Keep the file; try another copy of it.") from error


class Dechunked:
    """Removes chunk framing; where framing breaks, gives the rest as it is (recorders have stored such)."""

    def __init__(self, raw: BinaryIO) -> None:
        from warcio.bufferedreaders import ChunkedDataReader

        self._reader = ChunkedDataReader(raw, decomp_type=None)

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all where it is negative; none at the end."""
        parts = []
        while size:
            piece: bytes = self._reader.read(size if size > 0 else 65536)
            if not piece:
                break
            parts.append(piece)
            size -= len(piece) if size > 0 else 0
        return b"".join(parts)


def fields_block(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Write a block of `application/warc-fields`: `name: value` lines."""
    return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode()
