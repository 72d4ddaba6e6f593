"""Making a new home: folders, keys, settings, and the first event of its ledger."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from archiver.errors import ConfigError, UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.config import DEFAULT_AGENT, TimestampConfig
from archiver.home.home import Home
from archiver.signer.case_keys import new_case_key
from archiver.signer.copy_keys import copies_identity, names_key
from archiver.signer.keyring import create_keys
from archiver.signer.local import LocalSigner
from storage.errors import disk_error
from storage.events import Event
from storage.files import write_synced
from storage.times import Clock, system_clock, utc_text


@dataclass(frozen=True)
class Answers:
    """What the first run asks."""

    pseudonym: str = "investigator"
    user_agent: str = DEFAULT_AGENT
    proxy: str = ""
    second: str = ""
    timestamps: bool = False


def create_home(path: Path, answers: Answers, clock: Clock = system_clock) -> Home:
    """Make a new home with keys and the default case. Raises `DiskError`, `ConfigError`, `UsageError`."""
    if (path / "archiver.toml").exists():
        raise ConfigError(f"no home at {path} yet", "one", "Use it, or choose another folder.")
    if not re.fullmatch(r"[\w.-]{1,64}", answers.pseudonym):
        raise UsageError("a pseudonym of letters, digits, dot, dash", repr(answers.pseudonym), "Choose another.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        os.chmod(path, 0o700)
        for name in ("captures", "events", "ledger", "proofs"):
            (path / name).mkdir(exist_ok=True)
        for keys in (path / "keys", path / "keys" / "cases"):
            keys.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise disk_error(error, f"making a home at {path}") from error
    create_keys(path)
    write_synced(path / "archiver.toml", _settings(answers, utc_text(clock())[:10]).encode(), 0o600)
    home = Home(path, clock)
    copies_identity(path)  # now, so that every later state of this home is known at its copies
    names_key(path)
    detail = {"name": DEFAULT_CASE, "recipients": [new_case_key(path, DEFAULT_CASE)]}
    LocalSigner(home).append([Event("case", clock(), detail)])
    home.project()
    return home


def _settings(answers: Answers, date: str) -> str:
    """The commented archiver.toml of a new home."""
    template = (resources.files("archiver.home") / "archiver.toml.template").read_text("utf-8")
    stamps = TimestampConfig()
    return template.format(
        date=date,
        pseudonym=json.dumps(answers.pseudonym),
        user_agent=json.dumps(answers.user_agent),
        proxy=json.dumps(answers.proxy),
        second=json.dumps(answers.second),
        timestamps=str(answers.timestamps).lower(),
        calendars=", ".join(json.dumps(text) for text in stamps.calendars),
        authorities="".join(
            f'[[timestamps.authority]]\nname = "{one.name}"\nurl = "{one.url}"\nroot = "{one.root}"\n'
            for one in stamps.authorities
        ),
    )
