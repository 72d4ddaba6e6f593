"""Checking packages that others made: WACZ, bags, and which check fits a file. Nothing is unpacked onto the disk."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from archiver.checks.bags import check_bag, is_manifest
from archiver.checks.foreign import ForeignReport, check_arc, check_warc, same
from archiver.checks.trees import UNREADABLE, Folder, Tree, Zip, digest, hindered, leaves, load, shown
from archiver.checks.wacz_signature import check_signature
from archiver.checks.zstd import ZstdDamage, is_zstd, pieces
from storage.digest import algorithm_named

ENTRIES = 200_000
GROWTH, GROWN = 300, 1 << 30
"""An entry that grows by more than this factor to more than so many bytes is not unpacked."""
HELD_LIMIT = 256 << 20
MULTI = "multi-wacz-package"
"""The `profile` of a package of WACZ files."""
WARCS_OF_WACZ = re.compile(r"^archive/.*\.w?arc(\.gz|\.zst)?$", re.DOTALL)
COMPRESSED = "compressed WARC"
"""The `form` of a WARC or ARC file that is compressed as no reader here reads it."""
_UNREAD = re.compile(r"\.w?arc\.(lz4|xz|lzma|bz2|br)$")


def check_path(path: Path) -> ForeignReport | None:
    """Return the check that fits a file or folder, or None where it is no package. Raises `OSError`."""
    if path.is_dir():
        return check_bag(Folder(path)) if _is_bag(path) else None
    with open(path, "rb") as stream:
        return check_stream(stream, path.name)


def _is_bag(folder: Path) -> bool:
    """Whether a folder is a bag, be it one that lost its bagit.txt."""
    if (folder / "bagit.txt").is_file():
        return True
    return (folder / "data").is_dir() and any(is_manifest(path.name) for path in folder.glob("manifest-*.txt"))


def check_stream(stream: IO[bytes], name: str, *, inside: bool = False) -> ForeignReport | None:
    """Return the check that fits a file by its first bytes and its name, or None where it is no package.

    `stream` can seek. `inside`: it lies in another package, so that packages in it are not opened. Raises `OSError`.
    """
    lower = name.lower()
    start = stream.read(4096)
    stream.seek(0)
    if start.startswith(b"PK\x03\x04"):
        return _check_zip(stream, lower, inside)
    if (packed := _UNREAD.search(lower)) is not None:
        report = ForeignReport(COMPRESSED)
        report.unread("", f"compressed by {packed[1]}, which is not read: unpack it first")
        return report
    plain = plain_start(start)
    if plain.startswith(b"WARC/") or lower.endswith((".warc", ".warc.gz", ".warc.zst")):
        return check_warc(stream)
    if plain.startswith(b"filedesc://") or lower.endswith((".arc", ".arc.gz")):
        return check_arc(stream)
    if lower.endswith((".wacz", ".zip")):  # a ZIP may begin with other bytes, such as a program that unpacks it
        named = lower.endswith(".wacz") or zipfile.is_zipfile(stream)
        return _check_zip(stream, lower, inside) if named else None
    return None


def plain_start(data: bytes) -> bytes:
    """Return the first bytes of a file, up to 512 where they are compressed; none where they cannot be read."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(data, 512)
        return next(pieces(io.BytesIO(data)), b"") if is_zstd(data) else data
    except (zlib.error, ZstdDamage):
        return b""


def _check_zip(stream: IO[bytes], name: str, inside: bool) -> ForeignReport | None:
    named = name.endswith(".wacz")
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if "datapackage.json" in names or named:
                report = _check_wacz(archive, inside)
                before = min((entry.header_offset for entry in archive.infolist()), default=0)
                if before:
                    report.form_broken("", f"{before} bytes before the ZIP")
                return report
            bags = [name for name in names if re.fullmatch(r"(?:[^/]+/)?bagit\.txt", name)]
            if bags:
                report = ForeignReport("bag")
                if _unpackable(archive, report):
                    return check_bag(Zip(archive, bags[0].removesuffix("bagit.txt")), report)
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
        report.unread("", reason)
        return False
    seen: set[str] = set()
    for entry in archive.infolist():
        name = entry.filename
        if leaves(name):
            report.damage(shown(name), "a name that leaves the package")
        if name in seen:
            report.damage(shown(name), "a name that stands twice")
        seen.add(name)
    return True


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
    """Return why a ZIP is not unpacked: too many entries, or some that would fill the disk, or that share their bytes.

    None where it may be unpacked.
    """
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        return f"{len(entries)} entries: not unpacked"
    for entry in entries:
        if entry.file_size > GROWN and entry.file_size > GROWTH * max(1, entry.compress_size):
            return f"{shown(entry.filename)} would grow from {entry.compress_size} to {entry.file_size} bytes: not unpacked"
    if sum(entry.compress_size for entry in entries) > archive.start_dir:
        return "entries that lie over each other: not unpacked"
    whole, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if whole > GROWN and whole > GROWTH * max(1, packed):
        return f"would grow from {packed} to {whole} bytes: not unpacked"
    return None


