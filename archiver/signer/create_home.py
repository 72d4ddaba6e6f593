"""Making a new home: folders, keys, settings, and the first event of its ledger.

It is made in a folder of its own, below the place where it is to be:

    .making           the lock: one process at a time
    .first-run/       where it is made; what a kill leaves of it nobody has used, and the next first run begins anew
    .first-run.made/  the same folder once it is whole; its parts are moved up, archiver.toml last

A kill while parts are moved leaves some here and some there: the next first run moves the others, with settings of its
own answers. So a place holds a whole home, or none and what is needed to make one. What a kill leaves after that, the lock
and an empty folder, goes with the next command that writes.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass
from importlib import resources
from pathlib import Path

from archiver.errors import ConfigError, UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.config import DEFAULT_AGENT, TimestampConfig, is_agent, is_proxy, read_config
from archiver.home.copies_config import Destination
from archiver.home.home import FIRST_RUN_MADE, Home, is_half_moved, is_home, require_no_remains
from archiver.signer.case_keys import new_case_key
from archiver.signer.copy_keys import copies_identity, names_key
from archiver.signer.keyring import create_keys
from archiver.signer.local import LocalSigner
from storage.errors import CatalogError, DiskError, disk_error
from storage.events import Event
from storage.files import Lock, sync_folder, write_synced
from storage.times import Clock, system_clock, utc_text


@dataclass(frozen=True)
class SetupAnswers:
    """Answers to the questions of the first run."""

    pseudonym: str = "investigator"
    user_agent: str = DEFAULT_AGENT
    proxy: str = ""
    second: str = ""
    timestamps: bool = False


_LOCK, _STAGING, _MADE = ".making", ".first-run", FIRST_RUN_MADE
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

    Raises `HomeExists`, `ConfigError` (one without its settings), `UsageError` (a folder of other files, an answer that
    is none, a place where nothing can be made), `DiskError`.
    """
    if is_home(path):
        raise HomeExists(path)
    require_sound(answers)
    require_free_place(path)
    try:
        with _place(path):
            if is_half_moved(path):  # of a run that was killed when it was whole
                _answer_anew(path / _MADE, answers, clock)
                _move_up(path)
            else:
                _make(path, answers, clock)
        return Home(path, clock)
    except FileNotFoundError as error:
        place = Path(error.filename or "")
        if place not in (path, *path.parents) or not place.parent.is_dir():
            raise _not_made(error, path) from error
        raise UsageError(  # so answer the kernel's own folders, like /proc
            f"a place where a home can be made, not {path}",
            f"{place.parent}, in which nothing can be made",
            "Name a folder on a disk with --home. Nothing was made.",
        ) from error
    except (OSError, DiskError, CatalogError) as error:
        raise _not_made(error, path) from error


def require_sound(answers: SetupAnswers) -> None:
    """Raise `UsageError` where an answer could not be kept, or would not be understood once it is."""
    for text in astuple(answers):
        if isinstance(text, str) and re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text):
            raise UsageError(
                "an answer in UTF-8, without control characters",
                repr(text),
                "Check the encoding of the terminal or script.",
            )
    if not re.fullmatch(r"[\w.-]{1,64}", answers.pseudonym):
        raise UsageError("a pseudonym of letters, digits, dot, dash", repr(answers.pseudonym), "Choose another.")
    if answers.proxy and not is_proxy(answers.proxy):
        # It may hold a password.
        raise UsageError("a proxy like socks5h://host:port or http://host:port", "another form", "Correct the proxy.")
    if not is_agent(answers.user_agent):
        raise UsageError(
            "a User-Agent in printable ASCII, with no space at either end", repr(answers.user_agent), "Correct it."
        )
    if re.match(r"s3:|.*://", answers.second) and not Destination("second", answers.second).bucket:
        raise UsageError("a folder or s3://bucket/prefix for the second copy", repr(answers.second), "Correct it.")


