"""The HTTP interface: schemathesis against its description, the token, the bookmarklet in a browser, health, status."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.home.home import Home
from archiver.home.log import HomeLog
from tests.conftest import Shell, World, need, set_in
from tests.support.forked import Command, Forked
from tests.support.jobs import POST, until, worker_of
from tests.support.served import Served
from tests.support.soak import SOAK


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    made = Served(home)
    yield made
    made.close()


def test_links_are_queued_and_shown(served: Served) -> None:
    code, value = served.ask(
        "POST", "/jobs", {"links": [POST, POST, "nonsense", "https://t.me/s/ozen_today"], "priority": "urgent"}
    )
    assert code == 202
    assert [one["kind"] for one in value["queued"]] == ["capture", "crawl"]
    assert [one["link"] for one in value["refused"]] == ["nonsense"]
    job = value["queued"][0]["job"]
    code, value = served.ask("GET", "/jobs?state=waiting&limit=10")
    assert (code, len(value["jobs"])) == (200, 2)
    code, value = served.ask("GET", f"/jobs/{job}")
    assert value["attempts"][0]["state"] == "waiting"
    assert served.ask("POST", f"/jobs/{job}/cancel") == (200, {"job": job, "state": "cancelled"})
    assert served.ask("POST", f"/jobs/{job}/cancel")[0] == 409
    code, value = served.ask("GET", "/status")
    assert (code, value["jobs"]) == (200, {"waiting": 1, "cancelled": 1})


def test_a_fault_is_written_to_the_log(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError(POST)

    monkeypatch.setattr("archiver.jobs.api.status", broken)
    with HomeLog(served.home.path, [].append):
        code, answer = served.ask("GET", "/status")
        assert code == 500
        assert served.ask("GET", "/jobs")[0] == 200, "the next request is answered"
    [file] = (served.home.path / "log").glob("*.log")
    said, _, reference = answer["found"].rpartition("; in the log at ")
    assert said == "a fault of the program: KeyError"
    assert f"{reference} ERROR archiver.jobs.api:" in file.read_text()
    assert "archiver/jobs/api.py:" in file.read_text()
    assert POST not in file.read_text()


def test_a_link_with_a_password_is_refused_without_it(served: Served) -> None:
    code, value = served.ask("POST", "/jobs", {"links": ["https://user:hunter2@t.me/ozen_today/12"]})
    assert (code, value["queued"], value["refused"][0]["link"]) == (202, [], "https://withheld@t.me/ozen_today/12")
    assert "hunter2" not in str(value)


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/jobs", b"{", 400), ("POST", "/jobs", b"\xff\xfe", 400), ("POST", "/jobs", {}, 400), ("POST", "/jobs", [], 400),
        ("POST", "/jobs", {"links": []}, 400), ("POST", "/jobs", {"links": ["x"] * 1001}, 400), ("POST", "/jobs", {"links": [1]}, 400),
        ("POST", "/jobs", {"links": [POST], "case": "nowhere"}, 404), ("POST", "/jobs", {"links": [POST], "priority": []}, 400),
        ("POST", "/jobs", {"links": [POST], "more": 1}, 400), ("POST", "/jobs", b" " * (1 << 21), 413),
        ("GET", "/jobs?limit=0", None, 400), ("GET", "/jobs?limit=%D9%A3", None, 400), ("GET", "/jobs?state=lost", None, 400),
        ("GET", "/jobs/nothing", None, 404), ("GET", "/jobs/%00%ff", None, 404), ("GET", "/nowhere", None, 404), ("PUT", "/jobs", None, 405),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(served: Served, method: str, path: str, body: Any, code: int) -> None:
    found, value = served.ask(method, path, body)
    assert found == code
    assert set(value) == {"expected", "found", "next"}
    assert served.queue.counts() == {}


def test_without_the_token_nothing(served: Served) -> None:
    for path in ("/jobs", "/status", "/jobs/20261128T170000-abcdefgh", "/nowhere"):
        for token in (None, "wrong", "é"):
            code, value = served.ask("GET", path, token=token.encode().decode("latin-1") if token else token)
            assert (code, set(value)) == (401, {"expected", "found", "next"})
    assert served.ask("POST", "/jobs", {"links": [POST]}, token=None)[0] == 401
    assert served.queue.counts() == {}


def test_each_person_has_a_token_that_can_be_taken_back(served: Served, shell: Shell) -> None:
    _, [dana] = shell.json("keys", "token", "dana")
    _, [aru] = shell.json("keys", "token", "aru")
    code, value = served.ask("POST", "/api/v1/jobs", {"links": [POST]}, token=dana["token"])
    assert code == 202
    job = value["queued"][0]["job"]
    attempts = served.ask("GET", f"/api/v1/jobs/{job}", token=aru["token"])[1]["attempts"]
    assert attempts[0]["by"] == "dana"
    assert "by dana" in shell("jobs", "list")[1]
    assert shell("keys", "token", "dana", "--take-back")[0] == 0
    code, value = served.ask("GET", "/api/v1/jobs", token=dana["token"])
    assert code == 401
    assert "taken back at" in value["found"]
    assert shell("keys", "lock", "aru")[0] == 0
    code, value = served.ask("POST", "/api/v1/jobs", {"links": [POST]}, token=aru["token"])
    assert code == 401
    assert "locked since" in value["found"]
    assert served.ask("GET", "/api/v1/jobs")[0] == 200, "the home's own token goes on"
    served.ask("POST", "/api/v1/jobs", {"links": ["https://t.me/ozen_today/13"]})
    waiting = served.ask("GET", "/api/v1/jobs?state=waiting")[1]["jobs"]
    assert [job["by"] for job in waiting if job["link"].endswith("/13")] == ["tester"]


@pytest.mark.parametrize("path", ["/jobs", "/status", "/openapi.json", "/health"])
def test_the_earlier_paths_answer_and_say_so(served: Served, path: str) -> None:
    def headers(path: str) -> tuple[int, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.request("GET", path, None, {"Authorization": f"Bearer {served.token}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Deprecation"]

    code, said = headers(path)
    assert (code, said) == (headers(f"/api/v1{path}")[0], "true")
    assert headers(f"/api/v1{path}")[1] is None


def test_status_says_the_rest_while_the_queue_does_not_answer(shell: Shell, tmp_path: Path, world: World) -> None:
    assert shell("capture", POST)[0] == 0
    set_in(Home(shell.home), second=f'"{tmp_path / "unplugged"}"')
    shell.environment["ARCHIVER_JOBS"] = "postgresql://nobody@127.0.0.1:9/none"
    file = tmp_path / "archiver.prom"
    code, out, _ = shell("status", "--metrics", str(file))
    assert code == 4
    assert "NOT SHOWN   jobs, workers, watches: the queue does not answer" in out
    assert "captures    1" in out
    assert "copies      second: 1 capture not there yet; ITS FOLDER IS NOT THERE" in out
    assert "keys        ONLY HERE" in out
    text = file.read_text()
    assert "archiver_queue_up 0\n" in text
    assert "archiver_captures 1\n" in text
    assert 'archiver_destination_up{destination="second"} 0\n' in text
    assert "archiver_jobs" not in text, "what is not known is never 0"
    assert "archiver_workers_alive" not in text
    shell.environment.clear()
    code, out, _ = shell("status", "--metrics", str(file))
    assert code == 2, "a disk is not connected"
    assert "archiver_workers_alive 0\n" in file.read_text()
    (tmp_path / "unplugged").mkdir()
    assert shell("status")[0] == 0
    assert shell("keys", "sheet", "--plain", "--to", str(tmp_path / "sheet.html"))[0] == 0
    assert "ONLY HERE" not in shell("status")[1]
    assert shell("case", "new", "alma")[0] == 0
    assert "lacks 1 key" in shell("status")[1]


def test_metrics_are_in_the_format_of_prometheus(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "archiver.prom"
    assert shell("jobs", "add", POST)[0] == 0
    assert shell("status", "--metrics", str(file))[0] == 2
    lines = file.read_text().splitlines()
    value = re.compile(r'archiver_[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.]+')
    assert all(value.fullmatch(line) for line in lines if not line.startswith("#"))
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(typed) == len(set(typed)) > 8
    assert 'archiver_jobs{state="waiting"} 1' in lines
    assert POST not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644, "a monitor of another user reads it"


def test_another_name_leads_nowhere(served: Served) -> None:
    """A page of somebody else's whose name was pointed at this machine."""
    assert served.ask("GET", "/status", Host="evil.example")[0] == 421
    assert served.ask("GET", "/save", token=None, Host=f"evil.example:{served.port}")[0] == 421
    assert served.ask("GET", "/status", Host=f"localhost:{served.port}")[0] == 200


