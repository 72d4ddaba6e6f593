"""What the collector hands over, put into the open capture: objects, files, secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archiver.capture.context import CaptureContext
from archiver.capture.fetcher import FetchedFile
from archiver.capture.session import CaptureSession
from spiders.posts import Attachment, Outcome
from spiders.telegram.api.account_api import URN
from spiders.telegram.api.collector import Collector
from spiders.telegram.api.errors import TelegramError
from spiders.telegram.api.file_parts import PART, SEGMENT, FileSegment, Parts, Renew
from spiders.telegram.api.ports import Thing
from spiders.telegram.api.tl import Location
from storage import canonical
from storage.assembly import Piece
from storage.digest import Sha256, sha256, sha256_hex
from storage.errors import EvidenceError
from storage.lines import read_lines

RESUMABLE = 4 << 20
"""Files below this size are begun anew after a crash, bytes."""
SUFFIXES = {
    "video/mp4": ".mp4", "image/jpeg": ".jpg", "audio/ogg": ".oga", "audio/mpeg": ".mp3", "image/webp": ".webp",
    "application/x-tgsticker": ".tgs", "video/webm": ".webm", "application/pdf": ".pdf", "video/quicktime": ".mov",
}  # fmt: skip


class CaptureKeep:
    """The `Keep` port over one capture.

    Writing happens beside the loop, so that requests go on meanwhile.
    """

    def __init__(self, context: CaptureContext) -> None:
        self._context = context

    def digest(self, raw: bytes) -> str:
        """Return the SHA-256 of raw bytes, in hexadecimal."""
        return sha256_hex(raw)

    async def withhold(self, values: Sequence[tuple[str, bytes]]) -> list[str]:
        """Put (name, value) into the private record; return the commitment of each."""
        held = await asyncio.to_thread(
            self._context.writer.withhold, [("telegram", name, value) for name, value in values]
        )
        return [item.commitment for item in held]

    async def keep(self, things: Sequence[Thing]) -> list[str]:
        """Keep objects, each as a record; return their ids."""

        def write() -> list[str]:
            clean = self._context.secrets.clean
            items = [
                (
                    thing.uri, thing.media_type,
                    thing.value if isinstance(thing.value, bytes) else canonical.dumps(clean(thing.value)),
                    clean(thing.facts),
                )
                for thing in things
            ]  # fmt: skip
            return [ref.record_id for ref in self._context.writer.resources(items)]

        return await asyncio.to_thread(write)


@dataclass
class _Checks:
    """How many parts were held against the hashes that Telegram states, and how many do not match."""

    made: int = 0
    wrong: int = 0

    def problem(self, size: int, stated: int | None) -> str | None:
        """What is wrong with a file of `size` bytes, or None."""
        if stated is not None and size != stated:
            return f"{size} bytes kept; Telegram states {stated}"
        return f"{self.wrong} parts do not match the hashes that Telegram states" if self.wrong else None


class TelegramFiles:
    """Fetches files in segments, each a record, and records how they make the file."""

    def __init__(self, session: CaptureSession, collector: Collector) -> None:
        self._context, self._assemblies = session.context, session.assemblies
        self._parts = Parts(collector)

    async def bring(self, key: str, attachment: Attachment, location: Location, uri: str, renew: Renew) -> FetchedFile:
        """Fetch one file, continuing where an earlier capture holds its beginning.

        Never raises for the network.
        """
        state = self._context.home.state
        state_key = sha256_hex(f"telegram file {location.id} {location.thumb}".encode())
        pieces, whole = await asyncio.to_thread(self._held, state_key, location)
        resumed = sum(piece.length for piece in pieces)
        if location.size is None or location.size >= RESUMABLE:
            state.file_begun(state_key, self._context.capture_id)
        said = f"gone on with at byte {resumed}" if resumed else None
        got = FetchedFile(Outcome.CAPTURED, said, None, None, pieces, _media_type(attachment, location))
        checks = _Checks()
        try:
            async for segment in self._parts.file(location, resumed, renew):
                if not segment.data:
                    break
                segment = await self._checked(location, segment, renew, checks)
                await asyncio.to_thread(self._write, segment, location, (key, uri), got, whole)
        except TelegramError as trouble:
            got.outcome, got.reason = trouble.outcome, trouble.reason
            if pieces:
                got.outcome, got.reason = Outcome.PARTIAL, f"{got.size} bytes kept, then: {trouble.reason}"
        got.record = pieces[0].record if pieces else None
        if got.outcome is Outcome.CAPTURED and (problem := checks.problem(got.size, location.size)) is not None:
            got.outcome, got.reason = Outcome.PARTIAL, problem
        elif got.outcome is Outcome.CAPTURED:
            state.file_done(state_key)
        if pieces:
            about = {
                "file_id": str(location.id),
                "part_of": key,
                "uri": uri,
                "telegram_hashes_checked": checks.made or None,
            }
            name = attachment.file_name or f"{uri.rpartition(':')[2]}{SUFFIXES.get(got.media_type or '', '')}"
            made = await asyncio.to_thread(self._assemblies.assemble, name, got, about, whole)
            got.assembly = made.sha256 if made else None
        return got

    def _write(
        self, segment: FileSegment, location: Location, names: tuple[str, str], got: FetchedFile, whole: Sha256
    ) -> None:
        """Keep one segment. `names`: the file's key in the inventory, and its URI."""
        key, uri = names
        end = segment.offset + len(segment.data)
        alone = segment.offset == 0 and (len(segment.data) < SEGMENT or end == location.size)
        facts = {
            "part_of": key,
            "file_id": str(location.id),
            "dc": location.dc or None,
            "thumb": location.thumb or None,
            "part_offset": segment.offset,
        }
        where = uri if alone else f"{uri}:part:{segment.offset}"
        kind = got.media_type or ""
        ref = self._context.writer.resources([(where, kind, segment.data, facts)])[0]
        whole.update(segment.data)
        self._context.exchanges.records[ref.record_id] = ref
        self._context.received_elsewhere += len(segment.data)
        got.pieces.append(Piece(ref.record_id, 0, len(segment.data)))

    async def _checked(self, location: Location, segment: FileSegment, renew: Renew, checks: _Checks) -> FileSegment:
        """The segment, each part asked for once more whose hash is not what Telegram states."""
        for offset, size, stated in segment.hashes:
            start = offset - segment.offset
            if await asyncio.to_thread(sha256, memoryview(segment.data)[start : start + size]) == stated:
                continue
            again = await self._parts.part(location, offset, size, renew)
            if sha256(again) != stated:
                checks.wrong += 1
                continue
            segment = replace(segment, data=segment.data[:start] + again + segment.data[start + size :])
        checks.made += len(segment.hashes)
        return segment

    def _held(self, state_key: str, location: Location) -> tuple[list[Piece], Sha256]:
        """What earlier, sealed captures hold of the file from its beginning, in whole parts."""
        found: dict[int, tuple[Piece, int]] = {}
        for capture in self._context.home.state.file_captures(state_key):
            if capture == self._context.capture_id:
                continue
            listed: Path = self._context.home.path / self._context.home.capture_folder(capture) / "records.jsonl"
            try:
                lines: list[dict[str, Any]] = list(read_lines(listed))
            except (OSError, EvidenceError):
                continue
            for line in lines:
                if line.get("file_id") == str(location.id) and (line.get("thumb") or "") == location.thumb:
                    size = line.get("payload_size")
                    if (
                        line.get("type") == "resource"
                        and isinstance(size, int)
                        and isinstance(line.get("part_offset"), int)
                    ):
                        found.setdefault(line["part_offset"], (Piece(line["id"], 0, size, capture), size))
        pieces: list[Piece] = []
        whole, at = Sha256(), 0
        while at in found and found[at][1]:
            piece, size = found[at]
            try:
                for part in self._assemblies.parts([piece]):
                    whole.update(part)
            except (EvidenceError, OSError, KeyError):
                return [], Sha256()
            pieces.append(piece)
            at += size
            if size % PART:
                break
        return pieces, whole


def _media_type(attachment: Attachment, location: Location) -> str:
    picture = location.kind == "photo" or location.thumb
    return attachment.extra.get("media_type") or ("image/jpeg" if picture else "application/octet-stream")


def media_uri(chat: int | None, message: int, file: int, thumb: str = "") -> str:
    """Return `urn:evc:telegram:media:<chat>:<message>:<file>`, with the size's letter for a preview."""
    return f"{URN}:media:{chat if chat is not None else 'unknown'}:{message}:{file}" + (f":{thumb}" if thumb else "")
