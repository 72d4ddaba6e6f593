"""The first run: two questions, each of which a flag or the environment may have answered before.

How to connect has no default, neither on a terminal nor without one: whoever is seen by a site cannot take that back.
"""

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


QUESTIONS = (
    Question(
        "pseudonym",
        "Which name should your work be signed with? Use a pseudonym: whoever receives a package sees it.",
        "investigator",
    ),
    Question(
        "proxy",
        "How should this program connect to sites? Type direct, or a proxy such as socks5h://127.0.0.1:9050 (Tor). "
        "With direct, every site, and the authorities that timestamp your work, learn the IP address of this machine; "
        "your internet provider learns which sites you visit. With a proxy they learn the address of the proxy "
        "instead, and whoever runs the proxy learns which sites you visit. There is no default.",
    ),
)
"""In the order in which they are asked."""
NO_CONNECTION = UsageError(
    "--direct or --proxy URL: how to connect has no default",
    "neither",
    "With --direct, sites learn the IP address of this machine. The variable ARCHIVER_PROXY answers too: a proxy, or "
    "the word direct. Nothing was made.",
)


def answers_from(given: Given) -> SetupAnswers:
    """Use defaults for what was not given, without asking anybody.

    Raises `UsageError` for an invalid answer, and where nothing says how to connect.
    """
    answers = answers_so_far(given)
    if given.proxy is None:
        raise NO_CONNECTION
    return answers


def answers_so_far(given: Given) -> SetupAnswers:
    """Return the answers so far, with defaults for the others. Raises `UsageError` for an invalid one."""
    second = given.second or ""
    if second and not second.startswith("s3:") and "://" not in second:  # the settings are read from anywhere
        second = str(given_path(second))
    if given.proxy == "":  # an unset variable of a script
        raise UsageError("a proxy, or the word direct", "an empty text", "Give --direct, or a proxy.")
    answers = SetupAnswers(
        given.pseudonym or "investigator",
        given.user_agent or DEFAULT_AGENT,
        "" if given.proxy in (None, DIRECT) else given.proxy,
        second,
        given.timestamps is not False,
    )
    require_sound(answers)
    return answers


def require_wanted(home: Path, asked: bool, say: Say) -> None:
    """Ask whether a home is wanted at a place that `--home` names. Raises `UsageError` where it is not.

    A mistyped path must not become a second home, with keys of its own. `asked`: whether there is a terminal to ask on.
    """
    if not asked:
        raise UsageError(
            f"a home at {home}, or --create to make one there",
            "no home here",
            "Correct --home; or, for a new home, run `archiver --home DIR --create` with --direct or --proxy URL.",
        )
    say(f"There is no home at {home} yet. Make a new one there? (yes/no)")
    while (answer := _ask("", say).lower()) not in ("y", "yes", "n", "no"):
        say("   Please answer yes or no.")
    if answer.startswith("n"):
        raise UsageError(f"a home at {home}", "no home here", "Correct --home. Nothing was made.")


def ask_for_answers(given: Given, home: Path, say: Say) -> SetupAnswers:
    """Ask on the terminal for what was not given. `say` prints, lines broken between words. Raises `UsageError`."""
    answers_so_far(given)  # what is given is judged before anything is asked
    open_questions = [one for one in QUESTIONS if getattr(given, one.field) is None]
    say(f"A new home will be made at {home}.")
    if open_questions:
        said = "One question." if len(open_questions) == 1 else "Two questions."
        say(f"{said} Enter accepts the answer in brackets, where there is one.\n")
    for number, question in enumerate(open_questions, 1):
        say(terminal.wrapped(f"{number}. {question.text}", terminal.columns(sys.stdout), hang=3))
        given = _answered(question, given, say)
    return answers_from(given)


def _answered(question: Question, given: Given, say: Say) -> Given:
    """Ask until the answer is one."""
    while True:
        answer: Any = _ask(question.default, say)
        answered = replace(given, **{question.field: answer})
        try:
            answers_so_far(answered)
        except UsageError as error:
            say(f"   Please give {error.expected}; found: {error.found}.")
        else:
            return answered


def _ask(default: str, say: Say) -> str:
    """Read one answer; an empty line takes the default. Raises `UsageError` at the end of the input (Ctrl-D)."""
    prompt = f"   [{default}] " if default else "   > "
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
            "an answer",
            "the end of the input",
            "Run it again; flags such as --direct and --proxy answer the questions beforehand. Nothing was made.",
        ) from error
    return answer or default
