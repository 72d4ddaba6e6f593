"""Whether a thing is there: one vocabulary for what the platforms word differently. Pure.

Each platform's parser finds the box in which that platform speaks for itself (a tombstone, a player's status, an error
page) and names its kind; this table says what a kind means. The words of a post are never looked at. What no row names
is `unknown`: gone and blocked must not be taken for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from spiders.posts import Absence, Availability, Outcome, Parsed
from spiders.walls.http_status import KIND_BY_STATUS

_GONE, _PRIVATE, _AGE, _WITHHELD = (
    Availability.UNAVAILABLE,
    Availability.PRIVATE,
    Availability.AGE_GATED,
    Availability.WITHHELD,
)
KINDS: dict[str, tuple[Availability, str | None]] = {
    # kind: (state, by whom, where the platform says it)
    "deleted by the author": (_GONE, "author"),
    "removed by the uploader": (_GONE, "author"),
    "account closed": (_GONE, "author"),
    "account deactivated": (_GONE, "author"),
    "deleted": (_GONE, None),
    "removed": (_GONE, None),
    "removed by X": (_GONE, "platform"),
    "removed by YouTube": (_GONE, "platform"),
    "copyright claim": (_GONE, "platform"),
    "account suspended": (_GONE, "platform"),
    "account terminated": (_GONE, "platform"),
    "account gone": (_GONE, None),
    "no such account": (_GONE, None),
    "no post with that id": (_GONE, None),
    "no video of that id": (_GONE, None),
    "does not exist": (_GONE, None),
    "not found": (_GONE, None),
    "gone": (_GONE, None),
    "unavailable": (_GONE, None),
    "protected": (_PRIVATE, "author"),
    "blocks the reader": (_PRIVATE, "author"),
    "private": (_PRIVATE, "author"),
    "members only": (_PRIVATE, "author"),
    "paid": (_PRIVATE, None),
    "login required": (_PRIVATE, None),
    "login not accepted": (_PRIVATE, None),
    "login expired": (_PRIVATE, None),
    "not authorised": (_PRIVATE, None),
    "guest token not accepted": (_PRIVATE, None),
    "no public preview": (_PRIVATE, None),
    "a person or bot": (_PRIVATE, None),
    "not for everybody": (_PRIVATE, None),
    "age-restricted": (_AGE, None),
    "behind a warning": (_AGE, "platform"),
    "sensitive": (_AGE, None),
    "geo-blocked": (_WITHHELD, None),
    "withheld": (_WITHHELD, None),
    "withheld on a government's request": (_WITHHELD, "platform"),
    "withheld for legal reasons": (_WITHHELD, None),
    "rate limit": (Availability.RATE_LIMITED, None),
    "over capacity": (Availability.RATE_LIMITED, None),
    "bot wall": (Availability.BOT_WALL, None),
    "rejected as automated": (Availability.BOT_WALL, None),
    "the account used is locked": (Availability.BOT_WALL, None),
    "consent wall": (Availability.BOT_WALL, None),
    "server error": (Availability.ERROR, None),
    "internal error of X": (Availability.ERROR, None),
}


class Wording(NamedTuple):
    """One way in which a platform says that a thing is not to be had. `kind`: a row of `KINDS`, or what is unknown."""

    mark: str
    """Words in small letters, a code or the name of an error: what is looked for."""
    outcome: Outcome
    kind: str | None
    said: str | None = None
    """What the mark means, where that is more than the kind."""

    @property
    def meaning(self) -> str:
        """What the platform's mark means, in words: `said`, else the kind, else the mark itself."""
        return self.said or self.kind or self.mark


@dataclass(frozen=True, kw_only=True)
class Wordings:
    """A platform's wordings in one place of its answers, the most telling first. `source`: where they were read."""

    place: str
    source: str
    rows: tuple[Wording, ...]

    def __iter__(self) -> Iterator[Wording]:
        return iter(self.rows)

    def first_in(self, text: str) -> Wording | None:
        """Return the first row whose mark stands in the text; capitals and curly apostrophes make no difference."""
        lower = text.lower().replace("’", "'")
        return next((row for row in self.rows if row.mark in lower), None)

    def named(self, mark: str) -> Wording | None:
        """Return the row of one code or name; None where there is none."""
        return next((row for row in self.rows if row.mark == mark), None)


def absence(kind: str | None, said: str | None = None, where: tuple[str, ...] = ()) -> Absence:
    """Return what a kind means, by `KINDS`. A kind that the table does not have is `unknown`."""
    state, by = KINDS.get(kind or "", (Availability.UNKNOWN, None))
    return Absence(state, kind, by, said, where)


def classify(parsed: Parsed | None, status: int | None = None) -> Absence:
    """Tell whether the target is there by the parser's reading of the answer, then by the HTTP status.

    `status`: None where no answer came; that says nothing about the target.
    """
    if parsed is not None and parsed.absence is not None:
        return parsed.absence
    if status is None:
        return Absence(Availability.UNKNOWN, "no answer")
    if status in KIND_BY_STATUS:
        return absence(KIND_BY_STATUS[status], f"HTTP {status}")
    if status >= 500:
        return absence("server error", f"HTTP {status}")
    if status >= 300:
        return Absence(Availability.UNKNOWN, f"HTTP {status}")
    if parsed is None or parsed.outcome is not None:
        return Absence(Availability.UNKNOWN, said=parsed.reason if parsed else None)
    if parsed.posts and parsed.posts[0].outcome in (Outcome.CAPTURED, Outcome.PARTIAL):
        return Absence(Availability.PRESENT)
    return Absence(Availability.UNKNOWN)
