"""Which destinations there are: `[copies]` and `[[copies.destination]]` of archiver.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import asdict

from archiver.errors import ConfigError
from archiver.home.config_file import checked
from archiver.home.config_schema import BUCKET, LOOPBACK, Copies, CopiesDestination


@dataclass(frozen=True)
class Destination:
    """One place for copies."""

    name: str
    where: str
    """A folder, or `s3://bucket` or `s3://bucket/prefix`."""
    own: bool = False
    """Whether the place is one's own. Else everything is encrypted before it leaves, and named by a key of ours."""
    endpoint: str = field(repr=False, default="")
    region: str = ""
    profile: str = ""
    sse: str = ""
    kms_key: str = ""
    proxy: str = field(repr=False, default="")
    direct: bool = False
    """Whether the provider may see this machine's address though captures go out by a proxy."""

    @property
    def bucket(self) -> tuple[str, str] | None:
        """Bucket and prefix (with its slash, or empty), or None for a folder."""
        match = BUCKET.fullmatch(self.where)
        return (match[1], f"{match[2]}/" if match[2] else "") if match else None

    @property
    def on_loopback(self) -> bool:
        """Whether the store is on this machine, so that nobody sees its address."""
        return urlsplit(self.endpoint).hostname in LOOPBACK


@dataclass(frozen=True)
class CopiesConfig:
    """Settings of copies.

    `bandwidth`: bytes a second, None for no limit. `days`: how long locks last, from the day of triage.
    """

    destinations: tuple[Destination, ...]
    after_captures: bool
    bandwidth: int | None
    days: int


def destination(given: Mapping[str, Any]) -> Destination:
    """Make a destination that a command line names, by the rules of the settings. Raises `ConfigError`."""
    return Destination(**asdict(checked(given, CopiesDestination)))


def copies(table: Copies) -> CopiesConfig:
    """Convert `[copies]` into what the program uses.

    `second`, which the first run writes, becomes a destination.
    """
    second = (Destination("second", table.second),) if table.second else ()
    others = (Destination(**asdict(one)) for one in table.destination)
    return CopiesConfig((*second, *others), table.after_captures, table.bandwidth or None, table.lock_days)


def refuse_to_show_our_address(one: Destination, sites_proxy: str | None) -> None:
    """Refuse to copy past the proxy by which captures go out, unless the settings say so.

    Raises `ConfigError`.
    """
    if one.bucket and sites_proxy and not (one.proxy or one.direct or one.on_loopback):
        raise ConfigError(
            f"how to reach {one.name} while captures connect through a proxy",
            "neither `proxy` nor `direct`",
            'Give it proxy = "http://…", or direct = true: its provider then sees this machine\'s address.',
        )


def folder_of(one: Destination, home: Path) -> Path:
    """Return the folder of a destination that is a folder. A relative path counts from the home."""
    return home / Path(one.where).expanduser()
