"""The items as the report and the viewer tell them: words, changes, files, times, annotations, where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from archiver.export.dossier import versions
from archiver.export.profiles import Card, CardFile, PackageView
from archiver.export.report.chronology import analysed, in_utc
from archiver.export.report.contents import ReportContents
from archiver.export.report.regions import Region, marks_of, segment_of
from archiver.export.report.wording import NOT_SAID, published, short, who, words
from archiver.export.stills import Drawn, data_uri
from archiver.text.pages import isolated

TEXT_LIMIT = 64 << 10
"""A statement that is longer is opened as a file."""
TOLD = ("note", "tag", "place", "source", "consent", "statement")
"""Kinds of annotations that stand with an item as people's words."""
WHOSE_PLACE = {"event": "place of the event", "camera": "place of the camera", "named": "place that the words name"}


@dataclass(frozen=True)
class Picture:
    """A small picture of a file: what it is, as a `data:` link; what people marked of it, and in which words that is told."""

    what: str
    source: str
    regions: tuple[Region, ...] = ()
    marked: str = ""


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
    wordless: str = ""
    """What is said where there are no words."""
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
    item.wordless = _wordless(contents, card)
    item.judged = judged(contents.shown, card)
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
    item.said += [_retracted(contents, event, gone) for event, gone in card.retracted]
    if card.views:
        latest = card.views[-1]
        item.words = words(latest.post) or ""
        item.link = latest.post.get("url")
        item.refused = _refused(latest.post)
        item.missing = [
            Markup("{}: {}, {}").format(kind, how, isolated(why)) if why else f"{kind}: {how}"
            for kind, how, why in latest.missing
        ]
        wordings = versions(card)
        item.changes = [(short(seen), said or "(no words)") for seen, said in wordings] if len(wordings) > 1 else []
        item.provenance = _provenance(contents, card)
    return item


def _translated(one: Mapping[str, Any], public: bool) -> str:
    """Tell whose translation it is; in a public package only how it was made."""
    if public:
        return Markup("Translation ({}), {}").format(one["language"], one["how"])
    return Markup("Translation ({}) by {}, {}, {}").format(
        one["language"], isolated(one["translator"]), one["how"], one["date"]
    )


def _refused(post: Mapping[str, Any]) -> str | None:
    outcome, reason = post.get("outcome"), post.get("reason")
    if outcome in (None, "captured"):
        return None
    return Markup("{}: {}").format(outcome, isolated(reason)) if reason else str(outcome)


def _wordless(contents: ReportContents, card: Card) -> str:
    if not card.views:
        return "A file that was handed over: it has no words of its own."
    return (
        "It has no words." if contents.shown.profile == "full" else "It has no words, or none that this package shows."
    )


def judged(shown: PackageView, card: Card) -> list[str]:
    """Tell how captures of it were judged later, beside how each was judged at first."""
    later = {view.capture for view in card.views if view.judged}
    if not later:  # a manifest is read from its file, and a case may have a hundred thousand items
        return []
    captures = [capture for capture in shown.material.captures if capture.id in later]
    outcomes = {capture.id: str(capture.manifest["outcome"]) for capture in captures}
    found = []
    for view in card.views:
        if view.judged:
            first = f"{outcomes[view.capture]} on {short(view.seen)}"
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
        (
            f"{who(contents.shown, events[seq])} puts it at",
            Markup("{}: {}").format(in_utc(span), isolated(why)) if why else in_utc(span),
        )
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
        said = Markup("{} looks, in each of which another post of the platform was answered; it says: {}").format(
            count, isolated(detail["said"])
        )
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
    return ShownFile(
        kind=file.kind,
        number=file.number + 1,
        link=file.name.removeprefix("data/"),
        size=written.size,
        sha256=written.sha256,
        note=note,
        damage=None if file.converted else file.media.damage,
        lacking=drawn.lacking,
        pictures=tuple(_pictures(drawn, card, file)),
        blurred=data_uri(drawn.blurred) if drawn.blurred else None,
        text=_text(contents, file),
    )


def _pictures(drawn: Drawn, card: Card, file: CardFile) -> Iterator[Picture]:
    """Small pictures of a file, each with what people marked of it: at that moment, or of the whole file."""
    marks = marks_of(card, file.number)
    for what, at, jpeg in drawn.pictures:
        found = [mark for mark in marks if at is None or mark.at is None or mark.at == at]
        found = [mark for mark in found if mark.region is not None or (at is not None and mark.at == at)]
        numbers = ", ".join(str(event) for event in dict.fromkeys(mark.event for mark in found))
        said = f"marked: event {numbers}" if found else ""
        yield Picture(what, data_uri(jpeg), tuple(mark.region for mark in found if mark.region is not None), said)


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
    of = segment_of(detail["about"])
    what = detail.get("text") or ", ".join(
        f"{key}: {value}" for key, value in detail.items() if key not in ("kind", "about")
    )
    by = f"by {who(contents.shown, event)}, {short(event['time'])}, event {event['seq']}"
    if contents.shown.profile == "public":
        by = f"by {who(contents.shown, event)}"
    name = WHOSE_PLACE.get(detail.get("whose"), "place") if detail["kind"] == "place" else detail["kind"]
    kind = f"{name} ({of})" if of else name
    return Markup("{}: {}{}").format(kind, isolated(what), where), by


def _retracted(contents: ReportContents, event: dict[str, Any], gone: dict[str, Any]) -> tuple[str, str]:
    said, by = _annotation(contents, event)
    why = isolated(gone["detail"].get("text") or "")
    by_whom = f"{who(contents.shown, gone)}, {short(gone['time'])}, event {gone['seq']}"
    return Markup("RETRACTED. {}. Retracted by {}: {}").format(said, by_whom, why), by


def _provenance(contents: ReportContents, card: Card) -> list[tuple[str, str, int, str]]:
    if contents.shown.profile == "public":
        return []
    rows = []
    for view in card.views:
        stamp = contents.plan.base.covering(view.seq)
        proof = f"{stamp.time:%Y-%m-%d %H:%M:%S} UTC, {stamp.name}" if stamp and stamp.time else "NOT TIMESTAMPED"
        rows.append((short(view.seen), view.capture, view.seq, proof))
    return rows
