"""What `serve` and `work`, as processes of their own, do when the program breaks or their settings change: both go on."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from archiver.errors import ExitCode
from archiver.home.home import Home
from tests.conftest import Shell, set_in
from tests.support.jobs import FILM, POST, until

PLANTED = """
import json, sys
from archiver.cli.main import main
from archiver.jobs.api import Api
from archiver.jobs.worker import Worker
from archiver.recorder.network import TestNetwork

order = json.loads(sys.argv[1])
carry_out = Worker._carry_out

async def broken(*_):
    raise KeyError(order["said"])

async def carried_out(worker, attempt):
    return await (broken() if attempt.job.link == order["breaks"] else carry_out(worker, attempt))

Api._status, Worker._carry_out = broken, carried_out
sys.argv[1:] = ["--home", order["home"], *order["words"]]
sys.exit(main(None, TestNetwork({}), {}))  # no routes: those would lead past a proxy
"""
SECRET = "pr0xyPassw0rd"


def _process(shell: Shell, *words: str) -> subprocess.Popen[str]:
    order = {"home": str(shell.home), "words": words, "said": f"{POST} through u:{SECRET}", "breaks": POST}
    return subprocess.Popen(
        [sys.executable, "-c", PLANTED, json.dumps(order)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _ask(address: str, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request(method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    return answer.status, json.load(answer)


def _text(home: Path) -> str:
    return "".join(path.read_text() for path in (home / "log").glob("*.log"))


def test_what_runs_goes_on_by_its_proxy_and_says_what_broke(shell: Shell, started: list[subprocess.Popen[Any]]) -> None:
    path = shell.home / "archiver.toml"
    set_in(Home(shell.home), proxy=f'"socks5h://u:{SECRET}@127.0.0.1:9"')  # nobody listens there
    server, worker = _process(shell, "--json", "serve", "--api", "--port", "0"), _process(shell, "work")
    started += [server, worker]
    assert server.stdout is not None
    assert worker.stdout is not None
    first = server.stdout.readline()
    assert "serving" in first, first
    address = json.loads(first)["serving"].removeprefix("http://")
    assert worker.stdout.readline().startswith("working")
    token = (shell.home / "keys" / "api-token").read_text()
    path.write_text(path.read_text().replace("\nproxy =", "\nproxi =", 1))
    assert "proxi" in shell("jobs", "list")[2], "what begins now is stopped"

    code, answered = _ask(address, token, "POST", "/jobs", {"links": [POST, FILM]})
    assert code == 202
    code, answer = _ask(address, token, "GET", "/status")
    assert code == 500
    reasons: dict[str, str] = {}

    def both_were_tried() -> bool:
        for job in answered["queued"]:
            attempts = _ask(address, token, "GET", f"/jobs/{job['job']}")[1]["attempts"]
            if said := [one["reason"] for one in attempts if one["reason"]]:
                reasons[job["link"]] = said[0]
        return reasons.keys() == {POST, FILM}

    until(both_were_tried)
    for process in (server, worker):
        process.terminate()
    said = {"serve": server.communicate(timeout=60)[1], "work": worker.communicate(timeout=60)[1]}
    log = _text(shell.home)

    assert "127.0.0.1 port 9" in reasons[FILM], "nothing goes out past the proxy"
    assert (server.returncode, worker.returncode) == (ExitCode.OK, ExitCode.FAULT)
    [job] = [line for line in said["work"].splitlines() if line.startswith("job ")]
    for where, words in ((answer["found"], "a fault"), (said["serve"], "Serving goes on"), (job, "Other jobs go on")):
        assert words in where
    places = [text.partition("in the log at ")[2][:8] for text in (answer["found"], reasons[POST])]
    for place, told in zip(places, (said["serve"], job), strict=True):
        assert place in told
        assert f" {place} ERROR archiver.jobs." in log
    for text in (log, *said.values(), reasons[POST], answer["found"]):
        assert SECRET not in text
        assert "t.me" not in text
