"""Links with secrets in the queue: its database holds none of them, workers ask for the true links all the same."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import pyrage
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from archiver.home.config import read_config
from archiver.home.home import Home
from archiver.home.secret_values import SecretMask
from archiver.jobs.entries import SharedEntry
from archiver.jobs.job import UNOPENED_PAUSES, Job
from archiver.jobs.queue import JobAttempt, Queue, database
from archiver.jobs.queue_secrets import PRIVATE, QueueSecrets, Unopened, queue_secrets
from archiver.jobs.shared_state import SharedState
from archiver.ratelimit.limiter import HostLimiter
from archiver.recorder.proxy import Recorder
from archiver.signer.withheld import LocalDecryptor
from storage.times import system_clock, utc_parse
from tests.conftest import Shell, World, plain_home
from tests.support.engines import capture_engine
from tests.support.jobs import worker_for
from tests.support.served import Served

KNOWN, TOKEN = "Zq8fjW2mKp0aLx", "tKw93hdQpLs7vN"
PAGE = "https://blog.ozen.example/"
LINKS = (
    f"{PAGE}a?x={KNOWN}",
    f"{PAGE}b?access_token={TOKEN}",
    f"{PAGE}c?next=https%3A%2F%2Fo.example%2F%3Ftoken%3D{TOKEN}",
)
NOON = utc_parse("2026-11-28T12:00:00.000000Z")


def kept_in(home: Path) -> bytes:
    """Everything that the queue's database holds, beside its table of keys: also pages that were freed."""
    return b"".join(path.read_bytes() for path in sorted((home / "jobs").glob("queue.sqlite*")))


def secrets_for(identity: pyrage.x25519.Identity, *others: str, opens: bool = True) -> QueueSecrets:
    def decrypt(data: bytes) -> bytes | None:
        try:
            return bytes(pyrage.decrypt(data, [identity]))
        except pyrage.DecryptError:
            return None

    public = str(identity.to_public())
    return QueueSecrets(SecretMask([KNOWN]), lambda cases: [public, *others], decrypt if opens else None)


