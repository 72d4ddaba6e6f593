"""MHTML (RFC 2557): a page and its files in one MIME message, as browsers save it. Pure and total.

Python's own reader of messages is not used for the whole: it takes many times the size in memory, and recurses.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser

from archiver.intake.bodies import BodyReading
from spiders.http_values import http_date
from spiders.reading import nothing, parse_body

_HEAD_LIMIT = 64 << 10
PARTS = 10_000
_DEPTH = 3
_FIELD = re.compile(rb"[!-9;-~]+:[^\n]*\n")
_MARKS = re.compile(
    rb"(?im)^(?:mime-version|snapshot-content-location|content-location|content-transfer-encoding|content-id)[ \t]*:"
)
_MULTIPART = re.compile(rb"(?im)^content-type[ \t]*:[ \t]*multipart/")


@dataclass(frozen=True)
class _Part:
    head: Message
    body: bytes

    @property
    def location(self) -> str | None:
        return _one_line(self.head.get("Content-Location"))

    def content(self) -> bytes | None:
        """The body with its transfer encoding removed (RFC 2045 6); None where it is damaged."""
        coding = str(self.head.get("Content-Transfer-Encoding") or "").strip().lower()
        try:
            if coding == "quoted-printable":
                return quopri.decodestring(self.body)
            if coding == "base64":
                return binascii.a2b_base64(self.body)
        except (ValueError, binascii.Error):
            return None
        return self.body


def is_mhtml(data: bytes) -> bool:
    """Return whether bytes are a MIME message with parts, or what is left of one."""
    head = data[:_HEAD_LIMIT].lstrip()
    if head[:1] in (b"<", b"{", b"["):
        return False
    begins = _FIELD.match(head) is not None or head.startswith(b"--")
    return begins and (_MULTIPART.search(head) is not None or len(_MARKS.findall(head)) >= 2)


def read_mhtml(data: bytes, url: str | None, source: str) -> Iterator[BodyReading]:
    """Read the page that a message holds, and the posts in its frames.

    The page is the part that `start` names, else the one with the address that the message gives, else the first page.
    """
    top = _split(data)
    boundary = top.head.get_boundary() if top is not None else None
    if top is None or not boundary:
        yield BodyReading(
            source, url, nothing("malformed MHTML: its head names no boundary between its parts", "mhtml")
        )
        return
    parts = list(_parts(top, _DEPTH))
    page = _page(top.head, parts)
    if page is None:
        yield BodyReading(source, url, nothing("malformed MHTML: no page in it", "mhtml"))
        return
    observed = http_date(str(top.head.get("Date") or ""))
    address = url or _web(page.location) or _web(_one_line(top.head.get("Snapshot-Content-Location")))
    yield _reading(page, address, source, observed)
    for number, part in enumerate(parts):
        if part is not page and _is_page(part) and _web(part.location) is not None:
            reading = _reading(part, part.location, f"{source}#{number}", observed)
            if reading.parsed.posts and reading.parsed.platform != "page":
                yield reading  # a post that the page shows in a frame; other frames are the page's furniture


def _reading(part: _Part, url: str | None, source: str, observed: datetime | None) -> BodyReading:
    content = part.content()
    if content is None:
        return BodyReading(source, url, nothing("malformed MHTML: a page that cannot be decoded", "mhtml"))
    kind = _one_line(part.head.get("Content-Type"))
    return BodyReading(source, url, parse_body(content, url, kind, observed))


def _page(head: Message, parts: list[_Part]) -> _Part | None:
    pages = [part for part in parts if _is_page(part)]
    start = _parameter(head, "start")
    named = [part for part in parts if start and _one_line(part.head.get("Content-ID")) == start]
    address = _one_line(head.get("Snapshot-Content-Location")) or _one_line(head.get("Content-Location"))
    placed = [part for part in pages if address and part.location == address]
    return next(iter([*named, *placed, *pages]), None)


def _is_page(part: _Part) -> bool:
    return part.head.get_content_type() in ("text/html", "application/xhtml+xml")


def _parts(whole: _Part, depth: int) -> Iterator[_Part]:
    """The parts of a message that are not made of parts themselves, in order."""
    boundary = whole.head.get_boundary()
    if not boundary or depth == 0:
        return
    mark = re.escape(boundary.encode("utf-8", "surrogateescape"))
    pieces = re.split(rb"(?m)^--" + mark + rb"(?:--)?[ \t]*\r?$\n?", whole.body, maxsplit=PARTS)
    for piece in pieces[1:]:
        part = _split(piece)
        if part is None:
            continue
        if part.head.get_content_maintype() == "multipart":
            yield from _parts(part, depth - 1)
        else:
            yield part


def _split(data: bytes) -> _Part | None:
    """A head and what follows it; None where there is no end of a head."""
    data = data.lstrip(b"\r\n")
    end = re.compile(rb"\r?\n\r?\n").search(data, 0, _HEAD_LIMIT)
    if end is None:
        return None
    return _Part(BytesHeaderParser().parsebytes(data[: end.end()]), data[end.end() :])


def _parameter(head: Message, name: str) -> str | None:
    found = head.get_param(name)
    return _one_line(found) if isinstance(found, str) else None


def _one_line(value: object) -> str | None:
    """A header's value without folds (RFC 5322 2.2.3); None where there is none."""
    return re.sub(r"[\r\n]+[ \t]*", "", str(value)).strip() or None if value is not None else None


def _web(link: str | None) -> str | None:
    return link if link is not None and link.lower().startswith(("http://", "https://")) else None
