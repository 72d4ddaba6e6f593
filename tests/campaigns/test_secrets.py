"""Secrets of every kind, thrown back at the program in every spelling, are searched for in everything that it writes and says.

Secrets are planted in each way that there is to give them; a server that was sent them, or knows them, repeats them in headers,
trailers, redirects, cookies, errors, names of files and bodies. `make soak PART=secrets` plants some 280; elsewhere a sample runs.
"""

from __future__ import annotations

import json
import os
import random
import string
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from archiver.demo.media import picture
from archiver.demo.server import Answer, Asked, Platforms
from archiver.home.home import Home
from archiver.jobs.job import Job
from archiver.jobs.queue import Queue, database
from archiver.jobs.queue_secrets import queue_secrets
from tests.conftest import plain_home, set_in
from tests.support.commands import Commands
from tests.support.served import Served
from tests.support.soak import SOAK, seeded
from tests.support.spelled import CLAIMED, NOT_CLAIMED, Finder, cells, warc_without_bodies

pytestmark = pytest.mark.thorough("secrets")
HOST = "mirror.example"
COUNTS = {
    "configured": 120 if SOAK else 16, "cookie": 80 if SOAK else 8, "link": 60 if SOAK else 6, "short": 10 if SOAK else 2,
}  # fmt: skip
GROUP = 8
"""How many secrets one page repeats, each in every spelling."""
OWN = ("archiver.toml", "cookies.txt", "google.json")
"""Files of the home that the person keeps secrets in."""


def planted(rnd: random.Random) -> dict[str, str]:
    """Value → kind; letters and digits alone, and with all that links, JSON, HTML and header fields have a meaning for."""
    found: dict[str, str] = {}
    odd = string.ascii_letters + string.digits + "+/=%&'<>{}:!~*$#?@ é"
    for kind, count in COUNTS.items():
        for number in range(count):
            letters = odd.replace(" ", "").replace("é", "") if kind == "cookie" else odd
            letters = string.ascii_letters + string.digits if number % 2 or kind in ("link", "short") else letters
            length = 7 if kind == "short" else rnd.randint(14, 40)
            found["Zq" + "".join(rnd.choices(letters, k=length - 3)) + "x"] = kind
    return found


class Mirror:
    """A site that knows the secrets, and repeats them wherever an answer can hold a text."""

    def __init__(self, folder: Path, secrets: list[str], token: str) -> None:
        self.groups = [secrets[at : at + GROUP] for at in range(0, len(secrets), GROUP)]
        self.image, self.token = picture(shade=90), token
        self.served = Platforms(folder, {HOST: self.answer})
        self.spellings = {**CLAIMED, **NOT_CLAIMED}

    def answer(self, asked: Asked) -> Answer:
        kind, _, number = asked.path.strip("/").partition("/")
        if kind == "i":
            return Answer(content_type="image/png", body=self.image)
        group = self.groups[int(number) % len(self.groups)] if number.isdigit() else []
        made: dict[str, Callable[[list[str]], Answer]] = {
            "head": self._head, "body": self._body, "trailer": self._trailer, "moved": self._moved, "error": self._error, "file": self._file,
        }  # fmt: skip
        return made[kind](group) if kind in made else Answer(body=_page("Queue", f"<p>{WORDS}</p>"))

    def _spelled(self, group: list[str]) -> list[str]:
        return [spell(secret).replace("\n", "") for secret in group for spell in self.spellings.values()]

    def _head(self, group: list[str]) -> Answer:
        fields = [(f"X-Echo-{number}", text) for number, text in enumerate(self._spelled(group))]
        fields += [("Set-Cookie", f"c{number}={spell}; Path=/") for number, spell in enumerate(group)]
        fields += [("ETag", f'"{group[0]}"'), ("Link", f"<https://{HOST}/{quote(group[-1], safe='')}>; rel=next")]
        return Answer(body=_page("Head", f"<p>{WORDS}</p>"), headers=fields)

    def _body(self, group: list[str]) -> Answer:
        spelled = self._spelled(group)
        words = "".join(f"<p>{WORDS} {escape(text)} {text}</p>" for text in spelled)
        images = "".join(f'<img src="/i/{quote(text, safe="")}.png" alt="{escape(text)}">' for text in spelled[:3])
        links = "".join(
            f'<a href="https://{HOST}/next?x={quote(text, safe="")}">{escape(text)}</a>' for text in spelled
        )
        data = json.dumps({"@type": "NewsArticle", "headline": group[0], "author": {"name": group[-1]}})
        script = f'<script type="application/ld+json">{data}</script>'
        return Answer(body=_page(f"The square {escape(group[0])}", words + images + links, script))

    def _trailer(self, group: list[str]) -> Answer:
        body = _page("Trailer", f"<p>{WORDS}</p>")
        fields = "".join(f"X-T-{number}: {text}\r\n" for number, text in enumerate(self._spelled(group)))
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        return Answer(raw=head.encode() + b"%x\r\n" % len(body) + body + b"\r\n0\r\n" + fields.encode() + b"\r\n")

    def _moved(self, group: list[str]) -> Answer:
        return Answer(302, headers=[("Location", f"https://{HOST}/landed?x={quote(group[0], safe='')}#{group[-1]}")])

    def _error(self, group: list[str]) -> Answer:
        return Answer(500, "text/plain", f"denied: {' '.join(self._spelled(group))}".encode())

    def _file(self, group: list[str]) -> Answer:
        name = quote(group[0], safe="")
        said = [("Content-Disposition", f"attachment; filename=\"{group[-1]}.png\"; filename*=UTF-8''{name}.png")]
        return Answer(content_type="image/png", body=self.image, headers=said)


