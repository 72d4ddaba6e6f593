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
from storage.digest import Sha256, sha256
from storage.errors import FormatError, disk_error
from storage.files import Lock
from storage.lines import LineFile, read_lines
from storage.times import Clock, utc_parse, utc_text
from storage.warc import MemberInPlace, complete_members, parse_header, record_header, spooled_block


def recover_folder(folder: Path, clock: Clock, then: Callable[[dict[str, Any]], None]) -> dict[str, Any] | None:
    """Closes an open capture folder whose lock is free, and calls `then` with what was done while it holds the lock.

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
            report = _close(folder, clock)
        else:
            return None  # about to be filled, or its process died before anything was asked for
        then(report)
        done = True
        return report
    except OSError as error:
        raise disk_error(error, "recovering an interrupted capture") from error
    finally:
        lock.release(remove=done)


def _close(folder: Path, clock: Clock) -> dict[str, Any]:
    report: dict[str, Any] = {
        "tail_bytes": 0,
        "salvaged": 0,
        "lines_added": 0,
        "lines_cut": 0,
        "without_outcome": 0,
    }
    for name in LINE_FILES:
        path = _either(folder, name)
        report["lines_cut"] += _cut_partial_line(path)
    for partial in folder.glob("private.age-lines.open"):
        _cut_partial_line(partial)
    for spool in sorted(folder.glob("*.spool")):
        report["salvaged"] += _salvage(folder, spool)
    for orphan in [*folder.glob("*.spool.json"), *folder.glob("*.salvage"), *folder.glob(".*.new")]:
        orphan.unlink()
    records = _either(folder, "records.jsonl")
    known = {(line["file"], line["offset"]) for line in read_lines(records)}
    missing = []
    for path in sorted([*folder.glob("*.warc.gz.open"), *folder.glob("*.warc.gz")]):
        end = 0
        name = path.name.removesuffix(".open")
        for found in complete_members(path):
            end = found.offset + found.length
            if (name, found.offset) not in known:
                missing.append(_line_from_header(name, found.offset, found.length, found.head))
        report["tail_bytes"] += _cut_tail(path, end)
    if missing:
        _append(records, missing)
        report["lines_added"] = len(missing)
    inventory = _either(folder, "inventory.jsonl")
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
        _append(inventory, ended)
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


def _either(folder: Path, name: str) -> Path:
    """The file under its open or its final name; made empty if the crash came before it."""
    final, working = folder / name, folder / f"{name}.open"
    if final.exists():
        return final
    working.touch()
    return working


def _append(path: Path, lines: list[dict[str, Any]]) -> None:
    writer = LineFile(path)
    writer.append(lines)
    writer.close()


def _cut_partial_line(path: Path) -> int:
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end == len(data):
        return 0
    os.truncate(path, end)
    return 1


def _cut_tail(path: Path, end: int) -> int:
    """Moves what follows the last complete member to `<name>.tail`; returns its size in bytes."""
    size = path.stat().st_size
    if end == size:
        return 0
    with open(path, "rb") as stream:
        stream.seek(end)
        tail = stream.read()
    path.with_name(path.name.removesuffix(".open") + ".tail").write_bytes(tail)
    os.truncate(path, end)
    return size - end


def _salvage(folder: Path, spool: Path) -> int:
    """Finishes one spool. Returns 1 if it became a truncated record, 0 if it was whole or empty."""
    sidecar_path = spool.with_name(spool.name + ".json")
    name = spool.name.removesuffix(".spool")
    working = folder / f"{name}.open"
    if not sidecar_path.exists():
        # Died before the sidecar: only the warcinfo record can be in there.
        spool.unlink()
        return 0
    try:
        sidecar = canonical.loads(sidecar_path.read_bytes())
    except FormatError:
        spool.rename(folder / f"{name}.tail")
        return 0
    members = list(complete_members(spool))
    if members and members[-1].offset + members[-1].length == spool.stat().st_size and len(members) == 2:
        spool.rename(working)
        sidecar_path.unlink()
        return 0
    fresh = folder / f"{name}.salvage"
    with open(spool, "rb") as stream:
        fresh.write_bytes(stream.read(sidecar["offset"]))
    out = MemberInPlace(fresh, sidecar["reserve"], sidecar["stored"])
    block, payload, seen = Sha256(), Sha256(), 0
    for piece in spooled_block(spool, sidecar["offset"] + sidecar["reserve"]):
        block.update(piece)
        payload.update(piece[max(0, sidecar["head_size"] - seen) :])
        seen += len(piece)
        out.write(piece)
    if not block.size:
        out.abandon()
        fresh.unlink()
        spool.unlink()
        sidecar_path.unlink()
        return 0
    fields = [(key, value) for key, value in sidecar["fields"]]
    fields.insert(len(fields) - 1, ("WARC-Block-Digest", block.label()))
    if not sidecar["chunked"]:
        fields.insert(len(fields) - 1, ("WARC-Payload-Digest", payload.label()))
    fields.insert(len(fields) - 1, ("WARC-Truncated", "unspecified"))
    header = record_header("response", sidecar["response_id"], utc_parse(sidecar["date"]), fields, block.size)
    offset, length = out.finish(header)
    line = {
        "id": sidecar["response_id"],
        "type": "response",
        "uri": sidecar["uri"],
        "date": sidecar["date"],
        "file": name,
        "offset": offset,
        "length": length,
        "block_digest": block.label(),
        "payload_digest": None if sidecar["chunked"] else payload.label(),
        "payload_size": None if sidecar["chunked"] else payload.size,
        **sidecar["line"],
        "truncated": "unspecified",
        "recovered": True,
    }
    fresh.rename(working)
    _append(_either(folder, "records.jsonl"), [line])
    sidecar_path.unlink()
    spool.unlink()
    return 1


def _line_from_header(file: str, offset: int, length: int, head: bytes) -> dict[str, Any]:
    """A records.jsonl line for a record that was written but not yet listed."""
    fields = {name.lower(): value for name, value in parse_header(head)}
    body = head[head.find(b"\r\n\r\n") + 4 :]
    status = body.split(b"\r\n", 1)[0].split(b" ")[1:2] if body.startswith(b"HTTP/") else []
    return {
        "id": fields.get("warc-record-id"),
        "type": fields.get("warc-type"),
        "uri": fields.get("warc-target-uri"),
        "date": fields.get("warc-date"),
        "file": file,
        "offset": offset,
        "length": length,
        "block_digest": fields.get("warc-block-digest"),
        "payload_digest": fields.get("warc-payload-digest"),
        "payload_size": None,
        **({"status": int(status[0])} if status and status[0].isdigit() else {}),
        **({"truncated": fields["warc-truncated"]} if "warc-truncated" in fields else {}),
        "recovered": True,
    }


def _withheld(records: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for line in read_lines(records):
        for held in line.get("withheld", []):
            key = f"{held['where']} {held['name']}"
            counts[key] = counts.get(key, 0) + 1
    return counts


def manifest_digest(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest of a closed capture and its SHA-256. Raises `FormatError`, `OSError`."""
    data = (folder / "manifest.json").read_bytes()
    return canonical.loads(data), sha256(data).hex()
