"""What `archiver demo` makes, and where it makes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.demo import run
from archiver.errors import ExitCode
from archiver.home.home import is_home

FEW = [
    (None, "case new zhanaozen"),
    (None, "receive {handed} --from S-014 --via signal --case zhanaozen"),
    *(step for step in run.STEPS if step[1].startswith("export")),
]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STEPS", FEW)


def _listing(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize(
    "there",
    ["home/archiver.toml", "home/keys/ledger.key", "home/notes.txt", "home/.first-run/x", "home/.first-run.made/x",
     "home-packages/report.html"],
)  # fmt: skip
def test_a_folder_that_holds_anything_is_left_as_it_is(
    there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / there).parent.mkdir(parents=True)
    (tmp_path / there).write_text("# of somebody")  # settings that are understood, too
    before = _listing(tmp_path)
    assert main(["--json", "demo", "--home", str(tmp_path / "home")], None, {}) == ExitCode.USAGE
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["error"] == "UsageError"
    assert "Nothing was changed" in json.loads(line)["next"]
    assert _listing(tmp_path) == before


def test_a_home_that_cannot_be_made_ends_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def step(words: object, network: object, environment: object) -> int:
        asked.append(str(words))
        return ExitCode.FAILED

    monkeypatch.setattr("archiver.cli.main.main", step)
    assert main(["demo", "--home", str(tmp_path / "home")], None, {}) == ExitCode.FAILED
    assert len(asked) == 1


@pytest.mark.usefixtures("no_browser")
def test_two_demos_lie_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert main(["--json", "demo", "--home", str(tmp_path / name)], None, {}) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["exit_code"] for line in lines if "command" in line] == [0] * len(FEW)
        assert is_home(tmp_path / name)
        assert (tmp_path / f"{name}-packages" / "zhanaozen-partner" / "data" / "report.html").is_file()
