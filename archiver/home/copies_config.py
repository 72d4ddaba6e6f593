"""Which destinations there are: `[copies]` and `[[copies.destination]]` of archiver.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archiver.errors import ConfigError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,62})(?:/([A-Za-z0-9_][A-Za-z0-9._/=-]*?))?/?")
_SSE = ("", "AES256", "aws:kms")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Destination:
    """One place for copies."""

    name: str
    where: str
    """A folder, or `s3://bucket` or `s3://bucket/prefix`."""
    own: bool = False
    """Whether the place is one's own. Else everything is encrypted before it leaves, and named by a key of ours."""
    endpoint: str = ""
    region: str = ""
    profile: str = ""
    sse: str = ""
    kms_key: str = ""
    proxy: str = ""
    direct: bool = False
    """Whether the provider may see this machine's address though captures go out by a proxy."""

    @property
    def bucket(self) -> tuple[str, str] | None:
        """(bucket, prefix with its slash or empty), or None for a folder."""
        match = _BUCKET.fullmatch(self.where)
        return (match[1], f"{match[2]}/" if match[2] else "") if match else None

    @property
    def on_loopback(self) -> bool:
        return urlsplit(self.endpoint).hostname in _LOOPBACK


@dataclass(frozen=True)
class CopiesConfig:
    """`bandwidth`: bytes a second, None for no limit. `days`: how long locks last, from the day of triage."""

    destinations: tuple[Destination, ...] = ()
    after_captures: bool = True
    bandwidth: int | None = None
    days: int = 3650


def destination(item: dict[str, Any]) -> Destination:
    """Read one `[[copies.destination]]` of the settings. Raises `ConfigError`."""
    texts = ("name", "where", "endpoint", "region", "profile", "sse", "kms_key", "proxy")
    unknown = set(item) - {*texts, "own", "direct"}
    if unknown:
        raise ConfigError(f"settings of a destination: {', '.join((*texts, 'own', 'direct'))}", sorted(unknown)[0], FIX)
    made = Destination(
        **{name: str(item.get(name, "")) for name in texts},
        own=item.get("own", False) is True,
        direct=item.get("direct", False) is True,
    )
    if not _NAME.fullmatch(made.name):
        raise ConfigError("a short name of a destination, like archive", repr(made.name), FIX)
    if not made.where or (made.where.startswith("s3:") and made.bucket is None):
        raise ConfigError("`where` of a destination: a folder, or s3://bucket/prefix", repr(made.where), FIX)
    if made.sse not in _SSE:
        raise ConfigError("`sse` of a destination: AES256, aws:kms or nothing", repr(made.sse), FIX)
    if made.endpoint and not (made.endpoint.startswith("https://") or made.on_loopback):
        raise ConfigError(f"an endpoint with https for {made.name}", repr(made.endpoint), FIX)
    if made.proxy and not re.fullmatch(r"https?://[^/\s]+", made.proxy):
        raise ConfigError(f"an http proxy for {made.name}", "another form", "S3 goes through http proxies only.")
    return made


def copies(table: dict[str, Any]) -> CopiesConfig:
    """Read `[copies]` of the settings; `second`, which the first run writes, is a destination. Raises `ConfigError`."""
    items = list(table.get("destination", []))
    if table.get("second"):
        items.insert(0, {"name": "second", "where": table["second"]})
    found: list[Destination] = []
    for item in items:
        one = destination(item)
        if any(one.name == other.name or one.where == other.where for other in found):
            raise ConfigError("destinations with names and places of their own", f"{one.name!r} twice", FIX)
        found.append(one)
    return CopiesConfig(
        tuple(found),
        bool(table.get("after_captures", True)),
        int(table.get("bandwidth", 0)) or None,
        max(1, int(table.get("lock_days", 3650))),
    )


def refuse_to_show_our_address(one: Destination, sites_proxy: str | None) -> None:
    """Captures go out by a proxy; then copies do not go past it unless somebody said so. Raises `ConfigError`."""
    if one.bucket and sites_proxy and not (one.proxy or one.direct or one.on_loopback):
        raise ConfigError(
            f"how to reach {one.name} while captures go out by a proxy",
            "neither `proxy` nor `direct`",
            'Give it proxy = "http://…", or direct = true: its provider then sees this machine\'s address.',
        )


def folder_of(one: Destination, home: Path) -> Path:
    """The folder of a destination that is one, relative paths from the home."""
    return home / Path(one.where).expanduser()


FIX = "Correct [[copies.destination]] in archiver.toml."
