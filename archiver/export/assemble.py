"""`archiver assemble`: files out of their pieces, from a capture or from WARC files alone.

Nothing but the WARC is needed: the assembly is a record in it. Pieces that lie in another capture are found where its
WARC is given too, or where the capture lies in the home.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import CannotTell
from storage.assembly import URI, Assembly, parse_assembly, payload
from storage.digest import Sha256
from storage.errors import FormatError, disk_error
from storage.lines import read_lines
from storage.warc import complete_members, parse_header

if TYPE_CHECKING:
    pass

Place = tuple[Path, int]
"""A WARC file, and where in it a record begins."""


@dataclass
class Found:
    """The assemblies of some WARC files, and where the records are."""

    assemblies: dict[str, Assembly] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)


def scan(paths: list[Path]) -> Found:
    """Reads WARC files from one end to the other. Raises `FormatError`, `DiskError`."""
    found = Found()
    for path in paths:
        try:
            members = list(complete_members(path))
        except OSError as error:
            raise disk_error(error, f"reading {path.name}") from error
        if not members:
            raise FormatError(
                f"a .warc.gz with one gzip member a record in {path.name}", "another file", "Give a WARC file."
            )
        for member in members:
            fields = {name.lower(): value for name, value in parse_header(member.head)}
            found.places[fields.get("warc-record-id", "")] = (path, member.offset)
            if fields.get("warc-target-uri", "").startswith(URI):
                _take(found, path, member.offset, int(fields.get("content-length", "0")))
    return found


def listed(folder: Path) -> Found:
    """The same from a capture's own list of records, without reading the WARC files."""
    found = Found()
    try:
        lines = list(read_lines(folder / "records.jsonl"))
    except OSError as error:
        raise disk_error(error, f"reading {folder.name}") from error
    for line in lines:
        found.places[line["id"]] = (folder / line["file"], line["offset"])
        if str(line.get("uri", "")).startswith(URI):
            _take(found, folder / line["file"], line["offset"], line["length"] * 1000)
    return found


def _take(found: Found, path: Path, offset: int, most: int) -> None:
    block = b"".join(payload(path, offset, 0, most))
    assembly = parse_assembly(block)
    found.assemblies[assembly.sha256] = assembly


def parts(assembly: Assembly, place: dict[str, Place]) -> Iterator[bytes]:
    """The file's bytes. Raises `CannotTell` where a piece is not here."""
    for piece in assembly.pieces:
        if piece.record not in place:
            where = f" of capture {piece.capture}" if piece.capture else ""
            raise CannotTell(
                f"the record {piece.record}{where}", "none in what was given", "Give the WARC files that hold it too."
            )
        path, offset = place[piece.record]
        yield from payload(path, offset, piece.offset, piece.length)


def write(assembly: Assembly, place: dict[str, Place], out: Path) -> bool:
    """Writes the file; returns whether it is what the assembly says, by its digest. Raises `EvidenceError`."""
    whole = Sha256()
    working = out.with_name(out.name + ".part")
    try:
        with open(working, "wb") as stream:
            for part in parts(assembly, place):
                whole.update(part)
                stream.write(part)
        good = (whole.hexdigest(), whole.size) == (assembly.sha256, assembly.size)
        working.replace(out if good else out.with_name(f"{out.name}.damaged"))
    except OSError as error:
        raise disk_error(error, f"writing {out.name}") from error
    finally:
        working.unlink(missing_ok=True)
    return good
