"""The home: one folder with paths, configuration, keys and locks (design.md, "The folder on disk")."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archiver.errors import ConfigError, NotFound, UsageError
from archiver.home.cases import _CASE_NAME, DEFAULT_CASE, no_case
from archiver.home.config import (
    DEFAULT_AGENT,
    Config,
    TimestampConfig,
    _jobs,
    _role,
    _table,
    _telegram,
    _timestamps,
    cookies_in,
)
from archiver.home.copies_config import copies
from archiver.home.create import Answers
from archiver.home.notify_config import rules
from archiver.home.paths import given_folder
from archiver.home.template import TEMPLATE
from archiver.version import SOFTWARE
from storage.errors import disk_error
from storage.files import Lock, write_synced
from storage.times import Clock, system_clock, utc_text

if TYPE_CHECKING:
    from archiver.signer.keys import Keys
    from storage.catalog import Catalog
    from storage.events import Author
    from storage.ledger import Ledger
    from storage.state import State


def default_path(environment: Mapping[str, str]) -> Path:
    """Return the absolute path of the home that nobody named with --home. Raises `UsageError`."""
    return given_folder(environment.get("ARCHIVER_HOME") or "~/archiver-home")


def is_home(path: Path) -> bool:
    """Return whether a home lies at `path`. Raises `UsageError` where that cannot be seen."""
    try:
        return stat.S_ISREG((path / "archiver.toml").stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(
            f"a folder at {path} that can be looked into",
            error.strerror or str(error),
            "Give this user the right to read it, or name another with --home.",
        ) from error


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


class Home:
    """An existing home. Opens its parts when they are first needed."""

    def __init__(
        self,
        path: Path,
        clock: Clock = system_clock,
        environment: Mapping[str, str] = os.environ,
        person: str | None = None,
    ) -> None:
        """`person`: who signs, where it is not the home's own. Raises `NotFound` where there is no home at `path`."""
        self.person = person
        self.path = path
        self.clock = clock
        self.environment = environment
        self._projecting = threading.Lock()
        if not is_home(path):
            raise NotFound(
                f"a home at {path}", "none", "Run `archiver` once to set one up, or name another with --home."
            )

    @classmethod
    def create(cls, path: Path, answers: Answers, clock: Clock = system_clock) -> Home:
        """Make a new home with keys and the default case, or nothing. Raises `DiskError`, `ConfigError`, `UsageError`."""
        if is_home(path):
            raise ConfigError(f"no home at {path} yet", "one", "Use it, or choose another folder.")
        if not re.fullmatch(r"[\w.-]{1,64}", answers.pseudonym):
            raise UsageError("a pseudonym of letters, digits, dot, dash", repr(answers.pseudonym), "Choose another.")
        try:
            with _whole_or_nothing(path):
                return cls._filled(path, answers, clock)
        except OSError as error:
            raise disk_error(error, f"making a home at {path}") from error

    @classmethod
    def _filled(cls, path: Path, answers: Answers, clock: Clock) -> Home:
        """Makes keys, settings, ledger and the default case in a folder that is there."""
        import json

        from archiver.signer.copy_keys import copies_identity, names_key
        from archiver.signer.keys import Keys
        from storage.events import Event

        os.chmod(path, 0o700)
        for name in ("captures", "events", "ledger", "proofs"):
            (path / name).mkdir(exist_ok=True)
        for keys in (path / "keys", path / "keys" / "cases"):
            keys.mkdir(exist_ok=True, mode=0o700)
        Keys.create(path)
        text = TEMPLATE.format(
            date=utc_text(clock())[:10],
            pseudonym=json.dumps(answers.pseudonym),
            user_agent=json.dumps(answers.user_agent),
            proxy=json.dumps(answers.proxy),
            second=json.dumps(answers.second),
            timestamps=str(answers.timestamps).lower(),
            calendars=", ".join(json.dumps(text) for text in TimestampConfig().calendars),
            authorities="".join(
                f'[[timestamps.authority]]\nname = "{one.name}"\nurl = "{one.url}"\nroot = "{one.root}"\n'
                for one in TimestampConfig().authorities
            ),
        )
        write_synced(path / "archiver.toml", text.encode(), 0o600)
        home = cls(path, clock)
        copies_identity(home)  # now, so that every later state of this home is known at its copies
        names_key(home)
        recipient = home._new_case_key(DEFAULT_CASE)
        home.ledger.append([Event("case", clock(), {"name": DEFAULT_CASE, "recipients": [recipient]})], home.author)
        home.project()
        return home

    # -- configuration ---------------------------------------------------------------------------------

    @cached_property
    def config(self) -> Config:
        """Raises `ConfigError` with the line that is wrong."""
        path = self.path / "archiver.toml"
        try:
            value = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"readable settings in {path}", str(error), "Correct the file.") from error
        sites, limits, media = _table(value, "sites"), _table(value, "limits"), _table(value, "media")
        variable = str(_table(value, "secrets").get("from_environment", "ARCHIVER_SECRETS"))
        values = [line.encode() for line in self.environment.get(variable, "").splitlines() if line]
        proxy = self.environment.get("ARCHIVER_PROXY", sites.get("proxy", ""))
        cases = _table(value, "cases")
        case_proxies = {name: str(_table(cases, name)["proxy"]) for name in cases if "proxy" in _table(cases, name)}
        second = str(sites.get("second_proxy", ""))
        for where, named in (
            ("[sites]", proxy),
            ("[sites] second", second),
            *((f"[cases.{name}]", text) for name, text in case_proxies.items()),
        ):
            if named and not _is_proxy(str(named)):
                raise ConfigError(
                    "a proxy like socks5h://host:port or http://host:port",
                    "another form",
                    f"Correct {where} proxy.",
                )
        x, accounts = _table(value, "x"), _table(value, "accounts")
        files = {name: accounts.get(name, "") for name in ("x", "youtube", "facebook")}
        files[""] = self.environment.get("ARCHIVER_COOKIES", accounts.get("cookies", ""))
        cookies = {name: self.path / Path(str(text)).expanduser() for name, text in files.items() if text}
        kept = {value for path in cookies.values() for _, value, _ in cookies_in(path) if len(value) >= 8}
        try:
            return Config(
                pseudonym=str(self.environment.get("ARCHIVER_PSEUDONYM", value.get("pseudonym", "investigator"))),
                role=_role(str(value.get("role", "collector"))),
                user_agent=str(self.environment.get("ARCHIVER_USER_AGENT", sites.get("user_agent", DEFAULT_AGENT))),
                proxy=str(proxy) or None,
                interval=float(sites.get("interval", 0.5)),
                concurrency=int(sites.get("concurrency", 4)),
                response_bytes=int(limits.get("response_bytes", 64 << 30)),
                response_seconds=float(limits.get("response_seconds", 21600)),
                capture_bytes=int(limits.get("capture_bytes", 0)) or None,
                capture_seconds=float(limits.get("capture_seconds", 0)) or None,
                extractors=max(1, int(media.get("extractors", 2))),
                extract_seconds=float(media.get("extract_seconds", 180)),
                live_seconds=float(media.get("live_minutes", 60)) * 60,
                probe=bool(media.get("probe", True)),
                reserve_bytes=int(media.get("reserve_bytes", 256 << 20)),
                retries=max(0, int(sites.get("retries", 2))),
                case_proxies=case_proxies,
                second_proxy=second or None,
                doctor={str(k): str(v) for k, v in _table(value, "doctor").items()},
                rendered=bool(_table(value, "pages").get("rendered", True)),
                cookies=cookies,
                x_queries={str(k): str(v) for k, v in _table(x, "queries").items()},
                x_features={str(k): bool(v) for k, v in _table(x, "features").items()},
                extractor_args=_table(media, "extractor_args"),
                telegram=_telegram(_table(value, "telegram")),
                timestamps=_timestamps(_table(value, "timestamps")),
                copies=copies(_table(value, "copies")),
                notify=rules(list(value.get("notify", [])), self.environment),
                jobs=_jobs(str(self.environment.get("ARCHIVER_JOBS", _table(value, "jobs").get("database", "")))),
                secret_values=(*values, *(text.encode() for text in sorted(kept))),
            )
        except (TypeError, ValueError) as error:
            raise ConfigError(f"numbers in {path}", str(error), "Correct the file.") from error

    # -- keys ------------------------------------------------------------------------------------------

    @cached_property
    def keys(self) -> Keys:
        from archiver.signer.keys import Keys

        return Keys(self.path, self.environment)

    @cached_property
    def author(self) -> Author:
        """Who signs events: the home's own person, or the one that --as or $ARCHIVER_AS names."""
        from storage.events import Author

        named = self.person or self.environment.get("ARCHIVER_AS")
        if named:
            return self.keys.person(named)
        return Author(self.config.pseudonym, self.keys.private("person"), self.config.role)

    def ledger_key_text(self) -> str:
        """The ledger's public key in note form."""
        return str(self.keys.ledger.key)

    def _new_case_key(self, name: str) -> str:
        """Makes the case's age identity and returns its public key."""
        import pyrage

        path = self.path / "keys" / "cases" / f"{name}.age-key"
        identity = pyrage.x25519.Identity.generate()
        write_synced(path, f"# case {name}\n# public key: {identity.to_public()}\n{identity}\n".encode(), 0o600)
        return str(identity.to_public())

    # -- parts -----------------------------------------------------------------------------------------

    @cached_property
    def ledger(self) -> Ledger:
        from storage.ledger import Ledger

        ledger = Ledger(self.path, self.keys.ledger, self.path / "keys" / "ledger.head", SOFTWARE)
        self.keys.finish_rotation(ledger)
        return ledger

    @cached_property
    def state(self) -> State:
        from storage.state import State

        return State(self.path / "state.sqlite")

    @cached_property
    def catalog(self) -> Catalog:
        from storage.catalog import Catalog

        return Catalog(self.path / "catalog.sqlite")

    # -- cases -----------------------------------------------------------------------------------------

    def new_case(self, name: str, recipients: list[str]) -> list[str]:
        """Creates a case; returns its recipients. Raises `UsageError` on a bad or taken name or key."""
        import pyrage

        from storage.events import Event

        if not _CASE_NAME.fullmatch(name):
            raise UsageError("a case name of small letters, digits and dashes", repr(name), "Choose another.")
        if any(case["name"] == name for case in self.catalog.cases()):
            raise UsageError("a new case name", f"{name!r}, which exists", "Choose another, or use that case.")
        for text in recipients:
            try:
                pyrage.x25519.Recipient.from_str(text)
            except pyrage.RecipientError as error:
                raise UsageError(
                    "an age public key (age1…)", repr(text[:20]), "Check the key with its owner."
                ) from error
        everyone = [self._new_case_key(name), *recipients]
        self.ledger.append([Event("case", self.clock(), {"name": name, "recipients": everyone})], self.author)
        self.project()
        return everyone

    def recipients(self, cases: list[str]) -> list[str]:
        """Age public keys of all `cases`. Raises `NotFound`."""
        import json

        known = {case["name"]: json.loads(case["recipients"]) for case in self.catalog.cases()}
        missing = [name for name in cases if name not in known]
        if missing:
            raise no_case(missing[0], known)
        return list(dict.fromkeys(key for name in cases for key in known[name]))

    # -- captures --------------------------------------------------------------------------------------

    def new_capture_id(self, moment: datetime) -> str:
        """`20261122T051526-9k2mv7qd`: sortable, and not to be guessed."""
        letters = "0123456789abcdefghjkmnpqrstvwxyz"
        return moment.strftime("%Y%m%dT%H%M%S") + "-" + "".join(secrets.choice(letters) for _ in range(8))

    def capture_folder(self, capture_id: str) -> Path:
        """Relative to the home: captures/2026/11/22/<id>."""
        return Path("captures") / capture_id[:4] / capture_id[4:6] / capture_id[6:8] / capture_id

    def resolve_capture(self, text: str) -> str:
        """The one capture id that equals, begins or ends with `text`. Raises `NotFound`, `UsageError`."""
        ids = self.catalog.capture_ids(text)
        if not ids:
            raise NotFound(
                f"a capture {text!r}", "none", "List them with `archiver case show inbox` or `archiver find`."
            )
        if len(ids) > 1 and text not in ids:
            raise UsageError(f"one capture for {text!r}", f"{len(ids)}: {', '.join(ids[:4])}", "Give more of the id.")
        return text if text in ids else ids[0]

    def project(self) -> int:
        """Brings the catalog up to the ledger; returns how many events were taken in. Raises `CatalogError`."""
        with self._projecting:
            return self._project()

    def _project(self) -> int:
        import json

        from storage.ledger import Tiles

        size = self.ledger.checkpoint().size
        done = start = self.catalog.size()
        tiles = Tiles(self.ledger.folder, size)
        while done < size:
            batch: list[tuple[dict[str, Any], str]] = []
            for offset, entry in enumerate(tiles.entries(done // 256)[done % 256 :]):
                leaf = json.loads(entry)
                body = self.ledger.read_event(done + offset)
                if body is None:
                    self.catalog.project(batch, self.path)
                    batch = []
                    self.catalog.project_disposed(done + offset, leaf)
                else:
                    batch.append((body, leaf["salted_hash"]))
            self.catalog.project(batch, self.path)
            done = (done // 256 + 1) * 256
        return size - start

    def rebuild_catalog(self) -> int:
        """Makes the catalog again from events and captures; the old file is replaced only when the new is complete."""
        from storage.catalog import Catalog

        fresh = self.path / "catalog.sqlite.rebuild"
        for path in self.path.glob("catalog.sqlite.rebuild*"):
            path.unlink()
        self.__dict__.pop("catalog", None)
        self.__dict__["catalog"] = Catalog(fresh)
        try:
            count = self.project()
        finally:
            self.catalog.database.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.catalog.close()
            self.__dict__.pop("catalog", None)
        for suffix in ("-wal", "-shm"):
            (self.path / f"catalog.sqlite{suffix}").unlink(missing_ok=True)
            (self.path / f"catalog.sqlite.rebuild{suffix}").unlink(missing_ok=True)
        os.replace(fresh, self.path / "catalog.sqlite")
        return count


def _is_proxy(text: str) -> bool:
    try:
        return bool(re.match(r"(http|socks5h?)://[^/\s]+", text)) and urlsplit(text).port != 0
    except ValueError:  # a port or an address that is none
        return False
