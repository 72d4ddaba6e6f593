"""The home: one folder with paths, configuration, keys and locks (design.md, "The folder on disk")."""

from __future__ import annotations

import os
import re
import secrets
import threading
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archiver import __version__
from archiver.copies.settings import CopiesConfig, copies
from archiver.errors import ConfigError, NotFound, UsageError
from archiver.notifying import NotifyRule, rules
from storage.errors import disk_error
from storage.files import write_synced
from storage.times import Clock, system_clock, utc_text

if TYPE_CHECKING:
    from archiver.keys import Keys
    from storage.catalog import Catalog
    from storage.events import Author
    from storage.ledger import Ledger
    from storage.state import State

DEFAULT_CASE = "inbox"
_CASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SOFTWARE = f"archiver/{__version__}"
DEFAULT_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

TEMPLATE = """\
# archiver: settings of this home. Written on {date}; edit freely, a comment explains each.
format = 1

# The name under which events are signed. A pseudonym: it stays in the ledger's events and travels in packages.
pseudonym = {pseudonym}
# What that person does, as events say: collector, analyst or reviewer. Others who work in this home get keys of their own:
# archiver keys new NAME --role reviewer; then archiver --as NAME …
role = "collector"

[sites]
# How sites see us. The User-Agent is sent with every request and recorded.
user_agent = {user_agent}
# The way out: empty for this machine's own address, or a proxy. Names are then resolved by the proxy, and if it
# fails the capture stops; there is no falling back. Examples: "socks5h://127.0.0.1:9050" (Tor), "http://proxy:3128"
proxy = {proxy}
# A second way out, in another country if possible. A watch that misses a post then asks again by it at once, instead of an hour
# later: what is only withheld from one place, or from one address, is not taken for gone.
second_proxy = ""
# Seconds between two requests to one host, and how many may run at once.
interval = 0.5
concurrency = 4
# How often a page is asked for again when a host is busy (429, 5xx), after the time it names or growing pauses.
retries = 2
# A case may have a way out of its own: add a table like
#   [cases.almaty]
#   proxy = "socks5h://127.0.0.1:9050"

[limits]
# A response longer than this many bytes, or slower than this many seconds, is cut and marked as cut.
response_bytes = 68719476736
response_seconds = 21600
# A capture larger than this many bytes, or longer than this many seconds, asks for nothing more. 0: no limit.
capture_bytes = 0
capture_seconds = 0

[secrets]
# Values that must never reach a record, such as tokens in links. Best kept out of this file: name an environment
# variable that holds them, one per line.
from_environment = "ARCHIVER_SECRETS"

[media]
# How many extractor processes (yt-dlp) run at most, and how long one may look for the media of a page, in seconds.
extractors = 2
extract_seconds = 180
# A live stream is recorded until it ends, is stopped, or this many minutes have passed.
live_minutes = 60
# Say what ffprobe and exiftool find in videos, where these are installed.
probe = true
# Stop taking media when fewer than this many bytes would be left on the disk.
reserve_bytes = 268435456

[pages]
# Also keep the page as a browser shows it (first view, full page, PDF, DOM), where Chromium is installed.
rendered = true

[accounts]
# A cookies.txt (Netscape format) of an account of your own, exported from a browser. Empty: nobody is logged in.
# What is then seen is what that account sees. Its values never reach a record.
cookies = ""
# One for a single platform counts there instead: x = "x.txt", youtube = "youtube.txt", facebook = "facebook.txt"

[telegram]
# The account that asks where several are logged in (archiver telegram login --account NAME). Its name stands in records.
account = ""
# How the account shows itself to Telegram; its owner sees these words in the list of devices.
device = "Desktop"
system = "Linux"
app = "1.0"
# The longest pause, in seconds, that is waited for when Telegram asks for one, and the pause between two requests.
patience = 300
interval = 0.5
# A way out for Telegram alone: an MTProxy link, like "tg://proxy?server=…&port=443&secret=…". Else [sites] proxy counts.
mtproxy = ""

[doctor]
# A live post for each platform by which `archiver doctor --platforms` sees whether its pages have changed, instead of
# those it knows: telegram = "https://t.me/…". Empty text: that platform is left out.

[jobs]
# Where the queue of jobs, schedules and watches is. Empty: in this home. Many machines share one in PostgreSQL, and with it
# the pauses between requests to a host: "postgresql://user@host/name". Best kept out of this file, if a password stands in
# it: the environment variable ARCHIVER_JOBS counts instead.
database = ""

# Who is told of what, through apprise: mail, Signal, Matrix, Slack and a hundred more (its addresses: github.com/caronc/apprise).
# Messages say ids only; with content = true also the link and the platform's words. Try it: archiver notify
#   [[notify]]
#   name = "team"
#   from_environment = "ARCHIVER_NOTIFY_TEAM"      the variable that holds the address, or target = "…"
#   events = ["unavailable", "dead"]               also changed, seen-again
#   case = "almaty"                                only of this case

[copies]
# Where the second copy goes: a folder on another disk, or s3://bucket/prefix. Sent there encrypted: `archiver recovery new`
# makes the key that opens it again. Copies are made after captures and by `archiver sync`.
second = {second}
after_captures = true
# Bytes a second that are sent at most; 0: no limit.
bandwidth = 0
# How long an object stays locked once its capture was looked at (`archiver triage`), in days, where the place knows locks.
lock_days = 3650
# More places, each with its own table. `own = true` says that it is yours: nothing is then encrypted by us.
#   [[copies.destination]]
#   name = "archive"
#   where = "s3://bucket/prefix"
#   endpoint = "https://…"        for S3 that is not Amazon's; also region, profile, sse = "AES256" or "aws:kms", kms_key
#   proxy = "http://…"            or direct = true, where captures go out by a proxy
# Credentials are those that boto3 finds: the environment, ~/.aws, or the machine's role.

[timestamps]
# Whether outsiders may stamp checkpoints of the ledger, after each capture and by `archiver seal`. They see a digest, the
# time, and the address of the way out; not what was captured. Where not, every result says NOT TIMESTAMPED.
wanted = {timestamps}
# OpenTimestamps: calendars that bring a salted digest into Bitcoin, complete after hours. [] for none.
calendars = [{calendars}]

# Authorities (RFC 3161), best in different countries. `root`: the SHA-256 of the root certificate that their answers must
# lead to, one of Mozilla's or a PEM file in keys/roots/. Add `chain`, a PEM file, for one that leaves certificates out.
{authorities}"""


