"""Closing a capture whose process died. Nothing is discarded.

Cut spools become truncated records, a torn last member is moved to a `.tail` file, records without a line get
one, and what was discovered without an outcome gets `failed: interrupted`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage import canonical
from storage.capture import LINE_FILES, finish_folder
from storage.digest import sha256
from storage.errors import disk_error
from storage.files import Lock
from storage.lines import read_lines
from storage.salvage import Holder, append_lines, either, line_from_header, salvage
from storage.times import Clock, utc_text
from storage.warc import complete_members


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
        if (folder / "manifest.json").exists():  # closed, but not sealed
            (folder / "open.json").unlink(missing_ok=True)
            report: dict[str, Any] = {"closed_before": True}
        elif (folder / "open.json").exists():
            report = _close(folder, clock, holder)
        else:
            return None  # about to be filled, or its process died before anything was asked for
        then(report)
        done = True
        return report
    except OSError as error:
        raise disk_error(error, "recovering an interrupted capture") from error
    finally:
        lock.release(remove=done)


def _close(folder: Path, clock: Clock, holder: Holder) -> dict[str, Any]:
    report: dict[str, Any] = {
        "tail_bytes": 0,
        "salvaged": 0,
        "lines_added": 0,
        "lines_cut": 0,
        "without_outcome": 0,
    }
    for name in LINE_FILES:
        path = either(folder, name)
        report["lines_cut"] += _cut_partial_line(path)
    for partial in folder.glob("private.age-lines.open"):
        _cut_partial_line(partial)
    for spool in sorted(folder.glob("*.spool")):
        report["salvaged"] += salvage(folder, spool, holder)
    for orphan in [*folder.glob("*.spool.json"), *folder.glob("*.salvage"), *folder.glob(".*.new")]:
        orphan.unlink()
    records = either(folder, "records.jsonl")
    known = {(line["file"], line["offset"]) for line in read_lines(records)}
    missing = []
    for path in sorted([*folder.glob("*.warc.gz.open"), *folder.glob("*.warc.gz")]):
        end = 0
        name = path.name.removesuffix(".open")
        for found in complete_members(path):
            end = found.offset + found.length
            if (name, found.offset) not in known:
                missing.append(line_from_header(name, found.offset, found.length, found.head, holder))
        report["tail_bytes"] += _cut_tail(path, end)
    if missing:
        append_lines(records, missing)
        report["lines_added"] = len(missing)
    inventory = either(folder, "inventory.jsonl")
    open_keys: dict[str, dict[str, Any]] = {}
    hosts = set()
    for line in read_lines(inventory):
        if line.get("state") == "discovered":
            open_keys[line["key"]] = line
        elif "outcome" in line:
            open_keys.pop(line.get("key", ""), None)
    for line in read_lines(records):
        if line["type"] == "response" and line.get("uri"):
            hosts.add(line["uri"].split("/")[2].split("@")[-1].split(":")[0])
    if open_keys:
        ended = [
            {"key": key, "kind": line.get("kind"), "outcome": "failed", "reason": "interrupted"}
            for key, line in open_keys.items()
        ]
        append_lines(inventory, ended)
        report["without_outcome"] = len(ended)
    facts = {
        "closed": utc_text(clock()),
        "clock": {"source": "system", "elapsed_ms": None, "wall_ms": None},
        "outcome": "partial",
        "reason": "interrupted",
        "withheld": _withheld(records),
        "hosts": sorted(hosts),
        "refused_hosts": [],
        "recovered": report,
    }
    finish_folder(folder, facts, None, {})
    return report


def _cut_partial_line(path: Path) -> int:
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end == len(data):
        return 0
    os.truncate(path, end)
    return 1


def _cut_tail(path: Path, end: int) -> int:
    """Move what follows the last complete member to `<name>.tail`; return its size in bytes."""
    size = path.stat().st_size
    if end == size:
        return 0
    with open(path, "rb") as stream:
        stream.seek(end)
        tail = stream.read()
    path.with_name(path.name.removesuffix(".open") + ".tail").write_bytes(tail)
    os.truncate(path, end)
    return size - end


def _withheld(records: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for line in read_lines(records):
        for held in line.get("withheld", []):
            key = f"{held['where']} {held['name']}"
            counts[key] = counts.get(key, 0) + 1
    return counts


def manifest_digest(folder: Path) -> tuple[dict[str, Any], str]:
    """Read the manifest of a closed capture and compute its SHA-256. Raises `FormatError`, `OSError`."""
    data = (folder / "manifest.json").read_bytes()
    return canonical.loads(data), sha256(data).hex()
