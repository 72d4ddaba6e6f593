"""Incidents of a case as they stand: facts, items, claims, conclusions, statements, each with the event that says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from archiver.errors import NotFound
from archiver.home.home import Home
from archiver.lookup.described import Described, described
from archiver.text.meant import meant

FACTS = ("place", "latitude", "longitude", "zone", "from", "to")


@dataclass
class Said:
    """A value, who entered it, and the event."""

    value: Any
    by: str
    event: int


@dataclass
class IncidentView:
    """An incident. `items`: what is shown there, as events name it, with the event that added each."""

    case: str
    name: str
    title: str | None = None
    facts: dict[str, Said] = field(default_factory=dict)
    attributes: dict[str, Said] = field(default_factory=dict)
    claims: list[Said] = field(default_factory=list)
    items: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    conclusions: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the events."""
    statements: list[dict[str, Any]] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    """The events that state its facts."""

    def as_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "case": self.case, "incident": self.name, "title": self.title, "events": self.events,
            **{key: said.value for key, said in self.facts.items()},
            "attributes": {key: said.value for key, said in self.attributes.items()},
            "claims": [said.value for said in self.claims],
            "items": [about for about, _ in self.items],
            "conclusions": [{"event": one["seq"], **one["detail"]} for one in self.conclusions],
            "statements": [{"event": one["seq"], **one["detail"]} for one in self.statements],
        }  # fmt: skip

    def described(self, home: Home, limit: int, offset: int = 0) -> list[tuple[dict[str, Any], int, Described]]:
        """Describe a page of its items. Raises `CatalogError`."""
        return [(about, seq, described(home, about)) for about, seq in self.items[offset : offset + limit]]


def incident_views(home: Home, case: str | None = None) -> list[IncidentView]:
    """List the incidents of a case, or of all, that were not retracted, by name. Raises `NotFound`, `CatalogError`."""
    if case is not None:
        home.require_case(case)
    found: dict[tuple[str, str], IncidentView] = {}
    for body in home.catalog.standing("incident"):
        about = body["detail"]["about"]
        if case in (None, about["case"]):
            key = (about["case"], about["incident"])
            _take(found.setdefault(key, IncidentView(*key)), body)
    for kind in ("conclusion", "statement"):
        for body in home.catalog.standing(kind):
            about = body["detail"]["about"]
            one = found.get((about.get("case"), about.get("incident")))
            if one is not None:
                (one.conclusions if kind == "conclusion" else one.statements).append(body)
    return sorted(found.values(), key=lambda one: (one.case, one.name))


def incident_view(home: Home, case: str, name: str) -> IncidentView:
    """Return one incident. Raises `NotFound`, `CatalogError`."""
    views = {one.name: one for one in incident_views(home, case)}
    if name not in views:
        guess = meant(name, views).strip()
        raise NotFound(
            f"the incident {name!r} of {case}",
            f"incidents: {', '.join(views) or 'none'}",
            guess or f"Create it: archiver incident new {name} --case {case}",
        )
    return views[name]


def _take(one: IncidentView, body: dict[str, Any]) -> None:
    detail, by, seq = body["detail"], body["agent"]["id"], body["seq"]
    one.events.append(seq)
    one.title = detail.get("text") or one.title
    for key in FACTS:
        if detail.get(key):
            one.facts[key] = Said(detail[key], by, seq)
    for key, value in detail.get("attributes", {}).items():
        one.attributes[key] = Said(value, by, seq)
    one.claims += [Said(claim, by, seq) for claim in detail.get("claims", ())]
    _change_items(one, detail.get("exhibits", ()), detail.get("removed", ()), seq)


def _change_items(
    one: IncidentView, added: Iterable[dict[str, Any]], removed: Iterable[dict[str, Any]], seq: int
) -> None:
    for about in added:
        if about not in [item for item, _ in one.items]:
            one.items.append((about, seq))
    for about in removed:
        one.items = [(item, at) for item, at in one.items if not _covers(about, item)]


def _covers(removed: dict[str, Any], item: dict[str, Any]) -> bool:
    """Return whether an item is what was removed, or a part of it: a post of a capture, a stretch of a post."""
    return all(item.get(key) == value for key, value in removed.items())
