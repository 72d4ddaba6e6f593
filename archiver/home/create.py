"""Making a new home."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.home.config import DEFAULT_AGENT


@dataclass(frozen=True)
class Answers:
    """What the first run asks."""

    pseudonym: str = "investigator"
    user_agent: str = DEFAULT_AGENT
    proxy: str = ""
    second: str = ""
    timestamps: bool = False
