"""Reading ARC files (Internet Archive, "Arc File Format", 1996), what came before WARC. None are written.

warcio is not used here: it loses the record behind a version block whose length counts its own line end, as that of
Heritrix 1 does, and with it the rest of the file.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, cast

from storage.errors import FormatError
from storage.times import utc_text
from storage.warc import Dechunked, WarcRecord

START = b"filedesc://"
_LINE = 1 << 20
_HEAD = 1 << 16
_READ = 1 << 20


def read_arc(stream: BinaryIO) -> Iterator[WarcRecord]:
    """Read the records of an ARC file, gzipped or not. Raises `FormatError` where it cannot go on.

    They come as WARC records would: a `response` where HTTP was spoken, else a `resource`; the version block is left out.
    """
    try:
        plain = _plain(stream)
        while line := plain.readline(_LINE):
            if not line.strip():
                continue
            fields, length = _fields(line)
            body = _Part(plain, length)
            if not fields[0][1].startswith("filedesc:"):
                yield _record(fields, body)
            body.skip()
    except (EOFError, OSError, zlib.error) as error:
        raise FormatError("a readable ARC file", str(error)[:200], "Keep the file; try another copy of it.") from error


def _plain(stream: BinaryIO) -> BinaryIO:
    start = stream.read(2)
    stream.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if start == b"\x1f\x8b" else stream


def _fields(line: bytes) -> tuple[list[tuple[str, str]], int]:
    """Parse a record's line: URL, address, date, type, (version 2: five more,) length. A URL may have spaces in it."""
    parts = line.decode("utf-8", "surrogateescape").split()
    if len(parts) < 4 or not re.fullmatch(r"[0-9]{1,18}", parts[-1]):
        raise FormatError("an ARC record", repr(line[:40]), "Keep the file; try another copy of it.")
    date = next((place for place in range(len(parts) - 2, 0, -1) if re.fullmatch(r"[0-9]{12,17}", parts[place])), None)
    if date is None:
        return [("WARC-Target-URI", parts[0])], int(parts[-1])
    address = parts[date - 1] if date > 1 else ""
    url = " ".join(parts[: date - 1]) if date > 1 else parts[0]
    fields = [("WARC-Target-URI", url), ("WARC-IP-Address", address)]
    if (moment := _moment(parts[date])) is not None:
        fields.append(("WARC-Date", moment))
    if date + 2 < len(parts):
        fields.append(("Content-Type", parts[date + 1]))
    return fields, int(parts[-1])


def _moment(digits: str) -> str | None:
    try:
        return utc_text(datetime.strptime(digits[:14].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC))
    except ValueError:
        return None


class _Part:
    """The next `length` bytes of a stream."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        self._ahead += self._take(size - len(self._ahead))
        return self._ahead[:size]

    def drop(self, size: int) -> None:
        self._ahead = self._ahead[size:]

    def read(self, size: int = -1) -> bytes:
        wanted = len(self._ahead) + self._left if size < 0 else size
        out, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
        return out + self._take(wanted - len(out))

    def readline(self, size: int = -1) -> bytes:
        limit = _LINE if size < 0 else size
        line = self.peek(limit)
        end = line.find(b"\n") + 1 or len(line)
        return self.read(end)

    def skip(self) -> None:
        while self.read(_READ):
            pass

    def _take(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left)) if size > 0 else b""
        self._left -= len(data)
        return data


def _record(fields: list[tuple[str, str]], body: _Part) -> WarcRecord:
    head = body.peek(_HEAD)
    end = re.search(rb"\r?\n\r?\n", head)
    status = re.match(rb"HTTP/[0-9.]+[ \t]+([0-9]{3})", head)
    if end is None or status is None:
        return WarcRecord("resource", fields, body)
    http = []
    for line in head[: end.start()].decode("latin-1").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            http.append((name.strip(), value.strip()))
    body.drop(end.end())
    chunked = any(name.lower() == "transfer-encoding" and value.lower() == "chunked" for name, value in http)
    stream = Dechunked(cast(BinaryIO, body)) if chunked else body
    return WarcRecord("response", fields, stream, status[1].decode(), http)
