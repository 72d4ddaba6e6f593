"""Decide what the looks at a watched post show: what has changed, and what may be concluded. Pure.

A post is called unavailable only on all of this evidence: the platform's own recorded answer that it is, in two looks, the second
a while later or by another proxy; and in each look another post of that platform that was answered. A wall, a rate limit, an
outage or a fault of ours says nothing about the post, and is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from archiver.capture.post_digests import attached, other_files
from archiver.jobs.job import derived, known
from spiders.posts import COUNTS, Outcome
from spiders.targets import Target
from storage.digest import sha256_hex
from storage.times import utc_parse, utc_text

SECOND_LOOK = 3600.0
"""Seconds between the look that first missed a post and the one that may confirm it."""
CANNOT_TELL = "could not tell"
SOON = 900.0
"""Seconds until the next look after one that could not tell."""
AGE_SHARE = 0.05
"""Share of a post's age that lies between two looks: one that has not changed for twenty days is looked at each day."""
RAREST = 30 * 86400.0
"""Seconds that lie between two looks at most."""
GONE_TIMES = 8
"""How many times longer the interval of a post that is gone is: it may come back."""
CHANNEL_POSTS = 100
"""How many of a channel's newest posts each check crawls."""
SHOWN = (Outcome.CAPTURED, Outcome.PARTIAL)
NOT_SHOWN = (Outcome.UNAVAILABLE, Outcome.REFUSED)


@dataclass(frozen=True)
class Sight:
    """One observation of a post, as far as the next comparison needs it: digests instead of words."""

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
    """For each file: `FILE_FACTS`, and the SHA-256 where the look has the file."""
    counts: Mapping[str, int]
    limits: str | None = None
    """Why this is not the whole post: the platform left words or files out. It is compared with its like only."""
    again: Mapping[str, Any] | None = None
    """Where the post was last seen, if that showed less than this."""
    parser: str | None = None
    """Name and version of what read it; None in a watch that was stored before this was kept."""

    def value(self) -> dict[str, Any]:
        """Return the observation as watches store it."""
        return {
            "capture": self.capture, "ledger": self.ledger, "record": self.record, "at": self.at, "text": self.text,
            "edited": self.edited, "author": list(self.author), "attachments": [list(one) for one in self.attachments],
            "counts": dict(self.counts), "limits": self.limits, "again": dict(self.again) if self.again else None,
            "parser": self.parser,
        }  # fmt: skip

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Sight:
        """Read what `value` returned, also of a later version."""
        return cls(**known(cls, value))

    def place(self) -> dict[str, Any]:
        """Return where the observation is kept."""
        return {"capture": self.capture, "ledger": self.ledger, "record": self.record, "at": self.at}

    def last(self) -> dict[str, Any]:
        """Return where the post was last seen."""
        return dict(self.again or self.place())


def is_there(line: Mapping[str, Any]) -> bool:
    """Return whether a line of posts.jsonl shows the post, whole or in part.

    Other lines say that there is none, or that we may not see it.
    """
    return line.get("outcome", Outcome.CAPTURED) in SHOWN


def sight(line: Mapping[str, Any], capture: str, ledger: str, at: str) -> Sight:
    """Read an observation from a line of posts.jsonl."""
    words = json.dumps([line.get("title"), line.get("text")], ensure_ascii=False)
    edited = (line.get("edited_at") or {}).get("value") or line.get("edited")
    author = [line.get("author_id"), line.get("author_handle"), line.get("author_name")]
    counts = {name: line[name] for name in COUNTS if line.get(name) is not None}
    return Sight(
        capture, ledger, line.get("record"), at, sha256_hex(words.encode()), edited, author, attached(line), counts,
        _limits(line), parser=line.get("parser"),
    )  # fmt: skip


def _limits(line: Mapping[str, Any]) -> str | None:
    """Return why a post is partial, unless a missing file is why: such a post is all there to be compared."""
    of_files = {one.get("reason") for one in line.get("attachments") or []}
    partial = line.get("outcome") == Outcome.PARTIAL and line.get("reason") not in of_files
    return line.get("reason") if partial else None


