"""The table of commands, and what is imported for which of them."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.cli.context import Context
from archiver.cli.main import command_of, main
from archiver.cli.parser import build_parser, module_of
from archiver.cli.registry import BEGIN_A_HOME, COMMANDS, FIRST, HOMELESS, groups
from archiver.errors import NotFound
from archiver.home.home import Home
from tests.conftest import NEW_HOME

FOLDER = Path(__file__).parents[2] / "archiver" / "cli" / "commands"
ASKED = ["capture", "look", "cases and words", "packages", "copies and keys", "work", "this program"]


def test_every_module_of_the_folder_is_a_command() -> None:
    parts = {"__init__", "first_run", "watch_telegram"}  # `archiver` alone, and an action of `watch`
    assert {path.stem.replace("_", "-") for path in FOLDER.glob("*.py")} == set(COMMANDS) | {
        part.replace("_", "-") for part in parts
    }
    assert list(groups()) == ASKED


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_what_the_command_line_asks_of_it(name: str) -> None:
    module = module_of(name)
    assert module.__name__.rpartition(".")[2] == name.replace("-", "_")
    assert callable(module.add_arguments)
    assert callable(module.run)
    assert callable(module_of(FIRST).run)


def _imported(*words: str, of: tuple[str, ...]) -> list[str]:
    code = f"import sys; from archiver.cli.main import main; main({list(words)!r}); "
    code += f"print('\\n', [m for m in sys.modules if m.startswith({of!r})])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = eval(ran.stdout.splitlines()[-1])
    return found


def test_help_imports_its_tables_and_nothing_else() -> None:
    found = _imported(
        "--help", of=("archiver", "spiders", "storage", "argparse", "typing", "re", "dataclasses", "json")
    )
    assert set(found) <= {
        "archiver", "archiver.cli", "archiver.cli.main", "archiver.cli.overview", "archiver.cli.registry",
        "archiver.cli.streams", "archiver.cli.terminal", "archiver.errors", "storage", "storage.errors", "reprlib",
    }  # fmt: skip


def test_one_command_is_imported_of_all() -> None:
    found = _imported("find", "--help", of=("archiver.cli.commands.",))
    assert found == ["archiver.cli.commands.find"]


def _with_actions() -> list[tuple[str, str]]:
    """Every command with each of its actions, and an example of it."""
    found = []
    for name, parser in build_parser().subparsers().items():
        actions = {f"{name} {action}": one for action, one in parser.subparsers().items()} or {name: parser}
        found += [(words, one.examples[0]) for words, one in actions.items()]
    return found


def test_what_begins_a_home_is_a_command_with_its_action() -> None:
    assert {words for words, _ in _with_actions()} >= BEGIN_A_HOME


MAKE_THEIR_OWN = ("demo", "restore")


@pytest.mark.parametrize(
    ("words", "example"),
    [one for one in _with_actions() if one[0] not in (*BEGIN_A_HOME, *MAKE_THEIR_OWN, *HOMELESS)],
    ids=lambda said: said if "archiver " not in said else "",
)
def test_a_mistyped_home_is_not_made_by_what_needs_one(
    words: str, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Context] = []

    def first_home(context: Context) -> Home:
        made.append(context)
        raise NotFound("a home", "none", "The test goes no further.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Context, "_first_home", first_home)
    given = shlex.split(example.replace("/media/usb", "usb"))[1:]
    assert main(["--home", str(tmp_path / "mistyped"), *given], None, {}) != 0
    assert made == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_watched_by_an_account_offers_no_other_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["watch", "telegram", "https://t.me/durov"]
    assert main(["--home", str(tmp_path / "home"), *words, "--no-account"], None, {}) == 1
    assert "there is no option --no-account." in capsys.readouterr().err
    main(["help", "watch", "telegram"], None, {})
    shown = capsys.readouterr().out
    assert "--account NAME" in shown
    assert "--no-account" not in shown


HEAVY = (
    "scrapy",
    "twisted",
    "boto3",
    "email",
    "importlib.metadata",
    "trafilatura",
    "archiver.capture",
    "archiver.copies.sync",
)


@pytest.mark.parametrize("words", [("find", "x"), ("case", "list")], ids=" ".join)
def test_a_look_imports_nothing_that_captures(words: tuple[str, ...], tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert main(["--home", home, *NEW_HOME], None, {}) == 0
    keys = ("archiver.signer",) if words[0] == "find" else ()
    assert _imported("--home", home, *words, of=(*HEAVY, *keys)) == []


RUN_WITH = (
    "scrapy", "twisted", "telethon", "aiohttp", "boto3", "yt_dlp", "importlib.metadata", "archiver.capture.engine",
    "archiver.capture.services", "archiver.cli.runtime", "archiver.export.make", "archiver.jobs.status",
    "archiver.jobs.worker",
)  # fmt: skip


def test_help_of_a_command_does_not_import_what_it_runs_with() -> None:
    modules = [module_of(name).__name__ for name in COMMANDS]
    code = f"import sys, importlib; [importlib.import_module(name) for name in {modules!r}]; "
    code += f"print([m for m in sys.modules if m in {RUN_WITH!r}])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("find x", "find"),
        ("--home dir find x", "find"),
        ("--home=dir find x", "find"),
        ("--hom dir find x", "find"),
        ("--json --as R-2 find x", "find"),
        ("--as=R-2 --json find x", "find"),
        ("--pseudonym find --proxy find capture find", "capture"),
        ("--home find", None),
        ("--timestamps status", "status"),
        ("--json", None),
        ("-- find", "find"),
        ("", None),
    ],
)
def test_the_command_is_the_first_word_that_is_no_option(words: str, command: str | None) -> None:
    assert command_of(words.split()) == command


@pytest.mark.parametrize("words", ["--json find --home {} x", "--home {} find x --json", "find x --json --home={}"])
def test_options_of_every_command_stand_before_or_after_it(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert main(["--home", str(home), *NEW_HOME], None, {}) == 0
    capsys.readouterr()
    assert main(words.format(home).split(), None, {}) == 0
    assert capsys.readouterr().out == ""


def test_a_parser_of_one_command_parses_as_the_parser_of_all() -> None:
    words = ["--home", "x", "crawl", "https://t.me/s/durov", "--limit", "3", "--as", "R-2"]
    assert build_parser(["crawl"]).parse_args(words) == build_parser().parse_args(words)
