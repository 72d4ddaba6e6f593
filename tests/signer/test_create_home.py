"""The first run: whole or nothing, at whichever step it is killed, beside others, and never over what lies there."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.errors import ConfigError, ExitCode, UsageError
from archiver.home.home import Home, is_home
from archiver.signer.create_home import SetupAnswers, answers_in, create_home
from storage.errors import CatalogError
from storage.files import locked
from tests.conftest import NEW_HOME, Shell
from tests.support.soak import SOAK


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """What lies in a folder, with modes and bytes, but for what a database or a lock needs while it is open."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        if ".sqlite" not in path.name and path.name != ".lock":
            found[path] = (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
    return found


KILLED = """
import os, sys
from pathlib import Path
from archiver.signer.create_home import SetupAnswers, create_home
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
base, sys.dont_write_bytecode = Path(sys.argv[1]), True
every, last = int(sys.argv[2]), 22  # of the steps before the last, by which the home is moved to its place
step = total = 100000  # the first one counts them
while True:
    path = base / f"h{step}"
    child = os.fork()
    if not child:
        count = 0
        def deadly(event, given):
            global count
            if event in ("os.mkdir", "os.rename", "os.link", "os.chmod", "os.rmdir", "os.remove", "sqlite3.connect") or (
                event == "open" and isinstance(given[2], int) and given[2] & WRITES
            ):
                if count == step:
                    os._exit(9)
                count += 1
        sys.addaudithook(deadly)
        create_home(path, SetupAnswers())
        if step == total:
            (base / "steps").write_text(str(count))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0 and step == total:
        step, total = 0, int((base / "steps").read_text())
        continue
    if code == 0:
        break
    assert code == 9, code
    print(path.name, flush=True)
    step += every if step < total - last else 1
"""


@pytest.mark.thorough("kill")
def test_a_first_run_that_is_killed_leaves_a_whole_home_or_one_to_be_made(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), "1" if SOAK else "6"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    killed = ran.stdout.split()
    assert len(killed) > 25
    for name in killed:
        path = tmp_path / name
        assert main(["--home", str(path), *(() if is_home(path) else NEW_HOME)], None, {}) == 0, name
        home = Home(path)
        [case] = home.catalog.cases()
        assert case["name"] == "inbox"
        assert home.ledger.checkpoint().size == 1
        public = (path / "keys" / "cases" / "inbox.age-key").read_text("utf-8").split("public key: ")[1].split()[0]
        assert home.recipients(["inbox"]) == [public]
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert not [one.name for one in path.iterdir() if one.name.startswith(".")], name


def half_moved(path: Path, answers: SetupAnswers) -> None:
    """Leave at `path` what a first run leaves that is killed while it moves the parts up."""
    create_home(path, answers)
    made = path / ".first-run.made"
    made.mkdir()
    for name in ("proofs", "catalog.sqlite", "archiver.toml"):
        (path / name).rename(made / name)
    (path / ".making").touch()


def test_what_is_answered_after_a_kill_counts(tmp_path: Path) -> None:
    half_moved(tmp_path, SetupAnswers())
    answers = SetupAnswers(
        proxy="socks5h://127.0.0.1:9050", user_agent="Test/1", second=str(tmp_path / "b"), timestamps=True
    )
    create_home(tmp_path, answers)
    assert answers_in(tmp_path) == answers
    assert main(["--home", str(tmp_path), "check"], None, {}) == 0


def test_another_pseudonym_after_a_kill_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first event bears the old one, and would tell it to whoever reads a package."""
    half_moved(tmp_path, SetupAnswers(pseudonym="real-name"))
    before = contents(tmp_path)
    assert main(["--home", str(tmp_path), *NEW_HOME, "--pseudonym", "aru"], None, {}) == ExitCode.USAGE
    assert "archiver --pseudonym real-name" in capsys.readouterr().err
    assert contents(tmp_path).keys() - before.keys() == set()
    assert main(["--home", str(tmp_path), *NEW_HOME, "--pseudonym", "real-name"], None, {}) == 0
    assert not [one.name for one in tmp_path.iterdir() if one.name.startswith(".")]


@pytest.mark.parametrize("words", [["find", "x"], ["status"], ["case", "list"], ["restore", "--from", "x"]], ids=str)
def test_a_first_run_that_was_stopped_is_called_so(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half_moved(tmp_path / "home", SetupAnswers())
    before = contents(tmp_path)
    assert main(["--home", str(tmp_path / "home"), *words], None, {}) != 0
    assert contents(tmp_path) == before
    said = capsys.readouterr().err
    if words[0] != "restore":
        assert "a first run that was stopped before its end" in said
        assert "Run `archiver` to finish it" in said


def test_what_a_kill_at_the_very_end_leaves_goes_with_the_next_command_that_writes(home: Home, shell: Shell) -> None:
    left = home.path / ".making", home.path / ".first-run.made"
    left[0].touch()
    left[1].mkdir()
    assert shell("find", "x")[0] == 0
    assert all(one.exists() for one in left)
    with locked(left[0]):  # somebody is at it
        assert shell("receive", __file__, "--from", "S-1", "--via", "usb")[0] == 0
        assert all(one.exists() for one in left)
    assert shell("case", "new", "alma")[0] == 0
    assert not any(one.exists() for one in left)


PROXY = "socks5h://127.0.0.1:9050"


@pytest.mark.parametrize(
    ("mine", "others", "refused"),
    [
        (["--proxy", PROXY], SetupAnswers(), "proxy"),
        (["--direct"], SetupAnswers(proxy=PROXY), "proxy"),
        (["--proxy", "direct"], SetupAnswers(proxy=PROXY), "proxy"),
        (["--proxy", PROXY, "--timestamps"], SetupAnswers(), "proxy, timestamps"),
        (["--proxy", PROXY], SetupAnswers(proxy=PROXY, timestamps=True), ""),
        (["--proxy", PROXY], SetupAnswers(proxy=PROXY), ""),
    ],
)
def test_a_lost_race_never_goes_on_with_another_s_answers(
    mine: list[str],
    others: SetupAnswers,
    refused: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def beaten(path: Path, answers: SetupAnswers) -> Home:
        create_home(path, others)
        return create_home(path, answers)

    monkeypatch.setattr("archiver.signer.create_home.create_home", beaten)
    code = main(["--home", str(tmp_path / "home"), "--create", *mine], None, {})
    assert code == (ExitCode.USAGE if refused else 0)
    if refused:
        assert f"with other answers: {refused}\n" in capsys.readouterr().err
    assert answers_in(tmp_path / "home") == others


@pytest.mark.parametrize("words", [["capture", "https://t.me/a/1"], ["find", "x"], ["check"], ["case", "list"], []])
@pytest.mark.parametrize(
    ("flags", "setting"),
    [
        (["--proxy", PROXY], "[sites] proxy"),
        (["--proxy", ""], "[sites] proxy"),
        (["--direct"], "[sites] proxy"),
        (["--pseudonym", "aru"], "pseudonym"),
        (["--user-agent", "Test/1"], "[sites] user_agent"),
        (["--second-copy", "/mnt"], "[copies] second"),
        (["--timestamps"], "[timestamps] wanted"),
        (["--no-timestamps"], "[timestamps] wanted"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_belongs_to_the_first_run_is_refused_later(
    words: list[str], flags: list[str], setting: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(home.path)
    assert main(["--home", str(home.path), *flags, *words], None, {}) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert f"no {flags[0]}: it belongs to the first run" in said
    assert f"later set {setting} in {home.path / 'archiver.toml'}" in said
    assert contents(home.path) == before


def test_a_restore_takes_no_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--home", str(tmp_path / "h"), "--proxy", PROXY, "restore", "--from", "s3://bucket"]
    assert main(words, None, {}) == ExitCode.USAGE
    assert "belongs to the first run" in capsys.readouterr().err


def test_another_user_s_folder_is_refused_before_anybody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    before = contents(tmp_path)
    assert main(["--home", str(tmp_path)], None, {}) == ExitCode.USAGE
    assert f"belongs to the user {tmp_path.stat().st_uid}" in capsys.readouterr().err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "Free some space there"), (errno.EDQUOT, "Raise the quota")]
)
@pytest.mark.parametrize("step", ["os.rename", "archiver.signer.create_home.names_key"])
def test_a_full_disk_is_said_in_the_words_of_a_first_run(
    step: str,
    number: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*given: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        assert main(["--home", str(tmp_path / "home"), *NEW_HOME], None, {}) == ExitCode.FAILED
    shown = capsys.readouterr().err
    assert f"{said}, or choose another folder with --home. Nothing was made." in shown
    assert "received" not in shown


def test_a_disk_that_is_too_full_for_the_catalog_is_no_unsound_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(home: Home) -> None:
        raise CatalogError("a sound catalog.sqlite", "database or disk is full", "Run `archiver catalog rebuild`.")

    monkeypatch.setattr(Home, "project", full)
    assert main(["--home", str(tmp_path / "home"), *NEW_HOME], None, {}) == ExitCode.FAILED
    shown = capsys.readouterr().err
    assert "database or disk is full" in shown
    assert "Free some space there, or choose another folder with --home. Nothing was made." in shown
    assert not list(tmp_path.iterdir())


def test_ctrl_c_at_a_first_run_says_that_nothing_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("archiver.signer.create_home.create_keys", pressed)
        assert main(["--home", str(tmp_path / "home"), *NEW_HOME], None, {}) == ExitCode.FAILED
    assert capsys.readouterr().err == "archiver: stopped. Nothing was made.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ARCHIVER_PROXY": "tor"}, "a proxy like socks5h://host:port"),
        ({"ARCHIVER_PROXY": "ftp://aru:geheim@127.0.0.1"}, "a proxy like socks5h://host:port"),
        ({"ARCHIVER_SECOND_COPY": "s3://B"}, "s3://bucket/prefix for the second copy"),
        ({"ARCHIVER_SECOND_COPY": "ftp://host/x"}, "s3://bucket/prefix for the second copy"),
        ({"ARCHIVER_USER_AGENT": "Test/1\r\nCookie: x"}, "a User-Agent in printable ASCII"),
        ({"ARCHIVER_USER_AGENT": "Test\udcff"}, "a User-Agent in printable ASCII"),
        ({"ARCHIVER_SECOND_COPY": "/mnt/\udcff"}, "an answer in UTF-8"),
        ({"ARCHIVER_PSEUDONYM": "a/b"}, "a pseudonym of letters"),
    ],
)
def test_an_answer_is_judged_before_anything_is_made(
    given: dict[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path / "home"), "capture", "https://t.me/a/1"], None, given) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert said in shown
    assert "geheim" not in shown
    assert not list(tmp_path.iterdir())


def test_letters_of_every_script_are_kept(tmp_path: Path) -> None:
    """JSON writes those outside the BMP in two halves, which TOML refuses."""
    answers = SetupAnswers(pseudonym="𞤀𞤣", second="/mnt/копия 💾")
    create_home(tmp_path / "home", answers)
    assert answers_in(tmp_path / "home") == answers


@pytest.mark.parametrize("words", [[], ["case", "list"], ["case", "new", "other"], ["find", "x"], ["keys", "list"]])
def test_a_home_without_its_settings_is_not_made_again(words: list[str], home: Home, shell: Shell) -> None:
    assert shell("case", "new", "alma")[0] == 0
    (home.path / "archiver.toml").rename(home.path / "t.bak")
    before = contents(home.path)
    code, _, err = shell(*words)
    assert code == ExitCode.USAGE
    assert "a home whose archiver.toml is missing" in err
    assert contents(home.path) == before
    with pytest.raises(ConfigError):
        create_home(home.path, SetupAnswers())
    assert contents(home.path) == before


@pytest.mark.parametrize("left", ["keys", "ledger", "events"])
def test_one_part_of_a_home_is_enough_to_refuse(left: str, tmp_path: Path) -> None:
    (tmp_path / left).mkdir()
    (tmp_path / left / "something").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match="missing"):
        create_home(tmp_path, SetupAnswers())
    assert contents(tmp_path) == before


def test_somebody_s_folder_is_no_place_for_a_home(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir(mode=0o755)
    (folder / "one.jpg").write_text("mine")
    before = contents(folder)
    with pytest.raises(UsageError, match=r"one\.jpg"):
        create_home(folder, SetupAnswers())
    assert contents(folder) == before
    assert main(["--home", str(folder), "capture", "https://example.org/"], None, {}) == ExitCode.USAGE
    assert contents(folder) == before


@pytest.mark.parametrize("step", ["os.rename", "os.chmod", "archiver.signer.create_home.names_key"])
def test_an_empty_folder_keeps_its_mode_where_a_first_run_fails(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir(mode=0o755)

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        assert main(["--home", str(folder), *NEW_HOME], None, {}) == ExitCode.FAILED
    assert contents(tmp_path) == {tmp_path: (tmp_path.stat().st_mode, b""), folder: (stat.S_IFDIR | 0o755, b"")}
    create_home(folder, SetupAnswers())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


AT_ONCE = """
import os, sys
from archiver.cli.main import main
import archiver.cli.commands.case, archiver.signer.create_home
children = []
ready, go = os.pipe()
for number in range(4):
    child = os.fork()
    if not child:
        os.close(go)
        os.read(ready, 1)  # until all are there
        os._exit(main(["--home", sys.argv[1], *(word.format(number) for word in sys.argv[2:])], None, {}))
    children.append(child)
os.close(go)
print(*sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children), file=sys.stderr)
"""


def at_once(home: Path, *words: str) -> list[int]:
    """Run a command in four processes at once; return their exit codes. `{}`: the number of the process."""
    ran = subprocess.run(
        [sys.executable, "-c", AT_ONCE, str(home), *words],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return [int(code) for code in ran.stderr.splitlines()[-1].split()]


def test_first_commands_at_once_share_one_home(tmp_path: Path) -> None:
    assert at_once(tmp_path / "home", *NEW_HOME, "case", "new", "case-{}") == [0, 0, 0, 0]
    home = Home(tmp_path / "home")
    assert sorted(case["name"] for case in home.catalog.cases()) == [*(f"case-{n}" for n in range(4)), "inbox"]
    assert main(["--home", str(home.path), "check"], None, {}) == 0


def test_of_several_that_make_one_case_one_does(home: Home) -> None:
    assert at_once(home.path, "case", "new", "alma") == [0, 1, 1, 1]
    home.project()
    events = [body["detail"] for body in home.catalog.event_bodies(("case",)) if body["detail"]["name"] == "alma"]
    [event] = events
    assert event["recipients"][0] in (home.path / "keys" / "cases" / "alma.age-key").read_text("utf-8")


def test_rotations_at_once_leave_a_sound_ledger(home: Home, shell: Shell) -> None:
    codes = at_once(home.path, "keys", "rotate")
    assert codes.count(0) >= 1
    assert set(codes) <= {0, 1}
    assert shell("case", "new", "after")[0] == 0
    code, out, _ = shell("check")
    assert code == 0, out


def _orphans(home: Home) -> set[str]:
    return {path.name for path in (home.path / "keys" / "cases").iterdir()}


def _no_passphrase(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.environment["ARCHIVER_PASSPHRASE"] = "correct horse battery"
    assert shell("keys", "passphrase")[0] == 0
    shell.environment.clear()


def _wrong_passphrase(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    _no_passphrase(shell, monkeypatch)
    shell.environment["ARCHIVER_PASSPHRASE"] = "wrong"


def _pressed(error: type[BaseException]) -> Callable[[Shell, pytest.MonkeyPatch], None]:
    def prepare(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        def raised(prompt: str) -> str:
            raise error

        _no_passphrase(shell, monkeypatch)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("getpass.getpass", raised)

    return prepare


def _full_disk(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("storage.ledger.event_body", full)


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (_no_passphrase, 1), (_wrong_passphrase, 1), (_pressed(EOFError), 1), (_pressed(KeyboardInterrupt), 4),
        (_full_disk, 4),
    ],
    ids=["no passphrase", "wrong passphrase", "Ctrl-D", "Ctrl-C", "disk"],
)  # fmt: skip
def test_a_case_that_is_not_made_leaves_no_key(
    prepare: Callable[[Shell, pytest.MonkeyPatch], None],
    code: int,
    home: Home,
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = _orphans(home)
    with monkeypatch.context() as patch:
        prepare(shell, patch)
        assert shell("case", "new", "alma")[0] == code
    assert _orphans(home) == before
    shell.environment["ARCHIVER_PASSPHRASE"] = "correct horse battery"
    assert shell("case", "new", "alma")[0] == 0


def test_a_case_whose_event_was_written_keeps_its_key(
    home: Home, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is adopted by whoever opens the ledger next; its key must be there."""

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("storage.ledger.Ledger._extend", full)
        assert shell("case", "new", "alma")[0] != 0
    assert shell("case", "list")[0] == 0
    home.project()
    [public] = home.recipients(["alma"])
    assert public in (home.path / "keys" / "cases" / "alma.age-key").read_text("utf-8")


