"""The chronology: incidents with what analysts conclude of them, and posts by their stated times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nsmallest

from archiver.export.dossier import Incident, local, sun, utc
from archiver.export.profiles import Card
from archiver.export.report.contents import ReportContents
from archiver.export.report.wording import MOST_ROWS, facts, published, words
from archiver.text.html import Markup, items, join, table, tag


def chronology(contents: ReportContents) -> Iterator[Markup]:
    """Write each incident, then the posts in the order of the times that their platforms state."""
    if not contents.incidents:
        yield tag("p", "No incident was entered for this case.", class_="quiet")
    for incident in contents.incidents:
        yield tag("div", *_incident(incident), class_="card", id=f"incident-{incident.name}")
    count = 0

    def posts() -> Iterator[Card]:
        nonlocal count
        for card in contents.shown.cards:
            if card.views and not card.hidden:
                count += 1
                yield card

    first = nsmallest(MOST_ROWS, posts(), lambda card: (card.views[0].post.get("published_at") or "", card.number))
    rows = [
        (published(card), tag("a", card.number, href=f"#{card.number}"), card.author, _words(card, 90))
        for card in first
    ]
    yield tag("h3", "Posts by the time that the platform states")
    yield table(("stated time", "exhibit", "account", "words"), rows)
    if count > MOST_ROWS:
        yield tag("p", f"{count - MOST_ROWS} more are in posts.csv.", class_="quiet")


def _incident(incident: Incident) -> Iterator[Markup]:
    yield tag("h3", incident.title)
    about: list[tuple[str, object]] = [("interval (UTC)", _interval(incident))]
    if incident.place or incident.latitude:
        where = f" ({incident.latitude}, {incident.longitude})" if incident.latitude else ""
        about.append(("place", f"{incident.place or 'by its coordinates'}{where}"))
        begins, ends = local(incident.start, incident.zone), local(incident.end, incident.zone)
        if begins:
            about.append(("local time", begins if begins == ends else f"{begins} to {ends}"))
    for name, moment in (("sun at the start", incident.start), ("sun at the end", incident.end)):
        said = sun(moment, incident.latitude, incident.longitude)
        if said and (moment != incident.start or name.endswith("start")):
            about.append((name, said))
    if incident.exhibits:
        about.append(("exhibits", _numbers(incident.exhibits)))
    yield facts(about)
    for one in incident.conclusions:
        yield tag("h4", "What the analyst concludes")
        yield tag("blockquote", one.text)
        who = f"reviewed by {one.reviewer}" if one.reviewer else "not reviewed by a second person"
        basis = join((join((tag("a", number, href=f"#{number}"), f" ({part})" if part else "")) for number, part in one.basis), ", ")  # fmt: skip
        against = items(one.against) if one.against else "nothing was entered"
        yield facts(
            [
                ("confidence", one.confidence), ("by", f"{one.by} ({one.role}), event {one.event}; {who}"),
                ("from", basis), ("against it", against),
            ]
        )  # fmt: skip
    if not incident.conclusions:
        yield tag("p", "No conclusion was entered.", class_="quiet")


def _numbers(numbers: Iterable[str]) -> Markup:
    return join((tag("a", number, href=f"#{number}") for number in numbers), ", ")


def _interval(incident: Incident) -> str:
    if incident.start is None:
        return "not known"
    return utc(incident.start) if incident.start == incident.end else f"{utc(incident.start)} to {utc(incident.end)}"


def _words(card: Card, most: int) -> str:
    said = " ".join(str(words(card.views[-1].post) or "").split())
    return said if len(said) <= most else said[:most] + " …"
