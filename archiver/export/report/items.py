"""The items as the report and the viewer tell them: words, changes, files, times, annotations, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.export.dossier import versions
from archiver.export.profiles import Card, CardFile
from archiver.export.report.chronology import analysed, in_utc
from archiver.export.report.contents import ReportContents
from archiver.export.report.wording import NOT_SAID, published, short, who, words
from archiver.export.stills import Drawn, data_uri

TEXT_LIMIT = 64 << 10
"""A statement that is longer is opened as a file."""
TOLD = ("note", "tag", "place", "source", "consent")
"""Kinds of annotations that stand with an item as people's words."""


@dataclass(frozen=True)
class Picture:
    """A small picture of a file: what it is, as a `data:` link, and the regions that people marked, in percent."""

    what: str
    source: str
    regions: tuple[tuple[int, int, int, int], ...] = ()


@dataclass(frozen=True)
class ShownFile:
    """A file of an item. `link`: its place in the package below `data/`, None where it is not shown."""

    kind: str
    number: int
    link: str | None
    why: str = ""
    size: int = 0
    sha256: str = ""
    note: str = ""
    damage: str | None = None
    lacking: str | None = None
    pictures: tuple[Picture, ...] = ()
    blurred: str | None = None
    text: str | None = None
    """What stands in a statement or another text."""


@dataclass
class ShownItem:
    """An item as it is told."""

    number: str
    platform: str
    author: str
    hidden: str = ""
    sensitive: bool = True
    judged: list[str] = field(default_factory=list)
    words: str = ""
    refused: str | None = None
    """How its capture ended, where that was not `captured`, and why."""
    translations: list[tuple[str, str]] = field(default_factory=list)
    changes: list[tuple[str, str]] = field(default_factory=list)
    removals: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    files: list[ShownFile] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    link: str | None = None
    missing: list[str] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)
    """What people added, and by whom."""
    provenance: list[tuple[str, str, int, str]] = field(default_factory=list)


def shown_item(contents: ReportContents, drawings: Mapping[str, Drawn], card: Card) -> ShownItem:
    """Put together what is told of an item."""
    item = ShownItem(card.number, card.platform, card.author, card.hidden, card.sensitive)
    if card.hidden:
        return item
    item.judged = _judged(contents, card)
    item.files = _files(contents, drawings, card)
    item.facts = [*_times(contents, card), *_counts(card)]
    item.removals = [_removal(card, event) for event in card.removals]
    public = contents.shown.profile == "public"
    item.translations = [
        (_translated(one, public), one["text"])
        for event in card.annotations
        if (one := event["detail"])["kind"] == "translation"
    ]
    item.said = [_annotation(contents, event) for event in card.annotations if event["detail"]["kind"] in TOLD]
    if card.views:
        latest = card.views[-1]
        item.words = words(latest.post) or ""
        item.link = latest.post.get("url")
        item.refused = _refused(latest.post)
        item.missing = [f"{kind}: {how}{f', {why}' if why else ''}" for kind, how, why in latest.missing]
        wordings = versions(card)
        item.changes = [(short(seen), said or "(no words)") for seen, said in wordings] if len(wordings) > 1 else []
        item.provenance = _provenance(contents, card)
    return item


def _translated(one: Mapping[str, Any], public: bool) -> str:
    by = "" if public else f" by {one['translator']}"
    told = [f"Translation ({one['language']}){by}", one["how"]]
    return ", ".join(told if public else [*told, one["date"]])


def _refused(post: Mapping[str, Any]) -> str | None:
    outcome, reason = post.get("outcome"), post.get("reason")
    if outcome in (None, "captured"):
        return None
    return f"{outcome}: {reason}" if reason else str(outcome)


def _judged(contents: ReportContents, card: Card) -> list[str]:
    """Tell how captures of it were judged later, beside how each was judged at first."""
    manifests = {capture.id: capture.manifest for capture in contents.shown.material.captures}
    found = []
    for view in card.views:
        if view.judged:
            first = f"{manifests[view.capture]['outcome']} on {short(view.seen)}"
            found.append(f"{first[0].upper()}{first[1:]}; {view.judged}.")
    return found


def _times(contents: ReportContents, card: Card) -> list[tuple[str, str]]:
    """Times by where they come from; where they differ, they stand side by side."""
    found: list[tuple[str, str]] = []
    if card.views:
        found.append(("the platform states", published(card)))
        if card.views[-1].post.get("edited"):
            found.append(("", "marked as edited by the platform"))
        if contents.shown.profile != "public":
            found.append(("we first saw it", short(card.views[0].seen)))
            if len(card.views) > 1:
                found.append(("we last saw it", f"{short(card.views[-1].seen)}, observations: {len(card.views)}"))
    events = {event["seq"]: event for event in card.annotations}
    found += [
        (f"{who(contents.shown, events[seq])} puts it at", f"{in_utc(span)}: {why}")
        for span, why, seq in analysed(card)
    ]
    return found


