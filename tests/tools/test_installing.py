"""What `doctor --fix` would install, and that it asks."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from archiver.tools import installing
from archiver.tools.installing import PINNED, plan
from archiver.version import DISTRIBUTION
from tests.conftest import Shell, set_in

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_extras_are_those_of_the_wheel() -> None:
    extras = dict(PROJECT["optional-dependencies"])
    assert extras.pop("all") == [f"{DISTRIBUTION}[{','.join(extras)}]"]
    assert extras == PINNED
    assert PROJECT["name"] == DISTRIBUTION
    assert PROJECT["scripts"] == {"archiver": "archiver.cli.main:main"}


def test_nobody_is_told_to_install_the_program_of_somebody_else() -> None:
    """`archiver` on PyPI is a stranger's."""
    wrong = re.compile(r"(pip|pipx|uv)3? (tool )?(install|inject|run)[^\n]*[\s'\"]archiver\b(?!\.)|archiver\[")
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "archiver").rglob("*"),
        *(ROOT / "scripts").glob("*"),
    ]:
        if path.suffix in (".py", ".md", ".j2", ".html", ".sh", ".toml", ".1", ".template"):
            text = path.read_text("utf-8").replace(f"{DISTRIBUTION}[", "").replace(DISTRIBUTION, "")
            assert not wrong.search(text), (path, wrong.search(text))


@pytest.mark.parametrize(
    ("installers", "root", "commands"),
    [(["pip", "apt-get"], True, [[sys.executable, "-m", "pip", "install"], ["apt-get", "install", "-y"]]),
     (["pip", "apt-get"], False, [[sys.executable, "-m", "pip", "install"], None]),
     (["uv", "brew"], False, [["uv", "pip", "install", "--python"], ["brew", "install", "ffmpeg"]]), ([], True, [None, None])],
)  # fmt: skip
def test_what_would_be_run(installers: list[str], root: bool, commands: list[list[str] | None]) -> None:
    steps = plan(["browser"], ["ffmpeg", "Chromium"], installers, root)
    assert [
        list(step.command)[: len(start or ())] if step.command else None
        for step, start in zip(steps, commands, strict=True)
    ] == commands
    assert all(step.command or step.says for step in steps)
    assert "playwright>=1.60" in (steps[0].command or (steps[0].says.split()))
    assert plan([], [], installers, root) == []


def test_it_says_and_asks_and_does(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[tuple[str, ...]] = []
    monkeypatch.setattr("archiver.cli.fixing.missing_extras", lambda: ["media"])
    monkeypatch.setattr("archiver.cli.fixing.missing_programs", lambda: ["ffmpeg"])
    monkeypatch.setattr("archiver.cli.fixing.installers_here", lambda: ["pip", "apt-get"])
    monkeypatch.setattr("archiver.cli.fixing._may_change_system", lambda: True)
    monkeypatch.setattr(
        "archiver.cli.fixing._taken", lambda console, step, proxy: run.append((*step.command, str(proxy))) is None
    )
    code, out, _ = shell("doctor", "--fix")
    assert code == 2
    assert {"deno>=2.9", "c2pa-python>=0.38"} <= set(out.split())
    assert "Add --yes" in out
    assert run == []
    assert shell("doctor", "--fix", "--yes")[0] == 0
    assert [words[0] for words in run] == [sys.executable, "apt-get"]
    run.clear()
    from archiver.home.home import Home

    set_in(Home(shell.home), proxy='"socks5h://127.0.0.1:9050"')
    code, out, _ = shell("doctor", "--fix", "--yes")
    assert code == 2
    assert "By hand, since it would not go through the proxy" in out
    assert [words[-1] for words in run] == ["socks5h://127.0.0.1:9050"], "nothing goes out another way"
    assert shell("doctor", "--yes")[0] == 1


def test_nothing_is_missing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("missing_extras", "missing_programs"):
        monkeypatch.setattr(f"archiver.cli.fixing.{name}", list)
    code, out, _ = shell("doctor", "--fix")
    assert (code, out.strip()) == (0, "Nothing is missing.")


def test_a_missing_module_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "find_spec", lambda name: None if name == "cv2" else object())
    assert installing.missing_extras() == ["scenes"]
