"""What the collector hands over, put into the open capture: objects, files, secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.capture.fetcher import FileGot
from spiders.posts import Attachment, Outcome
from spiders.telegram.api.asking import URN
from spiders.telegram.api.collector import Collector
from spiders.telegram.api.errors import Trouble
from spiders.telegram.api.file_parts import PART, SEGMENT, Parts, Renew, Segment
from spiders.telegram.api.ports import Thing
from spiders.telegram.api.tl import Location
from storage import canonical
from storage.assembly import Piece
from storage.digest import Sha256, sha256, sha256_hex
from storage.errors import EvidenceError
from storage.lines import read_lines

if TYPE_CHECKING:
    from archiver.capture.session import Act

RESUMABLE = 4 << 20
"""Files below this size are begun anew after a crash, bytes."""
SUFFIXES = {
    "video/mp4": ".mp4", "image/jpeg": ".jpg", "audio/ogg": ".oga", "audio/mpeg": ".mp3", "image/webp": ".webp",
    "application/x-tgsticker": ".tgs", "video/webm": ".webm", "application/pdf": ".pdf", "video/quicktime": ".mov",
}  # fmt: skip


class ActKeep:
    """The `Keep` port over one capture. Writing happens beside the loop, so that asking goes on meanwhile."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def digest(self, raw: bytes) -> str:
        return sha256_hex(raw)

    async def withhold(self, values: Sequence[tuple[str, bytes]]) -> list[str]:
        held = await asyncio.to_thread(self._act.writer.withhold, [("telegram", name, value) for name, value in values])
        return [item.commitment for item in held]

    async def keep(self, things: Sequence[Thing]) -> list[str]:
        def write() -> list[str]:
            act = self._act
            items = [
                (
                    thing.uri, thing.media_type,
                    thing.value if isinstance(thing.value, bytes) else _cleaned(act, thing.value),
                    act.clean(thing.facts),
                )
                for thing in things
            ]  # fmt: skip
            return [ref.record_id for ref in act.writer.resources(items)]

        return await asyncio.to_thread(write)


class TelegramFiles:
    """Brings files in segments, each a record, and says how they make the file."""

    def __init__(self, act: Act, collector: Collector) -> None:
        self._act, self._parts = act, Parts(collector)

    async def bring(
        self, key: str, attachment: Attachment, location: Location, uri: str,
        renew: Renew,
    ) -> FileGot:  # fmt: skip
        """One file, gone on with where an earlier capture holds its beginning. Never raises for the network."""
        act = self._act
        kind = attachment.extra.get("media_type") or (
            "image/jpeg" if location.kind == "photo" or location.thumb else "application/octet-stream"
        )
        state_key = sha256_hex(f"telegram file {location.id} {location.thumb}".encode())
        pieces, whole = await asyncio.to_thread(self._held, state_key, location)
        resumed = sum(piece.length for piece in pieces)
        if location.size is None or location.size >= RESUMABLE:
            act.home.state.file_begun(state_key, act.capture_id)
        got = FileGot(
            Outcome.CAPTURED, f"gone on with at byte {resumed}" if resumed else None, None, None, pieces, kind
        )
        checked, wrong = 0, 0
        try:
            async for segment in self._parts.file(location, resumed, renew):
                if not segment.data:
                    break
                segment, bad = await self._checked(location, segment, renew)
                checked, wrong = checked + len(segment.hashes), wrong + bad
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
                await asyncio.to_thread(self._write, where, kind, segment.data, facts, pieces, whole)
        except Trouble as trouble:
            got.outcome, got.reason = trouble.outcome, trouble.reason
            if pieces:
                got.outcome, got.reason = Outcome.PARTIAL, f"{got.size} bytes kept, then: {trouble.reason}"
        got.record = pieces[0].record if pieces else None
        if got.outcome is Outcome.CAPTURED:
            if location.size is not None and got.size != location.size:
                got.outcome, got.reason = (
                    Outcome.PARTIAL, f"{got.size} bytes kept; Telegram states {location.size}"
                )  # fmt: skip
            elif wrong:
                got.outcome, got.reason = Outcome.PARTIAL, f"{wrong} parts do not match the hashes that Telegram states"
            else:
                act.home.state.file_done(state_key)
        if pieces:
            about = {
                "file_id": str(location.id),
                "part_of": key,
                "uri": uri,
                "telegram_hashes_checked": checked or None,
            }
            name = attachment.file_name or f"{uri.rpartition(':')[2]}{SUFFIXES.get(kind, '')}"
            await asyncio.to_thread(act.pieces.assemble, name, got, about, whole)
        return got

    def _write(
        self, uri: str, kind: str, data: bytes, facts: dict[str, Any], pieces: list[Piece], whole: Sha256
    ) -> None:
        ref = self._act.writer.resources([(uri, kind, data, facts)])[0]
        whole.update(data)
        self._act.refs[ref.record_id] = ref
        self._act.arrived += len(data)
        pieces.append(Piece(ref.record_id, 0, len(data)))

    async def _checked(self, location: Location, segment: Segment, renew: Renew) -> tuple[Segment, int]:
        """The segment, each part asked for once more whose hash is not what Telegram states; how many still are not."""
        wrong = 0
        for offset, size, stated in segment.hashes:
            start = offset - segment.offset
            if await asyncio.to_thread(sha256, memoryview(segment.data)[start : start + size]) == stated:
                continue
            again = await self._parts.part(location, offset, size, renew)
            if sha256(again) != stated:
                wrong += 1
                continue
            segment = replace(segment, data=segment.data[:start] + again + segment.data[start + size :])
        return segment, wrong

    def _held(self, state_key: str, location: Location) -> tuple[list[Piece], Sha256]:
        """What earlier, sealed captures hold of the file from its beginning, in whole parts."""
        act = self._act
        found: dict[int, tuple[Piece, int]] = {}
        for capture in act.home.state.file_captures(state_key):
            if capture == act.capture_id:
                continue
            listed: Path = act.home.path / act.home.capture_folder(capture) / "records.jsonl"
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
                for part in act.pieces.parts([piece]):
                    whole.update(part)
            except (EvidenceError, OSError, KeyError):
                return [], Sha256()
            pieces.append(piece)
            at += size
            if size % PART:
                break
        return pieces, whole


def _cleaned(act: Act, value: dict[str, Any]) -> bytes:
    """Canonical JSON without configured secrets."""
    return canonical.dumps(act.clean(value))


def media_uri(chat: int | None, message: int, file: int, thumb: str = "") -> str:
    """`urn:evc:telegram:media:<chat>:<message>:<file>`, with the size's letter for a preview."""
    return f"{URN}:media:{chat if chat is not None else 'unknown'}:{message}:{file}" + (f":{thumb}" if thumb else "")
