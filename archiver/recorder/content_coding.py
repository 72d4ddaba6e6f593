"""Removing content coding within a bound: a gzip bomb is only ever inflated up to a limit."""

from __future__ import annotations

import zlib

import brotli

from archiver.checks import zstd

GZIP = 31
"""How zlib is told to expect gzip."""


def decode_body(body: bytes, coding: str | None, limit: int) -> bytes | None:
    """Return `body` with its content coding removed (RFC 9110 8.4).

    None where the coding is unknown, the bytes are damaged, or the result is larger than `limit` bytes.
    """
    return decode_told(body, coding, limit)[0]


def decode_told(body: bytes, coding: str | None, limit: int) -> tuple[bytes | None, bool]:
    """Return what `decode_body` does, and whether the coded bytes came to their end: a cut body gives its beginning."""
    whole = True
    for name in reversed([item.strip().lower() for item in (coding or "").split(",") if item.strip()]):
        if name == "identity":
            continue
        decoded, ended = _decode_one(body, name, limit)
        if decoded is None:
            return None, False
        body, whole = decoded, whole and ended
    return (body, whole) if len(body) <= limit else (None, False)


def _decode_one(body: bytes, name: str, limit: int) -> tuple[bytes | None, bool]:
    try:
        if name in ("gzip", "x-gzip"):
            return _inflate(body, GZIP, limit)
        if name == "deflate":
            return _inflate(body, 15 if _has_zlib_header(body) else -15, limit)
        if name == "br":
            return _brotli(body, limit)
        if name == "zstd":
            return zstd.beginning(body, limit)
    except (zlib.error, brotli.error):
        return None, False
    return None, False


def _has_zlib_header(body: bytes) -> bool:
    """Whether a `deflate` body is wrapped as RFC 9110 wants it; some servers send it bare (RFC 1950 section 2.2)."""
    return len(body) > 1 and body[0] & 0x0F == 8 and body[0] >> 4 <= 7 and int.from_bytes(body[:2], "big") % 31 == 0


def _inflate(body: bytes, window: int, limit: int) -> tuple[bytes | None, bool]:
    """Inflate what may be several members one after the other, as gzip is when files were joined (RFC 1952 2.2)."""
    out = b""
    while True:
        inflate = zlib.decompressobj(window)
        try:
            out += inflate.decompress(body, limit + 1 - len(out))
        except zlib.error:
            if not out:
                raise
            return out, False  # what stands behind a whole member is none
        body = inflate.unused_data
        if len(out) > limit:
            return None, False
        if not inflate.eof or window != GZIP or not body.strip(b"\0"):
            return out, inflate.eof


def _brotli(body: bytes, limit: int) -> tuple[bytes | None, bool]:
    decoder = brotli.Decompressor()
    out = bytearray(decoder.process(body, output_buffer_limit=1 << 20))
    while not decoder.is_finished() and len(out) <= limit:
        piece = decoder.process(b"", output_buffer_limit=1 << 20)
        if not piece:
            break
        out += piece
    return (bytes(out), bool(decoder.is_finished())) if len(out) <= limit else (None, False)
