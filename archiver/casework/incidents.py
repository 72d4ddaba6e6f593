"""Incidents of a case: what happened, where and when, which items show it, and what is concluded of it.

Each addition is a signed event, which holds only what it adds: the latest word of a fact counts, items are added and removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.casework.annotations import about_of, record
from archiver.casework.fields import Claim, checked_attributes, checked_claim
from archiver.casework.positions import coordinates, zone_name
from archiver.casework.time_range import TimeRange
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.text.meant import meant
from storage.ledger import Sealed

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MOST_ITEMS = 500
"""Items that one event adds at most: an event is read and signed as a whole."""
_ITEM = re.compile(r"(?P<id>[^:@\s]+)(?::(?P<post>[^@\s]+))?(?:@(?P<from>[\d:.]+)(?:-(?P<to>[\d:.]+))?)?")


@dataclass(frozen=True)
class IncidentFacts:
    """Facts that are added to an incident.

    `at`: latitude and longitude as text; `items` and `removed`: `ID`, `ID:POST`, `ID:POST@FROM-TO`; `found`: items as
    events hold them; `attributes`: by the fields of the case.
    """

    title: str | None = None
    place: str | None = None
    at: str | None = None
    zone: str | None = None
    when: TimeRange | None = None
    items: tuple[str, ...] = ()
    found: tuple[Mapping[str, Any], ...] = ()
    removed: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    claim: Claim | None = None


def add_to_incident(home: Home, signer: Signer, case: str, incident: str, facts: IncidentFacts) -> Sealed:
    """Make an incident of a case, or add to it. Raises `NotFound`, `UsageError`, `LedgerError`."""
    about = incident_about(home, case, incident)
    detail = _detail(home, case, facts)
    if not facts.title and detail == {"exhibits": []}:
        raise UsageError("something to add to the incident", "nothing", "Look at it: archiver incident show")
    return record(home, signer, "incident", about, facts.title or "", detail, may_be_empty=True)


def _detail(home: Home, case: str, facts: IncidentFacts) -> dict[str, Any]:
    items = [*(item_of(home, text) for text in facts.items), *(dict(one) for one in facts.found)]
    if len(items) > MOST_ITEMS:
        raise UsageError(f"up to {MOST_ITEMS} items at once", f"{len(items)}", "Add them in several commands.")
    detail: dict[str, Any] = {"exhibits": [one for n, one in enumerate(items) if one not in items[:n]]}
    if facts.removed:
        detail["removed"] = [item_of(home, text) for text in facts.removed]
    if facts.place:
        detail["place"] = facts.place
    detail |= coordinates(facts.at)
    if facts.zone:
        detail["zone"] = zone_name(facts.zone)
    if facts.when is not None:
        detail |= facts.when.detail()
    if facts.attributes:
        detail["attributes"] = checked_attributes(home, case, facts.attributes)
    if facts.claim is not None:
        detail["claims"] = [checked_claim(home, case, facts.claim)]
    return detail


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
    about = require_incident(home, case, incident)
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


def incident_about(home: Home, case: str, incident: str) -> dict[str, Any]:
    """Return what an annotation of an incident is about. Raises `NotFound`, `UsageError`."""
    home.require_case(case)
    if not NAME.fullmatch(incident):
        raise UsageError("a name of lowercase letters, digits and dashes", repr(incident), "Choose another.")
    return {"case": case, "incident": incident}


def require_incident(home: Home, case: str, incident: str) -> dict[str, Any]:
    """As `incident_about`, of an incident that there is. Raises `NotFound`."""
    about = incident_about(home, case, incident)
    known = incident_names(home, case)
    if incident not in known:
        raise NotFound(
            f"the incident {incident!r}",
            f"incidents: {', '.join(known) or 'none'}",
            meant(incident, known).strip() or "Create it: archiver incident new",
        )
    return about


def incident_names(home: Home, case: str) -> list[str]:
    """List the incidents of a case that were not retracted, by name."""
    return sorted({one["detail"]["about"]["incident"] for one in _said(home, "incident", case)})


def events_of(home: Home, case: str, incident: str, kind: str = "incident") -> list[int]:
    """List the numbers of the annotations of an incident that stand: of its facts, or its `conclusion`s."""
    return [one["seq"] for one in _said(home, kind, case) if one["detail"]["about"].get("incident") == incident]


def _said(home: Home, kind: str, case: str) -> Iterable[dict[str, Any]]:
    return (one for one in home.catalog.standing(kind) if one["detail"]["about"].get("case") == case)
