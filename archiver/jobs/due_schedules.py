"""Queue the runs of schedules that are due. Any worker does it; of several, one succeeds.

First the job is queued, by an id that follows from the moment for which it is meant, then the schedule is moved on: a crash
between the two queues the same job again, which changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from archiver.jobs.entries import SharedEntry
from archiver.jobs.job import Job
from archiver.jobs.job_status import JobStatus
from archiver.jobs.queue import ENDED, Queue
from archiver.jobs.schedule import Schedule, begun, since
from storage.times import from_epoch, utc_text


def entry_of(schedule: Schedule) -> SharedEntry:
    """Return the entry of a schedule, due when its next run is."""
    return SharedEntry(schedule.id, schedule.due.timestamp(), schedule.value())


def schedules_due(queue: Queue, now: float) -> list[Job]:
    """Queue the runs that are due by `now`; return what was queued. Raises `Unreachable`."""
    queued = []
    for entry in queue.shared.entries.due("schedule", now):
        schedule = Schedule.of(entry.id, entry.value)
        last = _last(queue, schedule)
        if last is not None and last.state in ENDED and last.job.id == schedule.last:
            whole = schedule.last_base if last.state == "done" and last.whole else schedule.whole
            schedule = replace(schedule.learned(last.fresh), whole=whole)
        after, base = schedule.due_now(from_epoch(now))
        job = None
        if base is not None and last is not None and last.state not in ENDED:
            after = replace(after, skipped=after.skipped + 1)
        elif base is not None:
            job = _job(begun(schedule, base))
            after = replace(after, last=job.id, last_base=base, runs=after.runs + 1)
            queue.add([job])
        if queue.shared.entries.reschedule("schedule", entry_of(after), entry.due) and job is not None:
            queued.append(job)
    return queued


def _last(queue: Queue, schedule: Schedule) -> JobStatus | None:
    attempts = queue.attempts(schedule.last) if schedule.last else []
    return attempts[-1] if attempts else None


def _job(schedule: Schedule) -> Job:
    options = dict(schedule.options)
    if (back := since(schedule)) is not None:
        options["since"] = max(utc_text(back), str(options.get("since", "")))
    after = schedule.last_base
    about = {"schedule": schedule.id, **({"after": utc_text(after)} if after is not None else {})}
    return Job(schedule.job(), schedule.kind, schedule.link, options, about)
