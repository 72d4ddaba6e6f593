"""Queue jobs, and hand them to workers. The only module that knows of DBOS (docs/adr/0014).

The queue lies in SQLite beside the home's state, or in PostgreSQL for many machines. An attempt at a job is a workflow
`<job>.<attempt>` of three steps, none of which is repeated once it is done: remember when the attempt began, carry the job
out, and queue the next attempt where the outcome asks for one. Each attempt is asked for **at least once**: a worker that was
killed after it carried a job out, and before the queue recorded that, is asked for the same attempt again. `jobs/worker.py`
deals with that: the capture's id is the same, so the home sees that it has it.

What is read from the queue is JSON, never pickled objects, whatever a row says (`jobs/json_only.py`): whoever can write to a shared
PostgreSQL must not run code here. A row that this program did not write is shown as `refused`, and never carried out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from archiver.home.paths import make_folder
from archiver.jobs.database import teach_milliseconds, unreachable
from archiver.jobs.job import PRIORITIES, Job
from archiver.jobs.job_status import STATES, STATUSES, JobStatus, job_status
from archiver.jobs.json_only import OURS, PICKLED, refuse_pickles
from archiver.jobs.queue_secrets import QueueSecrets, queue_secrets
from archiver.jobs.shared_state import ForeignRows, SharedState
from archiver.ratelimit.stores import patient
from storage.errors import Unreachable
from storage.times import Clock, utc_parse, utc_text

if TYPE_CHECKING:
    from dbos import DBOSClient

    from archiver.home.home import Home
    from archiver.home.ports import Decryptor

APPLICATION = "archiver"
QUEUE = "jobs"
QUEUE_FILE = "jobs/queue.sqlite"
"""Where the queue lies in a home."""
WORKFLOW = "attempt"
VERSION = "1"
"""Version of the workflow, not of the program: workers of two versions share a queue until it changes."""
POLL_SECONDS = 0.2
PAGE = 500
SHOWN = 5
"""How many ids are named where a part of one fits several."""
ATTEMPT_THREAD = "archiver attempt"
ENDED = ("done", "dead", "cancelled")
"""States in which nothing more happens to a job by itself."""


@dataclass(frozen=True)
class JobAttempt:
    """One try at a job, as a worker is asked for it."""

    job: Job
    number: int
    """1 for the first attempt."""
    begun: datetime
    """When it first began: the same where a worker is asked for it again."""
    before: Mapping[str, int]
    """How the earlier attempts ended: outcome, or `interrupted` → how many."""

    @property
    def id(self) -> str:
        """The id of the attempt's workflow, by which homes and the shared state claim it."""
        return f"{self.job.id}.{self.number}"


