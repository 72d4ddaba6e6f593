"""What a command line can get wrong, and what the program answers: a typed error or a fault of its own, never a riddle."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.context import Context
from archiver.cli.main import main
from archiver.cli.parser import module_of
from archiver.cli.registry import COMMANDS
from archiver.errors import EXIT_CODES, ExitCode
from archiver.home.home import Home
from archiver.signer.create_home import SetupAnswers, create_home
from tests.conftest import NEW_HOME, Shell, World, set_in

# -- a fault of the program --------------------------------------------------------------------------------------


def _at_once() -> None:
    raise ValueError("nobody foresaw this")


def _in_a_thread() -> None:
    with ThreadPoolExecutor(1) as beside:
        beside.submit(_at_once).result()


def _in_a_thread_of_a_loop() -> None:
    async def run() -> None:
        await asyncio.gather(asyncio.to_thread(_at_once), asyncio.sleep(0))

    asyncio.run(run())


def _in_a_group() -> None:
    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(_at_once))

    asyncio.run(run())


def _by_an_assertion() -> None:
    raise AssertionError("nobody foresaw this")


def _by_the_system() -> None:
    raise OSError("nobody foresaw this")


@pytest.mark.parametrize(
    "fault", [_at_once, _in_a_thread, _in_a_thread_of_a_loop, _in_a_group, _by_an_assertion, _by_the_system]
)
def test_a_fault_of_the_program_ends_with_seven(
    fault: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: fault())
    assert main(["find", "x", "--json"], None, {}) == 7
    shown = capsys.readouterr()
    line = json.loads(shown.out)
    assert line["error"] == "ProgramFault"
    assert line["expected"]
    assert line["next"]
    assert fault.__name__ in shown.err, "the traceback says where"
    assert "nobody foresaw this" in shown.err
    assert [text.split()[0] for text in shown.err.splitlines()[-3:]] == ["archiver:", "found", "next"]


@pytest.mark.parametrize("name", COMMANDS, ids=str)
def test_no_command_ends_with_one_for_a_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(context: Context) -> int:
        return int({}["a fault"])

    monkeypatch.setattr(module_of(name), "run", faulty)
    taken = Namespace(command=name, home=None, json=False, person=None, debug=False)
    monkeypatch.setattr("archiver.cli.main._parsed", lambda words, name: taken)
    assert main([name], None, {}) == ExitCode.FAULT


def test_a_process_with_a_fault_says_seven() -> None:
    code = "import sys; import archiver.cli.main as cli; from archiver.cli.commands import find; "
    code += "find.run = lambda context: 1 // 0; sys.exit(cli.main(['find', 'x']))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 7
    assert "Traceback" in ran.stderr
    assert "ZeroDivisionError" in ran.stderr


def test_the_codes_are_named_and_told_once() -> None:
    assert list(EXIT_CODES) == list(ExitCode) == list(range(8))


# -- paths ---------------------------------------------------------------------------------------------------------


def _answers() -> SetupAnswers:
    return SetupAnswers("tester", "Test/1", "", "", False)


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_a_relative_home_is_absolute_for_whoever_uses_it(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[Path] = []
    monkeypatch.setattr("archiver.cli.commands.capture.run", lambda context: seen.append(context.home().path) or 0)
    environment = {"ARCHIVER_HOME": "rel/home"} if by == "environment" else {}
    assert main([*(["--home", "rel/home"] if by == "flag" else []), *NEW_HOME, "capture", "x"], None, environment) == 0
    assert seen == [tmp_path / "rel" / "home"]
    assert seen[0].as_uri(), "as the printing of a report asks for"


def test_an_empty_variable_names_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    seen: list[Path] = []
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: seen.append(context.home_path) or 0)
    assert main(["find", "x"], None, {"ARCHIVER_HOME": ""}) == 0
    assert seen == [tmp_path / "archiver-home"]


@pytest.mark.parametrize(
    "words",
    [
        ["export", "inbox", "--profile", "full", "--to", "out"],
        ["assemble", "x", "--to", "out"],
        ["capture", "--sheet", "out", "https://example.org/"],
        ["seal", "--write", "out"],
        ["disclose", "package", "--to", "a", "--basis", "b", "--by", "c", "--schedule", "out"],
        ["diff", "a", "b", "--html", "out"],
        ["check", "--checkpoint", "out"],
        ["check", "--identity", "out"],
        ["recovery", "new", "out"],
        ["recovery", "check", "out"],
        ["restore", "--from", "x", "--recovery", "out"],
    ],
    ids=" ".join,
)
def test_every_path_that_is_given_is_absolute(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[Any] = []
    module = module_of(words[0])
    monkeypatch.setattr(module, "run", lambda context: seen.extend(vars(context.arguments).values()) or 0)
    assert main(words, None, {}) == 0
    paths = [value for value in seen if isinstance(value, Path)]
    assert tmp_path / "out" in paths
    assert all(path.is_absolute() for path in paths)


def _file(tmp_path: Path) -> str:
    (tmp_path / "file").write_text("here before")
    return str(tmp_path / "file")


def _below_a_file(tmp_path: Path) -> str:
    return f"{_file(tmp_path)}/home"


def _link_to_nothing(tmp_path: Path) -> str:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    return str(tmp_path / "link")


def _link_to_itself(tmp_path: Path) -> str:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return str(tmp_path / "loop")


def _too_long(tmp_path: Path) -> str:
    return str(tmp_path / ("x" * 300))


def _nobodys(tmp_path: Path) -> str:
    return "~nobody-of-this-name/home"


BAD = [_file, _below_a_file, _link_to_nothing, _link_to_itself, _too_long, _nobodys]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("words", [[], ["find", "x"], ["case", "list"], ["check"], ["demo"]], ids=" ".join)
def test_a_home_that_cannot_be(
    bad: Callable[[Path], str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bad(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["--json", "--home", path, *words], None, {}) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert json.loads(shown.out)["error"] == "UsageError"
    assert sorted(tmp_path.rglob("*")) == before, "nothing is made, here or beside it"
    assert main(["find", "x"], None, {"ARCHIVER_HOME": path}) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (_file, "a file"), (_below_a_file, "a file on the way"), (_link_to_nothing, "a link to nothing"),
        (_link_to_itself, "a link that leads back to itself"),
        (lambda path: f"{_link_to_itself(path)}/x", "a link on the way that leads back to itself"),
        (lambda path: "/proc/x", "/proc, in which nothing can be made"),
        (lambda path: "/proc/x/y", "/proc, in which nothing can be made"),
    ],
)  # fmt: skip
def test_why_a_home_cannot_be_is_one_plain_sentence(
    bad: Callable[[Path], str], found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--json", "--home", bad(tmp_path), *NEW_HOME, "case", "new", "almaty"], None, {}) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert len(shown.err.splitlines()) == 3
    assert json.loads(shown.out)["found"].endswith(found)


def test_a_second_copy_is_kept_as_it_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, (given, kept) in enumerate((("copy", str(tmp_path / "copy")), ("s3://bucket/x", "s3://bucket/x"))):
        assert main(["--home", f"home{number}", *NEW_HOME, "--second-copy", given], None, {}) == 0
        assert f'"{kept}"' in (tmp_path / f"home{number}" / "archiver.toml").read_text()


def test_copies_are_looked_for_where_the_shell_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    seen: list[str] = []
    monkeypatch.setattr(
        "archiver.cli.commands.restore.destination_of", lambda where, *more: seen.append(where) or {}["x"]
    )
    main(["--home", str(tmp_path / "elsewhere" / "home"), "restore", "--from", "copies"], None, {})
    assert seen == [str(tmp_path / "here" / "copies")]


def test_a_link_to_a_home_is_that_home(tmp_path: Path) -> None:
    create_home(tmp_path / "real", _answers())
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert main(["--home", str(tmp_path / "link"), "case", "list"], None, {}) == 0


@pytest.mark.parametrize("bad", [_file, _below_a_file, _link_to_nothing, _too_long])
@pytest.mark.parametrize(
    "words",
    [["export", "inbox", "--profile", "partner", "--yes", "--to"], ["assemble", "x", "--to"]],
    ids=lambda words: words[0],
)
def test_a_target_that_cannot_be(
    bad: Callable[[Path], str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bad(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["--home", str(tmp_path / "home"), *words, path], None, {}) == ExitCode.USAGE
    assert "expected" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("flag", ["seal --write", "capture --sheet", "diff a b --html", "recovery check"])
def test_a_folder_where_a_file_is_meant(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create_home(tmp_path / "home", _answers())
    (tmp_path / "folder").mkdir()
    before = _files(tmp_path)
    assert main(["--home", str(tmp_path / "home"), *flag.split(), str(tmp_path / "folder")], None, {}) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert _files(tmp_path) == before


def _files(folder: Path) -> list[Path]:
    """Everything in it but what a database needs while it is open."""
    return sorted(path for path in folder.rglob("*") if ".sqlite" not in path.name)


def test_a_home_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder that was there stays, as it was; a second attempt succeeds."""
    (tmp_path / "kept").mkdir(mode=0o755)

    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("archiver.signer.create_home.create_keys", full)
        for path in (tmp_path / "kept", tmp_path / "a" / "b" / "c"):
            assert main(["--home", str(path), *NEW_HOME], None, {}) == ExitCode.FAILED
    assert [path.name for path in tmp_path.rglob("*")] == ["kept"]
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o755
    for path in (tmp_path / "kept", tmp_path / "a" / "b" / "c"):
        assert main(["--home", str(path), *NEW_HOME], None, {}) == 0
    assert not list(tmp_path.rglob(".making"))


