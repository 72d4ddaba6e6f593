"""WACZ 1.1.1: the WARC files as they lie in the home, an index, pages, an anonymous signature.

The WARC files are read twice: first every digest is computed and held against the capture's manifest, then the bytes go
out. So nothing damaged is packed, each entry's CRC is known before its header is written, and the ZIP needs no
descriptors behind entries that are stored. Times in it are fixed: the same files give the same bytes.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isal import isal_zlib

from archiver.home.ports import WaczSignature
from storage.digest import Beside, Sha256, sha256_label
from storage.errors import FormatError, disk_error

READ = 1 << 20
BLOCK_LINES = 300
"""Lines of the index in one gzip block, as cdxj-indexer makes them."""
INDEXED = ("response", "revisit", "resource", "conversion", "metadata")
"""Everything that has a place of its own; a request is found by its answer."""

Sign = Callable[[bytes], WaczSignature]
"""Signs the digest of a package's description."""


@dataclass(frozen=True)
class WarcSource:
    """A WARC file, what its capture's manifest says of it, and the lines of its records."""

    path: Path
    sha256: str
    size: int
    records: list[dict[str, Any]]


@dataclass(frozen=True)
class ReplayPage:
    """A page that can be opened in a replay."""

    url: str
    time: str
    title: str


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    crc: int
    source: bytes | Path


def wacz(
    sources: list[WarcSource], pages: list[ReplayPage], title: str, created: str, software: str, sign: Sign
) -> Iterator[bytes]:
    """Yield the whole WACZ file, in pieces.

    Raises `FormatError` where a WARC file is not what its manifest says, `DiskError`.
    """
    entries: list[_Entry] = []
    lines: list[tuple[str, str, str]] = []
    resources = []
    for source in sources:
        crc, digests = _read_first(source)
        name = f"archive/{source.path.name}"
        entries.append(_Entry(name, source.size, crc, source.path))
        resources.append(_resource(name, f"sha256:{source.sha256}", source.size))
        lines += _index_lines(source, digests)
    for name, data in (*_index(lines), ("pages/pages.jsonl", _pages(pages))):
        entries.append(_Entry(name, len(data), zlib.crc32(data), data))
        resources.append(_resource(name, sha256_label(data), len(data)))
    package: dict[str, Any] = {
        "profile": "data-package", "wacz_version": "1.1.1", "title": title, "software": software, "created": created,
        "modified": created, "resources": resources,
    }  # fmt: skip
    if pages:
        package |= {"mainPageUrl": pages[0].url, "mainPageDate": pages[0].time}
    described = json.dumps(package, ensure_ascii=False, indent=1).encode()
    signed = json.dumps(signed_digest(described, created, software, sign), indent=1).encode()
    for name, data in (("datapackage.json", described), ("datapackage-digest.json", signed)):
        entries.append(_Entry(name, len(data), zlib.crc32(data), data))
    yield from _zip(entries)


def _resource(path: str, digest: str, size: int) -> dict[str, Any]:
    return {"name": path.rpartition("/")[2].lower(), "path": path, "hash": digest, "bytes": size}


def _read_first(source: WarcSource) -> tuple[int, dict[int, str]]:
    """(CRC of the file, offset → digest of each record's compressed bytes). Raises `FormatError`, `DiskError`."""
    whole, crc = Sha256(), 0
    digests: dict[int, str] = {}
    bounds = sorted((line["offset"], line["length"]) for line in source.records)
    at = 0
    try:
        with open(source.path, "rb", buffering=0) as stream, Beside() as beside:
            for offset, length in bounds:
                if offset != at:
                    raise _changed(source.path, f"a record at {offset}, the one before ends at {at}")
                one = Sha256()
                left = length
                while left and (data := stream.read(min(left, READ))):
                    beside.update(whole, data)
                    crc = isal_zlib.crc32(data, crc)
                    one.update(data)
                    left -= len(data)
                digests[offset] = one.label()
                at += length
            if stream.read(1):
                raise _changed(source.path, "bytes behind the last record")
            beside.wait()
    except OSError as error:
        raise disk_error(error, f"reading {source.path.name}") from error
    if (whole.hexdigest(), whole.size) != (source.sha256, source.size):
        raise _changed(source.path, "other bytes")
    return crc, digests


def _changed(path: Path, found: str) -> FormatError:
    return FormatError(f"{path.name} as it was sealed", found, "Run `archiver check`; restore it from a copy.")


# -- the index -------------------------------------------------------------------------------------------


def sort_key(uri: str) -> str:
    """Return the searchable form of a link (SURT): host reversed, all in lower case, parameters sorted.

    Different links can have the same key; the line's `url` tells them apart.
    """
    plain = uri.lower().partition("#")[0]
    scheme, _, rest = plain.partition("://")
    place, slash, path = _cut(rest)
    host, _, port = place.rpartition("@")[2].partition(":")
    if scheme not in ("http", "https") or not host or "[" in place:
        return uri.lower().replace(" ", "%20")
    labels = host.split(".")
    if len(labels) > 2 and re.fullmatch("www[0-9]*", labels[0]):
        labels = labels[1:]
    said = f":{port}" if port and port != {"http": "80", "https": "443"}[scheme] else ""
    path, _, query = f"{slash}{path}".partition("?")
    asked = f"?{'&'.join(sorted(query.split('&')))}" if query else ""
    return f"{','.join(reversed(labels))}{said}){path.rstrip('/') or '/'}{asked}".replace(" ", "%20")


