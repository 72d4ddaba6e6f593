"""What a case holds, gathered from the catalog and the capture folders: nothing is decided here about who may see it.

An *exhibit* is one post or page with all its observations, or one received file; exhibits are numbered in the order in
which they were first captured, so that the same case gives the same numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.ports import Fetch
from storage.assembly import URI as ASSEMBLY
from storage.assembly import Assembly, parse_assembly, payload, safe_name
from storage.errors import FormatError
from storage.lines import read_lines
from storage.manifest import MANIFEST, listed_files

MEDIA = ("video", "round video", "audio", "voice", "photo", "document", "sticker", "captions", "file")
VIEWS = {"screenshot": "png", "pdf": "pdf"}
"""Pictures of a page that go into packages, by the kind in the inventory."""


@dataclass(frozen=True)
class SealedCapture:
    """A sealed capture as it lies in the home."""

    id: str
    seq: int
    folder: Path
    manifest: dict[str, Any]
    row: dict[str, Any]
    records: list[dict[str, Any]]
    posts: list[dict[str, Any]]
    inventory: list[dict[str, Any]]

    @property
    def target(self) -> dict[str, Any]:
        """Line of the inventory for what the capture was made for."""
        return next((line for line in self.inventory if "target_salt" in line), {})

    def record(self, record_id: str | None) -> dict[str, Any] | None:
        """Return a record's line by its id, or None."""
        return next((line for line in self.records if line["id"] == record_id), None)

    @property
    def lent(self) -> set[str]:
        """Captures in which pieces of its files lie."""
        digests = [
            str(line["uri"])[len(ASSEMBLY) :] for line in self.records if str(line.get("uri")).startswith(ASSEMBLY)
        ]
        wholes = [whole for digest in digests if (whole := _assembly(self, digest)) is not None]
        lenders = {piece.capture for whole in wholes for piece in whole.pieces if piece.capture}
        return lenders | {line["refers"]["capture"] for line in self.records if "refers" in line}

    @property
    def screenshot(self) -> dict[str, Any] | None:
        """Line of the record of the page as a browser showed it first, or None."""
        for line in self.ended():
            if line["key"] == "screenshot" and line["outcome"] == "captured":
                return self.record(line.get("record"))
        return None

    def ended(self) -> Iterator[dict[str, Any]]:
        """Yield the inventory's lines with an outcome, the last one of each thing."""
        last = {line["key"]: line for line in self.inventory if line.get("outcome")}
        yield from last.values()

    def observed(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of its posts; captions of a video are no post of their own."""
        return (line for line in self.posts if line.get("role") != "captions")


@dataclass(frozen=True)
class MediaFile:
    """A file that a post or source brought: where its bytes lie, and their digest."""

    capture: str
    key: str
    kind: str
    post: str | None
    name: str
    sha256: str
    size: int
    media_type: str | None
    record: str
    attachment: int
    """Which attachment of its post it is, or is part of; counted from 0."""
    pieces: tuple[tuple[Path, int, int, int], ...] = field(repr=False)
    """(WARC file, where the record begins, offset in its payload, length), in order."""
    damage: str | None = None
    """What was wrong with it already when it was received."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the file's bytes, piece by piece."""
        for path, at, offset, length in self.pieces:
            yield from payload(path, at, offset, length)


@dataclass
class Observation:
    """A post as one capture saw it."""

    capture: str
    seq: int
    line: dict[str, Any]
    seen: str | None
    media: list[MediaFile] = field(default_factory=list)


@dataclass
class Exhibit:
    """An exhibit: a post as several captures saw it, or a file that somebody handed over."""

    number: str
    key: str
    """Platform and id, or the capture and key of a received file."""
    platform: str
    observations: list[Observation] = field(default_factory=list)
    files: list[MediaFile] = field(default_factory=list)
    """Of a received file."""
    removals: list[dict[str, Any]] = field(default_factory=list)
    """Events that say that it was no longer there."""
    annotations: list[dict[str, Any]] = field(default_factory=list)

    @property
    def every_media(self) -> list[MediaFile]:
        """Its files, with those of its observations."""
        return [*self.files, *(one for observation in self.observations for one in observation.media)]

    @property
    def latest(self) -> dict[str, Any]:
        """Its line as it was last seen; empty for a file."""
        return self.observations[-1].line if self.observations else {}


@dataclass(frozen=True)
class Redaction:
    """A redaction: it stands in place of a file or of words in packages for others."""

    seq: int
    by: str
    """The public key of the person who made it."""
    about: dict[str, Any]
    media: MediaFile | None
    original: str | None
    """SHA-256 of the file that it stands in place of, wherever the same bytes occur."""
    masked: tuple[str, ...]


def post_name(line: dict[str, Any]) -> str:
    """Return by what a post is called in its capture: its id, or its link where it has none."""
    return str(line.get("id") or line.get("url"))


@dataclass
class Material:
    """Material of a case for a report or package: captures, exhibits, events and annotations."""

    case: str
    captures: list[SealedCapture]
    all_of_case: list[dict[str, Any]]
    """Rows of every capture of the case, those left out of the selection included."""
    exhibits: list[Exhibit]
    events: list[dict[str, Any]]
    """Bodies of the events that concern the selection, by seq."""
    annotations: list[dict[str, Any]]
    redactions: list[Redaction] = field(default_factory=list)
    renewals: list[dict[str, Any]] = field(default_factory=list)
    """Events that vouch for timestamps whose certificates were about to end."""
    quarantined: list[str] = field(default_factory=list)
    """Captures that were asked for and are in no package, since something in them is kept from view."""

    media: dict[str, list[MediaFile]] = field(default_factory=dict)
    """Files of each capture, by its id, in the order of the inventory."""
    numbers: dict[str, str] = field(default_factory=dict)
    """Key of an item → its number."""

    def given(self, capture: SealedCapture) -> Iterator[tuple[str, MediaFile]]:
        """Yield (number of the item, file) of each file that a capture gives."""
        named: dict[str, str] = {}
        for line in capture.observed():
            named.setdefault(post_name(line), self.numbers[f"{line['platform']}:{post_name(line)}"])
        received = capture.target.get("platform") == "received"
        for one in self.media.get(capture.id, ()):
            if one.post is not None and one.post in named:
                yield named[one.post], one
            elif one.post is None and received:
                yield self.numbers[f"received:{capture.id}:{one.key}"], one

    def items_about(self, about: dict[str, Any]) -> list[str]:
        """Return the numbers of the items that an event is about: those of a capture, or of one post in it."""
        if not self._of_capture:
            for exhibit in self.exhibits:
                for place in {one.capture for one in exhibit.observations} | {one.capture for one in exhibit.files}:
                    self._of_capture.setdefault(place, []).append(exhibit)
        found = self._of_capture.get(str(about.get("capture")), [])
        return [one.number for one in found if about.get("post") in (None, one.key.partition(":")[2])]

    _of_capture: dict[str, list[Exhibit]] = field(default_factory=dict, repr=False)

    @property
    def last_seq(self) -> int:
        """Number of the newest event that any of it rests on."""
        return max(int(item["seq"]) for item in (*self.events, *self.all_of_case))

    @property
    def test_routes(self) -> bool:
        """Whether any of it was made with test routes."""
        return any(capture.manifest["test_routes"] for capture in self.captures)


def gather(home: Home, case: str, only: list[str], fetch: Fetch) -> Material:
    """Read the case, or those of its captures that `only` names.

    What was freed here is fetched back first.
    Raises `NotFound`, `UsageError`, `FormatError`, `CannotTell`.
    """
    rows = _rows(home, case)
    chosen = _chosen(home, case, rows, only)
    hidden = home.catalog.quarantined_captures()
    quarantined = {row["id"] for row in chosen if row["id"] in hidden}
    chosen = [row for row in chosen if row["id"] not in hidden]
    wanted = [row["id"] for row in chosen]
    fetch.bring_back({*wanted, *(lender for one in wanted for lender in home.catalog.lenders_of(one))})
    captures = _with_beginnings(home, rows, [_capture(home, row) for row in chosen])
    quarantined |= {one.id for one in captures if one.id in hidden or one.lent & hidden}
    captures = [one for one in captures if one.id not in quarantined]
    if not captures:
        raise UsageError(
            f"captures of {case} that are not quarantined", "none", "Packages never contain quarantined captures."
        )
    folders = {row["id"]: home.path / row["folder"] for row in home.catalog.captures()}
    media = {capture.id: list(_media(capture, folders)) for capture in captures}
    exhibits = _exhibits(captures, media)
    events = _events(home, case, {capture.id for capture in captures}, exhibits)
    annotations = [event for event in events if event["type"] == "annotated"]
    _attach_annotations(exhibits, annotations)
    _attach_removals(exhibits, events)
    renewals = home.catalog.event_bodies(("renewed",))
    redactions = list(_redactions(events, folders))
    numbers = {exhibit.key: exhibit.number for exhibit in exhibits}
    return Material(
        case, captures, rows, exhibits, events, annotations, redactions, renewals, sorted(quarantined), media, numbers
    )


def _rows(home: Home, case: str) -> list[dict[str, Any]]:
    home.require_case(case)
    rows = home.catalog.captures(case)
    if not rows:
        raise UsageError(f"captures in the case {case}", "none", "Capture something for it, or name another case.")
    return rows


def _chosen(home: Home, case: str, rows: list[dict[str, Any]], only: list[str]) -> list[dict[str, Any]]:
    if not only:
        return rows
    ids = {home.resolve_capture(text) for text in only}
    if strange := ids - {row["id"] for row in rows}:
        raise UsageError(
            f"captures of the case {case}", f"{sorted(strange)[0]}, from another case", "See `archiver case show`."
        )
    return [row for row in rows if row["id"] in ids]


def _attach_annotations(exhibits: list[Exhibit], annotations: list[dict[str, Any]]) -> None:
    of_capture: dict[str, list[Exhibit]] = {}
    for exhibit in exhibits:
        for capture_id in {one.capture for one in exhibit.observations} | {one.capture for one in exhibit.files}:
            of_capture.setdefault(capture_id, []).append(exhibit)
    for event in annotations:
        about = event["detail"]["about"]
        for exhibit in of_capture.get(about.get("capture", ""), []):
            if about.get("post") in (None, exhibit.key.partition(":")[2]):
                exhibit.annotations.append(event)


def _attach_removals(exhibits: list[Exhibit], events: list[dict[str, Any]]) -> None:
    by_key = {exhibit.key: exhibit for exhibit in exhibits}
    for event in events:
        if event["type"] in ("removed", "unavailable") and "post" in event["detail"]:
            key = f"{event['detail']['platform']}:{event['detail']['post']}"
            if key in by_key:
                by_key[key].removals.append(event)


def _redactions(events: list[dict[str, Any]], folders: dict[str, Path]) -> Iterator[Redaction]:
    for event in events:
        if event["type"] != "redacted":
            continue
        detail, media = event["detail"], None
        if result := detail.get("result"):
            folder = folders[result["capture"]]
            line = next(line for line in read_lines(folder / "records.jsonl") if line["id"] == result["record"])
            media = MediaFile(
                result["capture"], "redaction 1", "redaction", detail["about"].get("post"), "redacted", result["sha256"],
                result["size"], result["media_type"], result["record"], detail["about"].get("attachment") or 0,
                ((folder / line["file"], line["offset"], 0, result["size"]),),
            )  # fmt: skip
        yield Redaction(
            event["seq"],
            event["agent"]["key"],
            detail["about"],
            media,
            (detail.get("original") or {}).get("sha256"),
            tuple(detail.get("masked", ())),
        )


def _with_beginnings(home: Home, rows: list[dict[str, Any]], chosen: list[SealedCapture]) -> list[SealedCapture]:
    """Add to those that were chosen the captures of the case that hold the beginning of a file which one of them went on with."""
    known = {row["id"]: row for row in rows}
    found = {capture.id: capture for capture in chosen}
    left = list(chosen)
    while left:
        for other in left.pop().lent:
            if other in known and other not in found:
                found[other] = _capture(home, known[other])
                left.append(found[other])
    return [found[row["id"]] for row in rows if row["id"] in found]


def _capture(home: Home, row: dict[str, Any]) -> SealedCapture:
    folder = home.path / row["folder"]
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        listed_files(manifest)
        records, posts, inventory = (
            [{key: value for key, value in line.items() if key != "salt"} for line in read_lines(folder / name)]
            for name in ("records.jsonl", "posts.jsonl", "inventory.jsonl")
        )
    except OSError as error:
        raise FormatError(
            f"readable files of the capture {row['id']}", str(error), "Run `archiver check`; restore it from a copy."
        ) from error
    return SealedCapture(row["id"], row["seq"], folder, manifest, row, records, posts, inventory)


def _exhibits(captures: list[SealedCapture], media: dict[str, list[MediaFile]]) -> list[Exhibit]:
    found: dict[str, Exhibit] = {}

    def exhibit(key: str, platform: str) -> Exhibit:
        if key not in found:
            found[key] = Exhibit(f"I{len(found) + 1:04d}", key, platform)
        return found[key]

    for capture in captures:
        for line in capture.observed():
            record = capture.record(line.get("record"))
            key = f"{line['platform']}:{post_name(line)}"
            own = [one for one in media[capture.id] if one.post is not None and one.post == post_name(line)]
            seen = record["date"] if record else capture.manifest["opened"]
            exhibit(key, line["platform"]).observations.append(Observation(capture.id, capture.seq, line, seen, own))
        if capture.target.get("platform") == "received":
            for one in media[capture.id]:
                exhibit(f"received:{capture.id}:{one.key}", "received").files.append(one)
    return list(found.values())


def _media(capture: SealedCapture, folders: dict[str, Path]) -> Iterator[MediaFile]:
    """Find every media file of a capture, by its inventory. A file whose pieces lie in a capture that is gone is passed over."""
    places = {line["id"]: (capture.folder / line["file"], line) for line in capture.records}
    for line in capture.ended():
        key = str(line["key"])
        if line.get("kind") not in MEDIA or line["outcome"] not in ("captured", "partial") or not line.get("record"):
            continue
        if not (key.startswith(("post ", "file ")) and line["record"] in places):
            continue
        if (
            line["outcome"] == "partial" and line.get("proof") == "wrong kind"
        ):  # what came in place of the file is no view of it
            continue
        post = key.removeprefix("post ").partition(" #")[0] if key.startswith("post ") else None
        path, record = places[line["record"]]
        number = re.match(r"(?:post .*? #|file )(\d+)", key)
        attachment = (int(number[1]) - key.startswith("file ")) if number else 0
        if line.get("assembly"):
            whole = _assembly(capture, str(line["assembly"]))
            pieces = _pieces(whole, capture, folders) if whole else None
            if whole is None or pieces is None:
                continue
            yield MediaFile(
                capture.id, key, line["kind"], post, whole.name, whole.sha256, whole.size, whole.media_type,
                line["record"], attachment, pieces,
            )  # fmt: skip
            continue
        digest = str(record.get("payload_digest") or "").removeprefix("sha256:")
        size = record.get("payload_size")
        if record["type"] not in ("response", "resource", "revisit") or not digest or size is None:
            continue
        at = record["offset"]
        if "refers" in record:  # the bytes lie in an earlier capture
            lender = folders.get(record["refers"]["capture"])
            found = _place_in(lender, record["refers"]["record"]) if lender else None
            if found is None:
                continue
            path, at = found
        name = safe_name(str(record.get("uri") or key).partition("?")[0].rstrip("/").rpartition("/")[2])
        known = line.get("found") not in (None, "application/octet-stream")
        kind = line["found"] if known else record.get("content_type")
        yield MediaFile(
            capture.id, key, line["kind"], post, name, digest, int(size), kind, line["record"], attachment,
            ((path, at, 0, int(size)),), line.get("damage"),
        )  # fmt: skip


def _place_in(folder: Path, record: str) -> tuple[Path, int] | None:
    for line in read_lines(folder / "records.jsonl") if (folder / "records.jsonl").is_file() else ():
        if line["id"] == record:
            return folder / line["file"], line["offset"]
    return None


def _assembly(capture: SealedCapture, sha256: str) -> Assembly | None:
    for line in capture.records:
        if line.get("uri") == ASSEMBLY + sha256:
            block = b"".join(payload(capture.folder / line["file"], line["offset"], 0, 64 << 20))
            return parse_assembly(block)
    return None


def _pieces(
    whole: Assembly, capture: SealedCapture, folders: dict[str, Path]
) -> tuple[tuple[Path, int, int, int], ...] | None:
    own = {line["id"]: (capture.folder / line["file"], line["offset"]) for line in capture.records}
    others: dict[str, dict[str, tuple[Path, int]]] = {}
    pieces = []
    for piece in whole.pieces:
        places = own
        if piece.capture:
            if piece.capture not in others:
                folder = folders.get(piece.capture)
                lines = read_lines(folder / "records.jsonl") if folder and folder.exists() else iter(())
                others[piece.capture] = {
                    line["id"]: ((folder or Path()) / line["file"], line["offset"]) for line in lines
                }
            places = others[piece.capture]
        if piece.record not in places:
            return None
        path, at = places[piece.record]
        pieces.append((path, at, piece.offset, piece.length))
    return tuple(pieces)


CONCERNING = (
    "case", "case-membership", "captured", "recovered", "annotated", "removed", "redacted", "key-handover", "changed",
    "unavailable", "seen-again", "duplicate", "reassessed",
)  # fmt: skip


def _events(home: Home, case: str, captures: set[str], exhibits: list[Exhibit]) -> list[dict[str, Any]]:
    """Find the bodies of the events about these captures and this case, and about the ledger's keys.

    A redaction counts wherever the same post or the same bytes were captured.
    """
    digests = {one.sha256 for exhibit in exhibits for one in exhibit.every_media}
    posts = {observation.line.get("id") for exhibit in exhibits for observation in exhibit.observations} - {None}
    kept = []
    for body in home.catalog.event_bodies(CONCERNING):
        detail = body["detail"]
        about = detail.get("about", {})
        if body["type"] == "key-handover":
            concerned = True
        elif body["type"] == "case":
            concerned = detail["name"] == case
        elif body["type"] == "case-membership":
            concerned = detail["case"] == case and detail["capture"] in captures
        else:
            concerned = (about.get("capture") or detail.get("capture")) in captures or about.get("case") == case
            concerned = concerned or (detail.get("original") or {}).get("sha256") in digests
            concerned = concerned or (body["type"] == "redacted" and about.get("post") in posts)
            concerned = concerned or not captures.isdisjoint(detail.get("captures", ()))
            concerned = concerned or ("author" in about and about.get("case") in (None, case))
        if concerned:
            kept.append(body)
    return kept
