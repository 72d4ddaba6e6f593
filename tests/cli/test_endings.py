"""How a command ends: streams that fail, exceptions of every kind, threads, signals; each in words and by its code."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.capture.engine import CaptureEngine
from archiver.capture.session import CaptureSession
from archiver.cli.arguments import count
from archiver.cli.main import main
from archiver.cli.parser import no_option
from archiver.errors import ConfigError, ExitCode
from archiver.home.home import Home
from storage.errors import LedgerError
from tests.conftest import Shell, World, set_in

LINK = "https://t.me/ozen_today/16"


def _run(home: Path, words: str, redirected: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = f'exec "$0" -m archiver --home "$1" {words} {redirected}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, str(home)],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


# -- streams -----------------------------------------------------------------------------------------------------------


class _Unread(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


class _Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("stream", "code"), [(_Unread, ExitCode.OK), (_Full, ExitCode.FAILED)])
def test_work_goes_on_when_standard_output_fails(
    stream: type[io.StringIO], code: int, home: Home, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream())
        assert main(["--home", str(home.path), "capture", LINK], world.network, {}) == code
    assert [row["outcome"] for row in Home(home.path).catalog.captures()] == ["captured"]


def test_a_broken_pipe_of_something_else_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: _raise(BrokenPipeError(32, "of ffmpeg")))
    assert main(["find", "x"], None, {}) == ExitCode.FAULT


@pytest.mark.parametrize(
    ("words", "redirected", "code"),
    [
        ("case list", ">&-", 0),
        ("--help", ">&-", 0),
        ("case list", "2>&-", 0),
        ("case list", "<&- >&- 2>&-", 0),
        ("case list", ">/dev/full", 4),
        ("--help", ">/dev/full", 4),
        ("--version", ">/dev/full", 4),
        ("nosuch", "2>/dev/full", 1),
    ],
)
def test_streams_that_are_closed_or_full(words: str, redirected: str, code: int, home: Home) -> None:
    ran = _run(home.path, words, redirected)
    assert ran.returncode == code, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert (b"No space left" in ran.stderr) == (code == 4)
    assert bool(ran.stdout) == (redirected == "2>&-")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("words", ["--help", "case list", "find жаңа --limit 0"])
def test_letters_that_the_output_cannot_show_are_escaped(words: str, encoding: str, home: Home) -> None:
    ran = _run(home.path, words, PYTHONIOENCODING=encoding)
    assert ran.returncode == (1 if "0" in words else 0), ran.stderr
    assert b"Traceback" not in ran.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1251"])
def test_json_reads_back_in_any_encoding(encoding: str, home: Home) -> None:
    ran = _run(home.path, "--json case show жü😀", PYTHONIOENCODING=encoding)
    [line] = ran.stdout.splitlines()
    assert "жü😀" in json.loads(line.decode(encoding))["expected"]


@pytest.mark.parametrize("words", ["case list", "--help"])
def test_streams_that_were_closed_in_python(words: str, home: Home) -> None:
    close = "for one in (sys.stdin, sys.stdout, sys.stderr): one.close()"
    ran = _in_a_process(close, "--home", str(home.path), *words.split())
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_output_that_does_not_fit_is_not_called_a_capture(home: Home) -> None:
    said = _run(home.path, "case list", ">/dev/full").stderr.decode()
    assert "expected a writable standard output" in said
    assert "partial" not in said


# -- exceptions --------------------------------------------------------------------------------------------------------


class _Unsayable(Exception):
    def __str__(self) -> str:
        raise ValueError("its text breaks too")


def _raise(error: BaseException) -> int:
    raise error


def _config() -> ConfigError:
    return ConfigError("settings", "none", "Write some.")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (asyncio.CancelledError(), 7, "ProgramFault"),
        (_Unsayable(), 7, "ProgramFault"),
        (SystemExit("x"), 7, "ProgramFault"),
        (BaseExceptionGroup("g", [asyncio.CancelledError()]), 7, "ProgramFault"),
        (ExceptionGroup("g", [_config(), ValueError("x")]), 7, "ProgramFault"),
        (ExceptionGroup("g", [ExceptionGroup("h", [_config()])]), 1, "ConfigError"),
        (ExceptionGroup("g", [_config(), LedgerError("a", "b", "c")]), 5, "LedgerError"),
        (KeyboardInterrupt(), 4, "Stopped"),
        (BaseExceptionGroup("g", [KeyboardInterrupt()]), 4, "Stopped"),
    ],
    ids=repr,
)
def test_whatever_ends_a_command_is_said(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: _raise(error))
    assert main(["find", "x", "--json"], None, {}) == code
    shown = capsys.readouterr()
    assert shown.err.startswith(("archiver: ", "Traceback", "  + Exception Group", "asyncio."))
    last = json.loads(shown.out.splitlines()[-1])
    assert last["error"] == said
    assert set(last) == {"error", "expected", "found", "next"}


def test_a_thread_that_breaks_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(context: object) -> int:
        beside = threading.Thread(target=_raise, args=(ValueError("in a thread"),))
        beside.start()
        beside.join()
        return 0

    monkeypatch.setattr("archiver.cli.commands.find.run", run)
    before = threading.excepthook
    assert main(["find", "x"], None, {}) == ExitCode.FAULT
    assert "ValueError: in a thread" in capsys.readouterr().err
    assert threading.excepthook is before


def _in_a_process(prepared: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `main` as the program does, in a Python that was prepared."""
    code = (
        f"import sys; sys.argv[1:] = {list(words)!r}\n{prepared}\nfrom archiver.cli.main import main; sys.exit(main())"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_thread_that_breaks_after_its_command_is_said() -> None:
    prepared = """
import threading, time, archiver.cli.commands.find as find
def late():
    time.sleep(0.2)
    raise ValueError("late")
def run(context):
    threading.Thread(target=late).start()
    return 0
find.run = run"""
    ran = _in_a_process(prepared, "find", "x", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["error"]) == (ExitCode.FAULT, "ProgramFault")
    assert "ValueError: late" in ran.stderr


def test_what_nothing_can_catch_is_written_down(home: Home) -> None:
    prepared = """
import archiver.cli.commands.find as find
class Thing:
    def __del__(self): raise ValueError("of https://t.me/anna/1")
def run(context):
    Thing()
    return 0
find.run = run"""
    ran = _in_a_process(prepared, "--home", str(home.path), "find", "x")
    [file] = (home.path / "log").glob("*.log")
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.startswith("archiver: a fault of the program beside its work: ValueError; in the log at ")
    assert ran.stderr.split()[-1] in file.read_text()
    assert "anna" not in ran.stderr + file.read_text()


@pytest.mark.parametrize("module", ["answers", "console", "context", "parser", "commands.find"])
def test_ctrl_c_while_the_program_is_loaded(module: str) -> None:
    prepared = f"""
class Pressed:
    def find_spec(self, name, *_):
        if name == "archiver.cli.{module}":
            sys.meta_path.remove(self)
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())"""
    ran = _in_a_process(prepared, "find", "x", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["error"]) == (ExitCode.FAILED, "Stopped")
    assert "Traceback" not in ran.stderr


def test_a_command_that_returns_no_exit_code_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: None)
    assert main(["find", "x", "--json"], None, {}) == ExitCode.FAULT
    assert json.loads(capsys.readouterr().out)["error"] == "ProgramFault"


