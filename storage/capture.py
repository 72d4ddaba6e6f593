"""The capture folder: one `CaptureWriter` fills it once; `close` ends it with a manifest.

While open, every file carries `.open` and the folder a `.lock` held by this process. Small exchanges are appended
whole to the current WARC file. Large bodies are streamed into a file of their own (`.spool` beside a `.spool.json`
that says what it is), so that memory does not grow with a body and a crash leaves what had arrived.
"""

from __future__ import annotations

import base64
import os
import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyrage

from storage import canonical
from storage.digest import Buffer, Sha256, commitment, file_sha256, sha256_label
from storage.errors import DiskError, FormatError, StorageError, disk_error
from storage.files import Lock, sync_folder, write_synced
from storage.lines import LineFile, lines_root
from storage.times import Clock, utc_text
from storage.warc import (
    HTTP_REQUEST,
    HTTP_RESPONSE,
    MemberInPlace,
    fields_block,
    header_reserve,
    is_incompressible,
    member,
    new_record_id,
    record_header,
)

FORMAT = "archiver-capture/1"
SPOOL_AT = 1 << 20
"""Bodies above this go to a file of their own, bytes."""
FILE_LIMIT = 10**9
BACKLOG_LIMIT = 8 << 20
LINE_FILES = ("records.jsonl", "posts.jsonl", "inventory.jsonl")


@dataclass(frozen=True)
class Withheld:
    """A secret that was replaced: where it stood, and the commitment put in its place."""

    where: str
    name: str
    commitment: str

    def line(self) -> dict[str, str]:
        return {"where": self.where, "name": self.name, "commitment": self.commitment}


