"""What has to be looked at before a package for everybody: in order, with commands that do it, until nothing is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from tests.support.joined_case import JoinedCase, made_posts

pytestmark = pytest.mark.usefixtures("no_browser")


def run(path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["--home", str(path), *words], None, {})
    said = capsys.readouterr()
    return code, said.out + said.err


def listed(path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    code, said = run(path, capsys, "--json", "export", "joined", "--profile", "public")
    assert code == 0, said
    steps: list[dict[str, Any]] = json.loads(said.splitlines()[-1])["to_look_at"]
    return steps


def test_its_commands_lead_to_a_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = JoinedCase(tmp_path, made_posts(6, 4, ()), reviewed=False)
    before = listed(case.path, capsys)
    assert [step["event"] is None for step in before] == sorted(
        (step["event"] is None for step in before), reverse=True
    )
    posts = {step["post"] for step in before if step["post"]}
    assert posts == {post.id for post in case.posts if post.words or post.files}
    assert any("photo 1 not reviewed" in step["what"] for step in before)
    code, said = run(case.path, capsys, "export", "joined", "--profile", "public")
    assert (code, said.startswith("1. "), before[0]["command"] in said) == (0, True, True)
    to = ("export", "joined", "--profile", "public", "--to", str(tmp_path / "out"), "--yes")
    assert (
        f"To look at first: {len(before)} things; archiver export joined --profile public lists"
        in run(case.path, capsys, *to)[1]
    )
    for step in before:
        words = step["command"].replace("publish|withhold", "publish").replace("REASON", "seen").split()
        code, said = run(case.path, capsys, *words[1:])
        assert code == 0, f"{step['command']}: {said}"
    assert listed(case.path, capsys) == []
    assert "Nothing is left" in run(case.path, capsys, "export", "joined", "--profile", "public")[1]
    made = case.export("public", "public")
    assert len(made.shown.cards) == len(case.posts)


def test_what_does_not_count_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A review from before a redaction, one by the collector, masked words that somebody let out in other words."""
    case = JoinedCase(tmp_path, made_posts(2, 4, ()), reviewed=False)
    post = next(one for one in case.posts if one.words)
    place = (case.places[post.place][0], "--post", post.id)
    assert run(case.path, capsys, "--as", "R-2", "review", place[0], "publish", "fine", *place[1:])[0] == 0
    masked = str(post.words).split()[0]
    translate = (
        "translate",
        place[0],
        f"{masked} in English",
        *place[1:],
        "--language",
        "en",
        "--by",
        "T",
        "--how",
        "human",
    )
    assert run(case.path, capsys, *translate)[0] == 0
    assert run(case.path, capsys, "redact", place[0], "a name", *place[1:], "--mask", masked)[0] == 0
    steps = listed(case.path, capsys)
    assert any(step["post"] == post.id and "words redacted since it was reviewed" in step["what"] for step in steps)
    event = next(step["event"] for step in steps if "The translation" in step["what"])
    assert run(case.path, capsys, "--as", "R-2", "review", str(event), "publish", "fine")[0] == 0
    again = [step for step in listed(case.path, capsys) if step["event"] == event]
    assert "holds words that are masked in a post" in again[0]["what"]
    assert "withhold" in again[0]["command"]


def test_other_profiles_need_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = JoinedCase(tmp_path, made_posts(1, 4, ()), reviewed=False)
    code, said = run(case.path, capsys, "export", "joined", "--profile", "partner")
    assert (code, "--to DIR" in said) == (1, True)
