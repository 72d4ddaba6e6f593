"""Which annotations stand, and which were retracted: by a later event, so that both stay in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

RETRACTION = "retraction"
"""Kind of the annotation that retracts another one, whose event number stands in `about.event`."""

Event = dict[str, Any]


def retractions(annotations: Iterable[Event]) -> dict[int, Event]:
    """Return the retracting event of each retracted one, by its number; of several the first counts."""
    found: dict[int, Event] = {}
    for event in annotations:
        seq = event["detail"]["about"].get("event")
        if event["detail"]["kind"] == RETRACTION and isinstance(seq, int) and seq < event["seq"]:
            found.setdefault(seq, event)
    return found


def standing(annotations: Iterable[Event]) -> list[Event]:
    """List the annotations that were not retracted; the retractions themselves are not among them."""
    every = list(annotations)
    gone = retractions(every)
    return [event for event in every if event["seq"] not in gone and event["detail"]["kind"] != RETRACTION]