def test_what_breaks_beside_captures_is_said_once_they_are_closed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tick(engine: CaptureEngine) -> None:
        raise ValueError("beside")

    monkeypatch.setattr(CaptureEngine, "tick", tick)
    code, out, err = shell("capture", LINK)
    assert code == ExitCode.FAULT
    assert "ValueError: beside" in err
    assert "sealed as event" in out


def test_a_fault_in_what_takes_a_page_is_the_reason(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CaptureSession, "_page_seen", lambda session, item, claimed: _raise(ValueError("of ours")))
    code, [result] = shell.json("capture", LINK)
    assert (code, result["outcome"]) == (2, "partial")
    assert str(result["reason"]).startswith("a fault of ours: ValueError: of ours; in the log at ")


# -- words that do not fit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "doctr"], ["case", "lst", "--json"], ["--json", "find"], ["--json", "case"], ["--js", "find"],
        ["--json", "--hme", "x", "case", "list"], ["--json", "find", "x", "--limit", "9" * 30],
        ["--json", "note", "\udcff", "x"], ["--json", "\udcff"], ["--json", "parse", "/"],
    ],
    ids=repr,
)  # fmt: skip
def test_every_usage_error_has_its_json_line(words: list[str], home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home.path), *words], None, {}) == ExitCode.USAGE
    shown = capsys.readouterr()
    [line] = shown.out.splitlines()
    assert {"error", "expected", "found", "next"} == set(json.loads(line))
    assert json.loads(line)["error"] == "UsageError"
    assert shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hme", "x", "case", "list"], "there is no option --hme. Did you mean --home?"),
        (["find", "x", "--schedule"], "there is no option --schedule.\n"),
        (["find", "x", "--\x1b[31m"], "there is no option --\\x1b[31m."),
    ],
    ids=repr,
)
def test_an_option_that_there_is_not(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words, None, {}) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_dashes_do_not_make_options_alike() -> None:
    assert no_option("--x", ["--help", "--y"]) == "there is no option --x."
    assert no_option("--limt", ["--help", "--limit"]) == "there is no option --limt. Did you mean --limit?"


