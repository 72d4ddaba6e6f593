"""Checking what others made: WARC and ARC files, WACZ packages, bags. Reads bytes, writes nothing, trusts no name.

A finding is `damage` (bytes are not what was stated), `signature`, or `form` (a rule of the format is broken while
everything that is stated holds). Digests in base32, base64, base64url and hex are all valid (standards.md 2.4).
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from archiver.checks.warcs import Chunks
from storage.digest import Digests

READ = 1 << 20
HEADER_LIMIT = 1 << 20
JSON_LIMIT = 32 << 20
FINDINGS = 200
"""More findings than this say nothing new."""
ENTRIES = 200_000
GROWTH, GROWN = 300, 1 << 30
"""An entry that grows by more than this factor to more than so many bytes is not unpacked."""
_ALGORITHMS = {"sha1": 20, "sha256": 32, "md5": 16, "sha512": 64}


@dataclass(frozen=True)
class Finding:
    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    def line(self) -> dict[str, str]:
        return {"kind": self.kind, "where": self.where, "what": self.what}


@dataclass
class Report:
    """What was found in one file or folder. `facts`: counts, signer, versions."""

    form: str
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def intact(self) -> bool:
        """Whether everything that the package states of itself holds. Breaches of form do not count."""
        return not any(finding.kind in ("damage", "signature") for finding in self.findings)

    def damage(self, where: str, what: str) -> None:
        self._add(Finding("damage", where, what))

    def form_broken(self, where: str, what: str) -> None:
        self._add(Finding("form", where, what))

    def signature(self, what: str) -> None:
        self._add(Finding("signature", "", what))

    def _add(self, finding: Finding) -> None:
        if len(self.findings) < FINDINGS:
            self.findings.append(finding)

    def line(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "intact": self.intact,
            "findings": [finding.line() for finding in self.findings],
            **self.facts,
        }


def check_path(path: Path) -> Report | None:
    """The check that fits a file or folder, or None where it is no package. Raises `OSError`."""
    if path.is_dir():
        return check_bag(_Folder(path)) if (path / "bagit.txt").is_file() else None
    with open(path, "rb") as stream:
        start = stream.read(512)
        stream.seek(0)
        if start.startswith(b"PK\x03\x04"):
            return _check_zip(path)
        if start.startswith(b"WARC/") or path.name.lower().endswith((".warc", ".warc.gz")):
            return check_warc(stream)
        if start.startswith(b"filedesc://") or path.name.lower().endswith((".arc", ".arc.gz")):
            return _check_arc(stream)
        if start.startswith(b"\x1f\x8b") and _gzip_start(start).startswith(b"WARC/"):
            return check_warc(stream)
    return None


def _gzip_start(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, 64)
    except zlib.error:
        return b""


# -- WARC ----------------------------------------------------------------------------------------------------------------


class _Stated:
    """A digest as a record states it, and the running digest to hold against it."""

    def __init__(self, label: str) -> None:
        name, _, self.value = label.strip().partition(":")
        self.algorithm = name.lower().replace("-", "")
        self.known = self.algorithm in _ALGORITHMS
        self.running = Digests(self.algorithm) if self.known else None
        self.raw = _decoded(self.value, _ALGORITHMS[self.algorithm]) if self.known else []

    def update(self, data: bytes | memoryview) -> None:
        if self.running is not None:
            self.running.update(data)

    @property
    def holds(self) -> bool:
        assert self.running is not None
        return bytes.fromhex(self.running.hexdigests()[self.algorithm]) in self.raw


def _decoded(text: str, size: int) -> list[bytes]:
    """Every reading of a digest's text that has the right size."""
    found = []
    padded = text + "=" * (-len(text) % 4)
    readings: list[Callable[[], bytes]] = [
        lambda: bytes.fromhex(text),
        lambda: base64.b32decode(text.upper() + "=" * (-len(text) % 8)),
        lambda: base64.b64decode(padded, validate=True),
        lambda: base64.urlsafe_b64decode(padded),
    ]
    for reading in readings:
        try:
            value = reading()
        except (ValueError, binascii.Error):
            continue
        if len(value) == size:
            found.append(value)
    return found


