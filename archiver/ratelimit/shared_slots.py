"""Slots at hosts, shared: by the processes of a home through `state.sqlite`, by many machines through PostgreSQL.

Two tables' worth of facts: when the next request to a host may start, and how many of each holder's are under way. A holder
that is silent for `HOLDER_SECONDS` is dead, and what it held is free again. Times are the database's own clock, so that machines
whose clocks differ agree. Where the database cannot be asked, nothing is requested: a limit that cannot be known is not ignored.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

from archiver.ratelimit.stores import Store, Transaction
from storage.errors import EvidenceError

HOLDER_SECONDS = 40.0
BEAT_SECONDS = 10.0
BUSY_SECONDS = 0.05
"""Pause before looking again whether another's exchange has ended."""


class SharedSlots:
    """The slots of one holder. Not for two threads at once."""

    def __init__(self, store: Store, holder: str, interval: float, concurrency: int) -> None:
        self._store, self._holder = store, holder
        self._interval, self._concurrency = interval, concurrency
        self._running: Counter[str] = Counter()
        """What we hold. Each beat writes it, so that an answer that was lost on the way is put right."""

    def take(self, host: str, held: bool = False) -> tuple[bool, float]:
        """Take a slot; return (whether it is ours, seconds to wait).

        Where it is ours, the request starts after that wait; else ask again after it. `held`: the slot is ours already,
        and its start was put off meanwhile. Raises `EvidenceError`.
        """
        with self._store.transaction() as rows:
            rows.ask("INSERT INTO {hosts} VALUES (?,0,0) ON CONFLICT DO NOTHING", (host,))
            next_start, quiet = rows.ask("SELECT next_start, quiet_until FROM {hosts} WHERE host=?{lock}", (host,))[0]
            now = rows.now()
            if held and quiet <= now:
                return True, 0.0
            if not held:
                self._beat(rows, now)
                running = rows.ask(
                    "SELECT COALESCE(SUM(running),0) FROM {held} JOIN {holders} ON {holders}.holder={held}.holder "
                    "WHERE host=? AND until>?",
                    (host, now),
                )[0][0]
                if running >= self._concurrency:
                    return False, BUSY_SECONDS
                rows.ask(
                    "INSERT INTO {held} VALUES (?,?,?) ON CONFLICT (host, holder) DO UPDATE SET running=excluded.running",
                    (host, self._holder, self._running[host] + 1),
                )
            start = max(now, next_start, quiet)
            rows.ask("UPDATE {hosts} SET next_start=? WHERE host=?", (start + self._interval, host))
        self._running[host] += not held
        return True, float(start - now)

    def give_back(self, host: str) -> None:
        """Give back one of our slots at `host`. Raises `EvidenceError`."""
        self._running[host] -= 1
        with self._store.transaction() as rows:
            values = (self._running[host], host, self._holder)
            rows.ask("UPDATE {held} SET running=? WHERE host=? AND holder=?", values)

    def quiet(self, host: str, seconds: float) -> None:
        """Let no request to `host` start for `seconds` from now. Raises `EvidenceError`."""
        with self._store.transaction() as rows:
            rows.ask("INSERT INTO {hosts} VALUES (?,0,0) ON CONFLICT DO NOTHING", (host,))
            until = rows.now() + seconds
            rows.ask("UPDATE {hosts} SET quiet_until=? WHERE host=? AND quiet_until<?", (until, host, until))

    def left(self, host: str) -> float:
        """Return how many seconds are left of the host's pause; 0 for none. Raises `EvidenceError`."""
        with self._store.transaction() as rows:
            found = rows.ask("SELECT quiet_until FROM {hosts} WHERE host=?", (host,))
            return max(0.0, float(found[0][0]) - rows.now()) if found else 0.0

    def beat(self) -> None:
        """Tell the store that we are alive and what we hold, and clear away dead holders. Raises `EvidenceError`."""
        with self._store.transaction() as rows:
            now = rows.now()
            self._beat(rows, now)
            rows.ask("DELETE FROM {held} WHERE holder=?", (self._holder,))
            self._running = +self._running
            for host, running in self._running.items():
                rows.ask("INSERT INTO {held} VALUES (?,?,?)", (host, self._holder, running))
            for (dead,) in rows.ask("SELECT holder FROM {holders} WHERE until<?", (now - 10 * HOLDER_SECONDS,)):
                rows.ask("DELETE FROM {held} WHERE holder=?", (dead,))
                rows.ask("DELETE FROM {holders} WHERE holder=?", (dead,))

    def _beat(self, rows: Transaction, now: float) -> None:
        rows.ask(
            "INSERT INTO {holders} VALUES (?,?) ON CONFLICT (holder) DO UPDATE SET until=excluded.until",
            (self._holder, now + HOLDER_SECONDS),
        )

    def leave(self) -> None:
        """Give back everything we hold and close the store: the process ends in order. Never raises."""
        with suppress(EvidenceError), self._store.transaction() as rows:
            rows.ask("DELETE FROM {held} WHERE holder=?", (self._holder,))
            rows.ask("DELETE FROM {holders} WHERE holder=?", (self._holder,))
        self._store.close()

    def standing(self) -> list[dict[str, Any]]:
        """List hosts with requests under way or a pause: host, running, quiet (seconds left, or None)."""
        with self._store.transaction() as rows:
            now = rows.now()
            found = rows.ask(
                "SELECT {hosts}.host, quiet_until, (SELECT COALESCE(SUM(running),0) FROM {held} JOIN {holders} "
                "ON {holders}.holder={held}.holder WHERE {held}.host={hosts}.host AND until>?) "
                "FROM {hosts} WHERE quiet_until>? OR {hosts}.host IN (SELECT host FROM {held} WHERE running>0) "
                "ORDER BY {hosts}.host",
                (now, now),
            )
        hosts = [
            {"host": host, "running": int(running), "quiet": max(0.0, quiet - now) or None}
            for host, quiet, running in found
        ]
        return [one for one in hosts if one["running"] or one["quiet"]]
