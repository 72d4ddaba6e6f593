"""How fast long work goes, and about how long it still takes, in words."""

from __future__ import annotations

import time
from collections.abc import Callable

from archiver.text.plain import size

SETTLED = 2.0
"""Seconds of a step before anything is said of its pace: the first bytes say little of the rest."""


class Pace:
    """Measures one step of work after another."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._step: str | None = None
        self._began = 0.0

    @property
    def begun(self) -> bool:
        """Whether any work was told of."""
        return self._step is not None

    def text(self, step: str, done: int, whole: int | None) -> str:
        """Return `writing: 1.2 GB of about 3.0 GB · 95.0 MB/s · about 20 s left`, as much of it as is known."""
        now = self._clock()
        if step != self._step:
            self._step, self._began = step, now
        parts = [f"{step}: {size(done)}" + (f" of about {size(whole)}" if whole and whole >= done else "")]
        seconds = now - self._began
        if seconds >= SETTLED and done:
            rate = done / seconds
            parts.append(f"{size(int(rate))}/s")
            if whole and whole > done:
                parts.append(f"about {_long((whole - done) / rate)} left")
        return " · ".join(parts)


def _long(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