def _counts(card: Card) -> list[tuple[str, str]]:
    names = ("views", "likes", "replies", "reposts")
    latest = card.views[-1].post if card.views else {}
    counts = [f"{latest[name]:,} {name}" for name in names if latest.get(name) is not None]
    return [("counts, as stated", ", ".join(counts))] if counts else []


def _removal(card: Card, event: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    detail, first = event["detail"], event["time"]
    if event["type"] == "unavailable":
        count = len(detail["looks"])
        said = f"{count} looks, in each of which another post of the platform was answered; it says: {detail['said']}"
        return "No longer shown by the platform", [
            ("last seen", short(detail["last_seen"]["at"]) if detail.get("last_seen") else NOT_SAID),
            ("first not seen", short(detail["first_not_seen"])),
            ("how we know", said),
            ("why", "as the platform words it above; it may not say who removed it"),
        ]
    announced = detail.get("how") == "announced"
    return "No longer there", [
        ("last seen", short(card.views[-1].seen) if card.views else NOT_SAID),
        ("first not seen", short(first)),
        ("how we know", "the platform announced it" if announced else "an answer of the platform without it"),
        ("why", "the platform does not say"),
    ]


def _files(contents: ReportContents, drawings: Mapping[str, Drawn], card: Card) -> list[ShownFile]:
    found: list[ShownFile] = []
    seen: set[str] = set()
    for file in card.every_file:
        if file.name is None:
            found.append(ShownFile(file.kind, file.number + 1, None, file.why))
        elif file.name not in seen:
            seen.add(file.name)
            found.append(_file(contents, drawings.get(file.name, Drawn()), card, file))
    return found


def _file(contents: ReportContents, drawn: Drawn, card: Card, file: CardFile) -> ShownFile:
    assert file.name is not None
    written = contents.bag.files[file.name]
    note = {"anew": "a copy made anew, without metadata", "redacted": "redacted"}.get(file.made, "")
    marked = _regions(card, file.number)
    return ShownFile(
        kind=file.kind,
        number=file.number + 1,
        link=file.name.removeprefix("data/"),
        size=written.size,
        sha256=written.sha256,
        note=note,
        damage=None if file.converted else file.media.damage,
        lacking=drawn.lacking,
        pictures=tuple(
            Picture(what, data_uri(jpeg), marked.get(at, ()) if at is not None else marked.get(None, ()))
            for what, at, jpeg in drawn.pictures
        ),
        blurred=data_uri(drawn.blurred) if drawn.blurred else None,
        text=_text(contents, file),
    )


def moments_of(card: Card, number: int) -> tuple[int, ...]:
    """Return the moments of a file, in milliseconds, at which people marked a region of the picture."""
    return tuple(sorted(at for at in _regions(card, number) if at is not None))


def _regions(card: Card, number: int) -> dict[int | None, tuple[tuple[int, int, int, int], ...]]:
    """Moment in milliseconds (None: of a photo, or of the whole video) → regions that people marked, in percent."""
    found: dict[int | None, list[tuple[int, int, int, int]]] = {}
    for event in card.annotations:
        about = event["detail"]["about"]
        segment = about.get("segment") or {}
        if about.get("attachment") == number and len(segment.get("region") or ()) == 4:
            x, y, width, height = segment["region"]
            found.setdefault(segment.get("from_ms"), []).append((x, y, width, height))
    return {at: tuple(regions) for at, regions in found.items()}


def _text(contents: ReportContents, file: CardFile) -> str | None:
    """The words of a statement that was handed over as a text."""
    if file.name is None or not file.name.endswith(".txt") or contents.bag.files[file.name].size > TEXT_LIMIT:
        return None
    data = (contents.bag.partial / file.name).read_bytes()
    for charset in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return None


def _annotation(contents: ReportContents, event: dict[str, Any]) -> tuple[str, str]:
    detail = event["detail"]
    where = f" ({detail['latitude']}, {detail['longitude']})" if detail.get("latitude") else ""
    what = detail.get("text") or ", ".join(
        f"{key}: {value}" for key, value in detail.items() if key not in ("kind", "about")
    )
    by = f"by {who(contents.shown, event)}, {short(event['time'])}, event {event['seq']}"
    if contents.shown.profile == "public":
        by = f"by {who(contents.shown, event)}"
    return f"{detail['kind']}: {what}{where}", by


def _provenance(contents: ReportContents, card: Card) -> list[tuple[str, str, int, str]]:
    if contents.shown.profile == "public":
        return []
    rows = []
    for view in card.views:
        stamp = contents.plan.base.covering(view.seq)
        proof = f"{stamp.time:%Y-%m-%d %H:%M:%S} UTC, {stamp.name}" if stamp and stamp.time else "NOT TIMESTAMPED"
        rows.append((short(view.seen), view.capture, view.seq, proof))
    return rows