class _Reader:
    """Records out of the plain bytes of a WARC file, whatever pieces they come in."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._buffer = bytearray()
        self._left = 0
        self._fields: list[tuple[str, str]] | None = None
        self._block: _Stated | None = None
        self._payloads: list[_Stated] = []
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
        if not re.fullmatch(rb"(?i)WARC/\d\.\d+", lines[0].strip()):
            self._give_up(f"no WARC record where one should begin: {lines[0][:40]!r}")
            return
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
        length = named.get("content-length", "")
        if not length.isdigit():
            self._give_up("no length, so the next record cannot be found")
            return
        self._left = int(length)
        kind = named.get("warc-type", "?")
        self._types[kind] = self._types.get(kind, 0) + 1
        self._block = _Stated(named["warc-block-digest"]) if "warc-block-digest" in named else None
        self._payloads = []
        # A revisit's payload lies elsewhere, and a segment's digest is over all of its segments.
        if "warc-payload-digest" in named and kind != "revisit" and "warc-segment-number" not in named:
            self._payloads = [_Stated(named["warc-payload-digest"]) for _ in range(2)]
        http = "application/http" in named.get("content-type", "") and kind in ("request", "response", "revisit")
        self._http = bytearray() if http else None
        self._chunks = None

    def _content(self, data: bytes) -> None:
        if self._block is not None:
            self._block.update(data)
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
                self._chunks = Chunks(self._payloads[1].update)
            self._payload(rest)

    def _payload(self, data: bytes) -> None:
        """A digest over the body as it stands, or with chunk framing removed: both are found in the wild."""
        self._payloads[0].update(data)
        if self._chunks is not None:
            self._chunks.feed(data)
        else:
            self._payloads[1].update(data)

    def _end(self) -> None:
        assert self._fields is not None
        self.records += 1
        named = dict(reversed(self._fields))
        where = f"record {self.records}" + (
            f" ({named['warc-target-uri'][:120]})" if "warc-target-uri" in named else ""
        )
        for what, stated in (("block", [self._block] if self._block else []), ("payload", self._payloads)):
            if stated and not stated[0].known:
                self._report.form_broken(
                    where, f"a {what} digest by an algorithm that is not known: {stated[0].algorithm[:20]}"
                )
            elif stated and not stated[0].value:
                self._report.form_broken(where, f"an empty {what} digest")
            elif stated and not stated[0].raw:
                self._report.damage(where, f"the {what} digest cannot be true, it is none: {stated[0].value[:60]!r}")
            elif stated and not any(item.holds for item in stated):
                self._report.damage(where, f"the {what} is not what its digest says")
        if self._block is not None or self._payloads:
            self._report.facts["digests"] = self._report.facts.get("digests", 0) + 1
        self._fields = None

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


def check_warc(stream: IO[bytes]) -> Report:
    """A WARC file of anybody's, compressed or not. Raises `OSError`."""
    report = Report("warc")
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
    else:
        while start and not reader.broken:
            reader.feed(start)
            start = stream.read(READ)
    reader.finish()
    report.facts["gzip_members"] = members
    if not report.facts.get("digests"):
        report.facts["digests"] = 0
    return report


def _members(stream: IO[bytes], pending: bytes, reader: _Reader, report: Report) -> int:
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


def _check_arc(stream: IO[bytes]) -> Report:
    """The framing of an ARC file; ARC has no digests."""
    report = Report("arc", facts={"digests": 0})
    start = stream.read(2)
    stream.seek(0)
    plain: Any = gzip.GzipFile(fileobj=stream) if start == b"\x1f\x8b" else stream
    records = 0
    try:
        while line := plain.readline(HEADER_LIMIT):
            if not line.strip():
                continue
            parts = line.split(b" ")
            if len(parts) < 4 or not parts[-1].strip().isdigit():
                report.form_broken(f"record {records + 1}", f"not an ARC record: {line[:40]!r}")
                break
            left = int(parts[-1])
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


# -- packages -------------------------------------------------------------------------------------------------------------


