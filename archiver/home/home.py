"""The home: one folder with settings, public keys, ledger, captures and catalog, opened as they are needed."""

from __future__ import annotations

import json
import os
import secrets
import stat
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import ConfigError, NotFound, UsageError
from archiver.home.cases import no_case
from archiver.home.last import counted_back, steps_back
from archiver.home.paths import given_folder
from archiver.home.people import ledger_key
from archiver.home.projection import CATALOG, Projection, Told, rebuild
from archiver.home.variables import without_empty
from archiver.text.meant import meant
from storage.times import Clock, system_clock

if TYPE_CHECKING:
    from archiver.home.config import Config
    from storage.catalog import Catalog
    from storage.ledger import LedgerReader
    from storage.note import VerifierKey
    from storage.state import State


def default_path(environment: Mapping[str, str]) -> Path:
    """Return the absolute path of the home that nobody named with --home. Raises `UsageError`."""
    return given_folder(environment.get("ARCHIVER_HOME") or "~/archiver-home")


FIRST_RUN_MADE = ".first-run.made"
"""A whole home that is being moved up to its place: see `archiver.signer.create_home`."""


def is_home(path: Path) -> bool:
    """Return whether a home lies at `path`. Raises `UsageError` where that cannot be seen."""
    try:
        return stat.S_ISREG((path / "archiver.toml").stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(
            f"a folder at {path} that can be read",
            error.strerror or str(error),
            "Give this user the right to read it, or name another with --home.",
        ) from error


def is_half_moved(path: Path) -> bool:
    """Return whether a first run at `path` was stopped between making a home and having it in its place."""
    return (path / FIRST_RUN_MADE / "archiver.toml").exists() and not is_home(path)


def require_no_remains(path: Path) -> None:
    """Raise `ConfigError` if a home at `path` has lost its archiver.toml.

    That is no place for a new one.
    """
    if is_half_moved(path):
        raise ConfigError(
            f"a home at {path}",
            "a first run that was stopped before its end",
            "Run `archiver` to finish it; nothing is lost. Nothing was changed now.",
        )
    if any(_holds_something(path / name) for name in ("keys", "ledger", "events")) and not is_home(path):
        raise ConfigError(
            f"{path / 'archiver.toml'}",
            "a home whose archiver.toml is missing",
            "Restore it from your copy; or finish the interrupted `archiver restore`. Nothing was changed.",
        )


def _holds_something(folder: Path) -> bool:
    try:
        return any(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return folder.is_file()
    except OSError:
        return True  # it is there, and not to be looked into


STATE = "state.sqlite"


class Home:
    """An existing home. Opens its parts when they are first needed, and holds no private key."""

    def __init__(self, path: Path, clock: Clock = system_clock, environment: Mapping[str, str] = os.environ) -> None:
        """Raise `NotFound` where there is no home at `path`, `ConfigError` where it has lost its settings."""
        self.path = path
        self.clock = clock
        self.environment = without_empty(environment)
        self.told: Told | None = None
        """Whom to tell that the catalog of a large home is made again, and how far it is."""
        self.person = ""
        """Who uses it, by the name of their key; "" for the home's own person. `LAST` is theirs."""
        self._projecting = threading.Lock()
        if not is_home(path):
            require_no_remains(path)
            raise NotFound(f"a home at {path}", "no home here", "Correct --home, or run `archiver` to make a new one.")

    # -- parts -----------------------------------------------------------------------------------------

    @cached_property
    def config(self) -> Config:
        """Settings, read once. Raises `ConfigError` with the line that is wrong."""
        from archiver.home.config import read_config

        return read_config(self.path, self.environment)

    @property
    def ledger_key(self) -> VerifierKey:
        """The ledger's public key, read each time: another process may have replaced it. Raises `ConfigError`."""
        return ledger_key(self.path)

    def ledger_key_text(self) -> str:
        """Return the ledger's public key in note form."""
        return str(self.ledger_key)

    @cached_property
    def ledger(self) -> LedgerReader:
        """The ledger, opened for reading; only the signer appends."""
        from storage.ledger import LedgerReader

        return LedgerReader(self.path, lambda: self.ledger_key)

    @cached_property
    def state(self) -> State:
        """State that must survive a crash and is no evidence: `state.sqlite`."""
        from storage.state import State

        return State(self.path / STATE)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog, which is made from ledger and captures; where it is missing or old, it is made again.

        Raises `CatalogError`, `DiskError`, `LedgerError`.
        """
        from storage.catalog import Catalog

        return Catalog(self.path / CATALOG, lambda made: Projection(self.ledger, made, self.path).remake(self.told))

    @cached_property
    def _projection(self) -> Projection:
        return Projection(self.ledger, self.catalog, self.path)

    def project(self) -> int:
        """Bring the catalog up to the ledger; return how many events were added. Raises `CatalogError`.

        On a disk that takes nothing it stays as it is.
        """
        if not self.catalog.writable:
            return 0
        with self._projecting:
            return self._projection.project()

    def rebuild_catalog(self) -> int:
        """Make the catalog again from events and captures; return how many events it holds.

        Raises `CatalogError`.
        """
        for part in ("_projection", "catalog"):
            self.__dict__.pop(part, None)
        return rebuild(self.ledger, self.path)

    # -- cases and captures ----------------------------------------------------------------------------

    def case_recipients(self) -> dict[str, list[str]]:
        """Return the age public keys of every case, by the name of the case."""
        return {case["name"]: json.loads(case["recipients"]) for case in self.catalog.cases()}

    def proxy_for(self, cases: Iterable[str]) -> str | None:
        """Return the proxy by which captures of these cases go out, or None.

        Raises `ConfigError` where the settings give a proxy to a case that there is not: it may be one of these, misspelt,
        which would go out another way. Raises `UsageError` where two of the cases go out in two ways.
        """
        if strange := self.cases_only_in_settings():
            from archiver.home.config_file import printable

            guess = meant(strange[0], self.case_recipients())
            raise ConfigError(
                f"cases of this home in {self.path / 'archiver.toml'}",
                f"[cases.{printable(strange[0])}], which is none",
                f"{guess} Correct the file, or create that case: archiver case new".strip(),
            )
        return self.config.proxy_for(cases)

    def cases_only_in_settings(self) -> list[str]:
        """Return the cases to which the settings give a proxy, and which there are not."""
        proxies = self.config.case_proxies
        known = self.case_recipients() if proxies else {}
        return [name for name in proxies if name not in known]

    def require_case(self, name: str) -> None:
        """Raise `NotFound` where there is no case of this name."""
        self.recipients([name])

    def recipients(self, cases: list[str]) -> list[str]:
        """Return the age public keys of all `cases`. Raises `NotFound`."""
        known = self.case_recipients()
        missing = [name for name in cases if name not in known]
        if missing:
            raise no_case(missing[0], known)
        return list(dict.fromkeys(key for name in cases for key in known[name]))

    def new_capture_id(self, moment: datetime) -> str:
        """Make an id like `20261122T051526-9k2mv7qd`, which sorts by time and cannot be guessed."""
        letters = "0123456789abcdefghjkmnpqrstvwxyz"
        return moment.strftime("%Y%m%dT%H%M%S") + "-" + "".join(secrets.choice(letters) for _ in range(8))

    def capture_folder(self, capture_id: str) -> Path:
        """Return where a capture lies, relative to the home: captures/2026/11/22/<id>."""
        return Path("captures") / capture_id[:4] / capture_id[4:6] / capture_id[6:8] / capture_id

    def resolve_capture(self, text: str) -> str:
        """Return the one capture id that equals, begins or ends with `text`, or that `LAST` means.

        Raises `NotFound`, `UsageError`.
        """
        if (steps := steps_back(text)) is not None:
            return self._last(text, steps)
        ids = self.catalog.capture_ids(text)
        if not ids:
            raise NotFound(
                f"a capture {text!r}", "none", "List them with `archiver case show inbox` or `archiver find`."
            )
        if len(ids) > 1 and text not in ids:
            raise UsageError(
                f"{text!r} to fit the id of one capture", f"{len(ids)}: {', '.join(ids[:4])}", "Give more of the id."
            )
        return text if text in ids else ids[0]

    def _last(self, text: str, steps: int) -> str:
        from storage.state import own_captures

        rows = (self.catalog.capture(one) for one in own_captures(self.path / STATE, self.person))
        found = counted_back(((row["seq"], row["id"]) for row in rows if row is not None), steps)
        if found is None:
            raise NotFound(
                f"a capture {text}: one that your own command made in this home",
                "fewer of them" if steps else "none",
                "Give its id; archiver case show inbox lists all captures.",
            )
        return found

    def captures_named(self, what: str) -> list[str]:
        """Return the captures of a case, or the one capture that is named. Raises `NotFound`, `UsageError`."""
        cases = [case["name"] for case in self.catalog.cases()]
        if what in cases:
            return [row["id"] for row in self.catalog.captures(what)]
        try:
            return [self.resolve_capture(what)]
        except NotFound as error:
            guess = meant(what, cases)
            if not guess:
                raise
            raise NotFound(f"a capture or case {what!r}", error.found, guess.strip()) from error