def test_the_key_of_a_case_is_never_replaced(home: Home, shell: Shell) -> None:
    path = home.path / "keys" / "cases" / "alma.age-key"
    path.write_text("somebody's")
    code, _, err = shell("case", "new", "alma")
    assert code == ExitCode.USAGE
    assert str(path) in err
    assert path.read_text() == "somebody's"


@pytest.mark.parametrize("what", ["missing", "a folder"])
@pytest.mark.parametrize("key", ["ledger", "person"])
@pytest.mark.parametrize(
    "words", [["keys", "list"], ["keys", "rotate"], ["keys", "passphrase", "--none"]], ids=" ".join
)
def test_a_key_that_cannot_be_read(what: str, key: str, words: list[str], home: Home, shell: Shell) -> None:
    path = home.path / "keys" / f"{key}.key"
    path.unlink()
    if what == "a folder":
        path.mkdir()
    code, _, err = shell(*words)
    assert code == ExitCode.USAGE
    assert str(path) in err


LOOKS = """
find x | show x | history https://t.me/a/1 | diff a b | status | case list | case show inbox | jobs list | jobs show 1
keys list | keys fingerprint | custody inbox | feed list | schedule list | watch list | catalog rebuild | fixity
assemble 9k2mv7qd --to out | files 9k2mv7qd --to out | open LAST | warcs LAST | wacz LAST --to x.wacz
"""


@pytest.mark.parametrize(
    "words", [part.strip() for line in LOOKS.split("\n") for part in line.split("|") if part.strip()]
)
def test_a_command_that_only_looks_makes_no_home(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--home", str(tmp_path / "elsewhere" / "home"), *words.split()], None, {}) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert f"a home at {tmp_path / 'elsewhere' / 'home'}" in shown
    assert "no home here" in shown
    assert not list(tmp_path.iterdir())
