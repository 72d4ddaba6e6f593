"""How far a walk has come."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from archiver.home.home import Home
from spiders.posts import Outcome
from spiders.targets import Target
from storage.state import RunState

KEPT = (Outcome.CAPTURED, Outcome.PARTIAL, Outcome.UNAVAILABLE, Outcome.REFUSED)
"""Outcomes of posts that a part holds: with their files, or with the answer that they are not to be had."""
KNOWN = "kept in an earlier part of this run"
"""Why a post is skipped that a killed part had kept."""


@dataclass
class WalkState:
    """Position of a walk while one of its parts is open.

    `known`: inventory keys of posts beyond the last checkpoint that killed parts have kept, and that have not been met
    again yet. While there are any, the parts that hold them are looked through again after the next kill.
    """

    home: Home
    state: RunState
    known: set[str] = field(default_factory=set)
    left: int | None = None

    def met(self, key: str) -> bool:
        """Return whether a killed part has kept the post. The answer is True once for each."""
        if key not in self.known:
            return False
        self.known.discard(key)
        return True

    def reached(self, cursor: str | None, found: list[Target]) -> None:
        """Remember that everything before `cursor` is kept; None: the walk is at its end."""
        options = self.state.options if self.known else {**self.state.options, "at": self.state.parts}
        self.state = replace(self.state, cursor=cursor or self.state.cursor, options=options)
        self.home.state.reached(self.state, [(target.key, target.url) for target in found])
