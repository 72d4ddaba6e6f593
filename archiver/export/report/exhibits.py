"""The exhibits that are told in full: words, changes, files, times, annotations, provenance."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from heapq import nsmallest
from typing import Any

from archiver.export.dossier import utc, versions
from archiver.export.profiles import Card, CardFile
from archiver.export.report.contents import ReportContents
from archiver.export.report.wording import NOT_SAID, facts, published, short, who, words
from archiver.export.stills import Drawn, data_uri, draw
from archiver.text.html import Markup, items, join, table, tag
from storage.times import utc_parse

MOST_CARDS = 500
"""Exhibits told in full; the tables hold all."""


def exhibits(contents: ReportContents) -> Iterator[Markup]:
    """Write an article for each exhibit that is told in full."""
    told, of = _told(contents), len(contents.shown.cards)
    drawings = _drawn(contents, told)
    if of > len(told):
        some = f"{len(told)} of {of} exhibits are told here, those with annotations first; all are in posts.csv."
        yield tag("p", some, class_="quiet")
    for card in told:
        yield tag("article", *_card(contents, drawings, card), class_="card", id=card.number)


def _drawn(contents: ReportContents, told: list[Card]) -> dict[str, Drawn]:
    """Draw pictures of the files of all exhibits that are told in full, several at once."""
    files = (file for card in told if not card.hidden for file in card.every_file)
    kinds = {file.name: file.kind for file in files if file.name is not None}
    with ThreadPoolExecutor(os.cpu_count()) as several:
        drawn = several.map(
            lambda item: draw(contents.bag.partial / item[0], item[1], contents.home.path), kinds.items()
        )
        return dict(zip(kinds, drawn, strict=True))


def _told(contents: ReportContents) -> list[Card]:
    """Choose the exhibits that are told in full: those of incidents and with annotations first, in the order of their numbers."""
    wanted = {number for incident in contents.incidents for number in incident.exhibits}
    numbered = enumerate(contents.shown.cards)
    chosen = nsmallest(MOST_CARDS, numbered, lambda one: (one[1].number not in wanted, not one[1].annotations, one[0]))
    return [card for _, card in sorted(chosen, key=lambda one: one[0])]


def _card(contents: ReportContents, drawings: Mapping[str, Drawn], card: Card) -> Iterator[Markup]:
    yield tag("h3", f"{card.number} · {card.platform} · {card.author}")
    if card.hidden:
        yield tag("p", f"Not shown: {card.hidden}.", class_="quiet")
        return
    yield from _judged(contents, card)
    wordings = versions(card)
    if card.views:
        latest = card.views[-1]
        yield tag("blockquote", words(latest.post) or "(no words, or not shown)")
        yield from _translations(card)
    if len(wordings) > 1:
        yield tag("h4", "Seen with changes")
        rows = [(short(seen), said or "(no words)") for seen, said in wordings]
        yield table(("first seen so", "words"), rows)
    for note in card.removals:
        yield _removal(card, note)
    yield from _files(contents, drawings, card)
    yield facts([*_times(contents, card), *_last_seen(card)])
    said = [
        event for event in card.annotations if event["detail"]["kind"] in ("note", "tag", "place", "source", "consent")
    ]
    if said:
        yield tag("h4", "What people added")
        yield items(_annotation(contents, event) for event in said)
    if card.views:
        yield _provenance(contents, card)


def _judged(contents: ReportContents, card: Card) -> Iterator[Markup]:
    """Tell how captures of it were judged later, beside how each was judged at first."""
    manifests = {capture.id: capture.manifest for capture in contents.shown.material.captures}
    for view in card.views:
        if view.judged:
            first = f"{manifests[view.capture]['outcome']} on {short(view.seen)}"
            yield tag("p", f"{first[0].upper()}{first[1:]}; {view.judged}.", class_="before")


def _times(contents: ReportContents, card: Card) -> list[tuple[str, object]]:
    """Times by where they come from; where they differ, they stand side by side."""
    stated: list[tuple[str, object]] = []
    if card.views:
        stated.append(("the platform states", published(card)))
        if card.views[-1].post.get("edited"):
            stated.append(("", "marked as edited by the platform"))
        stated.append(("we first saw it", short(card.views[0].seen)))
        if len(card.views) > 1:
            stated.append(("we last saw it", f"{short(card.views[-1].seen)}, observations: {len(card.views)}"))
    for event in card.annotations:
        detail = event["detail"]
        if detail["kind"] == "time":
            interval = f"{utc(utc_parse(detail['from']))}" + (
                f" to {utc(utc_parse(detail['to']))}" if detail["to"] != detail["from"] else ""
            )
            stated.append((f"{who(contents.shown, event)} puts it at", f"{interval}: {detail['text']}"))
    return stated


def _last_seen(card: Card) -> list[tuple[str, object]]:
    """Counts, link and missing parts, as they were when the exhibit was last seen."""
    stated: list[tuple[str, object]] = []
    for view in card.views[-1:]:
        counts = ", ".join(
            f"{view.post[name]:,} {name}"
            for name in ("views", "likes", "replies", "reposts")
            if view.post.get(name) is not None
        )
        if counts:
            stated.append(("counts, as stated", counts))
        if view.post.get("url"):
            stated.append(("link", view.post["url"]))
    missing = [
        f"{kind}: {how}{f', {why}' if why else ''}" for view in card.views[-1:] for kind, how, why in view.missing
    ]
    if missing:
        stated.append(("not kept of it", items(missing)))
    return stated


def _translations(card: Card) -> Iterator[Markup]:
    for event in card.annotations:
        detail = event["detail"]
        if detail["kind"] == "translation":
            by = f"Translation ({detail['language']}) by {detail['translator']}, {detail['how']}, {detail['date']}"
            yield tag("blockquote", tag("span", by, class_="small quiet"), "\n", detail["text"])


def _removal(card: Card, event: dict[str, Any]) -> Markup:
    detail, first = event["detail"], event["time"]
    if event["type"] == "unavailable":
        count = len(detail["looks"])
        said = f"{count} looks, in each of which another post of the platform was answered; it says: {detail['said']}"
        return tag(
            "div", tag("h4", "No longer shown by the platform"),
            facts([
                ("last seen", short(detail["last_seen"]["at"]) if detail.get("last_seen") else NOT_SAID),
                ("first not seen", short(detail["first_not_seen"])), ("how we know", said),
                ("why", "as the platform words it above; it may not say who removed it"),
            ]),
            class_="before",
        )  # fmt: skip
    how = (
        "the platform announced it"
        if event["detail"].get("how") == "announced"
        else "an answer of the platform without it"
    )
    last = short(card.views[-1].seen) if card.views else NOT_SAID
    return tag(
        "div", tag("h4", "No longer there"),
        facts([("last seen", last), ("first not seen", short(first)), ("how we know", how), ("why", "the platform does not say")]),
        class_="before",
    )  # fmt: skip


def _files(contents: ReportContents, drawings: Mapping[str, Drawn], card: Card) -> Iterator[Markup]:
    seen: set[str] = set()
    for file in card.every_file:
        if file.name is None:
            yield tag("p", f"{file.kind} {file.number + 1}: not shown ({file.why})", class_="quiet")
        elif file.name not in seen:
            seen.add(file.name)
            yield _file(contents, drawings, card, file)


def _file(contents: ReportContents, drawings: Mapping[str, Drawn], card: Card, file: CardFile) -> Markup:
    assert file.name is not None
    written = contents.bag.files[file.name]
    drawn = drawings.get(file.name, Drawn())
    pictures = tag(
        "div",
        *(tag("figure", tag("img", src=data_uri(jpeg), alt=f"{file.kind} {what}"), tag("figcaption", what)) for what, jpeg in drawn.pictures),
        class_="stills",
    ) if drawn.pictures else Markup("")  # fmt: skip
    if drawn.pictures and card.sensitive:
        small = drawn.blurred
        veil = (
            tag("span", tag("img", src=data_uri(small), alt="blurred"), class_="blurred stills")
            if small
            else Markup("")
        )
        pictures = tag("details", tag("summary", "Sensitive or not reviewed: open to see", veil), pictures)
    link = tag("a", file.name.removeprefix("data/"), href=file.name.removeprefix("data/"))
    note = {"anew": " (a copy made anew, without metadata)", "redacted": " (redacted)"}.get(file.made, "")
    line = tag(
        "p",
        f"{file.kind}: ",
        link,
        f", {written.size:,} bytes, SHA-256 ",
        tag("span", written.sha256, class_="key small"),
        note,
    )
    said = []
    if file.media.damage is not None and not file.converted:
        said.append(tag("p", f"Damaged already when it was received: {file.media.damage}.", class_="before"))
    if drawn.lacking is not None:
        said.append(tag("p", f"No picture of it is shown here: {drawn.lacking}. Open the file itself.", class_="quiet"))
    return join((line, *said, pictures))


def _annotation(contents: ReportContents, event: dict[str, Any]) -> Markup:
    detail = event["detail"]
    where = f" ({detail['latitude']}, {detail['longitude']})" if detail.get("latitude") else ""
    what = detail.get("text") or ", ".join(
        f"{key}: {value}" for key, value in detail.items() if key not in ("kind", "about")
    )
    by = f"by {who(contents.shown, event)}, {short(event['time'])}, event {event['seq']}"
    return join((f"{detail['kind']}: {what}{where} ", tag("span", by, class_="quiet small")))


def _provenance(contents: ReportContents, card: Card) -> Markup:
    rows = []
    for view in card.views:
        stamp = contents.plan.base.covering(view.seq)
        proof = f"{stamp.time:%Y-%m-%d %H:%M:%S} UTC, {stamp.name}" if stamp and stamp.time else "NOT TIMESTAMPED"
        rows.append((short(view.seen), view.capture if contents.shown.profile != "public" else "", view.seq, proof))
    head = ("seen", "capture", "event", "existed at (by whom)")
    return tag("details", tag("summary", f"Provenance (observations: {len(rows)})"), table(head, rows))
