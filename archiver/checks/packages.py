"""Checking packages that others made: WACZ, bags, and which check fits a file. Nothing is unpacked onto the disk."""

from __future__ import annotations

import base64
import io
import json
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from archiver.checks.foreign import ALGORITHMS, READ, ForeignFinding, ForeignReport, check_arc, check_warc
from archiver.checks.zstd import ZstdDamage, is_zstd, pieces
from storage.digest import Digests

JSON_LIMIT = 32 << 20
ENTRIES = 200_000
GROWTH, GROWN = 300, 1 << 30
"""An entry that grows by more than this factor to more than so many bytes is not unpacked."""
HELD_LIMIT = 256 << 20
MULTI = "multi-wacz-package"
"""The `profile` of a package of WACZ files."""
WARCS_OF_WACZ = re.compile(r"^archive/.*\.w?arc(\.gz|\.zst)?$", re.DOTALL)
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
"""What reading a damaged entry of a ZIP raises."""
UNREADABLE = (*DAMAGED, KeyError, RuntimeError, NotImplementedError, ValueError)
"""What opening one raises besides: it may be encrypted, or of an unknown kind."""


def check_path(path: Path) -> ForeignReport | None:
    """Return the check that fits a file or folder, or None where it is no package. Raises `OSError`."""
    if path.is_dir():
        return check_bag(_Folder(path)) if (path / "bagit.txt").is_file() else None
    with open(path, "rb") as stream:
        return check_stream(stream, path.name)


def check_stream(stream: IO[bytes], name: str, *, inside: bool = False) -> ForeignReport | None:
    """Return the check that fits a file by its first bytes and its name, or None where it is no package.

    `stream` can seek. `inside`: it lies in another package, so that packages in it are not opened. Raises `OSError`.
    """
    lower = name.lower()
    start = stream.read(4096)
    stream.seek(0)
    if start.startswith(b"PK\x03\x04"):
        return _check_zip(stream, lower, inside)
    plain = plain_start(start)
    if plain.startswith(b"WARC/") or lower.endswith((".warc", ".warc.gz", ".warc.zst")):
        return check_warc(stream)
    if plain.startswith(b"filedesc://") or lower.endswith((".arc", ".arc.gz")):
        return check_arc(stream)
    return None


