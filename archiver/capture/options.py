"""What a person asks of a capture beside the link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PART_BYTES = 10**9
PART_POSTS = 1000
PART_SECONDS = 900.0


@dataclass(frozen=True)
class CaptureOptions:
    """Options that a person gave beside the link."""

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
    page_media: bool = False
    """The second pass of `quick`, where media are wanted: what an extractor finds on a page was left to it."""
    follow: bool = False
    """Capture posts and videos elsewhere that a page embeds or links to."""
    account: str | None = None
    """The Telegram account by which Telegram is asked; None asks its public pages."""
    oldest_first: bool = False
    """Walk a history from its beginning."""
    holes: bool = False
    """Ask for each id that a channel's pages leave out."""
    second_proxy: bool = False
    """Connect by `[sites] second_proxy`."""
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    part_posts: int = PART_POSTS
    part_bytes: int = PART_BYTES
    part_seconds: float = PART_SECONDS