def _cut(rest: str) -> tuple[str, str, str]:
    """Split what follows `//` at the first slash or question mark: (host and port, that character, what follows)."""
    match = re.search("[/?]", rest)
    return (rest[: match.start()], match[0], rest[match.end() :]) if match else (rest, "", "")


def _index_lines(source: WarcSource, digests: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    for line in source.records:
        uri = line.get("uri")
        if line["type"] not in INDEXED or not uri:
            continue
        facts = {
            "url": uri,
            "mime": (line.get("content_type") or "application/octet-stream").partition(";")[0].strip()
            if line["type"] != "revisit"
            else "warc/revisit",
            "status": str(line.get("status") or 200),
            "digest": line.get("payload_digest") or line["block_digest"],
            "length": str(line["length"]),
            "offset": str(line["offset"]),
            "filename": source.path.name,
            "recordDigest": digests[line["offset"]],
        }
        stamp = "".join(c for c in line["date"][:19] if c.isdigit())
        yield sort_key(uri), stamp, json.dumps(facts, ensure_ascii=True, separators=(", ", ": "))


def _index(lines: Iterable[tuple[str, str, str]]) -> list[tuple[str, bytes]]:
    """`index.cdx.gz` in blocks and `index.idx` over them (ZipNum)."""
    texts = sorted(f"{key} {stamp} {facts}\n".encode() for key, stamp, facts in lines)
    packed, over = b"", ['!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}\n']
    for start in range(0, len(texts), BLOCK_LINES):
        deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
        block = deflate.compress(b"".join(texts[start : start + BLOCK_LINES])) + deflate.flush()
        key, stamp, _ = texts[start].decode().split(" ", 2)
        facts = {"offset": len(packed), "length": len(block), "digest": sha256_label(block)}
        over.append(f"{key} {stamp} {json.dumps(facts)}\n")
        packed += block
    return [("indexes/index.cdx.gz", packed), ("indexes/index.idx", "".join(over).encode())]


def _pages(pages: list[ReplayPage]) -> bytes:
    lines: list[dict[str, Any]] = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}]
    for number, page in enumerate(pages, 1):
        lines.append({"id": str(number), "url": page.url, "ts": page.time, "title": page.title})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def signed_digest(package: bytes, created: str, software: str, sign: Sign) -> dict[str, Any]:
    """Make `datapackage-digest.json`: ECDSA over the text of the digest, r ‖ s in 96 bytes.

    The same text always gives the same signature.
    """
    digest = sha256_label(package)
    made = sign(digest.encode())
    signed = {
        "hash": digest,
        "created": created,
        "software": software,
        "version": "0.1.0",
        "signature": base64.b64encode(made.signature).decode(),
        "publicKey": base64.b64encode(made.public_key).decode(),
    }
    return {"path": "datapackage.json", "hash": digest, "signedData": signed}


# -- the ZIP ---------------------------------------------------------------------------------------------

_DATE = 0x21  # 1980-01-01, the earliest a ZIP can say
_LARGE = 0xFFFFFFFF


def _zip(entries: list[_Entry]) -> Iterator[bytes]:
    """Every entry stored; ZIP64 fields only where a number needs them (APPNOTE 4.3, 4.5.3)."""
    at = 0
    directory = b""
    for entry in entries:
        name = entry.name.encode("ascii")
        large = entry.size >= _LARGE
        extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.size) if large else b""
        shown = _LARGE if large else entry.size
        version = 45 if large else 20
        head = struct.pack(
            "<4sHHHHHIIIHH", b"PK\x03\x04", version, 0, 0, 0, _DATE, entry.crc, shown, shown, len(name), len(extra)
        )
        yield head + name + extra
        if isinstance(entry.source, bytes):
            yield entry.source
        else:
            yield from pieces_of(entry.source)
        far = at >= _LARGE
        fields = (struct.pack("<QQ", entry.size, entry.size) if large else b"") + (
            struct.pack("<Q", at) if far else b""
        )
        more = struct.pack("<HH", 1, len(fields)) + fields if fields else b""
        version = 45 if large or far else 20
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", version, version, 0, 0, 0, _DATE, entry.crc, shown, shown, len(name),
            len(more), 0, 0, 0, 0, _LARGE if far else at,
        )  # fmt: skip
        directory += name + more
        at += len(head) + len(name) + len(extra) + entry.size
    yield directory
    count, size = len(entries), len(directory)
    if at >= _LARGE or count >= 0xFFFF:
        yield struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, at)
        yield struct.pack("<4sIQI", b"PK\x06\x07", 0, at + size, 1)
    yield struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), size, min(at, _LARGE), 0
    )


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces. Raises `DiskError`."""
    try:
        with open(path, "rb", buffering=0) as stream:
            while data := stream.read(READ):
                yield data
    except OSError as error:
        raise disk_error(error, f"reading {path.name}") from error
