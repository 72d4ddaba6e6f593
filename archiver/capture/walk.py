"""A walk in parts, and then what the walk has found, each in a capture of its own.

How far a walk has come is remembered after each page, once everything on it has its outcome. A killed walk goes on
there; what the interrupted part had kept beyond it is read from that part's inventory and not taken twice. A post of
which a file could not be fetched is among what the walk has found: it is captured by itself at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from archiver.capture.engine import CaptureEngine
from archiver.capture.options import CaptureOptions
from archiver.capture.outcomes import RETRIED, STOPPED_BY_PERSON, TRIED_AGAIN
from archiver.capture.result import CaptureResult
from archiver.capture.walk_state import KEPT, KNOWN, WalkState
from archiver.home.home import Home
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage.errors import EvidenceError
from storage.lines import read_lines
from storage.state import RunState
from storage.times import utc_text

NOTHING_THERE = (Outcome.UNAVAILABLE, Outcome.REFUSED, Outcome.SKIPPED)
"""A walk whose first page ends so has nothing to continue with."""


@dataclass
class Walk:
    """One walk. `on_part` is called with the result of each capture."""

    engine: CaptureEngine
    target: Target
    options: CaptureOptions
    on_part: Callable[[CaptureResult], None]
    at_once: int = 2
    named: str | None = None
    """The id of the run, where it follows from a job. A run of that id that reached its end is not walked again."""
    alone: bool = False
    """It goes on with no other run, and none with it: what is there now is looked at, from its beginning.

    What it finds is not captured: a look at a list is no reason to ask for everything in it once more.
    """
    results: list[CaptureResult] = field(default_factory=list)
    failed: list[tuple[str, EvidenceError]] = field(default_factory=list)

    async def run(self, restart: bool = False) -> list[CaptureResult]:
        """Walk to the end and capture what was found. Raises `StorageError`, `ArchiverError`."""
        home = self.engine.home
        asked = _asked(self.options) | {"alone": self.alone}
        begun = home.state.run(self.named) if self.named is not None else None
        if begun is not None and begun.done:
            return self.results
        state = begun if self.alone else None if restart else unfinished(home, self.target, self.options)
        if state is None:
            run = self.named or home.new_capture_id(home.clock())
            state = RunState(run, self.target.key, 0, None, False, asked)
            home.state.save_run(state)
        walk = WalkState(home, state, kept_before(home, state))
        if self.options.limit is not None:
            walk.left = max(0, self.options.limit - kept_in_all(home, state.run))
        if not state.options.get("walked"):
            await self._parts(walk)
        if not self.alone:
            await self._found(walk)
        return self.results

    async def _parts(self, walk: WalkState) -> None:
        home = self.engine.home
        while not self.engine.stopping and walk.left != 0:
            walk.state = replace(walk.state, parts=walk.state.parts + 1)
            home.state.save_run(walk.state)
            narrowed = replace(self.options, limit=walk.left)
            result = await self.engine.part(self.target, narrowed, walk)
            self.results.append(result)
            self.on_part(result)
            if walk.left is not None:
                walk.left = max(0, walk.left - result.posts)
            if result.walk_ended or walk.left == 0:
                self._walked(walk)
                return
            if not result.part_full:
                if result.outcome in NOTHING_THERE:
                    self._walked(walk)
                return
            if not walk.known:  # what comes after this part needs nothing of it any more
                walk.state = replace(walk.state, options={**walk.state.options, "at": walk.state.parts + 1})
        if walk.left == 0:
            self._walked(walk)

    def _walked(self, walk: WalkState) -> None:
        left = not self.alone and bool(self.engine.home.state.frontier(walk.state.run))
        options = {**walk.state.options, "walked": True}
        walk.state = replace(walk.state, done=not left, options=options)
        self.engine.home.state.save_run(walk.state)

    async def _found(self, walk: WalkState) -> None:
        """Capture what the walk has found. What was blocked or failed is tried again the next time."""
        home, slots = self.engine.home, asyncio.Semaphore(self.at_once)
        parts = walk.state.parts

        async def one(number: int, key: str, link: str) -> None:
            async with slots:
                found = parse_target(link)
                if self.engine.stopping or not isinstance(found, Target):
                    return
                options = replace(self.options, limit=None, since=None, until=None)
                try:
                    result = await self.engine.capture(found, options, walk.state.run, number)
                except EvidenceError as error:
                    self.failed.append((link, error))
                    return
                self.results.append(result)
                self.on_part(result)
                if result.outcome not in RETRIED and result.reason != STOPPED_BY_PERSON:
                    home.state.frontier_done(walk.state.run, key)

        todo = home.state.frontier(walk.state.run)
        if todo:
            walk.state = replace(walk.state, parts=parts + len(todo))
            home.state.save_run(walk.state)
        await asyncio.gather(*(one(parts + n, key, link) for n, (key, link) in enumerate(todo, 1)))
        if walk.state.options.get("walked") and not home.state.frontier(walk.state.run):
            home.state.save_run(replace(walk.state, done=True))


def _asked(options: CaptureOptions) -> dict[str, Any]:
    """What makes two walks of one target the same walk."""
    return {
        "since": utc_text(options.since) if options.since else None,
        "until": utc_text(options.until) if options.until else None,
        "media": options.media,
        "comments": options.comments,
        "by": options.account,
        "oldest_first": options.oldest_first,
        "alone": False,
    }


def unfinished(home: Home, target: Target, options: CaptureOptions) -> RunState | None:
    """Return the walk of that target with the same options that did not reach its end, or None."""
    asked = _asked(options)
    older = {"by": None, "oldest_first": False, "alone": False}  # what a run of an older release could only be
    runs = home.state.unfinished_runs(target.key)
    return next(
        (
            run
            for run in runs
            if all(run.options.get(name, older.get(name, value)) == value for name, value in asked.items())
        ),
        None,
    )


def kept_in_all(home: Home, run: str) -> int:
    """Count the posts that all parts of a run have kept so far."""
    kept = {
        line["key"]
        for row in home.catalog.run(run)
        for line in read_lines(home.path / row["folder"] / "inventory.jsonl")
        if line.get("kind") == "post" and line.get("outcome") in KEPT
    }
    return len(kept)


def kept_before(home: Home, state: RunState) -> set[str]:
    """Return the keys of posts that were kept beyond the last checkpoint, by parts that were killed.

    A post is not among them where a file of it broke off: it is taken anew, with its files.
    """
    kept: set[str] = set()
    for row in home.catalog.run(state.run):
        if row["part"] < state.options.get("at", 1) or row["outcome"] != Outcome.PARTIAL:
            continue
        whole, lacking = set(), set()
        for line in read_lines(home.path / row["folder"] / "inventory.jsonl"):
            key, outcome = line.get("key"), line.get("outcome")
            if not isinstance(key, str) or not key.startswith("post "):
                continue
            if "#" in key:
                lacking |= {key.partition(" #")[0]} if outcome in TRIED_AGAIN else set()
            elif outcome in KEPT or (outcome == Outcome.SKIPPED and line.get("reason") == KNOWN):
                whole.add(key)
        kept |= whole - lacking
    return kept
