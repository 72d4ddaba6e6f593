"""The WACZ around the WARC files: its list and signature, its index, its pages, made again from the sealed lines."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from .bag import SEVERAL
from .sealed import Capture
from .stamps import INSTALL, openssl, refuses
from .words import SMALL, cannot_tell_if, first, missing_if, tampered_if
from .zipped import Zip

INDEXED = ("response", "revisit", "resource", "conversion", "metadata")
BLOCK_LINES = 300
Members = dict[tuple[str, int], str]


def check_wacz_list(archive: Zip, captures: list[Capture]) -> str:
    """The WACZ holds what the exporter writes, each WARC file as it was sealed, each entry as it is listed; its signature fits."""
    warcs = {f"archive/{name}": entry for capture in captures for name, entry in capture.warcs.items()}
    made = [
        "indexes/index.cdx.gz",
        "indexes/index.idx",
        "pages/pages.jsonl",
        "datapackage.json",
        "datapackage-digest.json",
    ]
    missing_if(absent := sorted((set(warcs) | set(made)) - set(archive.entries)), f"{first(absent)} is not in the WACZ")
    tampered_if(
        strange := sorted(set(archive.entries) - set(warcs) - set(made)),
        f"{first(strange)} has no place in the WACZ of a package",
    )
    tampered_if(list(archive.entries) != [*warcs, *made], "the WACZ has its entries in another order")
    for name, (digest, crc) in zip(archive.entries, SEVERAL.map(archive.digests, archive.entries)):
        tampered_if(
            name in warcs and (digest, archive.entries[name][1]) != (warcs[name]["sha256"], warcs[name]["size"]),
            f"{name} is not the file that was sealed",
        )
        tampered_if(crc != archive.entries[name][2], f"{name} has another CRC than the ZIP says")
    return f"{len(warcs)} WARC files as they were sealed, {len(made)} entries about them"


def check_description(archive: Zip, captures: list[Capture], package: dict[str, Any]) -> str:
    """datapackage.json says exactly what follows from the package; the digest file fits it, and so does the signature."""
    pages = list(pages_of(captures))
    resources = [
        {
            "name": name.rpartition("/")[2].lower(),
            "path": name,
            "hash": f"sha256:{archive.digests(name)[0]}",
            "bytes": archive.entries[name][1],
        }
        for name in list(archive.entries)[:-2]
    ]
    value: dict[str, Any] = {
        "profile": "data-package", "wacz_version": "1.1.1", "title": package["name"], "software": package["software"],
        "created": package["made"], "modified": package["made"], "resources": resources,
    }  # fmt: skip
    if pages:
        value.update(mainPageUrl=pages[0]["url"], mainPageDate=pages[0]["ts"])
    data = archive.read("datapackage.json")
    tampered_if(
        data != json.dumps(value, ensure_ascii=False, indent=1).encode(),
        "datapackage.json says something else than follows from the package",
    )
    check_signed(data, archive.read("datapackage-digest.json"), package)
    head = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*head, *pages])
    tampered_if(
        archive.read("pages/pages.jsonl") != text.encode(), "pages/pages.jsonl lists other pages than were sealed"
    )
    return f"{len(pages)} pages, described as they were sealed"


def check_signed(data: bytes, written: bytes, package: dict[str, Any]) -> None:
    """The anonymous signature in the WACZ (WACZ Signing and Verification 0.1.0). It says nothing of who made it."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    signed = json.loads(written)["signedData"]
    own = {
        "hash": digest, "created": package["made"], "software": package["software"], "version": "0.1.0",
        "signature": signed["signature"], "publicKey": signed["publicKey"],
    }  # fmt: skip
    value = {"path": "datapackage.json", "hash": digest, "signedData": own}
    tampered_if(
        json.dumps(value, indent=1).encode() != written, "datapackage.json does not match datapackage-digest.json"
    )
    check_wacz_signature(digest, signed)


def check_wacz_signature(digest: str, signed: dict[str, Any]) -> None:
    raw = base64.b64decode(signed["signature"], validate=True)
    tampered_if(len(raw) != 96, "the signature in the WACZ is not 96 bytes")
    public = base64.b64decode(signed["publicKey"], validate=True)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(public) + b"-----END PUBLIC KEY-----\n"
    done = openssl(
        "dgst -sha256 -verify {key} -signature {sig} {text}", key=pem, sig=der_signature(raw), text=digest.encode()
    )
    cannot_tell_if(done.returncode and refuses(done.stderr), f"this openssl does not check signatures: {INSTALL}")
    tampered_if(done.returncode or "Verified OK" not in done.stdout, "the signature in the WACZ does not fit")


