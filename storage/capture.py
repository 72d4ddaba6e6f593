"""The capture folder: one `CaptureWriter` fills it once; `close` ends it with a manifest.

While open, every file carries `.open` and the folder a `.lock` held by this process. Small exchanges are appended
whole to the current WARC file. Large bodies are streamed into a file of their own (`.spool` beside a `.spool.json`
that says what it is), so that memory does not grow with a body and a crash leaves what had arrived.
"""

from __future__ import annotations

import base64
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyrage

from storage import canonical
from storage.digest import Sha256, commitment, file_sha256, sha256_label
from storage.errors import DiskError, FormatError, StorageError, disk_error
from storage.files import Lock, sync_folder, write_synced
from storage.lines import LineFile, lines_root, read_lines
from storage.records import Exchange, Origin, RecordRef, Withheld, placed
from storage.salvage import salvage
from storage.sink import ExchangeSink
from storage.times import Clock, kernel_clock, utc_text
from storage.warc import (
    MemberInPlace,
    fields_block,
    header_reserve,
    is_incompressible,
    member,
    new_record_id,
    record_header,
)

FORMAT = "archiver-capture/1"
FILE_LIMIT = 10**9
LINE_FILES = ("records.jsonl", "posts.jsonl", "inventory.jsonl")


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
    """Writer of one capture folder. All methods may be called from any thread. Raises `DiskError`."""

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
        self.server_offsets_ms: list[int] = []
        """Each answer's `Date` less our time when it came, milliseconds."""
        self.refused_hosts: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.bytes_stored = 0
        self.failed: StorageError | None = None
        self.closed = False
        self.original: Callable[[str, int], Origin | None] = lambda digest, size: None
        """Where a payload (`sha256:…`, bytes) lies already in a sealed capture, its bytes read just now; set by whoever knows."""
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
        self.warcinfo_id = ""
        self._next_main()

    # -- files -------------------------------------------------------------------------------------

    def new_file_name(self) -> str:
        """Return the name of the next WARC file: time of opening, serial number, end of the capture's id."""
        stamp = self.opened.strftime("%Y%m%d%H%M%S")
        name = f"archiver-{stamp}-{self._serial:05d}-{self.identity.capture_id[-8:]}.warc.gz"
        self._serial += 1
        return name

    def warcinfo_member(self, name: str) -> tuple[str, bytes, bytes, bytes]:
        """Make the `warcinfo` that starts each file: (record id, member, header, block)."""
        record_id, block = new_record_id(), warcinfo_block(self.identity.software, self.identity.capture_id)
        header = warcinfo_header(name, record_id, self.opened, block)
        return record_id, member(header, [block], stored=False), header, block

    def _next_main(self) -> None:
        name = self.new_file_name()
        record_id, data, _, block = self.warcinfo_member(name)
        path = self.folder / f"{name}.open"
        if self._main_fd >= 0:
            os.fsync(self._main_fd)
            os.close(self._main_fd)
        try:
            self._main_fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise disk_error(error, f"opening {name}") from error
        self._main, self.warcinfo_id = name, record_id
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
        """Append to the current file; return the offset. The digest of the file runs along."""
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
            self.failed = self.failed or DiskError("a writable disk", "none", "Check the disk.")

    # -- records -----------------------------------------------------------------------------------

    def exchange(self, exchange: Exchange, notify: Callable[[], None]) -> ExchangeSink:
        """Return a sink for the answer. `notify` is called, from any thread, when a backlogged sink has drained."""
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
        """Keep bytes that came without a visible HTTP exchange, or a `metadata` record about another record."""
        date = date or self._clock()
        one = self._block(uri, content_type, block, record_type, date, fields)
        with self._mutex:
            return self.append_records([(*one, {"content_type": content_type, **(extra or {})})])[0]

    def _block(
        self,
        uri: str,
        content_type: str,
        block: bytes,
        record_type: str,
        date: datetime,
        fields: Sequence[tuple[str, str]],
    ) -> tuple[bytes, RecordRef]:
        """A member that holds `block`, and what its line will say once it has a place."""
        record_id, digest = new_record_id(), sha256_label(block)
        payload = digest if record_type in ("resource", "conversion") else None
        head = [
            ("WARC-Target-URI", uri),
            *fields,
            ("WARC-Warcinfo-ID", self.warcinfo_id),
            ("WARC-Block-Digest", digest),
        ]
        if payload:
            head.append(("WARC-Payload-Digest", payload))
        head.append(("Content-Type", content_type))
        data = member(
            record_header(record_type, record_id, date, head, len(block)), [block], is_incompressible(content_type)
        )
        return data, RecordRef(record_id, record_type, uri, date, "", 0, 0, digest, payload, len(block))

    def resources(self, items: Sequence[tuple[str, str, bytes, dict[str, Any]]]) -> list[RecordRef]:
        """Keep many (uri, type, bytes, additions to the line) as `resource` records, with one write."""
        date = self._clock()
        made = [
            (*self._block(uri, kind, block, "resource", date, ()), {"content_type": kind, **extra})
            for uri, kind, block, extra in items
        ]
        return self.append_records(made)

    def resource_file(
        self,
        uri: str,
        content_type: str,
        path: Path,
        extra: dict[str, Any] | None = None,
        *,
        record_type: str = "resource",
        fields: Sequence[tuple[str, str]] = (),
    ) -> RecordRef:
        """Keep a file of any size as a `resource` or `conversion`, in a WARC file of its own, at constant memory."""
        name = self.claim_file()
        spool = self.folder / f"{name}.spool"
        info_id, data, _, info_block = self.warcinfo_member(name)
        try:
            spool.write_bytes(data)
            digest = file_sha256(path)
            out = MemberInPlace(spool, header_reserve(uri), is_incompressible(content_type))
            with open(path, "rb") as stream:
                while chunk := stream.read(1 << 20):
                    out.write(chunk)
        except OSError as error:
            raise disk_error(error, f"keeping {path.name}") from error
        date, record_id, label = self._clock(), new_record_id(), f"sha256:{digest.hexdigest()}"
        head = [
            ("WARC-Target-URI", uri),
            *fields,
            ("WARC-Warcinfo-ID", info_id),
            ("WARC-Block-Digest", label),
            ("WARC-Payload-Digest", label),
            ("Content-Type", content_type),
        ]
        offset, length = out.finish(record_header(record_type, record_id, date, head, digest.size))
        info = RecordRef(
            info_id, "warcinfo", None, self.opened, name, 0, len(data), sha256_label(info_block), None, None
        )
        ref = RecordRef(record_id, record_type, uri, date, name, offset, length, label, label, digest.size)
        at_home = placed(ref, name, offset, length, {"content_type": content_type, **(extra or {})})
        self.adopt_file(name, spool, [placed(info, name, 0, len(data), {}), at_home], length)
        return at_home

    def path_of(self, name: str) -> Path:
        """Return where a WARC file of this capture lies now: it has another name while the capture is open."""
        working = self.folder / f"{name}.open"
        return working if working.exists() else self.folder / name

    def append_records(self, members: Sequence[tuple[bytes, RecordRef, dict[str, Any]]]) -> list[RecordRef]:
        """Append whole members with one write, and list them. Each comes with what its line says besides its place."""
        with self._mutex:
            self._refuse_if_closed()
            if self._files[self._main].size > FILE_LIMIT:  # type: ignore[union-attr]
                self._next_main()
            offset = self._append(b"".join(data for data, _, _ in members))
            done, lines = [], []
            for data, ref, extra in members:
                at_home = placed(ref, self._main, offset, len(data), extra)
                offset += len(data)
                done.append(at_home)
                lines.append(at_home.line)
                self.counts[ref.type] += 1
            self._lines["records.jsonl"].append(lines)
            return done

    def claim_file(self) -> str:
        """Reserve the name of a WARC file that the caller fills."""
        with self._mutex:
            self._refuse_if_closed()
            return self.new_file_name()

    def adopt_file(self, name: str, spool: Path, records: Sequence[RecordRef], length: int) -> None:
        """Add a finished file whose name was claimed, with a line for each of its records. `length`: bytes."""
        with self._mutex:
            self._refuse_if_closed()
            self._files[name] = None
            spool.rename(self.folder / f"{name}.open")
            self._lines["records.jsonl"].append([ref.line for ref in records])
            self.counts.update(ref.type for ref in records)
            self.bytes_stored += length

    def _record_line(self, ref: RecordRef, extra: dict[str, Any] | None = None) -> RecordRef:
        at_home = placed(ref, ref.file, ref.offset, ref.length, extra or {})
        self._lines["records.jsonl"].append([at_home.line])
        self.counts[ref.type] += 1
        return at_home

    # -- what the parsers read, what was discovered, what is withheld --------------------------------

    def post(self, line: dict[str, Any]) -> None:
        """Append what a parser read of one post to posts.jsonl."""
        with self._mutex:
            self._refuse_if_closed()
            self._lines["posts.jsonl"].append([line])
            self.counts["post"] += 1

    def inventory(self, line: dict[str, Any]) -> None:
        """Append a discovered thing with its outcome, the target, or a census. Things are counted by outcome."""
        with self._mutex:
            self._refuse_if_closed()
            self._lines["inventory.jsonl"].append([line])
            if outcome := line.get("outcome"):
                self.outcomes[outcome] += 1

    def withhold(self, values: Sequence[tuple[str, str, bytes]]) -> tuple[Withheld, ...]:
        """Commit to secret `values` (where, name, value) and keep them for the case's recipients."""
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
        """Return the seconds since the capture was opened, by the monotonic clock."""
        return self._ticks() - self._opened_ticks

    def close(self, outcome: str, reason: str | None, extra: dict[str, Any] | None = None) -> bytes:
        """Sync everything and write the manifest; return its bytes. The capture is then *closed*.

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
                "kernel": kernel_clock(),
                "servers": self._servers_clocks(),
            }
            try:
                os.fsync(self._main_fd)
                os.close(self._main_fd)
                for lines in self._lines.values():
                    lines.close()
                if self._spill is not None:
                    self._spill.close()
                spools = sorted(self.folder.glob("*.spool"))
                salvaged = sum(salvage(self.folder, spool, lambda record, digest: None) for spool in spools)
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
                "recovered": {"salvaged": salvaged} if salvaged else None,
                **(extra or {}),
            }
            private = self._private_file()
            return finish_folder(self.folder, facts, private, self._files)

    def _servers_clocks(self) -> dict[str, int] | None:
        """How far the clocks of the servers were from ours, by their own `Date` fields (whole seconds)."""
        offsets = sorted(self.server_offsets_ms)
        return {"answers": len(offsets), "median_ms": offsets[len(offsets) // 2]} if offsets else None

    def release(self) -> None:
        """Give up the folder's lock. Called after sealing, so that nobody else seals the capture meanwhile."""
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


