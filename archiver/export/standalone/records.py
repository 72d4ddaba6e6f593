"""WARC records (ISO 28500): every digest is computed again."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from .bag import SEVERAL
from .canon import canonical
from .sealed import Capture, record_ids
from .words import READ, Tampered, cannot_tell_if, first, missing_if, tampered_if
from .zipped import Zip

Take = Callable[[Any], object]
Fields = list[tuple[str, str]]
REPEATED = ("warc-concurrent-to", "warc-protocol")  # the only fields that a header may have more than once


def in_chunks(head: bytes) -> bool:
    """Whether the body after this head is in chunks (RFC 9112 6). Where two readers would see two bodies, what came is the payload."""
    lines = re.split(rb"\r?\n", re.sub(rb"\r?\n[ \t]+", b" ", head))
    fields = [(name.rstrip(b" \t").lower(), value) for name, _, value in (line.partition(b":") for line in lines[1:])]
    codings = [
        item.strip(b" \t").lower()
        for name, value in fields
        if name == b"transfer-encoding"
        for item in value.split(b",")
        if item.strip(b" \t")
    ]
    last = codings[-1:] == [b"chunked"] and set(codings[:-1]) <= {
        b"gzip",
        b"deflate",
        b"compress",
        b"x-gzip",
        b"identity",
    }
    return (
        last and b"content-length" not in dict(fields) and bool(re.match(rb"HTTP/1\.1 (?!1|204|304)[0-9]{3}", lines[0]))
    )


class Body:
    """Takes a record's block in pieces: its digest, and that of its payload without HTTP head and chunk framing."""

    def __init__(self, http: bool, take: Take | None) -> None:
        self.block, self.payload = hashlib.sha256(), hashlib.sha256()
        self.decoded: Any = None  # of a body in chunks: the digest without their framing
        self.take: Take = take or (lambda piece: None)
        self.head: bytes | None = b"" if http else None
        self.state, self.left, self.buffer = "size", 0, b""

    def feed(self, data: bytes | memoryview) -> None:
        self.block.update(data)
        if self.head is not None:
            self.head += bytes(data)
            match = re.search(rb"\r?\n\r?\n", self.head)
            if not match and len(self.head) < READ:
                return
            end = match.end() if match else len(self.head)
            head, data, self.head = self.head[:end], self.head[end:], None
            self.decoded = hashlib.sha256() if in_chunks(head) else None
        self.payload.update(data)
        if self.decoded is None:
            self.take(data)
        else:
            self.unchunk(bytes(data))

    def unchunk(self, data: bytes) -> None:
        data = self.buffer + data
        while data and self.state != "done":
            if self.state == "data":
                piece, data = data[: self.left], data[self.left :]
                self.decoded.update(piece)
                self.take(piece)
                self.left -= len(piece)
                self.state = "data" if self.left else "line end"
            elif self.state == "line end":
                if len(data) < 2:
                    break
                self.state, data = ("size" if data[:2] == b"\r\n" else "done"), data[2:]
            else:
                line, end, rest = data.partition(b"\r\n")
                if not end and len(line) < 16383:
                    break
                match = len(line) < 16383 and re.fullmatch(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?", line)
                self.left, data = (int(match[1], 16) if match else 0), rest
                self.state = "data" if self.left else "done"
        self.buffer = data


def read_record(stream: BinaryIO, start: int, length: int, take: Take | None = None) -> tuple[Fields, Body, str]:
    """(header fields, body, SHA-256 of the member) of the one record in the gzip member at `start`. `take` gets the payload."""
    stream.seek(start)
    inflate, left, member = zlib.decompressobj(31), length, hashlib.sha256()
    head, need, tail, pending = b"", 0, b"", b""
    body: Body | None = None
    fields: Fields = []
    while not inflate.eof:
        if not pending:
            pending = stream.read(min(READ, left))
            left -= len(pending)
            tampered_if(not pending, "a record that is cut")
            member.update(pending)
        data = inflate.decompress(pending, READ)
        pending = inflate.unconsumed_tail
        if body is None:
            head += data
            end = head.find(b"\r\n\r\n")
            if end < 0:
                tampered_if(len(head) > READ, "a record without a header")
                continue
            tampered_if(not head.startswith(b"WARC/1.1\r\n"), "not a WARC/1.1 record")
            lines = [line.decode("utf-8", "surrogateescape").partition(": ") for line in head[:end].split(b"\r\n")[1:]]
            fields = [(name, value) for name, _, value in lines]
            named = {name.lower(): value for name, value in fields}
            once = [name.lower() for name, _ in fields if name.lower() not in REPEATED]
            tampered_if(len(once) != len(set(once)), "a WARC header that says something twice")
            http = "application/http" in named.get("content-type", "") and named.get("warc-type") in (
                "request",
                "response",
                "revisit",
            )
            need, body, data = int(named["content-length"]), Body(http, take), head[end + 4 :]
        view = memoryview(data)
        inside = min(need, len(view))
        if inside:
            body.feed(bytes(view[:inside]) if body.head is not None else view[:inside])
            need -= inside
        tail += bytes(view[inside : inside + 8])  # a few bytes too many are enough to tell
        tampered_if(len(tail) > 4, "a record that does not end as its length says")
    tampered_if(inflate.unused_data or left, "a member that holds more than its record")
    tampered_if(need or tail != b"\r\n\r\n", "a record that does not end as its length says")
    assert body is not None
    return fields, body, member.hexdigest()


def check_records(archive: Zip, captures: list[Capture]) -> tuple[str, dict[tuple[str, int], str]]:
    """Every record of every WARC file against its own digests and against what was sealed of it.

    Also {(file, offset): SHA-256 of the record as it is stored}.
    """
    ids = dict(record_ids(captures))
    files = [(archive, capture, name, ids) for capture in captures for name in sorted(capture.warcs)]
    members: dict[tuple[str, int], str] = {}
    for found in SEVERAL.map(check_warc, *zip(*files)) if files else ():
        members.update(found)
    strange = sorted(
        {name for name in archive.entries if name.startswith("archive/")}
        - {f"archive/{name}" for _, _, name, _ in files}
    )
    tampered_if(strange, f"{first(strange)} belongs to no capture of the package")
    return f"{len(members)} records, every digest computed again", members


def check_warc(archive: Zip, capture: Capture, name: str, ids: dict[str, Any]) -> dict[tuple[str, int], str]:
    """The digests of the records of a WARC file, all of which are as they were sealed."""
    missing_if(f"archive/{name}" not in archive.entries, f"archive/{name} is not in the WACZ")
    start, size, _ = archive.entries[f"archive/{name}"]
    lines = sorted((line for line in capture.records if line["file"] == name), key=lambda line: int(line["offset"]))
    at, members = 0, {}
    with open(archive.path, "rb") as stream:
        for line in lines:
            tampered_if(
                line["offset"] != at, f"{name}: something stands at {at} that was not sealed, or a record is missing"
            )
            try:
                fields, body, members[name, at] = read_record(stream, start + at, line["length"])
                one_record(fields, body, line, ids, capture.manifest["recovered"] is not None)
            except (Tampered, zlib.error) as error:
                raise Tampered(f"{name} at {at}: {error}") from error
            at += line["length"]
    tampered_if(at != size or size != capture.warcs[name]["size"], f"{name}: bytes behind the last record")
    return members


def one_record(fields: Fields, body: Body, line: dict[str, Any], ids: dict[str, Any], recovered: bool) -> None:
    again = line["type"] == "revisit"
    named = {name.lower(): value for name, value in reversed(fields)}
    block = f"sha256:{body.block.hexdigest()}"
    for key, field in (
        ("id", "warc-record-id"),
        ("type", "warc-type"),
        ("uri", "warc-target-uri"),
        ("date", "warc-date"),
    ):
        tampered_if(line.get(key) != named.get(field), f"another {field} than was sealed")
    tampered_if(
        block != named.get("warc-block-digest") or block != line["block_digest"],
        "the block is not what its digest says",
    )
    payload = named.get("warc-payload-digest") if again else f"sha256:{(body.decoded or body.payload).hexdigest()}"
    tampered_if(
        not again and named.get("warc-payload-digest") not in (None, f"sha256:{body.payload.hexdigest()}"),
        "the payload is not what its digest says",
    )
    tampered_if(line.get("payload_digest") not in (None, payload), "the payload differs from what was sealed")
    tampered_if(
        bool(line.get("truncated")) != ("warc-truncated" in named), "it is cut, or not, against what was sealed"
    )
    tampered_if(
        again
        and (named.get("warc-refers-to") not in ids or ids[named["warc-refers-to"]] != line.get("payload_digest")),
        "a revisit whose original is not in the package",
    )
    for name, value in fields:
        tampered_if(
            name == "WARC-Concurrent-To" and value not in ids and not recovered,
            "it refers to a record that is not there",
        )


Assemblies = dict[tuple[str, str], dict[str, Any]]


def read_assemblies(archive: Zip, captures: list[Capture]) -> tuple[Assemblies, dict[str, tuple[int, int]]]:
    """{(capture, digest): assembly} of all files that came in pieces, and {record: (place, length)} of the pieces."""
    places = {
        line["id"]: (archive.entries[f"archive/{line['file']}"][0] + line["offset"], line["length"])
        for capture in captures
        for line in capture.records
    }
    found: Assemblies = {}
    for capture in captures:
        for line in capture.records:
            uri = str(line.get("uri") or "")
            if uri.startswith("urn:archiver:assembly:"):
                block = bytearray()
                read_record(archive.stream, *places[line["id"]], take=block.extend)
                value = canonical(bytes(block))
                tampered_if(uri != f"urn:archiver:assembly:{value['sha256']}", f"{uri} describes another file")
                found[capture.id, value["sha256"]] = value
    return found, places


def whole_here(assembly: dict[str, Any], places: dict[str, tuple[int, int]]) -> bool:
    return all(piece["record"] in places for piece in assembly["pieces"])


def check_assemblies(archive: Zip, assemblies: Assemblies, places: dict[str, tuple[int, int]]) -> str:
    """A file that arrived in pieces gives the digest that its assembly states."""
    absent = [assembly["name"] for assembly in assemblies.values() if not whole_here(assembly, places)]
    for assembly in assemblies.values():
        if not whole_here(assembly, places):
            continue
        whole = Whole()
        for piece in assembly["pieces"]:
            whole.begin(piece["offset"], piece["length"])
            read_record(archive.stream, *places[piece["record"]], take=whole.take)
        tampered_if(
            (whole.digest.hexdigest(), whole.size) != (assembly["sha256"], assembly["size"]),
            f"the pieces of {assembly['name']} do not give its digest",
        )
    cannot_tell_if(absent, f"{len(absent)} files have pieces in captures outside the package, first: {first(absent)}")
    return f"{len(assemblies)} files that came in pieces give their digests"


class Whole:
    """Joins pieces: of each payload that it takes, `length` bytes from `offset`."""

    def __init__(self) -> None:
        self.digest, self.size = hashlib.sha256(), 0

    def begin(self, offset: int, length: int) -> None:
        self.at, self.start, self.end = 0, offset, offset + length

    def take(self, data: bytes | memoryview) -> None:
        part = data[max(0, self.start - self.at) : max(0, self.end - self.at)]
        self.digest.update(part)
        self.size += len(part)
        self.at += len(data)
