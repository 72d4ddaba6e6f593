"""Rows that somebody else wrote into the queue's database: none runs code, each is named, and work goes on."""

from __future__ import annotations

import ast
import asyncio
import base64
import errno
import json
import pickle
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa

from archiver.jobs.job import REFUSED, Job
from archiver.jobs.json_only import NotJson, refuse_pickles
from archiver.jobs.queue import AttemptResult, JobAttempt, Queue, serve
from archiver.jobs.shared_state import ForeignRows
from archiver.jobs.worker import Worker
from spiders.posts import Outcome
from storage.times import system_clock
from tests.conftest import Shell
from tests.support.jobs import POST, until
from tests.support.postgres import served

JOBS = [Job(f"20261128T17000{n}-abcdefgh", "capture", f"https://blog.ozen.example/?n={n}") for n in range(9)]


class Runs:
    """Writes a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.mark, "code ran")


def pickled(mark: Path) -> str:
    return base64.b64encode(pickle.dumps(Runs(mark))).decode()


KINDS: dict[str, Callable[[Path, Job], tuple[str, str | None]]] = {
    "a pickle that says so": lambda mark, job: (pickled(mark), "py_pickle"),
    "a pickle that says nothing": lambda mark, job: (pickled(mark), None),
    "a pickle as JSON": lambda mark, job: (pickled(mark), "portable_json"),
    "of a serializer that nobody knows": lambda mark, job: (pickled(mark), "dill"),
    "JSON that is no job": lambda mark, job: ('{"positionalArgs":[{"id":7}],"namedArgs":{}}', "portable_json"),
    "JSON of another shape": lambda mark, job: ("[[]]", "portable_json"),
    "deep JSON": lambda mark, job: ("[" * 100_000, "portable_json"),
    "another job's": lambda mark, job: (
        json.dumps({"positionalArgs": [JOBS[0].value(), 1, {}, 10], "namedArgs": {}}), "portable_json",
    ),
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'queue.sqlite'}"
        return
    with served() as server:
        yield server.database().replace("postgresql:", "postgresql+psycopg:")


def spoil(url: str, rows: dict[str, tuple[str, str | None]]) -> None:
    """Write over the arguments of attempts, as whoever has the database's password can."""
    engine = sa.create_engine(url)
    schema = "dbos." if url.startswith("postgresql") else ""
    with engine.begin() as connection:
        for name, (text, how) in rows.items():
            given = {"text": text, "how": how, "name": name}
            connection.execute(
                sa.text(f"UPDATE {schema}workflow_status SET serialization=:how WHERE workflow_uuid=:name"), given
            )
            for table in ("workflow_input", "workflow_status"):
                if "inputs" in {
                    one["name"] for one in sa.inspect(connection).get_columns(table, schema=schema[:-1] or None)
                }:
                    connection.execute(
                        sa.text(f"UPDATE {schema}{table} SET inputs=:text WHERE workflow_uuid=:name"), given
                    )
    engine.dispose()


def foreign(url: str, workflow: str) -> None:
    """Put a workflow of another name into our queue."""
    engine = sa.create_engine(url)
    table = "dbos.workflow_status" if url.startswith("postgresql") else "workflow_status"
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                f"INSERT INTO {table} (workflow_uuid, name, status, queue_name, created_at, updated_at, priority, serialization)"
                " VALUES ('theirs', :name, 'ENQUEUED', 'jobs', 1, 1, 0, 'portable_json')"
            ),
            {"name": workflow},
        )
    engine.dispose()


def status_of(url: str, row: str) -> str:
    engine = sa.create_engine(url)
    table = "dbos.workflow_status" if url.startswith("postgresql") else "workflow_status"
    with engine.begin() as connection:
        found = connection.execute(sa.text(f"SELECT status FROM {table} WHERE workflow_uuid=:row"), {"row": row})
        status = str(found.scalar_one())
    engine.dispose()
    return status


def test_hostile_rows_run_nothing_and_stop_nothing(url: str, tmp_path: Path) -> None:
    mark = tmp_path / "PWNED"
    queue = Queue(url)
    queue.add(JOBS)
    spoil(url, {f"{job.id}.1": kind(mark, job) for job, kind in zip(JOBS[1:], KINDS.values(), strict=True)})
    foreign(url, "evil")
    assert queue.foreign() == [ForeignRows("evil", True, 1)]
    listed = {one.job.id: one for one in queue.jobs()}
    assert set(listed) == {job.id for job in JOBS}
    assert {one.job.kind for one in listed.values()} == {"capture", REFUSED}
    for job in JOBS[1:]:
        assert listed[job.id].job.kind == REFUSED
        (alone,) = queue.attempts(job.id)
        assert (alone.reason or "").startswith("refused: ")
    carried: list[str] = []

    def carry_out(attempt: JobAttempt) -> AttemptResult:
        carried.append(attempt.id)
        return AttemptResult("done", "captured", None)

    queue.begin_serving(1)
    end = serve(url, "ledger/1", carry_out, system_clock)
    try:
        until(lambda: {one.state for one in queue.jobs()} - {"waiting", "running"}, 90)
        queue.taken_over("ledger/1")  # as a worker does at each beat
        until(lambda: not {"waiting", "running"} & {one.state for one in queue.jobs()}, 90)
        later = Job("20261128T180000-abcdefgh", "capture", "https://blog.ozen.example/?later")
        queue.add([later])
        until(lambda: queue.attempts(later.id)[-1].state == "done")
    finally:
        end(10)
    assert sorted(carried) == [f"{JOBS[0].id}.1", f"{later.id}.1"]
    assert {one.job.id: one.state for one in queue.jobs()} == {
        **{job.id: "dead" for job in JOBS[1:]}, JOBS[4].id: "cancelled", JOBS[0].id: "done", later.id: "done",
    }  # fmt: skip
    assert status_of(url, "theirs") == "CANCELLED"
    queue.close()
    assert not mark.exists()