@dataclass(frozen=True)
class AttemptResult:
    """Result of an attempt, and what follows from it."""

    state: str
    """`done`, `again` or `dead`."""
    outcome: str
    reason: str | None
    captures: tuple[str, ...] = ()
    again: float | None = None
    """Seconds until the next attempt; None where there is none."""
    attempts: Mapping[str, int] | None = None
    """How the attempts so far ended, this one included."""
    fresh: int | None = None
    """How many posts are newer than the run before; None where nobody asked."""
    whole: bool | None = None
    """Whether a scheduled crawl got an answer for every page; None for other jobs."""
    machine: str | None = None
    home: str | None = None
    """Where it was carried out, and in which home its captures lie."""

    def line(self) -> dict[str, Any]:
        """Return the result as it is stored in the queue, in claims and in the home's state."""
        return {
            "state": self.state, "outcome": self.outcome, "reason": self.reason, "captures": list(self.captures),
            "again": self.again, "attempts": dict(self.attempts or {}), "fresh": self.fresh,
            "whole": self.whole, "machine": self.machine, "home": self.home,
        }  # fmt: skip

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> AttemptResult:
        """Read what `line` returned."""
        return cls(
            line["state"],
            line["outcome"],
            line["reason"],
            tuple(line["captures"]),
            line["again"],
            line["attempts"],
            line.get("fresh"),
            line.get("whole"),
            line.get("machine"),
            line.get("home"),
        )


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise errors of DBOS and its database as `Unreachable`."""
    from dbos import error as dbos_error
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, dbos_error.DBOSException) as error:
        raise unreachable(error) from error


class Queue:
    """A queue of jobs that wait, run or have ended. Every method raises `Unreachable` if the database is away."""

    def __init__(self, url: str, secrets: QueueSecrets | None = None) -> None:
        """Open the queue at `url`: `sqlite:///…` or `postgresql+psycopg://…`. It is made where there is none.

        `secrets`: what keeps the secrets of links out of it; None where no link holds any.
        """
        from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

        self.secrets = secrets
        refuse_pickles()
        _quiet()
        teach_milliseconds()
        with database_errors():
            DBOS.migrate(url)
            self.shared = SharedState(url, secrets=secrets)
            self._client: DBOSClient = DBOSClient(
                system_database_url=url, serializer=DBOSPortableJSONSerializer(), retry_connection_errors=False
            )

    def close(self) -> None:
        """Close all connections."""
        self._client.destroy()
        self.shared.close()

    def add(self, jobs: Iterable[Job], priority: int = PRIORITIES["normal"]) -> int:
        """Queue jobs; one whose id is queued already stays as it is. Return how many were given."""
        count = 0
        for count, job in enumerate(jobs, 1):  # noqa: B007 - counted to its end
            self._put(job, 1, priority, {}, 0.0)
        return count

    def _put(self, job: Job, attempt: int, priority: int, before: Mapping[str, int], delay: float) -> None:
        stored = self.secrets.hide_job(job) if self.secrets is not None else job
        with database_errors():
            self._client.enqueue(
                _options(job, attempt, priority, delay), stored.value(), attempt, dict(before), priority
            )

    def jobs(self, state: str | None = None, limit: int = 100) -> list[JobStatus]:
        """List jobs, the newest first, each by its last attempt. Reads a page or two, however long the queue is."""
        found: dict[str, JobStatus] = {}
        shown: list[JobStatus] = []
        for names in self._pages(state, limit):
            # By their ids: DBOS's own pages leave out and repeat what was queued in the same millisecond, or changes meanwhile.
            for item in self._listed(workflow_ids=names):
                one = job_status(item, self.secrets)
                if one.job.id in found and found[one.job.id].attempt > one.attempt:
                    continue
                found[one.job.id] = one
            shown = [one for one in found.values() if state is None or one.state == state]
            if len(shown) >= limit:
                break
        if state in ENDED:  # not those of which there is a later attempt in another state
            later = {f"{one.job.id}.{one.attempt + 1}": one.job.id for one in shown}
            went_on = self._listed(workflow_ids=list(later), load_input=False, load_output=False) if later else []
            passed = {later[item.workflow_id] for item in went_on}
            shown = [one for one in shown if one.job.id not in passed]
        return sorted(shown, key=lambda one: one.job.id, reverse=True)[:limit]

    def _pages(self, state: str | None, limit: int) -> Iterator[list[str]]:
        """Yield ids of attempts among which are the newest jobs in a state, page by page."""
        workflows = self.shared.workflows
        if state == "dead":
            # DBOS says of nearly all of them the same as of the many that are done; the claims tell them apart. Those
            # that ended in an error have none, nor have the newest until their home has said how they ended.
            names = self.shared.claims.newest(state, limit)
            for statuses, most in ((STATUSES["dead"], limit), (STATUSES["done"], PAGE)):
                names += [name for _, name in workflows.page(WORKFLOW, statuses, None, most)]
            if names:
                yield list(dict.fromkeys(names))
            return
        last: tuple[int, str] | None = None
        while page := workflows.page(WORKFLOW, STATUSES.get(state or ""), last, PAGE):
            yield [name for _, name in page]
            last = page[-1]

    def _listed(self, **asked: Any) -> list[Any]:
        with database_errors():
            return list(self._client.list_workflows(name=WORKFLOW, **asked))

    def counts(self) -> dict[str, int]:
        """Count jobs by state, in the database. An attempt in state `again` is not counted: its job waits."""
        found: dict[str, int] = {}
        for status, count in self.shared.workflows.count_statuses(WORKFLOW).items():
            if (state := STATES.get(status)) is not None:
                found[state] = found.get(state, 0) + count
        for state, count in self.shared.claims.count_states().items():
            if state in ("done", "dead"):
                found[state] = found.get(state, 0) + count
        return found

    def named(self, text: str) -> list[str]:
        """Return a few ids of jobs that are, begin or end with `text`."""
        return self.shared.workflows.jobs_named(WORKFLOW, text, SHOWN)

    def attempts(self, job: str) -> list[JobStatus]:
        """List all attempts at a job, given by its whole id, the first one first."""
        items = self._listed(workflow_id_prefix=f"{job}.")
        found = [job_status(item, self.secrets) for item in items]
        return sorted(found, key=lambda one: one.attempt)

    def cancel(self, one: JobStatus) -> None:
        """Cancel an attempt: it will not begin.

        If it has begun it goes on to its end, and no further attempt follows.
        """
        with database_errors():
            self._client.cancel_workflow(f"{one.job.id}.{one.attempt}")

    def retry(self, one: JobStatus) -> None:
        """Try a job again at once, as if nothing had been tried."""
        if one.state in ("waiting", "later"):
            self.cancel(one)
        self.shared.claims.supersede(f"{one.job.id}.{one.attempt}")
        self._put(one.job, one.attempt + 1, one.priority, {}, 0.0)

    def taken_over(self, worker: str) -> list[str]:
        """Queue again, for `worker`, the attempts whose worker is silent or gone; return their ids."""
        self._refuse_foreign()
        with self.shared.alone():
            alive = {one.name for one in self.shared.workers.alive()} | {worker}
            return self._queue_again(lambda owner: owner not in alive)

    def give_back(self, worker: str) -> list[str]:
        """Queue again what `worker`, which takes nothing any more, had been handed and has not begun; return the ids.

        DBOS hands out attempts on a thread of its own, which the end of a worker may find in the middle of that.
        """
        return self._queue_again(lambda owner: owner == worker)

    def foreign(self) -> list[ForeignRows]:
        """Count the rows of other workflows than ours in the same database, by their names: they are not carried out."""
        return self.shared.workflows.foreign(WORKFLOW, QUEUE)

    def _refuse_foreign(self) -> None:
        """Cancel what stands in our queue and is none of ours, or in no form that DBOS knows: it would hold that for running, for ever."""
        strange = self.shared.workflows.not_ours(WORKFLOW, QUEUE, (OURS, PICKLED), PAGE)
        with database_errors():
            for attempt in strange:
                self._client.cancel_workflow(attempt)

    def _queue_again(self, wanted: Callable[[str | None], bool]) -> list[str]:
        running = self._listed(status="PENDING", load_input=False, load_output=False)
        again = [item.workflow_id for item in running if wanted(item.executor_id)]
        with database_errors():
            for attempt in again:
                self._client.resume_workflow(attempt, queue_name=QUEUE)
        return again

    def pause(self, paused: bool) -> None:
        """Stop workers from beginning anything, or let them again. What is under way goes on."""
        self.shared.settings.set("paused", "yes" if paused else "")
        self._register(0 if paused else int(self.shared.settings.get("at once") or 2))

    def begin_serving(self, at_once: int) -> None:
        """Set how many attempts each worker runs side by side, before one calls `serve`. The last one started decides.

        DBOS looks for queues once a second: one that is declared only after it has begun would be found that much later.
        """
        self.shared.settings.set("at once", str(at_once))
        self._register(0 if self.paused else at_once)

    def _register(self, at_once: int) -> None:
        with database_errors():
            self._client.register_queue(
                QUEUE, worker_concurrency=at_once, polling_interval_sec=POLL_SECONDS, application_name=APPLICATION
            )

    @property
    def paused(self) -> bool:
        """Whether no worker may begin anything."""
        return self.shared.settings.get("paused") == "yes"


def serve(
    url: str, worker: str, carry_out: Callable[[JobAttempt], AttemptResult], clock: Clock
) -> Callable[[float], None]:
    """Begin to take jobs from the queue, each in a thread of its own.

    One call for each process, after `Queue.begin_serving`. What a worker of this name had begun before a kill is asked
    for again first.

    Args:
        carry_out: is called for each attempt, on that attempt's thread.

    Returns a function that stops taking jobs, and waits up to the given number of seconds for the attempts under way.
    Raises `Unreachable`.
    """
    from dbos import DBOS

    _configure(url, worker)
    _register(carry_out, clock)
    try:
        with database_errors():
            DBOS.launch()
    except Unreachable:
        DBOS.destroy(workflow_completion_timeout_sec=0, destroy_registry=True)
        raise

    def end(seconds: float) -> None:
        DBOS.destroy(workflow_completion_timeout_sec=int(seconds), destroy_registry=True)

    return end


def _configure(url: str, worker: str) -> None:
    """Set up this process's DBOS, which is one global object; what an earlier worker left in it is removed."""
    from dbos import DBOS, DBOSPortableJSONSerializer

    refuse_pickles()
    _quiet()
    teach_milliseconds()
    DBOS.destroy(destroy_registry=True)
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": url,
            "application_version": VERSION,
            "executor_id": worker,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "CRITICAL",
            "use_listen_notify": False,
            # We use none of its notifications, but the end of a worker waits for the thread that looks for them.
            "notification_listener_polling_interval_sec": POLL_SECONDS / 2,
            "max_executor_threads": 64,
        }
    )