@pytest.mark.thorough("formats")
def test_schemathesis_finds_nothing(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served.ask("POST", "/jobs", {"links": [POST]})[0] == 202
    monkeypatch.setattr("archiver.jobs.shared_state.SILENT_SECONDS", 600.0)  # it beats once; this takes longer
    served.queue.shared.workers.beat("a", "m", "v", 0.0, 1, 0)  # without a worker /health is 503, as it should be
    program = Path(sys.executable).parent / "schemathesis"
    assert program.exists()
    done = subprocess.run(
        [
            str(program), "run", f"http://127.0.0.1:{served.port}/openapi.json", "-H", f"Authorization: Bearer {served.token}",
            "--max-examples", "40" if SOAK else "10", "--seed", "8", "--generation-database", "none", "--no-color",
        ],
        capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]


def test_the_bookmarklet_in_a_browser(served: Served) -> None:
    chromium = need("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(f"http://127.0.0.1:{served.port}/save")
        mark = page.get_attribute("#mark", "href") or ""
        assert mark.startswith("javascript:")
        assert served.token not in mark
        assert page.is_hidden("#save")
        page.goto(f"http://127.0.0.1:{served.port}/save#{POST.replace(':', '%3A').replace('/', '%2F')}")
        page.reload()
        page.fill("#token", served.token)
        page.click("#save")
        page.locator(
            "#said", has_text="Queued"
        ).wait_for()  # (a function that is waited for would be eval'd, which the page forbids)
        assert problems == []
        browser.close()
    (one,) = served.queue.jobs()
    assert (one.job.link, one.priority) == (POST, 1)


def test_a_worker_answers_for_its_health(shell: Shell, world: World, forked: Callable[[Command], Forked]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert shell("status")[0] == 0
    shell("jobs", "add", POST)
    code, out, _ = shell("status")
    assert (code, "NONE: archiver work" in out) == (2, True), "something waits, and nobody works"
    process = worker_of(forked, shell, world, "--health", str(port))

    def asked() -> tuple[int, Any] | None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        except OSError:
            return None

    until(lambda: (said := asked()) is not None and said[1]["jobs"] == {"done": 1})
    said = asked()
    assert said is not None
    assert (said[0], said[1]["status"], said[1]["workers"]) == (200, "ok", 1)
    assert "t.me" not in json.dumps(said)
    code, out, _ = shell("status")
    assert code == 0
    assert "workers     1" in out
    assert "NO second place" in out
    process.terminate()
    assert process.wait(60) in (0, 2)


def test_serving_refuses_what_is_unsafe(shell: Shell) -> None:
    assert shell("serve")[0] == 1
    assert "--name" in shell("serve", "--api", "--host", "0.0.0.0")[2]
    assert shell("serve", "--api", "--host", "here")[0] == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"links":["https://example.org/\\ud800"]}', b'{"links":["https://example.org/\\u0000x"]}',
        b'{"links":["https://example.org/"],"case":"\\udfff"}', b"[" * 100_000, b"{",
        b'{"links":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"links":["x"],"\\ud800":1}', b"\xff\xfe", b'{"links":["\xed\xa0\x80"]}',
    ],
)  # fmt: skip
def test_texts_that_are_none_get_an_error_in_json(served: Served, body: bytes) -> None:
    code, value = served.ask("POST", "/jobs", body)
    assert (code, set(value)) == (400, {"expected", "found", "next"})
    assert (value["found"] == "brackets nested too deep") == (b"[" * 100_000 in body)
    assert not value["found"].endswith(("'", '"'))
    assert served.ask("GET", "/jobs")[1] == {"jobs": [], "refused": []}


