"""The first run: five questions, each of which a flag or the environment may have answered before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archiver.cli import terminal
from archiver.errors import UsageError
from archiver.home.config import DEFAULT_AGENT
from archiver.home.paths import given_path
from archiver.home.variables import DIRECT
from archiver.signer.create_home import SetupAnswers, require_sound

Say = Callable[[str], None]
LONGEST_PROMPT = 30
"""A terminal breaks a longer one inside a word; it has lines of its own."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """Answers that flags and environment gave; None where they say nothing."""

    pseudonym: str | None = None
    proxy: str | None = None
    user_agent: str | None = None
    second: str | None = None
    timestamps: bool | None = None


@dataclass(frozen=True)
class Question:
    """One question of the first run; `field` is where `Given` keeps the answer."""

    field: str
    text: str
    default: str = ""
    yes_or_no: bool = False


QUESTIONS = (
    Question(
        "proxy",
        "Connect directly or through a proxy? Directly, sites see this machine's own address. Give a proxy like "
        "socks5h://127.0.0.1:9050 (Tor).",
    ),
    Question("user_agent", "Which User-Agent (browser name) should sites see?", DEFAULT_AGENT),
    Question("pseudonym", "Which name should events be signed with? A pseudonym; packages show it.", "investigator"),
    Question(
        "second", "Where should the second copy go? A folder on another disk, or s3://bucket. It is sent encrypted."
    ),
    Question(
        "timestamps",
        "Have outside authorities timestamp your work? They see a digest, the time and your IP address, never the "
        "content. Without them no outsider vouches for any time. (yes/no)",
        "no",
        yes_or_no=True,
    ),
)
"""In the order in which they are asked."""


def answers_from(given: Given) -> SetupAnswers:
    """Use defaults for what was not given, without asking anybody. Raises `UsageError` for an invalid answer."""
    second = given.second or ""
    if second and not second.startswith("s3:") and "://" not in second:  # the settings are read from anywhere
        second = str(given_path(second))
    answers = SetupAnswers(
        given.pseudonym or "investigator",
        given.user_agent or DEFAULT_AGENT,
        "" if given.proxy in (None, DIRECT) else given.proxy,
        second,
        bool(given.timestamps),
    )
    require_sound(answers)
    return answers


def ask_for_answers(given: Given, home: Path, say: Say) -> SetupAnswers:
    """Ask on the terminal for what was not given. `say` prints, lines broken between words. Raises `UsageError`."""
    answers_from(given)  # what is given is judged before anything is asked
    open_questions = [one for one in QUESTIONS if _is_open(one, given)]
    say(f"A new home will be made at {home}.")
    if open_questions:
        count = "One question" if len(open_questions) == 1 else f"{len(open_questions)} questions"
        say(f"{count}; press Enter to accept the answer in brackets.\n")
    for number, question in enumerate(open_questions, 1):
        say(terminal.wrapped(f"{number}. {question.text}", terminal.columns(sys.stdout), hang=3))
        given = _answered(question, given, say)
    return answers_from(given)


def _answered(question: Question, given: Given, say: Say) -> Given:
    """Ask until the answer is one."""
    while True:
        answer: Any = _ask(question.default, say)
        if question.yes_or_no:
            answer = _yes(answer, question.default, say)
        answered = replace(given, **{question.field: answer})
        try:
            answers_from(answered)
        except UsageError as error:
            say(f"   Please give {error.expected}; found: {error.found}.")
        else:
            return answered


def _is_open(question: Question, given: Given) -> bool:
    """Return whether nothing was answered; an empty answer is one where the default is empty too."""
    answer = getattr(given, question.field)
    return answer is None or (answer == "" and bool(question.default))


def _ask(default: str, say: Say) -> str:
    """Read one answer; an empty line takes the default. Raises `UsageError` at the end of the input (Ctrl-D).

    Who ends the questions has not agreed to a direct connection, which is a default.
    """
    prompt = f"   [{default or 'none'}] "
    if len(prompt) > LONGEST_PROMPT:
        say(prompt.rstrip())
        prompt = "   "
    try:
        answer = input(prompt).strip()
    except UnicodeDecodeError as error:
        raise UsageError(
            "an answer in UTF-8", "other bytes", "Check the encoding of the terminal. Nothing was made."
        ) from error
    except EOFError as error:
        raise UsageError(
            "an answer, or Enter for the one in brackets",
            "the end of the input",
            "Run it again; flags such as --proxy answer the questions beforehand. Nothing was made.",
        ) from error
    return answer or default


def _yes(answer: str, default: str, say: Say) -> bool:
    """Return whether the answer is yes; one that is neither yes nor no is asked for again."""
    while answer.lower() not in ("y", "yes", "n", "no"):
        say("   Please answer yes or no.")
        answer = _ask(default, say)
    return answer.lower().startswith("y")
