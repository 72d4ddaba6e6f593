"""Fetching files into the WARC: redirects, ranges, breaks and resumption. The bytes are kept once.

A file may arrive in several answers: because the server wants ranges, because a connection broke, or because the
process was killed and an earlier capture holds its beginning. Each answer is a record; `FileGot.pieces` says how
they make the file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from archiver.outcomes import of_exchange
from archiver.recorder import ExchangeDone, Port
from spiders.posts import Outcome
from storage.assembly import Piece, payload
from storage.errors import EvidenceError
from storage.lines import read_lines
from storage.records import RecordRef
from storage.warc import read_warc

if TYPE_CHECKING:
    from archiver.home import Home

REDIRECTS = 10
PAUSES = (0.5, 2.0, 8.0)
"""Seconds to wait before asking again for the rest of a file, where asking brought nothing."""
_SPAN = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_TAG = re.compile(r"(.*) bytes (\d{1,18})(?: hop \d+)?")


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


@dataclass
class Begun:
    """What is held of a file before asking on: its pieces, and what the server said of the whole."""

    pieces: list[Piece] = field(default_factory=list)
    total: int | None = None
    validator: str | None = None

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
                url = urljoin(done.uri, location)
                continue
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


def begun_in(home: Home, captures: Sequence[str], tag: str) -> Begun:
    """What earlier, sealed captures hold of the file that was fetched under `tag`: its contiguous beginning."""
    found: list[tuple[int, int, str, str, int | None, str | None]] = []
    for capture in captures:
        folder = home.path / home.capture_folder(capture)
        try:
            lines = list(read_lines(folder / "records.jsonl"))
        except (OSError, EvidenceError):
            continue
        for line in lines:
            match = _TAG.fullmatch(line.get("tag") or "")
            mine = line.get("tag") == tag or (match is not None and match[1] == tag)
            if not mine or line.get("type") not in ("response", "revisit") or line.get("status") not in (200, 206):
                continue
            # Of a revisit the bytes lie where it refers to; left out, they would be asked for again.
            where = line.get("refers") or {"capture": capture, "record": line["id"]}
            head = _head(folder / line["file"], line["offset"])
            if head is None or head.get("content-encoding") or head.get("transfer-encoding"):
                continue
            size = line.get("payload_size")
            length = size if isinstance(size, int) else None
            span = _SPAN.fullmatch(head.get("content-range", ""))
            start = int(span[1]) if span else 0
            stated = (int(span[3]) if span[3] != "*" else None) if span else _digits(head.get("content-length"))
            if length is None:
                length = sum(len(part) for part in payload(folder / line["file"], line["offset"], 0, 1 << 62))
            tag_ = head.get("etag")
            validator = tag_ if tag_ and not tag_.startswith("W/") else head.get("last-modified")
            if length:
                found.append((start, length, where["record"], where["capture"], stated, validator))
    held = Begun()
    for start, length, record, capture, total, validator in sorted(found):
        if held.pieces and (total != held.total or validator != held.validator):
            continue  # another version of the file
        if start <= held.size < start + length:
            skip = held.size - start
            held.pieces.append(Piece(record, skip, length - skip, capture))
            held.total, held.validator = total, validator
    # Without a validator nobody can say that the rest would belong to the same file.
    return held if held.total is not None and held.validator else Begun()


def _digits(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _head(path: Path, offset: int) -> dict[str, str] | None:
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            record = next(read_warc(stream), None)
            return {name.lower(): value for name, value in record.http_fields} if record else None
    except (OSError, EvidenceError):
        return None
