"""Read an attempt at a job out of a row of the queue, whoever wrote that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archiver.jobs.job import REFUSED, Job
from archiver.jobs.queue_secrets import QueueSecrets
from storage.times import from_epoch_ms, utc_text

STATES = {
    "ENQUEUED": "waiting", "DELAYED": "later", "PENDING": "running", "CANCELLED": "cancelled", "ERROR": "dead",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "dead",
}  # fmt: skip
"""Status in DBOS → our state. DBOS's `SUCCESS` says only that an attempt ended; the attempt's result says how."""
STATUSES: Mapping[str, Sequence[str]] = {
    "waiting": ["ENQUEUED"], "later": ["DELAYED"], "running": ["PENDING"], "cancelled": ["CANCELLED"], "done": ["SUCCESS"],
    "dead": ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
}  # fmt: skip
"""Our state → statuses in DBOS of attempts among which those in it are. Most that are dead are `SUCCESS`: see `Queue.jobs`."""


@dataclass(frozen=True)
class JobStatus:
    """An attempt at a job, as the queue shows it."""

    job: Job
    state: str
    """`waiting`, `later`, `running`, `done`, `dead`, `cancelled`; of an attempt that others followed, `again`."""
    attempt: int
    outcome: str | None
    reason: str | None
    captures: tuple[str, ...]
    queued: datetime | None
    due: datetime | None
    """When a delayed attempt begins."""
    worker: str | None
    priority: int
    fresh: int | None = None
    whole: bool | None = None
    machine: str | None = None
    """Name of the machine whose worker carried it out; None where nobody did, or an earlier release."""
    home: str | None = None
    """The home in which its captures lie, as `home_label` writes it."""

    @property
    def by(self) -> str | None:
        """Who queued the job, by the name of their key or token; None where nothing says so."""
        return str(self.job.about["by"]) if "by" in self.job.about else None

    def line(self) -> dict[str, Any]:
        """Return the attempt as a line of JSON shows it."""
        return {
            "job": self.job.id, "kind": self.job.kind, "link": self.job.link, "state": self.state, "attempt": self.attempt,
            "outcome": self.outcome, "reason": self.reason, "captures": list(self.captures),
            "queued": utc_text(self.queued) if self.queued else None, "due": utc_text(self.due) if self.due else None, "worker": self.worker,
            "by": self.by, "machine": self.machine, "home": self.home,
        }  # fmt: skip


def job_status(item: Any, secrets: QueueSecrets | None) -> JobStatus:
    """Read a row of the queue, masked by `secrets`. One that this program did not write is shown as refused, by its id alone."""
    with suppress(KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError):
        job = Job.of(item.input["args"][0])
        if job.id != item.workflow_id.rpartition(".")[0]:
            raise ValueError(job.id)
        job = secrets.hide_job(job) if secrets is not None else job  # an earlier release queued it as it was given
        said: Mapping[str, Any] = item.output if isinstance(item.output, dict) else {}
        state = STATES.get(item.status) or str(said.get("state", "dead"))
        reason = said.get("reason")
        if not said and state == "dead":
            reason = f"the worker failed: {item.error}"[:300] if item.error else "started too often without finishing"
        texts = (reason, *(said.get(name) for name in ("outcome", "machine", "home")))
        if state not in (*STATUSES, "again") or not all(text is None or isinstance(text, str) for text in texts):
            raise ValueError(state)
        reason = secrets.mask.text(reason) if secrets is not None and reason is not None else reason
        return JobStatus(
            job, state, int(item.workflow_id.rpartition(".")[2]), said.get("outcome"), reason,
            tuple(map(str, said.get("captures", ()))), _time(item.created_at),
            _time(item.delay_until_epoch_ms) if state == "later" else None,
            item.executor_id if state == "running" else None, int(item.priority or 0),
            said.get("fresh"), said.get("whole"), said.get("machine"), said.get("home"),
        )  # fmt: skip
    return _refused(item)


def _refused(item: Any) -> JobStatus:
    name, _, number = str(item.workflow_id).rpartition(".")
    whole = number.isascii() and number.isdigit() and len(number) < 10
    job = Job(name if whole else str(item.workflow_id), REFUSED, "", {})
    reason = "refused: this row of the queue holds no job that archiver wrote, and is not carried out"
    state = STATES.get(str(item.status), "dead")
    return JobStatus(job, state, int(number) if whole else 0, None, reason, (), None, None, None, 0)


def _time(milliseconds: int | None) -> datetime | None:
    return from_epoch_ms(milliseconds) if milliseconds else None