def test_the_second_of_two_that_make_one_home_takes_nothing_away(tmp_path: Path) -> None:
    codes = list(ThreadPoolExecutor(2).map(lambda _: _made(tmp_path / "home"), range(2)))
    assert sorted(codes) == [False, True]
    assert main(["--home", str(tmp_path / "home"), "check"], None, {}) == 0


def _made(path: Path) -> bool:
    from archiver.errors import ConfigError

    try:
        create_home(path, _answers())
    except ConfigError:
        return False
    return True


# -- what an export says of its search --------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_browser")
@pytest.mark.parametrize(
    ("secret", "accepted", "said"),
    [
        ("Төрт файл", 1, ""),
        ("nowhere-in-it", 0, "no known secret found"),
        ("ab", 0, "no known secret found; not searched for: 1 secret of fewer than 6 bytes"),
    ],
)
def test_an_export_says_what_its_search_found(
    secret: str, accepted: int, said: str, shell: Shell, tmp_path: Path
) -> None:
    assert shell("capture", "https://t.me/ozen_today/16")[0] == 0
    shell.environment["ARCHIVER_SECRETS"] = secret
    words = ["export", "inbox", "--profile", "full", "--no-encrypt", "--yes", "--accept-leaks", "--to"]
    code, out, err = shell(*words, str(tmp_path / "out"))
    assert code == 0, err
    [line] = [line for line in out.splitlines() if line.startswith("searched")]
    assert err.count(": accepted") >= accepted
    if accepted:
        assert "no known secret" not in line
        assert "accepted" in line
    else:
        assert line.partition("  ")[2].strip() == said


