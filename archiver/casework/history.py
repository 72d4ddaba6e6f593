"""One post as it was seen over time, with its edits and its removal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver.capture.post_digests import attached, other_files
from archiver.errors import NotFound
from archiver.home.home import Home
from archiver.home.visibility import is_hidden
from archiver.lookup.rereading import OTHER_VERSION, Rereading
from spiders.link_forms import Form
from spiders.platforms import platform_named
from spiders.targets import Target, parse_target
from storage.post_lines import words

SHOWN = ("text", "title", "attachments", "reply_to", "forwarded_from", "album_ids")
"""What of a post makes an observation differ from the one before."""

IF_SAID = ("edited", "author_handle", "author_name")
"""These too, where both say it: not every page of a platform does."""

WATCHED = ("changed", "unavailable", "seen-again")
"""Events of what watches find."""


@dataclass(frozen=True)
class Observed:
    """Observation of the post by one capture.

    `changed`: the fields that differ from the observation before; all for the first.
    """

    when: str
    capture: str
    line: dict[str, Any]
    changed: tuple[str, ...]
    first: bool
    hidden: bool
    unsure: str | None = None
    """Why it cannot be told what has changed since the observation before."""


@dataclass(frozen=True)
class Removed:
    """Statement of the platform that the post was removed. `event`: the body."""

    when: str
    event: dict[str, Any]


@dataclass(frozen=True)
class WatchFinding:
    """Finding of a watch: the post changed, gone or back. `event`: the body."""

    when: str
    event: dict[str, Any]
    hidden: bool


@dataclass(frozen=True)
class PostHistory:
    """Everything that is known of a post, in order of time."""

    post: str
    entries: tuple[Observed | Removed | WatchFinding, ...]

    @property
    def observations(self) -> int:
        """Number of captures that have it."""
        return sum(isinstance(entry, Observed) for entry in self.entries)

    @property
    def removals(self) -> int:
        """Number of removals that the platform told of."""
        return sum(isinstance(entry, Removed) for entry in self.entries)


def post_history(home: Home, named: str) -> PostHistory:
    """Read the history of a post, named by its link or its id. Raises `NotFound` where nothing has seen it."""
    post = post_of(named)
    found: list[Observed | Removed | WatchFinding] = [*_observed(home, post)]
    found += [Removed(body["time"], body) for body in home.catalog.removals(post)]
    found += [
        WatchFinding(body["time"], body, is_hidden(home, body["detail"]["capture"], post))
        for body in home.catalog.events_about(post, WATCHED)
    ]
    if not found:
        raise NotFound(f"observations of {post!r}", "none", "Search for it: archiver find TEXT")
    return PostHistory(post, tuple(sorted(found, key=lambda entry: entry.when)))


def _observed(home: Home, post: str) -> list[Observed]:
    found: list[Observed] = []
    reading = Rereading(home)
    rows = [(row["seen"] or row["opened"], row) for row in home.catalog.observations(post)]
    for when, row in sorted(rows, key=lambda pair: pair[0]):
        line = json.loads(row["line"])
        changed: tuple[str, ...] = SHOWN
        unsure = None
        if found:
            pair = reading.pair(found[-1].line, found[-1].capture, line, row["capture"])
            changed, unsure = (tuple(_changed(*pair)), None) if pair is not None else ((), OTHER_VERSION)
        hidden = is_hidden(home, row["capture"], post)
        found.append(Observed(when, row["capture"], line, changed, not found, hidden, unsure))
    return found


def post_of(text: str) -> str:
    """Return a post's id, from its link or as it stands in the captures."""
    target = parse_target(text) if "/" in text and "." in text else None
    if not isinstance(target, Target) or target.form is not Form.KNOWN:
        return text
    named = platform_named(target.platform).links.post_id(target)
    return text if named is None else named


def _changed(before: Mapping[str, Any], line: Mapping[str, Any]) -> list[str]:
    def differs(name: str) -> bool:
        if name == "attachments":  # their links differ each time
            return other_files(attached(before), attached(line))
        if name == "text":
            return words(before) != words(line)
        return bool(before.get(name) != line.get(name))

    said = [name for name in IF_SAID if None not in (before.get(name), line.get(name))]
    return [name for name in (*SHOWN, *said) if differs(name)]
