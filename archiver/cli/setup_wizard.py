"""The first run: asks what design.md says, and writes a commented archiver.toml. Flags and environment answer it unattended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archiver.home.config import DEFAULT_AGENT
from archiver.home.home import Home
from archiver.home.paths import given_path
from archiver.signer.create_home import Answers, create_home

if TYPE_CHECKING:
    from archiver.cli.context import Context


def make_home(context: Context) -> Home:
    """Asks on a terminal; elsewhere takes flags, environment and defaults, and says so."""
    arguments, environment, console = context.arguments, context.environment, context.console

    def given(flag: str, variable: str) -> str | None:
        value = getattr(arguments, flag, None)
        return value if value is not None else environment.get(variable)

    pseudonym = given("pseudonym", "ARCHIVER_PSEUDONYM")
    proxy = given("proxy", "ARCHIVER_PROXY")
    agent = given("user_agent", "ARCHIVER_USER_AGENT")
    second = given("second_copy", "ARCHIVER_SECOND_COPY")
    stamps: bool | None = getattr(arguments, "timestamps", None)
    if stamps is None and "ARCHIVER_TIMESTAMPS" in environment:
        stamps = environment["ARCHIVER_TIMESTAMPS"].lower() in ("1", "yes", "true")
    interactive = sys.stdin.isatty() and not arguments.json
    if interactive:
        console.say(
            f"A new home will be made at {context.home_path}. Five questions; Enter takes the answer in brackets.\n"
        )
        proxy = (
            proxy
            if proxy is not None
            else ask(
                "1. How do we go out? Sites see this machine's own address, unless you name a proxy\n   such as socks5h://127.0.0.1:9050 (Tor).",
                "",
            )
        )
        agent = agent or ask("2. What do we say we are? Sites see this as the browser's name.", DEFAULT_AGENT)
        pseudonym = pseudonym or ask(
            "3. Under which name are events signed? A pseudonym; it travels in packages.", "investigator"
        )
        second = (
            second
            if second is not None
            else ask(
                "4. Where shall the second copy go? A folder on another disk, or s3://bucket. It is sent there encrypted.",
                "",
            )
        )
        if stamps is None:
            stamps = (
                ask(
                    "5. May timestamping authorities see checkpoints? They learn when you work and by which address, not\n   "
                    "on what. Without them no outsider vouches for any time. yes/no",
                    "no",
                )
                .lower()
                .startswith("y")
            )
    if second and "://" not in second:  # the settings are read from anywhere
        second = str(given_path(second))
    answers = Answers(pseudonym or "investigator", agent or DEFAULT_AGENT, proxy or "", second or "", bool(stamps))
    home = create_home(context.home_path, answers)
    console.say(f"A home was made at {home.path}. Settings, each with a comment: {home.path / 'archiver.toml'}")
    console.say("Copy keys/ to a safe place: without it withheld values cannot be opened, nor the ledger continued.")
    if answers.second:
        console.say(
            "Second copy: make a recovery key on another disk first: archiver recovery new DIR; then archiver sync"
        )
    if not interactive and pseudonym is None:
        console.say("Nobody was asked: defaults were taken (direct connection, pseudonym “investigator”).")
    console.say()
    return home


def ask(question: str, default: str) -> str:
    try:
        answer = input(f"{question}\n   [{default or 'none'}] ").strip()
    except EOFError:
        answer = ""
    return answer or default
