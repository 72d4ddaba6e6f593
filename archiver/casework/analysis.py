"""What analysts and reviewers add: times, translations, sensitivity, reviews, marks of accounts, incidents, conclusions.

Each is a signed event, like every annotation: nothing is overwritten, the latest word counts where one must count, and the
report shows who said what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.casework.annotations import About, about_of, coordinates, record
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.ledger import Sealed
from storage.times import utc_text

_INCIDENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ITEM = re.compile(r"(?P<id>[^:@\s]+)(?::(?P<post>[^@\s]+))?(?:@(?P<from>[\d:.]+)(?:-(?P<to>[\d:.]+))?)?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,8})*")


@dataclass(frozen=True)
class TimeRange:
    """Earliest and latest moment, and both as a person wrote them.

    Raises `UsageError` where they are swapped.
    """

    start: datetime
    end: datetime
    given: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise UsageError("--until after --since", " … ".join(self.given), "Swap them.")

    def detail(self) -> dict[str, str]:
        """Return the range as events hold it."""
        return {"from": utc_text(self.start), "to": utc_text(self.end)}


@dataclass(frozen=True)
class Translation:
    """Words in another language. `translator`: a pseudonym or a program; `date`: today where it is None."""

    language: str
    translator: str
    how: str
    date: str | None = None


@dataclass(frozen=True)
class IncidentFacts:
    """Facts that are added to an incident.

    `at`: latitude and longitude as text; `items`: `ID`, `ID:POST`, `ID:POST@FROM-TO`.
    """

    title: str | None = None
    place: str | None = None
    at: str | None = None
    zone: str | None = None
    when: TimeRange | None = None
    items: tuple[str, ...] = ()


def state_time(home: Home, signer: Signer, about: About, when: TimeRange, words: str) -> Sealed:
    """Sign when something happened, and how that is known. Raises `UsageError`, `LedgerError`."""
    return record(home, signer, "time", about.detail(), words, {**when.detail(), "given": list(when.given)})


def translate(home: Home, signer: Signer, about: About, translation: Translation, words: str) -> Sealed:
    """Add a translation of a post. Raises `UsageError`, `LedgerError`."""
    if not _LANGUAGE.fullmatch(translation.language):
        raise UsageError("--language as a code like en or kk-Latn", repr(translation.language), "Give it in that form.")
    date = translation.date or utc_text(home.clock())[:10]
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        raise UsageError("--date like 2026-11-22", repr(date), "Give it in that form.")
    detail = {
        "language": translation.language, "translator": translation.translator, "how": translation.how, "date": date,
    }  # fmt: skip
    return record(home, signer, "translation", about.detail(), words, detail)


def rate_sensitivity(home: Home, signer: Signer, about: About, level: str, words: str) -> Sealed:
    """Sign whether something may be seen by everybody. Raises `UsageError`, `LedgerError`."""
    return record(home, signer, "sensitivity", about.detail(), words, {"level": level})


def review(home: Home, signer: Signer, subject: About | int, decision: str, words: str) -> Sealed:
    """Approve or withhold, as a second person: `subject` is part of a capture, or the event of an annotation.

    Raises `UsageError` where the person is no reviewer or the annotation is their own, `NotFound`, `LedgerError`.
    """
    if signer.author.role != "reviewer":
        raise UsageError(
            "a reviewer",
            f"{signer.author.pseudonym}, who is {signer.author.role}",
            "A second person reviews: archiver keys new NAME --role reviewer, then archiver --as NAME review …",
        )
    about = _annotation_of_another(home, signer, subject) if isinstance(subject, int) else subject.detail()
    return record(home, signer, "review", about, words, {"decision": decision})


def _annotation_of_another(home: Home, signer: Signer, seq: int) -> dict[str, Any]:
    event = home.ledger.read_event(seq)
    if event is None or event["type"] != "annotated":
        raise NotFound("the event number of an annotation", str(seq), "Find its number with `archiver custody`.")
    if event["agent"]["key"] == signer.author.public_text:
        raise UsageError("another person's annotation", "your own", "Let somebody else review it.")
    # A review of an annotation belongs to the case or capture that the annotation is about.
    about = event["detail"]["about"]
    return {"event": event["seq"], **{key: about[key] for key in ("case", "capture") if key in about}}


def mark_author(
    home: Home, signer: Signer, platform: str, handle: str, mark: str, words: str, *, case: str | None = None
) -> Sealed:
    """Mark an account, in all cases or in one. Raises `NotFound`, `UsageError`, `LedgerError`."""
    about = {"platform": platform, "author": handle.lstrip("@")}
    if case:
        home.recipients([case])
        about["case"] = case
    return record(home, signer, "author", about, words, {"mark": mark})


def add_to_incident(home: Home, signer: Signer, case: str, incident: str, facts: IncidentFacts) -> Sealed:
    """Make an incident of a case, or add to it. Raises `NotFound`, `UsageError`, `LedgerError`."""
    about = _incident(home, case, incident)
    detail: dict[str, Any] = {"exhibits": [item_of(home, text) for text in facts.items]}
    if facts.place:
        detail["place"] = facts.place
    detail |= coordinates(facts.at)
    if facts.zone:
        detail["zone"] = _zone(facts.zone)
    if facts.when is not None:
        detail |= facts.when.detail()
    return record(home, signer, "incident", about, facts.title or "", detail, may_be_empty=True)


def conclude(
    home: Home,
    signer: Signer,
    case: str,
    incident: str,
    words: str,
    *,
    confidence: str,
    basis: tuple[str, ...],
    against: tuple[str, ...] = (),
) -> Sealed:
    """Sign a conclusion about an incident: how sure it is, and what it rests on.

    Raises `NotFound`, `UsageError`, `LedgerError`.
    """
    about = _incident(home, case, incident)
    known = {
        body["detail"]["about"]["incident"]
        for body in home.catalog.event_bodies(("annotated",))
        if body["detail"]["kind"] == "incident" and body["detail"]["about"].get("case") == case
    }
    if incident not in known:
        raise NotFound(
            f"the incident {incident!r}",
            f"incidents: {', '.join(sorted(known)) or 'none'}",
            "Create it: archiver incident",
        )
    items = [item_of(home, text) for text in basis]
    detail = {"confidence": confidence, "basis": items, "against": list(against)}
    return record(home, signer, "conclusion", about, words, detail)


def item_of(home: Home, text: str) -> dict[str, Any]:
    """Parse `ID`, `ID:POST` or `ID:POST@0:12-0:30` into what an annotation can be about.

    Raises `NotFound`, `UsageError`.
    """
    match = _ITEM.fullmatch(text)
    if match is None:
        raise UsageError(
            "an item like 9k2mv7qd, 9k2mv7qd:POST or 9k2mv7qd@0:12-0:30", repr(text), "Give it in that form."
        )
    return about_of(home, match["id"], match["post"], start=match["from"], end=match["to"]).detail()


def _incident(home: Home, case: str, incident: str) -> dict[str, Any]:
    home.recipients([case])
    if not _INCIDENT.fullmatch(incident):
        raise UsageError("a name of lowercase letters, digits and dashes", repr(incident), "Choose another.")
    return {"case": case, "incident": incident}


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError("--zone like Asia/Almaty", repr(name), "Give the name of a time zone.") from error
    return name
