"""Taking one answer as it arrives: small ones in memory, large ones to a file of their own.

Nothing here decides where a file lies or how it is named; that is the `RecordSink`'s, which in a capture is its
`CaptureWriter`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from storage import canonical
from storage.digest import Buffer, Sha256, sha256_label
from storage.errors import DiskError, StorageError, disk_error
from storage.records import Exchange, Origin, RecordRef, Withheld, placed
from storage.times import utc_text
from storage.warc import (
    HTTP_REQUEST,
    HTTP_RESPONSE,
    MemberInPlace,
    header_reserve,
    is_incompressible,
    member,
    new_record_id,
    record_header,
)

REVISIT = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
REVISIT_AT = 32 << 10
"""Payloads below this are kept each time: they cost little, and a record by itself says more. Bytes."""
SPOOL_AT = 1 << 20
"""Bodies above this go to a file of their own, bytes."""
BACKLOG_LIMIT = 8 << 20
"""How much may wait for disk and digests before the reader pauses, bytes."""


class RecordSink(Protocol):
    """What records are written to. The methods may be called from any thread, and raise `DiskError`."""

    failed: StorageError | None
    """What went wrong with the disk, once it has."""
    warcinfo_id: str
    """Record id of the `warcinfo` that describes the file records are appended to."""
    original: Callable[[str, int], Origin | None]
    """Find an earlier record with the payload of a digest and size, so that this one may only refer to it."""

    @property
    def folder(self) -> Path:
        """The folder in which the WARC files lie."""

    @property
    def opened(self) -> datetime:
        """When writing began."""

    def append_records(self, members: Sequence[tuple[bytes, RecordRef, dict[str, Any]]]) -> list[RecordRef]:
        """Append whole members with one write, and list them."""

    def resource(
        self, uri: str, content_type: str, block: bytes, *, fields: Sequence[tuple[str, str]], extra: dict[str, Any]
    ) -> RecordRef:
        """Keep bytes that are no HTTP answer."""

    def warcinfo_member(self, name: str) -> tuple[str, bytes, bytes, bytes]:
        """Make the `warcinfo` that starts a file: (record id, member, header, block)."""

    def claim_file(self) -> str:
        """Reserve the name of a WARC file that the caller fills."""

    def adopt_file(self, name: str, spool: Path, records: Sequence[RecordRef], length: int) -> None:
        """Add a finished file whose name was claimed, with a line for each of its records."""


class ExchangeSink:
    """A sink that takes one answer as it arrives and files it with its request. One thread at a time calls it.

    `head` once, `body` any number of times, then `finish`. Only after `finish` returns may a client see the last
    byte: the exchange is then in a readable WARC.
    """

    def __init__(self, writer: RecordSink, exchange: Exchange, notify: Callable[[], None]) -> None:
        self._writer = writer
        self.exchange = exchange
        self._notify = notify
        self.request_id = new_record_id()
        self.response_id = new_record_id()
        self._parts: list[Buffer] = []
        self._payload_parts: list[Buffer] = []
        self._buffered = 0
        self._head_size = 0
        self._head = b""
        self._chunked = False
        self._stored = False
        self._status: int | None = None
        self._content_type: str | None = None
        self._response_withheld: tuple[Withheld, ...] = ()
        self._interim: list[bytes] = []
        self._stream: _Stream | None = None
        self.payload_size = 0

    def interim(self, raw: bytes) -> None:
        """Keep a 1xx answer as a record of its own, since readers expect one status line to a response."""
        self._interim.append(raw)

    def head(
        self,
        raw: bytes,
        *,
        status: int | None,
        content_type: str | None,
        content_encoding: str | None,
        expected: int | None,
        chunked: bool,
        withheld: tuple[Withheld, ...] = (),
    ) -> None:
        """Take the status line and fields as received, secrets replaced. `expected`: body size in bytes, if stated."""
        self._status, self._content_type = status, content_type
        self._chunked = chunked
        self._stored = is_incompressible(content_type, content_encoding)
        self._response_withheld = withheld
        self._parts.append(raw)
        self._head_size = len(raw)
        self._head = raw
        if expected is not None and expected > SPOOL_AT:
            self._spool()

    def body(self, wire: bytes, payload: bytes) -> None:
        """Take the next bytes: `wire` with framing, `payload` without. The same object where there is no framing."""
        self.payload_size += len(payload)
        if self._stream is not None:
            self._stream.put(wire, payload)
            return
        self._parts.append(wire)
        if self._chunked:
            self._payload_parts.append(payload)
        self._buffered += len(wire)
        if self._buffered > SPOOL_AT:
            self._spool()

    def trailers(self, raw: bytes, withheld: tuple[Withheld, ...]) -> None:
        """Take the trailer section of a chunked body, secrets replaced."""
        self._response_withheld += withheld
        self.body(raw, b"")

    @property
    def backlogged(self) -> bool:
        """True while more than 8 MiB wait for disk and digests; the reader should pause until `notify`."""
        return self._stream is not None and self._stream.backlog > BACKLOG_LIMIT

    def _spool(self) -> None:
        request = self._request_member()
        self._writer.append_records([request])
        self._stream = _Stream(self._writer, self, self._stored)
        payload = self._payload_parts if self._chunked else self._parts[1:]
        self._stream.put(b"".join(self._parts), b"".join(payload))
        self._parts, self._payload_parts = [], []

    def finish(self, truncated: str | None = None, extra: dict[str, Any] | None = None) -> RecordRef:
        """File the exchange and return the response's place. `truncated`: a `WARC-Truncated` reason (WARC 1.1)."""
        if self._stream is not None:
            return self._stream.finish(truncated, extra or {})
        block_digest = sha256_label(*self._parts)
        payload = self._payload_parts if self._chunked else self._parts[1:]
        payload_digest = sha256_label(*payload)
        size = sum(len(part) for part in self._parts)
        if (again := self._seen_before(payload_digest, truncated, extra or {})) is not None:
            return self._writer.append_records([self._request_member(), *self._interim_members(), again])[-1]
        ref, fields, line = self._response(block_digest, payload_digest, truncated, extra or {})
        header = record_header("response", self.response_id, self.exchange.date, fields, size)
        members = [self._request_member(), *self._interim_members()]
        members.append((member(header, self._parts, self._stored and size > 4096), ref, line))
        return self._writer.append_records(members)[-1]

    def _seen_before(
        self, digest: str, truncated: str | None, extra: dict[str, Any]
    ) -> tuple[bytes, RecordRef, dict[str, Any]] | None:
        """Make a `revisit` (WARC 1.1) where a sealed capture of the case holds the same payload: only the head is kept again.

        Never of a chunked body, whose framing is part of what was received, nor of one that was cut.
        """
        if self._chunked or truncated or self.payload_size < REVISIT_AT or extra.get("problem"):
            return None
        origin = self._writer.original(digest, self.payload_size)
        if origin is None:
            return None
        block = sha256_label(self._head)
        ref, fields, line = self._response(block, digest, "length", extra)
        refers = [
            ("WARC-Profile", REVISIT),
            ("WARC-Refers-To", origin.record),
            ("WARC-Refers-To-Target-URI", origin.uri),
            ("WARC-Refers-To-Date", origin.date),
        ]
        header = record_header("revisit", self.response_id, self.exchange.date, [*refers, *fields], len(self._head))
        line["refers"] = {"capture": origin.capture, "record": origin.record}
        return member(header, [self._head], False), replace(ref, type="revisit"), line

    @property
    def streaming(self) -> bool:
        """True once the body goes to a file of its own; `finish` then waits for threads and disk."""
        return self._stream is not None

    def abandon(self) -> None:
        """Stop the threads because the disk failed. Closing the capture salvages what was written to the spool."""
        if self._stream is not None:
            self._stream.abandon()

    def finish_without_answer(self) -> None:
        """Keep the request alone: that we asked, and got no answer, is a fact."""
        self._writer.append_records([self._request_member(answered=False), *self._interim_members()])

    def finish_unparsed(self, problem: str) -> RecordRef:
        """Keep what is no HTTP response as a `resource`, because a `response` record must be one."""
        self.finish_without_answer()
        return self._writer.resource(
            f"urn:archiver:unparsed:{self.exchange.uri}",
            "application/octet-stream",
            b"".join(bytes(part) for part in self._parts),
            fields=[("WARC-Concurrent-To", self.request_id)],
            extra={"problem": problem, "tag": self.exchange.tag},
        )

    def _interim_members(self) -> list[tuple[bytes, RecordRef, dict[str, Any]]]:
        members = []
        for raw in self._interim:
            record_id, digest = new_record_id(), sha256_label(raw)
            fields = [
                ("WARC-Target-URI", self.exchange.uri),
                ("WARC-Concurrent-To", self.request_id),
                ("WARC-Warcinfo-ID", self._writer.warcinfo_id),
                ("WARC-Block-Digest", digest),
                ("Content-Type", HTTP_RESPONSE),
            ]
            header = record_header("metadata", record_id, self.exchange.date, fields, len(raw))
            ref = RecordRef(record_id, "metadata", self.exchange.uri, self.exchange.date, "", 0, 0, digest, None, None)
            members.append((member(header, [raw], False), ref, {"content_type": HTTP_RESPONSE, "interim": True}))
        return members

    def _common(self) -> list[tuple[str, str]]:
        exchange = self.exchange
        fields = [("WARC-Target-URI", exchange.uri)]
        if exchange.ip:
            fields.append(("WARC-IP-Address", exchange.ip))
        fields += [("WARC-Protocol", protocol) for protocol in exchange.protocols]
        if exchange.cipher:
            fields.append(("WARC-Cipher-Suite", exchange.cipher))
        return fields

    def _request_member(self, answered: bool = True) -> tuple[bytes, RecordRef, dict[str, Any]]:
        exchange = self.exchange
        digest = sha256_label(*exchange.request)
        payload = sha256_label(exchange.request_payload) if exchange.request_payload is not None else None
        fields = self._common()
        if answered:
            fields.append(("WARC-Concurrent-To", self.response_id))
        if exchange.tls_record:
            fields.append(("WARC-Concurrent-To", exchange.tls_record))
        fields += [("WARC-Warcinfo-ID", self._writer.warcinfo_id), ("WARC-Block-Digest", digest)]
        if payload:
            fields.append(("WARC-Payload-Digest", payload))
        fields.append(("Content-Type", HTTP_REQUEST))
        size = sum(len(part) for part in exchange.request)
        header = record_header("request", self.request_id, exchange.date, fields, size)
        ref = RecordRef(self.request_id, "request", exchange.uri, exchange.date, "", 0, 0, digest, payload, None)
        extra = {"tag": exchange.tag, "withheld": [held.line() for held in exchange.withheld]}
        return member(header, exchange.request, False), ref, extra

    def _response(
        self, block_digest: str, payload_digest: str, truncated: str | None, extra: dict[str, Any]
    ) -> tuple[RecordRef, list[tuple[str, str]], dict[str, Any]]:
        exchange = self.exchange
        fields = [*self._common(), ("WARC-Concurrent-To", self.request_id)]
        if exchange.tls_record:
            fields.append(("WARC-Concurrent-To", exchange.tls_record))
        fields += [("WARC-Warcinfo-ID", self._writer.warcinfo_id), ("WARC-Block-Digest", block_digest)]
        if not self._chunked:
            # A chunked body keeps its framing, and its payload digest would be wrong for somebody: warcio and fastwarc
            # hash the framing too, the standard (ISO 28500, 5.9) does not. records.jsonl has the digest.
            fields.append(("WARC-Payload-Digest", payload_digest))
        if truncated:
            fields.append(("WARC-Truncated", truncated))
        fields.append(("Content-Type", HTTP_RESPONSE))
        line = {
            "request": self.request_id,
            "tls": exchange.tls_record,
            "status": self._status,
            "content_type": self._content_type,
            "chunked": self._chunked or None,
            "truncated": truncated,
            "tag": exchange.tag,
            "withheld": [held.line() for held in self._response_withheld],
            **extra,
        }
        ref = RecordRef(
            self.response_id,
            "response",
            exchange.uri,
            exchange.date,
            "",
            0,
            0,
            block_digest,
            payload_digest,
            self.payload_size,
        )
        return ref, fields, line

    def sidecar(self) -> dict[str, Any]:
        """Describe the exchange for recovery, which finishes a spool whose process died."""
        _, fields, line = self._response("", "", "unspecified", {})
        skip = {"WARC-Block-Digest", "WARC-Payload-Digest", "WARC-Truncated"}
        return {
            "response_id": self.response_id,
            "date": utc_text(self.exchange.date),
            "fields": [[name, value] for name, value in fields if name not in skip],
            "line": {key: value for key, value in line.items() if value is not None and value != []},
            "uri": self.exchange.uri,
            "chunked": self._chunked,
            "stored": self._stored,
            "head_size": self._head_size,
        }


