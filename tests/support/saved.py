"""Saved files of every form, made here: recorded answers, the packages around them, and a page that is told again anywhere."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping

from storage.digest import sha256_hex

WORDS = "The bridge is closed for repairs until Friday, says the town."
PAGE = (
    f"<!DOCTYPE html><html><head><title>Town news</title></head><body><article><p>{WORDS}</p></article></body></html>"
).encode()
PREVIEW = (
    b'<html><body><div class="tgme_widget_message js-widget_message" data-post="river/12"><div class="tgme_widget_message_text '
    b'js-message_text">From the river</div><a class="tgme_widget_message_date" href="https://t.me/river/12">'
    b'<time datetime="2025-06-01T09:00:00+00:00"></time></a></div></body></html>'
)
TWEET = json.dumps({"__typename": "Tweet", "id_str": "20", "text": "just setting up"}).encode()


def http(body: bytes = PAGE, status: str = "200 OK", content_type: str = "text/html", **more: str) -> bytes:
    """An HTTP answer as it crosses the wire; `more` has header fields, with _ for -."""
    fields = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in more.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def response(url: str, block: bytes) -> bytes:
    """A WARC record of an answer."""
    head = {
        "WARC-Type": "response", "WARC-Record-ID": f"<urn:uuid:{sha256_hex(url.encode() + block)[:32]}>",
        "WARC-Date": "2024-05-01T10:00:00Z", "WARC-Target-URI": url,
        "WARC-Block-Digest": f"sha256:{sha256_hex(block)}",
        "Content-Type": "application/http; msgtype=response", "Content-Length": str(len(block)),
    }  # fmt: skip
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"WARC/1.1\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


def resource(url: str, block: bytes, content_type: str = "application/json") -> bytes:
    """A WARC record of what was never sent over HTTP."""
    kind = b"Content-Type: " + content_type.encode()
    answer = response(url, block).replace(b"WARC-Type: response", b"WARC-Type: resource", 1)
    return answer.replace(b"Content-Type: application/http; msgtype=response", kind, 1)


def warc(url: str = "https://news.example/a", block: bytes | None = None) -> bytes:
    """A WARC file of one answer."""
    return response(url, http() if block is None else block)


def _packed(entries: Mapping[str, bytes], profile: Mapping[str, str], compression: int) -> bytes:
    resources = [
        {"name": name.rpartition("/")[2], "path": name, "hash": f"sha256:{sha256_hex(data)}", "bytes": len(data)}
        for name, data in entries.items()
    ]
    package = json.dumps({**profile, "resources": resources}).encode()
    return zipped({**entries, "datapackage.json": package}, compression)


def wacz(inside: bytes | None = None, name: str = "archive/data.warc", compression: int = zipfile.ZIP_STORED) -> bytes:
    """A WACZ of one WARC file."""
    entries = {name: warc() if inside is None else inside, "pages/pages.jsonl": b'{"format":"json-pages-1.0"}\n'}
    return _packed(entries, {"profile": "data-package", "wacz_version": "1.1.1"}, compression)


def multi_wacz(parts: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A package of WACZ files, as Browsertrix gives it."""
    return _packed(parts, {"profile": "multi-wacz-package"}, compression)


def zipped(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(entries: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive; `mode` as `tarfile.open` takes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def har(*entries: tuple[str, int, str, bytes]) -> bytes:
    """A HAR of entries: link, status, content type, body."""
    made = [
        {
            "request": {"url": url},
            "response": {"status": status, "content": {"mimeType": kind, "text": body.decode()}, "headers": []},
            "startedDateTime": "2024-05-01T10:00:00Z",
        }
        for url, status, kind, body in entries
    ]
    return json.dumps({"log": {"version": "1.2", "entries": made}}).encode()


def arc(*blocks: tuple[str, bytes], counted: bool = True, length: str | None = None) -> bytes:
    """An ARC file. `counted`: the version block's length counts its own line end, as Heritrix 1 wrote it."""
    version = (
        b"1 1 InternetArchive\nURL IP-address Archive-date Content-type Archive-length\n<arcmetadata></arcmetadata>\n"
    )
    out = b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain %d\n" % len(version) + version + b"\n" * (not counted)
    for url, block in blocks:
        kind = "text/dns" if url.startswith("dns:") else "text/html"
        out += f"{url} 192.0.2.1 20080430204825 {kind} {length or len(block)}\n".encode() + block + b"\n"
    return out


def mhtml(*parts: tuple[dict[str, str], bytes], start: str | None = None, location: str | None = None) -> bytes:
    """An MHTML file of parts: header fields, body as encoded."""
    told = f'; start="{start}"' if start else ""
    top = f"Snapshot-Content-Location: {location}\r\n" if location else ""
    out = (
        f"From: <Saved by Blink>\r\n{top}Subject: A page\r\nDate: Sun, 1 Jun 2025 09:00:00 -0000\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/related;\r\n\ttype="text/html"{told};\r\n\tboundary="----Part"\r\n\r\n'
    ).encode()
    for head, body in parts:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
        out += f"\r\n------Part\r\n{lines}\r\n".encode() + body
    return out + b"\r\n------Part--\r\n"
