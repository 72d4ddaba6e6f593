"""Width, breaks and colour: what a terminal gets, and what a pipe never does."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.cli import terminal
from archiver.cli.console import Console
from archiver.cli.main import main
from tests.conftest import NEW_HOME

WORDS = st.lists(st.text("aбқ字か한é\u0301.,", min_size=1, max_size=30), min_size=1, max_size=20)


class Tty(io.StringIO):
    """A terminal that keeps what it was sent."""

    def isatty(self) -> bool:
        return True


@given(WORDS, st.integers(20, 120))
def test_lines_break_between_words_at_the_width(words: list[str], width: int) -> None:
    text = " ".join(words)
    lines = terminal.wrapped(text, width).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", ""), "nothing is lost"
    for line in lines:
        if terminal.width_of(line) > width:
            assert len(line.split()) == 1, "only a word that is longer than a line stays whole"
    narrow = [word for word in words if all(terminal.width_of(letter) < 2 for letter in word)]
    broken = [word for line in lines for word in line.split()]
    assert all(word in broken or any(word in piece for piece in broken) for word in narrow)


def test_a_wide_text_without_blanks_breaks_between_its_letters() -> None:
    text = "广场上有人聚集，警察封锁了街道。" * 6
    lines = terminal.wrapped(text, 40).split("\n")
    assert len(lines) > 4
    assert all(terminal.width_of(line) <= 42 for line in lines)
    assert not any(line.lstrip()[0] in "，。" for line in lines)


def test_what_hangs_stands_below_the_text_beside_a_label() -> None:
    text = "  kept      1 post, 2 videos, 3 photos and the page that they stand on, as it was received"
    first, *rest = terminal.wrapped(text, 60).split("\n")
    assert first.startswith("  kept      1 post")
    assert all(line.startswith(" " * 12) and line[12] != " " for line in rest)


def test_a_link_stays_whole() -> None:
    link = "https://example.org/" + "a" * 100
    assert link in terminal.wrapped(f"  link      {link} and more", 80).split("\n")[1]


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("қаз", 3), ("字", 2), ("한국", 4), ("e\u0301", 1), ("ｶ", 1), ("✓ ok", 4)]
)
def test_the_width_of_a_text(text: str, width: int) -> None:
    assert terminal.width_of(text) == width


def test_a_line_of_progress_is_cut_by_its_width() -> None:
    assert terminal.cut("广场上有人", 5) == "广场"
    assert terminal.padded("广场", 6) == "广场  "


def test_marks_have_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Tty()
    console = Console(False, out, Tty())
    console.say("✓ captured")
    console.say(" 3/17 ✗ https://example.org/ failed")
    console.say("◐ partial")
    console.say("a post says ✓")
    shown = out.getvalue().splitlines()
    assert shown[0] == "\x1b[32m✓\x1b[0m captured"
    assert shown[1].startswith(" 3/17 \x1b[31m✗\x1b[0m ")
    assert shown[2].startswith("\x1b[33m◐")
    assert "\x1b" not in shown[3]


@pytest.mark.parametrize("variable", [("NO_COLOR", "1"), ("TERM", "dumb")], ids=lambda pair: pair[0])
def test_no_colour_where_it_is_not_wanted(variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(*variable)
    out = Tty()
    Console(False, out, out).say("✓ captured")
    assert out.getvalue() == "✓ captured\n"


def test_a_pipe_gets_lines_as_they_are() -> None:
    out = io.StringIO()
    Console(False, out, out).say("✓ " + "word " * 60)
    assert out.getvalue() == "✓ " + "word " * 60 + "\n"


def test_json_is_never_painted_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out, err = Tty(), Tty()
    console = Console(True, out, err)
    console.data({"text": "✓ " + "word " * 60})
    console.say("✓ not shown")
    console.warn("✗ a warning")
    assert json.loads(out.getvalue())["text"].startswith("✓ word")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue() + err.getvalue()


def _on_a_terminal(words: list[str], columns: str, **environment: str) -> str:
    """What a command shows on a pseudo-terminal."""
    leader, follower = pty.openpty()
    given = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "archiver", *words], stdin=follower, stdout=follower, stderr=follower,
        env={**given, "TERM": "xterm", "COLUMNS": columns, **environment},
    )  # fmt: skip
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    process.wait(60)
    os.close(leader)
    return shown.decode()


def test_headings_are_bold_on_a_terminal_and_plain_elsewhere(tmp_path: Path) -> None:
    shown = _on_a_terminal(["--help"], "70")
    assert "\x1b[1mcases and words:\x1b[0m" in shown
    plain = shown.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert all(len(line) <= 70 for line in plain.partition("examples:")[0].splitlines())
    assert "\x1b" not in _on_a_terminal(["find", "--help"], "80", NO_COLOR="1")
    ran = subprocess.run([sys.executable, "-m", "archiver", "--help"], capture_output=True, text=True, check=True)
    assert "\x1b" not in ran.stdout
    assert "examples:" in ran.stdout


def test_a_result_breaks_at_the_terminals_width(tmp_path: Path) -> None:
    assert main(["--home", str(tmp_path / "home"), *NEW_HOME], None, {}) == 0
    shown = _on_a_terminal(["--home", str(tmp_path / "home"), "show", "zzzz"], "40")
    lines = shown.splitlines()
    assert any(line.startswith("archiver: expected a capture") for line in lines)
    assert all(len(line) <= 40 for line in lines), lines
