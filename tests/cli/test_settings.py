"""Which commands run while the settings are not understood, what they say, and that nothing goes out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.cli.registry import COMMANDS, RUN_ANYWAY, WITHOUT_SETTINGS
from archiver.errors import ExitCode
from archiver.home.home import Home
from archiver.home.variables import VARIABLES
from tests.conftest import Shell, World, set_in

POST = "https://t.me/ozen_today/12"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def misspelt(shell: Shell) -> Shell:
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace('proxy = ""', 'proxi = "socks5h://u:s3cret@127.0.0.1:9"', 1))
    return shell


def test_the_commands_that_run_are_few() -> None:
    assert {*RUN_ANYWAY, *WITHOUT_SETTINGS} == {
        "help", "version", "config", "doctor", "check", "status", "find", "show", "history", "diff", "parse"
    }  # fmt: skip


@pytest.mark.parametrize("words", [[], ["capture", POST], ["crawl", "https://t.me/s/ozen_today"], ["case", "list"],
    ["work", "--drain"], ["serve"], ["sync"], ["seal"], ["notify"], ["demo"], ["completion", "bash"],
    ["record", "--", "true"], ["telegram", "whoami"], ["watch", "list"], ["note", "x", "y"]], ids=" ".join)  # fmt: skip
def test_a_typo_stops_a_command_before_anything_happens(misspelt: Shell, words: list[str]) -> None:
    before = {path: path.read_bytes() for path in misspelt.home.rglob("*") if path.is_file()}
    asked = len(misspelt._world.served.log)
    code, out, err = misspelt(*words)
    assert code == ExitCode.USAGE
    assert "the unknown key [sites] proxi" in err
    assert str(misspelt.home / "archiver.toml") in err
    assert "Did you mean [sites] proxy?" in err
    assert "s3cret" not in out + err
    assert len(misspelt._world.served.log) == asked
    assert {path: path.read_bytes() for path in misspelt.home.rglob("*") if path.is_file()} == before


def test_every_other_command_is_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the table, whatever a command does: an unknown variable, and no home yet."""
    words = {
        "completion": ["bash"],
        "capture": [POST],
        "crawl": [POST],
        "assemble": ["x"],
        "sync": [],
        "record": ["--", "x"],
    }
    stopped = set()
    for name in sorted(COMMANDS.keys() - set(RUN_ANYWAY) - set(WITHOUT_SETTINGS)):
        main(["--home", str(tmp_path / "home"), name, *words.get(name, [])], None, {"ARCHIVER_PROXI": "x"})
        shown = capsys.readouterr()
        if (
            "Help: archiver" not in shown.err and "usage:" not in shown.out
        ):  # it takes words that this test does not give
            assert "$ARCHIVER_PROXI" in shown.err, name
            stopped.add(name)
    assert stopped >= {"capture", "crawl", "record", "sync", "seal", "work", "serve", "notify", "demo", "completion"}
    assert main(["--home", str(tmp_path / "home")], None, {"ARCHIVER_PROXI": "x"}) == ExitCode.USAGE
    assert not (tmp_path / "home").exists()


def test_commands_that_look_run_and_say_it_first(shell: Shell, tmp_path: Path) -> None:
    code, [kept] = shell.json("capture", POST)
    assert code == 0
    capture = str(kept["capture"])
    (tmp_path / "page.html").write_text("<p>words</p>")
    looks = [
        ("find", "Ozen"), ("show", capture), ("history", POST), ("diff", capture, capture), ("check",),
        ("parse", str(tmp_path / "page.html")),
    ]  # fmt: skip
    before = {words: shell.json(*words) for words in looks}
    set_in(Home(shell.home), rendered='"false"')
    asked = len(shell._world.served.log)
    for words in looks:
        code, lines = shell.json(*words)
        assert lines[0]["warning"] == "ConfigError"
        assert "[pages] rendered" in str(lines[0]["expected"])
        if words != ("check",):  # its lines name digests of what changed in between
            assert (code, lines[1:]) == before[words]
        assert "The settings are not understood" in shell(*words)[2]
    assert len(shell._world.served.log) == asked


def test_a_look_that_needs_no_home_asks_for_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "page.html").write_text("<p>words</p>")
    given = {"ARCHIVER_HOME": str(tmp_path / "file")}
    assert main(["parse", str(tmp_path / "page.html")], None, given) == 0
    capsys.readouterr()
    assert main(["--json", "find", "x"], None, given) == ExitCode.USAGE
    assert len(capsys.readouterr().out.splitlines()) == 1, "said once"


def test_status_says_only_what_the_settings_have_no_part_in(misspelt: Shell) -> None:
    code, lines = misspelt.json("status")
    assert (code, lines[1:]) == (ExitCode.PARTIAL, [{"captures": 0}])
    assert "NOT SHOWN: jobs" in misspelt("status")[1]


def test_the_doctor_asks_no_platform_by_a_guess(misspelt: Shell, world: World) -> None:
    code, out, err = misspelt("doctor")
    assert code == ExitCode.PARTIAL
    assert "settings" in out
    assert "the unknown key [sites] proxi" in out
    assert "connection" not in out, "what is not known is not ticked"
    asked = len(world.served.log)
    code, _, err = misspelt("doctor", "--platforms")
    assert (code, len(world.served.log)) == (ExitCode.USAGE, asked)
    assert "s3cret" not in out + err
    assert not [row for row in Home(misspelt.home).catalog.cases() if row["name"] == "doctor"]


