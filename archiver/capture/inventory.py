"""What a capture discovers, each with its outcome, and the counts that do not come from the parser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from spiders.items import Counted
from spiders.links import mask_userinfo
from spiders.posts import Census, Outcome

MEDIA_OF_PAGE = "media of the page"
"""Key of what an extractor finds that is made for a page's site."""
SPIDER, ITEM = "spider", "item"
"""Kinds of what a program behind the recorder tells of itself: a spider that ran, and what it handed over."""
Ending = tuple[Outcome, str | None]
"""How something ended, and why."""


class InventoryLines(Protocol):
    """Destination of an inventory's lines: a `CaptureWriter`."""

    def inventory(self, line: dict[str, Any], /) -> None:
        """Write one line."""
        ...


class Inventory:
    """Inventory of a capture: everything discovered ends once, with an outcome and a reason.

    What a verdict needs beside the endings is kept with them: which things the capture is about, which parts of it are
    required, what of the program's own went wrong.
    """

    def __init__(self, lines: InventoryLines, redact: Callable[[Any], Any] = lambda value: value) -> None:
        """`redact`: takes configured secrets out of a line before it is written."""
        self._lines, self._redact = lines, redact
        self._open: dict[str, dict[str, Any]] = {}
        self._written: dict[str, str] = {}
        self._names: set[str] = set()
        self.ended: dict[str, Ending] = {}
        self.kinds: dict[str, str] = {}
        """The kind of each thing, by its key."""
        self.kept: Counter[str] = Counter()
        """How many things of each kind were captured."""
        self.subjects: list[str] = []
        """Keys of the posts that the capture is about."""
        self.required: list[str] = []
        """Keys of what the capture is not whole without, beside its posts."""
        self.disagreements: list[str] = []
        """Counts of the platform or of the bytes that differ from what was read."""
        self.faults: list[str] = []
        """What of the program's own went wrong."""

    def discover(self, key: str, kind: str, url: str | None, parent: str | None, **extra: Any) -> bool:
        """Enter a discovered thing. Return False if it is there already."""
        if key in self._open or key in self.ended:
            return False
        url = mask_userinfo(url) if url is not None else None
        line = {"state": "discovered", "key": key, "kind": kind, "url": url, "parent": parent, **extra}
        self._open[key] = line
        self.kinds[key] = kind
        self._write(key, {name: value for name, value in line.items() if value is not None})
        return True

    def end(self, key: str, outcome: Outcome, reason: str | None, record: str | None = None, **extra: Any) -> None:
        """Give a thing its outcome. Raises `KeyError` where it was not discovered, or has an outcome already."""
        line = self._open.pop(key)
        self.ended[key] = (outcome, reason)
        if outcome is Outcome.CAPTURED:
            self.kept[line["kind"]] += 1
        entry = {
            "key": key,
            "kind": line["kind"],
            "outcome": str(outcome),
            "reason": reason,
            "record": record,
            **extra,
        }
        self._write(key, {name: value for name, value in entry.items() if value is not None or name == "reason"})

    def _write(self, key: str, line: dict[str, Any]) -> None:
        """Write a line about a thing. Two things whose keys differ by a secret alone are told apart by a number."""
        if key not in self._written:
            told = name = str(self._redact(key))
            more = 2
            while name in self._names:
                name, more = f"{told} ({more})", more + 1
            self._names.add(name)
            self._written[key] = name
        self._lines.inventory({**self._redact(line), "key": self._written[key]})

    def end_open(self, reason: str) -> None:
        """End everything that has no outcome yet as failed."""
        for key in list(self._open):
            self.end(key, Outcome.FAILED, reason)

    def has(self, key: str) -> bool:
        """Return whether a thing was entered."""
        return key in self._open or key in self.ended

    def require(self, key: str) -> None:
        """Count the capture as partial without this part of it."""
        self.required.append(key)

    def fault(self, what: str) -> None:
        """Record a fault of the program itself: the capture cannot be called complete."""
        self.faults.append(f"a fault of ours: {what}" if not what.startswith("our ") else what)

    def census(self, lines: Iterable[Census], page: str) -> None:
        """Enter counts of marks in the bytes of a page, beside what the parser read."""
        for line in lines:
            self._lines.inventory({**line.line(), "page": page})
            if not line.agrees:
                self.disagreements.append(f"{line.marker}: {line.raw} in the bytes, {line.parsed} read ({page})")

    def counted(self, item: Counted) -> None:
        """Enter what the platform states, beside what a walk has come by."""
        census = Census(f"stated: {item.what}", item.stated, item.found)
        self._lines.inventory(census.line())
        if not census.agrees:
            self.disagreements.append(f"{item.what}: the platform states {item.stated}, {item.found} were found")

    def not_kept(self) -> list[dict[str, Any]]:
        """List what ended otherwise than captured, except what a rule left out."""
        return [
            {"key": key, "outcome": str(outcome), "reason": reason}
            for key, (outcome, reason) in self.ended.items()
            if outcome not in (Outcome.CAPTURED, Outcome.SKIPPED)
        ]
