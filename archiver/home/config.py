"""The settings of a home, read from archiver.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archiver.errors import ConfigError, UsageError
from archiver.home.copies_config import CopiesConfig, copies
from archiver.home.notify_config import NotifyRule, rules

DEFAULT_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


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

    def proxy_for(self, cases: Iterable[str]) -> str | None:
        """The proxy by which captures of these cases go out. Raises `UsageError` where two cases have two ways."""
        ways = {self.case_proxies.get(name, self.proxy or "") for name in cases}
        if len(ways) > 1:
            raise UsageError(
                "cases that share one proxy",
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


def read_config(home: Path, environment: Mapping[str, str]) -> Config:
    """Read archiver.toml and what the environment says instead. Raises `ConfigError`."""
    path = home / "archiver.toml"
    try:
        value = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"readable settings in {path}", str(error), "Correct the file.") from error
    sites, limits, media, x = (_table(value, name) for name in ("sites", "limits", "media", "x"))
    proxy, second, case_proxies = _proxies(value, sites, environment)
    cookies = _cookies(home, _table(value, "accounts"), environment)
    try:
        return Config(
            pseudonym=str(environment.get("ARCHIVER_PSEUDONYM", value.get("pseudonym", "investigator"))),
            role=_role(str(value.get("role", "collector"))),
            user_agent=str(environment.get("ARCHIVER_USER_AGENT", sites.get("user_agent", DEFAULT_AGENT))),
            proxy=proxy or None,
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
            notify=rules(list(value.get("notify", [])), environment),
            jobs=_jobs(str(environment.get("ARCHIVER_JOBS", _table(value, "jobs").get("database", "")))),
            secret_values=_secret_values(_table(value, "secrets"), cookies, environment),
        )
    except (TypeError, ValueError) as error:
        raise ConfigError(f"numbers in {path}", str(error), "Correct the file.") from error


def _proxies(
    value: dict[str, Any], sites: dict[str, Any], environment: Mapping[str, str]
) -> tuple[str, str, dict[str, str]]:
    """The proxy of all captures, the second one, and those of single cases."""
    proxy = str(environment.get("ARCHIVER_PROXY", sites.get("proxy", "")))
    second = str(sites.get("second_proxy", ""))
    cases = _table(value, "cases")
    of_cases = {name: str(_table(cases, name)["proxy"]) for name in cases if "proxy" in _table(cases, name)}
    named = [
        ("[sites]", proxy),
        ("[sites] second", second),
        *((f"[cases.{name}]", of_cases[name]) for name in of_cases),
    ]
    for where, text in named:
        if text and not is_proxy(text):
            raise ConfigError(
                "a proxy like socks5h://host:port or http://host:port", "another form", f"Correct {where} proxy."
            )
    return proxy, second, of_cases


def is_proxy(text: str) -> bool:
    """Return whether this is the form of a proxy; whether one answers there is not asked."""
    try:
        return bool(re.match(r"(http|socks5h?)://[^/\s]+", text)) and urlsplit(text).port != 0
    except ValueError:  # a port or an address that is none
        return False


def _cookies(home: Path, accounts: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Path]:
    """Platform → cookies.txt, relative paths from the home."""
    files = {name: text for name, text in accounts.items() if name != "cookies"}
    files[""] = environment.get("ARCHIVER_COOKIES", accounts.get("cookies", ""))
    return {name: home / Path(str(text)).expanduser() for name, text in files.items() if text}


def _secret_values(
    table: dict[str, Any], cookies: Mapping[str, Path], environment: Mapping[str, str]
) -> tuple[bytes, ...]:
    """What is withheld wherever it shows: the configured secrets, and the values of cookies long enough to be told."""
    variable = str(table.get("from_environment", "ARCHIVER_SECRETS"))
    given = [line.encode() for line in environment.get(variable, "").splitlines() if line]
    kept = {value for path in cookies.values() for _, value, _ in cookies_in(path) if len(value) >= 8}
    return (*given, *(text.encode() for text in sorted(kept)))
