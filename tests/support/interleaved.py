"""Several things done at once in this process, one step at a time, in an order that a test chooses; any of them may be killed.

Each runs in a thread of its own and stops before every call that changes the disk or takes a lock. One that is killed does no
more: nothing it would undo or tidy up on its way out reaches the disk, and its locks are free, as after `kill -9`.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

STEPS = ("fsync", "rename", "replace", "unlink", "mkdir", "link", "rmdir")
PATIENCE = 20.0


class Killed(BaseException):
    """Ends the thread of one that is killed; no `except Exception` keeps it."""


class _Actor:
    def __init__(self, name: str, deed: Callable[[], object], dies_at: int | None) -> None:
        self.name, self._deed, self._dies_at = name, deed, dies_at
        self.steps = 0
        self.ended = self.killed = self.waits = False
        self.error: BaseException | None = None
        self.go, self.stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        _HERE.actor = self
        self.go.acquire()
        try:
            self._deed()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        self.ended = True
        self.stopped.release()

    def step(self) -> None:
        """Stop before a call, until it is this one's turn; die where it is to die."""
        if self.killed:
            raise Killed
        self.stopped.release()
        assert self.go.acquire(timeout=PATIENCE)
        self.steps += 1
        if self.steps == self._dies_at:
            self.killed = True
            raise Killed


_HERE = threading.local()


def interleaved(
    deeds: Mapping[str, Callable[[], object]],
    choices: Sequence[int],
    kills: Mapping[str, int],
    after_each: Callable[[], None],
) -> dict[str, BaseException | None]:
    """Do `deeds` at once: each choice says whose step is next. Return how each ended that was not killed.

    `kills`: who dies before which of its steps. `after_each`: called after each step.
    """
    actors = [_Actor(name, deed, kills.get(name)) for name, deed in deeds.items()]
    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, _stepping(getattr(os, name)))
        patch.setattr(fcntl, "flock", _locking(fcntl.flock))
        for actor in actors:
            actor.thread.start()
        at = 0
        while running := [actor for actor in actors if not actor.ended]:
            able = [actor for actor in running if not actor.waits] or running
            chosen = able[choices[at % len(choices)] % len(able)] if choices else able[0]
            at += 1
            chosen.go.release()
            assert chosen.stopped.acquire(timeout=PATIENCE), f"{chosen.name} does not come back"
            if not chosen.waits:
                for actor in actors:
                    actor.waits = False  # a lock may be free now
                after_each()
            assert at < 20_000, "they wait for each other"
        for actor in actors:
            actor.thread.join(PATIENCE)
    return {actor.name: actor.error for actor in actors if not actor.killed}


def _stepping(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **more: Any) -> Any:
        actor: _Actor | None = getattr(_HERE, "actor", None)
        if actor is not None:
            actor.step()
        return real(*given, **more)

    return call


def _locking(real: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """A lock that another holds is asked for again when something has happened: the order stays the test's."""

    def call(descriptor: int, how: int) -> None:
        actor: _Actor | None = getattr(_HERE, "actor", None)
        if actor is None or how & (fcntl.LOCK_NB | fcntl.LOCK_UN):
            real(descriptor, how)
            return
        actor.step()
        while True:
            try:
                real(descriptor, how | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                actor.waits = True
                actor.steps -= 1
                actor.step()

    return call
