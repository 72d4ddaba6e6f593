"""Removing content coding within a bound: a gzip bomb is only ever inflated up to a limit."""

from __future__ import annotations

import zlib

import brotli

from archiver.checks import zstd


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
            return _inflate(body, 31, limit)
        if name == "deflate":
            return _inflate(body, 15, limit) if body[:1] == b"\x78" else _inflate(body, -15, limit)
        if name == "br":
            return _brotli(body, limit)
        if name == "zstd":
            return zstd.decompress(body, limit), True
    except (zlib.error, brotli.error):
        return None, False
    return None, False


def _inflate(body: bytes, window: int, limit: int) -> tuple[bytes | None, bool]:
    inflate = zlib.decompressobj(window)
    out = inflate.decompress(body, limit + 1)
    return (out, inflate.eof) if len(out) <= limit else (None, False)


def _brotli(body: bytes, limit: int) -> tuple[bytes | None, bool]:
    decoder = brotli.Decompressor()
    out = bytearray(decoder.process(body, output_buffer_limit=1 << 20))
    while not decoder.is_finished() and len(out) <= limit:
        piece = decoder.process(b"", output_buffer_limit=1 << 20)
        if not piece:
            break
        out += piece
    return (bytes(out), bool(decoder.is_finished())) if len(out) <= limit else (None, False)
