"""The first run: five questions, each of which a flag or the environment may have answered before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archiver.home.config import DEFAULT_AGENT
from archiver.home.paths import given_path
from archiver.signer.create_home import SetupAnswers


@dataclass(frozen=True, kw_only=True)
class Given:
    """What flags and environment answered; None where they say nothing."""

    pseudonym: str | None = None
    proxy: str | None = None
    user_agent: str | None = None
    second: str | None = None
    timestamps: bool | None = None


def answers_from(given: Given) -> SetupAnswers:
    """Take defaults for what was not given, without asking anybody. Raises `UsageError`."""
    second = given.second or ""
    if second and "://" not in second:  # the settings are read from anywhere
        second = str(given_path(second))
    return SetupAnswers(
        given.pseudonym or "investigator",
        given.user_agent or DEFAULT_AGENT,
        given.proxy or "",
        second,
        bool(given.timestamps),
    )


def ask_for_answers(given: Given, home: Path, say: Callable[[str], None]) -> SetupAnswers:
    """Ask on the terminal for what was not given. Raises `UsageError`."""
    say(f"A new home will be made at {home}. Five questions; Enter takes the answer in brackets.\n")
    proxy, second, timestamps = given.proxy, given.second, given.timestamps
    if proxy is None:
        proxy = ask(
            "1. How do we go out? Sites see this machine's own address, unless you name a proxy\n"
            "   such as socks5h://127.0.0.1:9050 (Tor).",
            "",
        )
    agent = given.user_agent or ask("2. What do we say we are? Sites see this as the browser's name.", DEFAULT_AGENT)
    pseudonym = given.pseudonym or ask(
        "3. Under which name are events signed? A pseudonym; it travels in packages.", "investigator"
    )
    if second is None:
        second = ask(
            "4. Where shall the second copy go? A folder on another disk, or s3://bucket. It is sent there encrypted.",
            "",
        )
    if timestamps is None:
        answer = ask(
            "5. May timestamping authorities see checkpoints? They learn when you work and by which address, not\n"
            "   on what. Without them no outsider vouches for any time. yes/no",
            "no",
        )
        timestamps = answer.lower().startswith("y")
    return answers_from(Given(pseudonym=pseudonym, proxy=proxy, user_agent=agent, second=second, timestamps=timestamps))


def ask(question: str, default: str) -> str:
    """Ask one question; an empty line, or the end of the input, takes the default."""
    try:
        answer = input(f"{question}\n   [{default or 'none'}] ").strip()
    except EOFError:
        answer = ""
    return answer or default