class _Stream:
    """A large body on its way to a file of its own. Two threads: one writes and digests the block, one the payload.

    SHA-256 runs outside the interpreter lock, so the two digests and the network use the cores there are.
    """

    def __init__(self, writer: RecordSink, sink: ExchangeSink, stored: bool) -> None:
        self._writer, self._sink = writer, sink
        self.name = writer.claim_file()
        self._path = writer.folder / f"{self.name}.spool"
        info_id, data, _, info_block = writer.warcinfo_member(self.name)
        self._info = RecordRef(
            info_id,
            "warcinfo",
            None,
            writer.opened,
            self.name,
            0,
            len(data),
            sha256_label(info_block),
            None,
            None,
        )
        try:
            self._path.write_bytes(data)
        except OSError as error:
            raise disk_error(error, f"opening {self.name}") from error
        sidecar = sink.sidecar() | {"offset": len(data), "reserve": header_reserve(sink.exchange.uri)}
        self._sidecar = self._path.with_name(self._path.name + ".json")
        self._sidecar.write_bytes(canonical.dumps(sidecar))
        self._member = MemberInPlace(self._path, sidecar["reserve"], stored)
        self._block, self._payload = Sha256(), Sha256()
        self.backlog = 0
        self._mutex = threading.Lock()
        self._error: DiskError | None = None
        self._queues: list[queue.SimpleQueue[bytes | None]] = [queue.SimpleQueue(), queue.SimpleQueue()]
        self._threads = [
            threading.Thread(target=self._run, args=(self._queues[0], self._keep), name="warc-block", daemon=True),
            threading.Thread(
                target=self._run,
                args=(self._queues[1], self._payload.update),
                name="warc-payload",
                daemon=True,
            ),
        ]
        for thread in self._threads:
            thread.start()

    def put(self, wire: bytes, payload: bytes) -> None:
        if self._error is not None:
            raise self._error
        with self._mutex:
            self.backlog += len(wire) + len(payload)
        self._queues[0].put(wire)
        self._queues[1].put(payload)

    def _keep(self, chunk: bytes) -> None:
        self._block.update(chunk)
        if self._error is None:
            try:
                self._member.write(chunk)
            except DiskError as error:
                self._error = error
                self._writer.failed = error

    def _run(self, source: queue.SimpleQueue[bytes | None], work: Callable[[bytes], None]) -> None:
        while (chunk := source.get()) is not None:
            work(chunk)
            with self._mutex:
                before = self.backlog
                self.backlog -= len(chunk)
                drained = before > BACKLOG_LIMIT // 2 >= self.backlog
            if drained:
                self._sink._notify()

    def abandon(self) -> None:
        self._stop()
        self._member.abandon()

    def _stop(self) -> None:
        for source in self._queues:
            source.put(None)
        for thread in self._threads:
            thread.join()

    def finish(self, truncated: str | None, extra: dict[str, Any]) -> RecordRef:
        self._stop()
        if self._error is not None:
            self._member.abandon()
            raise self._error
        sink, writer = self._sink, self._writer
        if (again := sink._seen_before(self._payload.label(), truncated, extra)) is not None:
            # What was spooled goes first: a record is never there twice.
            self._member.abandon()
            self._sidecar.unlink()
            self._path.unlink()
            return writer.append_records([*sink._interim_members(), again])[-1]
        ref, fields, line = sink._response(self._block.label(), self._payload.label(), truncated, extra)
        header = record_header("response", sink.response_id, sink.exchange.date, fields, self._block.size)
        offset, length = self._member.finish(header)
        at_home = placed(ref, self.name, offset, length, line)
        info = placed(self._info, self.name, 0, self._info.length, {})
        writer.adopt_file(self.name, self._path, [info, at_home], length)
        self._sidecar.unlink()
        if interim := sink._interim_members():
            writer.append_records(interim)
        return at_home
