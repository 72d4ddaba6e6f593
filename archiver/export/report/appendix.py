"""What is not in the package and why, and who did what: rows of the report's last tables."""

from __future__ import annotations

from typing import Any

from archiver.export.profiles import PackageView
from archiver.export.report.contents import ReportContents
from archiver.export.report.wording import MOST_ROWS, by_outcome, short, who
from archiver.lookup.retracted import RETRACTION

Cells = tuple[object, ...]


def not_kept(contents: ReportContents) -> list[Cells]:
    """List (outcome, reason, count) of what was found and not kept; without reasons in packages for others: they quote pages."""
    f = contents.figures
    if contents.shown.profile != "full":
        return [(how, "", count) for how, count in by_outcome(f).items()]
    return [(how, why, count) for (how, why), count in f.not_kept.most_common(MOST_ROWS)]


def withheld(contents: ReportContents) -> list[Cells]:
    """List (item, what, why, what stands in its place) of what was left out of the package."""
    return [(one.item, one.what, one.why, one.instead) for one in contents.shown.withheld[:MOST_ROWS]]


def custody(contents: ReportContents) -> tuple[list[Cells], int]:
    """List (event, when, what, who, kind) of the events that are told, in order; and how many there are in all."""
    shown = contents.shown
    if shown.profile == "public":
        return [], 0
    rows: list[Cells] = []
    count = 0
    for count, event in enumerate(shown.told_events, 1):
        if count <= MOST_ROWS:
            rows.append((event["seq"], short(event["time"]), event["type"], who(shown, event), _what(shown, event)))
    return rows, count


def _what(shown: PackageView, event: dict[str, Any]) -> str:
    detail = event["detail"]
    if detail.get("kind") == RETRACTION:
        return f"retraction of event {detail['about'].get('event')}"
    gone = shown.material.retracted.get(event["seq"])
    said = str(detail.get("kind") or detail.get("outcome") or "")
    return f"{said}, retracted by event {gone['seq']}" if gone is not None else said
