"""Making a truncated record of what a spool holds whose writing stopped, by a crash or by a disk that failed."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from storage import canonical
from storage.damage import move_aside, set_aside
from storage.digest import Sha256
from storage.errors import FormatError
from storage.lines import LineFile, read_lines
from storage.times import utc_parse
from storage.warc import MemberInPlace, complete_members, parse_header, record_header, spooled_block


def either(folder: Path, name: str) -> Path:
    """Return the path of a file under its open or its final name; make it empty if the crash came before it."""
    final, working = folder / name, folder / f"{name}.open"
    if final.exists():
        return final
    working.touch()
    return working


def append_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    """Append salted lines to the file at `path` and sync it. Raises `DiskError`, `OSError`."""
    writer = LineFile(path)
    writer.append(lines)
    writer.close()


def salvage(folder: Path, spool: Path, holder: Holder) -> int:
    """Finish one spool. Return 1 if it became a truncated record, 0 if it was whole, empty or could not be read."""
    sidecar_path = spool.with_name(spool.name + ".json")
    name = spool.name.removesuffix(".spool")
    working = folder / f"{name}.open"
    records = either(folder, "records.jsonl")
    members = list(complete_members(spool))
    size = spool.stat().st_size
    whole = len(members) == 2 and members[-1].offset + members[-1].length == size
    sidecar = _sidecar(sidecar_path)
    if sidecar is None and not whole:
        if size and size == sum(one.length for one in members):
            spool.unlink()  # died before the sidecar: only the warcinfo record is in there
        else:
            move_aside(spool, name)
        return 0
    if sidecar is not None and any(line["id"] == sidecar["response_id"] for line in read_lines(records)):
        # An earlier recovery was itself interrupted after listing the record; only tidying up is left.
        spool.unlink()
        sidecar_path.unlink()
        return 0
    if sidecar is None or whole:
        spool.rename(working)
        sidecar_path.unlink(missing_ok=True)
        return 0
    fresh = folder / f"{name}.salvage"
    with open(spool, "rb") as stream:
        fresh.write_bytes(stream.read(sidecar["offset"]))
    out = MemberInPlace(fresh, sidecar["reserve"], sidecar["stored"])
    block, payload, seen = Sha256(), Sha256(), 0
    broken = None
    start = sidecar["offset"] + sidecar["reserve"]
    hole = None if sidecar["stored"] else _hole(spool, start)

    def pieces() -> Iterator[bytes]:
        nonlocal broken
        broken = yield from spooled_block(spool, start, hole)

    for piece in pieces():
        block.update(piece)
        payload.update(piece[max(0, sidecar["head_size"] - seen) :])
        seen += len(piece)
        out.write(piece)
    if not block.size:
        out.abandon()
        fresh.unlink()
        if broken is None and size:
            spool.unlink()
            sidecar_path.unlink()
        else:
            move_aside(spool, name)
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
    if broken is not None:
        with open(spool, "rb") as stream:
            stream.seek(broken)
            set_aside(folder, name, stream.read())
    fresh.rename(working)
    info = next(complete_members(working), None)
    infos = [line_from_header(name, 0, offset, info.head, holder)] if info is not None and info.length == offset else []
    append_lines(records, [*infos, line])
    sidecar_path.unlink()
    spool.unlink()
    return 1


def _hole(spool: Path, start: int) -> int | None:
    """Find where a power cut left zeros in compressed data, which may decode to something all the same."""
    if spool.stat().st_size <= start:
        return None
    with open(spool, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
        at = view.find(bytes(1024), start)
    return at if at >= 0 else None


def _sidecar(path: Path) -> dict[str, Any] | None:
    """Read what says of a spool what it is; None where it is missing or damaged."""
    if not path.exists():
        return None
    try:
        value = canonical.loads(path.read_bytes())
        whole = (
            all(isinstance(value[key], str) for key in ("response_id", "date"))
            and all(isinstance(value[key], int) for key in ("offset", "reserve", "head_size"))
            and isinstance(value["line"], dict)
            and all(isinstance(one, str) for pair in value["fields"] for one in pair)
            and {"stored", "chunked", "uri"} <= set(value)
            and utc_parse(value["date"])
        )
    except (FormatError, KeyError, TypeError, ValueError):
        return None
    return value if whole else None


Holder = Callable[[str, str], str | None]
"""(record id, payload digest) → the sealed capture that holds that record."""


def line_from_header(file: str, offset: int, length: int, head: bytes, holder: Holder) -> dict[str, Any]:
    """Make the records.jsonl line of a record that was written but not yet listed. Raises `FormatError`."""
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
        **_refers(fields, holder),
        **({"status": int(status[0])} if status and status[0].isdigit() else {}),
        **({"truncated": fields["warc-truncated"]} if "warc-truncated" in fields else {}),
        "recovered": True,
    }


def _refers(fields: dict[str, str], holder: Holder) -> dict[str, Any]:
    """Of a revisit: where the bytes lie. The record names only the other record, the line its capture too."""
    record = fields.get("warc-refers-to")
    if fields.get("warc-type") != "revisit" or record is None:
        return {}
    capture = holder(record, fields.get("warc-payload-digest", ""))
    return {"refers": {"capture": capture, "record": record}} if capture else {}