def answers_in(path: Path) -> SetupAnswers:
    """Read which answers the settings of a home keep. Raises `ConfigError`."""
    kept = read_config(path, {})
    second = next((one.where for one in kept.copies.destinations if one.name == "second"), "")
    return SetupAnswers(kept.pseudonym, kept.user_agent, kept.proxy or "", second, kept.timestamps.wanted)


def _not_made(error: OSError | DiskError | CatalogError, path: Path) -> DiskError:
    """Say why there is no home at `path`: other than in a capture, nothing was received that could be kept."""
    hints = {
        errno.ENOSPC: "Free some space there, or choose another folder with --home.",
        errno.EDQUOT: "Raise the quota, or choose another folder with --home.",
    }
    if isinstance(error, CatalogError):  # a new one is unsound where the disk took but a part of it
        error = OSError(errno.ENOSPC, error.found)
    cause = error if isinstance(error, OSError) else error.__cause__
    said = disk_error(error, f"making a home at {path}") if isinstance(error, OSError) else error
    hint = hints.get(getattr(cause, "errno", 0), said.next_step)
    return DiskError(said.expected, said.found, f"{hint} Nothing was made.")


def require_free_place(path: Path) -> None:
    """Raise unless `path` is free for a new home.

    It is free where nothing lies there, an empty folder, or what a killed first run left. Raises `HomeExists`,
    `ConfigError` (a home without its settings), `UsageError` (other files, another user's folder), `DiskError`.
    """
    try:
        there = set(os.listdir(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise disk_error(error, f"looking into {path}") from error
    if is_home(path):  # made since somebody looked
        raise HomeExists(path)
    _require_own(path)
    if _OURS & there:
        return  # another process is at it, or was killed: the lock tells
    _require_no_strangers(path, there)


def sweep_first_run(path: Path) -> None:
    """Remove what a first run left beside the home that it made, when it was killed at its very end."""
    if not any((path / name).exists() for name in (_LOCK, _MADE)):
        return
    making = Lock(path / _LOCK)
    with suppress(OSError, DiskError):  # a disk that is read only keeps it
        if making.acquire(wait=False):  # else somebody is at it
            try:
                (path / _MADE).rmdir()
            finally:
                making.release(remove=True)


def _require_own(path: Path) -> None:
    """Raise `UsageError` where the folder is another user's: it could not be closed to others, and its owner could open it."""
    owner = path.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise UsageError(
            f"a folder of your own at {path}",
            f"one that belongs to the user {owner}",
            f"Name a folder in it, as {path / 'archiver-home'}; or take ownership of it (chown). Nothing was changed.",
        )


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
            if not is_half_moved(path):
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
    for name in ("captures", "events", "ledger", "proofs", "keys", "keys/cases"):
        (path / name).mkdir(mode=0o700)
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


def _answer_anew(made: Path, answers: SetupAnswers, clock: Clock) -> None:
    """Give what a killed run made the settings of these answers. Raises `UsageError` where its events name somebody else."""
    before = answers_in(made)
    if before.pseudonym != answers.pseudonym:
        raise UsageError(
            f"the pseudonym {before.pseudonym!r}, given when the first run at {made.parent} began",
            repr(answers.pseudonym),
            f"Its first event is signed with it. Run `archiver --pseudonym {before.pseudonym}`, or remove {made.parent}, "
            "which is still unused, and start over. Nothing was changed.",
        )
    if before != answers:
        write_synced(made / _SETTINGS, _settings(answers, utc_text(clock())[:10]).encode(), 0o600)


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
        pseudonym=_quoted(answers.pseudonym),
        user_agent=_quoted(answers.user_agent),
        proxy=_quoted(answers.proxy),
        second=_quoted(answers.second),
        timestamps=str(answers.timestamps).lower(),
        calendars=", ".join(json.dumps(text) for text in stamps.calendars),
        authorities="".join(
            f'[[timestamps.authority]]\nname = "{one.name}"\nurl = "{one.url}"\nroot = "{one.root}"\n'
            for one in stamps.authorities
        ),
    )


def _quoted(text: str) -> str:
    """A TOML string: as in JSON, but for letters outside the BMP, which JSON would split into two halves."""
    return json.dumps(text, ensure_ascii=False)