def der_signature(raw: bytes) -> bytes:
    """r ‖ s as an ASN.1 SEQUENCE of two INTEGERs, which is what openssl reads."""
    out = b""
    for half in (raw[:48], raw[48:]):
        number = half.lstrip(b"\0") or b"\0"
        number = b"\0" + number if number[0] & 0x80 else number
        out += b"\x02" + bytes([len(number)]) + number
    return b"\x30" + bytes([len(out)]) + out


def sort_key(link: str) -> str:
    """By what a link is found in the index: its host reversed, its query sorted, in lower case (docs/reference/formats.md)."""
    match = re.fullmatch(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", link, re.IGNORECASE | re.DOTALL)
    host, _, port = (
        match[2].rpartition("@")[2].lower().partition(":") if match and "[" not in match[2] else ("", "", "")
    )
    if not match or not host:
        return link.lower().replace(" ", "%20")
    labels = host.split(".")
    if len(labels) > 2 and re.fullmatch("www[0-9]*", labels[0]):
        labels = labels[1:]
    own = {"http": "80", "https": "443"}[match[1].lower()]
    shown_port = f":{port}" if port and port != own else ""
    path = match[3].lower().rstrip("/") or "/"
    query = "?" + "&".join(sorted(match[4].lower().split("&"))) if match[4] else ""
    return f"{','.join(reversed(labels))}{shown_port}){path}{query}".replace(" ", "%20")


def index_lines(captures: list[Capture], members: Members) -> list[bytes]:
    """The lines of the index, in order."""
    lines = []
    for capture in captures:
        for line in capture.records:
            if line["type"] not in INDEXED or not line.get("uri"):
                continue
            kind = (line.get("content_type") or "application/octet-stream").partition(";")[0].strip()
            facts = {
                "url": line["uri"], "mime": "warc/revisit" if line["type"] == "revisit" else kind, "status": str(line.get("status") or 200),
                "digest": line.get("payload_digest") or line["block_digest"], "length": str(line["length"]), "offset": str(line["offset"]),
                "filename": line["file"], "recordDigest": f"sha256:{members[line['file'], line['offset']]}",
            }  # fmt: skip
            stamp = re.sub("[^0-9]", "", line["date"][:19])
            lines.append(f"{sort_key(line['uri'])} {stamp} {json.dumps(facts)}\n".encode())
    return sorted(lines)


def check_index(archive: Zip, captures: list[Capture], members: Members) -> str:
    """The index has a line for each record, and leads there; the list of its blocks leads to each block."""
    expected = index_lines(captures, members)
    data = archive.read("indexes/index.cdx.gz")
    over, at = ['!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}\n'], 0
    for start in range(0, len(expected), BLOCK_LINES):
        block, text = expected[start : start + BLOCK_LINES], b"".join(expected[start : start + BLOCK_LINES])
        inflate = zlib.decompressobj(31)
        tampered_if(
            inflate.decompress(data[at:], len(text) + 1) != text or not inflate.eof,
            "the index leads elsewhere than to the records that were sealed",
        )
        length = len(data) - at - len(inflate.unused_data)
        key, stamp, _ = block[0].decode().split(" ", 2)
        facts = {
            "offset": at,
            "length": length,
            "digest": f"sha256:{hashlib.sha256(data[at : at + length]).hexdigest()}",
        }
        over.append(f"{key} {stamp} {json.dumps(facts)}\n")
        at += length
    tampered_if(at != len(data), "bytes behind the index")
    tampered_if(
        archive.read("indexes/index.idx") != "".join(over).encode(),
        "indexes/index.idx does not lead to the blocks of the index",
    )
    tampered_if(len(data) > SMALL, "an index that is larger than allowed")
    return f"{len(expected)} lines lead to their records"


def pages_of(captures: list[Capture]) -> Iterator[dict[str, Any]]:
    """The pages that can be opened in a replay: the HTML that a capture received, each link once."""
    seen: dict[str, None] = {}
    for capture in captures:
        posts: dict[Any, dict[str, Any]] = {}
        for post in capture.posts:
            posts.setdefault(post.get("record"), post)
        for line in capture.records:
            html = str(line.get("content_type") or "").startswith("text/html")
            if line["type"] == "response" and html and line.get("status") == 200 and line["uri"] not in seen:
                seen[line["uri"]] = None
                post = posts.get(line["id"], {})
                words = " ".join(str(post.get("title") or post.get("text") or "").split())
                yield {"id": str(len(seen)), "url": line["uri"], "ts": line["date"], "title": words[:80] or line["uri"]}
