"""What may lie locked, for how long, and what may not be copied at all.

Nothing is locked before somebody has looked at it (`archiver triage`): what turns out to be unlawful could then not be
removed. After that governance is the rule, compliance an explicit word, a legal hold on top of either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from archiver.errors import UsageError
from storage.objects import Lock
from storage.times import utc_parse, utc_text

if TYPE_CHECKING:
    from archiver.home.home import Home

MODES = ("governance", "compliance")


def lock_line(lock: Lock | None) -> dict[str, Any] | None:
    """Return a lock as events and answers hold it: {"mode", "until", "hold"}."""
    if lock is None:
        return None
    line: dict[str, Any] = {"hold": lock.hold}
    if lock.mode and lock.until:
        line |= {"mode": lock.mode, "until": utc_text(lock.until)}
    return line


def lock_of(line: dict[str, Any] | None) -> Lock | None:
    """Read what `lock_line` wrote."""
    if line is None:
        return None
    until = utc_parse(line["until"]) if line.get("until") else None
    return Lock(line.get("mode"), until, bool(line.get("hold")))


@dataclass
class Policies:
    """Policies that events state: triage, locks, holds and quarantine."""

    days: int
    triaged: dict[str, str] = field(default_factory=dict)
    """Capture → when it was looked at, UTC text."""
    by_case: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantined: set[str] = field(default_factory=set)
    lenders: dict[str, list[str]] = field(default_factory=dict)
    """Capture → those in which bytes lie that it only refers to."""
    disposed: set[str] = field(default_factory=set)

    def lock(self, capture: str, cases: list[str]) -> Lock | None:
        """Return the strictest lock that the cases of a capture ask for.

        A capture that refers to others is locked once these were triaged too. What is referred to is never kept
        shorter: it is in the same cases, and counts from whichever was looked at last.
        """
        if any(lender not in self.triaged for lender in self.lenders.get(capture, ())):
            hold = any(self.by_case.get(case, {}).get("hold") for case in cases)
            return Lock(hold=True) if hold else None
        hold = any(self.by_case.get(case, {}).get("hold") for case in cases)
        if capture not in self.triaged:
            return Lock(hold=True) if hold else None
        borrowers = [one for one, lenders in self.lenders.items() if capture in lenders and one in self.triaged]
        seen = max(utc_parse(self.triaged[one]) for one in (capture, *borrowers))
        wanted = [self.by_case.get(case, {}) for case in cases] or [{}]
        mode = "compliance" if any(one.get("mode") == "compliance" for one in wanted) else "governance"
        days = max(int(one.get("days") or self.days) for one in wanted)
        return Lock(mode, (seen + timedelta(days=days)).replace(microsecond=0), hold)

    def may_leave(self, capture: str) -> bool:
        """Return whether a capture may be copied.

        It may not where it, or what it refers to, is quarantined, or where it was disposed of.
        """
        if self.quarantined.intersection(self.lenders.get(capture, ())):
            return False
        return capture not in self.quarantined and capture not in self.disposed


def policies(home: Home) -> Policies:
    """Read the policies from the events. Raises `CatalogError`."""
    found = Policies(home.config.copies.days)
    for body in home.catalog.event_bodies(("triaged", "lock-policy", "disposed")):
        detail = body["detail"]
        if body["type"] == "triaged":
            for capture in detail["captures"]:
                found.triaged.setdefault(capture, body["time"])
        elif body["type"] == "lock-policy":
            before = found.by_case.get(detail["case"], {})
            found.by_case[detail["case"]] = before | {key: value for key, value in detail.items() if key != "case"}
        else:
            found.disposed.add(detail["capture"])
    found.quarantined = home.catalog.quarantined_captures()
    for capture, lender in home.catalog.lendings():
        found.lenders.setdefault(capture, []).append(lender)
    return found


def checked_mode(mode: str | None, days: int | None) -> dict[str, Any]:
    """Return the mode and days that a person gave, checked; None is left out. Raises `UsageError`."""
    if mode is not None and mode not in MODES:
        raise UsageError("governance or compliance", repr(mode), "Choose one.")
    if days is not None and not 1 <= days <= 36500:
        raise UsageError("--days from 1 to 36500", str(days), "Choose another.")
    return {key: value for key, value in (("mode", mode), ("days", days)) if value is not None}
