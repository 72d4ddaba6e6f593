"""What a person is told of one capture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spiders.posts import Outcome
from spiders.targets import Target


def leaves(not_kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the posts that are incomplete only because of a part that is listed too, and the target's own line."""
    keys = [str(item["key"]) for item in not_kept]

    def only_repeats(key: str) -> bool:
        parts = (f"{key} #", f"{key} ") if "#" in key else (f"{key} #",)
        return any(other.startswith(parts) for other in keys) or (key == "target" and len(keys) > 1)

    return [item for item in not_kept if not only_repeats(str(item["key"]))]


@dataclass
class Result:
    """What a person is told of one capture."""

    capture: str
    run: str
    part: int
    target: Target
    outcome: Outcome
    reason: str | None
    folder: Path
    posts: int
    kept: dict[str, int]
    """How many of each kind were kept."""
    not_kept: list[dict[str, Any]]
    stored_bytes: int
    seq: int | None
    test_routes: bool
    found: list[Target] = field(default_factory=list)
    """What it names that can be captured on its own."""
    walk_ended: bool = True
    part_full: bool = False
    warnings: list[str] = field(default_factory=list)
