"""Fetching files into the WARC: redirects, ranges, breaks and resumption. The bytes are kept once.

A file may arrive in several answers: because the server wants ranges, because a connection broke, or because the
process was killed and an earlier capture holds its beginning. Each answer is a record; `FetchedFile.pieces` says how
they make the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

from archiver.capture.outcomes import of_exchange
from archiver.capture.resume import PartialFile, strong_validator
from archiver.recorder.exchange import ExchangeDone
from archiver.recorder.proxy import Port
from archiver.recorder.url import ascii_of
from spiders.http_values import CONTENT_RANGE, digits
from spiders.links import mask_userinfo, safe_join
from spiders.posts import Outcome
from storage.assembly import Piece
from storage.records import RecordRef

REDIRECTS = 10
PAUSES = (0.5, 2.0, 8.0)
"""Seconds to wait before asking again for the rest of a file, where asking brought nothing."""


@dataclass
class FetchedFile:
    """Result of fetching one file. `pieces` in order make its first `size` bytes."""

    outcome: Outcome
    reason: str | None
    record: str | None = None
    done: ExchangeDone | None = None
    pieces: list[Piece] = field(default_factory=list)
    media_type: str | None = None
    assembly: str | None = None
    """SHA-256 of the whole file, where its pieces were written down as one."""

    @property
    def size(self) -> int:
        """Number of bytes that are held."""
        return sum(piece.length for piece in self.pieces)

    @property
    def facts(self) -> dict[str, Any]:
        """What its line in the inventory says of its bytes, beside its outcome."""
        partly = self.done.partly if self.done is not None else None
        assembly = {"assembly": self.assembly} if self.assembly is not None else {}
        return assembly | ({"partly_decoded": partly.line()} if partly is not None else {})


@dataclass(frozen=True)
class FetchRequest:
    """One file to fetch. `tag`: under which its exchanges are recorded."""

    tag: str
    url: str
    _: KW_ONLY
    headers: Sequence[tuple[str, str]] = ()
    chunk: int | None = None
    """Ask in ranges of so many bytes."""
    span: tuple[int, int] | None = None
    """Only (offset, length) of it."""
    text: bool = False
    """Compression is welcome."""
    keep_body: int = 0
    """Hand back the body, up to so many bytes."""
    partial: PartialFile | None = None
    """What earlier captures hold of it."""
    see: Callable[[list[Piece]], None] = lambda pieces: None
    """Is told the pieces after each answer."""


@dataclass(frozen=True)
class FetchAttempt:
    """One answer to a request, and how things stood when the request was made."""

    done: ExchangeDone
    start: int
    """How many bytes were held before."""
    part: PartialFile
    """What is held now."""
    problem: str | None = None
    """What is wrong with the answer."""
    resumed: int = 0
    """How many bytes lay in earlier captures."""
    idle: int = 0
    """How many answers in a row had brought nothing."""
    stopped: str | None = None
    """Why the capture was stopped."""


@dataclass(frozen=True)
class Finished:
    """Decision that there is nothing more to request."""

    file: FetchedFile


@dataclass(frozen=True)
class AskAgain:
    """Decision that the rest is to be requested after a pause."""

    seconds: float
    idle: int


class Fetcher:
    """Fetches the files of one capture."""

    def __init__(self, port: Port, user_agent: str, pauses: Sequence[float] = PAUSES) -> None:
        self._port = port
        self._agent = user_agent
        self._pauses = pauses

    async def fetch(self, request: FetchRequest) -> FetchedFile:
        """Fetch one file, in as many answers as that takes. Never raises for the network."""
        part = request.partial or PartialFile()
        resumed, idle, url = part.size, 0, request.url
        while True:
            start, problem = part.size, None
            done, url = await self._ask(request, url, part)
            if brought(done):
                part, problem = take(part, done, request.span)
                request.see(list(part.pieces))
            attempt = FetchAttempt(done, start, part, problem, resumed, idle, self._port.stopped)
            step = next_step(attempt, request.span, self._pauses)
            if isinstance(step, Finished):
                return step.file
            idle = step.idle
            if step.seconds:
                await asyncio.sleep(step.seconds)

    def _fields(self, request: FetchRequest, start: int, validator: str | None) -> list[tuple[str, str]]:
        """The request's header, with the range that comes next."""
        own = {name.lower() for name, _ in request.headers}
        fields = [("User-Agent", self._agent)] if "user-agent" not in own else []
        fields += [*request.headers, *([("Accept", "*/*")] if "accept" not in own else [])]
        fields.append(("Accept-Encoding", "gzip" if request.text else "identity"))
        if (span := request.span) is not None:
            fields.append(("Range", f"bytes={span[0]}-{span[0] + span[1] - 1}"))
        elif start or request.chunk:
            end = start + request.chunk - 1 if request.chunk else None
            fields.append(("Range", f"bytes={start}-{'' if end is None else end}"))
            if start and validator:
                fields.append(("If-Range", validator))
        return fields

    async def _ask(self, request: FetchRequest, url: str, held: PartialFile) -> tuple[ExchangeDone, str]:
        """Ask for what comes next, through redirects. Return the answer and the link that gave it."""
        tag, start = request.tag, held.size
        fields = self._fields(request, start, held.validator)
        mark = f"{tag} bytes {start}" if request.span is None and (start or request.chunk) else tag
        for hop in range(REDIRECTS + 1):
            done = await asyncio.wrap_future(
                self._port.fetch(url, fields, f"{mark} hop {hop}" if hop else mark, request.keep_body)
            )
            location = done.header("location")
            if done.status in (301, 302, 303, 307, 308) and location and done.problem is None:
                location = _as_browsers_read(location)
                url = safe_join(done.uri, location) or location
                continue
            if hop and done.problem == "unsupported link":
                done = replace(done, detail=f"{done.detail}; a redirect led to {mask_userinfo(url)[:200]!r}")
            return done, url
        return ExchangeDone(tag, url, None, problem="redirect loop"), url


