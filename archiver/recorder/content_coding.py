"""Removing content coding within a bound: a gzip bomb is only ever inflated up to a limit."""

from __future__ import annotations

import zlib

import brotli


def decode_body(body: bytes, coding: str | None, limit: int) -> bytes | None:
    """Return `body` with its content coding removed (RFC 9110 8.4).

    None where the coding is unknown, the bytes are damaged, or the result is larger than `limit` bytes.
    """
    for name in reversed([item.strip().lower() for item in (coding or "").split(",") if item.strip()]):
        if name == "identity":
            continue
        decoded = _decode_one(body, name, limit)
        if decoded is None:
            return None
        body = decoded
    return body if len(body) <= limit else None


def _decode_one(body: bytes, name: str, limit: int) -> bytes | None:
    try:
        if name in ("gzip", "x-gzip"):
            return _inflate(body, 31, limit)
        if name == "deflate":
            return _inflate(body, 15, limit) if body[:1] == b"\x78" else _inflate(body, -15, limit)
        if name == "br":
            return _brotli(body, limit)
    except (zlib.error, brotli.error):
        return None
    return None


def _inflate(body: bytes, window: int, limit: int) -> bytes | None:
    inflate = zlib.decompressobj(window)
    out = inflate.decompress(body, limit + 1)
    return out if len(out) <= limit else None


def _brotli(body: bytes, limit: int) -> bytes | None:
    decoder = brotli.Decompressor()
    out = bytearray(decoder.process(body, output_buffer_limit=1 << 20))
    while not decoder.is_finished() and len(out) <= limit:
        piece = decoder.process(b"", output_buffer_limit=1 << 20)
        if not piece:
            break
        out += piece
    return bytes(out) if len(out) <= limit else None
