"""What a case holds, gathered from the catalog and the capture folders: nothing is decided here about who may see it.

An *item* is one post or page with all its observations, or one received file; items are numbered in the order in
which they were first captured, so that the same case gives the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.ports import Fetch
from archiver.lookup.capture_files import CaptureFiles
from archiver.lookup.items import Item, Items, MediaFile, Observation
from archiver.lookup.retracted import retractions, standing
from archiver.lookup.spool import Spool
from storage.assembly import URI as ASSEMBLY
from storage.assembly import Assembly, parse_assembly, payload, safe_name
from storage.lines import read_lines
from storage.manifest import MANIFEST, listed_files

MEDIA = ("video", "round video", "audio", "voice", "photo", "document", "sticker", "captions", "file")
VIEWS = {"screenshot": "png", "pdf": "pdf"}
"""Pictures of a page that go into packages, by the kind in the inventory."""


@dataclass(frozen=True)
class SealedCapture:
    """A sealed capture as it lies in the home. Its files are read when they are asked for: a case may have many."""

    id: str
    seq: int
    folder: Path
    row: dict[str, Any]
    files: CaptureFiles = field(repr=False, compare=False)

    @property
    def manifest(self) -> dict[str, Any]:
        """Its manifest. Raises `FormatError`, as do its lines."""
        return self.files.manifest(self.folder)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Lines of its WARC records, without their salts."""
        return self.files.lines(self.folder / "records.jsonl")

    @property
    def posts(self) -> list[dict[str, Any]]:
        """Lines of its posts, without their salts."""
        return self.files.lines(self.folder / "posts.jsonl")

    @property
    def inventory(self) -> list[dict[str, Any]]:
        """Lines of its inventory, without their salts."""
        return self.files.lines(self.folder / "inventory.jsonl")

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


def post_name(line: dict[str, Any]) -> str:
    """Return by what a post is called in its capture: its id, or its link where it has none."""
    return str(line.get("id") or line.get("url"))


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


@dataclass
class Material:
    """Material of a case for a report or package: captures, items, events and annotations."""

    case: str
    captures: list[SealedCapture]
    all_of_case: list[dict[str, Any]]
    """Rows of every capture of the case, those left out of the selection included."""
    items: Sequence[Item]
    about: Callable[[str | None, str | None], list[str]]
    """The numbers of the items of a capture, or of the one of a post in it: `Items.numbers_about`."""
    number_of: Callable[[str], str]
    """The number of an item, by its key: `Items.number_of`."""
    media: Callable[[SealedCapture], Iterator[MediaFile]]
    """The files of a capture, in the order of its inventory."""
    events: Sequence[dict[str, Any]]
    """Bodies of the events that concern the selection, by seq."""
    annotations: list[dict[str, Any]]
    """Every one that the events hold, also what was retracted since: see `standing`."""
    redactions: list[Redaction] = field(default_factory=list)
    renewals: list[dict[str, Any]] = field(default_factory=list)
    """Events that vouch for timestamps whose certificates were about to end."""
    home: Path | None = None
    """Where what does not fit into memory lies: see `archiver.lookup.spool`."""
    quarantined: list[str] = field(default_factory=list)
    """Captures that were asked for and are in no package, since something in them is kept from view."""

    def given(self, capture: SealedCapture) -> Iterator[tuple[str, MediaFile]]:
        """Yield (number of the item, file) of each file that a capture gives."""
        named: dict[str, str] = {}
        for line in capture.observed():
            named.setdefault(post_name(line), f"{line['platform']}:{post_name(line)}")
        received = capture.target.get("platform") == "received"
        for one in self.media(capture):
            if one.post is not None and one.post in named:
                yield self.number_of(named[one.post]), one
            elif one.post is None and received:
                yield self.number_of(f"received:{capture.id}:{one.key}"), one

    @cached_property
    def retracted(self) -> dict[int, dict[str, Any]]:
        """The event that retracts an annotation, by the number of the retracted one."""
        return retractions(self.annotations)

    @cached_property
    def standing(self) -> list[dict[str, Any]]:
        """The annotations that were not retracted: what counts, and what is told of items and incidents."""
        return standing(self.annotations)

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
    files = CaptureFiles()
    captures = _with_beginnings(home, rows, [_capture(home, row, files) for row in chosen], files)
    quarantined |= {one.id for one in captures if one.id in hidden or one.lent & hidden}
    captures = [one for one in captures if one.id not in quarantined]
    if not captures:
        raise UsageError(
            f"captures of {case} that are not quarantined", "none", "Packages never contain quarantined captures."
        )
    folders = Folders(home)
    items = _items(home, captures, folders)
    events: Spool[dict[str, Any]] = Spool(
        home.path, dict, _events(home, case, {capture.id for capture in captures}, items)
    )
    annotations = [event for event in events if event["type"] == "annotated"]
    for event in events:
        if event["type"] == "annotated":
            items.annotate(event)
        elif event["type"] in ("removed", "unavailable") and "post" in event["detail"]:
            items.remove(f"{event['detail']['platform']}:{event['detail']['post']}", event)
    renewals = home.catalog.event_bodies(("renewed",))
    redactions = list(_redactions(events, folders))
    return Material(
        case, captures, rows, items, items.numbers_about, items.number_of,
        lambda capture: media_of(capture, folders), events, annotations, redactions, renewals,
        home=home.path, quarantined=sorted(quarantined),
    )  # fmt: skip