# -- one value ---------------------------------------------------------------------------------------------------


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.sampled_from([KNOWN, *LINKS, f"x {LINKS[0]} y", f"https://u:{TOKEN}@h.example/"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.just(KNOWN), inner, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
def test_what_is_hidden_is_read_again_and_stands_nowhere(value: Any) -> None:
    secrets = SECRETS
    whole = {"link": value, "cases": ["inbox"]}
    stored = secrets.hide(whole)
    plain = json.dumps({key: item for key, item in stored.items() if key != PRIVATE})
    assert KNOWN not in plain
    assert TOKEN not in plain
    assert secrets.hide(stored) == stored
    assert secrets.reveal(json.loads(json.dumps(stored)), "it") == json.loads(json.dumps(whole))


SECRETS = secrets_for(pyrage.x25519.Identity.generate())


def test_a_value_without_secrets_is_stored_as_it_is() -> None:
    value = {"link": "https://medium.com/@someone/a-post?page=2", "options": {"cases": ["inbox"]}, "said": None}
    assert SECRETS.hide(value) == value
    job = Job("20261128T170000-abcdefgh", "capture", PAGE, {}, {})
    assert SECRETS.hide_job(job) is job
    assert "private" not in json.dumps(job.value())


def test_what_has_not_changed_stays_encrypted_for_the_same_keys() -> None:
    first, second = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    ours = secrets_for(first, str(second.to_public()))
    stored = ours.hide({"link": LINKS[0], "said": None})
    theirs = secrets_for(second)
    revealed = theirs.reveal(stored, "a watch")
    again = theirs.hide({**revealed, "said": "as before"})
    assert ours.reveal(again, "a watch")["link"] == LINKS[0], "whoever queued it can open it still"


@pytest.mark.parametrize("private", ["", "?", "AAAA", 7, None, "W10="])
def test_what_is_no_secret_of_ours_is_refused(private: Any) -> None:
    with pytest.raises(Unopened):
        SECRETS.reveal({"link": "https://h.example/?token=withheld", PRIVATE: private}, "a job")


@pytest.mark.parametrize(
    "text", ['[[["none", 0], "x"]]', "[[7]]", "{}]", "[" * 5000, '[[["link", "x"], 1]]', "[[[], 7]]", "[[[], [7]]]"]
)
def test_a_secret_that_leads_nowhere_is_refused(text: str) -> None:
    """Whoever can write to the database can encrypt for our public keys too."""
    identity = pyrage.x25519.Identity.generate()
    for data in (text.encode(), text.encode("utf-16")):
        made = base64.b64encode(pyrage.encrypt(data, [identity.to_public()])).decode()
        with pytest.raises(Unopened):
            secrets_for(identity).reveal({"link": "https://h.example/", PRIVATE: made}, "a job")


@pytest.mark.parametrize("text", ["[[[], {}]]", '[[["link"], 7]]', '[[["link"], null]]'])
def test_a_secret_that_leaves_a_job_without_a_link_is_refused(text: str) -> None:
    identity = pyrage.x25519.Identity.generate()
    made = base64.b64encode(pyrage.encrypt(text.encode(), [identity.to_public()])).decode()
    with pytest.raises(Unopened):
        secrets_for(identity).reveal_job(Job("20261128T170000-abcdefgh", "capture", PAGE, {}, {}, made))


def test_what_is_left_to_another_machine_hides_nothing_behind_it(tmp_path: Path) -> None:
    """It stays due for as long as that machine is away, and is the longest overdue."""
    ours, theirs = (secrets_for(pyrage.x25519.Identity.generate()) for _ in range(2))
    url = f"sqlite:///{tmp_path / 'queue.sqlite'}"
    for name, secrets, due in (("a", theirs, 1.0), ("b", theirs, 2.0), ("c", ours, 3.0), ("d", ours, 4.0)):
        shared = SharedState(url, secrets=secrets)
        shared.entries.put("watch", SharedEntry(name, due, {"link": LINKS[0], "cases": ["inbox"]}))
        shared.close()
    shared = SharedState(url, secrets=ours)
    assert [one.id for one in shared.entries.due("watch", 9.0, 2)] == ["c", "d"]
    assert [one.id for one in shared.entries.due("watch", 9.0, 1)] == ["c"]
    assert [one.value["link"] for one in shared.entries.due("watch", 9.0)] == [LINKS[0]] * 2
    assert shared.entries.left == {"watch a", "watch b"}
    shared.close()


# -- commands ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worked(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One home in which such links were added in every way, listed, and carried out."""
    from tests.support.commands import Commands

    folder = tmp_path_factory.mktemp("secrets")
    run = Commands(plain_home(folder / "home").path, world.network, ARCHIVER_SECRETS=KNOWN)
    world.served.log.clear()
    listed = folder / "list.csv"
    listed.write_text("link\n" + "".join(f"{link}&feed\n" for link in LINKS))
    said = []
    for words in (
        *(("jobs", "add", link) for link in LINKS),
        ("watch", "add", f"{PAGE}2011/12/17/square?x={KNOWN}"), ("watch", "add", f"{PAGE}w?access_token={TOKEN}"),
        ("schedule", "add", f"capture {LINKS[1]}&s every 1d"), ("feed", "add", str(listed)),
        ("jobs", "add", f"https://u:{TOKEN}@h.example/{KNOWN}"), ("feed", "add", f"https://u:{TOKEN}@h.example/feed?x={KNOWN}"),
    ):  # fmt: skip
        said.append(run(*words))
    before = kept_in(run.home)
    said.append(run("work", "--drain"))
    (job,) = {line["job"] for line in run.json("jobs", "list")[1] if line.get("link", "").endswith("/a?x=withheld")}
    feed, watch = run.json("feed", "list")[1][0]["feed"], run.json("watch", "list")[1][0]["watch"]
    for words in (
        ("jobs", "list"), ("jobs", "show", job), ("watch", "list"), ("watch", "show", watch), ("schedule", "list"),
        ("feed", "list"), ("feed", "show", feed), ("status",), ("--json", "jobs", "list"),
        ("--json", "watch", "show", watch), ("--json", "feed", "show", feed), ("--json", "schedule", "list"),
    ):  # fmt: skip
        said.append(run(*words))
    return {"run": run, "said": said, "before": before, "feed": feed, "listed": listed}


def test_no_secret_stands_in_the_queue(worked: dict[str, Any]) -> None:
    for kept in (worked["before"], kept_in(worked["run"].home)):
        assert b"x=withheld" in kept
        assert KNOWN.encode() not in kept
        assert TOKEN.encode() not in kept


def test_no_secret_is_shown(worked: dict[str, Any]) -> None:
    for code, out, err in worked["said"]:
        assert KNOWN not in out + err, (code, out, err)
        assert TOKEN not in out + err, (code, out, err)


def test_the_true_links_were_asked_for(worked: dict[str, Any], world: World) -> None:
    asked = {(one.path, *one.query.values()) for one in world.served.log if one.host == "blog.ozen.example"}
    assert {("/a", KNOWN), ("/b", TOKEN), ("/c", f"https://o.example/?token={TOKEN}"), ("/w", TOKEN)} <= asked
    assert not any("withheld" in word for one in asked for word in one)


def test_each_row_of_a_feed_finds_its_job(worked: dict[str, Any]) -> None:
    rows = worked["run"].json("feed", "show", worked["feed"])[1]
    assert len(rows) == 3
    assert {row["state"] for row in rows} == {"done"}
    assert all("withheld" in row["text"] for row in rows)


def test_a_feed_that_grows_queues_no_link_twice(worked: dict[str, Any], world: World) -> None:
    run = worked["run"]
    worked["listed"].write_text(worked["listed"].read_text() + f"{PAGE}new?token={TOKEN}\n")
    with sqlite3.connect(run.home / "jobs" / "queue.sqlite") as connection:
        connection.execute("UPDATE archiver_things SET due=1 WHERE kind='feed'")
    world.served.log.clear()
    run("work", "--drain")
    assert {one.path for one in world.served.log} == {"/new"}
    assert TOKEN.encode() not in kept_in(run.home)


def test_no_event_holds_what_is_secret(worked: dict[str, Any]) -> None:
    home = worked["run"].home
    for path in [*(home / "events").rglob("*"), *home.glob("state.sqlite*"), *(home / "log").glob("*")]:
        if path.is_file():
            assert KNOWN.encode() not in path.read_bytes(), path


# -- rows of an earlier release ----------------------------------------------------------------------------------------


def test_plain_rows_of_an_earlier_release_are_shown_masked_and_retried_encrypted(shell: Shell, world: World) -> None:
    shell.environment["ARCHIVER_SECRETS"] = KNOWN
    home = Home(shell.home, environment={"ARCHIVER_SECRETS": KNOWN})
    queue = Queue(database(home))
    job = Job("20261128T170000-abcdefgh", "capture", LINKS[0], {})
    queue.add([job])
    queue.shared.entries.put("schedule", SharedEntry("old", 1.0, {"link": LINKS[1], "options": {}}))
    queue.close()
    _, out, _ = shell("jobs", "show", job.id)
    assert KNOWN not in out
    assert "x=withheld" in out
    assert shell("jobs", "cancel", job.id)[0] == shell("jobs", "retry", job.id)[0] == 0
    with sqlite3.connect(shell.home / "jobs" / "queue.sqlite") as connection:
        rows = connection.execute("SELECT * FROM workflow_input WHERE workflow_uuid=?", [f"{job.id}.2"]).fetchall()
        rows += connection.execute(
            "SELECT inputs FROM workflow_status WHERE workflow_uuid=?", [f"{job.id}.2"]
        ).fetchall()
    assert "x=withheld" in str(rows)
    assert KNOWN not in str(rows)
    with_keys = Queue(database(home), queue_secrets(home, LocalDecryptor(home.path)))
    assert with_keys.secrets is not None
    assert with_keys.secrets.reveal_job(with_keys.attempts(job.id)[-1].job).link == LINKS[0]
    without = Queue(database(home), queue_secrets(home))
    (old,) = without.shared.entries.all("schedule")
    assert TOKEN not in str(old.value)
    without.shared.entries.put("schedule", old)  # as a command that moves its date does
    (again,) = with_keys.shared.entries.all("schedule")
    assert again.value["link"] == LINKS[1]
    without.close()
    with_keys.close()


def test_an_api_masks_what_it_answers(home: Home, world: World) -> None:
    home = Home(home.path, environment={"ARCHIVER_SECRETS": KNOWN})
    served = Served(home)
    try:
        bad = f"ftp://u:{TOKEN}@h.example/{KNOWN}"
        answers = [served.ask("POST", "/jobs", {"links": [*LINKS, bad]}), served.ask("GET", "/jobs")]
        answers += [served.ask("POST", "/jobs", {"links": [PAGE], "case": f"x{KNOWN}"}), served.ask("GET", "/status")]
        answers += [served.ask("GET", f"/jobs/{one['job']}") for one in answers[0][1]["queued"]]
        assert (len(answers[0][1]["queued"]), len(answers[0][1]["refused"])) == (3, 1)
        assert KNOWN not in str(answers)
        assert TOKEN not in str(answers)
    finally:
        served.close()


# -- machines --------------------------------------------------------------------------------------------------------


def carried_out(home: Home, url: str, world: World, attempt: JobAttempt) -> Any:
    async def main() -> Any:
        recorder = Recorder(HostLimiter(0.0, 4), network=world.network)
        engine = capture_engine(home, recorder)
        queue = Queue(url, queue_secrets(home, LocalDecryptor(home.path)))
        try:
            return await asyncio.to_thread(worker_for(engine, queue).carry_out, attempt)
        finally:
            await engine.close()
            recorder.close()
            queue.close()

    return asyncio.run(main())


def test_a_machine_without_the_key_leaves_the_job_to_another(tmp_path: Path, world: World) -> None:
    ours, theirs = plain_home(tmp_path / "ours"), plain_home(tmp_path / "theirs")
    url = f"sqlite:///{tmp_path}/queue.sqlite"
    queue = Queue(url, queue_secrets(ours))
    job = Job("20261128T170000-abcdefgh", "capture", LINKS[1], {})
    queue.add([job])
    (stored,) = queue.attempts(job.id)
    assert TOKEN not in str(stored.job.value())
    world.served.log.clear()
    left = carried_out(theirs, url, world, JobAttempt(stored.job, 1, NOON, {}))
    assert (left.state, left.again, left.captures) == ("again", UNOPENED_PAUSES[0], ())
    assert "no key here" in left.reason or "a key here" in left.reason
    assert not world.served.log
    last = carried_out(theirs, url, world, JobAttempt(stored.job, 3, NOON, {"unopened": len(UNOPENED_PAUSES)}))
    assert last.state == "dead"
    done = carried_out(ours, url, world, JobAttempt(stored.job, 2, NOON, left.attempts))
    assert (done.state, len(done.captures)) == ("done", 1)
    assert {one.query.get("access_token") for one in world.served.log} == {TOKEN}
    queue.close()


def test_a_key_that_the_settings_name_opens_it(tmp_path: Path) -> None:
    ours, theirs = plain_home(tmp_path / "ours"), plain_home(tmp_path / "theirs")
    (key,) = theirs.recipients(["inbox"])
    text = (ours.path / "archiver.toml").read_text("utf-8")
    (ours.path / "archiver.toml").write_text(text.replace("recipients = []", f'recipients = ["{key}"]'))
    assert read_config(ours.path, {}).job_recipients == (key,)
    queue = Queue(f"sqlite:///{tmp_path}/queue.sqlite", queue_secrets(Home(ours.path, environment={})))
    queue.add([Job("20261128T170000-abcdefgh", "capture", LINKS[1], {})])
    (stored,) = queue.jobs()
    opened = queue_secrets(theirs, LocalDecryptor(theirs.path)).reveal_job(stored.job)
    assert opened.link == LINKS[1]
    queue.close()


def test_what_cannot_be_opened_here_waits_for_another_machine(tmp_path: Path) -> None:
    from archiver.jobs.due_schedules import entry_of, schedules_due
    from archiver.jobs.schedule import Rule, Schedule

    ours, theirs = plain_home(tmp_path / "ours"), plain_home(tmp_path / "theirs")
    url = f"sqlite:///{tmp_path}/queue.sqlite"
    queues = [Queue(url, queue_secrets(home, LocalDecryptor(home.path))) for home in (ours, theirs)]
    schedule = Schedule("daily", "capture", LINKS[1], {}, Rule(every=3600.0), system_clock().replace(microsecond=0))
    queues[0].shared.entries.add("schedule", [entry_of(schedule)])
    now = queues[0].shared.now() + 60
    assert schedules_due(queues[1], now) == []
    assert queues[1].shared.entries.left == {"schedule daily"}
    (job,) = schedules_due(queues[0], now)
    assert job.link == LINKS[1]
    for queue in queues:
        queue.close()


def test_an_earlier_release_refuses_the_job_of_a_masked_link() -> None:
    from archiver.jobs.job import unpacked

    stored = SECRETS.hide_job(Job("20261128T170000-abcdefgh", "capture", LINKS[0], {})).value()
    with pytest.raises(TypeError, match="private"):
        unpacked(stored["options"])  # what it does with the options of a row


# -- rows of other programs --------------------------------------------------------------------------------------------


def test_rows_of_other_workflows_are_named_and_not_carried_out(shell: Shell, home: Home) -> None:
    assert shell("jobs", "list")[1].strip() == "nothing is queued"
    queue = Queue(database(home))
    engine = sa.create_engine(database(home))
    with engine.begin() as connection:
        for name, of, where in (
            ("a", "evil", "jobs"),
            ("b", "evil", "jobs"),
            ("c", "theirs", "other"),
            ("d", None, "jobs"),
        ):
            connection.execute(
                sa.text(
                    "INSERT INTO workflow_status (workflow_uuid, name, status, queue_name, created_at, updated_at, priority, serialization)"
                    " VALUES (:id, :name, 'ENQUEUED', :queue, 1, 1, 0, 'portable_json')"
                ),
                {"id": name, "name": of, "queue": where},
            )
    served = Served(home)
    try:
        listed = served.ask("GET", "/jobs")[1]
    finally:
        served.close()
    assert listed == {
        "jobs": [],
        "refused": [
            {"refused": None, "in_our_queue": True, "rows": 1}, {"refused": "evil", "in_our_queue": True, "rows": 2},
            {"refused": "theirs", "in_our_queue": False, "rows": 1},
        ],
    }  # fmt: skip
    _, out, _ = shell("jobs", "list")
    assert "2 rows of another workflow, 'evil': refused" in out
    assert "'theirs': refused, not carried out, left alone" in out
    queue.taken_over("ledger/1")  # as a worker does at each beat
    with engine.begin() as connection:
        states = dict(connection.execute(sa.text("SELECT workflow_uuid, status FROM workflow_status")).tuples().all())
    assert states == {"a": "CANCELLED", "b": "CANCELLED", "c": "ENQUEUED", "d": "CANCELLED"}
    engine.dispose()
    queue.close()
