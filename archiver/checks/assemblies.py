"""Checking assemblies: that the pieces they name, in that order, give the file whose digest they state."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from archiver.checks.lines import Line, damaged, intact, note, unknown
from archiver.checks.proofs import Bad
from archiver.checks.warcs import read_payload
from storage.digest import Sha256

URI = "urn:archiver:assembly:"


def check_assemblies(name: str, folder: Path, records: list[dict[str, Any]]) -> list[Line]:
    """Return one line about all assemblies of a capture, and one for what could not be looked at.

    Pieces that recovery listed as lost when it sealed the capture are said, and are no damage.
    """
    stated = [line for line in records if str(line.get("uri", "")).startswith(URI) and line.get("type") == "metadata"]
    if not stated:
        return []
    places: dict[str, dict[str, tuple[Path, dict[str, Any]]]] = {name: _places(folder, records)}
    elsewhere: list[str] = []
    gone = _lost(folder)
    without = 0
    for line in stated:
        try:
            if gone and not gone.isdisjoint(piece["record"] for piece in _stated(folder, line)["pieces"]):
                without += 1
                continue
            problem, missing = _one(name, folder, line, places)
        except (Bad, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return [damaged(name, "assemblies", f"{line.get('name')}: {error or type(error).__name__}")]
        if missing:
            elsewhere.append(missing)
        elif problem:
            return [damaged(name, "assemblies", f"{line.get('name')}: {problem}")]
    whole = len(stated) - len(elsewhere) - without
    lines = (
        [intact(name, "assemblies", f"{whole} files put together from their pieces, each with its digest")]
        if whole
        else []
    )
    if elsewhere:
        lines.append(
            unknown(name, "assemblies", f"{len(elsewhere)} files have pieces in {elsewhere[0]}, which is not here")
        )
    if without:
        lines.append(note(name, "assemblies", f"{without} files have pieces that were lost before it was sealed"))
    return lines


def _lost(folder: Path) -> set[str]:
    """Ids of the records that recovery found listed and not there; the manifest names the file as any other."""
    found: set[str] = set()
    for path in sorted(folder.glob("records.jsonl*.lost")):
        with suppress(OSError, ValueError, KeyError, TypeError):  # that it has changed is said of the files
            found |= {str(json.loads(row)["id"]) for row in path.read_bytes().splitlines()}
    return found


def _stated(folder: Path, line: dict[str, Any]) -> Any:
    block = bytearray()
    read_payload(folder / line["file"], line["offset"], block.extend)
    return json.loads(block)


def _places(folder: Path, records: list[dict[str, Any]]) -> dict[str, tuple[Path, dict[str, Any]]]:
    return {line["id"]: (folder / line["file"], line) for line in records}


def _one(
    name: str, folder: Path, line: dict[str, Any], places: dict[str, dict[str, tuple[Path, dict[str, Any]]]]
) -> tuple[str | None, str | None]:
    """(what is wrong, the capture that is missing)."""
    value = _stated(folder, line)
    if line["uri"] != URI + value["sha256"]:
        return "its link names another digest than it states", None
    pieces = value["pieces"]
    if sum(piece["length"] for piece in pieces) != value["size"]:
        return "the pieces do not add up to its size", None
    whole = Sha256()
    for piece in pieces:
        capture = piece.get("capture") or name
        if capture not in places:
            other = folder.parents[3] / capture[:4] / capture[4:6] / capture[6:8] / capture
            listed = other / "records.jsonl"
            if not listed.is_file():
                return None, capture
            places[capture] = _places(other, [json.loads(row) for row in listed.read_bytes().splitlines()])
        found = places[capture].get(piece["record"])
        if found is None:
            return f"the record {piece['record']} is not in {capture}", None
        path, record = found
        if len(pieces) == 1 and piece["offset"] == 0 and record.get("payload_size") == value["size"]:
            # The whole payload of one record, whose digest has been computed from its bytes already.
            same = record.get("payload_digest") == f"sha256:{value['sha256']}"
            return (None if same else "its record has another digest"), None
        taken = _Window(piece["offset"], piece["length"], whole)
        read_payload(path, record["offset"], taken.feed)
        if taken.left:
            return f"{taken.left} bytes are missing in {piece['record']}", None
    return (None if whole.hexdigest() == value["sha256"] else "the pieces give another digest"), None


class _Window:
    """Hands on the bytes from an offset, so many of them."""

    def __init__(self, skip: int, length: int, to: Sha256) -> None:
        self._skip, self.left, self._to = skip, length, to

    def feed(self, data: memoryview) -> None:
        start = min(self._skip, len(data))
        self._skip -= start
        part = data[start : start + self.left]
        self.left -= len(part)
        self._to.update(part)