@dataclass(frozen=True)
class Answers:
    """What the first run asks."""

    pseudonym: str = "investigator"
    user_agent: str = DEFAULT_AGENT
    proxy: str = ""
    second: str = ""
    timestamps: bool = False


@dataclass(frozen=True)
class TelegramConfig:
    """How accounts are used. Times in seconds."""

    account: str = ""
    device: str = "Desktop"
    system: str = "Linux"
    app: str = "1.0"
    patience: float = 300.0
    interval: float = 0.5
    mtproxy: str = field(repr=False, default="")
    retries: int = 5


@dataclass(frozen=True)
class Authority:
    """Who stamps checkpoints (RFC 3161), and the root certificate that its answers must lead to."""

    name: str
    url: str
    root: str
    """SHA-256 of the root certificate, 64 hex digits; it is looked up among certifi's and in keys/roots/."""
    chain: str = ""
    """A PEM file with intermediate certificates, for an authority that does not send them; relative to the home."""


@dataclass(frozen=True)
class TimestampConfig:
    """Who may see checkpoints. The defaults: two operators in two countries whose roots Mozilla's list has."""

    wanted: bool = False
    authorities: tuple[Authority, ...] = (
        Authority(
            "digicert",
            "http://timestamp.digicert.com",
            "552f7bdcf1a7af9e6ce672017f4f12abf77240c78e761ac203d1d9d20ac89988",
        ),
        Authority(
            "dfn",
            "http://zeitstempel.dfn.de",
            "91e2f5788d5810eba7ba58737de1548a8ecacd014598bc0b143e041b17052552",
        ),
    )
    calendars: tuple[str, ...] = (
        "https://alice.btc.calendar.opentimestamps.org",
        "https://bob.btc.calendar.opentimestamps.org",
        "https://finney.calendar.eternitywall.com",
    )


@dataclass(frozen=True)
class Config:
    pseudonym: str
    role: str
    user_agent: str
    proxy: str | None = field(repr=False)
    interval: float
    concurrency: int
    response_bytes: int
    response_seconds: float
    capture_bytes: int | None
    capture_seconds: float | None
    extractors: int = 2
    extract_seconds: float = 180.0
    live_seconds: float = 3600.0
    probe: bool = True
    reserve_bytes: int = 256 << 20
    rendered: bool = True
    retries: int = 2
    doctor: Mapping[str, str] = field(default_factory=dict)
    """Platform → a live post by which `archiver doctor --platforms` looks at its layout."""
    case_proxies: Mapping[str, str] = field(repr=False, default_factory=dict)
    second_proxy: str | None = field(repr=False, default=None)
    cookies: Mapping[str, Path] = field(repr=False, default_factory=dict)
    """Platform → cookies.txt; under "" the file that counts for all others."""
    x_queries: Mapping[str, str] = field(default_factory=dict)
    x_features: Mapping[str, bool] = field(default_factory=dict)
    extractor_args: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    secret_values: tuple[bytes, ...] = field(repr=False, default=())
    telegram: TelegramConfig = field(default_factory=TelegramConfig)
    timestamps: TimestampConfig = field(default_factory=TimestampConfig)
    copies: CopiesConfig = field(default_factory=CopiesConfig)
    notify: tuple[NotifyRule, ...] = ()
    jobs: str = field(repr=False, default="")
    """The PostgreSQL database that many machines share, as a link; empty for the home's own files."""

    def exit_for(self, cases: Iterable[str]) -> str | None:
        """The proxy by which captures of these cases go out. Raises `UsageError` where two cases have two ways."""
        ways = {self.case_proxies.get(name, self.proxy or "") for name in cases}
        if len(ways) > 1:
            raise UsageError(
                "cases with one way out",
                "cases whose [cases.NAME] proxy differ",
                "Capture for each case by itself; `archiver case add` then puts the capture into the other.",
            )
        return next(iter(ways), self.proxy or "") or None

    def cookies_file(self, platform: str) -> Path | None:
        """The cookies.txt that counts for a platform."""
        return self.cookies.get(platform) or self.cookies.get("")

    def cookies_for(self, domain: str, platform: str = "") -> dict[str, str]:
        """Name → value of the account's cookies for a domain. Raises `ConfigError` where the file is no cookies.txt."""
        return {name: value for name, value, host in cookies_in(self.cookies_file(platform)) if host == domain}


