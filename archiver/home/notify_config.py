"""Who is told of what: the [[notify]] rules of archiver.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.errors import ConfigError

KINDS = ("unavailable", "changed", "seen-again", "dead")


@dataclass(frozen=True)
class NotifyRule:
    """Who is told of what. `targets`: apprise's addresses; secrets."""

    name: str
    targets: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...] = ("unavailable", "dead")
    case: str | None = None
    content: bool = False
    """Also the link and the platform's words."""


def rules(items: list[dict[str, Any]], environment: Mapping[str, str]) -> tuple[NotifyRule, ...]:
    """Of `[[notify]]` in archiver.toml. Raises `ConfigError`."""
    found = []
    for item in items:
        unknown = set(item) - {"name", "target", "from_environment", "events", "case", "content"}
        name = str(item.get("name", ""))
        events = tuple(str(one) for one in item.get("events", ("unavailable", "dead")))
        text = environment.get(str(item.get("from_environment", "")), "") or str(item.get("target", ""))
        if unknown or not re.fullmatch(r"[a-z0-9-]{1,40}", name) or set(events) - set(KINDS):
            raise ConfigError(
                f"[[notify]] with name, target or from_environment, events ({', '.join(KINDS)}), case, content",
                ", ".join(sorted(unknown)) or name or "no name", "Correct [[notify]] in archiver.toml.",
            )  # fmt: skip
        targets = tuple(line.strip() for line in text.splitlines() if line.strip())
        found.append(
            NotifyRule(
                name, targets, events, str(item["case"]) if item.get("case") else None, item.get("content") is True
            )
        )
    return tuple(found)
