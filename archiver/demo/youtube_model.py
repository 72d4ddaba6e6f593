"""What the miniature YouTube holds: its hosts, videos, formats and comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

HOSTS = ("www.youtube.com", "youtube.com", "m.youtube.com", "youtu.be", "youtubei.googleapis.com")
VIDEO_HOST = "rr1---sn-demo.googlevideo.com"
MANIFEST_HOST = "manifest.googlevideo.com"
IMAGE_HOST = "i.ytimg.com"
MODIFIED = "Wed, 05 Jan 2022 12:10:00 GMT"


@dataclass
class Format:
    itag: int
    mime: str
    body: bytes
    width: int | None = None
    height: int | None = None
    merged: bool = False
    repeat: int = 1
    """The file is the body so many times over: large files without large memory."""

    @property
    def size(self) -> int:
        return len(self.body) * self.repeat

    def span(self, start: int, end: int) -> bytes:
        """Bytes `start` to `end`, both included."""
        unit = len(self.body)
        first, last = start // unit, end // unit
        return (self.body * (last - first + 1))[start - first * unit : end - first * unit + 1]


@dataclass
class Comment:
    id: str
    handle: str
    text: str
    said: str = "2 years ago"
    likes: str = "3"
    replies: list[Comment] = field(default_factory=list)
    pinned: bool = False
    creator: bool = False


@dataclass
class Video:
    id: str
    title: str
    about: str
    published: datetime
    seconds: int
    formats: list[Format] = field(default_factory=list)
    captions: dict[str, str] = field(default_factory=dict)
    """Language → WebVTT; a name that ends in `-auto` is an automatic track."""
    comments: list[Comment] = field(default_factory=list)
    chat: list[tuple[int, str, str]] = field(default_factory=list)
    """(milliseconds into the video, author, text)"""
    status: str = "OK"
    reason: str | None = None
    details: bool = True
    """Whether the answer describes the video although it cannot be played."""
    live: bool = False
    segments: list[bytes] = field(default_factory=list)
    """Fragments of a stream; `shown` says how many the playlist names by now."""
    shown: int | None = None
    ended: bool = True
    scheduled: datetime | None = None
    tab: str | None = "videos"
    """Which tab of the channel lists it: videos, shorts, streams; None: none does."""


class YouTubeChannel(Protocol):
    """The channel whose videos are listed."""

    @property
    def channel_id(self) -> str: ...

    @property
    def channel(self) -> str:
        """Its name, as people read it."""

    @property
    def handle(self) -> str: ...

    @property
    def videos(self) -> Mapping[str, Video]:
        """Id → video, in the order in which lists name them."""
