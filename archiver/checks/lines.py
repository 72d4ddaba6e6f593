"""What a check says: one line for each thing looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from archiver.errors import ExitCode


class Finding(StrEnum):
    """Result of one check, as it is printed."""

    INTACT = "intact"
    NOTE = "note"
    """Worth knowing; says nothing against integrity."""
    UNKNOWN = "cannot tell"
    MISSING = "MISSING"
    """Something that belongs to a package is not there; what is there may be intact."""
    DAMAGED = "DAMAGED"
    TAMPERED = "TAMPERED"
    """What `DAMAGED` is called in a package: somebody handed it over."""


@dataclass(frozen=True)
class Line:
    """One line of a check: what was looked at, by which check, and what was found."""

    finding: Finding
    subject: str
    """What was looked at: `ledger`, `events`, a capture id, `catalog`."""
    check: str
    detail: str

    def text(self) -> str:
        """Return the line in columns, for people."""
        return f"{self.finding:<11}  {self.subject:<24}  {self.check:<12}  {self.detail}"


def worst(lines: Iterable[Line]) -> ExitCode:
    """Return the exit code: 5 where anything is damaged or tampered, 2 where missing, 6 where it cannot be told, else 0."""
    return worst_of({line.finding for line in lines})


def worst_of(found: Collection[Finding]) -> ExitCode:
    """Return the exit code of these findings: see `worst`."""
    if Finding.DAMAGED in found or Finding.TAMPERED in found:
        return ExitCode.CHECK_FAILED
    if Finding.MISSING in found:
        return ExitCode.PARTIAL
    return ExitCode.CANNOT_TELL if Finding.UNKNOWN in found else ExitCode.OK


def intact(subject: str, check: str, detail: str) -> Line:
    """Make a line that says that `check` found nothing wrong with `subject`."""
    return Line(Finding.INTACT, subject, check, detail)


def damaged(subject: str, check: str, detail: str) -> Line:
    """Make a line that says that `subject` is not what it should be."""
    return Line(Finding.DAMAGED, subject, check, detail)


def missing(subject: str, check: str, detail: str) -> Line:
    """Make a line that says that something of `subject` is not there."""
    return Line(Finding.MISSING, subject, check, detail)


def note(subject: str, check: str, detail: str) -> Line:
    """Make a line that is worth knowing and says nothing against integrity."""
    return Line(Finding.NOTE, subject, check, detail)


def unknown(subject: str, check: str, detail: str) -> Line:
    """Make a line that says that `check` lacks what it needs to tell."""
    return Line(Finding.UNKNOWN, subject, check, detail)
