"""The dates that a walk is about. A time may be an interval ("5 years ago"): it counts where it may lie inside. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from spiders.posts import Time


@dataclass(frozen=True)
class DateRange:
    """The dates from `since` (included) to `until` (excluded), both aware; None where there is no bound."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether there is no bound on either side, so that every date is inside."""
        return self.since is None and self.until is None

    def may_hold(self, when: Time | None) -> bool:
        """Return whether the time may lie in the range. An unknown time may."""
        if when is None:
            return True
        earliest, latest = when.earliest or when.value, when.latest or when.value
        after = self.since is None or latest is None or latest >= self.since
        return after and (self.until is None or earliest is None or earliest < self.until)

    def is_past(self, times: Iterable[Time | None]) -> bool:
        """Return whether everything that has a time is older than the range: a walk from the newest on can end."""
        ends = [end for time in times if time is not None and (end := time.latest or time.value) is not None]
        return self.since is not None and bool(ends) and max(ends) < self.since
