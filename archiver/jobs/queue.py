"""The queue. The only module that knows of DBOS (docs/adr/0014): SQLite beside the home's state, or PostgreSQL for many machines.

An attempt at a job is a workflow `<job>.<attempt>`. It remembers when it was begun, carries the job out, and puts the next
attempt into the queue where the outcome asks for one; each of these is a step that is not repeated once it is done. Semantics:
**at least once**. A worker that is killed between carrying a job out and remembering that is asked for the same attempt again;
what it then does about that is `work`'s (the capture's id is the same, so a home sees that it has it).

What stands in the queue is JSON, never pickled objects: whoever can write to a shared PostgreSQL must not run code here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archiver.home.paths import make_folder
from archiver.jobs.job import PRIORITIES, Job
from archiver.jobs.shared_state import Board, unreachable
from archiver.ratelimit.stores import patient
from storage.errors import Unreachable
from storage.times import Clock, utc_parse, utc_text

if TYPE_CHECKING:
    from dbos import DBOSClient

    from archiver.home.home import Home

QUEUE = "jobs"
WORKFLOW = "attempt"
VERSION = "1"
"""Of what an attempt is asked, not of the program: workers of two versions share a queue until this changes."""
POLL_SECONDS = 0.2
PAGE = 500
SHOWN = 5
"""How many ids are named where a part of one fits several."""
ATTEMPT_THREAD = "archiver attempt"
ENDED = ("done", "dead", "cancelled")
STATES = {
    "ENQUEUED": "waiting", "DELAYED": "later", "PENDING": "running", "CANCELLED": "cancelled", "ERROR": "dead",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "dead",
}  # fmt: skip
"""DBOS's words, and ours. Its `SUCCESS` is an attempt that ended; what became of the job is what the attempt says."""
STATUSES: Mapping[str, Sequence[str]] = {
    "waiting": ["ENQUEUED"], "later": ["DELAYED"], "running": ["PENDING"], "cancelled": ["CANCELLED"], "done": ["SUCCESS"],
    "dead": ["SUCCESS", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
}  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What a worker is asked for."""

    job: Job
    attempt: int
    begun: datetime
    before: Mapping[str, int]
    """How many earlier attempts ended how."""


@dataclass(frozen=True)
class Done:
    """What became of an attempt. `state`: `done`, `again` or `dead`; `again`: seconds until the next."""

    state: str
    outcome: str
    reason: str | None
    captures: tuple[str, ...] = ()
    again: float | None = None
    attempts: Mapping[str, int] | None = None
    fresh: int | None = None
    """How many posts are newer than the run before; None where nobody asked."""
    whole: bool | None = None
    """Of a scheduled crawl: whether every page of it was answered."""

    def line(self) -> dict[str, Any]:
        return {
            "state": self.state, "outcome": self.outcome, "reason": self.reason, "captures": list(self.captures),
            "again": self.again, "attempts": dict(self.attempts or {}), "fresh": self.fresh,
            "whole": self.whole,
        }  # fmt: skip

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Done:
        return cls(
            line["state"],
            line["outcome"],
            line["reason"],
            tuple(line["captures"]),
            line["again"],
            line["attempts"],
            line.get("fresh"),
            line.get("whole"),
        )


@dataclass(frozen=True)
class Standing:
    """A job as the queue shows it. `state`: waiting, later, running, done, dead, cancelled."""

    job: Job
    state: str
    attempt: int
    outcome: str | None
    reason: str | None
    captures: tuple[str, ...]
    queued: datetime | None
    due: datetime | None
    """When the next attempt is, where it is put off."""
    worker: str | None
    priority: int
    fresh: int | None = None
    whole: bool | None = None

    def line(self) -> dict[str, Any]:
        return {
            "job": self.job.id, "kind": self.job.kind, "link": self.job.link, "state": self.state, "attempt": self.attempt,
            "outcome": self.outcome, "reason": self.reason, "captures": list(self.captures),
            "queued": utc_text(self.queued) if self.queued else None, "due": utc_text(self.due) if self.due else None, "worker": self.worker,
        }  # fmt: skip


@contextmanager
def asking() -> Iterator[None]:
    """What DBOS raises where the database does not answer, as `Unreachable`."""
    from dbos import error as dbos_error
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, dbos_error.DBOSException) as error:
        raise unreachable(error) from error


class Queue:
    """What is done with the queue. `url`: `sqlite:///…` or `postgresql+psycopg://…`. Raises `Unreachable` throughout."""

    def __init__(self, url: str) -> None:
        from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

        _quiet()
        with asking():
            DBOS.migrate(url)
            self.board = Board(url)
            self._client: DBOSClient = DBOSClient(
                system_database_url=url, serializer=DBOSPortableJSONSerializer(), retry_connection_errors=False
            )

    def close(self) -> None:
        self._client.destroy()
        self.board.close()

    def add(self, jobs: Iterable[Job], priority: int = PRIORITIES["normal"]) -> int:
        """Queues them; one that is there already, by its id, is left as it is. How many there were."""
        count = 0
        for count, job in enumerate(jobs, 1):  # noqa: B007 - counted to its end
            self._put(job, 1, priority, {}, 0.0)
        return count

    def _put(self, job: Job, attempt: int, priority: int, before: Mapping[str, int], delay: float) -> None:
        with asking():
            self._client.enqueue(_options(job, attempt, priority, delay), job.value(), attempt, dict(before), priority)

    def jobs(self, state: str | None = None, limit: int = 100) -> list[Standing]:
        """The newest first. Each job once, by its last attempt. Reads a page or two of a queue however long."""
        found: dict[str, Standing] = {}
        shown: list[Standing] = []
        last: tuple[int, str] | None = None
        while True:
            page = self.board.attempts(WORKFLOW, STATUSES.get(state or ""), last, PAGE)
            # By their ids: DBOS's own pages leave out and repeat what was queued in the same millisecond, or changes meanwhile.
            items = self._listed(workflow_ids=[name for _, name in page]) if page else []
            for item in items:
                one = _standing(item)
                if one is None or (one.job.id in found and found[one.job.id].attempt > one.attempt):
                    continue
                found[one.job.id] = one
            shown = [one for one in found.values() if state is None or one.state == state]
            if len(page) < PAGE or len(shown) >= limit:
                break
            last = page[-1]
        if state in ENDED:  # not those of which there is a later attempt in another state
            later = {f"{one.job.id}.{one.attempt + 1}": one.job.id for one in shown}
            went_on = self._listed(workflow_ids=list(later), load_input=False, load_output=False) if later else []
            passed = {later[item.workflow_id] for item in went_on}
            shown = [one for one in shown if one.job.id not in passed]
        return sorted(shown, key=lambda one: one.job.id, reverse=True)[:limit]

    def _listed(self, **asked: Any) -> list[Any]:
        with asking():
            return list(self._client.list_workflows(name=WORKFLOW, **asked))

    def counts(self) -> dict[str, int]:
        """State → how many jobs: counted by the database, however many there are. `again` is none: that job waits."""
        found: dict[str, int] = {}
        for status, count in self.board.counted("workflow_status", "status", WORKFLOW).items():
            if (state := STATES.get(status)) is not None:
                found[state] = found.get(state, 0) + count
        for state, count in self.board.claimed_states().items():
            if state in ("done", "dead"):
                found[state] = found.get(state, 0) + count
        return found

    def named(self, text: str) -> list[str]:
        """Return the ids of jobs that are, begin or end with `text`; a few, where there are many."""
        return self.board.jobs_named(WORKFLOW, text, SHOWN)

    def attempts(self, job: str) -> list[Standing]:
        """Everything that was tried of a job, by its whole id, the first attempt first."""
        items = self._listed(workflow_id_prefix=f"{job}.")
        found = [one for item in items if (one := _standing(item)) is not None]
        return sorted(found, key=lambda one: one.attempt)

    def cancel(self, one: Standing) -> None:
        """It is not begun any more. What is under way goes on to its end, and no further attempt follows."""
        with asking():
            self._client.cancel_workflow(f"{one.job.id}.{one.attempt}")

    def retry(self, one: Standing) -> None:
        """Once more, at once, as if nothing had been tried."""
        if one.state in ("waiting", "later"):
            self.cancel(one)
        self.board.claim_passed(f"{one.job.id}.{one.attempt}")
        self._put(one.job, one.attempt + 1, one.priority, {}, 0.0)

    def taken_over(self, worker: str) -> list[str]:
        """Attempts at which a worker was that is silent or gone, put into the queue again by `worker`, who is alive."""
        with self.board.alone():
            alive = {one.name for one in self.board.workers() if one.alive} | {worker}
            taken = [
                item.workflow_id
                for item in self._listed(status="PENDING", load_input=False, load_output=False)
                if item.executor_id not in alive
            ]
            with asking():
                for attempt in taken:
                    self._client.resume_workflow(attempt, queue_name=QUEUE)
        return taken

    def pause(self, paused: bool) -> None:
        """No worker begins anything, until that is taken back. What is under way goes on."""
        self.board.set("paused", "yes" if paused else "")
        at_once = 0 if paused else int(self.board.setting("at once") or 2)
        with asking():
            self._client.register_queue(QUEUE, worker_concurrency=at_once, polling_interval_sec=POLL_SECONDS)

    @property
    def paused(self) -> bool:
        return self.board.setting("paused") == "yes"


def serve(
    url: str, worker: str, at_once: int, carry_out: Callable[[Order], Done], clock: Clock
) -> Callable[[float], None]:
    """Begins to take jobs from the queue, each in a thread. Returns what ends that: it waits so many seconds for those under way.

    `at_once`: how many; 0 while the queue is paused. It counts for all workers of the queue: the newest says.

    One for each process. What an attempt of a worker of this name had begun before a kill is asked for again first.
    """
    from dbos import DBOS, DBOSPortableJSONSerializer

    _quiet()
    DBOS.destroy(destroy_registry=True)
    DBOS(
        config={
            "name": "archiver",
            "system_database_url": url,
            "application_version": VERSION,
            "executor_id": worker,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "CRITICAL",
            "use_listen_notify": False,
            "max_executor_threads": 64,
        }
    )

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)
    def attempt(job: dict[str, Any], number: int, before: dict[str, int], priority: int) -> dict[str, Any]:
        threading.current_thread().name = ATTEMPT_THREAD
        begun = DBOS.run_step({"name": "begin"}, lambda: utc_text(clock()))
        order = Order(Job.of(job), number, utc_parse(begun), before)
        done = DBOS.run_step({"name": "carry out"}, lambda: carry_out(order).line())
        if done["state"] == "again":
            options = _options(order.job, number + 1, priority, float(done["again"]))
            DBOS.enqueue_workflow_with_options(options, job, number + 1, done["attempts"], priority)
        return done

    try:
        with asking():
            DBOS.launch()
            DBOS.register_queue(
                QUEUE, worker_concurrency=at_once, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
            )
    except Unreachable:
        DBOS.destroy(workflow_completion_timeout_sec=0, destroy_registry=True)
        raise

    def end(seconds: float) -> None:
        DBOS.destroy(workflow_completion_timeout_sec=int(seconds), destroy_registry=True)

    return end


def _options(job: Job, attempt: int, priority: int, delay: float) -> Any:
    options: dict[str, Any] = {
        "workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": f"{job.id}.{attempt}", "priority": priority,
        "app_version": VERSION,
    }  # fmt: skip
    return {**options, "delay_seconds": delay} if delay else options


def _standing(item: Any) -> Standing | None:
    """A row of the queue, or None where it is none of ours."""
    with suppress(KeyError, TypeError, ValueError, IndexError):
        job = Job.of(item.input["args"][0])
        said: Mapping[str, Any] = item.output if isinstance(item.output, dict) else {}
        state = STATES.get(item.status) or str(said.get("state", "dead"))
        reason = said.get("reason")
        if not said and state == "dead":
            reason = f"the worker failed: {item.error}"[:300] if item.error else "begun too often without an end"
        return Standing(
            job, state, int(item.workflow_id.rpartition(".")[2]), said.get("outcome"), reason,
            tuple(said.get("captures", ())), _moment(item.created_at),
            _moment(item.delay_until_epoch_ms) if state == "later" else None,
            item.executor_id if state == "running" else None, int(item.priority or 0),
            said.get("fresh"), said.get("whole"),
        )  # fmt: skip
    return None


def _moment(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _quiet() -> None:
    """What a person is to know is said by the commands; DBOS would write to the terminal by a handler of its own."""
    log = logging.getLogger("dbos")
    log.handlers[:] = [logging.NullHandler()]
    log.propagate = False
    log.setLevel(logging.CRITICAL)


@contextmanager
def opened(home: Home) -> Iterator[Queue]:
    queue = Queue(database(home))
    try:
        yield queue
    finally:
        queue.close()


def database(home: Home) -> str:
    """Where the queue is: in the home, or where many machines share one. Operational: losing it loses no capture."""
    if home.config.jobs:
        return "postgresql+psycopg" + patient(home.config.jobs[home.config.jobs.index(":") :])
    path = home.path / "jobs" / "queue.sqlite"
    make_folder(path.parent)
    return f"sqlite:///{path.absolute()}"