def _said(attachments: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Write fractions as text: canonical JSON has none, and a duration is one."""
    return [[str(fact) if isinstance(fact, float) else fact for fact in one] for one in attachments]


def changes(before: Sight, now: Sight) -> list[dict[str, Any]]:
    """List what differs, each as (field, before, after).

    Counts alone are no change: they move by themselves. Unknown is no difference: a page that does not say who wrote
    it has not renamed anybody.
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
    """Choose what the next look is compared with: a part of the post does not take the place of the whole."""
    if before is not None and before.limits is None and now.limits is not None:
        return replace(before, again=now.place())
    return now


@dataclass(frozen=True)
class MissedLook:
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
    """`second` where the look went out by the second proxy."""

    def value(self) -> dict[str, Any]:
        """Return the look as watches and events store it."""
        return {
            "capture": self.capture, "ledger": self.ledger, "at": self.at, "outcome": self.outcome, "said": self.said,
            "records": list(self.records), "control": dict(self.control), "exit": self.exit,
        }  # fmt: skip


@dataclass(frozen=True)
class Watch:
    """A post or a channel that is checked again and again."""

    id: str
    link: str
    key: str
    """The target's key: one post is watched once, however its link is spelled."""
    platform: str
    kind: str
    """`post`; or `channel`, which is crawled."""
    cases: tuple[str, ...]
    every: float
    """Seconds between two looks, at first."""
    made: str
    second_look: float = SECOND_LOOK
    steady: bool = False
    """Whether the interval stays fixed; else it grows with age."""
    media: bool = False
    account: str | None = None
    state: str = "new"
    """`new`, `present`, `missing` (in one look), `unavailable` or `refused`."""
    sight: Sight | None = None
    changed: str | None = None
    """When a look last found a change."""
    looks: tuple[Mapping[str, Any], ...] = ()
    """The looks that missed the post since it was last seen."""
    looked: str | None = None
    """Id of the capture of the last look."""
    said: str | None = None
    """What the last look showed, in words."""
    job: str | None = None
    unsure: int = 0
    """How many looks in a row could not tell."""
    posts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For a channel: id of a post → its sight in the last crawl."""

    def value(self) -> dict[str, Any]:
        """Return the watch as its entry stores it."""
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
        """Read what `value` returned, also of a later version."""
        read = dict(value)
        read["cases"], read["looks"] = tuple(read["cases"]), tuple(read["looks"])
        read["sight"] = Sight.of(read["sight"]) if read["sight"] else None
        return cls(id=name, **known(cls, read))

    def wait(self, now: datetime) -> float:
        """Return the seconds until the next look, after one that could tell."""
        if self.state == "missing":
            return self.second_look
        wait = self.every
        if not self.steady:
            age = (now - utc_parse(self.changed or self.made)).total_seconds()
            wait = max(self.every, min(RAREST, age * AGE_SHARE))
        return min(RAREST, wait * GONE_TIMES) if self.state in NOT_SHOWN else wait


@dataclass(frozen=True)
class Concluded:
    """Conclusion from a look."""

    watch: Watch
    """The watch as it is now."""
    wait: float
    """Seconds until the next look."""
    event: tuple[str, dict[str, Any]] | None = None
    """Type and detail for the ledger."""


def seen(watch: Watch, now: Sight, moment: datetime, compared: tuple[Sight, Sight] | str | None = None) -> Concluded:
    """Conclude from a look that showed the post.

    `compared`: the sight of before and this one as one version of the parser reads both, or why there is no such
    reading; then nothing is concluded of changes, and the next look is compared with this one.
    """
    before = watch.sight
    unsure = compared if isinstance(compared, str) else None
    found: list[dict[str, Any]] = []
    if before is not None and unsure is None:
        found = changes(*(compared if isinstance(compared, tuple) else (before, now)))
    event: tuple[str, dict[str, Any]] | None = None
    about = {"link": watch.link, "watch": watch.id, **now.place()}
    if watch.state in NOT_SHOWN:
        event = ("seen-again", {**about, "missed": [dict(one) for one in watch.looks], "changes": found})
    elif found and before is not None:
        event = ("changed", {**about, "changes": found, "before": before.place()})
    said = (
        "first seen"
        if before is None
        else f"cannot tell: {unsure}"
        if unsure
        else f"changed: {', '.join(one['field'] for one in found)}"
        if found
        else "as before"
    )
    said = f"{said}, in part: {now.limits}" if now.limits else said
    changed = now.at if found else watch.changed
    after = replace(
        watch,
        state="present",
        sight=now if unsure else kept(before, now),
        changed=changed,
        looks=(),
        looked=now.capture,
        said=said,
        unsure=0,
    )
    return Concluded(after, after.wait(moment), event)


def not_shown(watch: Watch, look: MissedLook, moment: datetime) -> Concluded:
    """Conclude from a look in which the platform answered that it does not show the post, and showed another."""
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
    """Return whether two of the looks lie `apart` seconds apart, or went out by two proxies."""
    if len(looks) < 2:
        return False
    first, last = looks[0], looks[-1]
    later = utc_parse(last["at"]) - utc_parse(first["at"]) >= timedelta(seconds=apart * 0.9)
    return later or len({one["exit"] for one in looks}) > 1


def cannot_tell(watch: Watch, reason: str) -> Concluded:
    """Conclude nothing, neither for the post nor against it.

    The next look comes soon, later ones at growing intervals up to the usual.
    """
    after = replace(watch, said=f"{CANNOT_TELL}: {reason}", unsure=watch.unsure + 1)
    most = watch.second_look if watch.state == "missing" else watch.every
    return Concluded(after, max(SOON, min(most, SOON * 2 ** min(watch.unsure, 16))))


def new_watch(target: Target, kind: str, cases: Sequence[str], every: float, made: datetime) -> Watch:
    """Make a watch that has not looked yet. Its id follows from what it watches."""
    return Watch(
        derived(kind, target.key), target.url, target.key, target.platform, kind, tuple(cases), every, utc_text(made)
    )
