"""Checking WARC and ARC files that others made. Reads bytes, writes nothing, trusts no name.

A finding is `damage` (bytes are not what was stated), `signature`, `form` (a rule of the format is broken while
everything that is stated holds), `unchecked` (something is stated that was not computed) or `unread` (something could not
be opened). Digests in base32, base64, base64url and hex are all valid.
"""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from archiver.checks.numbers import whole
from archiver.checks.warcs import Chunks
from archiver.checks.zstd import ZstdDamage, is_zstd, pieces
from storage.digest import Digests, algorithm_named, has_size

READ = 1 << 20
HEADER_LIMIT = 1 << 20
FINDINGS = 200
"""More findings of one kind than this say nothing new."""
VERSIONS = (b"0.12", b"0.13", b"0.15", b"0.16", b"0.17", b"0.18", b"1.0", b"1.1")
CANNOT_TELL = ("unchecked", "unread")
"""Kinds of findings where nothing is known to be wrong, and nothing to be right."""


@dataclass(frozen=True)
class ForeignFinding:
    """One thing found in a foreign file. `kind`: damage, signature, form, unchecked or unread. `where`: the place in it."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    @property
    def word(self) -> str:
        """Return what the finding means for whoever asked whether the file is intact."""
        return "cannot tell" if self.kind in CANNOT_TELL else self.kind

    def line(self) -> dict[str, str]:
        """Return the finding as a JSON object."""
        return {"kind": self.kind, "where": self.where, "what": self.what}


@dataclass
class ForeignReport:
    """Findings in one file or folder. `facts`: counts, signer, versions."""

    form: str
    findings: list[ForeignFinding] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def intact(self) -> bool | None:
        """Whether everything that the package states of itself holds; None where not all of it was computed.

        Breaches of form do not count.
        """
        kinds = {finding.kind for finding in self.findings}
        if kinds & {"damage", "signature"}:
            return False
        return None if kinds & set(CANNOT_TELL) else True

    @property
    def verdict(self) -> str:
        """Return in words whether it is intact, with the first thing that stands against it."""
        against = "damage", "signature", *CANNOT_TELL
        ordered = sorted(
            (finding for finding in self.findings if finding.kind in against), key=lambda one: against.index(one.kind)
        )
        return "intact" if not ordered else f"{ordered[0]}"

    def damage(self, where: str, what: str) -> None:
        """Add that something is not what the package itself states; it then no longer counts as intact."""
        self._add(ForeignFinding("damage", where, what))

    def form_broken(self, where: str, what: str) -> None:
        """Add a breach of the format's rules, which says nothing against integrity."""
        self._add(ForeignFinding("form", where, what))

    def signature(self, what: str) -> None:
        """Add that a signature does not hold; the package then no longer counts as intact."""
        self._add(ForeignFinding("signature", "", what))

    def unchecked(self, where: str, what: str) -> None:
        """Add that something is stated and was not computed; the package then no longer counts as intact."""
        self._add(ForeignFinding("unchecked", where, what))

    def unread(self, where: str, what: str) -> None:
        """Add that something could not be opened; the package then no longer counts as intact."""
        self._add(ForeignFinding("unread", where, what))

    def take_over(self, place: str, inner: ForeignReport) -> None:
        """Add the findings in something that lies at `place` inside."""
        for item in inner.findings:
            self._add(ForeignFinding(item.kind, f"{place} {item.where}".strip(), item.what))
        self.facts["records"] = self.facts.get("records", 0) + inner.facts.get("records", 0)

    def _add(self, finding: ForeignFinding) -> None:
        # By kind: a thousand breaches of form must not crowd out the one damage.
        self._counts[finding.kind] += 1
        if self._counts[finding.kind] <= FINDINGS:
            self.findings.append(finding)

    def line(self) -> dict[str, Any]:
        """Return the report as a JSON object, its facts beside form, outcome and findings."""
        return {
            "form": self.form,
            "intact": self.intact,
            "findings": [finding.line() for finding in self.findings],
            **self.facts,
        }


# -- WARC ----------------------------------------------------------------------------------------------------------------


