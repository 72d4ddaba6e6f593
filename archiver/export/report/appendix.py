"""What is not in the package and why, and who did what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.export.report.contents import ReportContents
from archiver.export.report.wording import MOST_ROWS, by_outcome, short, who
from archiver.text.html import Markup, table, tag


def not_kept(contents: ReportContents) -> Iterator[Markup]:
    """Write the section on what was found and not kept, by outcome."""
    f = contents.figures
    if not f.not_kept:
        yield tag("p", "Everything that was found was kept.")
        return
    if contents.shown.profile == "public":
        rows: list[tuple[object, ...]] = [(how, "", count) for how, count in by_outcome(f).items()]
    else:
        rows = [(how, why, count) for (how, why), count in f.not_kept.most_common(MOST_ROWS)]
    yield table(("outcome", "reason", "things"), rows)
    yield tag(
        "p", "Each thing by itself is in not-kept.csv. The words for outcomes are in the glossary.", class_="quiet"
    )


def withheld(contents: ReportContents) -> Iterator[Markup]:
    """Write the section on what was left out of the package."""
    shown = contents.shown
    rest = contents.figures.of_case - contents.figures.captures
    if rest:
        yield tag(
            "p",
            f"{rest} further captures belong to this case. Each stands in the proofs as a commitment, so that the selection can be seen.",
        )
    if shown.profile == "full":
        yield tag(
            "p",
            "Values that were withheld when recording (cookies, tokens) stay in the house, each with a commitment; "
            "a court can be shown any single one.",
        )
    if not shown.withheld:
        yield tag("p", "Nothing else was left out." if not rest else "Of what is here, nothing was left out.")
        return
    rows = [(item.exhibit, item.what, item.why, item.instead) for item in shown.withheld[:MOST_ROWS]]
    yield table(("exhibit", "what", "why", "in its place"), rows)
    if len(shown.withheld) > MOST_ROWS:
        yield tag("p", f"All {len(shown.withheld)} are in withheld.csv.", class_="quiet")


def custody(contents: ReportContents) -> Iterator[Markup]:
    """Write the section on the events, in order, with who made each."""
    told = {event["seq"] for event in contents.shown.annotations}
    events = [event for event in contents.shown.material.events if event["type"] != "annotated" or event["seq"] in told]
    rows = [
        (event["seq"], short(event["time"]), event["type"], who(contents.shown, event), _what(event["detail"]))
        for event in events[:MOST_ROWS]
    ]  # fmt: skip
    yield table(("event", "when", "what", "who", ""), rows)
    if len(events) > MOST_ROWS:
        yield tag("p", f"All {len(events)} are in custody.csv.", class_="quiet")


def _what(detail: dict[str, Any]) -> str:
    return str(detail.get("kind") or detail.get("outcome") or "")
