"""Assemblies: a file that arrived in pieces, as the ordered (record, offset, length) that make it.

A server sends a video in ranges or fragments. Each answer is a record of its own; the assembly is a `metadata` record
that names them in order, with the SHA-256 of the whole. The bytes are kept once. Offsets count the payload of a
record: the body after its HTTP head, transfer coding removed, content coding left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage import canonical
from storage.digest import Sha256
from storage.errors import FormatError, disk_error
from storage.warc import read_warc

FORMAT = "archiver-assembly/1"
URI = "urn:archiver:assembly:"
READ = 1 << 20


@dataclass(frozen=True)
class Piece:
    """A range of `length` bytes from `offset` in the payload of `record`. `capture`: which one holds it, if another."""

    record: str
    offset: int
    length: int
    capture: str | None = None

    def line(self) -> dict[str, Any]:
        """Return the piece as it stands in the assembly record; `capture` is left out where it is None."""
        line = {"record": self.record, "offset": self.offset, "length": self.length}
        return line | {"capture": self.capture} if self.capture else line


@dataclass(frozen=True)
class Assembly:
    """A whole file. `name` is safe as a file's name; `about` says where it comes from and what it is part of."""

    name: str
    media_type: str | None
    size: int
    sha256: str
    pieces: tuple[Piece, ...]
    about: dict[str, Any] = field(default_factory=dict)

    def block(self) -> bytes:
        """Return the content of the assembly record as canonical JSON; `parse_assembly` reads it back."""
        return canonical.dumps(
            {
                "format": FORMAT,
                "name": self.name,
                "media_type": self.media_type,
                "size": self.size,
                "sha256": self.sha256,
                "pieces": [piece.line() for piece in self.pieces],
                "about": self.about,
            }
        )


def parse_assembly(block: bytes) -> Assembly:
    """Parse what `Assembly.block` wrote. Raises `FormatError`."""
    value = canonical.loads(block)
    try:
        if value["format"] != FORMAT:
            raise FormatError(f"the format {FORMAT}", repr(value["format"])[:60], "Use a newer release.")
        pieces = tuple(
            Piece(str(item["record"]), int(item["offset"]), int(item["length"]), item.get("capture"))
            for item in value["pieces"]
        )
        found = Assembly(
            safe_name(str(value["name"])),
            value["media_type"],
            int(value["size"]),
            str(value["sha256"]),
            pieces,
            value["about"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError("an assembly record", repr(block[:80]), "Run `archiver check`.") from error
    if any(piece.offset < 0 or piece.length <= 0 for piece in pieces):
        raise FormatError("pieces with a place and a length", "one without", "Run `archiver check`.")
    if sum(piece.length for piece in pieces) != found.size:
        raise FormatError(
            "pieces that add up to the file's size", "pieces of another total size", "Run `archiver check`."
        )
    return found


def safe_name(name: str) -> str:
    """Make a name safe as that of a file in one folder: no separators, no leading dot, 150 bytes of UTF-8 at most."""
    kept = "".join(c if c.isalnum() or c in "-_.@+ " else "_" for c in name).strip(" .") or "file"
    encoded = kept.encode("utf-8")[-150:]
    return encoded.decode("utf-8", "ignore").strip(" .") or "file"


def payload(path: Path, at: int, offset: int, length: int) -> Iterator[bytes]:
    """Yield `length` bytes of the payload, from `offset`, of the record that starts at byte `at` of a WARC file.

    Fewer where the record ends earlier. Raises `FormatError`, `DiskError`.
    """
    try:
        with open(path, "rb") as stream:
            stream.seek(at)
            record = next(read_warc(stream), None)
            if record is None:
                raise FormatError(f"a record at {at} in {path.name}", "none", "Run `archiver check`.")
            skip = offset
            while length:
                data = record.stream.read(READ if skip else min(READ, length))
                if not data:
                    return
                if skip:
                    data, skip = data[skip:], max(0, skip - len(data))
                data = data[:length]
                length -= len(data)
                if data:
                    yield data
    except OSError as error:
        raise disk_error(error, f"reading {path.name}") from error


def digest_of(parts: Iterator[bytes]) -> Sha256:
    """Compute the SHA-256 and the size in bytes of a file given in parts."""
    whole = Sha256()
    for part in parts:
        whole.update(part)
    return whole
