"""Media files: named by their table with true digests; those of `public` packages hold nothing but sound and picture."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from archiver.checks.package.files import READ, Absent, PackageFiles, Unknown
from archiver.checks.package.tables import parsed
from archiver.checks.proofs import Bad

_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNKS = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB sBIT pHYs bKGD cICP acTL fcTL fdAT".split())
"""Chunks of a PNG that hold a picture, its colours or its sequence (PNG, third edition, 11 and 4.9)."""
_BOXES = frozenset(
    b"ftyp moov mdat free mvhd trak tkhd edts elst mdia mdhd hdlr minf vmhd smhd nmhd dinf dref stbl stsd stts ctts stss stsc "
    b"stsz stco co64 sgpd sbgp sdtp udta meta ilst \xa9too mvex trex moof mfhd traf tfhd tfdt trun mfra tfra mfro sidx "
    b"styp".split()
)
"""Boxes of an MP4 that hold sound and picture, or where they lie (ISO/IEC 14496-12), and the name of the program."""
_HOLDERS = {
    b"moov": 0,
    b"trak": 0,
    b"edts": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
    b"udta": 0,
    b"meta": 4,
    b"ilst": 0,
    b"mvex": 0,
}
"""Boxes that hold boxes → bytes before the first of these."""
_DEEPEST = 64
_BARE = (b"free", b"\xa9too")
"""Boxes that could hold any words, and hold nothing, or the name of the program that wrote the file."""
_PROGRAM = re.compile(rb"....data\x00\x00\x00\x01\x00\x00\x00\x00Lavf[0-9.]*", re.DOTALL)


def _bare(stream: BinaryIO, name: str, kind: bytes, size: int) -> None:
    """Raise `Bad` where a box that holds nothing holds something."""
    if kind != b"free":
        program = stream.read(min(size, 100))
        if not _PROGRAM.fullmatch(program):
            raise Bad(f"{name} carries more than sound and picture: {program[16:40]!r}")
        return
    for at in range(0, size, READ):
        if any(stream.read(min(READ, size - at))):
            raise Bad(f"{name} carries more than sound and picture: {kind!r}")


def media(files: PackageFiles) -> str:
    """Compare the media files with the table `files`, and that with the digests of the bag."""
    listed = files.manifest("manifest-sha256.txt", 64)
    said: dict[str, str] = {}
    with open(files.folder / "data" / "tables" / "files.jsonl", "rb") as lines:
        for raw in lines:
            row = parsed(raw, "data/tables/files.jsonl")
            name, sha256 = row["file"], row["sha256"]
            if said.setdefault(name, sha256) != sha256:
                raise Bad(f"{name} stands with two digests in data/tables/files.jsonl")
            if name not in files.names:
                raise Absent(f"{name} is not there")
            if (listed.get(name), files.size(name)) != (sha256, row["bytes"]):
                raise Bad(f"{name} is not what data/tables/files.jsonl says")
    if strange := sorted(name for name in files.names if name.startswith("data/media/") and name not in said):
        raise Bad(f"{strange[0]} is in no line of data/tables/files.jsonl")
    return f"{len(said)} files with their digests"


def metadata(files: PackageFiles) -> str:
    """Walk through the media files of a public package, which were made anew: no chunk or box in them tells of anything else."""
    names = sorted(name for name in files.names if name.startswith("data/media/"))
    for name in names:
        with open(files.folder / name, "rb") as stream:
            start = stream.read(12)
            if start.startswith(_PNG):
                _picture(stream, name, files.size(name))
            elif start[4:8] == b"ftyp":
                for kind in _boxes(stream, name, 0, files.size(name), 0):
                    if kind not in _BOXES:
                        raise Bad(f"{name} carries more than sound and picture: {kind!r}")
            else:
                raise Unknown(f"{name} is no PNG and no MP4: whether it carries metadata is not looked at")
    return f"{len(names)} media files with no parts but those of sound and picture"


def _picture(stream: BinaryIO, name: str, size: int) -> None:
    """Walk through the chunks of a PNG, which fill the file up to its end. Raises `Bad`."""
    left = size - len(_PNG)
    stream.seek(len(_PNG))
    while left >= 12:
        length, kind = struct.unpack(">L4s", stream.read(8))
        if kind not in _CHUNKS:
            raise Bad(f"{name} carries more than a picture: {kind!r}")
        left -= 12 + length
        if kind == b"IEND":
            if left or length:
                raise Bad(f"{name} goes on behind its picture")
            return
        stream.seek(length + 4, os.SEEK_CUR)
    raise Bad(f"{name} ends in the middle of its picture")


def _boxes(stream: BinaryIO, name: str, at: int, end: int, depth: int) -> Iterator[bytes]:
    """Yield the type of each box between two places, and of those inside it."""
    while at < end:
        stream.seek(at)
        size, kind, large = struct.unpack(">L4sQ", stream.read(16).ljust(16, b"\0"))
        inside = at + (16 if size == 1 else 8)
        until = at + large if size == 1 else at + size if size else end
        if until < inside or until > end or depth > _DEEPEST:
            raise Bad(f"{name} has a box that does not fit: {kind!r}")
        yield kind
        if kind in _BARE:
            stream.seek(inside)
            _bare(stream, name, kind, until - inside)
        if kind in _HOLDERS:
            yield from _boxes(stream, name, inside + _HOLDERS[kind], until, depth + 1)
        at = until
