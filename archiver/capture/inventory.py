"""What a capture discovers, each with its outcome, and the counts that do not come from the parser."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from archiver.recorder.redact import cleaned
from spiders.items import Counted
from spiders.posts import Census, Outcome
from storage.capture import CaptureWriter


class Inventory:
    """Everything discovered ends here with an outcome and a reason; nothing does so twice."""

    writer: CaptureWriter

    def __init__(self, secrets: list[str]) -> None:
        """`secrets`: configured values that reach no line."""
        self._secrets = secrets
        self._open: dict[str, dict[str, Any]] = {}
        self._ended: dict[str, tuple[Outcome, str | None]] = {}
        self._kept: Counter[str] = Counter()
        self._disagreements: list[str] = []

    def clean(self, value: Any) -> Any:
        """A JSON value with configured secrets taken out."""
        if not self._secrets or value is None:
            return value
        text = json.dumps(value, ensure_ascii=False)
        if not any(secret in text or json.dumps(secret, ensure_ascii=False)[1:-1] in text for secret in self._secrets):
            return value  # nearly always: looking through it piece by piece takes ten times as long
        return cleaned(value, self._secrets)

    def discover(self, key: str, kind: str, url: str | None, parent: str | None, **extra: Any) -> bool:
        """Enters a thing in the inventory. False if it is there already."""
        if key in self._open or key in self._ended:
            return False
        line = {"state": "discovered", "key": key, "kind": kind, "url": url, "parent": parent, **extra}
        self._open[key] = line
        self.writer.inventory(self.clean({name: value for name, value in line.items() if value is not None}))
        return True

    def end(self, key: str, outcome: Outcome, reason: str | None, record: str | None = None, **extra: Any) -> None:
        """The outcome of a thing that was discovered. Raises `KeyError` where it was not, or has one."""
        line = self._open.pop(key)
        self._ended[key] = (outcome, reason)
        if outcome is Outcome.CAPTURED:
            self._kept[line["kind"]] += 1
        entry = {
            "key": key,
            "kind": line["kind"],
            "outcome": str(outcome),
            "reason": reason,
            "record": record,
            **extra,
        }
        self.writer.inventory(
            self.clean({name: value for name, value in entry.items() if value is not None or name == "reason"})
        )

    def has(self, key: str) -> bool:
        """Whether a thing was entered."""
        return key in self._open or key in self._ended

    def census(self, lines: Iterable[Census], page: str) -> None:
        """Counts of marks in the bytes of a page, beside what the parser read."""
        for line in lines:
            self.writer.inventory({**line.line(), "page": page})
            if not line.agrees:
                self._disagreements.append(f"{line.marker}: {line.raw} in the bytes, {line.parsed} read ({page})")

    def counted(self, item: Counted) -> None:
        """What the platform states, beside what a walk has come by."""
        census = Census(f"stated: {item.what}", item.stated, item.found)
        self.writer.inventory(census.line())
        if not census.agrees:
            self._disagreements.append(f"{item.what}: the platform states {item.stated}, {item.found} were found")
