"""Posts out of saved platform bytes, offline.

HTML, JSON, JSON lines, MHTML, HAR, WARC, ARC and WACZ; any of these compressed by gzip or Zstandard, or in a ZIP or tar.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from archiver.checks.foreign import ForeignReport
from archiver.checks.packages import COMPRESSED, WARCS_OF_WACZ, check_stream, open_entry, plain_start, unpackable
from archiver.checks.trees import DAMAGED, UNREADABLE
from archiver.checks.zstd import PlainZstd, decompress, is_zstd
from archiver.errors import NotFound, UsageError
from archiver.intake import archives
from archiver.intake.bodies import LIMIT, BodyReading
from archiver.intake.mhtml import is_mhtml, read_mhtml
from archiver.intake.recorded import har, recording, records
from spiders.reading import begins_like_json, nothing, parse_body, sniff
from storage.arc import START, read_arc
from storage.errors import disk_error
from storage.warc import read_warc

_START = 4096


def read_file(path: Path, url: str | None = None) -> Iterator[BodyReading]:
    """Yield everything that can be read in the file. Raises `NotFound`, `UsageError`, `DiskError`."""
    try:
        with open(path, "rb") as stream:
            stream.read(16)
            size = path.stat().st_size
    except FileNotFoundError as error:
        raise NotFound(f"a file {path}", "none", "Check the name.") from error
    except OSError as error:
        raise disk_error(error, f"reading {path.name}") from error
    with open(path, "rb") as stream:
        yield from _read(stream, path.name, url, size, depth=0)


def _read(stream: IO[bytes], source: str, url: str | None, size: int | None, depth: int) -> Iterator[BodyReading]:
    """Read a file wherever it lies. `depth`: in how many packages; `size`: in bytes, where it lies on the disk."""
    start = stream.read(_START)
    stream.seek(0)
    report = check_stream(stream, source.rpartition("/")[2], inside=depth > 0)
    stream.seek(0)
    if report is not None and report.form == COMPRESSED:
        pass  # said below
    elif report is not None and report.form in ("warc", "arc"):
        yield from _recorded(
            stream, source, report.facts.get("gzip_members") == 1 and report.facts.get("records", 0) > 1
        )
    elif report is not None and report.form == "wacz":
        yield from _wacz(stream, source, depth)
    elif start.startswith(b"PK\x03\x04") or archives.is_tar(start):
        yield from _archive(stream, source, start, depth)
    elif (kind := archives.unopened(start)) is not None:
        yield BodyReading(source, url, nothing(f"an archive of a kind that is not opened ({kind}): unpack it first"))
    else:
        yield from _single(stream, source, url, size)
    if report is not None:
        yield from _findings(report, source)


def _single(stream: IO[bytes], source: str, url: str | None, size: int | None) -> Iterator[BodyReading]:
    """Read a file that is one document, compressed or not."""
    if size is not None and size > LIMIT:
        raise UsageError(
            f"a file below {LIMIT >> 20} MiB", f"{size >> 20} MiB", "Give the pages one by one, or as WARC."
        )
    data: bytes | None = stream.read(LIMIT + 1)
    assert data is not None
    if data.startswith(b"\x1f\x8b"):
        data = _gunzipped(data)
    elif is_zstd(data):
        data = decompress(data, LIMIT)
    if data is None or len(data) > LIMIT:
        yield BodyReading(source, url, nothing("damage: compressed data that is damaged, or grows beyond 256 MiB"))
        return
    yield from read_bytes(data, url, source)


def _gunzipped(data: bytes) -> bytes | None:
    """All members of a gzip file; None where one is damaged."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return stream.read(LIMIT + 1)
    except (OSError, EOFError, zlib.error):
        return None


def _recorded(stream: IO[bytes], source: str, whole: bool = False) -> Iterator[BodyReading]:
    """Read a WARC or ARC file. `whole`: it is one gzip member as a whole, and read as what is inside it."""
    start = stream.read(_START)
    stream.seek(0)
    if plain_start(start).startswith(START):
        yield from records(read_arc(cast(BinaryIO, stream)), source, "arc")
        return
    plain: Any = stream
    if is_zstd(start):
        plain = PlainZstd(stream)
    elif whole:
        plain = gzip.GzipFile(fileobj=stream)
    yield from records(read_warc(plain), source)


