"""The WACZ: its ZIP, which holds nothing but what it lists, the WARC files as they were sealed, and its description."""

from __future__ import annotations

import base64
import json
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from isal import isal_zlib

from archiver.checks.package.files import NAME, READ, SMALL, Absent, PackageFiles, Row
from archiver.checks.proofs import Bad
from storage.digest import Sha256, sha256_hex

INDEX, BLOCKS, PAGES = "indexes/index.cdx.gz", "indexes/index.idx", "pages/pages.jsonl"
DESCRIPTION, SIGNED = "datapackage.json", "datapackage-digest.json"
LARGE = 0xFFFFFFFF
_DAY_ONE = 0x21
"""1980-01-01, the earliest day that a ZIP can say."""


def path_of(files: PackageFiles) -> Path:
    """Return where the WACZ lies."""
    return files.folder / "data" / "archive.wacz"


def wacz(files: PackageFiles) -> str:
    """Compare the entries with what an exporter writes, and each WARC file with the digest that was sealed."""
    crcs = enter(files)
    sealed = sealed_warcs(files)
    made = (INDEX, BLOCKS, PAGES, DESCRIPTION, SIGNED)
    if absent := sorted((sealed.keys() | set(made)) - files.entries.keys()):
        raise Absent(f"{absent[0]} is not in the WACZ")
    if strange := sorted(files.entries.keys() - sealed.keys() - set(made)):
        raise Bad(f"{strange[0]} has no place in the WACZ of a package")
    if list(files.entries) != [*sealed, *made]:
        raise Bad("the WACZ has its entries in another order")
    compare(files, sealed, crcs)
    return f"{len(sealed)} WARC files as they were sealed, {len(made)} entries about them"


def sealed_warcs(files: PackageFiles) -> dict[str, Row]:
    """Return the WARC files of all captures: name in the WACZ → entry in the manifest."""
    return {f"archive/{name}": entry for capture in files.captures for name, entry in capture.warcs.items()}