def test_a_hostile_row_is_named_in_the_list(shell: Shell, tmp_path: Path) -> None:
    assert shell("jobs", "add", POST)[0] == 0
    _, (line, *_) = shell.json("jobs", "list")
    job = str(line["job"])
    spoil(f"sqlite:///{shell.home / 'jobs' / 'queue.sqlite'}", {f"{job}.1": (pickled(tmp_path / "PWNED"), "py_pickle")})
    for words in (["list"], ["show", job], ["list", "--state", "waiting"]):
        code, out, _ = shell("jobs", *words)
        assert (code, job in out, "refused: this row" in out) == (0, True, True), words
    assert shell("jobs", "retry", job)[0] == 1
    assert shell("work", "--drain")[0] in (0, 4)
    code, out, _ = shell("jobs", "list", "--state", "dead")
    assert (code, job in out) == (0, True)
    assert shell("status")[0] == 2  # a job is dead
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.parametrize("read", ["deserialize_args", "deserialize_value", "deserialize_exception", "safe_deserialize"])
def test_each_reader_of_dbos_refuses(read: str, tmp_path: Path) -> None:
    from dbos import DBOSPortableJSONSerializer, _serialization

    refuse_pickles()
    mark, ours = tmp_path / "PWNED", DBOSPortableJSONSerializer()
    if read == "safe_deserialize":
        found = _serialization.safe_deserialize(
            ours, "py_pickle", "x",
            serialized_input=pickled(mark), serialized_output=pickled(mark), serialized_exception=pickled(mark),
        )  # fmt: skip
        assert set(map(str, found)) == {pickled(mark)}
    else:
        with pytest.raises(NotJson):
            getattr(_serialization, read)(pickled(mark), "py_pickle", ours)
    for serializer in (_serialization.DBOSDefaultSerializer, _serialization.DefaultSerializer()):
        with pytest.raises(NotJson):
            serializer.deserialize(pickled(mark))
        assert json.loads(serializer.serialize(Exception("why")))
    assert not mark.exists()


def test_dbos_has_no_other_way_to_unpickle() -> None:
    """Where a release of it gets one, this says so before anybody's database does."""
    spec = find_spec("dbos")
    assert spec is not None
    assert spec.origin is not None
    found = set()
    for path in Path(spec.origin).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            dangerous = {"pickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "yaml"}
            found |= {(path.name, name) for name in names if name.split(".")[0] in dangerous}
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            found |= {(path.name, called)} if called in ("eval", "exec", "__import__") else set()
    assert {name for name in found if name[1] != "yaml"} == {("_serialization.py", "pickle")}, found


def test_a_secret_in_a_link_of_the_queue_is_not_shown(shell: Shell) -> None:
    secret = "Zq8fjW2mKp0aLx"
    shell.environment["ARCHIVER_SECRETS"] = secret
    for words in (
        ("jobs", "add", f"https://blog.ozen.example/j?x={secret}"), ("jobs", "add", f"nonsense {secret}"), ("jobs", "list"),
        ("--json", "jobs", "list"), ("watch", "add", f"https://blog.ozen.example/w?x={secret}"), ("watch", "list"),
        ("schedule", "add", f"capture https://blog.ozen.example/s?x={secret} every 1d"), ("schedule", "list"),
    ):  # fmt: skip
        _, out, err = shell(*words)
        assert secret not in out + err, words


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), OSError(errno.EINVAL, "Invalid argument")])
def test_what_the_disk_refuses_an_attempt_is_a_failure_that_is_tried_again(error: OSError) -> None:
    """Not a fault of ours, after which a job is given up; anything else still is one."""

    def refused(cases: list[str]) -> NoReturn:
        raise error

    worker = object.__new__(Worker)
    worker.home = SimpleNamespace(recipients=refused)  # type: ignore[assignment]
    ended = worker._work(SimpleNamespace(), SimpleNamespace(), SimpleNamespace(cases=()))  # type: ignore[arg-type]
    if error.errno == errno.EIO:
        assert asyncio.run(ended).outcome == Outcome.FAILED
    else:
        with pytest.raises(OSError, match="Invalid"):
            asyncio.run(ended)