class _Tree(Protocol):
    """A folder, or the inside of a ZIP."""

    def names(self) -> list[str]: ...

    def open(self, name: str) -> IO[bytes]: ...


class _Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.odd: list[str] = []

    def names(self) -> list[str]:
        found = []
        for folder, folders, files in os.walk(self.root, followlinks=False):
            for name in [*files, *folders]:
                path = Path(folder) / name
                mode = path.lstat().st_mode
                relative = str(path.relative_to(self.root)).replace(os.sep, "/")
                if stat.S_ISREG(mode):
                    found.append(relative)
                elif not stat.S_ISDIR(mode):
                    self.odd.append(relative)
        return sorted(found)

    def open(self, name: str) -> IO[bytes]:
        return open(self.root / name, "rb")


class _Zip:
    def __init__(self, archive: zipfile.ZipFile, prefix: str = "") -> None:
        self._archive, self._prefix = archive, prefix

    def names(self) -> list[str]:
        start = len(self._prefix)
        return [
            name[start:]
            for name in self._archive.namelist()
            if name.startswith(self._prefix) and not name.endswith("/")
        ]

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(self._prefix + name)


def _check_zip(path: Path) -> Report | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "datapackage.json" in names or path.suffix.lower() == ".wacz":
                return _check_wacz(archive)
            bags = [name for name in names if re.fullmatch(r"(?:[^/]+/)?bagit\.txt", name)]
            if bags:
                report = Report("bag")
                if _unpackable(archive, report):
                    return check_bag(_Zip(archive, bags[0].removesuffix("bagit.txt")), report)
                return report
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        report = Report("wacz" if path.suffix.lower() == ".wacz" else "zip")
        report.damage("", f"no readable ZIP: {error}")
        return report
    return None


def _unpackable(archive: zipfile.ZipFile, report: Report) -> bool:
    """Whether the ZIP can be read without harm; names that escape or stand twice are findings too."""
    reason = unpackable(archive)
    if reason is not None:
        report.damage("", reason)
        return False
    seen: set[str] = set()
    for entry in archive.infolist():
        name = entry.filename
        if name.startswith("/") or ".." in name.split("/") or "\\" in name or re.match(r"[A-Za-z]:", name):
            report.damage(_shown(name), "a name that leaves the package")
        if name in seen:
            report.damage(_shown(name), "a name that stands twice")
        seen.add(name)
    return True


def unpackable(archive: zipfile.ZipFile) -> str | None:
    """Why a ZIP is not unpacked: too many entries, or one that would fill the disk. None where it may be."""
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        return f"{len(entries)} entries: not unpacked"
    for entry in entries:
        if entry.file_size > GROWN and entry.file_size > GROWTH * max(1, entry.compress_size):
            return f"{_shown(entry.filename)} would grow from {entry.compress_size} to {entry.file_size} bytes: not unpacked"
    whole, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if whole > GROWN and whole > GROWTH * max(1, packed):
        return f"would grow from {packed} to {whole} bytes: not unpacked"
    return None


