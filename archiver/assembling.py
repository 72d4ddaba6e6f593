"""`archiver assemble`: files out of their pieces, from a capture or from WARC files alone.

Nothing but the WARC is needed: the assembly is a record in it. Pieces that lie in another capture are found where its
WARC is given too, or where the capture lies in the home.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver import convert
from archiver.copies.evicting import bring_back
from archiver.errors import CannotTell, NotFound, UsageError
from storage.assembly import URI, Assembly, parse_assembly, payload
from storage.digest import Sha256
from storage.errors import EvidenceError, FormatError, disk_error
from storage.lines import read_lines
from storage.warc import complete_members, parse_header

if TYPE_CHECKING:
    from archiver.cli import Context

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


def assemble(context: Context) -> int:
    """The command. Exit code 5 where a file is not what its assembly says, 6 where pieces are missing."""
    arguments, console = context.arguments, context.console
    found = Found()
    for name in arguments.what:
        path = Path(name)
        if path.is_file():
            some = scan([path])
        elif path.is_dir():
            some = scan(sorted(path.glob("*.warc.gz")))
        else:
            home = context.home()
            capture = home.resolve_capture(name)
            if capture in home.catalog.quarantined_captures():
                raise UsageError(
                    f"a capture that is not quarantined, not {capture}", "one that is", "See `archiver show`."
                )
            bring_back(home, [capture])
            some = _with_others(home, listed(home.path / home.capture_folder(capture)))
        found.assemblies |= some.assemblies
        found.places |= some.places
    if not found.assemblies:
        raise NotFound("an assembly", "none: every file there is one record", "Look with `archiver show ID --records`.")
    arguments.to.mkdir(parents=True, exist_ok=True)
    codes = [0]
    written: list[tuple[Path, Assembly]] = []
    for assembly in sorted(found.assemblies.values(), key=lambda item: item.name):
        out = arguments.to / assembly.name
        if any(out == path for path, _ in written):
            out = out.with_name(f"{assembly.sha256[:8]}-{assembly.name}")
        try:
            good = write(assembly, found.places, out)
        except CannotTell as error:
            console.warn(f"cannot tell    {assembly.name}: {error}")
            codes.append(6)
            continue
        codes.append(0 if good else 5)
        written.append((out, assembly))
        console.say(
            f"{'intact' if good else 'DAMAGED'}    {out}  {assembly.size} bytes in {len(assembly.pieces)} pieces  sha256 {assembly.sha256}"
        )
        console.data(
            {
                "file": str(out),
                "intact": good,
                "size": assembly.size,
                "sha256": assembly.sha256,
                "about": assembly.about,
            }
        )
    if arguments.merge:
        codes.append(_merge(context, written))
    return max(codes)


def _with_others(home: Any, found: Found) -> Found:
    """Adds the places of earlier captures that assemblies refer to, where these are in the home."""
    others = {piece.capture for assembly in found.assemblies.values() for piece in assembly.pieces if piece.capture}
    bring_back(home, sorted(others))
    for capture in sorted(others):
        folder = home.path / home.capture_folder(capture)
        if (folder / "records.jsonl").is_file():
            found.places |= {key: place for key, place in listed(folder).places.items() if key not in found.places}
    return found


def _merge(context: Context, written: list[tuple[Path, Assembly]]) -> int:
    """A working copy to look at: video and audio of one page in one file. It is no evidence; its inputs are."""
    console, folder = context.console, context.arguments.to
    groups: dict[str, list[tuple[Path, Assembly]]] = {}
    for path, assembly in written:
        page = str(assembly.about.get("page") or "") + str(assembly.about.get("id") or "")
        groups.setdefault(page, []).append((path, assembly))
    for group in groups.values():
        if len(group) < 2:
            continue
        group.sort(key=lambda pair: "audio" in str(pair[1].media_type))
        try:
            out, facts = convert.merge([path for path, _ in group], folder)
        except EvidenceError as error:
            console.warn(str(error))
            return 4
        name = folder / f"{group[0][1].about.get('id') or 'merged'}.merged{out.suffix}"
        out.replace(name)
        facts["inputs"] = [{"name": path.name, "sha256": assembly.sha256} for path, assembly in group]
        name.with_suffix(name.suffix + ".json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        console.say(f"merged    {name}  from {' and '.join(path.name for path, _ in group)}: a working copy")
        console.data({"merged": str(name), **facts})
    return 0