def enter(files: PackageFiles) -> dict[str, int]:
    """Note where each entry lies, and check that nothing else does; return the CRC that the ZIP states of each."""
    if not path_of(files).is_file():
        raise Absent("data/archive.wacz is not there")
    try:
        with zipfile.ZipFile(path_of(files)) as archive, open(path_of(files), "rb") as stream:
            framing(archive, stream, files)
            return {entry.filename: entry.CRC for entry in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise Bad(f"data/archive.wacz is no ZIP, or is cut: {error}") from error


def compare(files: PackageFiles, sealed: dict[str, Row], crcs: dict[str, int]) -> None:
    """Compute the digest and the CRC of every entry, and hold them against what was sealed, and the ZIP."""
    if not files.bodies:
        files.digests |= {name: entry["sha256"] for name, entry in sealed.items()}
    bounds: dict[str, list[tuple[int, int]]] = {}
    for capture in files.captures:
        for line in capture.records:
            bounds.setdefault(f"archive/{line['file']}", []).append((line["offset"], line["length"]))
    names = [name for name in files.entries if name not in files.digests]
    with ThreadPoolExecutor() as several:
        read = several.map(lambda name: _entry(files, name, sorted(bounds.get(name, []))), names)
        for name, (digest, crc, members) in zip(names, read, strict=True):
            if name in sealed and (digest, files.entries[name][1]) != (sealed[name]["sha256"], sealed[name]["size"]):
                raise Bad(f"{name} is not the file that was sealed")
            if crc != crcs[name]:
                raise Bad(f"{name} has another CRC than the ZIP says")
            files.digests[name] = digest
            files.members |= {(name.removeprefix("archive/"), at): member for at, member in members.items()}


def _entry(files: PackageFiles, name: str, bounds: list[tuple[int, int]]) -> tuple[str, int, dict[int, str]]:
    """Read an entry once: (digest, CRC, digests of its parts by where they begin). `bounds`: (begin, length) of the parts."""
    start, size = files.entries[name]
    running, crc = Sha256(), 0
    members: dict[int, str] = {}
    stops = [length for at, length in bounds if at < size] if _contiguous(bounds) else []
    with open(path_of(files), "rb", buffering=0) as stream:
        stream.seek(start)
        for length in [*stops, size]:
            at, part = running.size, Sha256()
            left = min(length, size - at)
            while left > 0 and (data := stream.read(min(READ, left))):
                running.update(data)
                part.update(data)
                crc = isal_zlib.crc32(data, crc)
                left -= len(data)
            members[at] = part.hexdigest()
    return running.hexdigest(), crc, members


def _contiguous(bounds: list[tuple[int, int]]) -> bool:
    """Whether parts stand one behind the other, from the begin. Where records do not, `records` says so."""
    at = 0
    for begin, length in bounds:
        if begin != at or length <= 0:
            return False
        at += length
    return True


def read_entry(files: PackageFiles, name: str) -> bytes:
    """Read an entry that is there and small. Raises `Absent`, `Bad`."""
    if name not in files.entries:
        raise Absent(f"{name} is not in the WACZ")
    start, size = files.entries[name]
    if size > SMALL:
        raise Bad(f"{name} is larger than allowed")
    with open(path_of(files), "rb") as stream:
        stream.seek(start)
        return stream.read(size)


# -- the ZIP -----------------------------------------------------------------------------------------------------


def framing(archive: zipfile.ZipFile, stream: BinaryIO, files: PackageFiles) -> None:
    """Write everything in the ZIP but the entries' bytes again, and compare it: `zipfile` passes over what lies between.

    Nothing is compressed, has a time, attributes or a comment, or stands between, before or behind the entries. ZIP64 fields
    are there only where a number needs them (APPNOTE 4.5.3).
    """
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if doubled := [name for name, count in Counter(name.lower() for name in names).items() if count > 1]:
        raise Bad(f"{doubled[0]} stands twice in the ZIP")
    if odd := [name for name in names if not NAME.fullmatch(name)]:
        raise Bad(f"a name that leaves the ZIP: {odd[0]}"[:160])
    at = 0
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits or entry.compress_size != entry.file_size:
            raise Bad(f"{entry.filename} is not simply stored in the ZIP")
        head = _local_header(entry)
        stream.seek(at)
        found = stream.read(len(head))
        # The version that is needed (bytes 4 and 5) differs where only the place of the entry is beyond 4 GiB.
        if entry.header_offset != at or found[:4] != head[:4] or found[6:] != head[6:]:
            raise Bad(f"{entry.filename} is not where the ZIP's directory says, or something stands between")
        files.entries[entry.filename] = (at + len(head), entry.file_size)
        at += len(head) + entry.file_size
    behind = b"".join(_directory(entries, at))
    stream.seek(at)
    if stream.read(len(behind) + 1) != behind:
        raise Bad("the ZIP's directory says more than the exporter writes, or something stands before or behind it")


def _local_header(entry: zipfile.ZipInfo) -> bytes:
    """Return what stands before an entry (APPNOTE 4.3.7)."""
    name, size, large = entry.filename.encode(), entry.file_size, entry.file_size >= LARGE
    extra = struct.pack("<HHQQ", 1, 16, size, size) if large else b""
    stated = LARGE if large else size
    lengths = len(name), len(extra)
    fixed = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, _DAY_ONE, entry.CRC, stated, stated, *lengths)
    return fixed + name + extra


