"""Define a job, and decide from the outcome of an attempt whether it is tried again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple

from archiver.capture.options import CaptureOptions
from spiders.posts import Outcome
from storage.canonical import dumps
from storage.digest import sha256
from storage.times import utc_parse, utc_text

REFUSED = "refused"
"""Kind of what stands in the queue and is no job: somebody else wrote it."""
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
PRIORITIES = {"urgent": 1, "normal": 10, "low": 100}
"""Order of jobs in the queue: a lower number is taken first."""

PAUSES: Mapping[Outcome, tuple[float, ...]] = {
    Outcome.BLOCKED: (15 * 60, 60 * 60, 4 * 3600, 12 * 3600, 24 * 3600),
    Outcome.FAILED: (60, 5 * 60, 30 * 60, 3 * 3600),
}
"""Seconds before each retry. A host that blocks is left alone for long; what failed on our side is retried sooner.

After the last retry the job is dead: it stays listed with its reason until a person retries it. Every other outcome is the
platform's answer or our own choice, and asking again would change nothing.
"""
UNOPENED = "unopened"
UNOPENED_PAUSES = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 5 * 60.0, 30 * 60.0, 3 * 3600.0)
"""Seconds before each retry of a job whose link no key of the machine opens, so that another machine may take it."""
CASE_ELSEWHERE = "case elsewhere"
"""Counts how often a worker met a job whose case its home does not have."""
INTERRUPTED = "interrupted"
INTERRUPTIONS = 5
"""After this many interruptions, by kills or stops, a job is dead: it may be what kills its worker."""


def known(cls: type[Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the keys that `cls` has no field for: a worker of a later version wrote them."""
    names = {one.name for one in fields(cls)}
    return {key: item for key, item in value.items() if key in names}


@dataclass(frozen=True)
class Job:
    """One link to be captured or crawled.

    `options` holds the fields of `CaptureOptions` that differ from its defaults.
    """

    id: str
    kind: str
    """`capture`, `crawl` or `watch`."""
    link: str
    options: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    """What asked for the job: `schedule`, `watch` or `feed` with its id."""
    private: str | None = field(default=None, repr=False)
    """The true link where `link` is masked, encrypted: see `jobs/queue_secrets.py`."""

    def value(self) -> dict[str, Any]:
        """Return the job as it is stored in the queue."""
        # Among the options, where a worker of an earlier release, which would ask for the masked link, refuses what it does not know.
        options = {**self.options, "private": self.private} if self.private is not None else dict(self.options)
        value = {"id": self.id, "kind": self.kind, "link": self.link, "options": options}
        return {**value, "about": dict(self.about)} if self.about else value

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Job:
        """Read what `value` returned. Raises `KeyError`, `TypeError` where a worker of another version wrote it."""
        options = dict(value["options"])
        private = options.pop("private", None)
        return cls(
            str(value["id"]),
            str(value["kind"]),
            str(value["link"]),
            options,
            dict(value.get("about", {})),
            None if private is None else str(private),
        )


def packed(options: CaptureOptions) -> dict[str, Any]:
    """Return the options that differ from the defaults, as JSON."""
    plain, found = asdict(CaptureOptions()), {}
    for name, value in asdict(options).items():
        if value != plain[name]:
            found[name] = utc_text(value) if isinstance(value, datetime) else value
    return found


def unpacked(value: Mapping[str, Any]) -> CaptureOptions:
    """Read what `packed` returned.

    Raises `TypeError` for an option that this version does not know (another version must do that job), `ValueError`
    for a time that cannot be read.
    """
    read = dict(value)
    for name in ("since", "until"):
        if name in read:
            read[name] = utc_parse(read[name])
    if "cases" in read:
        read["cases"] = tuple(read["cases"])
    return CaptureOptions(**read)


def letters(value: Mapping[str, Any]) -> str:
    """Derive eight letters from a value, for the end of an id that must be the same each time."""
    number = int.from_bytes(sha256(dumps(dict(value)))[:5], "big")
    return "".join(LETTERS[number >> (5 * place) & 31] for place in range(8))


def derived(*parts: str) -> str:
    """Derive eight letters from texts."""
    return letters({"of": list(parts)})


def capture_id(job: str, attempt: int, begun: datetime, ledger: str = "") -> str:
    """Return the id of the capture that an attempt makes in a home.

    It is the same each time the attempt is carried out there. `begun` is when the attempt first began, as the queue
    remembers it; ids sort by it, and recovery reads it. `ledger` names the home's ledger, so that two homes which both
    carried the attempt out (after a takeover) hold two captures with two ids.
    """
    end = letters({"attempt": attempt, "job": job, "ledger": ledger})
    return f"{begun:%Y%m%dT%H%M%S}-{end}"


@dataclass(frozen=True)
class RetryDecision:
    """Decision on what follows an attempt."""

    state: str
    """`done`, `again` or `dead`."""
    again: float | None = None
    """Seconds until the next attempt; None where there is none."""


def decide_retry(outcome: Outcome, reason: str | None, attempts: Mapping[str, int]) -> RetryDecision:
    """Decide whether a job is tried again.

    `attempts` counts how its attempts ended, this one included: by outcome, or as `interrupted`.
    """
    if interrupted(outcome, reason):
        if attempts.get(INTERRUPTED, 0) >= INTERRUPTIONS:
            return RetryDecision("dead")
        return RetryDecision("again", 0.0)
    pauses = PAUSES.get(outcome)
    if pauses is None:
        return RetryDecision("done")
    count = attempts.get(str(outcome), 1)
    return RetryDecision("dead") if count > len(pauses) else RetryDecision("again", pauses[count - 1])


def interrupted(outcome: Outcome, reason: str | None) -> bool:
    """Return whether an attempt was cut off by a kill, a stop or a crash, and not by what it met."""
    return outcome is Outcome.PARTIAL and (reason or "").startswith(INTERRUPTED)


class Ended(NamedTuple):
    """End of an attempt, or of one capture or crawl of it."""

    outcome: Outcome
    reason: str | None
    captures: tuple[str, ...]
