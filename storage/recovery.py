"""Closing a capture whose process died. Nothing is discarded.

Cut spools become truncated records, what cannot be read is set aside (storage/damage.py), records without a line get
one, lines without a record are said to be lost, and what was discovered without an outcome gets `failed: interrupted`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from storage import canonical
from storage.assembly import URI as ASSEMBLY
from storage.assembly import parse_assembly
from storage.capture import FORMAT, LINE_FILES, finish_folder, warcinfo_block, warcinfo_header
from storage.damage import (
    fitting_manifest,
    in_inventory,
    is_begun,
    is_post,
    is_record,
    keep_lines,
    keep_private,
    move_aside,
    raw_lines,
    read_opened,
    readable_members,
    set_aside,
    take_out,
    target_of,
    tidy,
)
from storage.digest import sha256, sha256_label
from storage.errors import disk_error
from storage.files import Lock, sync_folder, write_synced
from storage.lines import plain_line, read_lines
from storage.salvage import Holder, append_lines, either, line_from_header, salvage
from storage.times import Clock, utc_parse, utc_text
from storage.warc import Member, member, new_record_id, parse_header, read_warc

LOST = "lost before the capture was sealed"
"""The reason of an outcome whose record is gone."""


def recover_folder(
    folder: Path, clock: Clock, then: Callable[[dict[str, Any]], None], holder: Holder
) -> dict[str, Any] | None:
    """Close an open capture folder whose lock is free, and call `then` with what was done while holding the lock.

    `holder`: which sealed capture holds a record that was only referred to.

    Returns what was done, or None where the folder is in use or holds nothing. Raises `DiskError`, `FormatError`,
    and what `then` raises. Safe to run again after a crash in the middle.
    """
    if not folder.is_dir():
        return None
    lock = Lock(folder / ".lock")
    if not lock.acquire(wait=False):
        return None
    done = False
    try:
        if not is_begun(folder):
            return None  # about to be filled, or its process died before anything was asked for
        manifest, fits = fitting_manifest(folder)
        if manifest is not None and fits:  # closed, but not sealed
            (folder / "open.json").unlink(missing_ok=True)
            report: dict[str, Any] = {"closed_before": True}
        else:
            report = _close(folder, clock, holder, manifest)
        then(report)
        done = True
        return report
    except OSError as error:
        raise disk_error(error, "recovering an interrupted capture") from error
    finally:
        lock.release(remove=done)


def _close(folder: Path, clock: Clock, holder: Holder, manifest: dict[str, Any] | None) -> dict[str, Any]:
    """`manifest`: one that does not fit the files beside it; it says which capture this was."""
    tidy(folder)
    opened = _opened(folder, manifest)
    records, posts, inventory = (either(folder, name) for name in LINE_FILES)
    keep_lines(records, is_record)
    keep_lines(posts, is_post)
    kept = keep_lines(inventory, in_inventory(opened["target"]))
    if opened["target"] is None and (target := target_of(kept)):
        opened["target"] = target
        write_synced(folder / "open.json", canonical.dumps(opened))
    keep_private(folder)
    report: dict[str, Any] = {
        "tail_bytes": 0,
        "salvaged": sum(salvage(folder, spool, holder) for spool in sorted(folder.glob("*.spool"))),
        "lines_added": 0,
        "lines_cut": 0,
        "without_outcome": 0,
    }
    for orphan in folder.glob("*.salvage"):
        orphan.unlink()
    for orphan in folder.glob("*.spool.json"):
        move_aside(orphan)
    report["lines_added"] = _compare(folder, records, opened, holder)
    report["without_outcome"] = _end(folder, records, posts, inventory)
    asides = {name: size for name, size in _sizes(folder).items() if name.endswith(".tail")}
    report["tail_bytes"] = sum(size for name, size in asides.items() if ".warc.gz." in name)
    report["lines_cut"] = sum(_count(folder / name) for name in asides if ".jsonl" in name)
    if asides:
        report["set_aside"] = asides
    if lost := {name: _count(folder / name) for name in _sizes(folder) if name.endswith(".lost")}:
        report["lost"] = lost
    if manifest is not None:
        report["manifest_differed"] = True
    lines = list(read_lines(records))
    facts = {
        "closed": utc_text(clock()),
        "clock": {"source": "system", "elapsed_ms": None, "wall_ms": None},
        "outcome": "partial",
        "reason": "interrupted",
        "withheld": _withheld(lines),
        "hosts": sorted({host for line in lines if line["type"] == "response" and (host := _host(line.get("uri")))}),
        "refused_hosts": [],
        "recovered": report,
    }
    finish_folder(folder, facts, None, {})
    return report


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def _count(path: Path) -> int:
    return len(raw_lines(path))


def _host(uri: str | None) -> str | None:
    try:
        return urlsplit(uri or "").hostname
    except ValueError:
        return None


# -- which capture it is -----------------------------------------------------------------------------


def _opened(folder: Path, manifest: dict[str, Any] | None) -> dict[str, Any]:
    """What open.json says. Where it says nothing, what else does: the manifest, the folder's name, its records.

    It is then written again, so that a recovery that is stopped and begun anew says the same.
    """
    opened = read_opened(folder)
    if manifest is not None and opened is None:
        keys = ("capture", "run", "part", "opened", "software", "test_routes")
        opened = {"format": FORMAT, **{key: manifest[key] for key in keys}, "target": manifest["target"]["commitment"]}
        write_synced(folder / "open.json", canonical.dumps(opened))
    if (folder / "manifest.json").exists():  # after open.json: one of them says which capture it is
        move_aside(folder / "manifest.json")
        sync_folder(folder)
    if opened is not None:
        return opened
    if (folder / "open.json").exists():
        move_aside(folder / "open.json")
    heads = [dict(_fields(found)) for path in _warcs(folder) for found in readable_members(path, ())]
    first = next((fields["warc-date"] for fields in heads if fields["warc-type"] == "warcinfo"), None)
    opened = {
        "format": FORMAT,
        "capture": folder.name,
        "run": folder.name,  # unknown: a run of its own
        "part": 1,
        "opened": first or utc_text(datetime.strptime(folder.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)),
        "target": None,
        "software": {"name": "archiver", "version": "unknown"},
        # Only test routes lead to this machine itself.
        "test_routes": any(fields.get("warc-ip-address", "").startswith(("127.", "::1")) for fields in heads),
    }
    write_synced(folder / "open.json", canonical.dumps(opened))
    return opened


# -- lines and records, compared both ways -----------------------------------------------------------


def _warcs(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.warc.gz.open"), *folder.glob("*.warc.gz")])


def _fields(found: Member) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in parse_header(found.head)]


def _compare(folder: Path, records: Path, opened: dict[str, Any], holder: Holder) -> int:
    """Make records.jsonl and the WARC files name the same records; return how many lines it did not have.

    Lines of records that are not there move to `records.jsonl.lost`, lines that say something else of a record than it
    does itself are set aside and written anew.
    """
    listed = {str(line["id"]): line for line in read_lines(records)}
    if not _warcs(folder):
        names = sorted({str(line["file"]) for line in listed.values()})
        stamp = "".join(filter(str.isdigit, str(opened["opened"])))[:14]
        fallback = f"archiver-{stamp}-00000-{str(opened['capture'])[-8:]}.warc.gz"
        (folder / f"{next(iter(names), fallback)}.open").touch()
    found: dict[str, dict[str, Any]] = {}
    for path in _warcs(folder):
        name = path.name.removesuffix(".open")
        for one in _mended(path, name, opened, listed):
            line = line_from_header(name, one.offset, one.length, one.head, holder)
            found.setdefault(str(line["id"]), line)
    _rewrite(records, found)
    take_out(records, lambda line: line["id"] not in found)
    there = {line["id"] for line in read_lines(records)}
    if missing := [line for key, line in found.items() if key not in there]:
        append_lines(records, missing)
    return len(missing)


def _mended(path: Path, name: str, opened: dict[str, Any], listed: dict[str, dict[str, Any]]) -> list[Member]:
    """The records of a WARC file after what is none was moved out of it, and a lost `warcinfo` written again."""
    whole = list(readable_members(path, listed))
    size = path.stat().st_size
    has_info = bool(whole) and ("warc-type", "warcinfo") in _fields(whole[0])
    if has_info and sum(one.length for one in whole) == size:
        return whole
    if size and not whole:
        move_aside(path)
        path.touch()
        size = 0
    at = 0
    for one in [*whole, Member(size, 0, b"")]:
        if one.offset > at:
            with open(path, "rb") as stream:
                stream.seek(at)
                set_aside(path.parent, name, stream.read(one.offset - at))
        at = one.offset + one.length
    if has_info and whole[-1].offset + whole[-1].length == sum(one.length for one in whole):
        os.truncate(path, sum(one.length for one in whole))  # only its end was torn
        return whole
    fresh = path.with_name(f"{name}.salvage")
    with open(path, "rb") as old, open(fresh, "wb") as new:
        if not has_info:
            new.write(_warcinfo(name, opened, listed))
        for one in whole:
            old.seek(one.offset)
            shutil.copyfileobj(_Part(old, one.length), new, 1 << 20)
        new.flush()
        os.fsync(new.fileno())
    fresh.rename(path)
    sync_folder(path.parent)
    return list(readable_members(path, ()))


class _Part:
    """The next bytes of a stream, so many of them."""

    def __init__(self, stream: Any, size: int) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self._stream.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data


def _warcinfo(name: str, opened: dict[str, Any], listed: dict[str, dict[str, Any]]) -> bytes:
    """The `warcinfo` of a file that lost it: under the same id where it says the same."""
    block = warcinfo_block(opened["software"], opened["capture"])
    same = (
        key
        for key, line in listed.items()
        if (line["type"], line["file"], line.get("block_digest"), line["date"])
        == ("warcinfo", name, sha256_label(block), opened["opened"])
    )
    header = warcinfo_header(name, next(same, None) or new_record_id(), utc_parse(opened["opened"]), block)
    return member(header, [block], stored=False)


def _place(line: dict[str, Any]) -> dict[str, Any]:
    return {key: line[key] for key in ("file", "offset", "length")}


def _agree(line: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a line says of its record what the record's own header says."""
    same = all(line.get(key) == found.get(key) for key in ("type", "uri", "date", "block_digest"))
    payload = found["payload_digest"] is None or line.get("payload_digest") == found["payload_digest"]
    refers = "refers" not in found or (line.get("refers") or {}).get("record") == found["refers"]["record"]
    return same and payload and refers and bool(line.get("truncated")) == ("truncated" in found)


