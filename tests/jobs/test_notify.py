"""Notifications: by rule, ids only, never held up by a target, never showing where they go."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from archiver.errors import ConfigError
from archiver.home.home import Home
from archiver.home.notify_config import KINDS
from archiver.jobs import notify
from archiver.jobs.notify import Notifier, message
from tests.conftest import Shell, World, set_in

DETAIL = {
    "event": 61, "watch": "q6z89g4y", "capture": "20261128T190512-abcdefgh", "link": "https://t.me/ozen_today/12",
    "said": "Telegram says: Post not found", "post": "ozen_today/12", "changes": [{"field": "text", "before": "a", "after": "b"}],
}  # fmt: skip


class Target:
    """What apprise's `json://` sends to."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answer, self.wait = 200, 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                time.sleep(outer.wait)
                self.send_response(outer.answer)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"json://127.0.0.1:{self.server.server_address[1]}/s3cret-t0ken"


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.server.shutdown()


def with_rule(home: Home, target: Target, more: str = "") -> Home:
    path = home.path / "archiver.toml"
    path.write_text(path.read_text() + f'\n[[notify]]\nname = "team"\nfrom_environment = "TEAM"\n{more}\n')
    return Home(home.path, environment={"TEAM": target.address})


@pytest.mark.parametrize("kind", KINDS)
def test_ids_only_unless_asked_for(kind: str) -> None:
    title, text = message(kind, DETAIL, content=False)
    assert title == f"archiver: {kind}"
    assert "event 61" in text
    for word in ("t.me", "ozen", "Telegram", "text"):
        assert word not in text
    title, text = message(kind, DETAIL, content=True)
    assert "https://t.me/ozen_today/12" in text
    assert "changed: text" in text


def test_what_a_rule_asks_for_is_sent(home: Home, target: Target) -> None:
    made = with_rule(home, target, 'events = ["unavailable"]\ncase = "inbox"')
    said: list[str] = []
    notifier = Notifier(made, said.append)
    notifier.notify("changed", DETAIL, ("inbox",))
    notifier.notify("unavailable", DETAIL, ("almaty",))
    notifier.notify("unavailable", DETAIL, ("inbox", "almaty"))
    notifier.close()
    assert [(one["title"], one["message"].splitlines()[0]) for one in target.got] == [
        ("archiver: unavailable", "capture 20261128T190512-abcdefgh")
    ]
    assert said == []


def test_a_target_that_hangs_holds_up_nothing(home: Home, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "SEND_SECONDS", 1.5)
    monkeypatch.setattr(notify, "PAUSE_SECONDS", 0.0)
    target.wait = 60.0
    said: list[str] = []
    notifier = Notifier(with_rule(home, target), said.append)
    begun = time.monotonic()
    notifier.notify("unavailable", DETAIL, ("inbox",))
    assert time.monotonic() - begun < 0.5
    notifier.close()
    assert len(said) == 1
    assert "no answer within" in said[0]
    assert "s3cret" not in said[0]


def test_a_target_that_refuses_is_said_without_its_address(shell: Shell, target: Target) -> None:
    with_rule(Home(shell.home), target)
    shell.environment = {"TEAM": target.address}
    code, out, err = shell("notify")
    assert (code, "✓ team" in out) == (0, True)
    target.answer = 500
    code, out, err = shell("notify", "team")
    assert code == 4
    assert "s3cret" not in out + err
    assert shell("notify", "nobody")[0] == 1
    assert "s3cret" not in repr(Home(shell.home, environment=shell.environment).config)


def test_a_message_goes_by_the_proxy_or_not_at_all(home: Home, target: Target) -> None:
    """smtplib knows of no proxy: an e-mail would show the mail server this machine's own address."""
    with socket.create_server(("127.0.0.1", 0)) as mail, socket.create_server(("127.0.0.1", 0)) as proxy:
        for listener in (mail, proxy):
            listener.settimeout(0.2)
        set_in(home, proxy=json.dumps(f"http://127.0.0.1:{proxy.getsockname()[1]}"))
        made = with_rule(home, target)
        address = (
            f"mailto://u:passw0rd@127.0.0.1:{mail.getsockname()[1]}/?from=a@b.example&to=c@d.example&mode=insecure"
        )
        [rule] = made.config.notify
        said = notify.send(made, replace(rule, targets=(address,)), "a", "b")
        assert said is not None
        assert "past the proxy" in said
        assert "passw0rd" not in said
        with pytest.raises(TimeoutError):
            mail.accept()

        def answer() -> None:
            with proxy.accept()[0] as client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        proxy.settimeout(20)
        taking = threading.Thread(target=answer, daemon=True)
        taking.start()
        assert notify.send(made, replace(rule, targets=("json://target.example/x",)), "a", "b") is None
        taking.join(10)


def test_without_rules_it_says_where_they_go(shell: Shell) -> None:
    code, _, err = shell("notify")
    assert code == 1
    assert "[[notify]]" in err


@pytest.mark.parametrize(
    "rule",
    ["", 'name = "A B"', 'name = "a"\nevents = ["everything"]', 'name = "a"\ncolour = "blue"'],
)
def test_rules_that_mean_nothing(home: Home, rule: str) -> None:
    with open(home.path / "archiver.toml", "a", encoding="utf-8") as settings:
        settings.write(f"\n[[notify]]\n{rule}\n")
    with pytest.raises(ConfigError, match="notify"):
        _ = Home(home.path, environment={}).config


def test_a_job_that_is_given_up_is_told(shell: Shell, target: Target, world: World) -> None:
    with_rule(Home(shell.home), target)
    shell.environment = {"TEAM": target.address}
    from archiver.jobs.job import Job
    from archiver.jobs.queue import Queue, database

    queue = Queue(database(Home(shell.home)))
    queue.add([Job("20261128T170000-abcdefgh", "capture", "https://t.me/ozen_today/12", {"colour": "blue"})])
    queue.close()
    shell("work", "--drain")
    (one,) = target.got
    assert one["title"] == "archiver: dead"
    assert one["message"] == "job 20261128T170000-abcdefgh"


def test_the_sender_gets_the_way_out_and_nothing_else(
    home: Home, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies, trusted certificates and the desktop, as the person set them; no other variable of ours."""
    passed = {
        "HTTPS_PROXY": "http://p.example:1",
        "SSL_CERT_FILE": "/c.pem",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x",
    }
    for name, value in {**passed, "ARCHIVER_PASSPHRASE": "planted", "AWS_SECRET_ACCESS_KEY": "planted"}.items():
        monkeypatch.setenv(name, value)
    seen: list[dict[str, str]] = []

    def run(words: list[str], env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.append(env)
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(notify, "subprocess", SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired))
    home = with_rule(home, target)
    assert notify.send(home, home.config.notify[0], "title", "text") is None
    assert {name: seen[0][name] for name in passed} == passed
    assert "planted" not in seen[0].values()
