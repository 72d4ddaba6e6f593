"""Checking a package of ours: `archiver check PACKAGE` does what the package's own `check.py` does, by other code.

That one uses Python's standard library alone; this one `cryptography`, `zipfile` and the readers of `archiver.checks`. Both
follow docs/reference/formats.md, and say the same in the same words; the tests hold them against each other on honest and on tampered
packages.

bag, places   which files there are, and whether each is what was listed
signer        whose key signed
ledger        the tree of events, and which of them the package is about
timestamps    what outsiders say of time
captures      events, manifests and lines, as they were sealed
wacz, index, records   the recordings
tables, media          what people read, made again from what was sealed
words         what is held against nothing
version1      what packages of version 1 had otherwise
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from archiver.checks.package import (
    bag,
    captures,
    index,
    ledger,
    media,
    places,
    records,
    signer,
    tables,
    timestamps,
    version1,
    wacz,
    words,
)  # fmt: skip
from archiver.checks.package.files import PackageFiles
from archiver.checks.package.report import PackageReport
from archiver.checks.package.run import run
from archiver.checks.trees import UNREADABLE, Tree

__all__ = ["PackageReport", "check_ours", "is_ours"]

_HEAD = 1 << 16
_BAG_MARKS = rb"External-Description: Package of social media evidence|urn:archiver:bagit-profile:"
_MARKS = {
    "proofs/vkey.txt": rb"",
    "signature/tagmanifest-sha256.txt.note": rb"",
    "signature/tagmanifest-sha512.txt.note": rb"",
    "data/package.json": rb"archiver-package/",
    "bagit-profile.json": rb"urn:archiver:bagit-profile:",
    "bag-info.txt": _BAG_MARKS,
}
"""File → what it says in a package of ours."""


def check_ours(
    folder: Path,
    wanted: str | None,
    older: bytes | None,
    now: datetime | None = None,
    roots: frozenset[str] = frozenset(),
    *,
    bodies: bool = True,
    released: Mapping[str, str] | None = None,
) -> PackageReport:
    """Check a package; return a line for each thing looked at, and the verdict.

    `wanted`: the fingerprint of its key, from elsewhere. `older`: an earlier checkpoint. `now`: as of when it is said
    which certificates have ended. `roots`: SHA-256 of the root certificates under which stamps count; empty: any, which
    the verdict names. `bodies`: whether the payload files and the records are read; who made the package has just done so.
    `released`: digests of the texts that every package of this release holds; None: these are not looked at.
    """
    files = PackageFiles(folder, wanted, older, now, roots, bodies, released)
    _check(files)
    return files.report


def is_ours(tree: Tree) -> bool:
    """Return whether a folder or ZIP is such a package, or what is left of one: also one whose signature was taken out."""
    for name, mark in _MARKS.items():
        try:
            with tree.open(name) as stream:
                head = stream.read(_HEAD)
        except UNREADABLE:
            continue
        if re.search(mark, head):
            return True
    return False


def _check(files: PackageFiles) -> None:
    """Run the checks from the outside to the inside; where one fails, those that would build on it are left out."""
    if not run(files, "files", bag.names):
        return
    run(files, "files", bag.left_behind)
    # Nothing in a bag that fails is what was signed: no line below would mean anything.
    if not (run(files, "format", bag.version) and run(files, "bag", bag.bag) and run(files, "places", places.places)):
        return
    if not (run(files, "key", signer.key) and run(files, "signature", signer.signature)):
        return
    run(files, "signer", signer.signer)
    if not (run(files, "ledger", ledger.ledger) and run(files, "selection", ledger.selection)):
        return
    if files.older is not None:
        run(files, "history", ledger.history)
    run(files, "timestamps", timestamps.timestamps)
    run(files, "time", timestamps.time)
    if files.handed:
        run(files, "retired key", signer.retired)
    whole = files.profile != "full" or run(files, "captures", captures.captures)
    run(files, "clock", timestamps.clock)
    if whole and (files.profile != "full" or _recordings(files)):
        _read_by_people(files)
    run(files, "routes", words.routes)
    words.signers_words(files)


def _recordings(files: PackageFiles) -> bool:
    """Check the WACZ of a full package; return whether it and its records are as they were sealed."""
    first = files.version == 1
    if not run(files, "WACZ", version1.wacz if first else wacz.wacz):
        return False
    if not files.bodies:
        return run(files, "records", _only_assemblies) and (first or run(files, "description", wacz.description))
    if not run(files, "records", records.records):
        return False
    run(files, "index", version1.index if first else index.index)
    if not first:
        run(files, "description", wacz.description)
    run(files, "assemblies", records.assemblies)
    return True


def _only_assemblies(files: PackageFiles) -> str:
    records.read_assemblies(files)
    return ""


def _read_by_people(files: PackageFiles) -> None:
    """Check the tables and files that people read."""
    if files.version == 1:
        run(files, "media", version1.media)
        run(files, "posts", version1.posts)
        return
    run(files, "tables", tables.tables)
    run(files, "media", media.media)
    if files.profile == "public":
        run(files, "metadata", media.metadata)
