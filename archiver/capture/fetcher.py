"""Fetching files into the WARC: redirects, ranges, breaks and resumption. The bytes are kept once.

A file may arrive in several answers: because the server wants ranges, because a connection broke, or because the
process was killed and an earlier capture holds its beginning. Each answer is a record; `FileGot.pieces` says how
they make the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archiver.capture.outcomes import of_exchange
from archiver.capture.resume import _SPAN, Begun
from archiver.recorder.exchange import ExchangeDone
from archiver.recorder.proxy import Port
from archiver.recorder.url import ascii_of
from spiders.links import safe_join
from spiders.posts import Outcome
from storage.assembly import Piece
from storage.records import RecordRef

if TYPE_CHECKING:
    pass

REDIRECTS = 10
PAUSES = (0.5, 2.0, 8.0)
"""Seconds to wait before asking again for the rest of a file, where asking brought nothing."""


@dataclass
class FileGot:
    """What became of one file. `pieces` in order make its first `size` bytes."""

    outcome: Outcome
    reason: str | None
    record: str | None = None
    done: ExchangeDone | None = None
    pieces: list[Piece] = field(default_factory=list)
    media_type: str | None = None

    @property
    def size(self) -> int:
        return sum(piece.length for piece in self.pieces)


class Files:
    """Fetches for one capture."""

    def __init__(self, port: Port, user_agent: str, pauses: Sequence[float] = PAUSES) -> None:
        self._port = port
        self._agent = user_agent
        self._pauses = pauses

    async def get(
        self,
        tag: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        chunk: int | None = None,
        span: tuple[int, int] | None = None,
        text: bool = False,
        keep_body: int = 0,
        begun: Begun | None = None,
        see: Callable[[list[Piece]], None] = lambda pieces: None,
    ) -> FileGot:
        """One file. `chunk`: ask in ranges of so many bytes. `span`: only (offset, length) of it.

        `text`: compression is welcome. `begun`: what earlier captures hold of it. `see` is told the pieces after each answer.
        Never raises for the network.
        """
        own = {name.lower() for name, _ in headers}
        common = [("User-Agent", self._agent)] if "user-agent" not in own else []
        common += [*headers, *([("Accept", "*/*")] if "accept" not in own else [])]
        common.append(("Accept-Encoding", "gzip" if text else "identity"))
        held = begun or Begun()
        resumed = held.size
        idle = 0
        while True:
            start = held.size
            done, url = await self._ask(tag, url, common, held, chunk, span, keep_body)
            outcome, reason = of_exchange(done)
            if done.status == 416 and held.total is not None and held.size >= held.total:
                return FileGot(Outcome.CAPTURED, _resumed(resumed), held.pieces[0].record, done, held.pieces)
            if done.status not in (200, 206) or done.record is None:
                if start and (done.status is None or done.status >= 500) and idle < len(self._pauses):
                    await asyncio.sleep(self._pauses[idle])
                    idle += 1
                    continue
                if start:
                    outcome, reason = Outcome.PARTIAL, f"{_amount(held)} kept, then: {reason}"
                record = done.record.record_id if done.record else None
                return FileGot(outcome, reason, record, done, held.pieces)
            problem = self._take(held, done, span)
            see(list(held.pieces))
            if problem is not None:
                return FileGot(Outcome.PARTIAL, problem, done.record.record_id, done, held.pieces)
            here = bool(held.pieces) and held.pieces[0].capture is None
            got = FileGot(outcome, reason, held.pieces[0].record if here else done.record.record_id, done, held.pieces)
            got.media_type = done.header("content-type")
            if held.total is None and not done.complete and not done.size:
                return got
            whole = held.size >= held.total if held.total is not None else done.complete
            if whole:
                got.outcome, got.reason = Outcome.CAPTURED, _resumed(resumed)
                return got
            if span is not None or done.problem in ("stopped", "interrupted") or self._port.stopped:
                got.outcome = Outcome.PARTIAL if outcome is Outcome.CAPTURED else outcome
                got.reason = reason or self._port.stopped
                return got
            if start and done.status == 200 and not done.complete:
                # It sends the whole file again and breaks off again: asking on would only fill the disk.
                got.outcome, got.reason = (
                    Outcome.PARTIAL,
                    f"{_amount(held)} kept; the server does not give the rest alone",
                )
                return got
            idle = 0 if held.size > start else idle + 1
            if idle > len(self._pauses) or (not done.complete and not _resumable(done, held)):
                got.outcome, got.reason = (
                    Outcome.PARTIAL,
                    f"{_amount(held)} kept; {reason or 'the server sends no more'}",
                )
                return got
            if not done.complete:
                await asyncio.sleep(self._pauses[min(idle, len(self._pauses) - 1)] if idle and self._pauses else 0)

    async def _ask(
        self,
        tag: str,
        url: str,
        common: list[tuple[str, str]],
        held: Begun,
        chunk: int | None,
        span: tuple[int, int] | None,
        keep_body: int,
    ) -> tuple[ExchangeDone, str]:
        """Asks for what comes next, through redirects. Returns the answer and the link that gave it."""
        start = held.size
        fields = list(common)
        if span is not None:
            fields.append(("Range", f"bytes={span[0]}-{span[0] + span[1] - 1}"))
        elif start or chunk:
            end = start + chunk - 1 if chunk else None
            fields.append(("Range", f"bytes={start}-{'' if end is None else end}"))
            if start and held.validator:
                fields.append(("If-Range", held.validator))
        mark = f"{tag} bytes {start}" if span is None and (start or chunk) else tag
        for hop in range(REDIRECTS + 1):
            done = await asyncio.wrap_future(
                self._port.fetch(url, fields, f"{mark} hop {hop}" if hop else mark, keep_body)
            )
            location = done.header("location")
            if done.status in (301, 302, 303, 307, 308) and location and done.problem is None:
                location = _as_browsers_read(location)
                url = safe_join(done.uri, location) or location
                continue
            if hop and done.problem == "unsupported link":
                done = replace(done, detail=f"{done.detail}; a redirect led to {url[:200]!r}")
            return done, url
        return ExchangeDone(tag, url, None, problem="redirect loop"), url

    def _take(self, held: Begun, done: ExchangeDone, span: tuple[int, int] | None) -> str | None:
        """Adds an answer to what is held. Returns what is wrong with it, if anything."""
        assert done.record is not None
        if done.header("content-encoding") not in (None, "", "identity") and held.pieces:
            return "the server compressed a part of the file"
        if done.status == 200:
            # The whole file: asked for without a range, or the server does not give ranges, or it has changed.
            held.pieces.clear()
            start, total = 0, _length(done)
            if span is not None and total is not None and total > span[1]:
                held.pieces.append(_piece(done.record, span[0], min(span[1], max(0, done.size - span[0]))))
                held.total = span[1]
                return None
        else:
            match = _SPAN.fullmatch((done.header("content-range") or "").strip())
            if match is None:
                return "the server answered 206 without saying which part it is"
            start = int(match[1])
            total = int(match[3]) if match[3] != "*" else None
            if span is not None:
                start, total = start - span[0], span[1]
        if start != held.size:
            return f"the server sent the part from byte {start} where {held.size} was asked for"
        if held.total is not None and total is not None and total != held.total:
            return f"the file changed from {held.total} to {total} bytes while it was fetched"
        held.total = total if total is not None else held.total
        held.validator = held.validator or _validator(done)
        if done.size:
            held.pieces.append(_piece(done.record, 0, done.size))
        return None


def _as_browsers_read(location: str) -> str:
    """A `Location` field beyond ASCII: UTF-8 where it is that, else its bytes as they are, percent-encoded."""
    raw = location.encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ascii_of(raw)


def _piece(record: RecordRef, offset: int, length: int) -> Piece:
    """Bytes of an answer; they lie in an earlier capture where that holds the same."""
    refers = record.line.get("refers")
    if refers is None:
        return Piece(record.record_id, offset, length)
    return Piece(refers["record"], offset, length, refers["capture"])


def _resumed(held: int) -> str | None:
    return f"resumed: {held} bytes lay in an earlier capture" if held else None


def _amount(held: Begun) -> str:
    return f"{held.size} of {held.total if held.total is not None else 'unknown'} bytes"


def _length(done: ExchangeDone) -> int | None:
    text = done.header("content-length") or ""
    return int(text) if text.isdigit() else None


def _validator(done: ExchangeDone) -> str | None:
    """RFC 9110 13.1.5: a strong entity tag, else the date of last modification."""
    tag = done.header("etag")
    if tag and not tag.startswith("W/"):
        return tag
    return done.header("last-modified")


def _resumable(done: ExchangeDone, held: Begun) -> bool:
    """Whether the rest can be asked for. Without a length nobody knows what the rest is."""
    if held.total is None:
        return False
    refuses = (done.header("accept-ranges") or "").strip().lower() == "none"
    return not refuses
