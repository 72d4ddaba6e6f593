"""The questions of the first run, as a terminal shows them."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archiver.cli import terminal
from archiver.cli.console import Console
from archiver.cli.main import main
from archiver.cli.setup_wizard import QUESTIONS, Given, Question, answers_from, ask_for_answers
from archiver.demo.run import FIRST_RUN
from archiver.errors import UsageError

ALL = Given(pseudonym="aru", proxy="direct", user_agent="Mozilla/5.0", second="", timestamps=False)
TYPED = ["", "direct"]
"""What is typed at the questions: the pseudonym has a default, the connection has none."""


class Tty(io.StringIO):
    """A terminal that shows nothing."""

    def isatty(self) -> bool:
        return True


def answering(monkeypatch: pytest.MonkeyPatch, out: io.StringIO, answers: list[str]) -> list[str]:
    """Answer what is asked; the list that is returned fills with the prompts."""
    prompts: list[str] = []
    rest: Iterator[str] = iter(answers)

    def answer(prompt: str = "") -> str:
        prompts.append(prompt)
        out.write(prompt + "\n")
        return next(rest)

    monkeypatch.setattr(builtins, "input", answer)
    return prompts


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_questions_break_between_words(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Tty()
    answering(monkeypatch, out, TYPED)
    ask_for_answers(Given(), Path("/home/aru/archiver-home"), Console(False, out, out).say)
    shown = out.getvalue()
    for line in shown.splitlines():
        assert terminal.width_of(line) <= columns or len(line.split()) == 1, line
    words = " ".join(shown.split())
    for number, question in enumerate(QUESTIONS, 1):
        assert f"{number}. {question.text}" in words


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.field)
def test_only_what_is_open_is_asked_and_numbered(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:

    out = Tty()
    prompts = answering(monkeypatch, out, ["direct"])
    ask_for_answers(replace(ALL, **{question.field: None}), Path("/h"), Console(False, out, out).say)
    assert len(prompts) == 1
    assert "One question." in out.getvalue()
    assert [line[:3] for line in out.getvalue().splitlines() if line[:1].isdigit()] == ["1. "]


@pytest.mark.parametrize(
    "given", [Given(), Given(pseudonym="aru", user_agent="Test/1", second="/mnt", timestamps=True)]
)
def test_how_to_connect_has_no_default(given: Given) -> None:
    with pytest.raises(UsageError, match="has no default"):
        answers_from(given)
    assert answers_from(replace(given, proxy="direct")).proxy == ""
    assert answers_from(replace(given, proxy="socks5h://127.0.0.1:9050")).proxy == "socks5h://127.0.0.1:9050"
    with pytest.raises(UsageError, match="an empty text"):
        answers_from(replace(given, proxy=""))


def test_timestamps_are_asked_for_unless_they_are_declined() -> None:
    assert answers_from(Given(proxy="direct")).timestamps
    assert not answers_from(Given(proxy="direct", timestamps=False)).timestamps


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (["--create"], {}, "--direct or --proxy URL"),
        (["--create", "capture", "https://t.me/a/1"], {}, "--direct or --proxy URL"),
        (["--create", "--proxy", ""], {}, "an empty text"),
        (["--create", "--direct", "--proxy", "socks5h://127.0.0.1:9050"], {}, "--direct or a proxy"),
        (["--create", "--direct"], {"ARCHIVER_PROXY": "socks5h://127.0.0.1:9050"}, "--direct or a proxy"),
        (["--direct"], {}, "--create"),
        (["--direct", "case", "new", "alma"], {}, "--create"),
        (["--create", "--direct", "crawl", "https://t.me/s/a"], {}, "no home here"),
        (["--create", "--direct", "jobs", "add", "https://t.me/a/1"], {}, "no home here"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_nothing_is_made_where_the_answer_is_open(
    words: list[str], environment: dict[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path / "home"), *words], None, environment) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_empty_variable_of_a_container_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"ARCHIVER_HOME": str(tmp_path / "home"), "ARCHIVER_PROXY": ""}
    assert main(["capture", "https://t.me/a/1"], None, given) == 1
    assert not list(tmp_path.iterdir())
    assert main([], None, {**given, "ARCHIVER_PROXY": "direct", "ARCHIVER_TIMESTAMPS": "no"}) == 0
    said = capsys.readouterr().out
    assert "Sites learn the address of this machine." in said
    assert "nobody else vouches" in said


@pytest.mark.parametrize(("answers", "made"), [(["yes"], True), (["perhaps", "y"], True), (["", "no"], False)])
def test_a_home_that_is_not_there_is_asked_about(
    answers: list[str], made: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Tty())
    answering(monkeypatch, Tty(), [*answers, "aru", "direct"])
    words = ["--home", str(tmp_path / "home"), "--no-timestamps"]
    assert main(words, None, {}) == (0 if made else 1)
    assert (tmp_path / "home" / "archiver.toml").exists() == made


def test_the_demo_leaves_nothing_to_ask_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Tty())
    prompts = answering(monkeypatch, Tty(), TYPED)
    assert main(["--home", str(tmp_path / "home"), *FIRST_RUN], None, {}) == 0
    assert prompts == []


def test_the_end_of_the_input_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-D at the question about the proxy must not mean a direct connection."""

    def ended(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", ended)
    with pytest.raises(UsageError):
        ask_for_answers(Given(), tmp_path / "home", lambda text: None)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("field", "answers", "kept"),
    [
        ("proxy", ["tor", "127.0.0.1:9050", "socks5h://127.0.0.1:9050"], "socks5h://127.0.0.1:9050"),
        ("proxy", ["", "", "direct"], ""),
        ("pseudonym", ["a b", "aru"], "aru"),
    ],
)
def test_what_is_no_answer_is_asked_for_again(
    field: str, answers: list[str], kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Tty()
    prompts = answering(monkeypatch, out, answers)
    found = ask_for_answers(replace(ALL, **{field: None}), Path("/h"), Console(False, out, out).say)
    assert getattr(found, field) == kept
    assert len(prompts) == len(answers)
    assert out.getvalue().count("Please give ") == len(answers) - 1


def test_what_was_given_is_judged_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = answering(monkeypatch, Tty(), [])
    with pytest.raises(UsageError, match="a proxy like"):
        ask_for_answers(Given(proxy="tor"), Path("/h"), lambda text: None)
    assert prompts == []


def test_a_terminal_that_sends_other_bytes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), "utf-8"))
    with pytest.raises(UsageError, match="UTF-8"):
        ask_for_answers(Given(), Path("/h"), lambda text: None)