def _directory(entries: list[zipfile.ZipInfo], start: int) -> Iterator[bytes]:
    """Return what stands behind the entries: the directory that begins at `start`, and its end (APPNOTE 4.3.12 to 4.3.16)."""
    size = 0
    for entry in entries:
        name, large, far = entry.filename.encode(), entry.file_size >= LARGE, entry.header_offset >= LARGE
        numbers = [entry.file_size] * 2 * large + [entry.header_offset] * far
        extra = struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
        stated = LARGE if large else entry.file_size
        version = entry.extract_version
        yield struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", version, version, 0, 0, 0, _DAY_ONE, entry.CRC, stated, stated, len(name),
            len(extra), 0, 0, 0, 0, LARGE if far else entry.header_offset,
        ) + name + extra  # fmt: skip
        size += 46 + len(name) + len(extra)
    count = len(entries)
    if start >= LARGE or count >= 0xFFFF:
        yield struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
        yield struct.pack("<4sLQL", b"PK\x06\x07", 0, start + size, 1)
    count = min(count, 0xFFFF)
    yield struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, min(start, LARGE), 0)


# -- what is said about it ---------------------------------------------------------------------------------------


def description(files: PackageFiles) -> str:
    """Write pages and datapackage.json again from the sealed lines and compare them, and check the signature."""
    pages = list(_pages(files))
    said = files.package
    value: Row = {
        "profile": "data-package", "wacz_version": "1.1.1", "title": said["name"], "software": said["software"],
        "created": said["made"], "modified": said["made"],
        "resources": [
            {"name": name.split("/")[-1].lower(), "path": name, "hash": f"sha256:{files.digests[name]}", "bytes": size}
            for name, (_, size) in files.entries.items()
            if name not in (DESCRIPTION, SIGNED)
        ],
    }  # fmt: skip
    if pages:
        value |= {"mainPageUrl": pages[0]["url"], "mainPageDate": pages[0]["ts"]}
    data = read_entry(files, DESCRIPTION)
    if data != json.dumps(value, ensure_ascii=False, indent=1).encode():
        raise Bad("datapackage.json says something else than follows from the package")
    stated = {
        "hash": f"sha256:{sha256_hex(data)}",
        "created": said["made"],
        "software": said["software"],
        "version": "0.1.0",
    }
    raw = read_entry(files, SIGNED)
    digest: dict[str, Any] = json.loads(raw)
    signed = digest["signedData"]
    expected = {
        "path": DESCRIPTION,
        "hash": stated["hash"],
        "signedData": stated | {key: signed[key] for key in ("signature", "publicKey")},
    }
    if json.dumps(expected, indent=1).encode() != raw:
        raise Bad("datapackage.json does not match datapackage-digest.json")
    check_signature(stated["hash"], signed)
    first = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
    if read_entry(files, PAGES) != b"".join(
        f"{json.dumps(one, ensure_ascii=False)}\n".encode() for one in [first, *pages]
    ):
        raise Bad("pages/pages.jsonl lists other pages than were sealed")
    return f"{len(pages)} pages, described as they were sealed"


def _pages(files: PackageFiles) -> Iterator[Row]:
    """Yield what can be opened in a viewer: the first HTML answer of each link."""
    seen: set[str] = set()
    for capture in files.captures:
        titles: dict[str, str] = {}
        for post in capture.posts:
            words = str(post.get("title") or post.get("text") or "")
            titles.setdefault(str(post.get("record")), " ".join(words.split())[:80])
        for line in capture.records:
            answer = line["type"] == "response" and line.get("status") == 200
            if answer and str(line.get("content_type") or "").startswith("text/html") and line["uri"] not in seen:
                seen.add(line["uri"])
                title = titles.get(line["id"]) or line["uri"]
                yield {"id": str(len(seen)), "url": line["uri"], "ts": line["date"], "title": title}


def check_signature(digest: str, signed: Row) -> None:
    """Check the anonymous signature over the digest of datapackage.json (WACZ Signing and Verification 0.1.0)."""
    key = load_der_public_key(base64.b64decode(signed["publicKey"], validate=True))
    raw = base64.b64decode(signed["signature"], validate=True)
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != 96:
        raise Bad("the signature in the WACZ is not 96 bytes, or its key of another kind")
    der = utils.encode_dss_signature(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
    try:
        key.verify(der, digest.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Bad("the signature in the WACZ does not fit") from error