WORDS = "People stood in the square in the morning, and the road to the station was closed until the evening."


def _page(title: str, body: str, head: str = "") -> bytes:
    article = f"<article><h1>{title}</h1><p>{WORDS}</p><p>{WORDS}</p>{body}</article>"
    return f"<!DOCTYPE html><html><head><title>{title}</title>{head}</head><body>{article}</body></html>".encode()


class Children:
    """Reads environment and arguments of every process below this one, as long as it is entered."""

    def __init__(self) -> None:
        self.seen: dict[str, bytes] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Children:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            ours = {os.getpid()}
            for path in sorted(
                (one for one in Path("/proc").iterdir() if one.name.isdigit()), key=lambda one: int(one.name)
            ):
                try:
                    parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                    if parent not in ours:
                        continue
                    ours.add(int(path.name))
                    whole = (path / "cmdline").read_bytes()
                    # A child that was forked and runs this program still has the environment of its parent.
                    whole += (
                        (path / "environ").read_bytes()
                        if (path / "exe").readlink() != Path(sys.executable).resolve() or b"-m" in whole
                        else b""
                    )
                except (OSError, ValueError, IndexError):
                    continue
                self.seen[whole[:60].decode("latin-1").replace("\0", " ")] = whole


class Inbox:
    """What `json://` notifications are sent to."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.got.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]


@dataclass
class Campaign:
    """What was planted, and everything that the program said of it."""

    home: Path
    secrets: dict[str, str]
    said: list[tuple[str, str]] = field(default_factory=list)
    children: dict[str, bytes] = field(default_factory=dict)
    messages: list[bytes] = field(default_factory=list)
    packages: dict[str, Path] = field(default_factory=dict)


def others(rnd: random.Random, port: int) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Secrets that no server is sent. Returns (value → kind, environment, settings)."""

    def new(kind: str, letters: str = string.ascii_letters + string.digits, length: int = 24) -> str:
        value = "".join(rnd.choices(letters, k=length))
        made[value] = kind
        return value

    made: dict[str, str] = {}
    hexadecimal = "0123456789abcdef"
    environment = {
        "AWS_SECRET_ACCESS_KEY": new("S3 key", length=40), "AWS_ACCESS_KEY_ID": "AKIA" + new("S3 key", string.ascii_uppercase, 16),
        "AWS_SESSION_TOKEN": new("S3 key", length=60), "ARCHIVER_PASSPHRASE": new("passphrase"),
        "ARCHIVER_TELEGRAM_API_HASH": new("api_hash", hexadecimal, 32), "ARCHIVER_TELEGRAM_PHONE": new("phone", string.digits, 12),
        "ARCHIVER_TELEGRAM_PASSWORD": new("Telegram password"), "ARCHIVER_TELEGRAM_PASSPHRASE": new("Telegram passphrase"),
        "ARCHIVER_NOTIFY_TEAM": f"json://user:{new('notify password')}@127.0.0.1:{port}/{new('notify token')}",
    }  # fmt: skip
    settings = {
        "mtproxy": f'"tg://proxy?server=127.0.0.1&port=9&secret={new("mtproxy", hexadecimal, 32)}"',
        "second_proxy": f'"socks5h://user:{new("proxy password")}@127.0.0.1:9"', "cookies": '"cookies.txt"',
    }  # fmt: skip
    return made, environment, settings


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    folder = tmp_path_factory.mktemp("secrets")
    rnd, inbox = random.Random(seeded(20)), Inbox()
    secrets = planted(rnd)
    unsent, environment, settings = others(rnd, inbox.port)
    of = {kind: [value for value, one in secrets.items() if one == kind] for kind in COUNTS}
    home = plain_home(folder / "home")
    lines = [f".{HOST}\tTRUE\t/\tTRUE\t2000000000\tck{n}\t{value}\n" for n, value in enumerate(of["cookie"])]
    (home.path / "cookies.txt").write_text("# Netscape HTTP Cookie File\n" + "".join(lines))
    (home.path / "keys" / "google.json").write_text(
        json.dumps({"private_key": "".join(rnd.choices(string.ascii_letters, k=64))})
    )
    set_in(home, **settings, interval="0.0")
    with (home.path / "archiver.toml").open("a") as file:
        file.write(
            '[[notify]]\nname = "team"\nfrom_environment = "ARCHIVER_NOTIFY_TEAM"\nevents = ["dead"]\ncontent = true\n'
        )
    environment["ARCHIVER_SECRETS"] = "\n".join([*of["configured"], *of["short"]])
    mirror = Mirror(folder / "served", [*of["configured"], *of["cookie"]], of["link"][0])
    run = Commands(home.path, mirror.served.network, **environment)
    made = Campaign(home.path, {**secrets, **unsent})
    with pytest.MonkeyPatch.context() as patch, Children() as children:
        for name, value in environment.items():
            patch.setenv(name, value)
        _work_of_a_day(made, run, of, len(mirror.groups))
        _packages(made, run, folder)
    made.children, made.messages = children.seen, inbox.got
    yield made
    mirror.served.stop()
    inbox.server.shutdown()