class _Stated:
    """A digest as a record states it, and the running digest to hold against it."""

    def __init__(self, label: str) -> None:
        self.name, colon, value = label.strip().partition(":")
        self.value = value if colon else self.name
        self.algorithm = algorithm_named(self.name) if colon else None
        self.running = Digests(self.algorithm) if self.algorithm else None
        self.raw: list[bytes] = []
        self.other_length = False
        for raw in _decoded(self.value) if self.algorithm else ():
            if (fits := has_size(str(self.algorithm), len(raw))) is True:
                self.raw.append(raw)
            self.other_length |= fits is None

    def update(self, data: bytes | memoryview) -> None:
        if self.running is not None:
            self.running.update(data)

    @property
    def holds(self) -> bool:
        assert self.running is not None
        assert self.algorithm is not None
        computed = bytes.fromhex(self.running.hexdigests()[self.algorithm])
        return any(computed[: len(raw)] == raw for raw in self.raw)


def same(algorithm: str, stated: str, computed: str) -> bool | None:
    """Return whether a digest in hex, as it is stated, is the computed one, or its start where its length is free.

    None where it is of a length that is not computed.
    """
    stated, fits = stated.lower(), has_size(algorithm, len(stated) // 2)
    return None if fits is None else bool(fits) and computed.startswith(stated)


def _decoded(text: str) -> list[bytes]:
    """Every reading of a digest's text."""
    found = []
    padded = text + "=" * (-len(text) % 4)
    readings: list[Callable[[], bytes]] = [
        lambda: bytes.fromhex(text),
        lambda: base64.b32decode(text.upper() + "=" * (-len(text) % 8)),
        lambda: base64.b64decode(padded, validate=True),
        lambda: base64.urlsafe_b64decode(padded),
    ]
    for reading in readings:
        with suppress(ValueError):
            found.append(reading())
    return found


class _Reader:
    """Records out of the plain bytes of a WARC file, whatever pieces they come in."""

    def __init__(self, report: ForeignReport) -> None:
        self._report = report
        self._buffer = bytearray()
        self._left = 0
        self._fields: list[tuple[str, str]] | None = None
        self._blocks: list[_Stated] = []
        self._payloads: list[tuple[_Stated, _Stated]] = []
        """For each digest that is stated: over the body as it stands, and with chunk framing removed."""
        self._http: bytearray | None = None
        self._chunks: Chunks | None = None
        self._ids: set[str] = set()
        self._types: dict[str, int] = {}
        self.records = 0
        self.broken = False

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer and not self.broken:
            if self._fields is None and not self._header():
                return
            take = min(self._left, len(self._buffer))
            if take:
                self._content(bytes(self._buffer[:take]))
                del self._buffer[:take]
                self._left -= take
            if self._left:
                return
            self._end()

    def _header(self) -> bool:
        while self._buffer.startswith((b"\r", b"\n")):
            del self._buffer[:1]
        match = re.search(rb"\r?\n\r?\n", self._buffer)
        if match is None:
            if len(self._buffer) > HEADER_LIMIT:
                self._give_up("a record header without an end")
            return False
        head = bytes(self._buffer[: match.start()])
        del self._buffer[: match.end()]
        self._parse(head)
        return not self.broken

    def _parse(self, head: bytes) -> None:
        where = f"record {self.records + 1}"
        lines = re.split(rb"\r?\n", head)
        version = re.fullmatch(rb"(?i)WARC/([0-9]\.[0-9]{1,3})", lines[0].strip())
        if version is None:
            self._give_up(f"no WARC record where one should begin: {lines[0][:40]!r}")
            return
        if version[1] not in VERSIONS:
            self._report.unchecked(where, f"WARC/{version[1].decode()} is not known here: checked as 1.1")
        fields: list[tuple[str, str]] = []
        for line in lines[1:]:
            text = line.decode("utf-8", "surrogateescape")
            if text[:1] in (" ", "\t") and fields:
                fields[-1] = (fields[-1][0], f"{fields[-1][1]} {text.strip()}".strip())
                continue
            name, colon, value = text.partition(":")
            if not colon:
                self._report.form_broken(where, f"a header line without a colon: {text[:40]!r}")
                continue
            fields.append((name.strip().lower(), value.strip()))
        self._fields = fields
        named = dict(reversed(fields))
        for name in ("warc-type", "warc-record-id", "warc-date", "content-length"):
            if name not in named:
                self._report.form_broken(where, f"no {name}")
        for name in {name for name, _ in fields if name not in ("warc-concurrent-to", "warc-protocol")}:
            if sum(other == name for other, _ in fields) > 1 and name.startswith(("warc-", "content-")):
                self._report.form_broken(where, f"{name} more than once")
        identifier = named.get("warc-record-id", "")
        if identifier and identifier in self._ids:
            self._report.form_broken(where, f"the record id {identifier} was used before")
        self._ids.add(identifier)
        length = whole(named.get("content-length", ""))
        if length is None:
            self._give_up("no length, so the next record cannot be found")
            return
        self._left = length
        kind = named.get("warc-type", "?")
        self._types[kind] = self._types.get(kind, 0) + 1
        self._blocks = [_Stated(value) for name, value in fields if name == "warc-block-digest"]
        self._payloads = []
        # A revisit's payload lies elsewhere, and a segment's digest is over all of its segments.
        if "warc-payload-digest" in named and kind != "revisit":
            if "warc-segment-number" in named:
                self._report.unchecked(where, "a payload digest over several segments is not computed")
            else:
                stated = [value for name, value in fields if name == "warc-payload-digest"]
                self._payloads = [(_Stated(value), _Stated(value)) for value in stated]
        http = "application/http" in named.get("content-type", "") and kind in ("request", "response", "revisit")
        self._http = bytearray() if http else None
        self._chunks = None

    def _content(self, data: bytes) -> None:
        for block in self._blocks:
            block.update(data)
        if not self._payloads:
            return
        if self._http is None:
            self._payload(data)
            return
        self._http += data
        match = re.search(rb"\r?\n\r?\n", self._http)
        if match is not None:
            head, rest = bytes(self._http[: match.end()]), bytes(self._http[match.end() :])
            self._http = None
            if re.search(rb"(?im)^transfer-encoding[ \t]*:[^\r\n]*chunked", head):
                self._chunks = Chunks(self._unframed)
            self._payload(rest)

    def _payload(self, data: bytes) -> None:
        """A digest over the body as it stands, or with chunk framing removed: both are found in the wild."""
        for as_it_stands, _ in self._payloads:
            as_it_stands.update(data)
        if self._chunks is not None:
            self._chunks.feed(data)
        else:
            self._unframed(data)

    def _unframed(self, data: bytes | memoryview) -> None:
        for _, unframed in self._payloads:
            unframed.update(data)

    def _end(self) -> None:
        assert self._fields is not None
        self.records += 1
        named = dict(reversed(self._fields))
        where = f"record {self.records}" + (
            f" ({named['warc-target-uri'][:120]})" if "warc-target-uri" in named else ""
        )
        computed = [self._held(where, "block", block) for block in self._blocks]
        computed += [self._held(where, "payload", *payload) for payload in self._payloads]
        if any(computed):
            self._report.facts["digests"] = self._report.facts.get("digests", 0) + 1
        self._fields = None

    def _held(self, where: str, what: str, *stated: _Stated) -> bool:
        """Hold a digest that a record states against its bytes. Return whether it could be computed."""
        first = stated[0]
        if not first.value:
            self._report.form_broken(where, f"an empty {what} digest")
        elif first.algorithm is None:
            named = first.name != first.value
            by = f"by an algorithm that is not known: {first.name[:20]}" if named else "without an algorithm"
            self._report.unchecked(where, f"a {what} digest {by}")
        elif not first.raw and first.other_length:
            self._report.unchecked(where, f"a {what} digest of a length that is not computed: {first.name[:20]}")
        elif not first.raw:
            self._report.damage(where, f"the {what} digest cannot be true, it is none: {first.value[:60]!r}")
        elif not any(item.holds for item in stated):
            self._report.damage(where, f"the {what} is not what its digest says")
        return bool(first.raw)

    def _give_up(self, what: str) -> None:
        self._report.damage(f"record {self.records + 1}", what)
        self.broken = True

    def finish(self) -> None:
        """Says what a file that ends here lacks."""
        if self.broken:
            pass
        elif self._fields is not None:
            self._report.damage(f"record {self.records + 1}", f"truncated: {self._left} bytes of it are missing")
            self.records += 1
        elif self._buffer.strip(b"\r\n\0"):
            self._report.damage(f"record {self.records + 1}", "truncated in its header")
        self._report.facts |= {"records": self.records, "types": dict(sorted(self._types.items()))}


def check_warc(stream: IO[bytes]) -> ForeignReport:
    """Check a WARC file from anywhere, compressed or not. Raises `OSError`."""
    report = ForeignReport("warc")
    reader = _Reader(report)
    start = stream.read(READ)
    if not start:
        report.damage("", "an empty file")
        return report
    members = 0
    if start.startswith(b"\x1f\x8b"):
        members = _members(stream, start, reader, report)
        if members == 1 and reader.records > 1:
            report.form_broken("", "the whole file is one gzip member: records are not individually compressed")
    elif is_zstd(start):
        stream.seek(0)
        _zstd(stream, reader, report)
    else:
        while start and not reader.broken:
            reader.feed(start)
            start = stream.read(READ)
    reader.finish()
    report.facts["gzip_members"] = members
    if not report.facts.get("digests"):
        report.facts["digests"] = 0
    return report


def _zstd(stream: IO[bytes], reader: _Reader, report: ForeignReport) -> None:
    """Feeds the content of all frames, up to the first that is damaged."""
    try:
        for data in pieces(stream):
            reader.feed(data)
            if reader.broken:
                return
    except ZstdDamage as error:
        report.damage(f"record {reader.records + 1}", str(error))


def _members(stream: IO[bytes], pending: bytes, reader: _Reader, report: ForeignReport) -> int:
    """Feeds the content of each gzip member. Returns how many were complete."""
    count = 0
    while pending or (pending := stream.read(READ)):
        if not pending.startswith(b"\x1f") and pending.strip(b"\0") == b"":
            pending = b""
            continue
        inflate = zlib.decompressobj(31)
        while not inflate.eof:
            if not pending and not (pending := stream.read(READ)):
                report.damage(f"member {count + 1}", "truncated gzip stream")
                return count
            try:
                data = inflate.decompress(pending, READ)
            except zlib.error as error:
                report.damage(f"member {count + 1}", f"damaged gzip stream: {error}")
                return count
            pending = inflate.unconsumed_tail
            reader.feed(data)
            if reader.broken:
                return count
        pending = inflate.unused_data
        count += 1
    return count


def _no_arc_record(line: bytes, parts: list[bytes]) -> str:
    if len(parts) < 5:
        return f"no ARC record where one should begin: {line[:40]!r}"
    return f"a length that is none ({parts[-1].strip()[:20]!r}), so the next record cannot be found"


def check_arc(stream: IO[bytes]) -> ForeignReport:
    """Check the framing of an ARC file; ARC has no digests."""
    report = ForeignReport("arc", facts={"digests": 0})
    start = stream.read(2)
    stream.seek(0)
    plain: Any = gzip.GzipFile(fileobj=stream) if start == b"\x1f\x8b" else stream
    records = 0
    try:
        while line := plain.readline(HEADER_LIMIT):
            if not line.strip():
                continue
            parts = line.split(b" ")
            length = whole(parts[-1].strip().decode("latin-1")) if len(parts) >= 5 else None
            if length is None:
                # Damage, as it is in a WARC: where one length is wrong, no later record can be found.
                report.damage(f"record {records + 1}", _no_arc_record(line, parts))
                break
            left = length
            records += 1
            while left:
                data = plain.read(min(left, READ))
                if not data:
                    report.damage(f"record {records}", f"truncated: {left} bytes of it are missing")
                    break
                left -= len(data)
    except (EOFError, zlib.error, OSError) as error:
        report.damage(f"record {records + 1}", f"truncated or damaged: {error}")
    report.facts["records"] = records
    return report