# -- a program that is recorded ---------------------------------------------------------------------------------------

SHOW = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(repr(sys.argv[2:]))"


@pytest.mark.parametrize("first", [["--"], []], ids=["--", "none"])
@pytest.mark.parametrize(
    "words",
    [[], ["log", "--", "file"], ["--", "--"], ["--case", "x", "--", "--json"], ["--home", "/nowhere", "-h", "--help"]],
    ids=" ".join,
)
def test_a_recorded_program_is_run_exactly_as_asked(
    first: list[str], words: list[str], shell: Shell, tmp_path: Path
) -> None:
    out = tmp_path / "argv"
    shell("record", *first, sys.executable, "-c", SHOW, str(out), *words)
    assert out.read_text() == repr(words)


@pytest.mark.parametrize(
    "words", [["record"], ["record", "--"], ["record", "--", ""], ["record", "--", "--", "x"]], ids=repr
)
def test_nothing_to_record(words: list[str], shell: Shell) -> None:
    code, _, err = shell(*words)
    assert code == ExitCode.USAGE
    assert "expected" in err


# -- who may read what is written --------------------------------------------------------------------------------------


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _open_to_others(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077]


@pytest.mark.usefixtures("open_umask")
def test_what_is_kept_is_its_person_s_alone_whatever_the_umask(world: World, tmp_path: Path) -> None:
    """Also what yt-dlp and ffmpeg write."""
    copies, home = tmp_path / "copies", tmp_path / "home"
    copies.mkdir(mode=0o700)
    assert main(["--home", str(home), *NEW_HOME, "--second-copy", str(copies)], world.network, {}) == 0
    set_in(Home(home), rendered="false", retries="0", after_captures="false")
    for words in (
        "capture https://t.me/ozen_today/16",
        "capture https://www.youtube.com/watch?v=Zh5janSq001 --merge",
        "case new alma",
        "keys new bob --role analyst",
        "keys rotate",
        "jobs add https://t.me/ozen_today/16",
        f"recovery new {tmp_path / 'recovery'}",
        "sync",
        f"export inbox --profile partner --no-encrypt --yes --to {tmp_path / 'package'}",
        "fixity",
        "catalog rebuild",
    ):
        assert main(["--home", str(home), *words.split()], world.network, {}) in (0, 2), words
    for folder in (home, copies, tmp_path / "package", tmp_path / "recovery"):
        assert _open_to_others(folder) == []
    assert os.umask(0) == 0, "the caller's own is as it was"