def _work_of_a_day(made: Campaign, run: Commands, of: dict[str, list[str]], groups: int) -> None:
    """Every command that handles links, with secrets in its words; the pages of the mirror; a worker; the API."""

    def say(*words: str) -> tuple[int, str, str]:
        code, out, err = run(*words)
        made.said.append((" ".join(words)[:40], out + err))
        return code, out, err

    say("case", "new", "heads")
    kinds = ("head", "body", "trailer", "moved", "error", "file")
    links = [f"https://{HOST}/{kind}/{number}" for kind in kinds for number in range(groups if SOAK else 1)]
    asked = [quote(value, safe="") for value in of["configured"]]
    say(
        "capture",
        *links,
        *(f"https://{HOST}/q?x={value}" for value in asked[:4]),
        f"https://{HOST}/{asked[4]}/y#{asked[5]}",
    )
    say("capture", "--case", "heads", *(link for link in links if "/head/" in link or "/trailer/" in link))
    say(
        "--debug",
        "capture",
        f"https://u:{of['link'][1]}@{HOST}/{asked[6]}",
        f"ftp://x/{asked[7]}",
        f"http://127.0.0.1/{asked[7]}",
    )
    listed = made.home.parent / "links.csv"
    listed.write_text(
        "link\n" + "".join(f"https://{HOST}/l?x={value}\n" for value in asked[:4]) + f"no link {of['configured'][3]}\n"
    )
    say("capture", "--list", str(listed), "--quick")
    queued = [f"https://{HOST}/j?x={asked[0]}", *(f"https://{HOST}/j?access_token={value}" for value in of["link"])]
    for words in (
        ("jobs", "add", *queued), ("jobs", "add", f"nonsense {of['configured'][1]}"), ("schedule", "add", f"capture {queued[1]}&s every 1d"),
        ("watch", "add", f"https://{HOST}/w?x={asked[1]}", f"https://{HOST}/w?token={of['link'][2]}"), ("feed", "add", str(listed)),
        ("schedule", "add", f"capture https://u:{of['link'][3]}@{HOST}/ every 1d"), ("feed", "add", f"https://u:{of['link'][4]}@{HOST}/feed"),
    ):  # fmt: skip
        say(*words)
    home = Home(made.home, environment={"ARCHIVER_SECRETS": "\n".join(of["configured"])})
    queue = Queue(database(home), queue_secrets(home))
    queue.add([Job(home.new_capture_id(home.clock()), "capture", queued[2], {"of a later release": True})])
    queue.close()
    say("work", "--drain")
    served = Served(home)
    try:
        bodies = [
            {"links": [*queued, f"nonsense {of['configured'][2]}"]},
            {"links": queued[:1], "case": of["configured"][2]},
        ]
        answers = [served.ask("POST", "/jobs", body) for body in bodies]
        answers += [served.ask("GET", path) for path in ("/jobs", "/status", "/health", "/save", f"/{asked[3]}")]
        made.said.append(("API", str(answers) + json.dumps(answers, ensure_ascii=False)))
        made.secrets[served.token] = "API token"
    finally:
        served.close()
    captures = [str(row["id"]) for row in home.catalog.captures("inbox")]
    for words in (
        ("jobs", "list"), ("--json", "jobs", "list"), ("watch", "list"), ("schedule", "list"), ("--json", "schedule", "list"),
        ("feed", "list"), ("status",), ("--json", "status"), ("find", "square"), ("config",), ("--json", "config"), ("doctor",),
        ("case", "show", "inbox"), *(("show", one) for one in captures[:3]), ("--json", "show", captures[0]), ("check",),
        ("history", f"https://{HOST}/w?x=withheld"), ("notify",),
        ("record", "--", "/bin/sh", "-c", f"env > {made.home.parent}/env; cat /proc/self/environ >> {made.home.parent}/env"),
    ):  # fmt: skip
        say(*words)
    made.said.append(("environment of a recorded program", (made.home.parent / "env").read_text("utf-8", "replace")))