def warcinfo_block(software: dict[str, Any], capture: str) -> bytes:
    """Write the block of the `warcinfo` that starts each file of a capture."""
    return fields_block(
        [
            ("software", f"{software['name']}/{software['version']}"),
            ("format", "WARC File Format 1.1"),
            ("conformsTo", "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
            ("isPartOf", capture),
        ]
    )


def warcinfo_header(name: str, record_id: str, opened: datetime, block: bytes) -> bytes:
    """Write the header of the `warcinfo` of the file `name`. `opened`: when the capture was."""
    fields = [
        ("WARC-Filename", name),
        ("WARC-Block-Digest", sha256_label(block)),
        ("Content-Type", "application/warc-fields"),
    ]
    return record_header("warcinfo", record_id, opened, fields, len(block))


def finish_folder(folder: Path, facts: dict[str, Any], private: bytes | None, known: dict[str, Sha256 | None]) -> bytes:
    """End a normal close or a recovery: final names, digests, manifest, sync. Return the manifest's bytes.

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
        for entry in files:  # also what a process wrote that died: nobody has synced it
            _sync_file(folder / str(entry["name"]))
        sync_folder(folder)
        write_synced(folder / "manifest.json", manifest)
        (folder / "open.json").unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        raise disk_error(error, "closing the capture") from error
    return manifest


def _counts(folder: Path) -> dict[str, Any]:
    """Count by what the files say, so that a recovered capture counts like any other."""
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
