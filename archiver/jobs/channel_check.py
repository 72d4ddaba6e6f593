"""Check a watched channel: crawl its newest posts, and compare them with those of the last check.

New posts are captured, changed ones reported, and each one that is not listed any more gets a watch of its own: a list that
leaves a post out proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archiver.capture.options import CaptureOptions
from archiver.jobs.attempts import Attempts
from archiver.jobs.controls import Controls
from archiver.jobs.entries import SharedEntry
from archiver.jobs.job import Ended
from archiver.jobs.one_reading import one_reading
from archiver.jobs.queue import JobAttempt
from archiver.jobs.watch import (
    CHANNEL_POSTS,
    Concluded,
    Sight,
    Watch,
    cannot_tell,
    changes,
    is_there,
    kept,
    new_watch,
    sight,
)
from archiver.jobs.watch_findings import WatchFindings
from archiver.jobs.whole_crawl import walked_whole
from archiver.lookup.rereading import OTHER_VERSION, Rereading
from spiders.targets import Target, parse_target
from storage.times import utc_parse

Posts = dict[str, dict[str, Any]]
"""Id of a post → its `sight`, `link` and when it was `published`."""


class ChannelCheck:
    """One check of a watched channel."""

    def __init__(self, attempts: Attempts, attempt: JobAttempt, watch: Watch, findings: WatchFindings) -> None:
        self._attempts, self._attempt, self._watch, self._findings = attempts, attempt, watch, findings
        self._home, self._shared = attempts.home, attempts.shared
        self._controls = Controls(self._home, self._shared, watch, attempts.queue.secrets)
        self._moment = self._home.clock()
        self._reading = Rereading(self._home)
        self._unsure = 0

    async def run(self, target: Target, options: CaptureOptions) -> tuple[Ended, Concluded]:
        """Crawl the channel, and act on what differs.

        Returns how the attempt ended, and what follows for the watch. Raises `EvidenceError`.
        """
        ended = await self._attempts.walk(self._attempt, target, options, alone=True)
        present = self._present(ended.captures)
        if not present or not walked_whole(self._home, ended):
            return ended, cannot_tell(self._watch, ended.reason or str(ended.outcome))
        before = self._watch.posts
        fresh = [key for key in present if key not in before]
        gone = _gone(before, present)
        changed = self._report_changes(before, present)
        self._watch_alone([before[key] for key in gone])
        self._findings.queue_captures([present[key]["link"] for key in (*fresh, *changed)], options)
        self._controls.remember_channel(target.platform, [one["link"] for one in present.values()])
        said = f"{len(present)} posts: {len(fresh)} new, {len(changed)} changed, {len(gone)} gone"
        if self._unsure:
            said += f"; of {self._unsure} cannot tell: {OTHER_VERSION}"
        newest = Sight.of(next(iter(present.values()))["sight"]).at
        after = replace(
            self._watch, state="present", posts=present, said=said, looked=ended.captures[0], unsure=0,
            changed=newest if fresh or changed or gone else self._watch.changed,
        )  # fmt: skip
        return ended, Concluded(after, after.wait(self._moment))

    def _present(self, captures: Sequence[str]) -> Posts:
        """Read the posts that the crawl's captures show, the newest first."""
        found: Posts = {}
        for capture in captures:
            row = self._home.catalog.capture(capture)
            if row is None:
                continue
            for post in self._home.catalog.posts(capture):
                line = json.loads(post["line"])
                if line.get("role") == "target" and line.get("id") and line.get("url") and is_there(line):
                    one = sight(line, capture, self._attempts.ledger, row["opened"]).value()
                    found.setdefault(
                        line["id"], {"sight": one, "link": line["url"], "published": line.get("published_at")}
                    )
        return found

    def _report_changes(self, before: Mapping[str, Mapping[str, Any]], present: Posts) -> list[str]:
        """Append an event for each post that has changed. Returns the ids of those posts.

        In `present` a sight of a part of a post gives way to the earlier one of the whole.
        """
        changed = []
        for key in present:
            if key not in before:
                continue
            was, now = Sight.of(before[key]["sight"]), Sight.of(present[key]["sight"])
            compared = one_reading(self._reading, was, now, key)
            if isinstance(compared, str):  # this sight is what the next is compared with
                self._unsure += 1
                continue
            present[key]["sight"] = kept(was, now).value()
            if found := changes(*compared):
                changed.append(key)
                detail = {"link": present[key]["link"], "watch": self._watch.id, **now.place(), "changes": found}
                self._findings.add_event("changed", {**detail, "before": was.place()})
        return changed

    def _watch_alone(self, gone: Iterable[Mapping[str, Any]]) -> None:
        """Watch each post that the crawl does not show any more by itself: its absence from a list is no proof."""
        now, of = self._shared.now(), self._watch
        entries = []
        for one in gone:
            target = parse_target(one["link"])
            if isinstance(target, Target):
                made = replace(
                    new_watch(target, "post", of.cases, of.every, utc_parse(of.made)), second_look=of.second_look,
                    steady=of.steady, account=of.account, state="present", sight=Sight.of(one["sight"]),
                )  # fmt: skip
                entries.append(SharedEntry(made.id, now, made.value()))
        self._shared.entries.add("watch", entries)


def _gone(before: Mapping[str, Mapping[str, Any]], present: Posts) -> list[str]:
    """List the posts of the last check that should be among those of this one, and are not."""
    # Fewer than were asked for: the crawl has come to the channel's beginning, and nothing is older than what it saw.
    to_the_beginning = len(present) < CHANNEL_POSTS
    oldest = "" if to_the_beginning else min(one["published"] or "" for one in present.values())
    return [key for key, one in before.items() if key not in present and (one["published"] or "") >= oldest]