@dataclass(frozen=True)
class Exchange:
    """One request that is about to be answered. `request` is as sent, secrets replaced."""

    uri: str
    date: datetime
    request: Sequence[bytes]
    request_payload: bytes | None = None
    ip: str | None = None
    protocols: tuple[str, ...] = ()
    cipher: str | None = None
    tls_record: str | None = None
    tag: str | None = None
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class RecordRef:
    """Where a record lies, and what it says of itself."""

    record_id: str
    type: str
    uri: str | None
    date: datetime
    file: str
    offset: int
    length: int
    block_digest: str
    payload_digest: str | None
    payload_size: int | None
    line: dict[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """What names a capture. `target_salt` is 32 random bytes; the manifest carries only the commitment."""

    capture_id: str
    run_id: str
    part: int
    target: str
    target_salt: bytes
    software: dict[str, Any]
    test_routes: bool = False


class CaptureWriter:
    """Writes one capture folder. All methods may be called from any thread. Raises `DiskError`."""

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        recipients: Sequence[str],
        clock: Clock,
        ticks: Callable[[], float],
    ) -> None:
        """`recipients`: age public keys for the private record. `ticks`: a monotonic clock in seconds."""
        if not recipients:
            raise ValueError("a capture needs at least one recipient for its private record")
        self.folder = folder
        self.identity = identity
        self._recipients = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
        self._clock = clock
        self._ticks = ticks
        self.opened = clock()
        self._opened_ticks = ticks()
        self._mutex = threading.RLock()
        self._serial = 0
        self._files: dict[str, Sha256 | None] = {}
        self._private: list[dict[str, str]] = []
        self.withheld: Counter[str] = Counter()
        self.hosts: set[str] = set()
        self.refused_hosts: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.bytes_stored = 0
        self.failed: StorageError | None = None
        self.closed = False
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise disk_error(error, "making the capture's folder") from error
        self._lock = Lock(folder / ".lock")
        self._lock.acquire()
        sync_folder(folder.parent)
        write_synced(
            folder / "open.json",
            canonical.dumps(
                {
                    "format": FORMAT,
                    "capture": identity.capture_id,
                    "run": identity.run_id,
                    "part": identity.part,
                    "opened": utc_text(self.opened),
                    "target_salt": identity.target_salt.hex(),
                    "target": commitment(identity.target_salt, identity.target.encode()),
                    "software": identity.software,
                    "test_routes": identity.test_routes,
                    "recipients": list(recipients),
                }
            ),
        )
        self._lines = {name: LineFile(folder / f"{name}.open") for name in LINE_FILES}
        self._spill: LineFile | None = None
        self._main = ""
        self._main_fd = -1
        self._warcinfo = ""
        self._next_main()

    # -- files -------------------------------------------------------------------------------------

    def _file_name(self) -> str:
        stamp = self.opened.strftime("%Y%m%d%H%M%S")
        name = f"archiver-{stamp}-{self._serial:05d}-{self.identity.capture_id[-8:]}.warc.gz"
        self._serial += 1
        return name

    def _warcinfo_member(self, name: str) -> tuple[str, bytes, bytes, bytes]:
        """(record id, member, header, block) of the `warcinfo` that starts each file (standards.md 2.3)."""
        software = self.identity.software
        block = fields_block(
            [
                ("software", f"{software['name']}/{software['version']}"),
                ("format", "WARC File Format 1.1"),
                (
                    "conformsTo",
                    "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
                ),
                ("isPartOf", self.identity.capture_id),
            ]
        )
        record_id = new_record_id()
        fields = [
            ("WARC-Filename", name),
            ("WARC-Block-Digest", sha256_label(block)),
            ("Content-Type", "application/warc-fields"),
        ]
        header = record_header("warcinfo", record_id, self.opened, fields, len(block))
        return record_id, member(header, [block], stored=False), header, block

    def _next_main(self) -> None:
        name = self._file_name()
        record_id, data, _, block = self._warcinfo_member(name)
        path = self.folder / f"{name}.open"
        if self._main_fd >= 0:
            os.fsync(self._main_fd)
            os.close(self._main_fd)
        try:
            self._main_fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise disk_error(error, f"opening {name}") from error
        self._main, self._warcinfo = name, record_id
        self._files[name] = Sha256()
        offset = self._append(data)
        self._record_line(
            RecordRef(
                record_id,
                "warcinfo",
                None,
                self.opened,
                name,
                offset,
                len(data),
                sha256_label(block),
                None,
                None,
            )
        )

    def _append(self, data: bytes) -> int:
        """Appends to the current file; returns the offset. The digest of the file runs along."""
        digest = self._files[self._main]
        assert digest is not None
        offset = digest.size
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._main_fd, view) :]
        except OSError as error:
            self._cut_back(offset)
            self.failed = disk_error(error, f"writing {self._main}")
            raise self.failed from error
        digest.update(data)
        self.bytes_stored += len(data)
        return offset

    def _cut_back(self, offset: int) -> None:
        """After a failed append, drops the torn member so that the file stays readable."""
        try:
            os.ftruncate(self._main_fd, offset)
        except OSError:
            self.failed = self.failed or DiskError("a disk that can be written", "none", "Look at the disk.")

    # -- records -----------------------------------------------------------------------------------

    def exchange(self, exchange: Exchange, notify: Callable[[], None]) -> ExchangeSink:
        """A sink for the answer. `notify` is called, from any thread, when a backlogged sink has drained."""
        return ExchangeSink(self, exchange, notify)

    def resource(
        self,
        uri: str,
        content_type: str,
        block: bytes,
        *,
        record_type: str = "resource",
        date: datetime | None = None,
        fields: Sequence[tuple[str, str]] = (),
        extra: dict[str, Any] | None = None,
    ) -> RecordRef:
        """Bytes kept without a visible HTTP exchange, or a `metadata` record about another."""
        date = date or self._clock()
        record_id = new_record_id()
        digest = sha256_label(block)
        payload = digest if record_type in ("resource", "conversion") else None
        head = [
            ("WARC-Target-URI", uri),
            *fields,
            ("WARC-Warcinfo-ID", self._warcinfo),
            ("WARC-Block-Digest", digest),
        ]
        if payload:
            head.append(("WARC-Payload-Digest", payload))
        head.append(("Content-Type", content_type))
        header = record_header(record_type, record_id, date, head, len(block))
        data = member(header, [block], is_incompressible(content_type))
        with self._mutex:
            self._refuse_if_closed()
            if self._files[self._main].size > FILE_LIMIT:  # type: ignore[union-attr]
                self._next_main()
            offset = self._append(data)
            return self._record_line(
                RecordRef(
                    record_id,
                    record_type,
                    uri,
                    date,
                    self._main,
                    offset,
                    len(data),
                    digest,
                    payload,
                    len(block),
                ),
                {"content_type": content_type, **(extra or {})},
            )

    def _append_exchange(
        self, sink: ExchangeSink, members: Sequence[tuple[bytes, RecordRef, dict[str, Any]]]
    ) -> list[RecordRef]:
        with self._mutex:
            self._refuse_if_closed()
            if self._files[self._main].size > FILE_LIMIT:  # type: ignore[union-attr]
                self._next_main()
            offset = self._append(b"".join(data for data, _, _ in members))
            done, lines = [], []
            for data, ref, extra in members:
                placed = _placed(ref, self._main, offset, len(data), extra)
                offset += len(data)
                done.append(placed)
                lines.append(placed.line)
                self.counts[ref.type] += 1
            self._lines["records.jsonl"].append(lines)
            return done

    def _record_line(self, ref: RecordRef, extra: dict[str, Any] | None = None) -> RecordRef:
        placed = _placed(ref, ref.file, ref.offset, ref.length, extra or {})
        self._lines["records.jsonl"].append([placed.line])
        self.counts[ref.type] += 1
        return placed

    # -- what the parsers read, what was discovered, what is withheld --------------------------------

    def post(self, line: dict[str, Any]) -> None:
        with self._mutex:
            self._refuse_if_closed()
            self._lines["posts.jsonl"].append([line])
            self.counts["post"] += 1

    def inventory(self, line: dict[str, Any]) -> None:
        """A discovered thing with its outcome, the target, or a census. Things are counted by outcome."""
        with self._mutex:
            self._refuse_if_closed()
            self._lines["inventory.jsonl"].append([line])
            if outcome := line.get("outcome"):
                self.outcomes[outcome] += 1

    def withhold(self, values: Sequence[tuple[str, str, bytes]]) -> tuple[Withheld, ...]:
        """Commits to secret `values` (where, name, value) and keeps them for the case's recipients."""
        done, private = [], []
        for where, name, value in values:
            salt = os.urandom(32)
            held = Withheld(where, name, commitment(salt, value))
            done.append(held)
            text = base64.b64encode(value).decode()
            private.append({**held.line(), "salt": salt.hex(), "value_base64": text})
        if private:
            with self._mutex:
                self._private += private
                self.withheld.update(f"{held.where} {held.name}" for held in done)
                if self._spill is None:
                    self._spill = LineFile(self.folder / "private.age-lines.open")
                sealed = pyrage.encrypt(canonical.dumps(private), self._recipients)
                self._spill.append_raw(base64.b64encode(sealed) + b"\n")
        return tuple(done)

    # -- the end -------------------------------------------------------------------------------------

    def _refuse_if_closed(self) -> None:
        if self.closed:
            raise FormatError("an open capture", "one that was closed", "Report this as a bug.")

    def elapsed(self) -> float:
        return self._ticks() - self._opened_ticks

    def close(self, outcome: str, reason: str | None, extra: dict[str, Any] | None = None) -> bytes:
        """Syncs everything and writes the manifest; returns its bytes. The capture is then *closed*.

        Raises `DiskError`; the folder is then left open, and recovery closes it later.
        """
        with self._mutex:
            self._refuse_if_closed()
            self.closed = True
            closed = self._clock()
            clock = {
                "source": "system",
                "elapsed_ms": int(self.elapsed() * 1000),
                "wall_ms": int((closed - self.opened).total_seconds() * 1000),
            }
            try:
                os.fsync(self._main_fd)
                os.close(self._main_fd)
                for lines in self._lines.values():
                    lines.close()
                if self._spill is not None:
                    self._spill.close()
            except OSError as error:
                raise disk_error(error, "syncing the capture") from error
            facts: dict[str, Any] = {
                "closed": utc_text(closed),
                "clock": clock,
                "outcome": outcome,
                "reason": reason,
                "withheld": dict(self.withheld),
                "hosts": sorted(self.hosts),
                "refused_hosts": sorted(self.refused_hosts),
                "recovered": None,
                **(extra or {}),
            }
            private = self._private_file()
            return finish_folder(self.folder, facts, private, self._files)

    def release(self) -> None:
        """Gives up the folder's lock. Called after sealing, so that nobody else seals the capture meanwhile."""
        self._lock.release(remove=True)

    def _private_file(self) -> bytes:
        """`private.age`: the withheld values with their salts, and the target's."""
        content = {
            "format": "archiver-private/1",
            "capture": self.identity.capture_id,
            "target": {"value": self.identity.target, "salt": self.identity.target_salt.hex()},
            "values": self._private,
        }
        sealed: bytes = pyrage.encrypt(canonical.dumps(content), self._recipients)
        return sealed


