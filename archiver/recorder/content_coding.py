"""Removing content coding, bit by bit and within a bound: a gzip bomb is only ever inflated up to a limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

GZIP = 31
"""How zlib is told to expect gzip."""
LOOKED_AT = 256 << 20
"""How much of a body is decoded to learn whether it can be, bytes of the decoded body."""
_PIECE = 1 << 20
_STEP = 1024
"""How much is fed to a decoder at once, bytes: where it meets damage, it gives nothing of what it was fed with it."""
_MEMBER = b"\x1f\x8b"


@dataclass(frozen=True)
class PartlyDecoded:
    """How much could be decoded of a body whose compression breaks off or is damaged: `decoded` bytes from `received`."""

    coding: str
    decoded: int
    received: int

    def __str__(self) -> str:
        return (
            f"the compressed body ({self.coding}) could be decoded only in part: "
            f"{self.decoded} bytes, from {self.received} received"
        )

    def line(self) -> dict[str, str | int]:
        """Return what records.jsonl and the inventory say of it."""
        return {"coding": self.coding, "decoded": self.decoded, "received": self.received}


class _Layer(Protocol):
    """One coding. `ended`: whether what was fed in came to its end. `errors`: what `feed` raises for damage."""

    ended: bool
    errors: type[Exception]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes give, at most 1 MiB at a time."""


class CodedBody:
    """A body whose content coding (RFC 9110, 8.4) is removed as it arrives.

    `limit`: decode no more than this, bytes; of a body that is larger nothing is known.
    """

    def __init__(self, coding: str | None, limit: int | None = None) -> None:
        self._limit = limit
        names = [item.strip().lower() for item in (coding or "").split(",")]
        self.names = [name for name in names if name not in ("", "identity")]
        self.known = all(name in _LAYERS for name in self.names)
        """Whether all of its codings can be removed, within the limit."""
        self._layers = [_LAYERS[name]() for name in reversed(self.names)] if self.known else []
        self.received = self.decoded = 0
        self.damaged = False

    @property
    def whole(self) -> bool:
        """Whether what has arrived came to its end. So did an empty body: nothing was coded."""
        return not self.damaged and (not self.received or all(layer.ended for layer in self._layers))

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes of the body give, at most 1 MiB at a time. Nothing follows damage."""
        self.received += len(data)
        if self.damaged or not self.known:
            return
        try:
            for piece in self._pieces(data):
                self.decoded += len(piece)
                if self._limit is not None and self.decoded > self._limit:
                    self.known = False
                    return
                yield piece
        except tuple(layer.errors for layer in self._layers):
            self.damaged = True

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        step = _STEP if self._layers else max(len(data), 1)
        for start in range(0, len(data), step):
            yield from self._through(data[start : start + step], 0)

    def _through(self, data: bytes, number: int) -> Iterator[bytes]:
        if number == len(self._layers):
            yield data
            return
        for piece in self._layers[number].feed(data):
            yield from self._through(piece, number + 1)

    def partly(self) -> PartlyDecoded | None:
        """Return how much could be decoded; None where it is all.

        None too where the body is no such compression from its first byte on: then nothing is known to be missing.
        """
        if not self.known or self.whole or (self.damaged and not self.decoded):
            return None
        return PartlyDecoded(", ".join(self.names), self.decoded, self.received)


def decode_body(body: bytes, coding: str | None, limit: int) -> bytes | None:
    """Return `body` with its content coding removed, or as much of it as can be decoded.

    None where the coding is unknown, nothing can be decoded, or the result is larger than `limit` bytes.
    """
    return decode_told(body, coding, limit)[0]


def decode_told(body: bytes, coding: str | None, limit: int) -> tuple[bytes | None, bool]:
    """Return what `decode_body` does, and whether the coded bytes came to their end."""
    decoded, coded = decode_counted(body, coding, limit)
    return decoded, decoded is not None and coded.whole


def decode_counted(body: bytes, coding: str | None, limit: int) -> tuple[bytes | None, CodedBody]:
    """Return what `decode_body` does, and how far it came."""
    coded, out = CodedBody(coding), bytearray()
    for piece in coded.feed(body):
        if len(out) + len(piece) > limit:
            return None, coded
        out += piece
    readable = coded.known and (out or not coded.damaged)
    return (bytes(out) if readable else None), coded


class _Zlib:
    """gzip, of one member or several one after the other (RFC 1952, 2.2), or deflate with or without zlib's header."""

    errors: type[Exception] = zlib.error

    def __init__(self, gzip: bool) -> None:
        self._inflate = zlib.decompressobj(GZIP) if gzip else None
        self._gzip = gzip
        self._start = b""
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes give. What stands behind the end, and is no further member, is none."""
        data, self._start = self._start + data, b""
        if self._inflate is None:
            if len(data) < 2:
                self._start = data
                return
            self._inflate = zlib.decompressobj(15 if _has_zlib_header(data) else -15)
        while True:
            if self.ended:
                if not self._gzip or not data.startswith(_MEMBER):
                    self._start = data if self._gzip and data == _MEMBER[:1] else b""
                    return
                self._inflate, self.ended = zlib.decompressobj(GZIP), False
            piece = self._inflate.decompress(data, _PIECE)
            self.ended = self._inflate.eof
            data = self._inflate.unused_data if self.ended else self._inflate.unconsumed_tail
            if piece:
                yield piece
            if not self.ended and not data and len(piece) < _PIECE:
                return


class _Brotli:
    """Brotli (RFC 7932)."""

    def __init__(self) -> None:
        import brotli

        self.errors: type[Exception] = brotli.error
        self._decoder = brotli.Decompressor()
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes give."""
        while not self.ended:
            piece = self._decoder.process(data, output_buffer_limit=_PIECE)
            data, self.ended = b"", self._decoder.is_finished()
            if piece:
                yield piece
            elif self._decoder.can_accept_more_data():
                return


class _Zstd:
    """Zstandard, of one frame or several (RFC 8878, 3)."""

    def __init__(self) -> None:
        from archiver.checks import zstd  # not before there is such a body: it brings half of the checks along

        self.errors: type[Exception] = zstd.ZstdError
        self._is_frame, self._new = zstd.is_zstd, zstd.frame_decoder
        self._frame = self._new()
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes give. What stands behind the end, and is no further frame, is none."""
        while True:
            if self.ended:
                if not self._is_frame(data):
                    return
                self._frame, self.ended = self._new(), False
            piece = self._frame.decompress(data, _PIECE)
            self.ended = self._frame.eof
            data = self._frame.unused_data if self.ended else b""
            if piece:
                yield piece
            if not self.ended and self._frame.needs_input:
                return


_LAYERS: dict[str, Callable[[], _Layer]] = {
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}


def _has_zlib_header(body: bytes) -> bool:
    """Whether a `deflate` body is wrapped as RFC 9110 wants it; some servers send it bare (RFC 1950 section 2.2)."""
    return body[0] & 0x0F == 8 and body[0] >> 4 <= 7 and int.from_bytes(body[:2], "big") % 31 == 0
