"""The settings of a home, as the rest of the program uses them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import asdict

from archiver.errors import ConfigError, UsageError
from archiver.home.config_file import read_settings
from archiver.home.config_schema import DEFAULT_AGENT as DEFAULT_AGENT
from archiver.home.config_schema import Accounts, Settings, Timestamps
from archiver.home.config_schema import is_agent as is_agent
from archiver.home.config_schema import is_proxy as is_proxy
from archiver.home.copies_config import CopiesConfig, copies
from archiver.home.notify_config import NotifyRule, rules
from archiver.home.variables import DIRECT, without_empty


@dataclass(frozen=True)
class TelegramConfig:
    """Settings for accounts of Telegram. Times in seconds."""

    account: str
    device: str
    system: str
    app: str
    patience: float
    interval: float
    mtproxy: str = field(repr=False)
    retries: int


@dataclass(frozen=True)
class Authority:
    """Authority that stamps checkpoints (RFC 3161), with the root certificate that its answers must lead to."""

    name: str
    url: str
    root: str
    """SHA-256 of the root certificate, 64 hex digits; it is looked up among certifi's and in keys/roots/."""
    chain: str = ""
    """A PEM file with intermediate certificates, for an authority that does not send them; relative to the home."""


@dataclass(frozen=True)
class TimestampConfig:
    """Choice of who may see checkpoints.

    The defaults: two operators in two countries whose roots Mozilla's list has.
    """

    wanted: bool = False
    authorities: tuple[Authority, ...] = field(default_factory=lambda: authorities_of(Timestamps()))
    calendars: tuple[str, ...] = Timestamps().calendars


@dataclass(frozen=True)
class Config:
    """Settings in force. Made by `read_config` alone: each default stands in the schema."""

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
    fetch_missing_certificates: bool
    extractors: int
    extract_seconds: float
    live_seconds: float
    probe: bool
    reserve_bytes: int
    rendered: bool
    retries: int
    doctor: Mapping[str, str]
    """Platform → a live post by which `archiver doctor --platforms` looks at its layout."""
    case_proxies: Mapping[str, str] = field(repr=False)
    second_proxy: str | None = field(repr=False)
    cookies: Mapping[str, Path] = field(repr=False)
    """Platform → cookies.txt; under "" the file that counts for all others."""
    x_queries: Mapping[str, str]
    x_features: Mapping[str, bool]
    extractor_args: Mapping[str, Mapping[str, list[str]]] = field(repr=False)
    secret_values: tuple[bytes, ...] = field(repr=False)
    telegram: TelegramConfig
    timestamps: TimestampConfig
    copies: CopiesConfig
    notify: tuple[NotifyRule, ...]
    jobs: str = field(repr=False)
    """The PostgreSQL database that many machines share, as a link; empty for the home's own files."""
    job_recipients: tuple[str, ...] = ()
    """Public age keys that links with secrets are encrypted for in the queue, beside those of their cases."""

    def proxy_for(self, cases: Iterable[str]) -> str | None:
        """Return the proxy by which captures of these cases go out, or None.

        Raises `UsageError` where two of the cases go out in two ways.
        """
        ways = {self.case_proxies.get(name, self.proxy or "") for name in cases}
        if len(ways) > 1:
            raise UsageError(
                "cases that share one proxy",
                "cases with different [cases.NAME] proxies",
                "Capture into one case; then add the capture to the other with `archiver case add`.",
            )
        return next(iter(ways), self.proxy or "") or None

    def cookies_file(self, platform: str) -> Path | None:
        """Return the cookies.txt that counts for a platform, or None."""
        return self.cookies.get(platform) or self.cookies.get("")

    def cookies_for(self, domain: str, platform: str = "") -> dict[str, str]:
        """Return name → value of the account's cookies for a domain.

        Raises `ConfigError` where the file is no cookies.txt.
        """
        return {name: value for name, value, host in cookies_in(self.cookies_file(platform)) if host == domain}


