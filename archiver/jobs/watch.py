"""Watching posts: what is remembered of the last look, what has changed since, and what may be concluded. Pure.

That a post is unavailable is said only when all of this is there: the platform's own recorded answer that it is, in two looks, the
second a while later or by another way out; and in each look another post of that platform that was answered. A wall, a rate limit, an
outage or a fault of ours says nothing about the post, and is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from archiver.capture.post_digests import attached, other_files
from archiver.jobs.job import known
from spiders.posts import Outcome
from storage.digest import sha256_hex
from storage.times import utc_parse, utc_text

SECOND_LOOK = 3600.0
"""Seconds between the look that first missed a post and the one that may confirm it."""
CANNOT_TELL = "could not tell"
SOON = 900.0
"""Seconds until the next look where this one could not tell."""
AGE_SHARE = 0.05
"""A post that has not changed for twenty days is looked at each day."""
RAREST = 30 * 86400.0
GONE_TIMES = 8
"""What is gone is looked at so much more rarely: it may come back."""
NOT_SHOWN = (Outcome.UNAVAILABLE, Outcome.REFUSED)
COUNTS = ("views", "likes", "replies", "reposts", "quotes", "bookmarks")


@dataclass(frozen=True)
class Sight:
    """One observation of a post, as far as it is needed for the next comparison: digests instead of words."""

    capture: str
    ledger: str
    record: str | None
    at: str
    """UTC, as the record was made."""
    text: str
    """SHA-256 of title and text."""
    edited: Any
    author: Sequence[str | None]
    """Id, handle, name."""
    attachments: Sequence[Sequence[Any]]
    """Of each: `FILE_FACTS`, and the SHA-256 where the look has the file."""
    counts: Mapping[str, int]
    limits: str | None = None
    """Why it is not the whole post: what the platform showed leaves words or files out, and is compared with its like only."""
    again: Mapping[str, Any] | None = None
    """Where the post was seen last, if that showed less than this."""

    def value(self) -> dict[str, Any]:
        return {
            "capture": self.capture, "ledger": self.ledger, "record": self.record, "at": self.at, "text": self.text,
            "edited": self.edited, "author": list(self.author), "attachments": [list(one) for one in self.attachments],
            "counts": dict(self.counts), "limits": self.limits, "again": dict(self.again) if self.again else None,
        }  # fmt: skip

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Sight:
        return cls(**known(cls, value))

    def place(self) -> dict[str, Any]:
        """Where it is kept."""
        return {"capture": self.capture, "ledger": self.ledger, "record": self.record, "at": self.at}

    def last(self) -> dict[str, Any]:
        """Where the post was seen last."""
        return dict(self.again or self.place())


def is_there(line: Mapping[str, Any]) -> bool:
    """Whether a line of posts.jsonl shows the post, whole or in part; others say that there is none, or that we may not see it."""
    return line.get("outcome", Outcome.CAPTURED) in (Outcome.CAPTURED, Outcome.PARTIAL)


def sight(line: Mapping[str, Any], capture: str, ledger: str, at: str) -> Sight:
    """Of a line of posts.jsonl."""
    words = json.dumps([line.get("title"), line.get("text")], ensure_ascii=False)
    edited = (line.get("edited_at") or {}).get("value") or line.get("edited")
    author = [line.get("author_id"), line.get("author_handle"), line.get("author_name")]
    counts = {name: line[name] for name in COUNTS if line.get(name) is not None}
    return Sight(
        capture, ledger, line.get("record"), at, sha256_hex(words.encode()), edited, author, attached(line), counts,
        _limits(line),
    )  # fmt: skip


def _limits(line: Mapping[str, Any]) -> str | None:
    """A file that cannot be had makes a post partial, too, but it is all there to be compared."""
    of_files = {one.get("reason") for one in line.get("attachments") or []}
    partial = line.get("outcome") == Outcome.PARTIAL and line.get("reason") not in of_files
    return line.get("reason") if partial else None


def _said(attachments: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """As an event can say it: canonical JSON has no fractions, and a duration is one."""
    return [[str(fact) if isinstance(fact, float) else fact for fact in one] for one in attachments]


def changes(before: Sight, now: Sight) -> list[dict[str, Any]]:
    """What differs: field, before, after. Counts alone are no change: they move by themselves.

    Unknown is no difference: a page that does not say who wrote it has not renamed anybody.
    """
    found: list[dict[str, Any]] = []
    if before.limits != now.limits:
        return found

    def differs(name: str, old: Any, new: Any) -> None:
        if old != new and old is not None and new is not None:
            found.append({"field": name, "before": old, "after": new})

    differs("text", before.text, now.text)
    differs("edited", before.edited, now.edited)
    for name, old, new in zip(("account id", "account handle", "account name"), before.author, now.author, strict=True):
        differs(name, old, new)
    if other_files(before.attachments, now.attachments):
        differs("attachments", _said(before.attachments), _said(now.attachments))
    if found and before.counts != now.counts:
        found.append({"field": "counts", "before": dict(before.counts), "after": dict(now.counts)})
    return found


def kept(before: Sight | None, now: Sight) -> Sight:
    """What the next look is compared with. One that shows only a part of the post does not take the place of the whole."""
    if before is not None and before.limits is None and now.limits is not None:
        return replace(before, again=now.place())
    return now


@dataclass(frozen=True)
class Look:
    """A look in which the platform did not show the post."""

    capture: str
    ledger: str
    at: str
    outcome: str
    said: str | None
    records: tuple[str, ...]
    """The platform's own answers."""
    control: Mapping[str, Any]
    """Another post of the platform that was answered in the same run: link, capture, records."""
    exit: str | None = None
    """`second` where it was looked at by the second way out."""

    def value(self) -> dict[str, Any]:
        return {
            "capture": self.capture, "ledger": self.ledger, "at": self.at, "outcome": self.outcome, "said": self.said,
            "records": list(self.records), "control": dict(self.control), "exit": self.exit,
        }  # fmt: skip