def _check_wacz(archive: zipfile.ZipFile, inside: bool = False) -> ForeignReport:
    """WACZ 1.1.1 and older: names, resources, digest, signature, and each WARC inside. The signature is that of wacz-auth 0.1.0."""
    report = ForeignReport("wacz")
    if not _unpackable(archive, report):
        return report
    tree = Zip(archive)
    names = set(tree.names())
    try:
        data = load(tree, "datapackage.json")
        package = json.loads(data)
    except (*UNREADABLE, RecursionError):
        package = None
    if not isinstance(package, dict):
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
        report.damage(shown(name), "not listed in datapackage.json")
    if several:
        _check_parts(archive, names, report, inside)
    else:
        _check_archives(archive, names, report)
    check_signature(tree, data, report)
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
            report.form_broken(shown(name), "compressed once more by the ZIP")
        try:
            with archive.open(name) as stream:
                inner = check_warc(stream)
        except UNREADABLE as error:
            hindered(report, shown(name), error)
            continue
        report.take_over(shown(name), inner)


def _check_parts(archive: zipfile.ZipFile, names: set[str], report: ForeignReport, inside: bool) -> None:
    """Check the WACZ files inside a multi-WACZ (the form that Browsertrix downloads), one level deep."""
    parts = sorted(name for name in names if name.lower().endswith(".wacz"))
    if not parts:
        report.damage("", "a package of several WACZ files that holds none")
    if inside and parts:
        report.unread("", "a package within packages: not opened")
        return
    for name in parts:
        try:
            with open_entry(archive, archive.getinfo(name)) as stream:
                inner = check_stream(stream, name, inside=True)
        except UNREADABLE as error:
            hindered(report, shown(name), error)
            continue
        if inner is None:
            report.damage(shown(name), "no readable WACZ")
        else:
            report.take_over(shown(name), inner)


def _resources(tree: Tree, package: dict[str, Any], report: ForeignReport, names: set[str]) -> set[str]:
    listed: set[str] = set()
    resources = package.get("resources")
    for item in resources if isinstance(resources, list) else []:
        path = item.get("path") if isinstance(item, dict) else None
        if not isinstance(path, str):
            report.form_broken("datapackage.json", "a resource without a path")
            continue
        if path in listed:
            report.form_broken(shown(path), "listed twice")
        listed.add(path)
        if path not in names:
            report.damage(shown(path), "listed and missing")
            continue
        _resource(tree, path, item, report)
    if not listed:
        report.damage("datapackage.json", "lists no resources")
    return listed


def _resource(tree: Tree, path: str, item: dict[str, Any], report: ForeignReport) -> None:
    """Hold a file against what datapackage.json states of it."""
    name, value, size = _stated(item)
    algorithm = algorithm_named(name)
    if not value:
        report.form_broken(shown(path), "listed without a digest")
    elif algorithm is None:
        report.unchecked(shown(path), f"listed with a digest by an algorithm that is not known: {shown(name)[:20]}")
    try:
        actual, found = digest(tree, path, *([algorithm] if algorithm else []))
    except UNREADABLE as error:
        hindered(report, shown(path), error)
        return
    fits = same(algorithm, value, found[algorithm]) if algorithm and value else True
    if fits is None:
        report.unchecked(shown(path), "listed with a digest of a length that is not computed")
    elif not fits:
        report.damage(shown(path), "not what its digest in datapackage.json says")
    elif isinstance(size, int) and size != actual:
        report.damage(shown(path), f"{actual} bytes where {size} are stated")


def _stated(item: dict[str, Any]) -> tuple[str, str, Any]:
    """Return (algorithm, digest, size) as a resource states them.

    WACZ 1.0.0 has digest and size below `stats`, and the algorithm beside that. Where none is named, Frictionless Data
    Resources mean MD5.
    """
    stats = item.get("stats")
    place = stats if isinstance(stats, dict) and "hash" not in item else item
    stated = str(place.get("hash") or "")
    name, colon, value = stated.partition(":")
    if not colon:
        name, value = str(item.get("hashing") or ("md5" if len(stated) == 32 else "not named")), stated
    return name, value, place.get("bytes")