def _shown(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()[:200]


def _small(tree: _Tree, name: str) -> bytes | None:
    try:
        with tree.open(name) as stream:
            data = stream.read(JSON_LIMIT + 1)
    except (KeyError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, NotImplementedError):
        return None
    return data if len(data) <= JSON_LIMIT else None


def _digest(tree: _Tree, name: str, *algorithms: str) -> tuple[int, dict[str, str]] | str:
    """(size, digests) of an entry, or what hinders reading it."""
    running = Digests(*algorithms)
    try:
        with tree.open(name) as stream:
            while data := stream.read(READ):
                running.update(data)
    except (KeyError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, NotImplementedError) as error:
        return f"cannot be read: {error}"
    return running.size, running.hexdigests()


def _check_wacz(archive: zipfile.ZipFile) -> Report:
    """WACZ 1.1.1 and older: names, resources, digest, signature, and each WARC inside (standards.md 5.1, 5.2)."""
    report = Report("wacz")
    if not _unpackable(archive, report):
        return report
    tree = _Zip(archive)
    names = set(tree.names())
    data = _small(tree, "datapackage.json")
    try:
        package = json.loads(data or b"")
    except (ValueError, RecursionError):
        package = None
    if not isinstance(package, dict) or data is None:
        report.damage("datapackage.json", "missing or no JSON object")
        return report
    report.facts |= {
        name: str(package[key])[:200] for name, key in (("wacz_version", "wacz_version"), ("made_by", "software"), ("created", "created"))
        if package.get(key)
    }  # fmt: skip
    if not package.get("wacz_version"):
        report.form_broken("datapackage.json", "no wacz_version")
    listed = _resources(tree, package, report, names)
    for name in sorted(names - listed - {"datapackage.json", "datapackage-digest.json"}):
        report.damage(_shown(name), "not listed in datapackage.json")
    if "pages/pages.jsonl" not in names:
        report.form_broken("pages/pages.jsonl", "missing")
    warcs = sorted(name for name in names if name.startswith("archive/") and re.search(r"\.w?arc(\.gz)?$", name))
    if not warcs:
        report.damage("archive/", "no WARC file")
    for name in warcs:
        if name.endswith(".gz") and archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            report.form_broken(_shown(name), "compressed once more by the ZIP")
        try:
            with archive.open(name) as stream:
                inner = check_warc(stream)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            report.damage(_shown(name), f"cannot be read: {error}")
            continue
        report.findings += [
            Finding(item.kind, f"{_shown(name)} {item.where}".strip(), item.what) for item in inner.findings
        ]
        report.facts["records"] = report.facts.get("records", 0) + inner.facts.get("records", 0)
    _signature(tree, data, package, report)
    return report


def _resources(tree: _Tree, package: dict[str, Any], report: Report, names: set[str]) -> set[str]:
    listed: set[str] = set()
    resources = package.get("resources")
    for item in resources if isinstance(resources, list) else []:
        path = item.get("path") if isinstance(item, dict) else None
        if not isinstance(path, str):
            report.form_broken("datapackage.json", "a resource without a path")
            continue
        if path in listed:
            report.form_broken(_shown(path), "listed twice")
        listed.add(path)
        if path not in names:
            report.damage(_shown(path), "listed and missing")
            continue
        stated = item.get("hash")
        algorithm, _, value = stated.partition(":") if isinstance(stated, str) else ("", "", "")
        if algorithm not in _ALGORITHMS:
            report.form_broken(_shown(path), "listed without a digest that is known")
            continue
        found = _digest(tree, path, algorithm)
        if isinstance(found, str):
            report.damage(_shown(path), found)
        elif found[1][algorithm] != value.lower():
            report.damage(_shown(path), "not what its digest in datapackage.json says")
        elif isinstance(item.get("bytes"), int) and item["bytes"] != found[0]:
            report.damage(_shown(path), f"{found[0]} bytes where {item['bytes']} are stated")
    if not listed:
        report.damage("datapackage.json", "lists no resources")
    return listed


def _signature(tree: _Tree, package_bytes: bytes, package: dict[str, Any], report: Report) -> None:
    """`datapackage-digest.json`. What cannot be concluded without a network is said, not assumed."""
    raw = _small(tree, "datapackage-digest.json")
    if raw is None:
        report.facts["signed"] = None
        return
    try:
        value = json.loads(raw)
        stated = value["hash"]
    except (ValueError, RecursionError, TypeError, KeyError):
        report.damage("datapackage-digest.json", "no JSON object with a hash")
        return
    running = Digests("sha256")
    running.update(package_bytes)
    actual = f"sha256:{running.hexdigests()['sha256']}"
    if stated != actual:
        report.damage("datapackage.json", "not what datapackage-digest.json says")
    signed = value.get("signedData")
    if not isinstance(signed, dict):
        report.facts["signed"] = None
        return
    if signed.get("hash") != stated:
        report.signature("the signature is over another package")
        return
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    try:
        key, who = _signer(signed)
        signature = base64.b64decode(str(signed.get("signature", "")), validate=False)
        if isinstance(key, ec.EllipticCurvePublicKey):
            half = (key.curve.key_size + 7) // 8
            if len(signature) == 2 * half:
                numbers = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
                signature = utils.encode_dss_signature(*numbers)
            key.verify(signature, str(stated).encode(), ec.ECDSA(hashes.SHA256()))
        else:
            report.signature("a signature by a kind of key that is not known")
            return
    except InvalidSignature:
        report.signature("the signature does not fit the package")
        return
    except (ValueError, TypeError) as error:
        report.signature(f"the signature cannot be read: {error}")
        return
    report.facts["signed"] = who
    if "domain" in who:
        report.facts["not_checked"] = "the chain of the signer's certificate, and the time stamp over the signature"


def _signer(signed: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """(public key, who it says it is): a bare key, or a domain by its certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if isinstance(signed.get("publicKey"), str):
        return load_der_public_key(base64.b64decode(signed["publicKey"])), {"key": signed["publicKey"][:200]}
    pem = signed.get("domainCert")
    if not isinstance(pem, str):
        raise ValueError("neither a key nor a certificate")
    leaf = x509.load_pem_x509_certificates(pem.encode())[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    if signed.get("domain") not in names:
        raise ValueError("the certificate is another domain's")
    return leaf.public_key(), {"domain": signed["domain"], "created": str(signed.get("created"))[:40]}


# -- bags ---------------------------------------------------------------------------------------------------------------------


def check_bag(tree: _Tree, report: Report | None = None) -> Report:
    """A BagIt bag (RFC 8493): complete, and every checksum true. Nothing is fetched."""
    report = report or Report("bag")
    names = set(tree.names())
    for name in tree.odd if isinstance(tree, _Folder) else []:
        report.damage(_shown(name), "a link or special file")
    head = (_small(tree, "bagit.txt") or b"").decode("utf-8", "replace")
    version = re.search(r"^BagIt-Version:\s*(\d+\.\d+)", head, re.MULTILINE)
    report.facts["bagit_version"] = version[1] if version else None
    if version is None:
        report.form_broken("bagit.txt", "no BagIt-Version")
    if "fetch.txt" in names:
        report.facts["not_checked"] = "fetch.txt names files elsewhere; nothing is fetched"
    payload = {name for name in names if name.startswith("data/")}
    manifests = sorted(name for name in names if re.fullmatch(r"manifest-\w+\.txt", name))
    if not manifests:
        report.damage("", "no payload manifest")
    for name in [*manifests, *sorted(name for name in names if re.fullmatch(r"tagmanifest-\w+\.txt", name))]:
        algorithm = re.sub(r"\W", "", name.rpartition("-")[2].removesuffix(".txt")).lower()
        if algorithm not in _ALGORITHMS:
            report.form_broken(name, f"digests by {algorithm!r} cannot be computed here")
            continue
        listed = set()
        for path, stated in _manifest(tree, name, report):
            listed.add(path)
            if path not in names:
                report.damage(_shown(path), f"listed in {name} and missing")
                continue
            found = _digest(tree, path, algorithm)
            if isinstance(found, str):
                report.damage(_shown(path), found)
            elif found[1][algorithm] != stated:
                report.damage(_shown(path), f"not what {name} says")
        if name.startswith("manifest-"):
            for path in sorted(payload - listed):
                report.damage(_shown(path), f"not listed in {name}")
    report.facts["files"] = len(payload)
    return report


def _manifest(tree: _Tree, name: str, report: Report) -> Iterator[tuple[str, str]]:
    for line in (_small(tree, name) or b"").decode("utf-8", "surrogateescape").splitlines():
        match = re.fullmatch(r"([0-9A-Fa-f]+)[ \t]+\*?(.+)", line)
        if match is None:
            if line.strip():
                report.form_broken(name, f"a line that is none: {_shown(line[:60])}")
            continue
        path = re.sub(r"%(0[AaDd]|25)", lambda code: chr(int(code[1], 16)), match[2]).removeprefix("./")
        if path.startswith(("/", "~")) or ".." in path.split("/") or "\\" in path:
            report.damage(_shown(path), f"{name} names something outside the bag")
            continue
        yield path, match[1].lower()
