"""What a job is, and what its outcome means for trying it again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from archiver.capture.options import Options
from spiders.posts import Outcome
from storage.canonical import dumps
from storage.digest import sha256
from storage.times import utc_parse, utc_text

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
PRIORITIES = {"urgent": 1, "normal": 10, "low": 100}
"""What comes first. A lower number is taken first."""

PAUSES: Mapping[Outcome, tuple[float, ...]] = {
    Outcome.BLOCKED: (15 * 60, 60 * 60, 4 * 3600, 12 * 3600, 24 * 3600),
    Outcome.FAILED: (60, 5 * 60, 30 * 60, 3 * 3600),
}
"""Seconds before each further try. A host that blocks is left alone for long; what failed on our side is tried again sooner.

After the last the job is dead: it stays listed with its reason until a person retries it. Every other outcome is the
platform's answer or ours by choice, and asking again would change nothing.
"""
INTERRUPTED = "interrupted"
INTERRUPTIONS = 5
"""A job that was interrupted so often, by kills or stops, is dead: it may be what kills its worker."""


def known(cls: type[Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a worker of a later version has put beside it."""
    names = {one.name for one in fields(cls)}
    return {key: item for key, item in value.items() if key in names}


@dataclass(frozen=True)
class Job:
    """One link to be captured or walked. `options`: the fields of `Options` that differ from its defaults."""

    id: str
    kind: str
    """`capture` or `crawl`."""
    link: str
    options: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    """What asked for it: `schedule`, `watch` or `feed` with its id."""

    def value(self) -> dict[str, Any]:
        value = {"id": self.id, "kind": self.kind, "link": self.link, "options": dict(self.options)}
        return {**value, "about": dict(self.about)} if self.about else value

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Job:
        """Raises `KeyError`, `TypeError` where a worker of another version wrote it."""
        return cls(
            str(value["id"]),
            str(value["kind"]),
            str(value["link"]),
            dict(value["options"]),
            dict(value.get("about", {})),
        )


def packed(options: Options) -> dict[str, Any]:
    """Options as JSON: what differs from the defaults."""
    plain, found = asdict(Options()), {}
    for name, value in asdict(options).items():
        if value != plain[name]:
            found[name] = utc_text(value) if isinstance(value, datetime) else value
    return found


def unpacked(value: Mapping[str, Any]) -> Options:
    """Raises `TypeError` for an option that this version does not know: another must do that job."""
    read = dict(value)
    for name in ("since", "until"):
        if name in read:
            read[name] = utc_parse(read[name])
    if "cases" in read:
        read["cases"] = tuple(read["cases"])
    return Options(**read)


def letters(value: Mapping[str, Any]) -> str:
    """Eight letters that follow from a value: the end of an id that has to be the same each time."""
    number = int.from_bytes(sha256(dumps(dict(value)))[:5], "big")
    return "".join(LETTERS[number >> (5 * place) & 31] for place in range(8))


def capture_id(job: str, attempt: int, begun: datetime, ledger: str = "") -> str:
    """The id of the capture that an attempt makes in a home, the same each time the attempt is carried out there.

    `begun`: when it was begun first, as the queue remembers it. Ids sort by it, and recovery reads it. `ledger`: the name of the
    home's, so that two homes which both carried it out (after a takeover) hold two captures with two ids.
    """
    end = letters({"attempt": attempt, "job": job, "ledger": ledger})
    return f"{begun:%Y%m%dT%H%M%S}-{end}"


@dataclass(frozen=True)
class Verdict:
    """What is done after an attempt. `again`: seconds until the next, None where there is none."""

    state: str
    """`done`, `again` or `dead`."""
    again: float | None = None


def verdict(outcome: Outcome, reason: str | None, attempts: Mapping[str, int]) -> Verdict:
    """`attempts`: how many ended so, this one included, by outcome or as `interrupted`."""
    if interrupted(outcome, reason):
        if attempts.get(INTERRUPTED, 0) >= INTERRUPTIONS:
            return Verdict("dead")
        return Verdict("again", 0.0)
    pauses = PAUSES.get(outcome)
    if pauses is None:
        return Verdict("done")
    count = attempts.get(str(outcome), 1)
    return Verdict("dead") if count > len(pauses) else Verdict("again", pauses[count - 1])


def interrupted(outcome: Outcome, reason: str | None) -> bool:
    """Whether an attempt was cut off by a kill, a stop or a crash, not by what it met."""
    return outcome is Outcome.PARTIAL and (reason or "").startswith(INTERRUPTED)


Ended = tuple[Outcome, str | None, tuple[str, ...]]
"""(outcome, reason, captures) of an attempt."""
