"""What a person asks of a capture beside the link, what they are told of it, and what made it."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from archiver import __version__
from spiders.posts import Outcome
from spiders.targets import Target

PART_BYTES = 10**9
PART_POSTS = 1000
PART_SECONDS = 900.0


@dataclass(frozen=True)
class Options:
    """What a person asked for beside the link."""

    cases: tuple[str, ...] = ("inbox",)
    media: bool = True
    comments: bool = False
    quick: bool = False
    """Only what vanishes first: post and media, no comments, captions or files of the page around them."""
    screenshot: bool = False
    """A picture of the page as a browser shows it."""
    merge: bool = False
    """Put separate video and audio together, as a conversion beside them."""
    media_reason: str = "left out as asked (--no-media)"
    extras_only: bool = False
    """The second pass of `quick`: the media were kept in the first."""
    follow: bool = False
    """Capture posts and videos elsewhere that a page embeds or links to."""
    account: str | None = None
    """The Telegram account by which Telegram is asked; None asks its public pages."""
    oldest_first: bool = False
    """Walk a history from its beginning."""
    holes: bool = False
    """Ask for each id that a channel's pages leave out."""
    second_exit: bool = False
    """Go out by `[sites] second_proxy`."""
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    part_posts: int = PART_POSTS
    part_bytes: int = PART_BYTES
    part_seconds: float = PART_SECONDS


@dataclass
class Result:
    """What a person is told of one capture."""

    capture: str
    run: str
    part: int
    target: Target
    outcome: Outcome
    reason: str | None
    folder: Path
    posts: int
    kept: dict[str, int]
    """How many of each kind were kept."""
    not_kept: list[dict[str, Any]]
    stored_bytes: int
    seq: int | None
    test_routes: bool
    found: list[Target] = field(default_factory=list)
    """What it names that can be captured on its own."""
    walk_ended: bool = True
    part_full: bool = False
    warnings: list[str] = field(default_factory=list)


@lru_cache(maxsize=1)
def software() -> dict[str, Any]:
    """What made a capture, for its manifest."""
    from importlib.metadata import PackageNotFoundError, version

    libraries = {}
    for name in (
        "scrapy",
        "lxml",
        "cryptography",
        "pyopenssl",
        "warcio",
        "isal",
        "trafilatura",
        "pyrage",
        "yt-dlp",
        "telethon",
        "cryptg",
    ):
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            libraries[name] = "unknown"
    return {
        "name": "archiver",
        "version": __version__,
        "python": platform.python_version(),
        "libraries": libraries,
    }
