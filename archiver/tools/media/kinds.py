"""Which media type the bytes of a file show. Pure and total.

The table is our own. Libraries for this (puremagic, filetype, libmagic) tell neither HEIC from MP4 by all of its brands,
nor WebM from Matroska, nor a Word file from a ZIP, and call a stream's manifest text; magika guesses with a model. Here each
line can be checked against a published format.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

HEAD = 64 << 10
"""How much of a file's beginning, and of its end, is looked at, bytes."""
OCTETS = "application/octet-stream"
HLS, DASH = "application/vnd.apple.mpegurl", "application/dash+xml"
MANIFESTS = frozenset({HLS, DASH})
TEXT = "text/plain; charset=utf-8"

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"), (b"\xff\xd8\xff", 0, "image/jpeg"), (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"), (b"II*\0", 0, "image/tiff"), (b"MM\0*", 0, "image/tiff"), (b"8BPS", 0, "image/vnd.adobe.photoshop"),
    (b"\0\0\x01\0", 0, "image/vnd.microsoft.icon"), (b"\xff\x0a", 0, "image/jxl"), (b"\0\0\0\x0cJXL \r\n\x87\n", 0, "image/jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", 0, "image/jp2"), (b"OggS", 0, "audio/ogg"), (b"ID3", 0, "audio/mpeg"), (b"fLaC", 0, "audio/flac"),
    (b"#!AMR", 0, "audio/amr"), (b"MThd", 0, "audio/midi"), (b"FLV\x01", 0, "video/x-flv"),
    (b"\0\0\x01\xba", 0, "video/mpeg"), (b"\0\0\x01\xb3", 0, "video/mpeg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", 0, "video/x-ms-asf"),
    (b"%PDF-", 0, "application/pdf"), (b"PK\x03\x04", 0, "application/zip"), (b"PK\x05\x06", 0, "application/zip"),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar"), (b"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"),
    (b"\x1f\x8b", 0, "application/gzip"), (b"BZh", 0, "application/x-bzip2"), (b"\xfd7zXZ\0", 0, "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", 0, "application/zstd"), (b"ustar", 257, "application/x-tar"), (b"WARC/", 0, "application/warc"),
    (b"SQLite format 3\0", 0, "application/vnd.sqlite3"), (b"{\\rtf", 0, "application/rtf"), (b"!BDN", 0, "application/vnd.ms-outlook"),
)  # fmt: skip
_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"sidx", b"emsg", b"prft", b"pnot"}
)
"""What an ISO base media file (ISO/IEC 14496-12) or a QuickTime film begins with: old films and fragments have no `ftyp`."""
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), "image/heic"),
    **dict.fromkeys((b"hevc", b"hevx", b"hevm", b"hevs"), "image/heic-sequence"),
    **dict.fromkeys((b"avif",), "image/avif"),
    **dict.fromkeys((b"avis",), "image/avif-sequence"),
    **dict.fromkeys((b"mif1", b"miaf"), "image/heif"),
    **dict.fromkeys((b"msf1",), "image/heif-sequence"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A "), "audio/mp4"),
    **dict.fromkeys((b"qt  ",), "video/quicktime"),
    **dict.fromkeys((b"crx ",), "image/x-canon-cr3"),
}
_RIFF = {
    b"WAVE": "audio/wav",
    b"AVI ": "video/vnd.avi",
    b"WEBP": "image/webp",
    b"RMID": "audio/midi",
    b"ACON": "image/x-ani",
}
_OFFICE = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = (
    ("WordDocument", "application/msword"), ("Workbook", "application/vnd.ms-excel"), ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"), ("__properties_version1.0", "application/vnd.ms-outlook"),
)  # fmt: skip
_ZIP_ENTRY = re.compile(rb"PK(?:\x03\x04|\x01\x02)")
_MARKUP = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|title|svg|MPD)\b",
    re.IGNORECASE | re.DOTALL,
)
_MAIL_FIELD = re.compile(
    r"(?:Return-Path|Received|Delivered-To|From|To|Subject|Date|Message-ID|MIME-Version|X-[\w-]+): ?\S", re.IGNORECASE
)


