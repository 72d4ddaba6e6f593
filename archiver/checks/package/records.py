"""The records in the WACZ against the lines that were sealed, and files that came in pieces."""

from __future__ import annotations

from collections import Counter

from archiver.checks.package.files import Absent, PackagedCapture, PackageFiles, Row, Unknown
from archiver.checks.package.wacz import path_of
from archiver.checks.proofs import Bad, strict_json
from archiver.checks.warcs import FoundRecord, problems_of, read_payload, read_records
from storage.digest import Sha256

ASSEMBLY = "urn:archiver:assembly:"
_REPEATED = ("warc-concurrent-to", "warc-protocol")
"""The only fields that a record's header may have more than once."""


def records(files: PackageFiles) -> str:
    """Read every record, and compare it with its line."""
    ids = {line["id"]: line.get("payload_digest") for capture in files.captures for line in capture.records}
    count = 0
    for capture in files.captures:
        for name in sorted(capture.warcs):
            count += _warc(files, capture, name, ids)
    read_assemblies(files)
    return f"{count} records, every digest computed again"


def _warc(files: PackageFiles, capture: PackagedCapture, name: str, ids: dict[str, str | None]) -> int:
    """Read one WARC file; return how many records it has."""
    if f"archive/{name}" not in files.entries:
        raise Absent(f"archive/{name} is not in the WACZ")
    start, size = files.entries[f"archive/{name}"]
    expected = {line["offset"]: line for line in capture.records if line["file"] == name}
    count = 0
    for found in read_records(path_of(files), start, size):
        line = expected.pop(found.offset, None)
        if line is None:
            raise Bad(f"{name}: something stands at {found.offset} that was not sealed, or a record is missing")
        if problem := _differs(line, found, ids, capture.manifest["recovered"] is not None):
            raise Bad(f"{name} at {found.offset}: {problem}")
        count += 1
    if expected or size != capture.warcs[name]["size"]:
        raise Bad(f"{name}: {len(expected)} sealed records are missing")
    return count


def read_assemblies(files: PackageFiles) -> None:
    """Read how pieces make up files, which the captures say in records of their own."""
    places = _places(files)
    for capture in files.captures:
        for line in capture.records:
            link = str(line.get("uri") or "")
            if not link.startswith(ASSEMBLY):
                continue
            block = bytearray()
            start, offset = places[line["id"]]
            read_payload(path_of(files), offset, block.extend, start)
            assembly = strict_json(bytes(block))
            if link != f"{ASSEMBLY}{assembly['sha256']}":
                raise Bad(f"{link} describes another file")
            files.assemblies[capture.id, assembly["sha256"]] = assembly


def assemblies(files: PackageFiles) -> str:
    """Put together again the files that came in pieces, and check them."""
    places = _places(files)
    elsewhere = [one["name"] for one in files.assemblies.values() if not is_whole(one, places)]
    for assembly in files.assemblies.values():
        if not is_whole(assembly, places):
            continue
        whole = Sha256()
        for piece in assembly["pieces"]:
            cut = _Cut(whole, piece["offset"], piece["length"])
            start, offset = places[piece["record"]]
            read_payload(path_of(files), offset, cut.take, start)
        if (whole.hexdigest(), whole.size) != (assembly["sha256"], assembly["size"]):
            raise Bad(f"the pieces of {assembly['name']} do not give its digest")
    if elsewhere:
        raise Unknown(f"{len(elsewhere)} files have pieces in captures outside the package, first: {elsewhere[0]}")
    return f"{len(files.assemblies)} files that came in pieces give their digests"


def is_whole(assembly: Row, places: dict[str, tuple[int, int]]) -> bool:
    """Return whether every piece of an assembly is in the package. `places`: as `record_places` gives them."""
    return all(piece["record"] in places for piece in assembly["pieces"])


def _places(files: PackageFiles) -> dict[str, tuple[int, int]]:
    """Record → (where its WARC file begins in the WACZ, its offset there)."""
    return {
        line["id"]: (files.entries[f"archive/{line['file']}"][0], line["offset"])
        for capture in files.captures
        for line in capture.records
    }


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


def _differs(line: Row, found: FoundRecord, ids: dict[str, str | None], recovered: bool) -> str | None:
    """Tell in what a record differs from its line; None where it does not."""
    if problems := problems_of(found):
        return "; ".join(problems)
    said = Counter(name.lower() for name, _ in found.fields if name.lower() not in _REPEATED)
    if max(said.values(), default=0) > 1:
        return "a WARC header that says something twice"
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
        return "it is cut, or not, against what was sealed"
    original = str(found.get("WARC-Refers-To"))
    if again and (original not in ids or ids[original] != line.get("payload_digest")):
        return "a revisit whose original is not in the package"
    for key, value in found.fields:
        if key == "WARC-Concurrent-To" and value not in ids and not recovered:
            return "it refers to a record that is not there"
    return None
