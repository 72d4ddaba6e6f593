"""Check a watch: capture again what is watched, compare, conclude, and write down what follows.

Each check is made of captures like any other.
"""

from __future__ import annotations

from archiver.capture.options import CaptureOptions
from archiver.jobs.attempts import Attempts
from archiver.jobs.channel_check import ChannelCheck
from archiver.jobs.job import Ended
from archiver.jobs.post_check import PostCheck
from archiver.jobs.queue import JobAttempt
from archiver.jobs.queue_secrets import Unopened
from archiver.jobs.watch import Concluded, Watch
from archiver.jobs.watch_findings import WatchFindings
from spiders.posts import Outcome
from spiders.targets import Target


async def check_watch(attempts: Attempts, attempt: JobAttempt, target: Target, options: CaptureOptions) -> Ended:
    """Carry out the check of a watch.

    Raises `EvidenceError` where the home or the shared state fails, `Unopened` where its link is for other machines.
    """
    entry = attempts.shared.entries.get("watch", str(attempt.job.about.get("watch")))
    if entry is None:
        return Ended(Outcome.SKIPPED, "the watch was removed", ())
    if entry.unopened:
        raise Unopened(f"watch {entry.id}")
    watch = Watch.of(entry.id, entry.value)
    findings = WatchFindings(attempts, attempt, watch)
    concluded: Concluded | None
    if watch.kind == "channel":
        ended, concluded = await ChannelCheck(attempts, attempt, watch, findings).run(target, options)
    else:
        ended, concluded = await PostCheck(attempts, attempt, watch).run(target, options)
    if concluded is not None:
        findings.save(entry, concluded)
    return ended