def _register(carry_out: Callable[[JobAttempt], AttemptResult], clock: Clock) -> None:
    """Declare the workflow. The names of it and of its steps stand in queues that exist."""
    from dbos import DBOS

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)
    def run_attempt(job: dict[str, Any], number: int, before: dict[str, int], priority: int) -> dict[str, Any]:
        threading.current_thread().name = ATTEMPT_THREAD
        begun = DBOS.run_step({"name": "begin"}, lambda: utc_text(clock()))
        attempt = JobAttempt(Job.of(job), number, utc_parse(begun), before)
        if attempt.id != DBOS.workflow_id:
            raise ValueError(f"a row of {DBOS.workflow_id} that holds another job")
        result = DBOS.run_step({"name": "carry out"}, lambda: carry_out(attempt).line())
        if result["state"] == "again":
            options = _options(attempt.job, number + 1, priority, float(result["again"]))
            DBOS.enqueue_workflow_with_options(options, job, number + 1, result["attempts"], priority)
        return result


def _options(job: Job, attempt: int, priority: int, delay: float) -> Any:
    options: dict[str, Any] = {
        "workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": f"{job.id}.{attempt}", "priority": priority,
        "app_version": VERSION,
    }  # fmt: skip
    return {**options, "delay_seconds": delay} if delay else options


