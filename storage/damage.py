"""What can be read in a damaged folder of an open capture, and setting aside what cannot.

A power cut leaves zeros, torn lines and emptied files; a bad disk, anything. Nothing is thrown away: bytes that say
nothing are moved to `<name>.tail`, lines that name what is not there to `<name>.lost`. Each step can be repeated after
a kill in its middle.
"""

from __future__ import annotations

import base64
import binascii
import json
import mmap
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from storage import canonical
from storage.catalog_schema import OUTCOMES
from storage.digest import commitment, file_sha256
from storage.errors import FormatError
from storage.files import sync_folder, write_synced
from storage.warc import Member, complete_member, complete_members, parse_header

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)
_CAPTURE = re.compile(r"\d{8}T\d{6}-\w{8}", re.ASCII)
_GZIP = b"\x1f\x8b\x08"
_AGE = b"age-encryption.org/v1"
_MANIFEST = ("capture", "run", "part", "opened", "software", "test_routes", "target", "files", "lines", "counts")
_OPENED = ("capture", "run", "part", "opened", "software", "test_routes", "target")

Line = dict[str, Any]
Fits = Callable[[Line], bool]


def is_begun(folder: Path) -> bool:
    """Return whether a folder is that of a capture of which something is there. Raises `OSError`."""
    names = {path.name for path in folder.iterdir()}
    return not names.isdisjoint(("open.json", "manifest.json")) or (
        _CAPTURE.fullmatch(folder.name) is not None
        and any(name.endswith((".open", ".spool", ".warc.gz", ".jsonl")) for name in names)
    )


def set_aside(folder: Path, name: str, data: bytes, ending: str = "tail") -> None:
    """Keep `data` beside the file it was part of, as `<name>.tail`; under another number where others lie there.

    Raises `DiskError`.
    """
    for number in count(1):
        path = folder / (f"{name}.{ending}" if number == 1 else f"{name}.{number}.{ending}")
        if not path.exists():
            write_synced(path, data)
            return
        if path.read_bytes() == data:  # an earlier recovery was stopped before it took them out of the file
            return


def move_aside(path: Path, name: str | None = None) -> None:
    """Rename a whole file to `<name>.tail`, under a number that is free. Raises `OSError`."""
    name = name or path.name.removesuffix(".open")
    free = (f"{name}.tail" if number == 1 else f"{name}.{number}.tail" for number in count(1))
    path.rename(next(place for each in free if not os.path.lexists(place := path.with_name(each))))


def tidy(folder: Path) -> None:
    """Make the folder one of plain files with names that any reader takes. Raises `OSError`.

    What lies in a folder inside comes up. Of what is no file, a link or a pipe, a line says what it was.
    """
    for path in sorted(folder.iterdir()):
        if path.name in (".lock", "open.json", "manifest.json") and path.is_file() and not path.is_symlink():
            continue
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and path.name.startswith(".") and path.name.endswith(".new"):
            path.unlink()  # of a write that was stopped: the file itself is there, or nothing was said of it
            continue
        name = path.name if _NAME.fullmatch(path.name) else re.sub(r"[^A-Za-z0-9_-]", "_", path.name)
        if stat.S_ISDIR(mode):
            for inner in sorted(path.rglob("*")):
                if not stat.S_ISDIR(inner.lstat().st_mode):
                    above = "_".join(inner.relative_to(path).parts)
                    moved = folder / f"{name}_{re.sub(r'[^A-Za-z0-9_.-]', '_', above)}"
                    inner.rename(moved)
                    _plain(moved, moved.name)
            for inner in sorted(path.rglob("*"), reverse=True):
                inner.rmdir()
            path.rmdir()
        elif not stat.S_ISREG(mode) or name != path.name:
            _plain(path, name)
        elif path.name.endswith(".open") and os.path.lexists(path.with_suffix("")):
            move_aside(path)
    sync_folder(folder)


