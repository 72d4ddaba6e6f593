"""The log of a home: what reaches it, what never does, and what happens where it cannot be written."""

from __future__ import annotations

import ast
import asyncio
import gc
import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from archiver.capture.session import CaptureSession
from archiver.cli.main import main
from archiver.errors import ExitCode
from archiver.home import log as home_log
from archiver.home.home import Home
from archiver.home.log import HomeLog, current, forget_captures, keep_fault
from archiver.recorder.exchange import Exchanger
from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool
from spiders.posts import Outcome
from storage.files import locked
from tests.conftest import Shell

LINK = "https://t.me/ozen_today/16"
SECRET = "Pa55/word of-ours"
CAPTURE = "20261122T051526-9k2mv7qd"
OTHER = "20261122T051527-abcdefgh"


@contextmanager
def _alone() -> Iterator[None]:
    """Take the handlers of pytest away: they fail at a record that is wrong, and keep Python from its last resort."""
    root = logging.getLogger()
    handlers, root.handlers[:] = list(root.handlers), []
    try:
        yield
    finally:
        root.handlers[:] = handlers


def _files(home: Path) -> list[Path]:
    return sorted((home / "log").glob("*.log"))


def _text(home: Path) -> str:
    return "".join(path.read_text() for path in _files(home))


def _raise(error: BaseException) -> int:
    raise error


@contextmanager
def _logging(home: Home, said: list[str] | None = None) -> Iterator[HomeLog]:
    with _alone(), HomeLog(home.path, [].append if said is None else said.append) as log:
        yield log


# -- what reaches it -----------------------------------------------------------------------------------------------


def test_a_fault_is_written_there_and_said_in_one_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: _raise(KeyError("ozen_today")))
    assert main(["--home", str(home.path), "find", "x", "--json"], None, {}) == ExitCode.FAULT
    shown = capsys.readouterr()
    [said] = shown.err.splitlines()
    line = json.loads(shown.out)
    [file] = _files(home.path)
    assert line["error"] == "ProgramFault"
    assert line["log"]["file"] == str(file)
    reference = line["log"]["reference"]
    assert f"{reference} in {file}" in said
    head, *trace = file.read_text().splitlines()
    assert head.split()[1:3] == [reference, "ERROR"]
    assert head.endswith("[KeyError]")
    assert any("archiver/cli/main.py:" in frame and frame.endswith(" _run") for frame in trace)
    assert "ozen_today" not in file.read_text()
    assert current() is None, "the log ends with its command"


def test_files_are_of_this_person_alone(home: Home) -> None:
    before = os.umask(0)
    try:
        with _logging(home):
            logging.getLogger("archiver.x").warning("a warning")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home.path / "log").iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((home.path / "log").stat().st_mode) == 0o700


def test_nothing_is_opened_before_there_is_something_to_say(home: Home) -> None:
    assert main(["--home", str(home.path), "find", "x"], None, {}) == 0
    assert not (home.path / "log").exists()


def test_no_home_is_made_for_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: _raise(ValueError("x")))
    assert main(["--home", str(tmp_path / "none"), "find", "x"], None, {}) == ExitCode.FAULT
    assert "Traceback" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_capture_is_named_by_its_id_alone(shell: Shell) -> None:
    code, [result] = shell.json("capture", LINK)
    assert code == 0
    said = _text(shell.home)
    assert f"capture {result['capture']} begins" in said
    assert f"capture {result['capture']} ends: captured, event {result['event']}" in said
    assert "ozen" not in said
    assert "t.me" not in said