def _quiet() -> None:
    """Silence DBOS's own log handler, which writes to the terminal: commands tell a person, the log of the home keeps errors."""
    log = logging.getLogger("dbos")
    log.handlers[:] = [logging.NullHandler()]
    log.propagate = True
    log.setLevel(logging.ERROR)


@contextmanager
def opened(home: Home, looks: bool = False, decryptor: Decryptor | None = None) -> Iterator[Queue]:
    """Open the queue of a home, and close it at the end. Raises `Unreachable`.

    `looks`: nothing is made in the home; where it has no queue, an empty one lies elsewhere for as long. `decryptor`:
    for a worker, who needs the links as they were given.
    """
    path = home.path / QUEUE_FILE
    with TemporaryDirectory() if looks and not home.config.jobs and not path.exists() else nullcontext() as elsewhere:
        url = f"sqlite:///{elsewhere}/{path.name}" if elsewhere is not None else database(home)
        queue = Queue(url, queue_secrets(home, decryptor))
        try:
            yield queue
        finally:
            queue.close()


def database(home: Home) -> str:
    """Return the URL of a home's queue: in the home, or where many machines share one. Losing it loses no capture."""
    if home.config.jobs:
        return "postgresql+psycopg" + patient(home.config.jobs[home.config.jobs.index(":") :])
    path = home.path / QUEUE_FILE
    make_folder(path.parent)
    return f"sqlite:///{path.absolute()}"