def _packages(made: Campaign, run: Commands, folder: Path) -> None:
    """Each profile, of the case whose bodies repeat nothing and of the one whose do."""
    for case in ("heads", "inbox"):
        for profile in ("full", "partner", "public"):
            name = f"{case}-{profile}"
            code, out, err = run(
                "export",
                case,
                "--to",
                str(folder / "out"),
                "--profile",
                profile,
                "--yes",
                "--no-encrypt",
                "--name",
                name,
            )
            made.said.append((f"export {name}", out + err))
            if code == 0:
                made.packages[name] = folder / "out"


def searched(campaign: Campaign, finder: Finder) -> Finder:
    """Look for what was planted in everything that the program wrote, said and started."""
    # What a token in a link opens is what was captured: docs/explanation/threat-model.md
    in_links = frozenset({"link"})
    for words, text in campaign.said:
        lists_captures = words.removeprefix("--json ").startswith(("capture ", "case ", "show ", "find ", "export "))
        finder.look(f"output of {words}", text, in_links if lists_captures else frozenset())
    for name, data in campaign.children.items():
        finder.look(f"process {name}", data)
    for data in campaign.messages:
        finder.look("notification", data)
    for path in sorted(campaign.home.rglob("*")):
        place = path.relative_to(campaign.home).as_posix()
        if not path.is_file() or path.name in OWN or "keys" in path.parts:
            continue
        captured = place.startswith(("captures/", "catalog.sqlite", "events/", "state.sqlite", "derived/"))
        leave = in_links if captured else frozenset()
        finder.look("names of files", place, leave)
        if path.name.endswith((".warc.gz", ".warc")):
            for kind, data in warc_without_bodies(path):
                finder.look(f"WARC {kind}", data, leave)
        elif ".sqlite" in path.name:
            finder.look(place, path.read_bytes(), leave)
            if path.suffix == ".sqlite":
                finder.look(f"cells of {place}", cells(path), leave)
        else:
            finder.look_into(path.name if captured else place, path.read_bytes(), leave)
    return finder