def finish_folder(folder: Path, facts: dict[str, Any], private: bytes | None, known: dict[str, Sha256 | None]) -> bytes:
    """The common end of a normal close and of a recovery: final names, digests, manifest, sync. Returns the manifest.

    `known` has running digests of files that were only appended to; others are read. Raises `DiskError`.
    """
    try:
        opened = canonical.loads((folder / "open.json").read_bytes())
        if private is not None:
            write_synced(folder / "private.age", private, 0o600)
            (folder / "private.age-lines.open").unlink(missing_ok=True)
        for path in sorted(folder.glob("*.open")):
            path.rename(path.with_name(path.name.removesuffix(".open")))
        files = []
        for path in sorted(folder.iterdir()):
            if path.name in ("open.json", ".lock", "manifest.json"):
                continue
            running = known.get(path.name)
            if running is None or running.size != path.stat().st_size:
                running = file_sha256(path)
            files.append({"name": path.name, "size": running.size, "sha256": running.hexdigest()})
        lines = {name: lines_root(folder / name) for name in LINE_FILES}
        manifest = canonical.dumps(
            {
                "format": FORMAT,
                "capture": opened["capture"],
                "run": opened["run"],
                "part": opened["part"],
                "target": {"commitment": opened["target"]},
                "opened": opened["opened"],
                "software": opened["software"],
                "test_routes": opened["test_routes"],
                "counts": _counts(folder),
                "files": files,
                "lines": lines,
                **facts,
            }
        )
        for path in folder.iterdir():
            if path.suffix in (".gz", ".tail"):
                _sync_file(path)
        sync_folder(folder)
        write_synced(folder / "manifest.json", manifest)
        (folder / "open.json").unlink()
        sync_folder(folder)
    except OSError as error:
        raise disk_error(error, "closing the capture") from error
    return manifest


