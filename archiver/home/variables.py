"""The environment variables that archiver knows, in one table: the documentation and `archiver doctor` print it.

A variable with this prefix that is not in the table is refused, like an unknown key of the settings: otherwise a
misspelt variable, perhaps the one with the proxy, would be ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PREFIX = "ARCHIVER_"
DIRECT = "direct"
"""Written in place of a proxy: connect directly. An empty variable cannot say so, because it counts as not set."""


@dataclass(frozen=True)
class Variable:
    """One variable of the environment, with its description."""

    name: str
    means: str
    key: str = ""
    """The setting that it overrides, as `table.key`; empty where there is none."""
    choices: tuple[str, ...] = ()
    as_it_is: bool = False
    """Whether spaces may begin or end it, as they may a passphrase."""


YES, NO = ("1", "yes", "true"), ("0", "no", "false")

VARIABLES = (
    Variable("ARCHIVER_HOME", "Folder of the home (default: ~/archiver-home).", as_it_is=True),
    Variable("ARCHIVER_AS", "Person to sign as, like --as."),
    Variable("ARCHIVER_PSEUDONYM", "Name that events are signed with.", "pseudonym"),
    Variable("ARCHIVER_PROXY", f"Proxy of captures; `{DIRECT}` for none.", "sites.proxy"),
    Variable("ARCHIVER_USER_AGENT", "User-Agent sent to sites.", "sites.user_agent"),
    Variable("ARCHIVER_COOKIES", "cookies.txt for every platform that has none of its own.", "accounts.cookies"),
    Variable("ARCHIVER_JOBS", "Link of the PostgreSQL database that holds the queue.", "jobs.database"),
    Variable("ARCHIVER_SECRETS", "Values that must never reach a record, one per line.", as_it_is=True),
    Variable("ARCHIVER_SECOND_COPY", "First run: folder or s3://bucket for the second copy."),
    Variable(
        "ARCHIVER_TIMESTAMPS",
        "First run: whether outside authorities timestamp your work (default: yes).",
        choices=(*YES, *NO),
    ),
    Variable("ARCHIVER_PASSPHRASE", "Passphrase of the keys that sign.", as_it_is=True),
    Variable("ARCHIVER_TELEGRAM_API_ID", "Telegram login: api_id."),
    Variable("ARCHIVER_TELEGRAM_API_HASH", "Telegram login: api_hash."),
    Variable("ARCHIVER_TELEGRAM_PHONE", "Telegram login: phone number.", as_it_is=True),
    Variable("ARCHIVER_TELEGRAM_CODE", "Telegram login: the code that Telegram sent.", as_it_is=True),
    Variable("ARCHIVER_TELEGRAM_PASSWORD", "Telegram login: two-step password of the account.", as_it_is=True),
    Variable("ARCHIVER_TELEGRAM_PASSPHRASE", "Passphrase of the Telegram session.", as_it_is=True),
    Variable("ARCHIVER_REPLAY", "Folder with ReplayWeb.page, for archiver serve PACKAGE.", as_it_is=True),
    Variable("ARCHIVER_RECORDER", "Set by `archiver record` for the program that it runs; do not set it yourself."),
    Variable("ARCHIVER_ITEMS", "Set by `archiver record`, too: the socket that takes the items of spiders."),
)
"""Those that archiver.toml itself names (`from_environment`) are known too."""


def without_empty(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without our variables that are empty.

    Compose files and units hand on unset ones so.
    """
    return {name: value for name, value in environment.items() if value or not name.upper().startswith(PREFIX)}


def unknown_variables(environment: Mapping[str, str], named: Iterable[str]) -> list[str]:
    """Return the names of variables of our prefix, in letters of any case, that neither the table nor `named` knows.

    `named`: those that the settings name.
    """
    known = {variable.name for variable in VARIABLES} | set(named)
    return sorted(name for name in environment if name.upper().startswith(PREFIX) and name not in known)
