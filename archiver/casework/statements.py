"""Statements of witnesses: a text or file that was received, tied to an incident, with who said it to whom, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from archiver.casework.annotations import About, record
from archiver.casework.incidents import require_incident
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.ledger import Sealed

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,8})*")


@dataclass(frozen=True)
class Statement:
    """What is known of a statement. `witness` and `interviewer`: pseudonyms; `day`: when it was made, like 2022-01-05."""

    witness: str
    day: str | None = None
    interviewer: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        """Raise `UsageError` where a value has not its form."""
        if not self.witness.strip():
            raise UsageError("--witness with a pseudonym", "none", "Give the witness a pseudonym, never their name.")
        if self.language is not None and not _LANGUAGE.fullmatch(self.language):
            raise UsageError("--language as a code like en or kk-Latn", repr(self.language), "Give it in that form.")
        if self.day is not None:
            try:
                whole = date.fromisoformat(self.day).isoformat() == self.day
            except ValueError:
                whole = False
            if not whole:
                raise UsageError("--date like 2026-11-22", repr(self.day), "Give it in that form.")


def add_statement(
    home: Home, signer: Signer, about: About, case: str, incident: str, statement: Statement, words: str
) -> Sealed:
    """Tie a received text or file to an incident, as a witness's statement. `words`: what is to be noted of it, or none.

    Raises `NotFound`, `UsageError`, `LedgerError`.
    """
    of_incident = require_incident(home, case, incident)
    row = home.catalog.capture(about.capture)
    if row is None or row["platform"] != "received":
        raise UsageError(
            "a received text or file", f"{about.capture}, which was captured", "Take it in first: archiver receive"
        )
    if case not in home.catalog.cases_of(about.capture):
        raise UsageError(
            f"a capture of the case {case}",
            f"{about.capture}, from another",
            f"archiver case add {case} {about.capture}",
        )
    known = {
        "witness": statement.witness.strip(), "date": statement.day, "interviewer": statement.interviewer,
        "language": statement.language,
    }  # fmt: skip
    detail = {key: value for key, value in known.items() if value}
    return record(home, signer, "statement", {**about.detail(), **of_incident}, words, detail, may_be_empty=True)
