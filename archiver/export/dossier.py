"""What the report tells, put in order: incidents with their places and times, conclusions with their reviewers, the sun.

Nothing is concluded here. Where two sources say different things, both stay, side by side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.export.marks import reviewed
from archiver.export.profiles import Card, PackageView
from storage.times import utc_parse


@dataclass
class Conclusion:
    """Conclusion of an analyst: what, how surely, from what, and what speaks against it."""

    event: int
    text: str
    confidence: str
    by: str
    role: str
    reviewer: str | None
    basis: list[tuple[str, str]]
    """(item, segment as text)"""
    against: list[str]


@dataclass
class Incident:
    """An incident as the report tells it. `items` by number; `zone`: IANA name of the place's time zone."""

    name: str
    title: str
    place: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    zone: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    items: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    """Fields of the case, with what was entered last."""
    claims: list[tuple[str, str, str]] = field(default_factory=list)
    """(what is counted, the number, who claims it)"""
    statements: list[tuple[dict[str, Any], list[str]]] = field(default_factory=list)
    """What is known of each statement of a witness, and the items that hold it."""
    conclusions: list[Conclusion] = field(default_factory=list)


def incidents(shown: PackageView) -> list[Incident]:
    """Return the incidents in chronological order, those without a time last."""
    found: dict[str, Incident] = {}
    for event in shown.annotations:
        detail = event["detail"]
        about = detail["about"]
        if detail["kind"] == "incident":
            one = found.setdefault(about["incident"], Incident(about["incident"], about["incident"]))
            one.title = detail.get("text") or one.title
            for key in ("place", "latitude", "longitude", "zone"):
                setattr(one, key, detail.get(key) or getattr(one, key))
            if detail.get("from"):
                one.start, one.end = utc_parse(detail["from"]), utc_parse(detail["to"])
            one.attributes |= {key: str(value) for key, value in detail.get("attributes", {}).items()}
            one.claims += [(claim["name"], claim["number"], claim["source"]) for claim in detail.get("claims", [])]
            for item in detail.get("exhibits", []):
                one.items += [number for number in shown.items_about(item) if number not in one.items]
            for item in detail.get("removed", []):
                taken = shown.items_about(item)
                one.items = [number for number in one.items if number not in taken]
            if shown.profile == "public":  # the order in which a person named them is the same in every package
                one.items.sort()
        elif detail["kind"] == "statement" and about.get("incident") in found:
            found[about["incident"]].statements.append((detail, shown.items_about(about)))
        elif detail["kind"] == "conclusion" and about.get("incident") in found:
            found[about["incident"]].conclusions.append(_conclusion(event, shown))
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(found.values(), key=lambda one: (one.start or latest, one.name))


def _conclusion(event: dict[str, Any], shown: PackageView) -> Conclusion:
    detail = event["detail"]
    public = shown.profile == "public"
    basis = [(number, segment(item.get("segment"))) for item in detail["basis"] for number in shown.items_about(item)]
    basis = sorted(basis) if public else basis
    reviewer = reviewed(event, shown.material.standing)
    return Conclusion(
        event["seq"], detail["text"], detail["confidence"], "an analyst" if public else event["agent"]["id"],
        event["agent"].get("role") or "analyst", "a second person" if public and reviewer else reviewer, basis,
        list(detail.get("against", [])),
    )  # fmt: skip


def segment(value: dict[str, Any] | None) -> str:
    """Format a stretch of a video: `0:12.0 to 0:30.0`; empty where the whole video is meant."""
    if not value or "from_ms" not in value:
        return ""
    said = _clock(value["from_ms"])
    return f"{said} to {_clock(value['to_ms'])}" if "to_ms" in value else f"from {said}"


def _clock(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def utc(moment: datetime | None) -> str:
    """Format a moment in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "not known"


def local(moment: datetime | None, zone: str | None) -> str | None:
    """Format the time at the place, by the rules of its zone on that day; None where the zone is not known."""
    if moment is None or zone is None:
        return None
    try:
        there = moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return f"{there:%Y-%m-%d %H:%M:%S} {there.tzname()} ({zone}, UTC{there:%z})"


def sun(moment: datetime | None, latitude: str | None, longitude: str | None) -> str | None:
    """Compute where the sun stood (astral, after NOAA): height over the horizon and direction, in degrees."""
    if moment is None or latitude is None or longitude is None:
        return None
    from astral import Observer
    from astral.sun import azimuth, elevation

    observer = Observer(float(latitude), float(longitude))
    height, direction = elevation(observer, moment), azimuth(observer, moment)
    where = (
        f"{height:.0f}° over the horizon, direction {direction:.0f}°"
        if height >= 0
        else f"{-height:.0f}° under the horizon"
    )
    return f"{where} ({'day' if height > -0.8 else 'twilight' if height > -18 else 'night'}; computed)"


@dataclass
class Figures:
    """Numbers on page one of the report."""

    captures: int
    of_case: int
    intact: int
    stamped: int
    items: int
    files: int
    kinds: Counter[str]
    not_kept: Counter[tuple[str, str]]
    removed: int
    edited: int
    judged: int
    first: str | None
    last: str | None


def figures(shown: PackageView, intact: int, stamped: int, files: int) -> Figures:
    """Count what page one of the report states."""
    captures = shown.material.captures
    not_kept: Counter[tuple[str, str]] = Counter()
    for capture in captures:
        for line in capture.ended():
            if line["outcome"] not in ("captured", "skipped"):
                not_kept[line["outcome"], str(line.get("reason") or "no reason")] += 1
    kinds: dict[str, str] = {}
    removals = edits = 0
    for card in shown.cards:  # one at a time: a case may have more items than fit into memory
        if not card.hidden:
            kinds.update((file.name, file.kind) for file in card.every_file if file.name)
            removals += bool(card.removals)
            edits += edited(card)
    return Figures(
        captures=len(captures),
        of_case=len(shown.material.all_of_case),
        intact=intact,
        stamped=stamped,
        items=len(shown.cards),
        files=files,
        kinds=Counter(kinds.values()),
        not_kept=not_kept,
        removed=removals,
        edited=edits,
        judged=_judged_otherwise(shown),
        first=min((capture.manifest["opened"] for capture in captures), default=None),
        last=max((capture.manifest["closed"] for capture in captures), default=None),
    )


def _judged_otherwise(shown: PackageView) -> int:
    """Count the captures whose latest judgement is another than the first."""
    last = {one["detail"]["capture"]: one["detail"] for one in shown.material.events if one["type"] == "reassessed"}
    return sum(detail["outcome"] != detail["was"]["outcome"] for detail in last.values())


def edited(card: Card) -> bool:
    """Return whether a post was edited: the platform says so, or its words changed between captures."""
    return any(view.post.get("edited") for view in card.views) or len(versions(card)) > 1


def versions(card: Card) -> list[tuple[str | None, str | None]]:
    """Return (first seen, words) of each wording, in the order of observation.

    Only what was read in the same way is compared: a web page and an answer of an API put the same post differently.
    """
    found: list[tuple[str | None, str | None]] = []
    last: dict[str, str | None] = {}
    for view in card.views:
        words = view.post.get("text") or view.post.get("guessed_text") or view.post.get("title")
        if view.way not in last or last[view.way] != words:
            if not last or view.way in last:
                found.append((view.seen, words))
            last[view.way] = words
    return found
