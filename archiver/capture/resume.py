"""What earlier captures hold of a file that broke off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archiver.home.home import Home
from spiders.http_values import CONTENT_RANGE, digits
from storage.assembly import Piece, payload
from storage.errors import EvidenceError
from storage.lines import read_lines
from storage.warc import read_warc

_TAG = re.compile(r"(.*) bytes (\d{1,18})(?: hop \d+)?")


@dataclass
class PartialFile:
    """Beginning of a file that is held: its pieces, and what the server said of the whole."""

    pieces: list[Piece] = field(default_factory=list)
    total: int | None = None
    validator: str | None = None

    @property
    def size(self) -> int:
        """Number of bytes that are held."""
        return sum(piece.length for piece in self.pieces)


def begun_in(home: Home, captures: Sequence[str], tag: str) -> PartialFile:
    """Return what earlier, sealed captures hold of the file that was fetched under `tag`.

    Only its contiguous beginning counts.
    """
    found: list[tuple[int, int, str, str, int | None, str | None]] = []
    for capture in captures:
        folder = home.path / home.capture_folder(capture)
        try:
            lines = list(read_lines(folder / "records.jsonl"))
        except (OSError, EvidenceError):
            continue
        for line in lines:
            match = _TAG.fullmatch(line.get("tag") or "")
            mine = line.get("tag") == tag or (match is not None and match[1] == tag)
            if not mine or line.get("type") not in ("response", "revisit") or line.get("status") not in (200, 206):
                continue
            # Of a revisit the bytes lie where it refers to; left out, they would be asked for again.
            where = line.get("refers") or {"capture": capture, "record": line["id"]}
            head = _head(folder / line["file"], line["offset"])
            if head is None or head.get("content-encoding") or head.get("transfer-encoding"):
                continue
            size = line.get("payload_size")
            length = size if isinstance(size, int) else None
            span = CONTENT_RANGE.fullmatch(head.get("content-range", ""))
            start = int(span[1]) if span else 0
            stated = (int(span[3]) if span[3] != "*" else None) if span else digits(head.get("content-length"))
            if length is None:
                length = sum(len(part) for part in payload(folder / line["file"], line["offset"], 0, 1 << 62))
            validator = strong_validator(head.get("etag"), head.get("last-modified"))
            if length:
                found.append((start, length, where["record"], where["capture"], stated, validator))
    held = PartialFile()
    for start, length, record, capture, total, validator in sorted(found):
        if held.pieces and (total != held.total or validator != held.validator):
            continue  # another version of the file
        if start <= held.size < start + length:
            skip = held.size - start
            held.pieces.append(Piece(record, skip, length - skip, capture))
            held.total, held.validator = total, validator
    # Without a validator nobody can say that the rest would belong to the same file.
    return held if held.total is not None and held.validator else PartialFile()


def strong_validator(entity_tag: str | None, last_modified: str | None) -> str | None:
    """Return a strong entity tag, else the date of last modification: it tells versions of a file apart.

    See RFC 9110 section 13.1.5. None where the server sent neither.
    """
    return entity_tag if entity_tag and not entity_tag.startswith("W/") else last_modified


def _head(path: Path, offset: int) -> dict[str, str] | None:
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            record = next(read_warc(stream), None)
            return {name.lower(): value for name, value in record.http_fields} if record else None
    except (OSError, EvidenceError):
        return None
