"""What a person is told of a capture: while it is open, and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spiders.posts import Outcome
from spiders.targets import Target


@dataclass(frozen=True)
class Progress:
    """Progress of an open capture."""

    capture: str
    url: str
    posts: int
    waiting: int
    """Files under way."""
    received: int
    """Bytes."""
    closed: bool


@dataclass
class CaptureResult:
    """Result of a capture that has ended, as a person is told it."""

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
    led_to: Target | None = None
    """What was captured in its place: where redirects led, or the page of a mirror."""
    found: list[Target] = field(default_factory=list)
    """What it names that can be captured on its own."""
    walk_ended: bool = True
    part_full: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[dict[str, Any]]:
        """Things that were not kept, each once.

        Left out are posts that are incomplete only by a part which is listed too, and the line of the target itself
        where others are listed.
        """
        keys = [str(item["key"]) for item in self.not_kept]

        def only_repeats(key: str) -> bool:
            parts = (f"{key} #", f"{key} ") if "#" in key else (f"{key} #",)
            return any(other.startswith(parts) for other in keys) or (key == "target" and len(keys) > 1)

        return [item for item in self.not_kept if not only_repeats(str(item["key"]))]