@pytest.mark.parametrize("umask", [0, 0o027])
def test_a_recorded_program_has_the_umask_of_its_person(umask: int, shell: Shell, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        shell("record", "--", sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", str(tmp_path / "made"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o666 & ~umask


# -- words that are misspelt ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["captur", "https://example.org/"], "captur"),
        (["capture", "https://example.org/", "--cass", "x"], "--cass"),
        (["capture", "https://example.org/", "--at-once", "many"], "many"),
        (["capture", "https://example.org/", "--case", "nosuch"], "'nosuch'"),
        (["crawl", "https://t.me/s/ozen_today", "--case", "nosuch"], "'nosuch'"),
        (["record", "--case", "nosuch", "--", "true"], "'nosuch'"),
        (["receive", "/etc/hostname", "--from", "S-1", "--via", "usb", "--case", "nosuch"], "'nosuch'"),
        (["jobs", "add", "https://example.org/", "--case", "nosuch"], "'nosuch'"),
        (["export", "nosuch", "--profile", "full", "--to", "/nowhere-at-all"], "nosuch"),
        (["check", "nosuch"], "nosuch"),
        (["custody", "nosuch"], "nosuch"),
        (["case", "show", "nosuch"], "nosuch"),
        (["case", "lst"], "lst"),
        (["keys", "new", "x", "--role", "king"], "king"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misspelt_words(words: list[str], said: str, shell: Shell) -> None:
    captures = len(Home(shell.home).catalog.captures())
    code, _, err = shell(*words)
    assert code == ExitCode.USAGE
    assert said in err
    assert "Traceback" not in err
    assert len(Home(shell.home).catalog.captures()) == captures
    assert not list((shell.home / "captures").rglob("*.warc*"))


# -- passwords in links ------------------------------------------------------------------------------------------

LOCKED = ["https://bob:hunter2@one.example/", "HTTPS://bob: hunter2@one.example/", "bob:hunter2@one.example/a"]
WITH_A_LINK = """
LINK | --LINK | --case=LINK find x | capture LINK | capture --list LINK | capture LINK --sheet /nowhere/x | crawl LINK | receive LINK
parse LINK | find x --case LINK | find x --limit LINK | show LINK | history LINK | diff LINK LINK | custody LINK | check LINK
case show LINK | note LINK x | tag LINK x | place LINK x | author LINK official | incident show LINK | redact LINK | export LINK
disclose LINK x | assemble LINK | files LINK --to out | open LINK | wacz LINK --to x.wacz | warcs LINK
sync LINK | fixity LINK | lock LINK | evict LINK | dispose LINK | keys LINK | jobs add LINK
jobs show LINK | schedule add LINK | schedule capture LINK daily | watch add LINK | feed add LINK | feed show LINK | help LINK
telegram join LINK | record LINK | completion LINK
"""


@pytest.mark.parametrize("link", LOCKED)
def test_a_password_in_an_argument_is_shown_nowhere(shell: Shell, link: str) -> None:
    for line in WITH_A_LINK.replace("\n", " | ").strip(" |").split(" | "):
        code, out, err = shell("--json", *(word.replace("LINK", link) for word in line.split()))
        assert code not in (ExitCode.OK, ExitCode.FAULT), line
        assert "hunter2" not in out + err, line
    for file in shell.home.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), file