def _plain(path: Path, name: str) -> None:
    """Set aside what is no file of a capture under `name`; of a link or a pipe, what it is."""
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        move_aside(path, name)
        return
    said = f"a link to {os.readlink(path)!r}" if stat.S_ISLNK(mode) else "neither a file nor a folder"
    set_aside(path.parent, name, f"{path.name}: {said}\n".encode("utf-8", "backslashreplace"))
    path.unlink()


# -- lines -----------------------------------------------------------------------------------------


def keep_lines(path: Path, fits: Fits) -> list[Line]:
    """Leave in a file the lines that `fits` knows, byte by byte as they are; set the others aside. Return those kept.

    Raises `DiskError`, `OSError`.
    """
    kept, good, bad = [], [], []
    salts = set()
    for raw in raw_lines(path):
        line = _line(raw)
        if line is not None and line["salt"] not in salts and fits(line):
            salts.add(line["salt"])  # each line has its own: one that comes twice is a copy
            kept.append(line)
            good.append(raw)
        else:
            bad.append(raw)
    if bad:
        set_aside(path.parent, path.name.removesuffix(".open"), b"".join(bad))
        write_synced(path, b"".join(good))
    return kept


def raw_lines(path: Path) -> list[bytes]:
    """Read the lines of a file with their line feeds; the last may have none. Raises `OSError`."""
    with open(path, "rb") as stream:
        return list(stream)


def _line(raw: bytes) -> Line | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and len(str(value.get("salt", ""))) == 64 else None


def take_out(path: Path, lost: Callable[[Line], bool]) -> list[Line]:
    """Move the lines for which `lost` holds to `<name>.lost`, and return them. Raises `DiskError`, `OSError`."""
    kept, gone, lines = [], [], []
    for raw in raw_lines(path):
        line = json.loads(raw)
        if lost(line):
            gone.append(raw)
            lines.append(line)
        else:
            kept.append(raw)
    if gone:
        set_aside(path.parent, path.name.removesuffix(".open"), b"".join(gone), "lost")
        write_synced(path, b"".join(kept))
    return lines


def is_record(line: Line) -> bool:
    """Return whether a line of records.jsonl has what every reader of it relies on."""
    words = all(isinstance(line.get(key), str) for key in ("id", "type", "date", "file"))
    places = all(type(line.get(key)) is int and line[key] >= 0 for key in ("offset", "length"))
    held = line.get("withheld", [])
    return (
        words
        and places
        and isinstance(line.get("uri"), str | None)
        and isinstance(held, list)
        and all(isinstance(one, dict) and "where" in one and "name" in one for one in held)
        and (line["type"] != "revisit" or isinstance(line.get("refers"), dict))
    )


def is_post(line: Line) -> bool:
    """Return whether a line of posts.jsonl has what every reader of it relies on."""
    files = line.get("attachments") or []
    return (
        isinstance(line.get("platform"), str)
        and isinstance(line.get("record"), str | None)
        and isinstance(line.get("published") or {}, dict)
        and isinstance(files, list)
        and all(isinstance(one, dict) and isinstance(one.get("kind"), str) for one in files)
    )


def in_inventory(target: str | None) -> Fits:
    """Return what tells the lines of one inventory.jsonl, in their order; `target`: the commitment to the link, where known.

    A thing is discovered once: a second line of it does not fit.
    """
    discovered: set[str] = set()

    def fits(line: Line) -> bool:
        if "target_salt" in line:
            made = _commitment(line)
            return made is not None and made == (target or made)
        if line.get("kind") == "census" and "raw" in line:
            return "marker" in line and "parsed" in line and line.get("agrees") is (line["raw"] == line["parsed"])
        if "outcome" in line:
            ended = isinstance(line.get("key"), str) and line["outcome"] in OUTCOMES
            return ended and (line["outcome"] == "captured" or bool(line.get("reason")))
        if line.get("state") != "discovered":
            return True
        key = line.get("key")
        if not isinstance(key, str) or key in discovered:
            return False
        discovered.add(key)
        return True

    return fits


def _commitment(line: Line) -> str | None:
    try:
        return commitment(bytes.fromhex(line["target_salt"]), line["url"].encode())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def target_of(inventory: list[Line]) -> str | None:
    """Return the commitment to the link that an inventory names; None where it names none."""
    return next((_commitment(line) for line in inventory if "target_salt" in line), None)


