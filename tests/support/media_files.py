"""Media files made by hand, in no time and without a program: small, real, and filled with any bytes a test wants to find again."""

from __future__ import annotations

import struct

SIDE = 8


def film(seconds: int = 1, filling: bytes = b"", side: int = SIDE) -> bytes:
    """An AVI of one plain picture a second; `filling` lies in it where players skip it (a JUNK chunk)."""
    frame = bytes(3 * side * side)
    main = struct.pack("<14I", 1_000_000, 0, 0, 16, seconds, 0, 1, len(frame), side, side, 0, 0, 0, 0)
    stream = struct.pack(
        "<4s4sIHHIIIIIIII4H", b"vids", b"DIB ", 0, 0, 0, 0, 1, 1, 0, seconds, len(frame), 0, 0, 0, 0, side, side
    )
    form = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, len(frame), 0, 0, 0, 0)
    head = _list(b"hdrl", _chunk(b"avih", main) + _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", form)))
    pictures = _list(b"movi", _chunk(b"00db", frame) * seconds)
    return _chunk(b"RIFF", b"AVI " + head + _chunk(b"JUNK", filling) + pictures)


def sound(seconds: int = 1) -> bytes:
    """A WAV of silence."""
    form = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    return _chunk(b"RIFF", b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", b"\x80" * 8000 * seconds))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)
