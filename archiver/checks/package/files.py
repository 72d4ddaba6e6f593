"""What the checks of one package share: its files, and what the checks before have established."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from archiver.checks.lines import Line
from archiver.checks.proofs import Bad
from storage.digest import sha256_hex

SMALL = 256 << 20
READ = 1 << 20
NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)
"""The only names that files of a package have."""


class Absent(Exception):
    """Something that belongs to the package is not there."""


class Unknown(Exception):
    """The check lacks what it would need."""


@dataclass
class PackagedCapture:
    """Sealed contents of one capture. Its lines are read when they are asked for: a package may hold many."""

    id: str
    manifest: dict[str, Any]
    lines: SealedLines = field(repr=False)
    warcs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Lines of its records. Raises `Absent`, `Bad`, as do the others."""
        return self._lines("records.jsonl")

    @property
    def posts(self) -> list[dict[str, Any]]:
        """Lines of its posts."""
        return self._lines("posts.jsonl")

    @property
    def inventory(self) -> list[dict[str, Any]]:
        """Lines of its inventory."""
        return self._lines("inventory.jsonl")

    def _lines(self, file: str) -> list[dict[str, Any]]:
        name = f"data/captures/{self.id}/{file}"
        for entry in self.manifest["files"]:
            if entry["name"] == file:
                return self.lines.read(name, entry["sha256"])
        raise Bad(f"{name} was not sealed with the capture")


class SealedLines:
    """Reads files of lines of a package, each time as they were sealed; keeps some of those that were read last."""

    MOST = 2000
    """Lines that are kept, beside the file that was read last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, list[dict[str, Any]]] = {}

    def read(self, name: str, sealed: str) -> list[dict[str, Any]]:
        """Read the lines of a file with the digest `sealed`. Raises `Absent`, `Bad`."""
        found = self._kept.pop(name, None)
        if found is None:
            data = read_small(self._folder, name)
            if sha256_hex(data) != sealed:
                raise Bad(f"{name} differs from what was sealed")
            found = [json.loads(raw) for raw in io.BytesIO(data)]
        self._kept[name] = found  # the last again
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self.MOST:
            del self._kept[next(iter(self._kept))]
        return found


def read_small(folder: Path, name: str) -> bytes:
    """Read a file of a package that is there and small. Raises `Absent`, `Bad`."""
    path = folder / name
    if not path.is_file():
        raise Absent(f"{name} is not there")
    if path.stat().st_size > SMALL:
        raise Bad(f"{name} is larger than allowed")
    return path.read_bytes()


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
    lines: list[Line] = field(default_factory=list)
    """What was found, in the order of the checks."""

    names: set[str] = field(default_factory=set)
    """Every file, by its path in the package (`bag.names`)."""
    keys: list[str] = field(default_factory=list)
    """The key that signed, then those that handed over to it, newest first (`signer.key`)."""
    package: dict[str, Any] = field(default_factory=dict)
    """data/package.json (`ledger.ledger`)."""
    hashes: list[bytes] = field(default_factory=list)
    """Leaf hashes of the ledger's tree (`ledger.ledger`)."""
    roots: dict[int, bytes] = field(default_factory=dict)
    """Root of the tree at each size that it has had (`ledger.ledger`)."""
    leaves: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Sequence number → leaf, of the events that are proved to be in the ledger (`ledger.selection`)."""
    times: dict[int, datetime] = field(default_factory=dict)
    """Size of a checkpoint → the earliest time at which an outsider saw it (`timestamps.timestamps`)."""
    captures: list[PackagedCapture] = field(default_factory=list)
    """What was sealed, in the order of the package (`captures.captures`)."""
    entries: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Name → (start, size) of what the WACZ stores (`wacz.wacz`)."""

    def read(self, name: str) -> bytes:
        """Read a file that is there and small. Raises `Absent`, `Bad`."""
        return read_small(self.folder, name)

    def manifest(self, name: str, width: int) -> dict[str, str]:
        """Read a manifest of the bag: path → digest of `width` hexadecimal digits. Raises `Absent`, `Bad`."""
        listed: dict[str, str] = {}
        for line in self.read(name).decode("ascii").split("\n")[:-1]:
            digest, _, path = line.partition("  ")
            if not re.fullmatch(rf"[0-9a-f]{{{width}}}", digest) or not NAME.fullmatch(path) or path in listed:
                raise Bad(
                    f"{name}: a line that is malformed, points outside the package, or appears twice: {line[:80]}"
                )
            listed[path] = digest
        return listed
