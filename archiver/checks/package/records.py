"""The records in the WACZ against the lines that were sealed, its index, and files that came in pieces."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import Counter
from typing import Any

from archiver.checks.package.files import SMALL, Absent, PackageFiles, Unknown
from archiver.checks.proofs import Bad, strict_json
from archiver.checks.warcs import FoundRecord, problems_of, read_payload, read_records
from storage.digest import Sha256


def records(files: PackageFiles) -> str:
    """Read every record, and compare it with its line."""
    ids = {line["id"]: line.get("payload_digest") for capture in files.captures for line in capture.records}
    path = files.folder / "data" / "archive.wacz"
    count = 0
    for capture in files.captures:
        for name, sealed in capture.warcs.items():
            if f"archive/{name}" not in files.entries:
                raise Absent(f"archive/{name} is not in the WACZ")
            start, size = files.entries[f"archive/{name}"]
            expected = {line["offset"]: line for line in capture.records if line["file"] == name}
            for found in read_records(path, start, size):
                line = expected.pop(found.offset, None)
                if line is None:
                    raise Bad(f"{name} at {found.offset} holds an unsealed record")
                if problem := _differs(line, found, ids, capture.manifest["recovered"] is not None):
                    raise Bad(f"{name} at {found.offset}: {problem}")
                count += 1
            if expected or size != sealed["size"]:
                raise Bad(f"{name}: {len(expected)} sealed records are missing")
    named = {f"archive/{name}" for capture in files.captures for name in capture.warcs}
    if strange := sorted(name for name in files.entries if name.startswith("archive/") and name not in named):
        raise Bad(f"{strange[0]} belongs to no capture of the package")
    return f"{count} records, every digest computed again"


def index(files: PackageFiles) -> str:
    """Compare the index with the records."""
    with zipfile.ZipFile(files.folder / "data" / "archive.wacz") as archive:
        data = archive.read("indexes/index.cdx.gz")
    text = b""
    while data:
        inflate = zlib.decompressobj(31)
        text += inflate.decompress(data, SMALL)
        if not inflate.eof:
            raise Bad("the index is cut")
        data = inflate.unused_data
    lines = text.splitlines()
    if lines != sorted(lines):
        raise Bad("the index is not sorted")
    said: Counter[tuple[str, int, int, str]] = Counter()
    for line in lines:
        facts = json.loads(line.split(b" ", 2)[2])
        said[facts["filename"], int(facts["offset"]), int(facts["length"]), facts["url"]] += 1
    there = Counter(
        (line["file"], line["offset"], line["length"], line["uri"])
        for capture in files.captures
        for line in capture.records
        if line.get("uri") and line["type"] not in ("request", "warcinfo")
    )
    if said != there:
        raise Bad("the index does not list exactly the records present")
    return f"{len(lines)} lines lead to their records"


def assemblies(files: PackageFiles) -> str:
    """Put together again the files that came in pieces, and check them."""
    path = files.folder / "data" / "archive.wacz"
    places = {
        line["id"]: (files.entries[f"archive/{line['file']}"][0], line["offset"])
        for capture in files.captures
        for line in capture.records
    }
    count, elsewhere = 0, []
    for capture in files.captures:
        for line in capture.records:
            if not str(line.get("uri") or "").startswith("urn:archiver:assembly:"):
                continue
            block = bytearray()
            start, offset = places[line["id"]]
            read_payload(path, offset, block.extend, start)
            assembly = strict_json(bytes(block))
            if any(piece["record"] not in places for piece in assembly["pieces"]):
                elsewhere.append(assembly["name"])
                continue
            whole = Sha256()
            for piece in assembly["pieces"]:
                cut = _Cut(whole, piece["offset"], piece["length"])
                start, offset = places[piece["record"]]
                read_payload(path, offset, cut.take, start)
            if (whole.hexdigest(), whole.size) != (assembly["sha256"], assembly["size"]):
                raise Bad(f"the pieces of {assembly['name']} do not give its digest")
            count += 1
    if elsewhere:
        raise Unknown(f"{len(elsewhere)} files have pieces in captures outside the package: {elsewhere[0]}")
    return f"{count} files that came in pieces give their digests"


class _Cut:
    """Takes `length` bytes from `offset` of what it is fed."""

    def __init__(self, into: Sha256, offset: int, length: int) -> None:
        self._into, self._skip, self._left = into, offset, length

    def take(self, data: memoryview) -> None:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        part = data[skipped : skipped + self._left]
        self._left -= len(part)
        self._into.update(part)


def _differs(line: dict[str, Any], found: FoundRecord, ids: dict[str, str | None], recovered: bool) -> str | None:
    """Tell in what a record differs from its line; None where it does not."""
    if problems := problems_of(found):
        return "; ".join(problems)
    for key, value in (
        ("id", found.get("WARC-Record-ID")), ("type", found.get("WARC-Type")), ("uri", found.get("WARC-Target-URI")),
        ("date", found.get("WARC-Date")), ("length", found.length), ("block_digest", found.block_digest),
    ):  # fmt: skip
        if line.get(key) != value:
            return f"another {key} than was sealed"
    again = found.get("WARC-Type") == "revisit"
    actual = found.get("WARC-Payload-Digest") if again else found.decoded_digest or found.payload_digest
    if line.get("payload_digest") not in (None, actual):
        return "the payload differs from what was sealed"
    if bool(line.get("truncated")) != (found.get("WARC-Truncated") is not None):
        return "cut, or not, against what was sealed"
    if again and found.get("WARC-Refers-To") not in ids:
        return "a revisit whose original is not in the package"
    if again and ids[str(found.get("WARC-Refers-To"))] != line.get("payload_digest"):
        return "a revisit whose original is another payload"
    for key, value in found.fields:
        if key == "WARC-Concurrent-To" and value not in ids and not recovered:
            return "refers to a record that is not there"
    return None
