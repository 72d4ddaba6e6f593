"""The report as one HTML page: what its template is given. The page forbids itself scripts and every request."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from heapq import nsmallest

from markupsafe import Markup

from archiver.export import declaration
from archiver.export.profiles import Card
from archiver.export.report import appendix, front
from archiver.export.report.chronology import Chronology
from archiver.export.report.contents import ReportContents
from archiver.export.report.incidents import shown_incident
from archiver.export.report.items import shown_item
from archiver.export.report.regions import moments_of
from archiver.export.report.wording import MOST_ROWS
from archiver.export.stills import Drawings, Drawn, draw
from archiver.export.templates import page, text
from archiver.home.people import fingerprint, key_words
from storage.digest import sha256

MOST_ENTRIES = 2000
"""Rows of the chronology; the viewer has all."""
MOST_CARDS = 500
"""Items told in full; the tables and the viewer hold all."""


def html(contents: ReportContents, drawings: Mapping[str, Drawn]) -> bytes:
    """Write the whole report. `drawings`: small pictures by the name of the file."""
    style = text("report.css")
    whole = fingerprint(contents.home.ledger_key_text())
    told = told_in_full(contents)
    custody, events = appendix.custody(contents)
    order = Chronology(contents.shown.cards, contents.incidents)
    return page(
        "report.html.j2",
        style=Markup(style),
        style_digest=base64.b64encode(sha256(style.encode())).decode(),
        plan=contents.plan,
        shown=contents.shown,
        figures=contents.figures,
        title=front.title(contents),
        warnings=front.warnings(contents),
        boxes={
            "What this shows": front.shows(contents),
            "What it does not show": front.SHOWS_NOT,
            "State of the material": front.state(contents),
            "How to check it": front.how(contents),
        },
        fingerprint=whole,
        words=" ".join(key_words(whole)),
        spaced=" ".join(whole[at : at + 8] for at in range(0, 64, 8)),
        incidents=[shown_incident(incident) for incident in contents.incidents],
        entries=[order.entry(card) for card in order.cards(0, MOST_ENTRIES)],
        count=len(order),
        items=[shown_item(contents, drawings, card) for card in told],
        not_kept=appendix.not_kept(contents),
        withheld=appendix.withheld(contents),
        rest=contents.figures.of_case - contents.figures.captures,
        custody=custody,
        events=events,
        most_rows=MOST_ROWS,
        method=declaration.METHOD,
        proofs=declaration.PROOFS,
        limits=declaration.LIMITS,
        self_test=declaration.self_test(contents.plan, contents.figures),
        versions=declaration.versions(),
        declaration=declaration.draft(contents.home, contents.shown, contents.plan, contents.figures),
        glossary=declaration.WORDS,
    )


def told_in_full(contents: ReportContents) -> list[Card]:
    """Choose the items that are told in full: those of incidents and with annotations first, in the order of their numbers."""
    wanted = {number for incident in contents.incidents for number in incident.items}
    numbered = enumerate(contents.shown.cards)
    chosen = nsmallest(MOST_CARDS, numbered, lambda one: (one[1].number not in wanted, not one[1].annotations, one[0]))
    return [card for _, card in sorted(chosen, key=lambda one: one[0])]


def drawings_of(contents: ReportContents) -> Drawings:
    """Draw pictures of all files that are shown, several at once; those moments among them at which people marked something."""
    found = Drawings(contents.home.path)
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {}
    for card in contents.shown.cards:
        for file in card.every_file if not card.hidden else ():
            if file.name is not None:
                earlier = wanted.get(file.name, (file.kind, ()))[1]
                wanted[file.name] = (file.kind, tuple(sorted({*earlier, *moments_of(card, file.number)})))
    with ThreadPoolExecutor(os.cpu_count()) as several:
        drawn = several.map(
            lambda item: draw(contents.bag.partial / item[0], item[1][0], contents.home.path, item[1][1]),
            wanted.items(),
        )
        for name, one in zip(wanted, drawn, strict=True):
            found.add(name, one)
    return found