def brought(done: ExchangeDone) -> bool:
    """Return whether an answer holds any bytes of a file."""
    return done.status in (200, 206) and done.record is not None


def take(held: PartialFile, done: ExchangeDone, span: tuple[int, int] | None) -> tuple[PartialFile, str | None]:
    """Add an answer that brought something to what is held.

    Returns what is held now, and what is wrong with the answer, if anything.
    """
    assert done.record is not None
    part = replace(held, pieces=list(held.pieces))
    if done.header("content-encoding") not in (None, "", "identity") and part.pieces:
        return part, "the server compressed a part of the file"
    if done.status == 200:
        # The whole file: asked for without a range, or the server does not give ranges, or it has changed.
        part.pieces.clear()
        start, total = 0, digits(done.header("content-length"))
        if span is not None and total is not None and total > span[1]:
            part.pieces.append(_piece(done.record, span[0], min(span[1], max(0, done.size - span[0]))))
            part.total = span[1]
            return part, None
    else:
        match = CONTENT_RANGE.fullmatch((done.header("content-range") or "").strip())
        if match is None:
            return part, "the server answered 206 without saying which part it is"
        start = int(match[1])
        total = int(match[3]) if match[3] != "*" else None
        if span is not None:
            start, total = start - span[0], span[1]
    if start != part.size:
        return part, f"the server sent the part from byte {start} where {part.size} was requested"
    if part.total is not None and total is not None and total != part.total:
        return part, f"the file changed from {part.total} to {total} bytes while it was fetched"
    part.total = total if total is not None else part.total
    part.validator = part.validator or strong_validator(done.header("etag"), done.header("last-modified"))
    if done.size:
        part.pieces.append(_piece(done.record, 0, done.size))
    return part, None


def next_step(attempt: FetchAttempt, span: tuple[int, int] | None, pauses: Sequence[float]) -> Finished | AskAgain:
    """Decide what follows an answer: the file as it is now, or a request for the rest. Has no side effects.

    `pauses`: seconds before each further try that brings nothing; there are as many tries.
    """
    done, part = attempt.done, attempt.part
    if not brought(done):
        return _after_nothing(attempt, pauses)
    assert done.record is not None
    if attempt.problem is not None:
        return Finished(FetchedFile(Outcome.PARTIAL, attempt.problem, done.record.record_id, done, part.pieces))
    outcome, reason = of_exchange(done)
    if part.total is None and not done.complete and not done.size:
        return Finished(_file(attempt, outcome, reason))
    if done.complete and done.partly is not None:
        return Finished(_file(attempt, outcome, reason))
    if part.size >= part.total if part.total is not None else done.complete:
        return Finished(_file(attempt, Outcome.CAPTURED, _resumed(attempt.resumed)))
    if span is not None or done.problem in ("stopped", "interrupted") or attempt.stopped:
        cut = Outcome.PARTIAL if outcome is Outcome.CAPTURED else outcome
        return Finished(_file(attempt, cut, reason or attempt.stopped))
    if attempt.start and done.status == 200 and not done.complete:
        # It sends the whole file again and breaks off again: asking on would only fill the disk.
        why = f"{_amount(part)} kept; the server cannot resume the download"
        return Finished(_file(attempt, Outcome.PARTIAL, why))
    idle = 0 if part.size > attempt.start else attempt.idle + 1
    if idle > len(pauses) or (not done.complete and not _resumable(done, part)):
        why = f"{_amount(part)} kept; {reason or 'the server sends no more'}"
        return Finished(_file(attempt, Outcome.PARTIAL, why))
    waits = not done.complete and idle and pauses
    return AskAgain(pauses[min(idle, len(pauses) - 1)] if waits else 0.0, idle)


def _after_nothing(attempt: FetchAttempt, pauses: Sequence[float]) -> Finished | AskAgain:
    """What follows an answer that holds nothing of the file."""
    done, part = attempt.done, attempt.part
    outcome, reason = of_exchange(done)
    if done.status == 416 and part.total is not None and part.size >= part.total:
        record = part.pieces[0].record
        return Finished(FetchedFile(Outcome.CAPTURED, _resumed(attempt.resumed), record, done, part.pieces))
    ours = done.status is None or done.status >= 500
    if attempt.start and ours and attempt.idle < len(pauses):
        return AskAgain(pauses[attempt.idle], attempt.idle + 1)
    if attempt.start:
        outcome, reason = Outcome.PARTIAL, f"{_amount(part)} kept, then: {reason}"
    return Finished(FetchedFile(outcome, reason, done.record.record_id if done.record else None, done, part.pieces))


def _file(attempt: FetchAttempt, outcome: Outcome, reason: str | None) -> FetchedFile:
    """What is held, as a file. Its record is the one of this capture that it begins in, else the last answer's."""
    done, pieces = attempt.done, attempt.part.pieces
    assert done.record is not None
    here = bool(pieces) and pieces[0].capture is None
    record = pieces[0].record if here else done.record.record_id
    return FetchedFile(outcome, reason, record, done, pieces, done.header("content-type"))


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


def _amount(held: PartialFile) -> str:
    return f"{held.size} of {held.total if held.total is not None else 'unknown'} bytes"


def _resumable(done: ExchangeDone, held: PartialFile) -> bool:
    """Whether the rest can be asked for. Without a length nobody knows what the rest is."""
    if held.total is None:
        return False
    refuses = (done.header("accept-ranges") or "").strip().lower() == "none"
    return not refuses
