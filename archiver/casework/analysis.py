"""What analysts and reviewers add: times, translations, sensitivity, reviews, marks of accounts.

Each is a signed event, like every annotation: nothing is overwritten, the latest word counts where one must count, and the
report shows who said what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from archiver.casework.annotations import About, record
from archiver.casework.time_range import TimeRange
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.ledger import Sealed
from storage.times import utc_text

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,8})*")


@dataclass(frozen=True)
class Translation:
    """Words in another language. `translator`: a pseudonym or a program; `date`: today where it is None."""

    language: str
    translator: str
    how: str
    date: str | None = None


def state_time(home: Home, signer: Signer, about: About, when: TimeRange, words: str) -> Sealed:
    """Sign when something happened, and how that is known. Raises `UsageError`, `LedgerError`."""
    return record(home, signer, "time", about.detail(), words, {**when.detail(), "given": list(when.given)})


def translate(home: Home, signer: Signer, about: About, translation: Translation, words: str) -> Sealed:
    """Add a translation of a post. Raises `UsageError`, `LedgerError`."""
    if not _LANGUAGE.fullmatch(translation.language):
        raise UsageError("--language as a code like en or kk-Latn", repr(translation.language), "Give it in that form.")
    date = translation.date or utc_text(home.clock())[:10]
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        raise UsageError("--date like 2026-11-22", repr(date), "Give it in that form.")
    detail = {
        "language": translation.language, "translator": translation.translator, "how": translation.how, "date": date,
    }  # fmt: skip
    return record(home, signer, "translation", about.detail(), words, detail)


def rate_sensitivity(home: Home, signer: Signer, about: About, level: str, words: str) -> Sealed:
    """Sign whether something may be seen by everybody. Raises `UsageError`, `LedgerError`."""
    return record(home, signer, "sensitivity", about.detail(), words, {"level": level})


def review(home: Home, signer: Signer, subject: About | int, decision: str, words: str) -> Sealed:
    """Approve or withhold, as a second person: `subject` is part of a capture, or the event of an annotation.

    Raises `UsageError` where the person is no reviewer or the annotation is their own, `NotFound`, `LedgerError`.
    """
    if signer.author.role != "reviewer":
        raise UsageError(
            "a reviewer",
            f"{signer.author.pseudonym}, who is {signer.author.role}",
            "A second person reviews: archiver keys new NAME --role reviewer, then archiver --as NAME review …",
        )
    about = _annotation_of_another(home, signer, subject) if isinstance(subject, int) else subject.detail()
    return record(home, signer, "review", about, words, {"decision": decision})


def _annotation_of_another(home: Home, signer: Signer, seq: int) -> dict[str, Any]:
    event = home.ledger.read_event(seq)
    if event is None or event["type"] != "annotated":
        raise NotFound("the event number of an annotation", str(seq), "Find its number with `archiver custody`.")
    if event["agent"]["key"] == signer.author.public_text:
        raise UsageError("another person's annotation", "your own", "Let somebody else review it.")
    # A review of an annotation belongs to the case or capture that the annotation is about.
    about = event["detail"]["about"]
    return {"event": event["seq"], **{key: about[key] for key in ("case", "capture") if key in about}}


def mark_author(
    home: Home, signer: Signer, platform: str, handle: str, mark: str, words: str, *, case: str | None = None
) -> Sealed:
    """Mark an account, in all cases or in one. Raises `NotFound`, `UsageError`, `LedgerError`."""
    about = {"platform": platform, "author": handle.lstrip("@")}
    if case:
        home.recipients([case])
        about["case"] = case
    return record(home, signer, "author", about, words, {"mark": mark})
