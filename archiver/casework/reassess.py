"""Sealed captures judged again: what differs today, signed beside the first judgement, which stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archiver.casework.rejudge import Comparison, Judgement, Rejudged, rank, rejudge
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.version import SOFTWARE
from spiders.posts import Outcome
from storage.digest import file_sha256
from storage.events import Event
from storage.ledger import Sealed

Told = Callable[[int, int], object]
"""Is told how many captures were judged, and of how many."""


@dataclass(frozen=True)
class Reassessed:
    """One capture, judged again. `row`: of the catalog."""

    row: dict[str, Any]
    rejudged: Rejudged

    @property
    def differs(self) -> bool:
        """Whether today's judgement is another than the first."""
        return self.rejudged.comparison is Comparison.DIFFERS

    @property
    def words(self) -> str:
        """Both judgements in a line: `was captured, now refused: login required`."""
        was, now, note = self.row["outcome"], self.rejudged.now, self.rejudged.note
        if self.rejudged.comparison is not Comparison.DIFFERS or now is None:
            return f"{self.rejudged.comparison}: {note}" if note else f"{was}, as before"
        return f"was {was}, now {now.outcome}" + (f": {now.reason}" if now.reason else "")

    def line(self) -> dict[str, Any]:
        """Return it as a line of JSON shows it."""
        now = self.rejudged.now
        return {
            "capture": self.row["id"], "target": self.row["target"], "comparison": str(self.rejudged.comparison),
            "was": {"outcome": self.row["outcome"], "reason": self.row["reason"], "parser": self.rejudged.was.parser},
            "now": {**asdict(now), "records": list(now.records), "software": SOFTWARE} if now else None,
            "fell": self.rejudged.fell, "note": self.rejudged.note,
        }  # fmt: skip


def chosen(home: Home, what: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of the captures of these cases and ids; of all, where none is named. Raises `NotFound`."""
    if not what:
        return home.catalog.captures()
    named = {capture for one in what for capture in home.captures_named(one)}
    return [row for row in home.catalog.captures() if row["id"] in named]


def reassess(home: Home, rows: Sequence[dict[str, Any]], told: Told = lambda done, total: None) -> Iterator[Reassessed]:
    """Judge captures again, one after another. What is quarantined is not read."""
    hidden = home.catalog.quarantined_captures()
    folders = {row["id"]: home.path / row["folder"] for row in home.catalog.captures()}

    def folder_of(capture: str) -> Path | None:
        return None if capture in hidden else folders.get(capture)

    for done, row in enumerate(rows):
        told(done, len(rows))
        yield Reassessed(row, _rejudged(home, row, folder_of, quarantined=row["id"] in hidden))


def _rejudged(
    home: Home, row: dict[str, Any], folder_of: Callable[[str], Path | None], *, quarantined: bool
) -> Rejudged:
    was = Judgement(Outcome(row["outcome"]), row["reason"])
    if quarantined:
        return Rejudged(Comparison.NOT_JUDGED, was, None, "quarantined")
    folder = home.path / row["folder"]
    try:
        whole = file_sha256(folder / "manifest.json").hexdigest() == row["manifest_sha256"]
    except OSError as error:
        return Rejudged(Comparison.CANNOT_TELL, was, None, f"its manifest cannot be read: {error.strerror}")
    if not whole:
        changed = "its manifest is not the one that was sealed: archiver check"
        return Rejudged(Comparison.CANNOT_TELL, was, None, changed)
    return rejudge(folder, folder_of)


def sign_judgements(home: Home, signer: Signer, found: Iterable[Reassessed]) -> list[Sealed]:
    """Sign one event for each capture of which something else is to be said than was signed last. Raises `LedgerError`.

    Where a later judgement was signed and today's is the first one again, that is signed too.
    """
    events = []
    for one in found:
        last, now = home.catalog.reassessment(one.row["id"]), one.rejudged.now
        if now is None:
            continue
        stands = one.differs or (last is not None and _came_back(one, last))
        if stands and not _is_signed(one, last):
            events.append(Event("reassessed", home.clock(), _detail(one)))
    sealed = signer.append(events) if events else []
    home.project()
    return sealed


def _came_back(one: Reassessed, last: dict[str, Any]) -> bool:
    return bool(one.rejudged.comparison is Comparison.SAME and last["outcome"] != one.row["outcome"])


def _is_signed(one: Reassessed, last: dict[str, Any] | None) -> bool:
    """Whether the last event says the same by the same versions."""
    detail = _detail(one)
    said = (detail["outcome"], detail["reason"], detail["parser"], SOFTWARE)
    return last is not None and said == (last["outcome"], last["reason"], last["parser"], last["software"])


def _detail(one: Reassessed) -> dict[str, Any]:
    row, now = one.row, one.rejudged.now
    assert now is not None
    # Never more than the first judgement: what is read today and was not kept then is not there.
    rises = rank(now.outcome) > rank(Outcome(row["outcome"]))
    outcome, reason = (row["outcome"], row["reason"]) if rises else (str(now.outcome), now.reason)
    return {
        "capture": row["id"], "manifest_sha256": row["manifest_sha256"], "outcome": outcome, "reason": reason,
        "was": {"outcome": row["outcome"], "reason": row["reason"], "parser": one.rejudged.was.parser},
        "parser": now.parser, "records": list(now.records),
    }  # fmt: skip


def to_capture_again(home: Home, found: Iterable[Reassessed]) -> list[Reassessed]:
    """Return what fell and was not captured since: one for each link."""
    again: dict[str, Reassessed] = {}
    judged = {one.row["id"]: one for one in found}
    for one in judged.values():
        link = one.row["target"]
        if one.rejudged.fell and link is not None and not _kept_since(home, one.row, judged):
            again.setdefault(link, one)
    return list(again.values())


def _kept_since(home: Home, row: dict[str, Any], judged: dict[str, Reassessed]) -> bool:
    """Whether a later capture of the same link is called captured and did not fall."""
    return any(
        later["seq"] > row["seq"]
        and later["outcome"] == str(Outcome.CAPTURED)
        and not (later["id"] in judged and judged[later["id"]].rejudged.fell)
        for later in home.catalog.captures_of(row["target"])
    )
