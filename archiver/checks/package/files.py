"""What the checks of one package share: its files, and what the checks before have established."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.checks.lines import Finding
from archiver.checks.package.report import PackageReport
from archiver.checks.proofs import Bad
from storage.digest import sha256_hex

SMALL = 256 << 20
READ = 1 << 20
PROOF, DOCUMENT = 1 << 20, 16 << 20
"""How large a proof or signature may be, and a document of JSON: what an archiver writes is far smaller."""
_DOCUMENT = re.compile(r"data/package\.json|data/events/.*|data/captures/[^/]+/manifest\.json")
NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)
"""The only names that files of a package have."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
Row = dict[str, Any]


class Absent(Exception):
    """Something that belongs to the package is not there."""


class Unknown(Exception):
    """The check lacks what it would need."""


@dataclass
class PackagedCapture:
    """Sealed contents of one capture. Its lines are read when they are asked for: a package may hold many."""

    id: str
    event: int
    manifest: Row
    lines: SealedLines = field(repr=False)
    warcs: dict[str, Row] = field(default_factory=dict)
    """Name of a WARC file → its entry in the manifest, in the manifest's order."""

    @property
    def records(self) -> list[Row]:
        """Lines of its records. Raises `Absent`, `Bad`, as do the others."""
        return self._lines("records.jsonl")

    @property
    def posts(self) -> list[Row]:
        """Lines of its posts."""
        return self._lines("posts.jsonl")

    @property
    def inventory(self) -> list[Row]:
        """Lines of its inventory."""
        return self._lines("inventory.jsonl")

    def _lines(self, file: str) -> list[Row]:
        name = f"data/captures/{self.id}/{file}"
        for entry in self.manifest["files"]:
            if entry["name"] == file:
                return self.lines.read(name, entry["sha256"])
        raise Bad(f"{name} was not sealed with the capture")

    @property
    def observed(self) -> list[Row]:
        """Lines of posts that are observations of an item: captions belong to a video, and are none."""
        return [line for line in self.posts if line.get("role") != "captions"]

    @property
    def ended(self) -> list[Row]:
        """The last line with an outcome of each key, in the order in which the keys first came with one."""
        last: dict[str, Row] = {}
        for line in self.inventory:
            if line.get("outcome") is not None:
                last[line["key"]] = line
        return list(last.values())

    @property
    def received(self) -> bool:
        """Whether a person handed its files over."""
        return any("target_salt" in line and line.get("platform") == "received" for line in self.inventory)


