"""The port through which the collector hands over bytes. `archiver` implements it; nothing here knows how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Thing:
    """One thing to keep as a `resource`. `value`: JSON, kept in canonical form; or bytes. `facts`: for its line."""

    uri: str
    value: dict[str, Any] | bytes = field(repr=False)
    media_type: str = "application/json"
    facts: dict[str, Any] = field(default_factory=dict)


class Keep(Protocol):
    """Raises what `archiver` raises where a disk refuses; the collector lets that pass."""

    async def withhold(self, values: Sequence[tuple[str, bytes]]) -> list[str]:
        """Puts (name, value) pairs into the private record; returns a commitment for each."""

    async def keep(self, things: Sequence[Thing]) -> list[str]:
        """Keeps them in this order, durably; returns the id of each record."""

    def digest(self, raw: bytes) -> str:
        """SHA-256 in hex: spiders compute none themselves."""
