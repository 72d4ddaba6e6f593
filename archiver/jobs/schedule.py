"""Compute when something is done again and again: by an interval or by cron, in a time zone, with jitter. Pure.

A run belongs to the moment for which it was meant (`base`), never to the one at which a worker came round to it: nothing drifts, and
a job whose id follows from its base cannot be queued twice. Cron follows Debian's rules for daylight saving (cronsim): a time that a
day leaves out is run right after the gap, one that a day has twice is run once; an hourly schedule simply goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import UsageError
from archiver.jobs.job import known, letters
from storage.canonical import dumps
from storage.digest import sha256
from storage.times import utc_parse, utc_text

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)(?:ec(?:onds?)?|in(?:utes?)?|ours?|ays?|eeks?)?", re.IGNORECASE)
LATE = timedelta(minutes=5)
"""Without `catch_up`, a run that is later than this, because no worker was there, is skipped."""
LOOK_BACK = timedelta(days=2)
"""A repeated crawl goes back this far before the last one that was whole, for what was posted late or edited soon."""
FASTER, SLOWER = 0.5, 1.5
"""Factors of the interval after a run that found something new, and after one that did not."""


def span(text: str) -> float:
    """Parse `90s`, `10m`, `2h`, `1d` or `1w` into seconds. Raises `ValueError`."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise ValueError(f"no span of time: {text!r}")
    return float(found[1]) * UNITS[found[2].lower()]


def span_of(text: str, flag: str) -> float:
    """Parse what a person gave for a flag into seconds. Raises `UsageError`."""
    try:
        return span(text)
    except ValueError as error:
        raise UsageError(f"{flag} as 90s, 10m, 2h or 1d", repr(text), "Give it in that form.") from error


def interval_words(seconds: float) -> str:
    """Format seconds as `span` parses them."""
    for unit in ("w", "d", "h", "m"):
        if seconds >= UNITS[unit] and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


@dataclass(frozen=True)
class Rule:
    """Rule of how often something is done: by an interval or by cron."""

    every: float | None = None
    """Seconds."""
    cron: str | None = None
    """Five fields, in `zone`."""
    zone: str = "UTC"

    @classmethod
    def read(cls, text: str) -> Rule:
        """Parse `every 10m`, `every day at 06:00 Asia/Almaty` or `cron 0 6 * * 1-5 Asia/Almaty`.

        Raises `UsageError`.
        """
        words = text.split()
        try:
            if daily := re.fullmatch(r"every day at (\d{1,2}):(\d\d)(?: (\S+))?", " ".join(words)):
                return cls(cron=f"{int(daily[2])} {int(daily[1])} * * *", zone=daily[3] or "UTC").checked()
            if words[:1] == ["cron"] and len(words) in (6, 7):
                return cls(cron=" ".join(words[1:6]), zone=words[6] if len(words) == 7 else "UTC").checked()
            if words[:1] == ["every"] and len(words) > 1:
                seconds = span(" ".join(words[1:]))
                if seconds < 10:
                    raise ValueError("less than ten seconds")
                return cls(every=seconds)
            raise ValueError(f"no rule: {text!r}")
        except ValueError as error:
            raise UsageError(
                "`every 10m`, `every day at 06:00 Asia/Almaty` or `cron 0 6 * * 1-5 Asia/Almaty`",
                str(error), "Write intervals like 90s, 10m, 2h, 1d or 1w; the shortest is ten seconds.",
            ) from error  # fmt: skip

    def checked(self) -> Rule:
        """Check the rule and return it. Raises `ValueError` for a zone or a time that does not exist."""
        from cronsim import CronSimError

        try:
            ZoneInfo(self.zone)
            next(self.moments(datetime(2026, 1, 1, tzinfo=UTC)))
        except (ZoneInfoNotFoundError, IsADirectoryError) as error:
            raise ValueError(f"no such time zone: {self.zone}") from error
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"no such moment: {self.cron}") from error
        return self

    def moments(self, after: datetime) -> Iterator[datetime]:
        """Yield the moments after `after`, in UTC; those of an interval are counted from it."""
        if self.every is not None:
            while True:
                after += timedelta(seconds=self.every)
                yield after
        from cronsim import CronSim

        assert self.cron is not None
        local = after.astimezone(ZoneInfo(self.zone))
        for moment in CronSim(self.cron, local):
            yield moment.astimezone(UTC)

    def __str__(self) -> str:
        return f"every {interval_words(self.every)}" if self.every is not None else f"cron {self.cron} {self.zone}"