def test_what_is_sent_in_part_is_closed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds many half-sent requests would keep everybody else out; who is answered is left alone."""
    monkeypatch.setattr("archiver.jobs.api.QUIET_SECONDS", 0.4)
    served = Served(home)
    head = f"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {served.token}\r\nContent-Length: 99\r\n\r\n{{"
    sent = [b"", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", head.encode()]
    halves = [socket.create_connection(("127.0.0.1", served.port), 20) for _ in sent]
    try:
        for one, data in zip(halves, sent, strict=True):
            one.sendall(data)
        assert served.ask("GET", "/health")[0] in (200, 503)
        assert [_until_closed(one)[:12] for one in halves] == [b"", b"", b"HTTP/1.1 408"]
    finally:
        for one in halves:
            one.close()
        served.close()


def _until_closed(connection: socket.socket) -> bytes:
    connection.settimeout(20)
    got = b""
    while data := connection.recv(4096):
        got += data
    return got


def test_links_are_added_and_cancelled_and_all_else_only_looked_at(served: Served) -> None:
    code, described = served.ask("GET", "/openapi.json", token=None)
    assert code == 200
    changing = {
        (method, path)
        for path, methods in described["paths"].items()
        for method in methods
        if method not in ("get", "head")
    }
    assert changing == {("post", "/jobs"), ("post", "/jobs/{id}/cancel")}
    for path in described["paths"]:
        for method in ("PUT", "DELETE", "PATCH"):
            assert served.ask(method, path.replace("{id}", "x"))[0] in (404, 405)