@dataclass(frozen=True)
class Watch:
    """One post, or one channel, that is looked at again and again."""

    id: str
    link: str
    key: str
    """The target's, by which one post is watched once however its link is spelled."""
    platform: str
    kind: str
    """`post`, or `channel`: what is walked."""
    cases: tuple[str, ...]
    every: float
    made: str
    second_look: float = SECOND_LOOK
    steady: bool = False
    """As often for ever; else more rarely with age."""
    media: bool = False
    account: str | None = None
    state: str = "new"
    """`new`, `present`, `missing` (in one look), `unavailable` or `refused`."""
    sight: Sight | None = None
    changed: str | None = None
    """When it was last seen to have changed."""
    looks: tuple[Mapping[str, Any], ...] = ()
    """Those that missed it since it was last seen."""
    looked: str | None = None
    """The capture of the last look."""
    said: str | None = None
    """What the last look came to, in words."""
    job: str | None = None
    unsure: int = 0
    """How many looks in a row could not tell."""
    posts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of a channel: post → its sight in the last walk."""

    def value(self) -> dict[str, Any]:
        return {
            "link": self.link, "key": self.key, "platform": self.platform, "kind": self.kind, "cases": list(self.cases),
            "every": self.every, "made": self.made, "second_look": self.second_look, "steady": self.steady,
            "media": self.media, "account": self.account, "state": self.state,
            "sight": self.sight.value() if self.sight else None, "changed": self.changed,
            "looks": [dict(one) for one in self.looks], "looked": self.looked, "said": self.said, "job": self.job,
            "unsure": self.unsure,
            "posts": {key: dict(one) for key, one in self.posts.items()},
        }  # fmt: skip

    @classmethod
    def of(cls, name: str, value: Mapping[str, Any]) -> Watch:
        read = dict(value)
        read["cases"], read["looks"] = tuple(read["cases"]), tuple(read["looks"])
        read["sight"] = Sight.of(read["sight"]) if read["sight"] else None
        return cls(id=name, **known(cls, read))

    def wait(self, now: datetime) -> float:
        """Seconds until the next look, after one that could tell."""
        if self.state == "missing":
            return self.second_look
        wait = self.every
        if not self.steady:
            age = (now - utc_parse(self.changed or self.made)).total_seconds()
            wait = max(self.every, min(RAREST, age * AGE_SHARE))
        return min(RAREST, wait * GONE_TIMES) if self.state in NOT_SHOWN else wait


@dataclass(frozen=True)
class Concluded:
    """What a look comes to. `event`: (type, detail) for the ledger, or None."""

    watch: Watch
    wait: float
    event: tuple[str, dict[str, Any]] | None = None


def seen(watch: Watch, now: Sight, moment: datetime) -> Concluded:
    """The post was there."""
    before = watch.sight
    found = changes(before, now) if before is not None else []
    event: tuple[str, dict[str, Any]] | None = None
    about = {"link": watch.link, "watch": watch.id, **now.place()}
    if watch.state in NOT_SHOWN:
        event = ("seen-again", {**about, "missed": [dict(one) for one in watch.looks], "changes": found})
    elif found and before is not None:
        event = ("changed", {**about, "changes": found, "before": before.place()})
    said = (
        "first seen"
        if before is None
        else f"changed: {', '.join(one['field'] for one in found)}"
        if found
        else "as before"
    )
    said = f"{said}, in part: {now.limits}" if now.limits else said
    changed = now.at if found else watch.changed
    after = replace(
        watch,
        state="present",
        sight=kept(before, now),
        changed=changed,
        looks=(),
        looked=now.capture,
        said=said,
        unsure=0,
    )
    return Concluded(after, after.wait(moment), event)


def not_shown(watch: Watch, look: Look, moment: datetime) -> Concluded:
    """The platform answered that it does not show the post, and showed another."""
    looks = (*watch.looks, look.value())
    watch = replace(watch, unsure=0)
    if watch.state in NOT_SHOWN:  # known; only the last answer is kept beside the two that showed it
        after = replace(watch, looked=look.capture, said=f"still {watch.state}: {look.said}")
        return Concluded(after, after.wait(moment))
    after = replace(
        watch, state="missing", looks=looks, looked=look.capture, said=f"not shown in one look: {look.said}"
    )
    if not confirmed(looks, watch.second_look):
        return Concluded(after, after.wait(moment))
    last = watch.sight.last() if watch.sight is not None else None
    detail = {
        "link": watch.link, "watch": watch.id, "outcome": look.outcome, "said": look.said, "looks": [dict(one) for one in looks],
        "last_seen": last, "first_not_seen": looks[0]["at"],
    }  # fmt: skip
    after = replace(after, state=look.outcome, changed=look.at, said=f"{look.outcome}: {look.said}")
    return Concluded(after, after.wait(moment), ("unavailable", detail))


def confirmed(looks: Sequence[Mapping[str, Any]], apart: float) -> bool:
    """Whether two of the looks are apart in time, or went out by two ways."""
    if len(looks) < 2:
        return False
    first, last = looks[0], looks[-1]
    later = utc_parse(last["at"]) - utc_parse(first["at"]) >= timedelta(seconds=apart * 0.9)
    return later or len({one["exit"] for one in looks}) > 1


def cannot_tell(watch: Watch, reason: str) -> Concluded:
    """Nothing follows from this look, for the post or against it. Looked again soon, then less often, as often as it was to be."""
    after = replace(watch, said=f"{CANNOT_TELL}: {reason}", unsure=watch.unsure + 1)
    most = watch.second_look if watch.state == "missing" else watch.every
    return Concluded(after, max(SOON, min(most, SOON * 2 ** min(watch.unsure, 16))))


def new_watch(
    name: str, link: str, key: str, platform: str, kind: str, cases: Sequence[str], every: float, made: datetime
) -> Watch:
    return Watch(name, link, key, platform, kind, tuple(cases), every, utc_text(made))
