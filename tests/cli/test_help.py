"""Help of every command and action, and the answer to what was misspelt."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.cli import terminal
from archiver.cli.main import main
from archiver.cli.overview import FIRST_RUN_OPTIONS
from archiver.cli.parser import SETTINGS, Parser, build_parser, module_of, shown_example
from archiver.cli.registry import COMMANDS
from archiver.errors import EXIT_CODES
from archiver.home.home import Home


def parsers() -> Iterator[Parser]:
    def below(parser: Parser) -> Iterator[Parser]:
        yield parser
        for child in parser.subparsers().values():
            yield from below(child)

    yield from below(build_parser())


ALL = list(parsers())
WHOLE = ALL[0]
EVERY = [parser for parser in ALL if parser.prog != "archiver"]


@pytest.mark.parametrize("parser", ALL, ids=lambda parser: parser.prog)
def test_every_option_and_positional_has_help(parser: Parser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert all(one.help for one in action._choices_actions)
        elif action.help != argparse.SUPPRESS:
            said = action.help or ""
            assert said.endswith((".", "?")), (action.option_strings, action.dest, said)
            assert said[0].isupper() or not said[0].isalpha() or said.startswith("governance"), said


@pytest.mark.parametrize("parser", EVERY, ids=lambda parser: parser.prog)
def test_every_command_and_action_has_an_example_that_parses(parser: Parser) -> None:
    assert parser.examples
    for example in parser.examples:
        shown = parser.format_help().partition("\nexample")[2]
        assert all(len(line) < 80 for line in shown.splitlines())
        assert example in shown.replace(" \\\n     ", "")
        program, *words = shlex.split(shown_example(example).replace("\\\n", ""))
        assert words == shlex.split(example)[1:]
        assert program == "archiver"
        if ">" in words:  # the shell's own
            words = words[: words.index(">")]
        found = vars(WHOLE.parse_args(words))
        assert " ".join(["archiver", *filter(None, [found["command"], found.get("action")])]).startswith(parser.prog)


@pytest.mark.parametrize("parser", ALL, ids=lambda parser: parser.prog)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_break_between_words(parser: Parser, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = parser.format_help()
    explained, _, _ = text.partition("\nexample")
    if parser.prog == "archiver":
        assert "Folder of the home" in explained
    for line in explained.splitlines():
        words = line.split()
        assert terminal.width_of(line) <= columns or len(words) <= 2, line
    whole = " ".join(text.split())
    for action in parser._actions:
        if action.help not in (None, argparse.SUPPRESS) and not isinstance(action, argparse._SubParsersAction):
            assert action.help.replace("%%", "%") in whole, "no word was broken"


@pytest.mark.parametrize("words", [["capture"], ["jobs", "add"], ["watch", "telegram"]], ids=" ".join)
def test_help_of_a_command_by_its_name(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", *words], None, {}) == 0
    named = capsys.readouterr().out
    assert main([*words, "--help"], None, {}) == 0
    assert capsys.readouterr().out == named
    assert named.startswith(f"usage: archiver {' '.join(words)} ")


def test_help_alone_is_that_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"], None, {}) == 0
    shown = capsys.readouterr().out
    for flag in ("--help", "-h"):
        assert main([flag], None, {}) == 0
        assert capsys.readouterr().out == shown
    assert main(["--json", "--help"], None, {}) == 0
    assert capsys.readouterr().out == shown
    assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("words", [["version"], ["--version"], ["find", "--version"], ["jobs", "list", "--version"]])
def test_the_version(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from archiver import __version__

    assert main(words, None, {}) == 0
    assert capsys.readouterr().out == f"archiver {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("captur https://t.me/a/1", "there is no command 'captur'. Did you mean capture?"),
        ("--home dir --json stauts", "Did you mean status?"),
        ("xyzzy", "there is no command 'xyzzy'."),
        ("jobs lst", "there is no action 'lst'. Did you mean list?"),
        ("case show --quite x", "there is no option --quite."),
        ("capture --commments https://t.me/a/1", "there is no option --commments. Did you mean --comments?"),
        ("find x --limmit=3", "there is no option --limmit. Did you mean --limit?"),
        ("jobs list --state ded", "there is no choice 'ded'. Did you mean dead?"),
        ("export inbox --to x --profile publik", "there is no choice 'publik'. Did you mean public?"),
        ("lock inbox complience --because x", "Did you mean compliance?"),
        ("completion zhs", "Did you mean zsh?"),
        ("completion ksh", "Choose from bash, zsh, fish."),
        ("completion powershell", "Choose from bash, zsh, fish."),
        ("show a b", "'b' is one word too many."),
        ("find x --limit many", "is not a whole number"),
        ("help jobs ad", "Did you mean add?"),
        ("help captur", "Did you mean capture?"),
        ("help capture add", "archiver capture: there is no action 'add'."),
        ("help xyzzy", "archiver: there is no command 'xyzzy'.\nHelp: archiver --help"),
        ("completion", "the following arguments are required: SHELL"),
        ("capture --proxy x https://t.me/a/1", "--proxy belongs to the first run; later set [sites] proxy"),
    ],
)
def test_what_is_misspelt_is_answered_in_a_line(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split(), None, {}) == 1
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.splitlines()) <= 3
    assert shown.out.count("\n") <= 1


@pytest.mark.parametrize("word", ["captur", "nope", "xyzzy"])
def test_help_of_what_is_misspelt_answers_as_the_command(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word], None, {}) == 1
    said = capsys.readouterr().err
    assert main(["help", word], None, {}) == 1
    assert capsys.readouterr().err == said


def test_every_option_of_the_first_run_names_its_setting() -> None:
    flags = {flag for words in FIRST_RUN_OPTIONS for flag in re.findall("--[a-z-]+", words)}
    assert set(SETTINGS) == flags - {"--create"}, "which is kept by the home being there"


@pytest.mark.parametrize("parser", ALL, ids=lambda parser: parser.prog)
def test_a_usage_line_does_not_end_inside_a_bracket(parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for line in parser.format_help().partition("\n\n")[0].splitlines():
        assert line.count("[") == line.count("]"), line


@pytest.mark.parametrize(
    "words",
    [
        "case show almti",
        "case add almti x",
        "capture https://t.me/a/1 --case almti",
        "crawl https://t.me/s/durov --case almti",
        "jobs add https://t.me/a/1 --case almti",
        "check almti",
        "custody almti",
        "triage almti",
        "fixity almti",
        "evict almti",
        "lock almti --hold --because x",
        "export almti --to {}/out --profile full",
        "incident square --case almti",
        "author x official why --platform x --case almti",
    ],
)
def test_a_misspelt_case_is_guessed(words: str, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home.path), "case", "new", "almaty"], None, {}) == 0
    assert main(["--home", str(home.path), *words.format(home.path.parent).split()], None, {}) == 1
    assert "Did you mean almaty?" in capsys.readouterr().err


def test_a_choice_may_be_what_a_person_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Words that merely look like options stay words: those of a recorded program, and what stands after --."""
    found = build_parser().parse_args(["record", "--", "curl", "--frobnicate", "--", "x"])
    assert found.program[-3:] == ["--frobnicate", "--", "x"]
    found = build_parser().parse_args(["note", "9k2mv7qd", "--", "--a dash"])
    assert found.words == ["--a dash"]


def test_every_module_says_what_it_adds() -> None:
    for name in COMMANDS:
        assert module_of(name).add_arguments.__doc__, name
        assert module_of(name).run.__doc__, name


def test_every_exit_code_is_told_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    """There is one table of them: `archiver.errors.EXIT_CODES`. Help is made from it, and the page of commands says the same."""
    main(["--help"], None, {})
    shown = " ".join(capsys.readouterr().out.split())
    page = (Path(__file__).parents[2] / "docs" / "reference" / "commands.md").read_text("utf-8")
    for code, meaning in EXIT_CODES.items():
        assert f"{int(code)} {meaning}" in shown
        assert f"| {int(code)} | {meaning}" in page