def quarantined_media(home: Home, material: Material) -> Iterator[MediaFile]:
    """Yield the media files of the case's quarantined captures, as far as these lie here."""
    hidden, files = home.catalog.quarantined_captures(), CaptureFiles()
    for row in material.all_of_case:
        if row["id"] in hidden and (home.path / row["folder"] / MANIFEST).is_file():
            yield from material.media(_capture(home, row, files))


class Folders:
    """Where captures of a home lie, also those of other cases."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def get(self, capture: str) -> Path | None:
        """Return the folder of a capture; None where there is none, or it was disposed of."""
        row = self._home.catalog.capture(capture)
        return self._home.path / row["folder"] if row is not None else None


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


def _redactions(events: Iterable[dict[str, Any]], folders: Folders) -> Iterator[Redaction]:
    for event in events:
        if event["type"] != "redacted":
            continue
        detail, media = event["detail"], None
        if result := detail.get("result"):
            folder = folders.get(result["capture"])
            if folder is None:
                raise KeyError(result["capture"])
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


def _with_beginnings(
    home: Home, rows: list[dict[str, Any]], chosen: list[SealedCapture], files: CaptureFiles
) -> list[SealedCapture]:
    """Add to those that were chosen the captures of the case that hold the beginning of a file which one of them went on with."""
    known = {row["id"]: row for row in rows}
    found = {capture.id: capture for capture in chosen}
    left = list(chosen)
    while left:
        for other in left.pop().lent:
            if other in known and other not in found:
                found[other] = _capture(home, known[other], files)
                left.append(found[other])
    return [found[row["id"]] for row in rows if row["id"] in found]


def _capture(home: Home, row: dict[str, Any], files: CaptureFiles) -> SealedCapture:
    found = SealedCapture(row["id"], row["seq"], home.path / row["folder"], row, files)
    listed_files(found.manifest)
    return found


def _items(home: Home, captures: list[SealedCapture], folders: Folders) -> Items:
    found = Items(home.path)
    for capture in captures:
        media: dict[str, list[MediaFile]] = {}
        every = list(media_of(capture, folders))
        for one in every:
            if one.post is not None:
                media.setdefault(one.post, []).append(one)
        missing = _missing(capture)
        dates = {line["id"]: line["date"] for line in reversed(capture.records)}
        for line in capture.observed():
            seen = dates.get(line.get("record") or "", capture.manifest["opened"])
            own = media.get(post_name(line), [])
            lacking = missing.get(str(line.get("id")), [])
            key = f"{line['platform']}:{post_name(line)}"
            found.observe(key, line["platform"], Observation(capture.id, capture.seq, line, seen, own, lacking))
        if capture.target.get("platform") == "received":
            for one in every:
                found.receive(f"received:{capture.id}:{one.key}", one)
    return found


def _missing(capture: SealedCapture) -> dict[str, list[tuple[str, str, str]]]:
    """What was not kept in full of the files of each post, by the post's id."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for line in capture.ended():
        post, between, _ = str(line["key"]).rpartition(" #")
        if between and post.startswith("post ") and line["outcome"] != "captured":
            found.setdefault(post[5:], []).append((line["kind"], line["outcome"], line.get("reason") or ""))
    return found


def media_of(capture: SealedCapture, folders: Folders) -> Iterator[MediaFile]:
    """Find every media file of a capture, by its inventory. A file whose pieces lie in a capture that is gone is passed over."""
    places = {line["id"]: (capture.folder / line["file"], line) for line in capture.records}
    unnamed = _assembled(capture)
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
        if (digest := line.get("assembly") or unnamed.get(line["record"])) is not None:
            whole = _assembly(capture, str(digest))
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


def _assembled(capture: SealedCapture) -> dict[str, str]:
    """Record → digest of the whole file that begins with it. Earlier releases named that in the inventory of some files only."""
    found = {}
    for line in capture.records:
        if str(line.get("uri")).startswith(ASSEMBLY):
            digest = str(line["uri"])[len(ASSEMBLY) :]
            if (whole := _assembly(capture, digest)) is not None and whole.pieces:
                found[whole.pieces[0].record] = digest
    return found


def _assembly(capture: SealedCapture, sha256: str) -> Assembly | None:
    for line in capture.records:
        if line.get("uri") == ASSEMBLY + sha256:
            block = b"".join(payload(capture.folder / line["file"], line["offset"], 0, 64 << 20))
            return parse_assembly(block)
    return None


def _pieces(whole: Assembly, capture: SealedCapture, folders: Folders) -> tuple[tuple[Path, int, int, int], ...] | None:
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


def _events(home: Home, case: str, captures: set[str], items: Items) -> Iterator[dict[str, Any]]:
    """Find the bodies of the events about these captures and this case, and about the ledger's keys.

    A redaction counts wherever the same post or the same bytes were captured.
    """
    for body in home.catalog.each_event_body(CONCERNING):
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
            concerned = concerned or items.has_file((detail.get("original") or {}).get("sha256"))
            concerned = concerned or (body["type"] == "redacted" and items.has_post(about.get("post")))
            concerned = concerned or not captures.isdisjoint(detail.get("captures", ()))
            concerned = concerned or ("author" in about and about.get("case") in (None, case))
        if concerned:
            yield body
