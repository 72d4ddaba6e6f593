"""Making a truncated record of what a spool holds whose writing stopped, by a crash or by a disk that failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage import canonical
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
    if not sidecar_path.exists():
        # Died before the sidecar: only the warcinfo record can be in there.
        spool.unlink()
        return 0
    try:
        sidecar = canonical.loads(sidecar_path.read_bytes())
    except FormatError:
        spool.rename(folder / f"{name}.tail")
        return 0
    if any(line["id"] == sidecar["response_id"] for line in read_lines(either(folder, "records.jsonl"))):
        # An earlier recovery was itself interrupted after listing the record; only tidying up is left.
        spool.unlink()
        sidecar_path.unlink()
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
    info = next(complete_members(working))
    append_lines(either(folder, "records.jsonl"), [line_from_header(name, 0, info.length, info.head, holder), line])
    sidecar_path.unlink()
    spool.unlink()
    return 1


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