def test_no_spelling_that_is_claimed_is_found(
    campaign: Campaign, record_property: Callable[[str, object], None]
) -> None:
    long = {value: kind for value, kind in campaign.secrets.items() if kind != "short"}
    finder = searched(campaign, Finder(long, CLAIMED))
    record_property("planted", len(campaign.secrets))
    record_property("spellings", f"{len(CLAIMED)} claimed, {finder.forms} spelled values")
    record_property("found", sum(finder.places.values()))
    assert not finder.places, "\n".join(finder.report())


def test_short_secrets_are_not_found_as_they_are(campaign: Campaign) -> None:
    short = {value: kind for value, kind in campaign.secrets.items() if kind == "short"}
    finder = searched(campaign, Finder(short, {"plain": str}))
    assert not finder.places, "\n".join(finder.report())


def test_packages_hold_no_secret(campaign: Campaign, record_property: Callable[[str, object], None]) -> None:
    """A full package of bodies that repeat secrets is refused: they are kept as they were received."""
    assert "inbox-full" not in campaign.packages
    assert {"heads-full", "heads-partner", "heads-public"} <= set(campaign.packages)
    sent = {value: kind for value, kind in campaign.secrets.items() if kind not in ("short", "link")}
    finder = Finder(sent, CLAIMED)
    out = next(iter(campaign.packages.values()))
    for path in sorted(one for one in out.rglob("*") if one.is_file()):
        place = path.relative_to(out).as_posix()
        if ".partial/" not in place:  # what was refused, and is said to lie there
            finder.look_into(place, path.read_bytes())
    record_property("packages", sorted(campaign.packages))
    assert not finder.places, "\n".join(finder.report())


def test_what_is_not_claimed_is_counted(campaign: Campaign, record_property: Callable[[str, object], None]) -> None:
    """An honest list: each of these spellings is found somewhere, and docs/explanation/threat-model.md names it."""
    long = {value: kind for value, kind in campaign.secrets.items() if kind in ("configured", "cookie")}
    finder = searched(campaign, Finder(long, NOT_CLAIMED))
    found = Counter(spelling for _, spelling, _ in finder.places)
    record_property("not claimed", dict(sorted(found.items())))
    assert set(found) == set(NOT_CLAIMED)
    page = " ".join((Path(__file__).parents[2] / "docs" / "explanation" / "threat-model.md").read_text("utf-8").split())
    assert [name for name in NOT_CLAIMED if name not in page] == []


@pytest.mark.damages
def test_the_search_finds_what_is_there(campaign: Campaign, tmp_path: Path) -> None:
    """Each spelling, in a place of each kind: a search that finds nothing proves nothing otherwise."""
    secret = "Zq+/=%&'<>{}:!x9Kd"
    for name, spell in CLAIMED.items():
        copy = Campaign(tmp_path, {}, said=[("x", f"a {spell(secret)} b")])
        finder = searched(copy, Finder({secret: "it"}, {name: spell}))
        assert [key[:2] for key in finder.places] == [("it", name)], name
