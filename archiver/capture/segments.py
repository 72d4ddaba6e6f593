"""Files that are served in fragments: HLS (also live) and DASH. Each fragment is a record; in order they are the file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from archiver.capture.context import CaptureContext
from archiver.capture.fetcher import FetchedFile, Fetcher, FetchRequest
from archiver.capture.hls_playlist import MediaSegment, Playlist, parse_playlist
from archiver.recorder.content_coding import decode_body
from archiver.tools.media.kinds import MANIFESTS, Ends, media_type, named
from spiders.json_access import dicts, length_of, text_of
from spiders.links import safe_join, safe_split
from spiders.posts import Outcome
from storage.assembly import Piece

AT_ONCE = 4
PLAYLIST_LIMIT = 8 << 20
MOST = 20_000
"""How many fragments of one file are taken: eleven hours of two seconds each. A manifest may name any number."""
MASTERS = 3
"""How many playlists of playlists are followed."""
QUIET_SECONDS = 120.0
"""A live playlist that brings nothing for so long has ended without saying so."""
Headers = list[tuple[str, str]]
Beginning = Callable[[list[Piece]], Awaitable[bytes]]
_MEDIA_TYPES = ("video/", "audio/", "application/octet-stream", "binary/")
Held = dict[tuple[str, str], Piece]


@dataclass
class SegmentedStream:
    """Fragments that were fetched of a stream so far."""

    parts: list[FetchedFile] = field(default_factory=list)
    fragments: list[tuple[MediaSegment, list[Piece]]] = field(default_factory=list)
    keys: dict[str, bytes] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)
    """What is wrong with the stream as a whole, each said once."""
    seconds: float | None = None
    """Its length, where a playlist that has ended states it."""
    sealed: bool = False
    """Whether fragments are encrypted in a way that is not undone here."""

    def got(self, ending: str | None = None) -> FetchedFile:
        """Return the stream as one file. `ending`: why it was cut off."""
        said = [FetchedFile(Outcome.PARTIAL, text) for text in (*([ending] if ending else []), *self.remarks)]
        return joined([*said, *self.parts])

    @property
    def encrypted(self) -> bool:
        """Whether any fragment is encrypted."""
        return any(segment.key for segment, _ in self.fragments)


class SegmentedDownload:
    """Fetches the fragments of one file. `held`: those that earlier captures hold, by tag and path of the link."""

    def __init__(
        self, context: CaptureContext, fetcher: Fetcher, key: str, headers: Headers, held: Held, beginning: Beginning
    ) -> None:
        """`beginning`: reads the first bytes of pieces back."""
        self._context, self._fetcher, self._beginning = context, fetcher, beginning
        self._key, self._headers, self._held = key, headers, held
        self._live_seconds = context.config.live_seconds
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, segments: list[MediaSegment]) -> list[FetchedFile]:
        """Fetch several segments at a time, `MOST` of them; return the results in their order."""
        results: list[FetchedFile] = []
        for start in range(0, min(len(segments), MOST), 16 * AT_ONCE):
            if start and (self._context.interrupted or self._context.port.stopped):
                stopped = FetchedFile(Outcome.FAILED, self._context.port.stopped or "stopped by the person")
                return [*results, *[stopped] * (min(len(segments), MOST) - start)]
            some = segments[start : min(start + 16 * AT_ONCE, MOST)]
            results += await asyncio.gather(*(self._one(segment) for segment in some))
        return results

    @staticmethod
    def left_out(named: int) -> list[FetchedFile]:
        """Return what stands for the fragments beyond `MOST`, if so many are named."""
        said = f"the manifest names {named} fragments; the first {MOST} were taken"
        return [FetchedFile(Outcome.PARTIAL, said)] if named > MOST else []

    async def _one(self, segment: MediaSegment) -> FetchedFile:
        tag = f"{self._key} fragment {'initial ' if segment.initial else ''}{segment.number}"
        if piece := self._held.get((tag, safe_split(segment.url).path)):
            return await self._looked_at(FetchedFile(Outcome.CAPTURED, None, piece.record, None, [piece]))
        async with self._gate:
            request = FetchRequest(tag, segment.url, headers=self._headers, span=segment.span)
            return await self._looked_at(await self._fetcher.fetch(request))

    async def _looked_at(self, got: FetchedFile) -> FetchedFile:
        """Return a fragment, or what came in its place: that is no part of the film, which would hide it."""
        if got.outcome is not Outcome.CAPTURED:
            return got
        if not got.size:
            return replace(got, outcome=Outcome.FAILED, reason="0 bytes came in place of a fragment")
        if got.done is not None and (got.media_type or "").lower().startswith(_MEDIA_TYPES):
            return got
        start = await self._beginning(got.pieces)
        kind = media_type(Ends(start, b"", got.size))
        if kind not in (*MANIFESTS, "text/html", "application/json"):
            return got
        return replace(got, outcome=Outcome.FAILED, reason=f"{named(kind)} came in place of a fragment", pieces=[])

    async def _playlist(self, url: str, turn: int) -> tuple[Playlist | None, FetchedFile]:
        tag = f"{self._key} playlist {turn}"
        request = FetchRequest(tag, url, headers=self._headers, text=True, keep_body=PLAYLIST_LIMIT)
        got = await self._fetcher.fetch(request)
        if got.outcome is not Outcome.CAPTURED or got.done is None or got.done.body is None:
            return None, got
        body = decode_body(got.done.body, got.done.header("content-encoding"), PLAYLIST_LIMIT)
        return parse_playlist((body or b"").decode("utf-8", "replace"), got.done.uri), got

    async def hls(self, url: str) -> tuple[FetchedFile, SegmentedStream]:
        """Fetch an HLS stream (RFC 8216).

        A live playlist is read again until it ends, the person stops it, or the limit is reached.
        """
        loop = asyncio.get_running_loop()
        started, quiet, turn, missed = loop.time(), 0.0, 0, 0
        stream = SegmentedStream()
        seen: set[tuple[int, bool, str]] = set()
        while True:
            playlist, got = await self._playlist(url, turn)
            turn += 1
            if playlist is not None and playlist.variants and not playlist.segments:
                if turn > MASTERS:
                    return _no_playlist(got, "its playlists lead to each other and to no media"), stream
                url = max(playlist.variants)[1]
                continue
            if playlist is None:
                missed += 1
                if not stream.parts:
                    return _no_playlist(got), stream
                if missed > 3:
                    return stream.got("the live playlist is gone"), stream
            else:
                fresh = await self._take(playlist, stream, seen)
                quiet = 0.0 if fresh else quiet + playlist.target
                if playlist.ended:
                    stream.seconds = playlist.seconds
                    return stream.got(), stream
                if len(seen) >= MOST:
                    return stream.got(f"a live stream: stopped after {MOST} fragments"), stream
            wait = playlist.target if playlist is not None else 2.0
            if (ending := self._ending(loop.time() - started + wait, quiet)) is not None:
                return stream.got(ending), stream
            await self._context.pause(min(wait, 10.0))

    def _ending(self, elapsed: float, quiet: float) -> str | None:
        if self._context.interrupted:
            return "stopped by the person"
        if self._context.port.stopped:
            return self._context.port.stopped
        if elapsed > self._live_seconds:
            return f"a live stream: stopped at the limit of {self._live_seconds / 60:g} minutes"
        return "the live stream brought nothing new for two minutes" if quiet > QUIET_SECONDS else None

    async def _take(self, playlist: Playlist, stream: SegmentedStream, seen: set[tuple[int, bool, str]]) -> bool:
        """Fetches what is new in a playlist. Returns whether anything was."""

        def mark(segment: MediaSegment) -> tuple[int, bool, str]:
            # Initial parts of one file are told apart by their ranges, the fragments by their numbers.
            return (0, True, f"{segment.url} {segment.span}") if segment.initial else (segment.number, False, "")

        fresh = [segment for segment in playlist.segments if mark(segment) not in seen]
        numbers = [segment.number for segment in fresh if not segment.initial]
        before = [number for number, initial, _ in seen if not initial]
        if before and numbers and min(numbers) > max(before) + 1:
            lost = min(numbers) - max(before) - 1
            stream.remarks[f"{lost} fragments left the live playlist before they were requested"] = None
        if playlist.gaps:
            stream.remarks[f"the playlist itself marks {len(playlist.gaps)} fragments as missing"] = None
        if len(seen) + len(fresh) > MOST:
            stream.remarks[f"the manifest names {len(playlist.segments)} fragments; the first {MOST} were taken"] = None
            fresh = fresh[: max(0, MOST - len(seen))]
        stream.sealed = stream.sealed or playlist.encrypted is not None
        if playlist.encrypted:
            stream.remarks[f"fragments are encrypted ({playlist.encrypted}) and kept as they are"] = None
        seen |= {mark(segment) for segment in fresh}
        for link in dict.fromkeys(segment.key for segment in fresh if segment.key and segment.key not in stream.keys):
            request = FetchRequest(f"{self._key} key", str(link), headers=self._headers, keep_body=64)
            got = await self._fetcher.fetch(request)
            if got.outcome is Outcome.CAPTURED and got.done is not None and got.done.body is not None:
                stream.keys[str(link)] = got.done.body
            else:
                stream.remarks[f"a key of the stream is missing: {got.reason}"] = None
        results = await self.fetch(fresh)
        stream.parts += results
        stream.fragments += [(segment, got.pieces) for segment, got in zip(fresh, results, strict=True)]
        return bool(fresh)


def _no_playlist(got: FetchedFile, why: str = "the answer is no HLS playlist") -> FetchedFile:
    outcome = got.outcome if got.outcome is not Outcome.CAPTURED else Outcome.PARTIAL
    return FetchedFile(outcome, got.reason or why, got.record, got.done)


def joined(parts: list[FetchedFile]) -> FetchedFile:
    """Join fragments, in order, into one file.

    A missing one makes the file partial, with a reason: it is never just shorter.
    """
    pieces = [piece for part in parts for piece in part.pieces]
    bad = [part for part in parts if part.outcome is not Outcome.CAPTURED]
    record = next((part.record for part in parts if part.record), None)
    done = next((part.done for part in parts if part.done is not None), None)
    kind = next((part.media_type for part in parts if part.media_type), None)
    if not bad:
        reason = None if pieces else "no fragment"
        return FetchedFile(Outcome.CAPTURED if pieces else Outcome.PARTIAL, reason, record, done, pieces, kind)
    if not pieces:
        return FetchedFile(bad[0].outcome, bad[0].reason, record, done, [], kind)
    reason = bad[0].reason if len(bad) == 1 else f"{len(bad)} of {len(parts)} fragments incomplete: {bad[0].reason}"
    return FetchedFile(Outcome.PARTIAL, reason, record, done, pieces, kind)


def dash(item: dict[str, Any]) -> list[MediaSegment]:
    """Return the fragments of a DASH format, as yt-dlp lists them from its manifest."""
    base = text_of(item.get("fragment_base_url")) or text_of(item.get("url")) or ""
    return [
        MediaSegment(position, text_of(fragment.get("url")) or safe_join(base, path) or path)
        for position, fragment in enumerate(dicts(item.get("fragments")))
        for path in (text_of(fragment.get("path")) or "",)
    ]


def dash_seconds(item: dict[str, Any]) -> float | None:
    """Return the length of a DASH format in seconds, where each of its fragments states one."""
    parts = [length_of(fragment.get("duration")) for fragment in dicts(item.get("fragments"))]
    known = [part for part in parts if part is not None]
    # The first is the initial one, which plays nothing.
    return sum(known) if known and len(known) >= len(parts) - 1 else None


def decrypted(stream: SegmentedStream, parts: Callable[[list[Piece]], Iterator[bytes]], out: Path) -> None:
    """Write a stream whose fragments are encrypted by AES-128 (RFC 8216 5.2), decrypted as for playing.

    Raises `ValueError` where a key or a fragment is not what it must be.
    """
    with open(out, "wb") as to:
        for segment, pieces in stream.fragments:
            data = b"".join(parts(pieces))
            to.write(_undone(data, segment, stream.keys) if segment.key else data)


def _undone(data: bytes, segment: MediaSegment, keys: dict[str, bytes]) -> bytes:
    key = keys.get(str(segment.key), b"")
    if len(key) != 16:
        raise ValueError(f"the key of fragment {segment.number} is missing or has {len(key)} bytes")
    given = re.fullmatch(r"0[xX]([0-9A-Fa-f]{1,32})", segment.iv or "")
    vector = int(given[1], 16) if given else segment.number
    undo = Cipher(AES(key), CBC(vector.to_bytes(16, "big"))).decryptor()
    plain = undo.update(data) + undo.finalize()
    fill = plain[-1] if plain else 0
    if not 1 <= fill <= 16 or plain[-fill:] != bytes([fill]) * fill:
        raise ValueError(f"fragment {segment.number} does not end as an encrypted one must")
    return plain[:-fill]
