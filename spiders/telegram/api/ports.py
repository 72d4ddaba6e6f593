"""The port through which the collector hands over bytes. `archiver` implements it; nothing here knows how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Thing:
    """One thing to keep as a `resource`. `value`: JSON, kept in canonical form; or bytes. `facts`: go into its line."""

    uri: str
    value: dict[str, Any] | bytes = field(repr=False)
    media_type: str = "application/json"
    facts: dict[str, Any] = field(default_factory=dict)


class Keep(Protocol):
    """What keeps the bytes. It raises what `archiver` raises where a disk refuses; the collector lets that pass."""

    async def withhold(self, values: Sequence[tuple[str, bytes]]) -> list[str]:
        """Put (name, value) pairs into the private record; return a commitment for each."""

    async def keep(self, things: Sequence[Thing]) -> list[str]:
        """Keep things in this order, durably; return the id of each record."""

    def digest(self, raw: bytes) -> str:
        """Compute the SHA-256 in hex: spiders compute none themselves."""
