"""Zstandard (RFC 8878) as it stands around WARC files: frame after frame, perhaps with a dictionary at the start.

A `.warc.zst` file may begin with a skippable frame that holds the dictionary of all other frames, itself compressed or
not (IIPC, "Use of Zstandard with WARC", 2021).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from backports import zstd
elif sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZstdError = zstd.ZstdError
FRAME = b"\x28\xb5\x2f\xfd"
DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
"""The skippable frame whose content is the dictionary."""
DICTIONARY_LIMIT = 64 << 20
_READ = 1 << 20
_WINDOW_LOG = 27
"""128 MiB: what a reader may be made to reserve for one frame."""


class ZstdDamage(ValueError):
    """Zstandard data that cannot be read any further."""


def is_zstd(start: bytes) -> bool:
    """Return whether bytes begin like a Zstandard file, a skippable frame (RFC 8878 3.1.2) included."""
    return start.startswith(FRAME) or (start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F)


def decompress(data: bytes, limit: int) -> bytes | None:
    """Return the content of whole Zstandard data; None where it is damaged or larger than `limit` bytes."""
    out = bytearray()
    try:
        for piece in pieces(io.BytesIO(data)):
            out += piece
            if len(out) > limit:
                return None
    except ZstdDamage:
        return None
    return bytes(out)


def frame_decoder(dictionary: zstd.ZstdDict | None = None) -> zstd.ZstdDecompressor:
    """Return a decoder of one frame, which reserves no more than 128 MiB. It raises `ZstdError`."""
    options = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_LOG}
    return zstd.ZstdDecompressor(zstd_dict=dictionary, options=options)


def pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of all frames, at most 1 MiB at a time. Raises `ZstdDamage`, `OSError`."""
    pending = stream.read(_READ)
    dictionary: zstd.ZstdDict | None = None
    if pending.startswith(DICTIONARY_FRAME):
        size = int.from_bytes(pending[4:8], "little")
        if len(pending) < 8 or size > DICTIONARY_LIMIT:
            raise ZstdDamage(f"a dictionary of {size} bytes: not read")
        pending += stream.read(max(0, 8 + size - len(pending)))
        if len(pending) < 8 + size:
            raise ZstdDamage("truncated in its dictionary")
        dictionary = _dictionary(pending[8 : 8 + size])
        pending = pending[8 + size :]
    while pending or (pending := stream.read(_READ)):
        frame = frame_decoder(dictionary)
        while not frame.eof:
            if frame.needs_input and not pending and not (pending := stream.read(_READ)):
                raise ZstdDamage("truncated zstd frame")
            try:
                piece = frame.decompress(pending, _READ)
            except zstd.ZstdError as error:
                raise ZstdDamage(f"damaged zstd frame: {error}") from error
            pending = b""
            if piece:
                yield piece
        pending = frame.unused_data


def _dictionary(data: bytes) -> zstd.ZstdDict:
    if data.startswith(FRAME):
        plain = decompress(data, DICTIONARY_LIMIT)
        if plain is None:
            raise ZstdDamage("a damaged dictionary")
        data = plain
    try:
        return zstd.ZstdDict(data, is_raw=not data.startswith(b"\x37\xa4\x30\xec"))
    except (ValueError, zstd.ZstdError) as error:
        raise ZstdDamage(f"a damaged dictionary: {error}") from error


class PlainZstd(io.RawIOBase):
    """The content of Zstandard data as a stream. Reading raises `ZstdDamage`."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._pieces = pieces(stream)
        self._left = b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` from what comes next; 0 at the end."""
        if not self._left:
            self._left = next(self._pieces, b"")
        take = min(len(buffer), len(self._left))
        buffer[:take] = self._left[:take]
        self._left = self._left[take:]
        return take
