"""Queue the checks of watches that are due. Any worker does it; of several, one succeeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from archiver.capture.options import CaptureOptions
from archiver.jobs.entries import SharedEntry
from archiver.jobs.job import PRIORITIES, Job, derived, packed
from archiver.jobs.queue import ENDED, Queue
from archiver.jobs.watch import CHANNEL_POSTS, SOON, Watch
from storage.times import utc_parse

FALLBACK = 6 * 3600.0
"""Seconds until a watch whose job was lost is checked again."""


def first_check(now: float, watch: Watch) -> SharedEntry:
    """Return the entry of a new watch: due at once, or a while after the capture that it begins with."""
    if watch.sight is None:
        return SharedEntry(watch.id, now, watch.value())
    age = now - utc_parse(watch.sight.at).timestamp()
    return SharedEntry(watch.id, now + max(0.0, watch.every - age), watch.value())


def watches_due(queue: Queue, now: float, moment: datetime, limit: int = 500) -> list[Job]:
    """Queue the checks that are due by `now`; return what was queued.

    `moment`: what the ids of the jobs begin with. Raises `Unreachable`.
    """
    queued = []
    for entry in queue.shared.entries.due("watch", now, limit):
        watch = Watch.of(entry.id, entry.value)
        attempts = queue.attempts(watch.job) if watch.job else []
        if attempts and attempts[-1].state not in ENDED:
            queue.shared.entries.reschedule("watch", replace(entry, due=now + SOON), entry.due)
            continue
        job = _job(watch, entry.due, moment)
        after = replace(watch, job=job.id).value()
        queue.add([job], PRIORITIES["urgent" if watch.state == "missing" else "normal"])
        if queue.shared.entries.reschedule("watch", SharedEntry(entry.id, now + FALLBACK, after), entry.due):
            queued.append(job)
    return queued


def _job(watch: Watch, due: float | None, moment: datetime) -> Job:
    """Make the job of the check that was due at `due`: its id follows from that, so that it is queued once."""
    options = CaptureOptions(cases=watch.cases, media=watch.media, account=watch.account)
    if watch.kind == "channel":
        options = replace(options, limit=CHANNEL_POSTS, media=False)
    name = moment.strftime("%Y%m%dT%H%M%S-") + derived("watch", watch.id, repr(due))
    return Job(name, "watch", watch.link, packed(options), {"watch": watch.id})