def cookies_in(path: Path | None) -> list[tuple[str, str, str]]:
    """Return the cookies of a cookies.txt as (name, value, domain).

    The domain stands without its leading dot and `www.`. Raises `ConfigError`.
    """
    if path is None:
        return []
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:  # no file of that name, no UTF-8
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
                "seven fields per line, separated by tabs", f"{len(parts)} fields in {path.name}", "Export it again."
            )
        found.append((parts[5], parts[6], parts[0].lstrip(".").removeprefix("www.")))
    return found


def read_config(home: Path, environment: Mapping[str, str]) -> Config:
    """Read archiver.toml, and the environment that overrides it.

    Raises `ConfigError` where anything is not understood.
    """
    return config_of(read_settings(home, environment).understood(), home, without_empty(environment))


def config_of(settings: Settings, home: Path, environment: Mapping[str, str]) -> Config:
    """Convert settings into what the program uses. Raises `ConfigError` where a cookies.txt cannot be read."""
    sites, limits, media = settings.sites, settings.limits, settings.media
    cookies = _cookies(home, settings.accounts)
    return Config(
        pseudonym=settings.pseudonym,
        role=settings.role,
        user_agent=sites.user_agent,
        proxy=_proxy(sites.proxy) or None,
        interval=sites.interval,
        concurrency=sites.concurrency,
        response_bytes=limits.response_bytes,
        response_seconds=limits.response_seconds,
        capture_bytes=limits.capture_bytes or None,
        capture_seconds=limits.capture_seconds or None,
        fetch_missing_certificates=settings.recorder.fetch_missing_certificates,
        extractors=media.extractors,
        extract_seconds=media.extract_seconds,
        live_seconds=media.live_minutes * 60,
        probe=media.probe,
        reserve_bytes=media.reserve_bytes,
        rendered=settings.pages.rendered,
        retries=sites.retries,
        doctor={name: link for name, link in asdict(settings.doctor).items() if link is not None},
        case_proxies={name: _proxy(case.proxy) for name, case in settings.cases.items()},
        second_proxy=_proxy(sites.second_proxy) or None,
        cookies=cookies,
        x_queries=settings.x.queries,
        x_features=settings.x.features,
        extractor_args=media.extractor_args,
        secret_values=_secret_values(settings.secrets.from_environment, cookies, environment),
        telegram=TelegramConfig(**asdict(settings.telegram)),
        timestamps=TimestampConfig(
            settings.timestamps.wanted, authorities_of(settings.timestamps), settings.timestamps.calendars
        ),
        copies=copies(settings.copies),
        notify=rules(settings.notify, environment),
        jobs=settings.jobs.database,
        job_recipients=settings.jobs.recipients,
    )


def authorities_of(table: Timestamps) -> tuple[Authority, ...]:
    """Return the authorities that a table names."""
    return tuple(Authority(**asdict(one)) for one in table.authority)


def _proxy(text: str) -> str:
    """With a remote name look-up in every library: by `socks5:`, requests asks this machine's own name server."""
    return "" if text == DIRECT else re.sub(r"^socks5:", "socks5h:", text)


def _cookies(home: Path, accounts: Accounts) -> dict[str, Path]:
    """Platform → cookies.txt, relative paths from the home."""
    files = {"" if name == "cookies" else name: text for name, text in asdict(accounts).items()}
    return {name: home / Path(text).expanduser() for name, text in files.items() if text}


def _secret_values(variable: str, cookies: Mapping[str, Path], environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """What is withheld wherever it shows: the configured secrets, and the values of cookies long enough to be told."""
    given = [line.encode() for line in environment.get(variable, "").splitlines() if line]
    kept = {value for path in cookies.values() for _, value, _ in cookies_in(path) if len(value) >= 8}
    return (*given, *(text.encode() for text in sorted(kept)))