@dataclass(frozen=True)
class Ends:
    """The two ends of a file, each of `HEAD` bytes, and its whole size in bytes."""

    head: bytes
    tail: bytes
    size: int

    @classmethod
    def of(cls, data: bytes) -> Ends:
        """Return the ends of a whole file."""
        return cls(data[:HEAD], data[-HEAD:], len(data))


def media_type(ends: Ends) -> str:
    """Return the media type that the bytes show; `application/octet-stream` where they show none.

    The name and the type that somebody gave a file are no part of this.
    """
    head = ends.head
    if (box := _iso(head)) is not None:
        return box
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], OCTETS)
    if head[:4] == b"\x1aE\xdf\xa3":
        return _matroska(head)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[:8] == _OLE:
        return next(
            (kind for name, kind in _OLE_STREAMS if name.encode("utf-16-le") in head + ends.tail),
            "application/x-ole-storage",
        )
    for magic, at, kind in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return _ogg(head) if kind == "audio/ogg" else _zip(ends) if kind == "application/zip" else kind
    if (
        head[:2] == b"BM"
        and len(head) > 18
        and head[14:18] in (b"\x0c\0\0\0", b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
    ):
        return "image/bmp"
    return _transport(head) or _mpeg_audio(head) or _text(head, ends.size <= len(head))


def _iso(head: bytes) -> str | None:
    if head[4:8] not in _BOXES or len(head) < 8:
        return None
    if head[4:8] != b"ftyp":
        return "video/mp4" if head[4:8] in (b"styp", b"moof", b"sidx", b"emsg", b"prft") else "video/quicktime"
    length = min(max(int.from_bytes(head[:4], "big"), 16), 512)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(length, len(head)) - 3, 4))]
    if head[8:11] in (b"3gp", b"3g2"):
        return "video/3gpp2" if head[8:11] == b"3g2" else "video/3gpp"
    # The major brand decides where it is a particular one; `mif1` and `isom` only say that the others count.
    exact = [_BRANDS[brand] for brand in brands if brand in _BRANDS and brand not in (b"mif1", b"miaf", b"msf1")]
    if brands[0] in _BRANDS and brands[0] not in (b"mif1", b"miaf", b"msf1"):
        return _BRANDS[brands[0]]
    if brands[0] in _BRANDS:
        return exact[0] if exact else _BRANDS[brands[0]]
    return "video/mp4"


def _matroska(head: bytes) -> str:
    """The DocType (RFC 8794 section 11.2.5) stands in the first few bytes."""
    return "video/webm" if re.search(rb"\x42\x82.{1,2}webm", head[:128], re.DOTALL) else "video/x-matroska"


def _ogg(head: bytes) -> str:
    return "video/ogg" if b"\x80theora" in head[:8192] else "audio/ogg"


def _zip(ends: Ends) -> str:
    names = [*_zip_names(ends.head), *_zip_names(ends.tail)]
    if names and names[0].startswith(b"mimetype"):  # OpenDocument and EPUB: the first entry, stored as it is
        found = re.match(rb".{30}mimetype.{0,64}?(application/[a-z0-9.+-]{3,80}?)(?:PK|$)", ends.head[:300], re.DOTALL)
        if found:
            return found[1].decode()
    if any(name.startswith(b"[Content_Types].xml") for name in names):
        for folder, kind in _OFFICE:
            if any(name.startswith(folder) for name in names):
                return kind
    if any(name.startswith(b"AndroidManifest.xml") for name in names):
        return "application/vnd.android.package-archive"
    return "application/zip"


