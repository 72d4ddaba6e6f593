"""Settle who carried an attempt out: this home, or another that was first.

A home remembers each attempt that it carries out until the shared state knows of it. Two homes carry one out where the queue
could not be reached from one of them, or a worker was taken for dead; the shared state holds the claim of the first, and what
the other home captured is sealed there, kept, and marked as a duplicate by an event.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.jobs.queue import AttemptResult
from archiver.jobs.shared_state import SharedState
from storage.errors import Unreachable
from storage.events import Event

UNDER_WAY = "under way"
"""Key, in the home's claims, of the first capture of an attempt that has not ended yet."""


class HomeClaims:
    """The claims of one home on attempts. Thread-safe."""

    def __init__(self, home: Home, shared: SharedState, signer: Signer, under_way: Callable[[str], bool]) -> None:
        """`under_way` tells whether this process is carrying out the attempt of that id."""
        self._home, self._shared, self._signer, self._under_way = home, shared, signer, under_way
        self._ledger = home.ledger_key.name
        self._settling = threading.Lock()

    def known(self, attempt: str) -> AttemptResult | None:
        """Return the result that the shared state holds; None where it holds none, or does not answer."""
        with suppress(Unreachable):
            if (claim := self._shared.claims.get(attempt)) is not None:
                return AttemptResult.of(claim.done)
        return None

    def begin(self, attempt: str, capture: str) -> None:
        """Remember, in the home, that an attempt is being carried out, and the id of its first capture."""
        self._home.state.claim_made(attempt, {UNDER_WAY: capture})

    def end(self, attempt: str, result: AttemptResult) -> AttemptResult:
        """Remember the result in the home, and settle it if the shared state answers; else a later call does."""
        self._home.state.claim_made(attempt, result.line())
        with suppress(Unreachable):
            return self.settle(attempt, result.line())
        return result

    def settle_all(self) -> None:
        """Settle what the home remembers. Raises `Unreachable`."""
        for attempt, claim in self._home.state.claims().items():
            if UNDER_WAY in claim:
                self._settle_killed(attempt, claim[UNDER_WAY])
            else:
                self.settle(attempt, claim)

    def settle(self, attempt: str, result: dict[str, Any]) -> AttemptResult:
        """Claim an attempt for this home; return the result that counts: ours, or that of the home which was first.

        Where another was first, what was captured here is marked as a duplicate. Raises `Unreachable`.
        """
        first = self._shared.claims.add(attempt, self._ledger, result)
        with self._settling:
            theirs = [one for one in first.done["captures"] if one]
            if first.ledger != self._ledger and result["captures"] and theirs:
                self._mark(attempt, result["captures"], {"ledger": first.ledger, "captures": theirs})
            self._home.state.claim_settled(attempt)
        return AttemptResult.of(first.done)

    def _settle_killed(self, attempt: str, wanted: str) -> None:
        """Settle an attempt that a kill cut off between the seal and the claim: nobody was told of its captures.

        Nothing is done while nobody has claimed it: the queue will ask for it again. `wanted` is the id of its first capture,
        and of its crawl's run; captures of any other attempt of the job were told of by that one. Raises `Unreachable`.
        """
        first = self._shared.claims.get(attempt)
        if first is None or self._under_way(attempt):
            return
        self._home.project()
        job, _, number = attempt.rpartition(".")
        told = {one for detail in self._duplicates() for one in detail["captures"]}
        for n in range(1, int(number) + 1):
            told.update(claim.done["captures"] if (claim := self._shared.claims.get(f"{job}.{n}")) is not None else ())
        sealed = [row["id"] for run in (job, wanted) for row in self._home.catalog.run(run) if row["id"] not in told]
        if sealed or first.ledger == self._ledger:
            self.settle(attempt, {**first.done, "captures": sealed})

    def _mark(self, attempt: str, captures: list[str], of: Mapping[str, Any]) -> None:
        """Append the event that says which captures are duplicates of which, once."""
        job, _, number = attempt.rpartition(".")
        detail = {"job": job, "attempt": int(number), "captures": captures, "of": dict(of)}
        self._home.project()
        if detail not in self._duplicates():
            self._signer.append([Event("duplicate", self._home.clock(), detail)])
            self._home.project()

    def _duplicates(self) -> list[dict[str, Any]]:
        return [body["detail"] for body in self._home.catalog.event_bodies(("duplicate",))]