def default_path(environment: Mapping[str, str]) -> Path:
    if "ARCHIVER_HOME" in environment:
        return Path(environment["ARCHIVER_HOME"]).expanduser()
    return Path.home() / "archiver-home"


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
        if not (path / "archiver.toml").is_file():
            raise NotFound(
                f"a home at {path}", "none", "Run `archiver` once to set one up, or name another with --home."
            )

    @classmethod
    def create(cls, path: Path, answers: Answers, clock: Clock = system_clock) -> Home:
        """Makes a new home with keys and the default case. Raises `DiskError`, `ConfigError`."""
        import json

        from archiver.copies.keys import copies_identity, names_key
        from archiver.keys import Keys
        from storage.events import Event

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
            if named and not re.match(r"(http|socks5h?)://[^/\s]+", str(named)):
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
        from archiver.keys import Keys

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
            raise NotFound(
                f"the case {missing[0]!r}",
                f"cases: {', '.join(known) or 'none'}",
                f"Make it: archiver case new {missing[0]}",
            )
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


def _jobs(text: str) -> str:
    try:
        formed = bool(re.fullmatch(r"postgres(ql)?://\S+/\S+", text)) and urlsplit(text).port != 0
    except ValueError:  # a port or an address that is none
        formed = False
    if text and not formed:
        raise ConfigError(
            "a database like postgresql://user@host/name, or nothing",
            "another form",
            "Correct [jobs] database or ARCHIVER_JOBS.",
        )
    return text


def cookies_in(path: Path | None) -> list[tuple[str, str, str]]:
    """(name, value, domain without its leading dot) of a cookies.txt. Raises `ConfigError`."""
    if path is None:
        return []
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"a cookies.txt at {path}", str(error), "Export it again, or empty [accounts] cookies."
        ) from error
    found = []
    for line in text.splitlines():
        line = line.removeprefix("#HttpOnly_")
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split("\t")
        if len(parts) != 7:
            raise ConfigError(
                "seven fields a line, with tabs between", f"{len(parts)} fields in {path.name}", "Export it again."
            )
        found.append((parts[5], parts[6], parts[0].lstrip(".").removeprefix("www.")))
    return found


def _telegram(table: dict[str, Any]) -> TelegramConfig:
    plain = TelegramConfig()
    texts = {
        name: str(table.get(name, getattr(plain, name))) for name in ("account", "device", "system", "app", "mtproxy")
    }
    return TelegramConfig(
        **texts,
        patience=float(table.get("patience", plain.patience)),
        interval=float(table.get("interval", plain.interval)),
        retries=max(1, int(table.get("retries", plain.retries))),
    )


ROLES = ("collector", "analyst", "reviewer")


def _role(text: str) -> str:
    if text not in ROLES:
        raise ConfigError(f"a role: {', '.join(ROLES)}", repr(text), "Correct archiver.toml.")
    return text


def _timestamps(table: dict[str, Any]) -> TimestampConfig:
    plain = TimestampConfig()
    authorities: list[Authority] = []
    for item in table.get("authority", []):
        one = Authority(**{key: str(item.get(key, "")) for key in ("name", "url", "root", "chain")})
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", one.name) or one.name == "opentimestamps":
            raise ConfigError("a short name of an authority, like digicert", repr(one.name), "Correct archiver.toml.")
        if not re.fullmatch(r"https?://\S+", one.url) or not re.fullmatch(r"[0-9A-Fa-f]{64}", one.root):
            raise ConfigError(
                f"url and root (64 hex digits) of the authority {one.name}",
                f"{one.url!r}, {one.root!r}",
                "Correct [[timestamps.authority]].",
            )
        if any(one.name == other.name for other in authorities):
            raise ConfigError("authorities with names of their own", f"{one.name!r} twice", "Rename one.")
        authorities.append(one)
    return TimestampConfig(
        wanted=bool(table.get("wanted", False)),
        authorities=tuple(authorities) if "authority" in table else plain.authorities,
        calendars=tuple(str(text) for text in table.get("calendars", plain.calendars)),
    )


def _table(value: dict[str, Any], name: str) -> dict[str, Any]:
    table = value.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"a table [{name}]", type(table).__name__, "Correct archiver.toml.")
    return table