def _counts(folder: Path) -> dict[str, Any]:
    """Counts by what the files say, so that a recovered capture counts like any other."""
    from storage.lines import read_lines

    records = Counter(line["type"] for line in read_lines(folder / "records.jsonl"))
    outcomes = Counter(line["outcome"] for line in read_lines(folder / "inventory.jsonl") if line.get("outcome"))
    posts = sum(1 for _ in read_lines(folder / "posts.jsonl"))
    return {"records": dict(records), "posts": posts, "inventory": dict(outcomes)}


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _placed(ref: RecordRef, file: str, offset: int, length: int, extra: dict[str, Any]) -> RecordRef:
    line = {
        "id": ref.record_id,
        "type": ref.type,
        "uri": ref.uri,
        "date": utc_text(ref.date),
        "file": file,
        "offset": offset,
        "length": length,
        "block_digest": ref.block_digest,
        "payload_digest": ref.payload_digest,
        "payload_size": ref.payload_size,
        **{key: value for key, value in extra.items() if value is not None and value != []},
    }
    return RecordRef(
        ref.record_id, ref.type, ref.uri, ref.date, file, offset, length,
        ref.block_digest, ref.payload_digest, ref.payload_size, line,
    )  # fmt: skip


class ExchangeSink:
    """Takes one answer as it arrives and files it with its request. One thread at a time calls it.

    `head` once, `body` any number of times, then `finish`. Only after `finish` returns may a client see the last
    byte: the exchange is then in a readable WARC.
    """

    def __init__(self, writer: CaptureWriter, exchange: Exchange, notify: Callable[[], None]) -> None:
        self._writer = writer
        self.exchange = exchange
        self._notify = notify
        self.request_id = new_record_id()
        self.response_id = new_record_id()
        self._parts: list[Buffer] = []
        self._payload_parts: list[Buffer] = []
        self._buffered = 0
        self._head_size = 0
        self._chunked = False
        self._stored = False
        self._status: int | None = None
        self._content_type: str | None = None
        self._response_withheld: tuple[Withheld, ...] = ()
        self._interim: list[bytes] = []
        self._stream: _Stream | None = None
        self.payload_size = 0

    def interim(self, raw: bytes) -> None:
        """A 1xx answer: kept as a record of its own, since readers expect one status line to a response."""
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
        """Status line and fields as received, secrets replaced. `expected`: body size in bytes, if stated."""
        self._status, self._content_type = status, content_type
        self._chunked = chunked
        self._stored = is_incompressible(content_type, content_encoding)
        self._response_withheld = withheld
        self._parts.append(raw)
        self._head_size = len(raw)
        if expected is not None and expected > SPOOL_AT:
            self._spool()

    def body(self, wire: bytes, payload: bytes) -> None:
        """The next bytes: `wire` with framing, `payload` without. The same object where there is no framing."""
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

    @property
    def backlogged(self) -> bool:
        """True while more than 8 MiB wait for disk and digests; the reader should pause until `notify`."""
        return self._stream is not None and self._stream.backlog > BACKLOG_LIMIT

    def _spool(self) -> None:
        request = self._request_member()
        self._writer._append_exchange(self, [request])
        self._stream = _Stream(self._writer, self, self._stored)
        payload = self._payload_parts if self._chunked else self._parts[1:]
        self._stream.put(b"".join(self._parts), b"".join(payload))
        self._parts, self._payload_parts = [], []

    def finish(self, truncated: str | None = None, extra: dict[str, Any] | None = None) -> RecordRef:
        """Files the exchange. `truncated`: a `WARC-Truncated` reason. Returns the response's place."""
        if self._stream is not None:
            return self._stream.finish(truncated, extra or {})
        block_digest = sha256_label(*self._parts)
        payload = self._payload_parts if self._chunked else self._parts[1:]
        payload_digest = sha256_label(*payload)
        size = sum(len(part) for part in self._parts)
        ref, fields, line = self._response(block_digest, payload_digest, truncated, extra or {})
        header = record_header("response", self.response_id, self.exchange.date, fields, size)
        members = [self._request_member(), *self._interim_members()]
        members.append((member(header, self._parts, self._stored and size > 4096), ref, line))
        return self._writer._append_exchange(self, members)[-1]

    @property
    def streaming(self) -> bool:
        """True once the body goes to a file of its own; `finish` then waits for threads and disk."""
        return self._stream is not None

    def finish_without_answer(self) -> None:
        """Nothing came back. The request is kept: that we asked, and got no answer, is a fact."""
        self._writer._append_exchange(self, [self._request_member(answered=False), *self._interim_members()])

    def finish_unparsed(self, problem: str) -> RecordRef:
        """What came is no HTTP response: kept as a `resource`, because a `response` record must be one."""
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
                ("WARC-Warcinfo-ID", self._writer._warcinfo),
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
        fields += [("WARC-Warcinfo-ID", self._writer._warcinfo), ("WARC-Block-Digest", digest)]
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
        fields += [("WARC-Warcinfo-ID", self._writer._warcinfo), ("WARC-Block-Digest", block_digest)]
        if not self._chunked:
            # A chunked body keeps its framing; a payload digest would be refused by the checkers, which hash the
            # framing, or by the standard, which does not (standards.md 2.4 trap 4). records.jsonl has it.
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
        """What recovery needs to finish a spool whose process died."""
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

    def __init__(self, writer: CaptureWriter, sink: ExchangeSink, stored: bool) -> None:
        self._writer, self._sink = writer, sink
        with writer._mutex:
            writer._refuse_if_closed()
            self.name = writer._file_name()
        self._path = writer.folder / f"{self.name}.spool"
        info_id, data, _, info_block = writer._warcinfo_member(self.name)
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

    def finish(self, truncated: str | None, extra: dict[str, Any]) -> RecordRef:
        for source in self._queues:
            source.put(None)
        for thread in self._threads:
            thread.join()
        if self._error is not None:
            self._member.abandon()
            raise self._error
        sink, writer = self._sink, self._writer
        ref, fields, line = sink._response(self._block.label(), self._payload.label(), truncated, extra)
        header = record_header("response", sink.response_id, sink.exchange.date, fields, self._block.size)
        offset, length = self._member.finish(header)
        with writer._mutex:
            writer._files[self.name] = None
            placed = _placed(ref, self.name, offset, length, line)
            interim = sink._interim_members()
            self._path.rename(self._path.with_name(f"{self.name}.open"))
            writer._lines["records.jsonl"].append(
                [_placed(self._info, self.name, 0, self._info.length, {}).line, placed.line]
            )
            writer.counts.update(["warcinfo", "response"])
            writer.bytes_stored += length
            self._sidecar.unlink()
            if interim:
                writer._append_exchange(sink, interim)
        return placed