class SealedLines:
    """Reads files of lines of a package, without salts, each time as they were sealed; keeps some that were read last."""

    MOST = 2000
    """Lines that are kept, beside the file that was read last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, list[Row]] = {}

    def read(self, name: str, sealed: str) -> list[Row]:
        """Read the lines of a file with the digest `sealed`. Raises `Absent`, `Bad`."""
        found = self._kept.pop(name, None)
        if found is None:
            data = read_small(self._folder, name)
            if sha256_hex(data) != sealed:
                raise Bad(f"{name} differs from what was sealed")
            found = [json.loads(raw) for raw in io.BytesIO(data)]
            for line in found:
                if not isinstance(line, dict):
                    raise Bad(f"{name} has a line that is none")
                line.pop("salt", None)
        self._kept[name] = found  # the last again
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self.MOST:
            del self._kept[next(iter(self._kept))]
        return found


def read_small(folder: Path, name: str) -> bytes:
    """Read a file of a package that is there and small. Raises `Absent`, `Bad`."""
    path = folder / name
    if not path.is_file():
        raise Absent(f"{name} is not there")
    if path.stat().st_size > largest(name):
        raise Bad(f"{name} is larger than allowed")
    return path.read_bytes()


def is_moment(text: str) -> bool:
    """Return whether a text is a time in UTC that a calendar has, in the one spelling that times have."""
    try:
        return _MOMENT.fullmatch(text) is not None and datetime.fromisoformat(text).utcoffset() == timedelta(0)
    except ValueError:
        return False


def largest(name: str) -> int:
    """Return how large a file may be that is read as a whole, in bytes."""
    if name.startswith(("proofs/", "signature/")) and name != "proofs/leaves.bin":
        return PROOF
    return DOCUMENT if _DOCUMENT.fullmatch(name) else SMALL


@dataclass
class PackageFiles:
    """One package: its files, what was asked of the check, and what it has established so far.

    Each check is a function of this value. What a check establishes it leaves here for those that build on it; the
    check is named beside it.
    """

    folder: Path
    wanted: str | None = None
    """Fingerprint of the key that the package should be signed with, from elsewhere."""
    older: bytes | None = None
    """An earlier checkpoint of the same ledger."""
    now: datetime | None = None
    """As of when it is said which certificates have ended."""
    trusted: frozenset[str] = frozenset()
    """SHA-256 of the root certificates under which stamps count; empty: any."""
    bodies: bool = True
    """Whether payload files and records are read."""
    released: Mapping[str, str] | None = None
    """File, or profile and file → SHA-256 of what every package of this release holds unchanged; None: not compared."""
    report: PackageReport = field(default_factory=PackageReport)

    names: set[str] = field(default_factory=set)
    """Every file, by its path in the package (`bag.names`)."""
    left: list[str] = field(default_factory=list)
    """Files that an operating system has left in it (`bag.names`)."""
    bare: list[str] = field(default_factory=list)
    """Folders without files (`bag.names`)."""
    version: int = 2
    """Number of the rules that it was made by (`bag.version`)."""
    package: Row = field(default_factory=dict)
    """data/package.json (`places.places`)."""
    keys: list[str] = field(default_factory=list)
    """The key that signed, then those that handed over to it, newest first (`signer.key`)."""
    handed: int = 0
    """How many hand-overs lie between the key that was named and the one that signed (`signer.signer`)."""
    hashes: list[bytes] = field(default_factory=list)
    """Leaf hashes of the ledger's tree (`ledger.ledger`)."""
    roots: dict[int, bytes] = field(default_factory=dict)
    """Root of the tree at each size that it has had (`ledger.ledger`)."""
    leaves: dict[int, Row] = field(default_factory=dict)
    """Sequence number → leaf, of the events that are proved to be in the ledger (`ledger.selection`)."""
    times: dict[int, datetime] = field(default_factory=dict)
    """Size of a checkpoint → the earliest time at which an outsider saw it (`timestamps.timestamps`)."""
    stamps: int = 0
    """How many tokens of authorities it holds (`timestamps.timestamps`, as the next three)."""
    unchecked: int = 0
    """How many of these were not checked, since there is no openssl that can."""
    named: int = 0
    """How many of these hold, and lead to a root that counts."""
    calendars: int = 0
    """How many proofs of OpenTimestamps it holds."""
    captures: list[PackagedCapture] = field(default_factory=list)
    """What was sealed, in the order of the package (`captures.captures`)."""
    events: dict[int, Row] = field(default_factory=dict)
    """Sequence number → event, of all that the package holds (`captures.captures`)."""
    entries: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Name → (start, size) of what the WACZ stores, in its order (`wacz.wacz`)."""
    digests: dict[str, str] = field(default_factory=dict)
    """Name → SHA-256 of what the WACZ stores (`wacz.wacz`)."""
    members: dict[tuple[str, int], str] = field(default_factory=dict)
    """(WARC file, offset) → SHA-256 of a record as it is stored (`wacz.wacz`)."""
    assemblies: dict[tuple[str, str], Row] = field(default_factory=dict)
    """(capture, SHA-256 of the whole) → how pieces make a file (`records.read_assemblies`)."""

    @property
    def profile(self) -> str | None:
        """Which kind of package it says that it is; None where that is none, or not read yet."""
        return self.report.profile

    def note(self, check: str, detail: str) -> None:
        """Add a line that says nothing against integrity."""
        self.report.say(Finding.NOTE, check, detail)

    def read(self, name: str) -> bytes:
        """Read a file that is there and small. Raises `Absent`, `Bad`."""
        return read_small(self.folder, name)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return (self.folder / name).stat().st_size

    def manifest(self, name: str, width: int) -> dict[str, str]:
        """Read a manifest of the bag: path → digest of `width` hexadecimal digits. Raises `Absent`, `Bad`."""
        listed: dict[str, str] = {}
        *lines, rest = self.read(name).decode("ascii").split("\n")
        if rest:
            raise Bad(f"{name} ends in the middle of a line")
        for line in lines:
            digest, _, path = line.partition("  ")
            if not re.fullmatch(rf"[0-9a-f]{{{width}}}", digest) or not path:
                raise Bad(f"{name} has a line that is none: {line[:60]}")
            if not NAME.fullmatch(path):
                raise Bad(f"{name} names something outside the package: {path[:80]}")
            if path in listed:
                raise Bad(f"{name} lists {path} twice")
            listed[path] = digest
        return listed
