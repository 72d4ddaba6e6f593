"""How far an export is: its steps, and the bytes of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ExportProgress:
    """Progress of one step of an export."""

    step: str
    """What is done, as people are told it: `writing`."""
    done: int
    whole: int | None
    """Bytes of the step, about; None where that is not known."""


TOLD = 1 << 18
"""Bytes between two times that it is told."""


class Steps:
    """Counts the bytes of one step after another, and tells `told` of them."""

    def __init__(self, told: Callable[[ExportProgress], None]) -> None:
        self._told = told
        self._step, self._done, self._whole, self._last = "", 0, 0, 0

    def begin(self, step: str, whole: int) -> None:
        """Begin a step of about `whole` bytes."""
        self._step, self._done, self._whole, self._last = step, 0, whole, -TOLD
        self.add(0)

    def add(self, count: int) -> None:
        """Count bytes that are done."""
        self._done += count
        if self._done - self._last < TOLD:
            return
        self._last = self._done
        self._told(ExportProgress(self._step, self._done, self._whole or None))
