"""HTTP/1 message boundaries on raw bytes, pure (RFC 9112). Bytes in, events out; no socket, no clock.

Every byte that is fed comes out again, in order, in some event: `Interim.raw`, `Head.raw`, `Body.wire`,
`Trailers.raw`, `Problem.raw` or `End.rest`. What cannot be framed without guessing is a `Problem`; after it the bytes are given
on as they are until the connection ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

HEAD_LIMIT = 256 * 1024
CHUNK_LINE_LIMIT = 16 * 1024
TRAILER_LIMIT = 64 * 1024
CHUNKS_AT_ONCE = 128 * 1024
"""How much of a chunked body is framed in one turn, bytes."""
INTERIM_LIMIT = 32
"""More 1xx answers than this before the answer itself are not waited for."""
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: ([^\r\n]*))?")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ \r\n]+) HTTP/1\.([01])")
_FIELD_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*")
_PLAIN_HEAD = re.compile(rb"[^\r\n]*\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\x00]*\r\n)*\r\n")
"""What nearly all heads look like: CRLF throughout, no folding, no blanks before colons. Read without looking twice."""
_LENGTH = re.compile(rb"[0-9]{1,19}")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:[^\r\n\x00]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?")


class Flaw(StrEnum):
    """Reason why a message could not be framed. The value is the typed reason that reaches the inventory."""

    STATUS_LINE = "malformed status line"
    REQUEST_LINE = "malformed request line"
    FIELD = "malformed header field"
    BARE_CR = "bare CR in the header"
    HEAD_TOO_LONG = "header too long"
    BAD_LENGTH = "malformed Content-Length"
    TWO_LENGTHS = "two different Content-Lengths"
    LENGTH_AND_CHUNKED = "both Content-Length and Transfer-Encoding"
    TRANSFER_CODING = "unknown transfer coding"
    BAD_CHUNK = "malformed chunk"
    TRAILER = "malformed or endless trailer"
    INTERIM = "interim answers without end"
    UPGRADE = "protocol upgrade"
    CUT = "connection closed before the end"
    NO_ANSWER = "connection closed without an answer"


@dataclass(frozen=True)
class Interim:
    """A 1xx answer other than 101 (RFC 9110 15.2)."""

    raw: bytes
    status: int


@dataclass(frozen=True)
class Head:
    """Start line and fields. `fields` keep order, case and repetitions; values are stripped of outer blanks."""

    raw: bytes
    version: int
    status: int | None
    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]] = field(repr=False)
    expected: int | None = None
    chunked: bool = False
    bodiless: bool = False
    close_delimited: bool = False
    odd: tuple[bytes, ...] = ()
    """Lines that are no fields by the grammar, and that browsers pass over. None of them could be about the framing."""
    flaw: Flaw | None = None
    """Why two readers would see two different bodies, if they would. The body is then taken as it comes."""

    @cached_property
    def _by_name(self) -> dict[bytes, list[bytes]]:
        index: dict[bytes, list[bytes]] = {}
        for key, value in self.fields:
            index.setdefault(key.lower(), []).append(value)
        return index

    def all(self, name: bytes) -> list[bytes]:
        """Return all values of a field, in order. `name` in lower case."""
        return self._by_name.get(name, [])

    def first(self, name: bytes) -> str | None:
        """Return the first value of a field, decoded as Latin-1, or None. `name` in lower case."""
        values = self.all(name)
        return values[0].decode("latin-1") if values else None

    @property
    def regular(self) -> bytes:
        """The head without its odd lines, for clients that would refuse them."""
        if not self.odd:
            return self.raw
        start = self.raw.partition(b"\n")[0].rstrip(b"\r")
        return b"\r\n".join([start, *(name + b": " + value for name, value in self.fields), b"", b""])

    @property
    def persistent(self) -> bool:
        """Whether the connection may carry another message after this one (RFC 9112 9.3)."""
        options = {item.strip().lower() for value in self.all(b"connection") for item in value.split(b",")}
        if b"close" in options or self.close_delimited:
            return False
        return self.version == 1 or b"keep-alive" in options


@dataclass(frozen=True)
class Body:
    """Part of a body. `wire`: as received, with framing. `payload`: without transfer coding (same object if none)."""

    wire: bytes
    payload: bytes


@dataclass(frozen=True)
class Trailers:
    """The trailer section of a chunked body with its last empty line, or what came of it. Fields of it may be secret."""

    raw: bytes


@dataclass(frozen=True)
class End:
    """End of a complete message. `rest` was received after it and belongs to no message yet."""

    rest: bytes


@dataclass(frozen=True)
class Problem:
    """A message that cannot be framed, and why. `raw`: the bytes of the header at fault, if it was the header."""

    flaw: Flaw
    raw: bytes = b""


Event = Interim | Head | Body | Trailers | End | Problem


class Framing:
    """Frames one message of a connection. `feed` bytes, then `eof`; after `End` nothing more may be fed."""

    def __init__(self, request_method: bytes | None = None) -> None:
        """`request_method`: the request whose answer is framed; None frames a request."""
        self._method = request_method
        self._buffer = bytearray()
        self._state = "head"
        self._remaining = 0
        self._started = False
        self._interim = 0
        self._unread = False
        """Whether there are whole chunks in the buffer that were not looked at yet."""
        self._trailer_line = 0
        """Where, in the buffer, the next line of the trailer section begins."""
        self._framed = False
        """Whether chunk framing was read: once it breaks, what follows is no payload."""
        self.head: Head | None = None

    @property
    def complete(self) -> bool:
        """Whether the message has been read to its end."""
        return self._state == "end"

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes as they arrive; return the events that they complete. A flaw is a `Problem`, nothing is raised."""
        return [event for events in self.in_turns(data) for event in events]

    def in_turns(self, data: bytes) -> Iterator[list[Event]]:
        """Take bytes as `feed` does, and yield the events in parts none of which takes long to make.

        A megabyte may hold a hundred thousand chunks.
        """
        yield self._taken(data)
        while self._unread:
            yield self._chunked()

    def _taken(self, data: bytes) -> list[Event]:
        if data:
            self._started = True
        if self._state == "length":
            return self._length(data)
        if self._state in ("close", "raw"):
            return [Body(data, b"" if self._framed else data)] if data else []
        self._buffer += data
        if self._state == "head":
            return self._head()
        return self._trailers() if self._state == "trailer" else self._chunked()

    def eof(self) -> list[Event]:
        """Take note that the sender closed the connection; return the last events.

        This ends a body that is delimited by the close. Anything else that is unfinished is a `Problem`.
        """
        rest = bytes(self._buffer)
        self._buffer.clear()
        if self._state == "close":
            self._state = "end"
            return [End(b"")]
        if self._state in ("end", "raw"):
            return []
        state, self._state = self._state, "raw"
        if state == "head":
            return [Problem(Flaw.CUT if self._started else Flaw.NO_ANSWER, rest)]
        last: list[Event] = [Trailers(rest) if state == "trailer" else Body(rest, b"")] if rest else []
        return [*last, Problem(Flaw.CUT)]

    # -- head ------------------------------------------------------------------------------------------

    def _head(self) -> list[Event]:
        events: list[Event] = []
        while self._state == "head":
            end = _head_end(self._buffer)
            if end < 0 or end > HEAD_LIMIT:
                if len(self._buffer) > HEAD_LIMIT:
                    events += self._flawed(Flaw.HEAD_TOO_LONG)
                elif not _could_start(self._buffer, self._method is None):
                    events += self._flawed(Flaw.REQUEST_LINE if self._method is None else Flaw.STATUS_LINE)
                return events
            raw = bytes(self._buffer[:end])
            parsed = _parse_head(raw, self._method)
            if isinstance(parsed, Flaw):
                return events + self._flawed(parsed)
            del self._buffer[:end]
            if parsed.status is not None and 100 <= parsed.status < 200 and parsed.status != 101:
                self._interim += 1
                events.append(Interim(raw, parsed.status))
                if self._interim == INTERIM_LIMIT:
                    return events + self._flawed(Flaw.INTERIM)
                continue
            self.head = parsed
            events.append(parsed)
            events += self._enter(parsed)
        return events

    def _enter(self, head: Head) -> list[Event]:
        rest = bytes(self._buffer)
        self._buffer.clear()
        if head.status == 101:
            self._state = "raw"
            return [Problem(Flaw.UPGRADE), *([Body(rest, rest)] if rest else [])]
        if head.flaw is not None and not head.bodiless:
            self._state = "raw"
            return [Problem(head.flaw), *([Body(rest, rest)] if rest else [])]
        if head.bodiless or (head.expected == 0 and not head.chunked):
            self._state = "end"
            return [End(rest)]
        if head.chunked:
            self._state, self._framed = "size", True
            self._buffer += rest
            return self._chunked()
        if head.expected is not None:
            self._state, self._remaining = "length", head.expected
            return self._length(rest)
        self._state = "close"
        return [Body(rest, rest)] if rest else []

    def _flawed(self, flaw: Flaw) -> list[Event]:
        raw = bytes(self._buffer)
        self._buffer.clear()
        self._state = "raw"
        return [Problem(flaw, raw)]

    # -- bodies ----------------------------------------------------------------------------------------

    def _length(self, data: bytes) -> list[Event]:
        if not data:
            return []
        if len(data) < self._remaining:
            self._remaining -= len(data)
            return [Body(data, data)]
        body, rest = data[: self._remaining], data[self._remaining :]
        self._state = "end"
        return [Body(body, body), End(rest)]

    def _chunked(self) -> list[Event]:
        """Consumes what it can and reports it as one `Body`: the wire slice beside the joined chunk data."""
        buffer, at, payload = self._buffer, 0, []
        flaw: Flaw | None = None
        self._unread = False
        while flaw is None:
            if at >= CHUNKS_AT_ONCE:
                self._unread = True
                break
            if self._state == "data":
                take = min(self._remaining, len(buffer) - at)
                payload.append(bytes(buffer[at : at + take]))
                at += take
                self._remaining -= take
                if self._remaining:
                    break
                self._state = "data-end"
            if self._state == "data-end":
                if len(buffer) - at < 2:
                    if len(buffer) - at == 1 and buffer[at] != 0x0D:
                        flaw = Flaw.BAD_CHUNK
                    break
                if buffer[at : at + 2] != b"\r\n":
                    flaw = Flaw.BAD_CHUNK
                    break
                at += 2
                self._state = "size"
            if self._state == "size":
                end = buffer.find(b"\r\n", at, at + CHUNK_LINE_LIMIT)
                if end < 0:
                    bad_start = at < len(buffer) and not re.match(rb"[0-9A-Fa-f]", buffer[at : at + 1])
                    if bad_start or len(buffer) - at >= CHUNK_LINE_LIMIT:
                        flaw = Flaw.BAD_CHUNK
                    break
                match = _CHUNK_SIZE.fullmatch(buffer, at, end)
                if not match:
                    flaw = Flaw.BAD_CHUNK
                    break
                self._remaining = int(match[1], 16)
                at = end + 2
                self._state = "data" if self._remaining else "trailer"
                if not self._remaining:
                    break
        wire = bytes(buffer[:at])
        del buffer[:at]
        events: list[Event] = [Body(wire, b"".join(payload))] if wire else []
        if flaw is not None:
            return [*events, *self._broken(flaw)]
        return [*events, *self._trailers()] if self._state == "trailer" else events

    def _trailers(self) -> list[Event]:
        """Hold the trailer section back until it is whole: its fields may have to be withheld."""
        buffer = self._buffer
        while True:
            end = buffer.find(b"\r\n", self._trailer_line)
            if end < 0 and len(buffer) <= TRAILER_LIMIT:
                return []
            line = buffer[self._trailer_line : end]
            if end == self._trailer_line:
                raw, rest = bytes(buffer[: end + 2]), bytes(buffer[end + 2 :])
                buffer.clear()
                self._state = "end"
                return [Trailers(raw), End(rest)]
            if end < 0 or end > TRAILER_LIMIT or not _TRAILER_LINE.fullmatch(line):
                held = bytes(buffer[: self._trailer_line])
                del buffer[: self._trailer_line]
                return [*([Trailers(held)] if held else []), *self._broken(Flaw.TRAILER)]
            self._trailer_line = end + 2

    def _broken(self, flaw: Flaw) -> list[Event]:
        """End the framing of a body at what is left in the buffer."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._state = "raw"
        return [Problem(flaw), *([Body(rest, b"")] if rest else [])]


def _head_end(buffer: bytearray) -> int:
    """Offset behind the empty line, or -1. Lines end in CRLF, or in LF alone (RFC 9112 2.2)."""
    crlf = buffer.find(b"\r\n\r\n")
    ends = [crlf + 4] if crlf >= 0 else []
    for mark in (b"\n\n", b"\n\r\n"):
        at = buffer.find(mark, 0, crlf + 4 if crlf >= 0 else len(buffer))
        if at >= 0:
            ends.append(at + len(mark))
    return min(ends, default=-1)


def _could_start(buffer: bytearray, request: bool) -> bool:
    """False as soon as the bytes can no longer become a message, so that a hostile stream is not awaited."""
    line = bytes(buffer[:9])
    if request:
        return b"\n" not in buffer or bool(_REQUEST_LINE.match(buffer))
    return b"HTTP/1.".startswith(line[:7]) if len(line) < 7 else line.startswith(b"HTTP/1.")


def _parse_head(raw: bytes, method: bytes | None) -> Head | Flaw:
    simple = bool(_PLAIN_HEAD.fullmatch(raw))
    if not simple and b"\r" in raw.replace(b"\r\n", b""):
        return Flaw.BARE_CR
    lines = raw[:-4].split(b"\r\n") if simple else raw.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    if method is None:
        match = _REQUEST_LINE.fullmatch(lines[0])
        if not match:
            return Flaw.REQUEST_LINE
        version, status, own_method, target = int(match[3]), None, match[1], match[2]
    else:
        match = _STATUS_LINE.fullmatch(lines[0])
        if not match:
            return Flaw.STATUS_LINE
        version, status, own_method, target = int(match[1]), int(match[2]), method, b""
    fields = (
        [(name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines[1:])]
        if simple
        else []
    )
    odd: list[bytes] = []
    after_odd = False
    for line in () if simple else lines[1:]:
        if line[:1] in (b" ", b"\t"):  # obsolete folding (RFC 9112 5.2): belongs to the field before
            if not fields and not odd:
                return Flaw.FIELD
            if after_odd:
                odd.append(line)
                continue
            name, value = fields[-1]
            fields[-1] = (name, (value + b" " + line.strip(b" \t")).strip(b" \t"))
            continue
        name, colon, value = line.partition(b":")
        after_odd = not colon or not _FIELD_NAME.fullmatch(name)
        if b"\x00" in line or (after_odd and (method is None or _about_framing(line))):
            return Flaw.FIELD
        if after_odd:
            odd.append(line)
            continue
        fields.append((name.rstrip(b" \t"), value.strip(b" \t")))
    if any(_about_framing(line) for line in odd):
        return Flaw.FIELD
    plain = Head(raw, version, status, own_method, target, fields, odd=tuple(odd))
    codings = _codings(plain)
    flaw = _ambiguity(plain)
    chunked = flaw is None and bool(codings) and codings[-1] == b"chunked"
    bodiless = method is not None and (method == b"HEAD" or status in (204, 304))
    expected = _content_length(plain)
    close = method is not None and not chunked and expected is None and not bodiless
    if method is None and not codings and expected is None:
        expected = 0
    return replace(
        plain, expected=expected, chunked=chunked and not bodiless, bodiless=bodiless, close_delimited=close, flaw=flaw
    )


def _about_framing(line: bytes) -> bool:
    """Whether some reader could take a line that is no field for one that says where the body ends."""
    letters = re.sub(rb"[^a-z]", b"", line.lower())
    return any(word in letters for word in (b"contentlength", b"transferencoding", b"chunked"))


def _codings(head: Head) -> list[bytes]:
    """Transfer codings in the order in which they were applied."""
    values = head.all(b"transfer-encoding")
    return [c.strip(b" \t").lower() for value in values for c in value.split(b",") if c.strip(b" \t")]


def _lengths(head: Head) -> list[bytes]:
    return [item.strip(b" \t") for value in head.all(b"content-length") for item in value.split(b",")]


def _content_length(head: Head) -> int | None:
    lengths = _lengths(head)
    if not lengths or any(not _LENGTH.fullmatch(item) for item in lengths):
        return None
    values = {int(item) for item in lengths}
    return values.pop() if len(values) == 1 else None


def _ambiguity(head: Head) -> Flaw | None:
    """What would make two readers see two different bodies."""
    lengths = _lengths(head)
    if lengths and head.all(b"transfer-encoding"):
        return Flaw.LENGTH_AND_CHUNKED
    if head.all(b"transfer-encoding"):
        names = _codings(head)
        known = {b"chunked", b"gzip", b"deflate", b"compress", b"x-gzip", b"identity"}
        if head.version == 0 or any(name not in known for name in names) or names.count(b"chunked") > 1:
            return Flaw.TRANSFER_CODING
        if b"chunked" in names[:-1] or (head.status is None and names[-1:] != [b"chunked"]):
            return Flaw.TRANSFER_CODING
    if any(not _LENGTH.fullmatch(item) for item in lengths):
        return Flaw.BAD_LENGTH
    if len({int(item) for item in lengths}) > 1:
        return Flaw.TWO_LENGTHS
    return None