def plain_start(data: bytes) -> bytes:
    """Return the first bytes of a file, up to 512 where they are compressed; none where they cannot be read."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(data, 512)
        return next(pieces(io.BytesIO(data)), b"") if is_zstd(data) else data
    except (zlib.error, ZstdDamage):
        return b""


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


def _check_zip(stream: IO[bytes], name: str, inside: bool) -> ForeignReport | None:
    named = name.endswith(".wacz")
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if "datapackage.json" in names or named:
                return _check_wacz(archive, inside)
            bags = [name for name in names if re.fullmatch(r"(?:[^/]+/)?bagit\.txt", name)]
            if bags:
                report = ForeignReport("bag")
                if _unpackable(archive, report):
                    return check_bag(_Zip(archive, bags[0].removesuffix("bagit.txt")), report)
                return report
    except UNREADABLE as error:
        report = ForeignReport("wacz" if named else "zip")
        report.damage("", f"no readable ZIP: {error}")
        return report
    return None


def _unpackable(archive: zipfile.ZipFile, report: ForeignReport) -> bool:
    """Whether the ZIP can be read without harm; names that escape or stand twice are findings too."""
    reason = unpackable(archive)
    if reason is not None:
        report.damage("", reason)
        return False
    seen: set[str] = set()
    for entry in archive.infolist():
        name = entry.filename
        if leaves(name):
            report.damage(_shown(name), "a name that leaves the package")
        if name in seen:
            report.damage(_shown(name), "a name that stands twice")
        seen.add(name)
    return True


def leaves(name: str) -> bool:
    """Return whether a name inside a package would lead out of the folder that the package is unpacked in."""
    return name.startswith("/") or ".." in name.split("/") or "\\" in name or bool(re.match(r"[A-Za-z]:", name))


def open_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    """Open a file inside a ZIP so that it can be read as a file that seeks, as a ZIP inside a ZIP must be.

    What the ZIP only stores is read where it lies; else at most 256 MiB of it are held in memory. Raises what
    `UNREADABLE` lists.
    """
    if entry.compress_type == zipfile.ZIP_STORED:
        stored: IO[bytes] = archive.open(entry)
        if stored.seekable():
            return stored
    if entry.file_size > HELD_LIMIT:
        raise OSError(f"{entry.file_size} bytes, compressed: unpack it first")
    with archive.open(entry) as stream:
        return io.BytesIO(stream.read(HELD_LIMIT))


def unpackable(archive: zipfile.ZipFile) -> str | None:
    """Return why a ZIP is not unpacked: too many entries, or one that would fill the disk.

    None where it may be unpacked.
    """
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
    except UNREADABLE:
        return None
    return data if len(data) <= JSON_LIMIT else None


def _digest(tree: _Tree, name: str, *algorithms: str) -> tuple[int, dict[str, str]] | str:
    """(size, digests) of an entry, or what hinders reading it."""
    running = Digests(*algorithms)
    try:
        with tree.open(name) as stream:
            while data := stream.read(READ):
                running.update(data)
    except UNREADABLE as error:
        return f"cannot be read: {error}"
    return running.size, running.hexdigests()


def _check_wacz(archive: zipfile.ZipFile, inside: bool = False) -> ForeignReport:
    """WACZ 1.1.1 and older: names, resources, digest, signature, and each WARC inside. The signature is that of wacz-auth 0.1.0."""
    report = ForeignReport("wacz")
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
    several = package.get("profile") == MULTI
    if not package.get("wacz_version") and not several:
        report.form_broken("datapackage.json", "no wacz_version")
    listed = _resources(tree, package, report, names)
    for name in sorted(names - listed - {"datapackage.json", "datapackage-digest.json"}):
        report.damage(_shown(name), "not listed in datapackage.json")
    if several:
        _check_parts(archive, names, report, inside)
    else:
        _check_archives(archive, names, report)
    _signature(tree, data, package, report)
    return report


def _check_archives(archive: zipfile.ZipFile, names: set[str], report: ForeignReport) -> None:
    """Check the WARC files of a WACZ."""
    if "pages/pages.jsonl" not in names:
        report.form_broken("pages/pages.jsonl", "missing")
    warcs = sorted(name for name in names if WARCS_OF_WACZ.search(name))
    if not warcs:
        report.damage("archive/", "no WARC file")
    for name in warcs:
        if name.endswith(".gz") and archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            report.form_broken(_shown(name), "compressed once more by the ZIP")
        try:
            with archive.open(name) as stream:
                inner = check_warc(stream)
        except UNREADABLE as error:
            report.damage(_shown(name), f"cannot be read: {error}")
            continue
        _take_over(report, name, inner)


def _check_parts(archive: zipfile.ZipFile, names: set[str], report: ForeignReport, inside: bool) -> None:
    """Check the WACZ files inside a multi-WACZ (the form that Browsertrix downloads), one level deep."""
    parts = sorted(name for name in names if name.lower().endswith(".wacz"))
    if not parts:
        report.damage("", "a package of several WACZ files that holds none")
    if inside and parts:
        report.form_broken("", "packages within packages within a package: not opened")
        return
    for name in parts:
        try:
            with open_entry(archive, archive.getinfo(name)) as stream:
                inner = check_stream(stream, name, inside=True)
        except UNREADABLE as error:
            report.damage(_shown(name), f"cannot be read: {error}")
            continue
        if inner is None:
            report.damage(_shown(name), "no readable WACZ")
        else:
            _take_over(report, name, inner)


def _take_over(report: ForeignReport, name: str, inner: ForeignReport) -> None:
    report.findings += [
        ForeignFinding(item.kind, f"{_shown(name)} {item.where}".strip(), item.what) for item in inner.findings
    ]
    report.facts["records"] = report.facts.get("records", 0) + inner.facts.get("records", 0)


def _resources(tree: _Tree, package: dict[str, Any], report: ForeignReport, names: set[str]) -> set[str]:
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
        if algorithm not in ALGORITHMS:
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


def _signature(tree: _Tree, package_bytes: bytes, package: dict[str, Any], report: ForeignReport) -> None:
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
        raise ValueError("the certificate belongs to another domain")
    return leaf.public_key(), {"domain": signed["domain"], "created": str(signed.get("created"))[:40]}


# -- bags ---------------------------------------------------------------------------------------------------------------------


def check_bag(tree: _Tree, report: ForeignReport | None = None) -> ForeignReport:
    """Check that a BagIt bag (RFC 8493) is complete and every checksum holds. Fetches nothing."""
    report = report or ForeignReport("bag")
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
        if algorithm not in ALGORITHMS:
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


def _manifest(tree: _Tree, name: str, report: ForeignReport) -> Iterator[tuple[str, str]]:
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