@pytest.mark.parametrize(
    "words", ["-- find x", "find -- x", "find x --", "status --", "case -- list", "case list --", "--"]
)
def test_dashes_that_end_no_options_mean_nothing(words: str, home: Home) -> None:
    assert main(["--home", str(home.path), *words.split()], None, {}) == 0


def test_a_word_after_dashes_is_still_one_too_many(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home.path), "status", "--", "x"], None, {}) == ExitCode.USAGE
    assert "'x' is one word too many" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "²", "1_0", "9" * 5000])
def test_what_is_no_count(text: str) -> None:
    from argparse import ArgumentTypeError

    with pytest.raises(ArgumentTypeError):
        count(text)
    assert count(" 12 ") == 12


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "inbox", "--identity", "nosuch"], "--identity"),
        (["check", "--root", "ab", "--fingerprint", "cd"], "--fingerprint and --root"),
        (["export", "inbox", "--profile", "full", "--yes", "--to", "HOME/captures/x"], "outside of the home"),
        (["assemble", "x", "--to", "HOME"], "outside of the home"),
    ],
    ids=repr,
)
def test_what_does_not_apply_is_refused(words: list[str], said: str, shell: Shell) -> None:
    code, _, err = shell(*[word.replace("HOME", str(shell.home)) for word in words])
    assert code == ExitCode.USAGE
    assert said in err


# -- record ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--", "/nonexistent"], "an executable program '/nonexistent'"),
        (["--about", "http://[x", "--", "true"], "after --about"),
    ],
    ids=repr,
)
def test_what_cannot_be_recorded_opens_no_capture(words: list[str], said: str, shell: Shell) -> None:
    code, _, err = shell("record", *words)
    assert code == ExitCode.USAGE
    assert said in err
    assert not list((shell.home / "captures").rglob("*.warc*"))