def _zip_names(data: bytes) -> list[bytes]:
    """Names in local and central headers (APPNOTE 4.3.7 and 4.3.12), as far as they lie in these bytes."""
    names = []
    for found in _ZIP_ENTRY.finditer(data):
        at, length, name = found.start(), *((26, 30) if found[0][2:3] == b"\x03" else (28, 46))
        many = int.from_bytes(data[at + length : at + length + 2], "little")
        names.append(data[at + name : at + name + min(many, 200)])
    return names


def _transport(head: bytes) -> str | None:
    """MPEG-TS (ISO/IEC 13818-1): a packet of 188 bytes begins with 0x47; on discs four bytes stand before it."""
    for start, step in ((0, 188), (4, 192)):
        marks = head[start : start + 5 * step : step]
        if len(marks) >= min(5, max(2, len(head) // step)) and set(marks) == {0x47}:
            return "video/mp2t"
    return None


def _mpeg_audio(head: bytes) -> str | None:
    """A frame of MPEG audio or of AAC with ADTS, whose fields must have values that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac" if head[2] >> 2 & 15 < 13 else None
    valid = head[1] >> 3 & 3 != 1 and head[1] >> 1 & 3 != 0 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
    return "audio/mpeg" if valid else None


def _is_json(text: str, whole: bool) -> bool:
    """A chat that begins with "[12:40]" is none: what is all there has to be read as JSON."""
    if not re.match(r"\s*(?:\{\s*[\"}]|\[\s*[{\[\"\]\d])", text):
        return False
    if not whole:
        return bool(re.match(r"\s*(?:\{\s*\"|\[\s*[{\[\"])", text))
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _text(head: bytes, whole: bool) -> str:
    for coding, marks in (("utf-16", (b"\xff\xfe", b"\xfe\xff")), ("utf-8-sig", (b"",))):
        if head.startswith(marks):
            text = head.decode(coding, "ignore" if coding == "utf-16" else "replace")
            break
    if not text or "\0" in text[:4096]:
        return OCTETS
    if found := _MARKUP.match(text):
        return {"svg": "image/svg+xml", "mpd": DASH}.get(found[1].lower(), "text/html")
    if re.match(r"\s*<\?xml\b", text):
        return (
            DASH
            if re.search(r"<(?:\w+:)?MPD\b", text[:2048])
            else "image/svg+xml"
            if "<svg" in text[:2048]
            else "application/xml"
        )
    if text.startswith("#EXTM3U"):
        return HLS
    if text.startswith("WEBVTT"):
        return "text/vtt"
    # A character cut in two at the end of what is looked at is no fault of the text.
    strange = text[:-2].count("\ufffd")
    if strange > len(text) // 100:
        return OCTETS if not _MARKUP.search(text[:1024]) else "text/html"
    if _is_json(text, whole):
        return "application/json"
    if text.startswith("From ") and re.match(r"From \S.*\n(?:[\w-]+:|>)", text):
        return "application/mbox"
    lines = text.splitlines()
    if len([line for line in lines[:8] if _MAIL_FIELD.match(line)]) >= 3 and _MAIL_FIELD.match(lines[0]):
        return "message/rfc822"
    return TEXT if text.isprintable() or "\n" in text else OCTETS


def plain_word(kind: str) -> str:
    """Write a media type in a person's word: "photo", "video", "audio", "document"."""
    return {"image": "photo", "video": "video", "audio": "audio"}.get(kind.partition("/")[0], "document")


def named(kind: str) -> str:
    """Write what came, with an article, for a sentence: "an HTML page", "a photo (image/jpeg)"."""
    words = {
        "text/html": "an HTML page", "application/json": "JSON", HLS: "the manifest of a stream (HLS)",
        DASH: "the manifest of a stream (DASH)", TEXT: "text", "application/xml": "XML",
    }  # fmt: skip
    word = {"audio": "sound recording"}.get(plain_word(kind), plain_word(kind))
    return words.get(kind) or f"a {word} ({kind})"
