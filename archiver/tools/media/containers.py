"""Whether a file is whole by its own account, and how large its picture is: read from headers alone. Pure and total.

ffprobe does not tell the first: it opens a film whose index stands at the beginning, however much of the rest is missing.
"""

from __future__ import annotations

from collections.abc import Callable

from archiver.tools.media.kinds import HEAD, Ends

Read = Callable[[int, int], bytes | None]
"""(offset, length) → the bytes there; None where that part is not at hand."""
BOXES = 20_000
"""How many boxes of a film are walked through: a fragmented one of some hours has two a second."""
EOI_LIMIT = 4 << 20
"""A JPEG up to this size is searched as a whole for its end, bytes: phones append a film to a photo."""
GIF_LIMIT = 32 << 20
"""A GIF up to this size is walked through, bytes: its trailer is one byte that also stands in pictures."""


def reader(data: bytes) -> Read:
    """Return what reads from a whole file in memory."""
    return lambda start, length: data[start : start + length]


def missing_part(kind: str, ends: Ends, read: Read) -> str | None:
    """Return in words what a file of that media type lacks by its own account; None where it tells of nothing.

    `kind`: as `kinds.media_type` gives it.
    """
    if kind == "image/jpeg":
        return _jpeg(ends, read)
    if kind == "image/png":
        return None if b"IEND\xaeB`\x82" in ends.tail else "its last chunk (IEND) is missing"
    if kind == "image/gif":
        return _gif(ends, read)
    if ends.head[:4] == b"RIFF":
        return _riff(ends)
    if ends.head[:4] == b"\x1aE\xdf\xa3":
        return _matroska(ends)
    if ends.head[:2] == b"PK":
        return _zip(ends)
    if kind == "application/pdf":
        return None if b"%%EOF" in ends.tail else "its end mark (%%EOF) is missing"
    if kind.partition("/")[0] in ("video", "audio", "image") and ends.head[4:8].isalnum() and kind not in _NO_BOXES:
        return _boxes(kind, ends, read)
    return None


_NO_BOXES = frozenset({"audio/flac", "audio/aiff", "audio/amr", "audio/midi", "video/x-flv", "image/svg+xml", "image/jxl", "image/jp2",
                       "audio/mpeg", "audio/aac", "audio/ogg", "video/ogg", "video/mp2t", "video/mpeg", "video/x-ms-asf",
                       "image/tiff", "image/bmp", "image/vnd.adobe.photoshop", "image/vnd.microsoft.icon"})  # fmt: skip


def _jpeg(ends: Ends, read: Read) -> str | None:
    if ends.size > EOI_LIMIT:
        return None
    data = ends.head if ends.size <= HEAD else read(0, ends.size)
    if data is None:
        return None
    return None if b"\xff\xd9" in data[_scan(data) :] else "its end mark is missing"


def _scan(data: bytes) -> int:
    """Where the picture itself begins (ITU T.81 B.2.3): a small one among the segments before it has an end of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        at += 1 if data[at + 1] == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at if data[at : at + 2] == b"\xff\xda" else 0


def _gif(ends: Ends, read: Read) -> str | None:
    """GIF89a, section 12 and following: blocks of blocks up to the trailer."""
    data = ends.head if ends.size <= HEAD else read(0, ends.size) if ends.size <= GIF_LIMIT else None
    if data is None:
        return None
    at = 13 + _colours(data, 10)
    while at < len(data):
        mark = data[at]
        if mark == 0x3B:
            return None
        if mark == 0x2C:
            at += 11 + _colours(data, at + 9)
        elif mark == 0x21:
            at += 2
        else:  # not as the standard has it: nothing is told
            return None
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return "its trailer is missing"


def _colours(data: bytes, at: int) -> int:
    """The size of the table of colours that a field of flags announces, bytes."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _zip(ends: Ends) -> str | None:
    """APPNOTE 4.3.16: the end of the directory, 22 bytes and a comment."""
    at = ends.tail.rfind(b"PK\x05\x06")
    comment = int.from_bytes(ends.tail[at + 20 : at + 22], "little")
    return "its directory is missing at the end" if at < 0 or at + 22 + comment > len(ends.tail) else None


def _riff(ends: Ends) -> str | None:
    stated = int.from_bytes(ends.head[4:8], "little")
    if stated in (0, 0xFFFFFFFF):  # written while it was recorded: the length was not known
        return None
    return _short_of(stated + 8, ends.size)


def _matroska(ends: Ends) -> str | None:
    """RFC 8794: the EBML header, then one Segment, whose size may be unknown."""
    head = ends.head
    size, at = _vint(head, 4)
    if size is None or head[at + size : at + size + 4] != b"\x18\x53\x80\x67":
        return None
    length, start = _vint(head, at + size + 4)
    return None if length is None else _short_of(start + length, ends.size)


def _vint(data: bytes, at: int) -> tuple[int | None, int]:
    """A variable-size integer (RFC 8794 section 4) and where it ends; None where it is "unknown" or none."""
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length()
    if width > 8 or at + width > len(data):
        return None, at
    value = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), at + width


def _boxes(kind: str, ends: Ends, read: Read) -> str | None:
    """ISO/IEC 14496-12 section 4.2: the boxes of a file lie end to end, each with its size before it."""
    at, met = 0, set()
    for _ in range(BOXES):
        if at == ends.size:
            break
        head = read(at, 16)
        if head is None:  # beyond what is at hand
            return None
        if len(head) < 8:
            return "it ends within the head of a box"
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        elif size == 0:  # to the end of the file
            size = ends.size - at
        if size < 8 or not all(32 <= letter < 127 or letter == 0xA9 for letter in name):
            # Something else after the last box is not unheard of; without an index it is damage.
            break
        met.add(name)
        if at + size > ends.size:
            return _short_of(at + size, ends.size)
        at += size
    else:
        return None
    if b"moov" in met and at == ends.size and not met & {b"mdat", b"moof", b"imda"} and not kind.startswith("image/"):
        return "it has an index and no content (mdat)"
    needed = {b"meta", b"moov"} if kind.startswith("image/") else {b"moov", b"moof"}
    return None if met & needed else f"its index ({'meta' if kind.startswith('image/') else 'moov'}) is missing"


def _short_of(stated: int, size: int) -> str | None:
    return f"{size} of {stated} bytes are there" if size < stated else None


def picture_size(kind: str, head: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture in pixels; None where its beginning does not tell."""
    if kind == "image/png" and head[12:16] == b"IHDR":
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if kind == "image/gif" and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if kind == "image/jpeg":
        return _jpeg_size(head)
    if kind == "image/webp":
        return _webp_size(head)
    at = head.find(b"ispe")  # ISO/IEC 23008-12 section 6.5.3: HEIC and AVIF; the first is the picture's or a tile's
    if kind in ("image/avif",) and 0 < at <= len(head) - 16:
        return int.from_bytes(head[at + 8 : at + 12], "big"), int.from_bytes(head[at + 12 : at + 16], "big")
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    """ITU T.81 annex B: segments up to the start of a frame."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        mark = head[at + 1]
        if mark == 0xFF:
            at += 1
        elif 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """RFC 9649 section 2.5 and following."""
    form = head[12:16]
    if form == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if form == b"VP8 " and len(head) >= 30:
        return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    if form == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
