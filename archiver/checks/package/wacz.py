"""The WACZ: stored entries that are what it lists, nothing between them, and its signature."""

from __future__ import annotations

import base64
import json
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from isal import isal_zlib

from archiver.checks.package.files import NAME, READ, Absent, PackageFiles
from archiver.checks.proofs import Bad
from storage.digest import Sha256, sha256_hex


def wacz(files: PackageFiles) -> str:
    """Compare each entry with datapackage.json and the ZIP."""
    path = files.folder / "data" / "archive.wacz"
    with zipfile.ZipFile(path) as archive:
        _zip(files, path, archive)
        described = archive.read("datapackage.json")
        package = json.loads(described)
        if (package["profile"], package["wacz_version"]) != ("data-package", "1.1.1"):
            raise Bad("datapackage.json is not that of a WACZ 1.1.1")
        resources = {item["path"]: item for item in package["resources"]}
        present = set(archive.namelist()) - {"datapackage.json", "datapackage-digest.json"}
        if len(resources) != len(package["resources"]) or present - set(resources):
            raise Bad("an entry listed twice in datapackage.json, or not at all")
        if absent := set(resources) - present:
            raise Absent(f"{sorted(absent)[0]} is not in the WACZ")
        if not {"pages/pages.jsonl", "indexes/index.cdx.gz", "indexes/index.idx"} <= present:
            raise Absent("the WACZ has no pages or no index")
        bodies = [name for name in resources if files.bodies or not name.startswith("archive/")]
        crcs = {entry.filename: entry.CRC for entry in archive.infolist()}
        with ThreadPoolExecutor() as several:
            for name, found in zip(bodies, several.map(lambda name: _entry(files, name), bodies), strict=True):
                item = resources[name]
                if found != (item["hash"], item["bytes"], crcs[name]):
                    raise Bad(f"{name} does not match datapackage.json or the ZIP")
        _wacz_signature(described, json.loads(archive.read("datapackage-digest.json")))
    return f"{len(resources)} entries, stored as they are listed"


def _entry(files: PackageFiles, name: str) -> tuple[str, int, int]:
    """Read an entry: (digest, size, CRC)."""
    start, left = files.entries[name]
    running, crc = Sha256(), 0
    with open(files.folder / "data" / "archive.wacz", "rb", buffering=0) as stream:
        stream.seek(start)
        while left and (data := stream.read(min(READ, left))):
            running.update(data)
            crc = isal_zlib.crc32(data, crc)
            left -= len(data)
    return running.label(), running.size, crc


def _zip(files: PackageFiles, path: Path, archive: zipfile.ZipFile) -> None:
    """Check that entries stand one behind the other, with nothing else: `zipfile` would pass over what lies between."""
    expected = 0
    names = [entry.filename for entry in archive.infolist()]
    if len({name.lower() for name in names}) != len(names) or any(not NAME.fullmatch(name) for name in names):
        raise Bad("names in the ZIP that appear twice or point outside it")
    with open(path, "rb") as stream:
        for entry in archive.infolist():
            start = _content_start(stream, entry, expected)
            files.entries[entry.filename] = (start, entry.file_size)
            expected = start + entry.file_size
        size = path.stat().st_size
        stream.seek(max(0, size - 22))
        end = stream.read(22)
    if end[:4] != b"PK\x05\x06" or end[20:] != bytes(2) or archive.start_dir != expected or archive.comment:
        raise Bad("extra bytes in the ZIP, before, between or after its entries")
    length, start = struct.unpack("<II", end[12:20])
    large = start == 0xFFFFFFFF or struct.unpack("<H", end[10:12])[0] == 0xFFFF
    if expected + length + 22 + (76 if large else 0) != size:
        raise Bad("extra bytes after the ZIP")


def _content_start(stream: BinaryIO, entry: zipfile.ZipInfo, expected: int) -> int:
    """Read the local header of an entry, which must stand at `expected` and say what the directory says."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits or entry.comment:
        raise Bad(f"{entry.filename} is not simply stored in the ZIP")
    stream.seek(entry.header_offset)
    head = stream.read(30)
    name_length, extra_length = struct.unpack("<HH", head[26:30])
    name, extra = stream.read(name_length), stream.read(extra_length)
    sizes = struct.unpack("<II", head[18:26])
    if extra:
        kind, length, *large = struct.unpack("<HHQQ", extra)
        sizes = (large[0], large[1]) if (kind, length) == (1, 16) else (-1, -1)
    good = head[:4] == b"PK\x03\x04" and name == entry.filename.encode() and head[6:10] == bytes(4)
    if not good or sizes != (entry.file_size, entry.file_size) or entry.header_offset != expected:
        raise Bad(f"{entry.filename}: the ZIP says two different things, or something stands before it")
    if struct.unpack("<I", head[14:18])[0] != entry.CRC or entry.compress_size != entry.file_size:
        raise Bad(f"{entry.filename}: the ZIP says two different things")
    start: int = entry.header_offset + 30 + name_length + extra_length
    return start


def _wacz_signature(described: bytes, value: dict[str, Any]) -> None:
    """Check the signature over datapackage.json (WACZ Signing and Verification 0.1.0)."""
    digest = f"sha256:{sha256_hex(described)}"
    signed = value["signedData"]
    if {value["hash"], signed["hash"]} != {digest} or value["path"] != "datapackage.json":
        raise Bad("datapackage.json does not match datapackage-digest.json")
    key = load_der_public_key(base64.b64decode(signed["publicKey"], validate=True))
    raw = base64.b64decode(signed["signature"], validate=True)
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != 96:
        raise Bad("the signature in the WACZ is of another kind")
    der = utils.encode_dss_signature(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
    try:
        key.verify(der, digest.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Bad("the signature in the WACZ does not fit") from error
