"""Making a new home: folders, keys, settings, and the first event of its ledger.

It is made in a folder of its own, below the place where it is to be:

    .making           the lock: one process at a time
    .first-run/       where it is made; what a kill leaves of it nobody has used, and the next first run begins anew
    .first-run.made/  the same folder once it is whole; its parts are moved up, archiver.toml last

A kill while parts are moved leaves some here and some there: the next first run moves the others. So a place holds a
whole home, or none and what is needed to make one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from archiver.errors import ConfigError, UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.config import DEFAULT_AGENT, TimestampConfig
from archiver.home.home import Home, is_home, require_no_remains
from archiver.signer.case_keys import new_case_key
from archiver.signer.copy_keys import copies_identity, names_key
from archiver.signer.keyring import create_keys
from archiver.signer.local import LocalSigner
from storage.errors import disk_error
from storage.events import Event
from storage.files import Lock, sync_folder, write_synced
from storage.times import Clock, system_clock, utc_text


@dataclass(frozen=True)
class SetupAnswers:
    """What the first run asks."""

    pseudonym: str = "investigator"
    user_agent: str = DEFAULT_AGENT
    proxy: str = ""
    second: str = ""
    timestamps: bool = False


_LOCK, _STAGING, _MADE = ".making", ".first-run", ".first-run.made"
_OURS = frozenset({_LOCK, _STAGING, _MADE})
_OF_THE_DISK = frozenset({"lost+found"})
"""What lies in an empty folder that is the root of a disk."""
_SETTINGS = "archiver.toml"


class HomeExists(ConfigError):
    """There is a home already; perhaps another process made it a moment ago."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no home at {path} yet", "one", "Use it, or choose another folder.")


def create_home(path: Path, answers: SetupAnswers, clock: Clock = system_clock) -> Home:
    """Make a new home with keys and the default case, or nothing.

    Raises `HomeExists`, `ConfigError` (one without its settings), `UsageError` (a folder of other files), `DiskError`.
    """
    if is_home(path):
        raise HomeExists(path)
    if not re.fullmatch(r"[\w.-]{1,64}", answers.pseudonym):
        raise UsageError("a pseudonym of letters, digits, dot, dash", repr(answers.pseudonym), "Choose another.")
    require_free_place(path)
    try:
        with _place(path):
            if (path / _MADE).exists():  # of a run that was killed when it was whole
                _move_up(path)
            else:
                _make(path, answers, clock)
        return Home(path, clock)
    except OSError as error:
        raise disk_error(error, f"making a home at {path}") from error


def require_free_place(path: Path) -> None:
    """Raise unless nothing lies at `path`, an empty folder, or what a first run left that was killed.

    Raises `HomeExists`, `ConfigError` (a home without its settings), `UsageError` (other files), `DiskError`.
    """
    try:
        there = set(os.listdir(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise disk_error(error, f"looking into {path}") from error
    if is_home(path):  # made since somebody looked
        raise HomeExists(path)
    if _OURS & there:
        return  # another process is at it, or was killed: the lock tells
    _require_no_strangers(path, there)


def _require_no_strangers(path: Path, there: set[str]) -> None:
    require_no_remains(path)
    strangers = sorted(there - _OURS - _OF_THE_DISK)
    if strangers:
        raise UsageError(
            f"an empty folder at {path}, or none",
            f"one that holds {', '.join(strangers[:3])}{' …' if strangers[3:] else ''}",
            "Name a folder of its own for the home. Nothing was changed.",
        )


@contextmanager
def _place(path: Path) -> Iterator[None]:
    """Hold the place of a home to be made; take away what was made for it where that breaks off with an error."""
    with ExitStack() as undo:
        undo.callback(_remove_empty, [one for one in (path, *path.parents) if not one.exists()])
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        making = Lock(path / _LOCK)
        making.acquire()
        try:
            if is_home(path):
                raise HomeExists(path)
            if not (path / _MADE).exists():
                _require_no_strangers(path, set(os.listdir(path)))
            yield
        finally:
            making.release(remove=True)
        undo.pop_all()


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _make(path: Path, answers: SetupAnswers, clock: Clock) -> None:
    """Make the whole home in a folder of its own, and move it to its place; or leave nothing of it."""
    staging = path / _STAGING
    if staging.exists():
        shutil.rmtree(staging)  # of a run that was killed
    with ExitStack() as undo:
        for left in (staging, path / _MADE):
            undo.callback(shutil.rmtree, left, ignore_errors=True)
        staging.mkdir(mode=0o700)
        _fill(staging, answers, clock)
        os.rename(staging, path / _MADE)
        sync_folder(path)
        _move_up(path)
        undo.pop_all()


def _fill(path: Path, answers: SetupAnswers, clock: Clock) -> None:
    """Make keys, settings, ledger, the default case and the catalog in an empty folder."""
    for name in ("captures", "events", "ledger", "proofs"):
        (path / name).mkdir()
    for keys in (path / "keys", path / "keys" / "cases"):
        keys.mkdir(mode=0o700)
    create_keys(path)
    write_synced(path / _SETTINGS, _settings(answers, utc_text(clock())[:10]).encode(), 0o600)
    home = Home(path, clock)
    copies_identity(path)  # now, so that every later state of this home is known at its copies
    names_key(path)
    detail = {"name": DEFAULT_CASE, "recipients": [new_case_key(path, DEFAULT_CASE)]}
    try:
        LocalSigner(home).append([Event("case", clock(), detail)])
        home.project()
    finally:
        home.catalog.close()


def _move_up(path: Path) -> None:
    """Move the parts of a home that is made to their place, the settings last: from then on it is a home.

    Where that breaks off with an error, they are moved back.
    """
    made = path / _MADE
    with ExitStack() as undo:
        undo.callback(os.chmod, path, stat.S_IMODE(path.stat().st_mode))
        os.chmod(path, 0o700)
        for name in sorted(os.listdir(made), key=lambda name: name == _SETTINGS):
            if name == _SETTINGS:
                sync_folder(path)
            os.rename(made / name, path / name)
            undo.callback(os.rename, path / name, made / name)
        undo.pop_all()
    with suppress(OSError):
        made.rmdir()
    sync_folder(path)


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