@pytest.mark.parametrize(
    "place",
    [
        (CaptureSession, "_page_seen"),
        (CaptureSession, "_answered"),  # a callback of the loop
        (CaptureSession, "_exchange_done"),  # on the recorder's thread
        (Exchanger, "run"),
    ],
    ids=lambda place: place[1],
)
def test_a_fault_of_ours_names_its_place_in_the_log(
    place: tuple[type, str], shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = f"of {LINK} Cookie: sid=unconfigured1"
    monkeypatch.setattr(*place, lambda *_: _raise(ValueError(said)))
    code, [result] = shell.json("capture", LINK)
    assert code == ExitCode.PARTIAL
    reason, _, reference = str(result["reason"]).rpartition("; in the log at ")
    assert reason == f"a fault of ours: ValueError: of {LINK} Cookie:withheld"
    gc.collect()  # what nobody waited for would be printed now
    assert LINK not in capsys.readouterr().err
    said = _text(shell.home)
    assert f"{reference} ERROR archiver.capture.session:" in said
    assert f"capture {result['capture']}: a fault of ours [ValueError]" in said
    assert LINK not in said


def test_a_parser_that_breaks_names_its_place_in_the_log(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spiders.telegram.web.spider.parse", lambda *_, **__: _raise(KeyError(LINK)))
    code, [result] = shell.json("capture", LINK)
    assert code == ExitCode.PARTIAL
    said, _, reference = str(result["reason"]).rpartition("; in the log at ")
    assert "our parser failed: KeyError on " in said
    assert f"{reference} ERROR archiver.capture.session:" in _text(shell.home)
    assert "spiders/telegram/web/spider.py:" in _text(shell.home), "where it broke"


# -- what never does -------------------------------------------------------------------------------------------------


class _Person(Exception):
    pass


class _Speechless:
    def __str__(self) -> str:
        raise _Person(SECRET)


def _chained() -> None:
    try:
        raise _Person(f"anna at {LINK} with {SECRET}")
    except _Person as error:
        error.add_note(f"anna at {LINK} with {SECRET}")
        raise ExceptionGroup(f"group {LINK}", [ValueError(LINK)]) from error


def _plant(home: Path) -> None:
    """Log what nobody should, in every way there is."""
    try:
        _chained()
    except ExceptionGroup as error:
        keep_fault(logging.getLogger("archiver.x"), error, "capture %s: a fault at %s by %s", CAPTURE, LINK, "anna")
    ours = logging.getLogger("archiver.x")
    ours.warning("link %s handle %s number %d outcome %s type %s", LINK, "@anna", 7, Outcome.PARTIAL, ValueError)
    ours.warning("a number %d", LINK)
    ours.warning("by name %(link)s", {"link": LINK})
    ours.warning("too few %s %s", LINK)
    ours.warning(ValueError(LINK))
    ours.warning("no end %d", float("inf"))
    for name in ("scrapy.core.scraper", "telethon", "boto3", "dbos", "urllib3.connectionpool", "asyncio", LINK, "anna"):
        foreign = logging.getLogger(name)
        foreign.error("fetching %s for anna with %s", LINK, SECRET)
        foreign.error(f"Cookie: sid=unconfigured1 at {LINK} http://anna:{SECRET}@h.example/")
        foreign.error("in a link: %s?key=%s", LINK, quote(SECRET, safe=""))
        foreign.error("x", exc_info=ConnectionError(f"{LINK} anna {SECRET}"))
        foreign.error("x", exc_info=type(LINK, (Exception,), {})(SECRET))
        foreign.error("odd: %s", _Speechless())
        foreign.error(_Speechless())
        foreign.error("x", extra={"reference": f"anna {LINK} {SECRET}"})


def test_links_handles_and_secrets_do_not_reach_it(home: Home) -> None:
    with _logging(home):
        _plant(home.path)
    said = _text(home.path)
    for word in (LINK, "t.me", "ozen", "anna", SECRET, "unconfigured1"):
        assert word not in said
    assert f"capture {CAPTURE}: a fault at (withheld) by (withheld) [ExceptionGroup]" in said
    assert "number 7 outcome partial type ValueError" in said
    assert "tests.home.test_log._Person" in said
    assert "ERROR asyncio [ConnectionError]" in said
    assert "tests/home/test_log.py:" in said
    assert str(Path.home()) not in said


@pytest.mark.parametrize("where", ["settings", "environment"])
def test_with_debug_links_reach_it_and_secrets_do_not(
    where: str, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(context: object) -> int:
        _plant(home.path)
        raise ValueError(f"{LINK} {SECRET}")

    monkeypatch.setattr("archiver.cli.commands.find.run", run)
    environment = {"ARCHIVER_SECRETS": SECRET} if where == "settings" else {"AWS_SECRET_ACCESS_KEY": SECRET}
    with _alone():
        assert main(["--home", str(home.path), "--debug", "find", "x"], None, environment) == ExitCode.FAULT
    assert "links, handles and names will stand in" in capsys.readouterr().err
    said = _text(home.path)
    assert LINK in said
    assert "@anna" in said
    assert f"ValueError: {LINK} withheld" in said
    assert "odd: %s" in said
    for word in (SECRET, quote(SECRET, safe=""), "unconfigured1"):
        assert word not in said
    telethon = [line for line in said.splitlines() if " ERROR telethon" in line]
    assert telethon
    assert not any("anna" in line for line in telethon)


def test_with_debug_but_without_readable_settings_no_text_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.path / "archiver.toml").write_text("a typo")
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: _raise(ValueError(LINK)))
    assert main(["--home", str(home.path), "--debug", "find", "x"], None, {}) == ExitCode.FAULT
    assert "[ValueError]" in _text(home.path)
    assert LINK not in _text(home.path)


def test_messages_of_ours_are_constants() -> None:
    """What is put together before it is logged passes every filter."""
    root = Path(__file__).parents[2]
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    found = 0
    for path in [one for room in ("archiver", "spiders", "storage") for one in (root / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            owner, _, called = ast.unparse(node.func).rpartition(".")
            logs = called in levels and "log" in owner.lower() and path.name != "log.py"
            place = 2 if called == "keep_fault" else 0 if logs else None
            if place is not None:
                found += 1
                assert isinstance(node.args[place], ast.Constant), f"{path}:{node.lineno}"
    assert found >= 8


# -- where it cannot be written ----------------------------------------------------------------------------------------


def _a_file_in_its_place(home: Path) -> None:
    (home / "log").write_text("")


def _a_link_to_nowhere(home: Path) -> None:
    (home / "log").symlink_to(home / "nowhere" / "at all")


@pytest.mark.parametrize("spoil", [_a_file_in_its_place, _a_link_to_nowhere])
def test_a_log_that_cannot_be_written_is_said_once_and_work_goes_on(
    spoil: Callable[[Path], None], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(shell.home)
    code, out, err = shell("capture", LINK)
    assert code == 0
    assert "captured" in out
    assert err.count("cannot be written") == 1
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: _raise(ValueError("x")))
    code, _, err = shell("find", "x")
    assert code == ExitCode.FAULT
    assert "Traceback" in err


def test_a_folder_without_the_right_to_write(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    said: list[str] = []
    monkeypatch.setattr(home_log.os, "open", refused)
    with _logging(home, said):
        for _ in range(3):
            assert keep_fault(logging.getLogger("archiver.x"), ValueError("x"), "a fault") is None
    monkeypatch.undo()
    assert len([text for text in said if "Permission denied" in text]) == 1
    assert said[1:] == ["ValueError: x"] * 3, "else nobody would see it"


def test_a_full_disk_is_said_once_and_the_log_goes_on_when_there_is_room(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    log = logging.getLogger("archiver.x")
    whole = os.write

    def full(descriptor: int, data: bytes) -> int:
        whole(descriptor, data[:9])
        raise OSError(28, "No space left on device")

    with _logging(home, said):
        log.info("the first")
        monkeypatch.setattr(home_log.os, "write", full)
        log.info("lost")
        log.info("lost too")
        monkeypatch.undo()
        log.info("the last")
    assert len(said) == 1
    assert "No space left" in said[0]
    [file] = _files(home.path)
    lines = file.read_text().splitlines()
    assert lines[0].endswith("the first")
    assert lines[-1].endswith("the last")
    assert lines[-1].startswith("20")


def test_what_is_not_silenced_is_shown_where_nothing_can_be_written(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    _a_file_in_its_place(home.path)
    silenced = logging.getLogger("silenced.library")
    silenced.handlers[:] = [logging.NullHandler()]
    with _logging(home):
        logging.getLogger("asyncio").error("a task broke")
        silenced.error("never shown")
    shown = capsys.readouterr().err
    assert "a task broke" in shown
    assert "never shown" not in shown


# -- many files, many processes ----------------------------------------------------------------------------------------


def test_all_files_together_stay_within_their_bound(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_log, "MOST", 20_000)
    monkeypatch.setattr(home_log, "OF_ONE", 5_000)
    monkeypatch.setattr(home_log, "STEP", 1_000)
    folder = home.path / "log"
    folder.mkdir(mode=0o700)
    for number in range(30):  # of processes that are dead
        path = folder / f"20260101T0000{number:02}-1-aaaa.log"
        path.write_bytes(b"x" * 900)
        os.utime(path, (number, number))
    log = logging.getLogger("archiver.x")
    second = HomeLog(home.path, [].append)  # as of another process
    with _logging(home):
        for number in range(400):
            log.info("record %d of one", number)
            second.emit(logging.LogRecord("archiver.y", logging.INFO, "", 1, "record of the other", (), None))
            assert sum(path.stat().st_size for path in _files(home.path)) <= 20_000
    second.close()
    left = _files(home.path)
    assert not any(path.name.startswith("20260101T000000") for path in left), "the oldest go first"
    assert any("record 399 of one" in path.read_text() for path in left)
    assert all(path.stat().st_size <= 5_000 for path in left)


def test_a_process_whose_file_was_removed_begins_another(home: Home) -> None:
    log = logging.getLogger("archiver.x")
    with _logging(home):
        log.info("before")
        _files(home.path)[0].unlink()
        log.info("after")
    assert "after" in _text(home.path)


def test_two_processes_write_at_once(home: Home) -> None:
    code = (
        "import logging, sys; from pathlib import Path; from archiver.home.log import HomeLog\n"
        "with HomeLog(Path(sys.argv[1]), print):\n"
        "    for number in range(2000): logging.getLogger('archiver.x').info('record %d', number)"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(home.path)]) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]
    files = _files(home.path)
    assert len(files) == 2
    for file in files:
        lines = file.read_text().splitlines()
        assert [int(line.rpartition(" ")[2]) for line in lines] == list(range(2000))


def test_a_process_that_was_stopped_with_the_lock_stops_nobody(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_log, "PATIENCE", 0.05)
    (home.path / "log").mkdir()
    with _logging(home), locked(home.path / "log" / ".lock"):
        logging.getLogger("archiver.x").info("goes on")
    assert "goes on" in _text(home.path)


def test_a_record_longer_than_any_should_be_is_cut(home: Home) -> None:
    with HomeLog(home.path, [].append, lambda: str):
        logging.getLogger("archiver.x").info("long %s", "ы" * 1_000_000)
    [file] = _files(home.path)
    assert file.stat().st_size < home_log.STEP


# -- what was disposed of ----------------------------------------------------------------------------------------------


def test_records_about_a_capture_are_taken_out(home: Home) -> None:
    log = logging.getLogger("archiver.x")
    with _logging(home):
        log.info("capture %s begins", CAPTURE)
        log.info("capture %s begins", OTHER)
        try:
            raise ValueError(LINK)
        except ValueError as error:
            keep_fault(log, error, "capture %s: a fault", CAPTURE)
        log.info("the last so far")
        forget_captures(home.path, [CAPTURE])
        log.info("one more")
    said = _text(home.path)
    assert CAPTURE not in said
    assert "ValueError" not in said
    assert [line for line in said.splitlines() if line.strip("-")] == [
        line for line in said.splitlines() if line.startswith("20")
    ]
    assert OTHER in said
    assert "the last so far" in said
    assert said.splitlines()[-1].endswith("one more")


def test_what_was_written_with_debug_goes_whole(home: Home) -> None:
    with HomeLog(home.path, [].append, lambda: str):
        log = logging.getLogger("archiver.x")
        log.info("found %s", LINK)
        forget_captures(home.path, [CAPTURE])
        assert _files(home.path) == []
        log.info("after")
    assert "after" in _text(home.path)


# -- children ----------------------------------------------------------------------------------------------------------


def test_an_extractor_that_breaks_names_its_place_in_the_log(home: Home) -> None:
    async def run() -> None:
        pool = ExtractorPool(b"")
        try:
            await pool.run({"do": "extract", "url": LINK}, 60)  # a job without its proxy
        finally:
            await pool.close()

    with _logging(home), pytest.raises(ExtractorDied) as raised:
        asyncio.run(run())
    said, _, reference = str(raised.value).rpartition("; in the log at ")
    assert said == "KeyError: 'proxy'"
    assert f"{reference} ERROR" in _text(home.path)
    assert "archiver/tools/ytdlp_worker.py:" in _text(home.path)


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_a_child_is_written_and_said_last(debug: bool, home: Home) -> None:
    code = (
        "import sys; import archiver.tools.ytdlp_worker as child\n"
        f"child.work = lambda job: (_ for _ in ()).throw(ValueError({LINK!r}))\n"
        "child.main(sys.argv[1:])"
    )
    with HomeLog(home.path, [].append, (lambda: str) if debug else None):
        words = home_log.child_words()
    assert words
    ran = subprocess.run([sys.executable, "-c", code, *words], input=b'{"job": 1}\n', capture_output=True, check=False)
    assert ran.returncode == 1
    last = ran.stderr.decode().splitlines()[-1]
    assert last.startswith("in the log at ")
    assert last.rpartition(" ")[2] in _text(home.path)
    assert "[ValueError]" in _text(home.path)
    assert LINK not in _text(home.path)
