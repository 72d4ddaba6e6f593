"""Files put together again from the pieces they arrived in, from a capture or from WARC files alone.

Nothing but the WARC is needed: the assembly is a record in it. Pieces that lie in another capture are found where its
WARC is given too, or where the capture lies in the home.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver.errors import CannotTell, NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Fetch
from archiver.tools import ffmpeg
from storage.assembly import URI, Assembly, parse_assembly, payload
from storage.digest import Sha256
from storage.errors import FormatError, disk_error
from storage.lines import read_lines
from storage.warc import complete_members, parse_header

Place = tuple[Path, int]
"""A WARC file, and where in it a record begins."""


@dataclass
class PieceIndex:
    """Assemblies of some WARC files, and where their records begin."""

    assemblies: dict[str, Assembly] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def __or__(self, other: PieceIndex) -> PieceIndex:
        return PieceIndex(self.assemblies | other.assemblies, self.places | other.places)


def scan(paths: list[Path]) -> PieceIndex:
    """Index WARC files by reading them from one end to the other. Raises `FormatError`, `DiskError`."""
    found = PieceIndex()
    for path in paths:
        try:
            members = list(complete_members(path))
        except OSError as error:
            raise disk_error(error, f"reading {path.name}") from error
        if not members:
            raise FormatError(
                f"a .warc.gz with one gzip member per record in {path.name}", "another file", "Give a WARC file."
            )
        for member in members:
            fields = {name.lower(): value for name, value in parse_header(member.head)}
            found.places[fields.get("warc-record-id", "")] = (path, member.offset)
            if fields.get("warc-target-uri", "").startswith(URI):
                _take(found, path, member.offset, int(fields.get("content-length", "0")))
    return found


def listed(folder: Path) -> PieceIndex:
    """Index a capture by its own list of records, without reading its WARC files. Raises `DiskError`."""
    found = PieceIndex()
    try:
        lines = list(read_lines(folder / "records.jsonl"))
    except OSError as error:
        raise disk_error(error, f"reading {folder.name}") from error
    for line in lines:
        found.places[line["id"]] = (folder / line["file"], line["offset"])
        if str(line.get("uri", "")).startswith(URI):
            _take(found, folder / line["file"], line["offset"], line["length"] * 1000)
    return found


def _take(found: PieceIndex, path: Path, offset: int, most: int) -> None:
    block = b"".join(payload(path, offset, 0, most))
    assembly = parse_assembly(block)
    found.assemblies[assembly.sha256] = assembly


def parts(assembly: Assembly, place: dict[str, Place]) -> Iterator[bytes]:
    """Yield the file's bytes, piece by piece. Raises `CannotTell` where a piece is not here."""
    for piece in assembly.pieces:
        if piece.record not in place:
            where = f" of capture {piece.capture}" if piece.capture else ""
            raise CannotTell(
                f"the record {piece.record}{where}",
                "not in the files given",
                "Also give the WARC file that contains it.",
            )
        path, offset = place[piece.record]
        yield from payload(path, offset, piece.offset, piece.length)


def write(assembly: Assembly, place: dict[str, Place], out: Path) -> bool:
    """Write the file; return whether its size and SHA-256 are those of the assembly.

    One that differs is kept beside it as NAME.damaged. Raises `EvidenceError`.
    """
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


def of_capture(home: Home, named: str, fetch: Fetch) -> PieceIndex:
    """Index a capture's assemblies, and where their pieces lie in it and in earlier captures.

    Raises `NotFound`, `UsageError` where it is quarantined, `CannotTell` where freed files cannot be fetched back.
    """
    capture = home.resolve_capture(named)
    if capture in home.catalog.quarantined_captures():
        raise UsageError("a capture that is not quarantined", f"{capture}, which is", "See `archiver show`.")
    fetch.bring_back([capture])
    found = listed(home.path / home.capture_folder(capture))
    others = {piece.capture for assembly in found.assemblies.values() for piece in assembly.pieces if piece.capture}
    fetch.bring_back(sorted(others))
    for other in sorted(others):
        folder = home.path / home.capture_folder(other)
        if (folder / "records.jsonl").is_file():
            found.places = listed(folder).places | found.places
    return found


@dataclass(frozen=True)
class Assembled:
    """One file that was put together. `intact`: whether it is what its assembly says; None where pieces are missing."""

    path: Path
    assembly: Assembly
    intact: bool | None
    why: str = ""
    """What is missing."""


def assemble_all(found: PieceIndex, to: Path) -> Iterator[Assembled]:
    """Write every file into the folder `to`, by name. Raises `NotFound` where there is none, `EvidenceError`."""
    if not found.assemblies:
        raise NotFound(
            "an assembly", "none: every file is a single record", "List its records: archiver show ID --records"
        )
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, f"making {to}") from error
    written: set[Path] = set()
    for assembly in sorted(found.assemblies.values(), key=lambda item: item.name):
        out = to / assembly.name
        if out in written:
            out = out.with_name(f"{assembly.sha256[:8]}-{assembly.name}")
        try:
            intact = write(assembly, found.places, out)
        except CannotTell as error:
            yield Assembled(out, assembly, None, str(error))
            continue
        written.add(out)
        yield Assembled(out, assembly, intact)


@dataclass(frozen=True)
class Merged:
    """A working copy with video and audio of one page in one file. `facts`: what made it, of what."""

    path: Path
    sources: tuple[Path, ...]
    facts: dict[str, Any]


def merge_pages(files: Iterable[Assembled], to: Path) -> Iterator[Merged]:
    """Merge the files of each page into a working copy to look at. It is no evidence; its inputs are.

    Raises `ConversionError`.
    """
    groups: dict[str, list[Assembled]] = {}
    for file in files:
        page = str(file.assembly.about.get("page") or "") + str(file.assembly.about.get("id") or "")
        groups.setdefault(page, []).append(file)
    for group in groups.values():
        if len(group) > 1:
            yield _merge(sorted(group, key=lambda file: "audio" in str(file.assembly.media_type)), to)


def _merge(group: list[Assembled], to: Path) -> Merged:
    out, facts = ffmpeg.merge([file.path for file in group], to)
    name = to / f"{group[0].assembly.about.get('id') or 'merged'}.merged{out.suffix}"
    out.replace(name)
    facts["inputs"] = [{"name": file.path.name, "sha256": file.assembly.sha256} for file in group]
    name.with_suffix(name.suffix + ".json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    return Merged(name, tuple(file.path for file in group), facts)
