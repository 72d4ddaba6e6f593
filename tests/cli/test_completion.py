"""Completion in the shells themselves, the manual page, and that what is shipped is what the parser says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.cli.completion import FILES, script
from archiver.cli.main import main
from archiver.cli.parser import Parser, build_parser, shown_example
from archiver.cli.registry import COMMANDS
from tests.conftest import need

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "man" / "archiver.1"


@pytest.fixture(scope="module")
def made() -> dict[Path, str]:
    """What scripts/shell_files.py would write, in a process of its own: it sets the environment."""
    code = "import json, runpy; made = runpy.run_path('scripts/shell_files.py')['made']; "
    code += "print(json.dumps({str(path): text for path, text in made().items()}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {Path(path): text for path, text in json.loads(ran.stdout).items()}


def test_what_is_shipped_is_what_the_parser_says(made: dict[Path, str]) -> None:
    assert len(made) == 4
    for path, text in made.items():
        assert path.read_text("utf-8") == text, f"{path.name} is old: make man"


def test_the_wheel_carries_them() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shared = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert set(shared) == {"docs/man/archiver.1", *(f"archiver/cli/completions/{name}" for name in FILES.values())}
    assert all((ROOT / path).is_file() for path in shared)


@pytest.mark.parametrize("shell", FILES)
def test_the_command_prints_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell], None, {}) == 0
    assert capsys.readouterr().out == script(shell)


def in_bash(line: str) -> list[str]:
    words = line.split(" ")
    code = f'. "{ROOT}/archiver/cli/completions/archiver.bash"\nCOMP_WORDS=({" ".join(words[:-1])} "{words[-1]}")\n'
    code += f"COMP_CWORD={len(words) - 1}\n_shtab_archiver archiver\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    ran = subprocess.run([need("bash"), "--norc", "-c", code], capture_output=True, text=True, check=False)
    assert not ran.stderr, ran.stderr
    return [word.strip() for word in ran.stdout.split("\n") if word.strip()]


def in_fish(line: str) -> list[str]:
    code = f'source "{ROOT}/archiver/cli/completions/archiver.fish"\ncomplete -C "{line}"'
    ran = subprocess.run([need("fish"), "--no-config", "-c", code], capture_output=True, text=True, check=True)
    return [line.split("\t")[0].strip() for line in ran.stdout.splitlines()]


def in_zsh(line: str) -> list[str]:
    """By a terminal of its own: zsh completes nowhere else."""
    begin = f"PS1=; fpath=({ROOT}/archiver/cli/completions $fpath); autoload -U compinit; compinit -u -D; print READY"
    code = f"""
zmodload zsh/zpty
zpty shell zsh -f
zpty -w shell '{begin}'
zpty -r shell text '*READY*READY*'
zpty -n -w shell $'{line}\\t'
sleep 4
while zpty -rt shell text; do print -r -- "$text"; done
zpty -d shell
"""
    ran = subprocess.run([need("zsh"), "-f", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", ran.stdout).split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("archiver ca", {"capture", "case", "catalog"}),
        ("archiver jobs re", {"resume", "retry"}),
        ("archiver help ca", {"capture", "case", "catalog"}),
        ("archiver jobs list --sta", {"--state"}),
    ],
)
@pytest.mark.parametrize("shell", [in_bash, in_fish], ids=lambda shell: shell.__name__)
def test_a_shell_completes_commands_actions_and_options(shell: object, line: str, wanted: set[str]) -> None:
    assert callable(shell)
    assert set(shell(line)) == wanted


@pytest.mark.parametrize("shell", [in_bash, in_fish], ids=lambda shell: shell.__name__)
def test_a_shell_completes_every_command_and_choices(shell: object) -> None:
    assert callable(shell)
    assert set(COMMANDS) <= set(shell("archiver "))
    assert {"waiting", "dead", "cancelled"} <= set(shell("archiver jobs list --state "))


def test_zsh_completes() -> None:
    assert {"capture", "case", "catalog"} <= {word.strip() for word in in_zsh("archiver ca")}


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "archiver.bash"), ("zsh", "_archiver"), ("fish", "archiver.fish")]
)
def test_a_script_is_sound_to_its_shell(shell: str, file: str) -> None:
    ran = subprocess.run(
        [need(shell), "-n", str(ROOT / "archiver" / "cli" / "completions" / file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_manual_page_has_no_fault_of_form() -> None:
    ran = subprocess.run(
        [need("groff"), "-man", "-ww", "-z", "-Tutf8", "-K", "utf-8", str(MANUAL)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    text = MANUAL.read_text("utf-8")
    for name in COMMANDS:
        assert f"archiver {name}" in text.replace("\\", ""), name


def test_the_manual_page_shows_the_examples_of_each_command() -> None:
    def parsers(parser: Parser) -> Iterator[Parser]:
        yield parser
        for child in parser.subparsers().values():
            yield from parsers(child)

    lines = {line.strip() for line in MANUAL.read_text("utf-8").replace("\\e", "\\").replace("\\-", "-").splitlines()}
    for parser in parsers(build_parser()):
        for example in parser.examples:
            assert {line.strip() for line in shown_example(example).splitlines()} <= lines, example
