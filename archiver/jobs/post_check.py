"""Check one watched post: capture it again, and conclude what that shows.

Where the platform does not show the post, a control is captured in the same run: another post of that platform. Where a second
proxy is set, the second look goes out by it at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archiver.capture.options import CaptureOptions
from archiver.casework.diff import posts_with_digests
from archiver.jobs.attempts import Attempts
from archiver.jobs.controls import Controls
from archiver.jobs.job import Ended
from archiver.jobs.one_reading import one_reading
from archiver.jobs.queue import JobAttempt
from archiver.jobs.watch import (
    NOT_SHOWN,
    SHOWN,
    Concluded,
    MissedLook,
    Sight,
    Watch,
    cannot_tell,
    is_there,
    not_shown,
    seen,
    sight,
)
from archiver.lookup.rereading import Rereading
from spiders.platforms import platform_named
from spiders.targets import Target, parse_target

FIRST, SECOND = 1, 3
"""Numbers of the captures of an attempt: the two looks. The control of each has the number after it."""


class PostCheck:
    """One check of a watched post."""

    def __init__(self, attempts: Attempts, attempt: JobAttempt, watch: Watch) -> None:
        self._attempts, self._attempt, self._watch = attempts, attempt, watch
        self._home = attempts.home
        self._controls = Controls(self._home, attempts.shared, watch, attempts.queue.secrets)
        self._moment = self._home.clock()
        self._reading = Rereading(self._home)
        self._captures: list[str] = []

    async def run(self, target: Target, options: CaptureOptions) -> tuple[Ended, Concluded | None]:
        """Capture the post, and what else is needed to tell whether it is there.

        Returns how the attempt ended, and what follows for the watch: None where a check before a kill has concluded
        it. Raises `EvidenceError`.
        """
        first = await self._capture(target, options, FIRST)
        capture = first.captures[0] if first.captures else ""
        if capture and self._watch.looked == capture:  # concluded before a kill
            return first, None
        found = self._sight(capture, target) if first.outcome in SHOWN else None
        if found is not None:
            self._controls.remember()
            return first, self._seen(self._watch, found, target)
        if first.outcome not in NOT_SHOWN or not (records := self._answers(capture, target.platform)):
            return first, cannot_tell(self._watch, first.reason or str(first.outcome))
        concluded = await self._missed(target, options, first, records, FIRST)
        if concluded.watch.state == "missing" and self._home.config.second_proxy:
            self._watch = concluded.watch
            concluded = await self._second(target, replace(options, second_proxy=True), concluded)
        return first._replace(captures=tuple(self._captures)), concluded

    def _seen(self, watch: Watch, found: Sight, target: Target) -> Concluded:
        compared = None
        if watch.sight is not None:
            line = self._line(found.capture, target)
            compared = one_reading(self._reading, watch.sight, found, line.get("id") if line else None)
        return seen(watch, found, self._moment, compared)

    async def _capture(self, target: Target, options: CaptureOptions, part: int, link: str = "") -> Ended:
        ended = await self._attempts.capture(self._attempt, target, options, part, link)
        self._captures += ended.captures
        return ended

    async def _second(self, target: Target, options: CaptureOptions, first: Concluded) -> Concluded:
        """Look a second time, by the second proxy. Where that cannot tell, the first look stands until the next check."""
        ended = await self._capture(target, options, SECOND)
        capture = ended.captures[0]
        found = self._sight(capture, target) if ended.outcome in SHOWN else None
        if found is not None:
            return self._seen(replace(self._watch, state="present"), found, target)
        records = self._answers(capture, target.platform) if ended.outcome in NOT_SHOWN else []
        if not records:
            return first
        then = await self._missed(target, options, ended, records, SECOND)
        return then if then.watch.looks != self._watch.looks else first

    async def _missed(
        self, target: Target, options: CaptureOptions, ended: Ended, records: list[str], part: int
    ) -> Concluded:
        """Conclude what it means that the platform did not show the post: nothing, unless it shows a control."""
        control = await self._control(target, options, part + 1)
        if control is None:
            return cannot_tell(
                self._watch, f"{ended.reason}; but no other post of {target.platform} was answered in the same run"
            )
        row = self._home.catalog.capture(ended.captures[0])
        assert row is not None
        look = MissedLook(
            ended.captures[0], self._attempts.ledger, row["opened"], str(ended.outcome), ended.reason, tuple(records),
            control, "second" if options.second_proxy else None,
        )  # fmt: skip
        return not_shown(self._watch, look, self._moment)

    def _answers(self, capture: str, platform: str) -> list[str]:
        """List the records in which the platform itself says that the post is not there; of a page, its server."""
        server = platform_named(platform).promise.server_speaks
        return [
            line["record"]
            for line in self._home.catalog.inventory(capture)
            if line.get("outcome") in NOT_SHOWN and line.get("record") and ("absence" in line or server)
        ]

    async def _control(self, target: Target, options: CaptureOptions, part: int) -> dict[str, Any] | None:
        """Capture another post of the platform. Returns its link, capture and records; None where none was answered."""
        bare = replace(options, media=False, media_reason="a control: only whether it is answered")
        for link in self._controls.candidates(target):
            other = parse_target(link)
            if not isinstance(other, Target):
                continue
            ended = await self._capture(other, bare, part, link)
            if ended.outcome in SHOWN and (found := self._sight(ended.captures[0], other)) is not None:
                return {"link": link, "capture": ended.captures[0], "records": [found.record]}
        return None

    def _sight(self, capture: str, target: Target) -> Sight | None:
        """Return how a capture shows the post of the target; None where it does not."""
        row = self._home.catalog.capture(capture)
        if row is None:
            return None
        line = self._line(capture, target)
        return sight(line, capture, self._attempts.ledger, row["opened"]) if line is not None else None

    def _line(self, capture: str, target: Target) -> dict[str, Any] | None:
        """Return what a capture read of the post of the target, with the digests of its files."""
        lines = list(posts_with_digests(self._home, capture).values())
        of_target = [line for line in lines if line.get("role", "target") == "target" and is_there(line)]
        named = [line for line in of_target if line.get("id") == target.id]
        return next(iter(named or of_target), None)