def _rewrite(records: Path, found: dict[str, dict[str, Any]]) -> None:
    """Set aside lines of records.jsonl that say something wrong or a second time; correct places in the others.

    Line by line: of two with the same id, the first may be the wrong one.
    """
    good, bad, moved = [], [], False
    seen = set()
    for raw in raw_lines(records):
        line = json.loads(raw)
        key = str(line["id"])
        there = found.get(key)
        if key in seen or (there is not None and not _agree(line, there)):
            bad.append(raw)
            continue
        seen.add(key)
        if there is not None and _place(line) != _place(there):
            raw, moved = plain_line({**line, **_place(there)}), True
        good.append(raw)
    if bad:
        set_aside(records.parent, records.name.removesuffix(".open"), b"".join(bad))
    if bad or moved:
        write_synced(records, b"".join(good))


# -- what rests on records ---------------------------------------------------------------------------


def _end(folder: Path, records: Path, posts: Path, inventory: Path) -> int:
    """End what rests on a record that is lost, and what was discovered without an outcome; return how many of these."""
    there = {line["id"] for line in read_lines(records)}
    broken = _broken(folder, records, there)
    take_out(posts, lambda line: line.get("record") is not None and line["record"] not in there)
    gone = take_out(
        inventory,
        lambda line: (
            line.get("outcome") is not None
            and ((line.get("record") is not None and line["record"] not in there) or line.get("assembly") in broken)
        ),
    )
    found: dict[str, dict[str, Any]] = {}
    ended: dict[str, dict[str, Any]] = {}
    for line in read_lines(inventory):
        if line.get("state") == "discovered":
            found[line["key"]] = line
        elif "outcome" in line:
            ended[line["key"]] = line
    reasons = {line["key"]: LOST for line in gone}
    open_keys = [key for key in {**found, **reasons} if key not in ended]
    kinds = {line["key"]: line.get("kind") for line in [*ended.values(), *gone, *found.values()]}
    fresh = [
        {"state": "discovered", "key": key, "kind": kinds[key], "recovered": True} for key in kinds if key not in found
    ]
    fresh += [
        {"key": key, "kind": kinds[key], "outcome": "failed", "reason": reasons.get(key, "interrupted")}
        for key in open_keys
    ]
    if fresh:
        append_lines(inventory, fresh)
    return sum(key not in reasons for key in open_keys)


def _broken(folder: Path, records: Path, there: set[str]) -> set[str]:
    """Digests of files that came in pieces of which one is lost."""
    broken = set()
    for line in read_lines(records):
        if line["type"] != "metadata" or not str(line.get("uri")).startswith(ASSEMBLY):
            continue
        name = line["file"]
        path = folder / name if (folder / name).exists() else folder / f"{name}.open"
        with open(path, "rb") as stream:
            stream.seek(line["offset"])
            block = next(read_warc(stream)).stream.read()
        pieces = parse_assembly(block).pieces
        if any(piece.capture is None and piece.record not in there for piece in pieces):
            broken.add(str(line["uri"]).removeprefix(ASSEMBLY))
    return broken


def _withheld(records: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for line in records:
        for held in line.get("withheld", []):
            key = f"{held['where']} {held['name']}"
            counts[key] = counts.get(key, 0) + 1
    return counts


def manifest_digest(folder: Path) -> tuple[dict[str, Any], str]:
    """Read the manifest of a closed capture and compute its SHA-256. Raises `FormatError`, `OSError`."""
    data = (folder / "manifest.json").read_bytes()
    return canonical.loads(data), sha256(data).hex()
