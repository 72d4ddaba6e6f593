"""Write down what the check of a watch finds: events in the ledger, captures in the queue, the watch in the shared state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from archiver.capture.options import CaptureOptions
from archiver.jobs.attempts import Attempts
from archiver.jobs.entries import SharedEntry
from archiver.jobs.job import Job, derived, packed
from archiver.jobs.queue import JobAttempt
from archiver.jobs.watch import Concluded, Watch
from spiders.targets import Target, parse_target
from storage.events import Event


class WatchFindings:
    """Findings of one check of a watch, and where they are written."""

    def __init__(self, attempts: Attempts, attempt: JobAttempt, watch: Watch) -> None:
        self._attempts, self._attempt, self._watch = attempts, attempt, watch
        self._home, self._shared = attempts.home, attempts.shared

    def save(self, entry: SharedEntry, concluded: Concluded) -> None:
        """Write the event into the ledger, then the watch into the shared state.

        In this order: after a crash between the two the event is found, and not written again. Raises `EvidenceError`.
        """
        watch = self._watch
        if concluded.event is not None:
            kind, detail = concluded.event
            self.add_event(kind, {**detail, "capture": concluded.watch.looked})
            if kind in ("changed", "seen-again") and not watch.media:
                self.queue_captures([watch.link], CaptureOptions(cases=watch.cases, account=watch.account))
        now = self._shared.now()
        fresh = self._shared.entries.get("watch", entry.id)
        if fresh is not None:
            after = SharedEntry(entry.id, now + concluded.wait, concluded.watch.value())
            self._shared.entries.reschedule("watch", after, fresh.due)

    def add_event(self, kind: str, detail: dict[str, Any]) -> None:
        """Append an event about a link and a capture to the ledger, once, and tell the worker's listener."""
        target = parse_target(detail["link"])
        post = {"platform": target.platform, "post": target.id} if isinstance(target, Target) else {}
        whole: dict[str, Any] = {**post, **detail}
        if (secrets := self._attempts.queue.secrets) is not None:  # events are not encrypted
            whole = secrets.mask.value(whole)
        earlier = self._home.catalog.events_about(whole["link"], (kind,))
        if any(body["detail"].get("capture") == whole.get("capture") for body in earlier):
            return
        (sealed,) = self._attempts.signer.append([Event(kind, self._home.clock(), whole)])
        self._home.project()
        self._attempts.events.found(kind, {"event": sealed.seq, **whole}, self._watch.cases)

    def queue_captures(self, links: Iterable[str], options: CaptureOptions) -> None:
        """Queue captures of posts themselves, with their files, each as a job of its own."""
        whole = packed(replace(options, limit=None, media=self._watch.media))
        job = self._attempt.job.id
        about = {"watch": self._watch.id}
        self._attempts.queue.add(
            [Job(f"{job[:15]}-{derived(job, link)}", "capture", link, whole, about) for link in links]
        )
