"""Hosts that answered with a bot wall or rate limits: not asked again in this run, and every link that waits for one says so."""

from __future__ import annotations

from collections import Counter

from spiders.posts import Absence, Availability, Outcome

MOST = 3
"""How many walls or rate limits in a row stop a host. A wall in place of the whole page stops it at once."""


class BlockedHosts:
    """Hosts that are asked nothing more, since they answer with walls or rate limits. One for each run.

    A wall met once is met again, and asking on makes it last longer.
    """

    def __init__(self) -> None:
        self._met: Counter[str] = Counter()

    def met(self, host: str, absence: Absence, layout: str, outcome: Outcome) -> None:
        """Record how a host answered with a page."""
        if absence.state in (Availability.BOT_WALL, Availability.RATE_LIMITED) and absence.kind != "consent wall":
            whole = absence.state is Availability.BOT_WALL and layout.endswith(("/wall", "page/html"))
            self._met[host] += MOST if whole else 1
        elif outcome is Outcome.CAPTURED and self._met[host] < MOST:
            self._met[host] = 0

    def reason(self, host: str) -> str | None:
        """Return why a host is not asked now, or None."""
        if self._met[host] < MOST:
            return None
        return (
            f"not asked: {host} answered with a bot wall or rate limits in this run; "
            "continue in a few hours with the same command, or through another proxy"
        )