@dataclass(frozen=True)
class Schedule:
    """A capture or crawl of one link that is repeated, and when."""

    id: str
    kind: str
    """`capture` or `crawl`."""
    link: str
    options: Mapping[str, Any]
    rule: Rule
    base: datetime
    """The moment for which the next run is meant."""
    jitter: float = 0.0
    """Each run is delayed by up to this many seconds, the same run by the same: twenty schedules do not all ask at six."""
    busy: float | None = None
    """Shortest interval in seconds, of a channel where much is new."""
    quiet: float | None = None
    """Longest interval in seconds, of a channel where nothing is new."""
    interval: float | None = None
    """The interval that holds now; None where the rule alone decides."""
    catch_up: bool = True
    """Whether the last of the runs that no worker was available for is done late."""
    last: str | None = None
    """The job of the last run."""
    last_base: datetime | None = None
    whole: datetime | None = None
    """The moment up to which everything is kept: the base of the last run that was whole."""
    runs: int = 0
    skipped: int = 0
    """How many runs were skipped because the one before had not ended."""
    missed: int = 0
    """How many runs no worker was available for."""

    @property
    def due(self) -> datetime:
        """Time at which the next run is due, jitter included."""
        share = int.from_bytes(sha256(dumps({"schedule": self.id, "base": utc_text(self.base)}))[:4], "big") / 2**32
        return self.base + timedelta(seconds=self.jitter * share)

    def job(self) -> str:
        """Return the id of the job of the next run. It sorts by the moment for which the run is meant."""
        return f"{self.base:%Y%m%dT%H%M%S}-" + letters({"schedule": self.id, "run": utc_text(self.base)})

    def step(self) -> timedelta | None:
        """Return the interval that holds now; None where the rule alone decides."""
        return timedelta(seconds=self.interval) if self.interval is not None else None

    def following(self, base: datetime) -> datetime:
        """Return the moment for which the run after the one at `base` is meant."""
        step = self.step()
        return base + step if step is not None else next(self.rule.moments(base))

    def nexts(self, count: int) -> list[datetime]:
        """List the moments for which the next runs are meant."""
        found = [self.base]
        while len(found) < count:
            found.append(self.following(found[-1]))
        return found

    def due_now(self, now: datetime) -> tuple[Schedule, datetime | None]:
        """Move on past a run that has become due.

        Returns the schedule after it, and the base of the run to begin: of several that no worker was available for the
        last, or None without `catch_up`.
        """
        base, missed = self.base, 0
        while (coming := self.following(base)) <= now:
            base, missed = coming, missed + 1
        left_out = not self.catch_up and now - replace(self, base=base).due > LATE
        after = replace(self, base=coming, missed=self.missed + missed + left_out)
        return after, None if left_out else base

    def learned(self, fresh: int | None) -> Schedule:
        """Adapt the interval to how many posts the last run found new; None where that is unknown."""
        if self.busy is None or self.quiet is None or self.interval is None or fresh is None:
            return self
        changed = self.interval * (FASTER if fresh else SLOWER)
        return replace(self, interval=min(self.quiet, max(self.busy, changed)))

    def value(self) -> dict[str, Any]:
        """Return the schedule as its entry stores it."""
        return {
            "kind": self.kind, "link": self.link, "options": dict(self.options), "rule": str(self.rule), "base": utc_text(self.base),
            "jitter": self.jitter, "busy": self.busy, "quiet": self.quiet, "interval": self.interval, "catch_up": self.catch_up,
            "last": self.last, "last_base": _text(self.last_base), "whole": _text(self.whole), "runs": self.runs,
            "skipped": self.skipped, "missed": self.missed,
        }  # fmt: skip

    @classmethod
    def of(cls, name: str, value: Mapping[str, Any]) -> Schedule:
        """Read what `value` returned, also of a later version."""
        read = dict(value)
        for key in ("base", "last_base", "whole"):
            read[key] = utc_parse(read[key]) if read[key] else None
        return cls(id=name, **known(cls, {**read, "rule": Rule.read(read["rule"])}))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def begun(schedule: Schedule, base: datetime) -> Schedule:
    """Return the schedule with its next run meant for `base`."""
    return replace(schedule, base=base)


def since(schedule: Schedule) -> datetime | None:
    """Return how far back a crawl goes: not over what an earlier run has kept whole."""
    return schedule.whole - LOOK_BACK if schedule.kind == "crawl" and schedule.whole is not None else None