def test_the_doctor_makes_no_home_by_a_guess(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path / "home"), "doctor"], None, {"ARCHIVER_PROXI": "x"}) == ExitCode.PARTIAL
    assert "ARCHIVER_PROXI" in capsys.readouterr().out
    assert main(["--home", str(tmp_path / "home"), "config"], None, {"ARCHIVER_PROXI": "x"}) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert "NOT UNDERSTOOD: expected only ARCHIVER_ variables" in shown.out
    assert "a home at" in shown.err
    assert not (tmp_path / "home").exists()


def test_the_doctor_prints_the_table_of_variables(shell: Shell) -> None:
    shell.environment = {"ARCHIVER_PASSPHRASE": "s3cret", "ARCHIVER_PROXY": ""}
    _, out, _ = shell("doctor")
    for variable in VARIABLES:
        assert f"{'•' if variable.name == 'ARCHIVER_PASSPHRASE' else ' '} {variable.name}" in out
        assert variable.means in out
    assert "s3cret" not in out


def test_an_empty_variable_overrides_no_proxy(shell: Shell) -> None:
    set_in(Home(shell.home), proxy='"socks5h://127.0.0.1:9"')
    shell.environment = {"ARCHIVER_PROXY": ""}
    code, lines = shell.json("config")
    [proxy] = [line for line in lines if line["key"] == "sites.proxy"]
    assert (code, proxy["value"], proxy["source"]) == (0, "socks5h://127.0.0.1:9", "archiver.toml")
    assert "through the proxy of [sites]" in shell("doctor")[1]
    shell.environment = {"ARCHIVER_PROXY": "direct"}
    assert "this machine's own address" in shell("doctor")[1]


def test_an_empty_variable_answers_no_question(tmp_path: Path) -> None:
    given = {"ARCHIVER_PROXY": "", "ARCHIVER_PSEUDONYM": "", "ARCHIVER_AS": "", "ARCHIVER_TIMESTAMPS": ""}
    assert main(["--home", str(tmp_path / "home"), "--create"], None, given) == 1, "how to connect was not said"
    assert not (tmp_path / "home").exists()
    assert main(["--home", str(tmp_path / "home"), "--create", "--direct"], None, given) == 0
    home = Home(tmp_path / "home", environment=given)
    assert (home.config.pseudonym, home.config.proxy, home.environment) == ("investigator", None, {})


def test_config_shows_values_sources_and_faults(misspelt: Shell) -> None:
    misspelt.environment = {"ARCHIVER_JOBS": "postgresql://u:s3cret@h/d", "ARCHIVER_SECRETS": "s3cret"}
    code, out, err = misspelt("config")
    assert code == ExitCode.USAGE
    assert "$ARCHIVER_JOBS  [jobs] database = (hidden)" in out
    assert '[secrets] from_environment = "ARCHIVER_SECRETS"  (set)' in out
    assert "NOT UNDERSTOOD: expected a key that [sites] knows" in out
    assert "nothing of it counts" in out
    assert "s3cret" not in out + err
    code, lines = misspelt.json("config")
    assert lines[-1]["fault"]["key"] == "sites.proxi"  # type: ignore[index]
    assert "s3cret" not in json.dumps(lines)


def test_config_claims_nothing_of_a_file_that_cannot_be_read(shell: Shell) -> None:
    (shell.home / "archiver.toml").write_text("[sites\n")
    code, lines = shell.json("config")
    assert code == ExitCode.USAGE
    assert [list(line) for line in lines] == [["warning", "expected", "found", "next"], ["fault"]]


def test_what_is_not_utf_8_is_told_all_the_same(shell: Shell) -> None:
    shell.environment = {"ARCHIVER_COOKIES": "\udcff.txt", "ARCHIVER_\udcff": "x"}
    code, out, _ = shell("config")
    assert code == ExitCode.USAGE
    assert 'cookies = "?.txt"' in out
    assert "$ARCHIVER_?" in out


def test_config_upgrade_with_nothing_to_do(shell: Shell) -> None:
    before = (shell.home / "archiver.toml").read_bytes()
    code, out, _ = shell("config", "--upgrade")
    assert (code, out) == (0, "nothing to change: no key of an earlier version\n")
    assert (shell.home / "archiver.toml").read_bytes() == before


def test_the_page_of_settings_is_made_from_the_tables() -> None:
    code = "import runpy; print(runpy.run_path('scripts/settings_page.py')['made'](), end='')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout == (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8"), "run make man"


def test_every_variable_that_the_code_reads_is_in_the_table() -> None:
    import re

    known = {variable.name for variable in VARIABLES}
    for room in ("archiver", "spiders", "storage"):
        for path in (ROOT / room).rglob("*.py"):
            for name in re.findall(r"\bARCHIVER_[A-Z_]*[A-Z]\b", path.read_text("utf-8")):
                assert name in known, (path, name)


def test_help_and_version_read_no_settings() -> None:
    code = "import sys; from archiver.cli.main import main; main({words}); print([m for m in sys.modules if m == 'msgspec'])"
    for words in (["--help"], ["version"], ["help", "capture"]):
        ran = subprocess.run(
            [sys.executable, "-c", code.format(words=words)], capture_output=True, text=True, check=True
        )
        assert ran.stdout.splitlines()[-1] == "[]", words
