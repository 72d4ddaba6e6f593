"""The index of the WACZ, written again from the sealed lines (docs/reference/formats.md, "The WACZ")."""

from __future__ import annotations

import json
import re
import zlib
from itertools import islice

from archiver.checks.package.files import PackageFiles
from archiver.checks.package.wacz import BLOCKS, INDEX, read_entry
from archiver.checks.proofs import Bad
from storage.digest import sha256_hex

BLOCK_LINES = 300
"""Lines of the index in one gzip member."""
INDEXED = ("response", "revisit", "resource", "conversion", "metadata")
"""Types of records that have a line."""
_URI = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
"""RFC 3986, appendix B: scheme, authority, path, query."""
_PORTS = {"http": "80", "https": "443"}


def index(files: PackageFiles) -> str:
    """Compare the index, and the list of its blocks, with those that follow from the sealed lines."""
    expected = iter(sorted(_lines(files)))
    data, at, count = read_entry(files, INDEX), 0, 0
    blocks = ['!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}\n']
    while block := list(islice(expected, BLOCK_LINES)):
        text = b"".join(block)
        inflate = zlib.decompressobj(31)
        # No more is inflated than is expected: a small index can hold gigabytes.
        if inflate.decompress(data[at:], len(text) + 1) != text or not inflate.eof:
            raise Bad("the index leads elsewhere than to the records that were sealed")
        end = len(data) - len(inflate.unused_data)
        key, time, _ = block[0].decode().split(" ", 2)
        place = {"offset": at, "length": end - at, "digest": f"sha256:{sha256_hex(data[at:end])}"}
        blocks.append(f"{key} {time} {json.dumps(place)}\n")
        at, count = end, count + len(block)
    if at != len(data):
        raise Bad("bytes behind the index")
    if read_entry(files, BLOCKS) != "".join(blocks).encode():
        raise Bad("indexes/index.idx does not lead to the blocks of the index")
    return f"{count} lines lead to their records"


def _lines(files: PackageFiles) -> list[bytes]:
    lines = []
    for line in (line for capture in files.captures for line in capture.records):
        link = line.get("uri")
        if line["type"] not in INDEXED or not link:
            continue
        media_type = str(line.get("content_type") or "application/octet-stream").split(";")[0].strip()
        facts = {
            "url": link,
            "mime": "warc/revisit" if line["type"] == "revisit" else media_type,
            "status": str(line.get("status") or 200),
            "digest": line.get("payload_digest") or line["block_digest"],
            "length": str(line["length"]),
            "offset": str(line["offset"]),
            "filename": line["file"],
            "recordDigest": f"sha256:{files.members[line['file'], line['offset']]}",
        }
        time = "".join(re.findall("[0-9]", line["date"][:19]))
        lines.append(f"{sort_key(link)} {time} {json.dumps(facts)}\n".encode())
    return lines


def sort_key(link: str) -> str:
    """Return the key by which a link is found in the index."""
    lower = link.lower()
    match = _URI.fullmatch(lower)
    scheme, authority, path, query = match.groups() if match else (None, None, "", None)
    host, _, port = (authority or "").split("@")[-1].partition(":")
    if scheme not in _PORTS or not host or "[" in (authority or ""):
        return lower.replace(" ", "%20")
    first, *labels = host.split(".")
    if len(labels) < 2 or not re.fullmatch("www[0-9]*", first):
        labels = [first, *labels]
    key = ",".join(labels[::-1])
    if port and port != _PORTS[scheme]:
        key += f":{port}"
    key += f"){path.rstrip('/') or '/'}"
    if query:
        key += f"?{'&'.join(sorted(query.split('&')))}"
    return key.replace(" ", "%20")
