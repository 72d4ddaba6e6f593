"""One chronology: every item at its earliest possible moment, by what its platform states and what analysts found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from archiver.export.dossier import Incident, local, sun, utc
from archiver.export.profiles import Card
from archiver.export.report.wording import NOT_SAID, beginning, published
from storage.times import utc_parse

DAY_ONLY = 10
"""Length of a date without a time."""


@dataclass(frozen=True)
class Interval:
    """When something was, as far as it is known: between two moments, which are equal where it is known exactly."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Entry:
    """One item in the chronology."""

    number: str
    author: str
    words: str
    platform: str
    """The time as the platform states it, in words."""
    analysts: tuple[str, ...]
    """What analysts found of the time, each in words."""
    local: str | None
    sun: str | None
    start: datetime | None
    """Its earliest possible moment; None where nobody states any."""
    bar: tuple[float, float] | None
    """Where it lies between the first and the last moment of the chronology: from and width, of 100."""


class Chronology:
    """The items that are shown, by their earliest possible moment; those without a time come last.

    Kept of each is where it stands; what it says is read when it is asked for.
    """

    def __init__(self, cards: Sequence[Card], incidents: Iterable[Incident]) -> None:
        self._cards, self._places = cards, _Places(incidents)
        self._first: datetime | None = None
        self._last: datetime | None = None
        late = datetime.max.replace(tzinfo=UTC)
        order = []
        for place, card in enumerate(cards):
            if card.hidden:
                continue
            span = _whole(card)
            if span is not None:
                self._first = min(self._first or span.start, span.start)
                self._last = max(self._last or span.end, span.end)
            order.append((span.start if span is not None else late, place))
        self._order = [place for _, place in sorted(order)]

    def __len__(self) -> int:
        return len(self._order)

    def cards(self, start: int = 0, stop: int | None = None) -> Iterator[Card]:
        """Yield items in order of time, from one place to another."""
        return (self._cards[place] for place in self._order[start:stop])

    def number(self, place: int) -> str | None:
        """Return the number of the item at a place; None where there is none."""
        return self._cards[self._order[place]].number if 0 <= place < len(self._order) else None

    def entry(self, card: Card) -> Entry:
        """Return what the chronology says of an item."""
        return _entry(card, self._places, self._first, self._last)


def stated(card: Card) -> Interval | None:
    """Return when the platform says that a post was published; None where it does not."""
    if not card.views:
        return None
    view = card.views[0]
    said = view.published
    value = said.get("value") or view.post.get("published_at")
    if value:
        return _of(str(value), str(value))
    if said.get("earliest") and said.get("latest"):
        return _of(str(said["earliest"]), str(said["latest"]))
    return None


def analysed(card: Card) -> list[tuple[Interval, str, int]]:
    """Return (when, why, event) of each time that an analyst entered for an item."""
    found = []
    for event in card.annotations:
        detail = event["detail"]
        if detail["kind"] == "time":
            found.append(
                (
                    Interval(utc_parse(detail["from"]), utc_parse(detail["to"])),
                    str(detail.get("text") or ""),
                    event["seq"],
                )
            )
    return found


def in_utc(span: Interval) -> str:
    """Format an interval: one moment where it is exact."""
    return utc(span.start) if span.start == span.end else f"{utc(span.start)} to {utc(span.end)}"


def _of(start: str, end: str) -> Interval | None:
    try:
        return Interval(_moment(start, "00:00:00"), _moment(end, "23:59:59"))
    except ValueError:
        return None


def _moment(text: str, clock: str) -> datetime:
    """A day that is only a day lasts from its first to its last second."""
    whole = f"{text}T{clock}Z" if len(text) == DAY_ONLY else text
    moment = datetime.fromisoformat(whole)
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {text}")
    return moment.astimezone(UTC)


def _whole(card: Card) -> Interval | None:
    spans = [span for span in (stated(card), *(one for one, _, _ in analysed(card))) if span is not None]
    if not spans:
        return None
    return Interval(min(span.start for span in spans), max(span.end for span in spans))


def _entry(card: Card, places: _Places, first: datetime | None, last: datetime | None) -> Entry:
    found, span = analysed(card), _whole(card)
    best = found[-1][0] if found else stated(card)
    latitude, longitude, zone = places.of(card)
    exact = best is not None and (best.end - best.start).total_seconds() < 3600
    bar = None
    if span is not None and first is not None and last is not None and last > first:
        whole = (last - first).total_seconds()
        bar = (
            (span.start - first).total_seconds() / whole * 99,
            max((span.end - span.start).total_seconds() / whole * 99, 1.0),
        )
    return Entry(
        number=card.number,
        author=card.author,
        words=beginning(card, 90),
        platform=published(card) if card.views else NOT_SAID,
        analysts=tuple(f"{in_utc(one)} (event {seq})" for one, _, seq in found),
        local=_at_the_place(best, zone),
        sun=sun(best.start, latitude, longitude) if best is not None and exact else None,
        start=span.start if span is not None else None,
        bar=bar,
    )


def _at_the_place(span: Interval | None, zone: str | None) -> str | None:
    """Local time of a moment, or of both ends of an interval."""
    if span is None or (start := local(span.start, zone)) is None:
        return None
    return start if span.start == span.end else f"{start} to {local(span.end, zone)}"


class _Places:
    """Where items are: as somebody entered for the item, else as the incident has it that they belong to."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        self._of_incident = {number: incident for incident in incidents for number in incident.items}

    def of(self, card: Card) -> tuple[str | None, str | None, str | None]:
        """Return (latitude, longitude, IANA name of the time zone), each None where it is not known."""
        incident = self._of_incident.get(card.number)
        latitude, longitude, zone = (
            (incident.latitude, incident.longitude, incident.zone) if incident else (None, None, None)
        )
        for event in card.annotations:
            detail = event["detail"]
            if detail["kind"] != "place" or detail.get("whose") == "named":  # nobody stood where only the words are
                continue
            if detail.get("latitude"):
                latitude, longitude = str(detail["latitude"]), str(detail["longitude"])
            zone = detail.get("zone") or zone
        return latitude, longitude, zone
