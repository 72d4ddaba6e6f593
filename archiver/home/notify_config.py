"""Who is told of what: the [[notify]] rules of archiver.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import get_args

from archiver.home.config_schema import Notify, NotifyKind

KINDS: tuple[str, ...] = get_args(NotifyKind)


@dataclass(frozen=True)
class NotifyRule:
    """Rule of who is told of what. `targets`: apprise's addresses; secrets."""

    name: str
    targets: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...]
    case: str | None
    content: bool
    """Also the link and the platform's words."""


def rules(items: Iterable[Notify], environment: Mapping[str, str]) -> tuple[NotifyRule, ...]:
    """Make the rules that the settings hold.

    A variable of the environment that is set counts before the target in the file.
    """
    found = []
    for item in items:
        text = environment.get(item.from_environment, "") or item.target
        targets = tuple(line.strip() for line in text.splitlines() if line.strip())
        found.append(NotifyRule(item.name, targets, item.events, item.case or None, item.content))
    return tuple(found)
