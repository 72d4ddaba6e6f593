"""The commands around capturing: first run, words of people, search, cases, help, exit codes, bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.cli.parser import build_parser
from archiver.demo.server import Answer, Platforms
from archiver.errors import EXIT_CODES
from archiver.home.home import Home
from storage.lines import read_lines
from storage.times import system_clock
from tests.conftest import Shell, World, need, plain_home
from tests.support.commands import Commands

POST = "https://t.me/ozen_today/16"


@pytest.fixture
def shell(home: Home, world: World, capsys: pytest.CaptureFixture[str]) -> Shell:
    world.telegram.trouble.clear()
    return Shell(home.path, world, capsys)


@pytest.fixture
def capture(shell: Shell) -> str:
    _, [result] = shell.json("capture", POST)
    return str(result["capture"])


# -- first run ---------------------------------------------------------------------------------------------


def test_first_run_unattended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "new"
    assert (
        main(
            [
                "--home",
                str(home),
                "--create",
                "--pseudonym",
                "aru",
                "--proxy",
                "socks5h://127.0.0.1:9050",
                "--timestamps",
            ],
            None,
            {},
        )
        == 0
    )
    text = (home / "archiver.toml").read_text()
    assert 'pseudonym = "aru"' in text
    assert 'proxy = "socks5h://127.0.0.1:9050"' in text
    assert "wanted = true" in text
    assert text.count("#") > 10, "each setting has a comment"
    assert oct((home / "keys" / "ledger.key").stat().st_mode)[-3:] == "600"
    assert oct((home / "keys").stat().st_mode)[-3:] == "700"
    assert "1 captures" not in capsys.readouterr().out


def test_first_run_by_environment(tmp_path: Path) -> None:
    environment = {"ARCHIVER_HOME": str(tmp_path / "new"), "ARCHIVER_PSEUDONYM": "env", "ARCHIVER_USER_AGENT": "Test/1"}
    assert main([], None, {**environment, "ARCHIVER_PROXY": "direct"}) == 0
    config = Home(tmp_path / "new", environment={}).config
    assert (config.pseudonym, config.user_agent) == ("env", "Test/1")


def test_first_run_asks_on_a_terminal(tmp_path: Path) -> None:
    """Through a real pseudo-terminal, as a person meets it."""
    import pty

    home = tmp_path / "asked"
    leader, follower = pty.openpty()
    environment = {**os.environ, "ARCHIVER_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "archiver"], stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    shown = b""
    for prompt, answer in ((b"[investigator]", b"aru"), (b">", b""), (b">", b"direct")):
        while not shown.rstrip().endswith(prompt):
            shown += os.read(leader, 4096)
        os.write(leader, answer + b"\n")
        shown += b"|"
    while b"keys sheet" not in shown:
        shown += os.read(leader, 4096)
    process.wait(60)
    os.close(leader)
    text = (home / "archiver.toml").read_text()
    for wanted in ('pseudonym = "aru"', 'proxy = ""', "wanted = true"):
        assert wanted in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pseudonym", "a/b"], "a pseudonym of letters"),
        (["capture"], ""),
        (["nosuchcommand"], ""),
        (["check"], "a home at"),
    ],
)
def test_usage_errors_are_one(tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--home", str(tmp_path / "x")], None, {}) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("link", "code", "said"),
    [
        ("http://[x", 1, "not a link: its host cannot be read"),
        ("notalink", 1, "not a link: it has no https:// and is not an @name"),
        ("tg://[x", 1, "a tg: link without a post or channel"),
        ("http://x/\r\nHost: y", 1, "a control character in the link"),
        ("http://x/\udcff", 1, "arguments in UTF-8"),
        ("https://example.org/my photo.jpg", 1, "a blank in the link"),
        ("http://ü.example:abc/", 1, "not a link: its port is no number from 1 to 65535"),
        ("http://a..b/", 1, "its host is neither a name nor an address"),
        ("http://ü..b/", 1, "its host is neither a name nor an address"),
        (f"http://{'a' * 64}.example/", 1, "its host is neither a name nor an address"),
        (f"https://t.me/durov/{'9' * 5000}", 1, "expected a number up to 2147483647"),
        ("https://blog.ozen.example/100%", 3, "not found"),
    ],
)
def test_links_that_are_none_have_a_clear_end(shell: Shell, link: str, code: int, said: str, tmp_path: Path) -> None:
    """Alone, and in a list whose other links are captured all the same."""
    ended, out, err = shell("capture", link)
    assert (ended, "Traceback" in out + err) == (code, False)
    assert said in out + err
    listed = tmp_path / "links.csv"
    listed.write_text(f"link\n{link}\nhttps://blog.ozen.example/2011/12/17/square\n", "utf-8", "surrogateescape")
    ended, out, err = shell("capture", "--list", str(listed))
    assert "Traceback" not in out + err
    assert "1 kept whole" in out + err


# -- people's words ------------------------------------------------------------------------------------------


def test_notes_tags_places(shell: Shell, capture: str) -> None:
    assert (
        shell(
            "note",
            capture[-8:],
            "Екі",
            "камера",
            "--post",
            "16",
            "--attachment",
            "2",
            "--from",
            "0:01.5",
            "--to",
            "2",
            "--region",
            "10,20,30,40",
        )[0]
        == 0
    )
    assert shell("tag", capture, "shooting")[0] == 0
    assert shell("place", capture, "Zhanaozen, square", "--at", "43.3412,52.8619")[0] == 0
    notes = Home(shell.home).catalog.annotations(capture)
    bodies = [json.loads(note["body"]) for note in notes]
    assert [body["kind"] for body in bodies] == ["note", "tag", "place"]
    assert bodies[0]["about"] == {
        "capture": capture, "post": "ozen_today/16", "attachment": 2, "segment": {"from_ms": 1500, "to_ms": 2000, "region": [10, 20, 30, 40]},
    }  # fmt: skip
    assert (bodies[2]["latitude"], bodies[2]["longitude"]) == ("43.3412", "52.8619")
    _, found = shell.json("find", "КАМЕРА")
    assert [item["kind"] for item in found] == ["annotation"]
    assert shell("check")[0] == 0
    code, out, _ = shell("show", capture)
    assert code == 0
    assert "Екі камера" in out
    assert "tester" in out


@pytest.fixture(scope="module")
def unchanged(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Commands, str]:
    """A home for commands that change nothing, and its capture."""
    shell = Commands(plain_home(tmp_path_factory.mktemp("unchanged") / "home").path, world.network)
    _, [result] = shell.json("capture", POST)
    return shell, str(result["capture"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["note", "nosuch", "x"], "a capture"),
        (["note", "{id}", "x", "--post", "99"], "a post '99'"),
        (["note", "{id}", "x", "--attachment", "9"], "attachment 9"),
        (["note", "{id}", "x", "--from", "later"], "a time like"),
        (["note", "{id}", "x", "--from", "9", "--to", "3"], "--to after --from"),
        (["note", "{id}", "x", "--region", "1,2,3"], "--region"),
        (["note", "{id}", "  "], "some words"),
        (["place", "{id}", "x", "--at", "95,10"], "--at latitude"),
        (["case", "new", "Bad Name"], "a case name"),
        (["case", "new", "inbox"], "a new case name"),
        (["case", "new", "other", "--recipient", "age1notakey"], "an age public key"),
        (["case", "show", "nosuch"], "the case 'nosuch'"),
        (["crawl", "https://example.org/"], "a channel, profile, playlist, thread or search"),
        (["crawl", "https://t.me/s/ozen_today", "--since", "yesterday"], "--since as"),
        (["show", "zzzz"], "a capture"),
        (["record"], "a command after --"),
    ],
)
def test_bad_words_change_nothing(unchanged: tuple[Commands, str], words: list[str], said: str) -> None:
    shell, capture = unchanged
    before = Home(shell.home).ledger.checkpoint()
    code, _, err = shell(*[word.format(id=capture) for word in words])
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert Home(shell.home).ledger.checkpoint() == before


def test_quarantine_keeps_from_view(shell: Shell, capture: str) -> None:
    assert "Төрт файл" in shell("show", capture)[1]
    shell("quarantine", capture, "a child is seen", "--post", "16")
    for words in (("show", capture), ("show", capture, "--json"), ("find", "файл"), ("find", "файл", "--json")):
        out = shell(*words)[1]
        assert "Төрт файл" not in out, words
        assert "quarantined" in out


def test_events_of_annotations_are_signed_by_the_person(shell: Shell, capture: str) -> None:
    shell("note", capture, "seen")
    path = sorted((shell.home / "events").rglob("*.json"))[-1]
    body = json.loads(path.read_bytes())["event"]
    assert body["agent"]["id"] == "tester"
    assert body["signature"]


# -- search ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "жаңаөзен",
        "ЖАҢАӨЗЕН",
        "Жанаозен",
        "Zhanaozen",
        "Jañaözen",
        "janaozen",
        "полиция",
        "Полици",
        "POLITSIIA",
        "alanda",
        "Алаңда адамдар",
    ],
)
def test_search_in_every_script(shell: Shell, text: str) -> None:
    shell("capture", "https://t.me/ozen_today/11")
    _, found = shell.json("find", text)
    assert [item["id"] for item in found] == ["ozen_today/11"], text
    assert shell.json("find", "жоқсөз")[1] == []


@pytest.mark.parametrize(
    "text", ['"', "* OR", "folded:x", "(", "NEAR(", "'; DROP TABLE posts; --", "", "   ", "a AND", "\x00"]
)
def test_search_takes_any_text(shell: Shell, text: str) -> None:
    assert shell("find", text or " ")[0] == 0


# -- bad states of a home ----------------------------------------------------------------------------------------


def test_a_corrupt_catalog_does_not_stop_a_capture_from_being_sealed(shell: Shell, capture: str) -> None:
    for path in shell.home.glob("catalog.sqlite*"):
        path.write_bytes(b"garbage" * 1000)
    code, _, err = shell("find", "x")
    assert code == 4
    assert "archiver catalog rebuild" in err
    assert "Traceback" not in err
    assert shell("catalog", "rebuild")[0] == 0
    assert shell("check")[0] == 0


def test_a_rolled_back_ledger_says_so_and_the_capture_is_kept(shell: Shell, capture: str) -> None:
    backup = shell.home.parent / "backup"
    shutil.copytree(shell.home / "ledger", backup)
    _, [second] = shell.json("capture", "https://t.me/ozen_today/12")
    whole = shell.home.parent / "whole"
    shutil.copytree(shell.home / "ledger", whole)
    shutil.rmtree(shell.home / "ledger")
    shutil.copytree(backup, shell.home / "ledger")
    code, _, err = shell("capture", "https://t.me/ozen_today/13")
    assert code == 5
    assert "rolled back" in err
    assert "Traceback" not in err
    assert shell("check")[0] == 5
    shutil.rmtree(shell.home / "ledger")
    shutil.copytree(whole, shell.home / "ledger")
    assert shell("capture", "https://t.me/ozen_today/13")[0] == 0
    assert shell("check")[0] == 0
    assert second["outcome"] == "captured"


def test_a_read_only_home_is_said(shell: Shell, capture: str) -> None:
    """Root may write anywhere, so the folder is made immutable by being a file."""
    captures = shell.home / "captures"
    captures.rename(shell.home / "captures-away")
    captures.write_text("not a folder")
    code, _, err = shell("capture", POST)
    captures.unlink()
    (shell.home / "captures-away").rename(captures)
    assert code == 4
    assert "found" in err
    assert "Traceback" not in err
    assert shell("check")[0] == 0


def test_a_full_disk_seals_what_is_there(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    import storage.capture

    real = storage.capture.os.write
    written = 0

    def full(descriptor: int, data: bytes) -> int:
        nonlocal written
        written += len(data)
        if written > 60_000 and len(data) > 4000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    with monkeypatch.context() as patched:
        patched.setattr("storage.capture.os.write", full)
        code, [result] = shell.json("capture", POST)
    assert code == 2, result
    assert (result["outcome"], "No space left" in str(result["reason"])) == ("partial", True)
    assert shell("check")[0] == 0


def test_a_clock_that_jumps_is_in_the_manifest(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    import archiver.home.home
    from storage.times import system_clock

    shell._world.served.log.clear()

    def jumping() -> object:
        """Set back by two hours as soon as the first request has been made."""
        return system_clock() - timedelta(hours=2 if shell._world.served.log else 0)

    original = archiver.home.home.Home.__init__

    def init(self: Home, path: Path, clock: object = None, environment: object = None, person: object = None) -> None:
        original(self, path, jumping, environment or {})  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(archiver.home.home.Home, "__init__", init)
        code, [result] = shell.json("capture", POST)
    assert code == 0
    manifest = json.loads((shell.home / str(result["folder"]) / "manifest.json").read_bytes())
    assert manifest["clock"]["wall_ms"] < -7_000_000
    code, out, _ = shell("check")
    assert code == 0
    assert "clock jumped by -7" in out


def test_a_damaged_ledger_is_said_and_left_as_it_is(shell: Shell, capture: str) -> None:
    path = shell.home / "ledger" / "checkpoint"
    path.write_bytes(path.read_bytes()[:-20])
    before = {p: p.read_bytes() for p in (shell.home / "ledger").rglob("*") if p.is_file()}
    code, _, err = shell("note", capture, "x")
    assert code == 5
    assert "archiver fixity --repair" in err
    assert {p: p.read_bytes() for p in (shell.home / "ledger").rglob("*") if p.is_file()} == before


def test_a_lost_state_is_made_good_by_the_rebuild(home: Home, world: World, shell: Shell) -> None:
    """An open capture that state.sqlite no longer remembers is found, closed and sealed."""
    import asyncio

    from archiver.capture.context import CaptureOrder
    from archiver.capture.options import CaptureOptions
    from archiver.recorder.proxy import Recorder
    from spiders.targets import page
    from tests.support.engines import capture_engine

    recorder = Recorder(network=world.network)

    async def leave_open() -> None:
        order = CaptureOrder(page("https://blog.ozen.example/"), CaptureOptions(), "run")
        context = capture_engine(home, recorder).open_session(order).context
        await asyncio.wrap_future(context.port.fetch("https://blog.ozen.example/square.mp4", [], "x"))
        context.inventory.discover("thing", "page", "https://blog.ozen.example/", None)
        context.port.close()
        context.writer._lock.release()

    asyncio.run(leave_open())
    recorder.close()
    home.state.close()
    for path in home.path.glob("state.sqlite*"):
        path.unlink()
    assert shell("check")[0] == 5
    code, _, err = shell("catalog", "rebuild")
    assert code == 0
    assert "1 discovered things marked as interrupted" in err
    assert shell("check")[0] == 0


def test_a_capture_limit_stops_and_says_so(shell: Shell) -> None:
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace("capture_bytes = 0", "capture_bytes = 2000"))
    code, [result] = shell.json("capture", POST)
    assert (code, result["outcome"]) == (2, "partial")
    assert "capture limit reached" in str(result["reason"])
    assert shell("check")[0] == 0


def test_settings_that_cannot_be_read(shell: Shell) -> None:
    path = shell.home / "archiver.toml"
    text = path.read_text()
    for wrong, said in (
        ("[sites\n", "readable settings"),
        (text.replace('proxy = ""', 'proxy = "ftp://x"'), "a proxy like"),
        (text.replace('proxy = ""', 'proxy = "http://[x"'), "a proxy like"),
        (text.replace('proxy = ""', 'proxy = "http://x:abc"'), "a proxy like"),
        (text.replace("interval = 0.5", 'interval = "often"'), "a number from 0 to 3600 for [sites] interval"),
    ):
        path.write_text(wrong)
        code, _, err = shell("capture", POST)
        assert code == 1
        assert said in err
    path.write_text(text)


def test_keys_that_are_missing(shell: Shell) -> None:
    (shell.home / "keys" / "ledger.key").rename(shell.home / "keys" / "away")
    code, _, err = shell("capture", POST)
    assert code == 1
    assert "Restore keys/" in err


def test_the_clock_is_held_against_the_servers_own(shell: Shell, home: Home, tmp_path: Path) -> None:
    """Nobody is asked for the time: what servers say of it anyway is noted, and what the kernel thinks of its clock."""
    page = b"<html><body><p>A page of some words that stand here.</p></body></html>"

    def an_hour_ahead(_: object) -> Answer:
        later = format_datetime(system_clock() + timedelta(hours=1), usegmt=True)
        return Answer(body=page, headers=[("Date", later)])

    served = Platforms(tmp_path / "served", {"clock.example": an_hour_ahead})
    shell.network = served.network
    try:
        code, [result] = shell.json("capture", "https://clock.example/")
    finally:
        served.stop()
    assert code == 0
    clock = json.loads((home.path / str(result["folder"]) / "manifest.json").read_bytes())["clock"]
    assert clock["servers"]["answers"] >= 1
    assert 3_590_000 < clock["servers"]["median_ms"] < 3_610_000
    assert clock["kernel"] is None or isinstance(clock["kernel"]["synchronised"], bool)
    assert "+3600 s from ours" in shell("check")[1] or "+3599 s from ours" in shell("check")[1]


# -- help and documents --------------------------------------------------------------------------------------------


def commands() -> Iterator[list[str]]:
    parser = build_parser()
    [actions] = [
        action for action in parser._actions if hasattr(action, "choices") and isinstance(action.choices, dict)
    ]
    for name, sub in actions.choices.items():  # type: ignore[union-attr]
        yield [name]
        for action in sub._actions:
            if isinstance(action.choices, dict):
                for inner in sub.subparsers():  # without the form of an earlier release
                    yield [name, inner]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_and_is_documented(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"], None, {}) == 0
    assert len(capsys.readouterr().out) > 100
    text = (Path(__file__).parents[2] / "docs" / "reference" / "commands.md").read_text()
    assert f"archiver {' '.join(words)}" in text, f"docs/reference/commands.md does not show archiver {' '.join(words)}"


def test_exit_codes_are_one_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "commands.md").read_text()
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning}" in text


def test_help_imports_nothing_heavy() -> None:
    heavy = ("scrapy", "lxml", "cryptography", "sqlite_utils", "trafilatura", "OpenSSL", "asyncio")
    code = "import sys; from archiver.cli.main import main; main(['--help']); "
    code += f"print([m for m in sys.modules if m.split('.')[0] in {heavy}])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip().endswith("[]")


# -- an ordinary Scrapy project ---------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]


def scrapy(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scrapy", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def test_scrapy_list() -> None:
    names = "facebook-post page telegram-channel telegram-post x-post x-timeline youtube-list youtube-video"
    assert scrapy("list").stdout.split() == names.split()


def test_scrapy_crawl_behind_record_is_recorded(shell: Shell) -> None:
    command = [
        sys.executable,
        "-m",
        "scrapy",
        "crawl",
        "page",
        "-a",
        "link=https://blog.ozen.example/2011/12/17/square",
    ]
    code, [result] = shell.json("record", "--about", "https://blog.ozen.example/", "--", *command)
    assert (code, result["outcome"], result["posts"]) == (0, "captured", 1)
    lines = list(read_lines(shell.home / str(result["folder"]) / "records.jsonl"))
    assert "https://blog.ozen.example/2011/12/17/square" in [
        line["uri"] for line in lines if line["type"] == "response"
    ]
    assert shell("check")[0] == 0


def test_curl_behind_record_is_recorded(shell: Shell) -> None:
    code, [result] = shell.json(
        "record", "--", need("curl"), "-sS", "-o", "/dev/null", "https://blog.ozen.example/square.mp4"
    )
    assert (code, result["outcome"]) == (2, "partial"), "it is recorded, and nobody read it"
    assert "nothing was read in it" in str(result["reason"])
    folder = shell.home / str(result["folder"])
    assert any(str(line["uri"]).endswith("square.mp4") for line in read_lines(folder / "records.jsonl"))
    assert shell("check")[0] == 0


def test_a_program_that_fails_makes_the_recording_partial(shell: Shell) -> None:
    code, [result] = shell.json("record", "--", sys.executable, "-c", "raise SystemExit(7)")
    assert code == 2
    assert "exit code 7" in str(result["reason"])


def test_a_disk_that_fills_up_in_a_large_file(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had been written of the film becomes a truncated record; the rest of the capture is sealed."""
    import errno

    import storage.warc
    from archiver.demo.server import Answer
    from archiver.recorder.network import default_roots  # noqa: F401 - the recorder is imported before its parts are patched

    world.telegram.trouble["/file/a1b2c3d412.mp4"] = Answer(
        content_type="video/mp4", body=os.urandom(1 << 20), repeat=8
    )
    real = storage.warc.os.writev
    written = 0

    def full(descriptor: int, parts: list[bytes]) -> int:
        nonlocal written
        written += sum(len(part) for part in parts)
        if 3_000_000 < written < 12_000_000:
            written = 5_000_000
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, parts)

    with monkeypatch.context() as patched:
        patched.setattr("storage.warc.os.writev", full)
        patched.setattr("storage.salvage.MemberInPlace", _untouched(real))
        code, [result] = shell.json("capture", "https://t.me/ozen_today/12")
    assert code == 2, result
    assert "No space left" in str(result["reason"])
    [film] = [
        line for line in read_lines(shell.home / str(result["folder"]) / "records.jsonl") if line.get("truncated")
    ]
    assert film["payload_size"] > 1_000_000
    code, out, _ = shell("check", "--quiet")
    assert code == 0, out


def _untouched(real: object) -> object:
    """A MemberInPlace for salvaging that still can write: space was freed meanwhile."""
    import storage.warc

    class Writable(storage.warc.MemberInPlace):
        def _put(self, parts: list[bytes]) -> None:
            for part in parts:
                self._position += os.write(self._fd, part)

    return Writable


def test_a_stranger_s_words_cannot_move_the_terminal(shell: Shell, tmp_path: Path) -> None:
    """What a post says reaches the screen without its control characters, and without those that turn writing round."""
    tweet = {"__typename": "Tweet", "id_str": "20", "text": "a\x1b[2Jb \u202egnp.exe", "user": {"name": "c\x07d"}}
    (tmp_path / "tweet.json").write_text(json.dumps(tweet))
    _, out, _ = shell("parse", str(tmp_path / "tweet.json"))
    assert "a\\x1b[2Jb \\x202egnp.exe" in out
    assert "c\\x07d" in out
    assert not {"\x1b", "\u202e", "\x07"} & set(out)
