"""The search that runs over every package before it is signed: do known secrets stand in it, in any dress?

Looked for as they are, in hex, in base64 at each of its three alignments, percent-encoded and as UTF-16; through gzip,
ZIP, the compressed streams of PDF and the compressed chunks of PNG. What a picture *shows* is not read: people review that.
"""

from __future__ import annotations

import base64
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote_from_bytes

import hyperscan
from isal import isal_zlib
from isal.igzip_lib import IsalError

from archiver.home.ports import SHORTEST_SECRET, Leak, SecretSearch

READ = 1 << 20
DEPTH = 4
GROWTH, GROWN = 64 << 20, 1100
"""No file is inflated further than by this many bytes and this factor, which deflate cannot exceed by honest means."""
_DAMAGED: tuple[type[BaseException], ...] = (zlib.error, cast("type[BaseException]", IsalError))
_STREAM = re.compile(rb"stream\r?\n")


class Searcher:
    """Finds secrets however they are written. `names` says what each of them is."""

    def __init__(self, secrets: dict[bytes, str]) -> None:
        self._names: list[str] = []
        patterns: list[bytes] = []
        for value, name in secrets.items():
            for dressed in set(_dresses(value)):
                if len(dressed) >= SHORTEST_SECRET:
                    patterns.append(dressed)
                    self._names.append(name)
        self._longest = max((len(pattern) for pattern in patterns), default=1)
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK) if patterns else None
        if self._database is not None:
            self._database.compile(
                expressions=[b"".join(b"\\x%02x" % byte for byte in pattern) for pattern in patterns],
                ids=list(range(len(patterns))),
                elements=len(patterns),
                flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(patterns),
            )

    def chunks(self, pieces: Iterable[bytes]) -> set[str]:
        """Return the names of the secrets that stand in a stream."""
        found: set[str] = set()
        if self._database is None:
            return found

        def told(index: int, *_: object) -> None:
            found.add(self._names[index])

        tail = b""
        for piece in pieces:
            data = tail + piece
            self._database.scan(data, match_event_handler=told)
            tail = data[-(self._longest - 1) :] if self._longest > 1 else b""
        return found


def _dresses(value: bytes) -> Iterator[bytes]:
    yield value
    yield value.hex().encode()
    yield value.hex().upper().encode()
    yield quote_from_bytes(value).encode()
    yield quote_from_bytes(value, safe="").encode()
    text = value.decode("utf-8", "replace")
    if "\ufffd" not in text:
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-be")
        yield text.encode("ascii", "xmlcharrefreplace")
        yield text.encode("ascii", "backslashreplace")
        yield text.lower().encode()
    for shift in range(3):  # the middle of the base64 text, which what stands around it does not change
        coded = base64.b64encode(bytes(shift) + value)
        start, end = -(-shift * 8 // 6), (shift + len(value)) * 8 // 6
        yield coded[start:end]
        yield coded[start:end].replace(b"+", b"-").replace(b"/", b"_")


def search(folder: Path, secrets: Mapping[bytes, str]) -> SecretSearch:
    """Find every secret that stands in a file of the folder, or in a file's name. Raises `OSError`."""
    known = {value: name for value, name in secrets.items() if len(value) >= SHORTEST_SECRET}
    searcher = Searcher(known)
    leaks: list[Leak] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        found = searcher.chunks([name.encode()])
        if path.is_file():
            with open(path, "rb") as stream:
                found |= _in_file(searcher, stream, 0)
        leaks += [Leak(secret, name) for secret in sorted(found)]
    return SecretSearch(tuple(leaks), len(secrets) - len(known))


def _in_file(searcher: Searcher, stream: IO[bytes], depth: int) -> set[str]:
    start = stream.read(8)
    stream.seek(0)
    if start.startswith(b"\x1f\x8b") and depth < DEPTH:
        return searcher.chunks(_inflated(stream))
    found = searcher.chunks(_pieces(stream))
    if depth >= DEPTH:
        return found
    stream.seek(0)
    if start.startswith(b"PK\x03\x04"):
        found |= _in_zip(searcher, stream, depth)
    elif start.startswith(b"%PDF-"):
        found |= searcher.chunks(_pdf_streams(stream.read()))
    elif start.startswith(b"\x89PNG"):
        found |= searcher.chunks(_png_chunks(stream.read()))
    return found


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while data := stream.read(READ):
        yield data


def _inflated(stream: IO[bytes]) -> Iterator[bytes]:
    """All members of a gzip file; from where it is damaged, or grows beyond measure, the bytes as they are."""
    inflate = isal_zlib.decompressobj(31)
    read = grown = 0
    pending = b""
    try:
        while data := pending or stream.read(READ):
            read += 0 if pending else len(data)
            piece = inflate.decompress(data, READ)
            grown += len(piece)
            yield piece
            pending = inflate.unconsumed_tail
            if inflate.eof:
                pending, inflate = inflate.unused_data, isal_zlib.decompressobj(31)
            if grown > GROWTH + GROWN * read:
                break
        else:
            return
    except _DAMAGED:
        pass
    stream.seek(0)
    yield from _pieces(stream)


def _in_zip(searcher: Searcher, stream: IO[bytes], depth: int) -> set[str]:
    found: set[str] = set()
    try:
        with zipfile.ZipFile(stream) as archive:
            for entry in archive.infolist():
                if entry.file_size < GROWTH + GROWN * (entry.compress_size + 1) and not entry.is_dir():
                    with archive.open(entry) as inner:
                        found |= _in_file(searcher, inner, depth + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        return found
    return found


def _pdf_streams(data: bytes) -> Iterator[bytes]:
    for match in _STREAM.finditer(data):
        try:
            yield zlib.decompressobj().decompress(data[match.end() :], 64 << 20)
        except zlib.error:
            continue
        yield b"\n"


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """Compressed text (zTXt, iTXt, iCCP); pixels are not text."""
    at = 8
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            for start in range(len(body)):
                if body[start : start + 1] == b"\x78":
                    try:
                        yield zlib.decompressobj().decompress(body[start:], 1 << 20)
                        yield b"\n"
                    except zlib.error:
                        continue
        at += 12 + length
