"""Reading pieces back from where they lie, and writing the assemblies that they make."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from archiver.capture.context import CaptureContext
from archiver.capture.fetcher import FetchedFile
from spiders.posts import Outcome
from storage.assembly import URI, Assembly, Piece, digest_of, payload, safe_name
from storage.digest import Sha256
from storage.errors import EvidenceError
from storage.lines import read_lines


class RunningDigest:
    """Digest of a file's pieces, computed while the next ones still arrive."""

    def __init__(self, parts: Callable[[list[Piece]], Iterator[bytes]]) -> None:
        self._parts = parts
        self._whole = Sha256()
        self._taken: list[Piece] = []
        self._last: asyncio.Task[None] | None = None
        self._broken = False

    def see(self, pieces: list[Piece]) -> None:
        """Take the pieces so far, in order. A file that was begun again is digested at its end instead."""
        if pieces[: len(self._taken)] != self._taken:
            self._broken = True
        if not self._broken and (fresh := pieces[len(self._taken) :]):
            self._taken += fresh
            self._last = asyncio.ensure_future(self._digest(self._last, fresh))

    async def _digest(self, before: asyncio.Task[None] | None, pieces: list[Piece]) -> None:
        if before is not None:
            await before
        await asyncio.to_thread(self._update, pieces)

    def _update(self, pieces: list[Piece]) -> None:
        for part in self._parts(pieces):
            self._whole.update(part)

    async def digest_of(self, pieces: list[Piece]) -> Sha256 | None:
        """Return the digest of exactly these pieces, or None where it was not computed on the way."""
        if self._last is not None:
            try:
                await self._last
            except (EvidenceError, OSError, KeyError):
                return None
        return self._whole if not self._broken and self._taken == pieces else None


class AssemblyBuilder:
    """Puts the pieces of one open capture together, and of the earlier ones that it goes on with."""

    def __init__(self, context: CaptureContext) -> None:
        self._context = context
        self._held: dict[str, tuple[Path, int]] = {}

    def parts(self, pieces: list[Piece]) -> Iterator[bytes]:
        """Yield the bytes of pieces, read back from where they lie. Raises `EvidenceError`."""
        for piece in pieces:
            path, offset = self._place(piece)
            yield from payload(path, offset, piece.offset, piece.length)

    def glimpse(self, pieces: list[Piece], start: int, length: int) -> Iterator[bytes]:
        """Yield `length` bytes of the file from byte `start`. Raises `EvidenceError`."""
        for piece in pieces:
            if start >= piece.length:
                start -= piece.length
                continue
            taken = min(length, piece.length - start)
            yield from self.parts([Piece(piece.record, piece.offset + start, taken, piece.capture)])
            start, length = 0, length - taken
            if not length:
                return

    def _place(self, piece: Piece) -> tuple[Path, int]:
        context = self._context
        if piece.capture is None:
            ref = context.exchanges.records[piece.record]
            return context.writer.path_of(ref.file), ref.offset
        folder = context.home.path / context.home.capture_folder(piece.capture)
        if piece.record not in self._held:
            found = {
                line["id"]: (folder / line["file"], line["offset"]) for line in read_lines(folder / "records.jsonl")
            }
            self._held |= found
        return self._held[piece.record]

    def assemble(
        self, name: str, got: FetchedFile, about: dict[str, Any], known: Sha256 | None = None
    ) -> Assembly | None:
        """Write the assembly record; return what it says, or None if the pieces cannot be read back whole.

        The digest is computed over the pieces as they are in the WARC, not over what we remember.
        """
        clean = self._context.secrets.clean
        first = got.pieces[0]
        ref = self._context.exchanges.records.get(first.record)
        alone = len(got.pieces) == 1 and first.capture is None and first.offset == 0 and ref is not None
        if alone and ref is not None and ref.payload_digest and ref.payload_size == first.length:
            digest, size = ref.payload_digest.removeprefix("sha256:"), first.length
        else:
            try:
                whole = known or digest_of(self.parts(got.pieces))
            except (EvidenceError, OSError, KeyError) as error:
                got.outcome, got.reason = Outcome.PARTIAL, f"the pieces cannot be read back: {error}"
                return None
            digest, size = whole.hexdigest(), whole.size
            if size != got.size:
                got.outcome, got.reason = (
                    Outcome.PARTIAL,
                    f"the pieces hold {size} bytes where {got.size} were received",
                )
                return None
        if got.outcome is not Outcome.CAPTURED:
            about = {**about, "outcome": str(got.outcome), "reason": got.reason}
        name = clean(name)
        kind = got.media_type or (ref.line.get("content_type") if ref else None)
        about = {key: value for key, value in clean(about).items() if value is not None}
        assembly = Assembly(safe_name(name), kind, size, digest, tuple(got.pieces), about)
        fields = [("WARC-Refers-To", first.record)]
        extra = clean({"assembly": digest, "size": size, "pieces": len(got.pieces), "name": assembly.name})
        if lent := sorted({piece.capture for piece in got.pieces if piece.capture}):
            extra["lent"] = lent
        self._context.writer.resource(
            URI + digest, "application/json", assembly.block(), record_type="metadata", fields=fields, extra=extra
        )
        return assembly
