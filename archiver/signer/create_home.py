"""Making a new home: folders, keys, settings, and the first event of its ledger."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from archiver.errors import ConfigError, UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.config import DEFAULT_AGENT, TimestampConfig
from archiver.home.home import Home, is_home
from archiver.signer.case_keys import new_case_key
from archiver.signer.copy_keys import copies_identity, names_key
from archiver.signer.keyring import create_keys
from archiver.signer.local import LocalSigner
from storage.errors import disk_error
from storage.events import Event
from storage.files import Lock, write_synced
from storage.times import Clock, system_clock, utc_text


@dataclass(frozen=True)
class SetupAnswers:
    """What the first run asks."""

    pseudonym: str = "investigator"
    user_agent: str = DEFAULT_AGENT
    proxy: str = ""
    second: str = ""
    timestamps: bool = False


def create_home(path: Path, answers: SetupAnswers, clock: Clock = system_clock) -> Home:
    """Make a new home with keys and the default case, or nothing. Raises `DiskError`, `ConfigError`, `UsageError`."""
    if is_home(path):
        raise ConfigError(f"no home at {path} yet", "one", "Use it, or choose another folder.")
    if not re.fullmatch(r"[\w.-]{1,64}", answers.pseudonym):
        raise UsageError("a pseudonym of letters, digits, dot, dash", repr(answers.pseudonym), "Choose another.")
    try:
        with _whole_or_nothing(path):
            return _filled(path, answers, clock)
    except OSError as error:
        raise disk_error(error, f"making a home at {path}") from error


def _filled(path: Path, answers: SetupAnswers, clock: Clock) -> Home:
    """Makes keys, settings, ledger and the default case in a folder that is there."""
    os.chmod(path, 0o700)
    for name in ("captures", "events", "ledger", "proofs"):
        (path / name).mkdir(exist_ok=True)
    for keys in (path / "keys", path / "keys" / "cases"):
        keys.mkdir(exist_ok=True, mode=0o700)
    create_keys(path)
    write_synced(path / "archiver.toml", _settings(answers, utc_text(clock())[:10]).encode(), 0o600)
    home = Home(path, clock)
    copies_identity(path)  # now, so that every later state of this home is known at its copies
    names_key(path)
    detail = {"name": DEFAULT_CASE, "recipients": [new_case_key(path, DEFAULT_CASE)]}
    LocalSigner(home).append([Event("case", clock(), detail)])
    home.project()
    return home


def _settings(answers: SetupAnswers, date: str) -> str:
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


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[None]:
    """Make the folder `path` for whoever fills it; where that breaks off with an error, take away what was added.

    One process at a time: what another has just made must not be taken away. Raises `OSError`, `ConfigError`.
    """
    absent = [one for one in (path, *path.parents) if not one.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        making = Lock(path / ".making")
        making.acquire()
        try:
            if is_home(path):
                raise ConfigError(f"no home at {path} yet", "one, made a moment ago", "Use it.")
            before = set(os.listdir(path))
            try:
                yield
            except BaseException:
                _take_away(path, set(os.listdir(path)) - before)
                raise
        finally:
            making.release(remove=True)
    except BaseException:
        for folder in absent:  # only those that are empty
            with suppress(OSError):
                folder.rmdir()
        raise


def _take_away(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        if (folder / name).is_dir():
            shutil.rmtree(folder / name, ignore_errors=True)
        else:
            with suppress(OSError):
                (folder / name).unlink()