def test_a_program_that_cannot_be_run_leaves_a_closed_capture(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(b"\x7fELF and no more")
    (tmp_path / "program").chmod(0o700)
    assert shell("record", "--", str(tmp_path / "program"))[0] == ExitCode.USAGE
    [row] = Home(shell.home).catalog.captures()
    assert row["outcome"] == "failed"
    assert "recovered" not in shell("case", "list")[2]


def test_a_recorded_program_is_given_no_secret(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the person's own and keeps what is the person's, but for variables that hold secrets, by name or by value."""
    set_in(Home(shell.home), proxy='"http://name:pass-of-proxy@127.0.0.1:9"')
    for name in ("ARCHIVER_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MY_PASSWORD"):
        monkeypatch.setenv(name, f"planted-{name}")
    monkeypatch.setenv("OF_NO_TELLING_NAME", "see http://name:pass-of-proxy@127.0.0.1:9")
    monkeypatch.setenv("OF_THE_PERSON", "kept")
    out = tmp_path / "given"
    shell(
        "record",
        "--",
        sys.executable,
        "-c",
        "import os, sys; open(sys.argv[1], 'w').write(repr(dict(os.environ)))",
        str(out),
    )
    given = out.read_text()
    assert "planted" not in given
    assert "pass-of-proxy" not in given
    assert "'OF_THE_PERSON': 'kept'" in given
    assert "ARCHIVER_RECORDER" in given


def test_a_program_that_asks_for_nothing_is_not_captured(shell: Shell) -> None:
    code, [result] = shell.json("record", "--", "true")
    assert (code, result["outcome"]) == (ExitCode.FAILED, "failed")
    assert "nothing was recorded" in str(result["reason"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_recorded_program_too(number: signal.Signals, home: Home, tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = f"import os, time; open({str(child)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    command = [sys.executable, "-m", "archiver", "--home", str(home.path), "record", "--"]
    recorded = [sys.executable, "-c", program]
    ran = subprocess.Popen([*command, *recorded], stdin=subprocess.DEVNULL, start_new_session=True)
    _wait(lambda: child.is_file() and bool(child.read_text()))
    ran.send_signal(number)
    assert ran.wait(20) == ExitCode.PARTIAL
    with pytest.raises(ProcessLookupError):
        os.kill(int(child.read_text()), 0)
    [row] = Home(home.path).catalog.captures()
    assert (row["outcome"], row["reason"]) == ("partial", "interrupted by the person")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_the_recorded_program_started(number: signal.Signals, home: Home, tmp_path: Path) -> None:
    started = tmp_path / "started"
    inner = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    command = [sys.executable, "-m", "archiver", "--home", str(home.path), "record", "--"]
    shell = ["sh", "-c", '"$0" -c "$1"; true', sys.executable, inner]
    ran = subprocess.Popen([*command, *shell], stdin=subprocess.DEVNULL, start_new_session=True)
    _wait(lambda: started.is_file() and bool(started.read_text()))
    ran.send_signal(number)
    assert ran.wait(40) == ExitCode.PARTIAL
    _wait(lambda: not _runs(int(started.read_text())), 1)


def _runs(process: int) -> bool:
    """Whether it is there and no zombie, which is left where nobody reaps it."""
    try:
        return b") Z" not in Path(f"/proc/{process}/stat").read_bytes()
    except FileNotFoundError:
        return False


def test_a_recorded_program_may_read_the_terminal(home: Home) -> None:
    """On a terminal it stays in the group that is in the foreground: one in another would be stopped at its first read."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "archiver", "--home", str(home.path), "record", "--", "sh", "-c"]
    ran = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command, "read word </dev/tty; echo got $word"], stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    os.write(leader, b"hello\n")
    shown, end = b"", time.monotonic() + 20
    with contextlib.suppress(OSError):  # the other end is closed
        while time.monotonic() < end and select.select([leader], [], [], 20)[0] and (piece := os.read(leader, 4096)):
            shown += piece
    os.close(leader)
    assert b"got hello" in shown
    ran.wait(30)


def test_what_a_recorded_program_prints_is_not_among_our_json(home: Home) -> None:
    ran = _run(home.path, "--json record -- sh -c 'echo mine; printf unended'")
    [line] = ran.stdout.splitlines()
    assert json.loads(line)["outcome"] == "failed"
    assert b"mine" in ran.stderr
    assert _run(home.path, "record -- echo mine").stdout.startswith(b"mine")


def _wait(is_so: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)