def _findings(report: ForeignReport, source: str) -> Iterator[BodyReading]:
    """Give what the check of a package found, as typed reasons: damage is never an empty success."""
    for finding in report.findings:
        if finding.kind not in ("form", "unchecked"):  # what was not computed was read all the same
            said = f"{finding}" if finding.kind == "unread" else f"{finding.kind}: {finding}"
            yield BodyReading(source, None, nothing(said, report.form))


def _wacz(stream: IO[bytes], source: str, depth: int) -> Iterator[BodyReading]:
    """Read the WARC files inside a WACZ, or the WACZ files inside a package of several.

    What the check refuses to unpack is not opened.
    """
    try:
        archive = zipfile.ZipFile(stream)
    except UNREADABLE:
        return  # said by the check
    if unpackable(archive) is not None:
        return
    for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
        place = f"{source}/{entry.filename}"
        part = entry.filename.lower().endswith(".wacz")
        if part and depth:
            continue  # said by the check
        if not part and not WARCS_OF_WACZ.search(entry.filename):
            continue
        try:
            opened = open_entry(archive, entry) if part else archive.open(entry)
        except UNREADABLE:
            continue  # said by the check
        try:
            with opened:
                yield from _wacz(opened, place, depth + 1) if part else _recorded(opened, place)
        except DAMAGED:
            continue  # said by the check


def _archive(stream: IO[bytes], source: str, start: bytes, depth: int) -> Iterator[BodyReading]:
    """Read the files of a ZIP or tar archive, one level deep."""
    if depth:
        yield BodyReading(source, None, nothing("an archive within an archive: not opened", "archive"))
        return
    entries = archives.zip_entries(stream) if start.startswith(b"PK") else archives.tar_entries(stream)
    try:
        for entry in entries:
            place = f"{source}/{entry.name}"
            if entry.odd:
                yield BodyReading(place, None, nothing("damage: a name that leaves the archive", "archive"))
            yield from _entry(entry, place, depth)
    except archives.Unreadable as error:
        yield BodyReading(source, None, nothing(str(error), "archive"))


def _entry(entry: archives.Entry, place: str, depth: int) -> Iterator[BodyReading]:
    try:
        inside = entry.open()
    except UNREADABLE as error:
        yield BodyReading(place, None, nothing(f"damage: cannot be read: {error}", "archive"))
        return
    try:
        with inside:
            if _may_hold(inside, entry.name):
                yield from _read(inside, place, None, None, depth + 1)
    except (*DAMAGED, tarfile.TarError) as error:
        yield BodyReading(place, None, nothing(f"damage: cannot be read: {error}", "archive"))


def _may_hold(stream: IO[bytes], name: str) -> bool:
    """Whether a file of an archive may hold posts: an archive also has pictures and notes, of which nothing is said."""
    start = stream.read(_START)
    stream.seek(0)
    plain = plain_start(start)
    if re.search(r"(?i)\.(x?html?|json|jsonl|ndjson|har|mhtml?|w?arc|wacz|warc\.zst|zip|tar)(\.gz|\.zst)?$", name):
        return True
    known = plain.startswith((b"WARC/", START, b"PK\x03\x04")) or archives.is_tar(start) or is_mhtml(plain)
    page = plain.lstrip()[:1] == b"<" and not name.lower().endswith((".svg", ".xml", ".xsl", ".rels"))
    return known or page or begins_like_json(plain) or archives.unopened(start) is not None


def read_bytes(data: bytes, url: str | None, source: str) -> Iterator[BodyReading]:
    """Read a body of any known kind. Never raises: what is not recognised is reported as such."""
    if is_mhtml(data):
        yield from read_mhtml(data, url, source)
        return
    kind, value = sniff(data)
    if kind == "har":
        yield from har(value, source)
    elif kind == "recording":
        yield from recording(value, source)
    elif kind == "json lines":
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield BodyReading(f"{source}:{number}", url, parse_body(line, url))
    else:
        yield BodyReading(source, url, parse_body(data, url))