def keep_private(folder: Path) -> None:
    """Set aside what is no age file in the private record and in its lines. Raises `DiskError`, `OSError`."""
    whole = folder / "private.age"
    if whole.exists():
        with open(whole, "rb") as stream:
            begins = stream.read(len(_AGE)) == _AGE
        if not begins:
            move_aside(whole)
    for path in (folder / "private.age-lines.open", folder / "private.age-lines"):
        lines = raw_lines(path) if path.exists() else []
        if bad := [line for line in lines if not _is_sealed(line)]:
            set_aside(folder, "private.age-lines", b"".join(bad))
            write_synced(path, b"".join(line for line in lines if _is_sealed(line)), 0o600)


def _is_sealed(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and base64.b64decode(line[:-1], validate=True).startswith(_AGE)
    except binascii.Error:
        return False


# -- what says which capture it is -------------------------------------------------------------------


def read_opened(folder: Path) -> Line | None:
    """Read open.json; None where it is missing or says nothing. Raises `OSError`."""
    value = _json(folder / "open.json")
    return value if value is not None and all(key in value for key in _OPENED) and _names_software(value) else None


def fitting_manifest(folder: Path) -> tuple[Line | None, bool]:
    """Read the manifest of a capture that was closed: (what it says, whether the files are those it names).

    None where it is missing or says nothing. Raises `OSError`.
    """
    manifest = _json(folder / "manifest.json")
    if manifest is None or any(key not in manifest for key in _MANIFEST) or not _names_software(manifest):
        return None, False
    try:
        named = {str(one["name"]): (one["size"], one["sha256"]) for one in manifest["files"]}
    except (TypeError, KeyError):
        return None, False
    present = {path.name for path in folder.iterdir()} - {"manifest.json", "open.json", ".lock"}
    fits = present == set(named) and all(_is_file(folder / name, *said) for name, said in named.items())
    return manifest, fits


def _is_file(path: Path, size: Any, digest: Any) -> bool:
    entry = path.lstat()
    return stat.S_ISREG(entry.st_mode) and entry.st_size == size and file_sha256(path).hexdigest() == digest


def _names_software(value: Line) -> bool:
    software = value["software"]
    return isinstance(software, dict) and all(isinstance(software.get(key), str) for key in ("name", "version"))


def _json(path: Path) -> Line | None:
    if not path.is_file() or path.is_symlink():
        return None
    try:
        value = canonical.loads(path.read_bytes())
    except FormatError:
        return None
    return value if isinstance(value, dict) else None


# -- WARC files --------------------------------------------------------------------------------------


def readable_members(path: Path, known: Collection[str]) -> Iterator[Member]:
    """Find the whole records of a WARC file, also behind damage. Raises `OSError`.

    Behind damage only those count whose id, or that of their `warcinfo`, is `known`: a body may hold records of others.
    """
    size, end, infos = path.stat().st_size, 0, set(known)
    if not size:
        return
    for found in complete_members(path):
        fields = _fields(found)
        if fields is None:
            break
        if fields.get("warc-type") == "warcinfo":
            infos.add(fields.get("warc-record-id", ""))
        end = found.offset + found.length
        yield found
    if end == size:
        return
    with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
        while (at := view.find(_GZIP, end)) >= 0:
            whole = complete_member(stream, at)
            fields = _fields(whole) if whole is not None else None
            if whole is None or fields is None or not infos & {_id(fields), fields.get("warc-warcinfo-id")}:
                end = at + 1
                continue
            yield whole
            end = at + whole.length


def _id(fields: dict[str, str]) -> str | None:
    return fields.get("warc-record-id")


def _fields(found: Member) -> dict[str, str] | None:
    """The fields of a record's header; None of what is no record of ours."""
    with suppress(FormatError):
        fields = {name.lower(): value for name, value in parse_header(found.head)}
        return fields if {"warc-record-id", "warc-type", "warc-date"} <= set(fields) else None
    return None
