"""Incidents with what analysts conclude of them, as the report tells them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from archiver.export.dossier import Conclusion, Incident, local, sun, utc
from archiver.text.pages import isolated


@dataclass(frozen=True)
class ShownIncident:
    """An incident: its facts, each after its name, the numbers of its items, and the conclusions."""

    name: str
    title: str
    facts: list[tuple[str, str]]
    items: list[str]
    conclusions: list[Conclusion]


def shown_incident(incident: Incident) -> ShownIncident:
    """Word the facts of an incident."""
    facts = [("interval (UTC)", _interval(incident))]
    if incident.place or incident.latitude:
        where = f" ({incident.latitude}, {incident.longitude})" if incident.latitude else ""
        facts.append(("place", f"{incident.place or 'by its coordinates'}{where}"))
        begins, ends = local(incident.start, incident.zone), local(incident.end, incident.zone)
        if begins:
            facts.append(("local time", begins if begins == ends else f"{begins} to {ends}"))
    for name, moment in (("sun at the start", incident.start), ("sun at the end", incident.end)):
        said = sun(moment, incident.latitude, incident.longitude)
        if said and (moment != incident.start or name.endswith("start")):
            facts.append((name, said))
    facts += list(incident.attributes.items())
    facts += [
        (f"{what}, as claimed", Markup("{}, by {}").format(number, isolated(source)))
        for what, number, source in incident.claims
    ]
    for detail, numbers in incident.statements:
        known = [str(detail[key]) for key in ("witness", "date", "language") if key in detail]
        to = f", to {detail['interviewer']}" if "interviewer" in detail else ""
        facts.append(("statement", f"of {', '.join(known)}{to}: {', '.join(numbers) or 'not in this package'}"))
    return ShownIncident(incident.name, incident.title, facts, incident.items, incident.conclusions)


def _interval(incident: Incident) -> str:
    if incident.start is None:
        return "not known"
    return utc(incident.start) if incident.start == incident.end else f"{utc(incident.start)} to {utc(incident.end)}"
