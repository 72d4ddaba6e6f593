"""When something was, as a person states it: an interval, and what was typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from archiver.errors import UsageError
from storage.times import utc_text


@dataclass(frozen=True)
class TimeRange:
    """Earliest and latest moment, and both as a person wrote them.

    Raises `UsageError` where they are swapped.
    """

    start: datetime
    end: datetime
    given: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise UsageError("--until after --since", " … ".join(self.given), "Swap them.")

    def detail(self) -> dict[str, str]:
        """Return the range as events hold it."""
        return {"from": utc_text(self.start), "to": utc_text(self.end)}
