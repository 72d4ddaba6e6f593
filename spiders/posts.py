"""The words every parser speaks. Pure values; unknown is None, never 0, "" or "deleted"."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from spiders.links import mask_userinfo


def _without_passwords(value: Any) -> Any:
    """What a page gives as links, without names and passwords: only its bytes, in the WARC, keep them.

    Texts with a blank in them are people's words, and stay.
    """
    if isinstance(value, str):
        return value if any(letter.isspace() for letter in value) else mask_userinfo(value)
    if isinstance(value, dict):
        return {key: _without_passwords(item) for key, item in value.items()}
    return type(value)(map(_without_passwords, value)) if type(value) in (list, tuple) else value


class Outcome(StrEnum):
    """How a capture, or anything discovered in it, ended. Always given with a reason."""

    CAPTURED = "captured"
    PARTIAL = "partial"
    UNAVAILABLE = "unavailable"
    """The platform itself says so, in a recorded answer."""
    REFUSED = "refused"
    """Login, geo-blocked, private."""
    BLOCKED = "blocked"
    """Rate limit, bot wall."""
    FAILED = "failed"
    """Ours: network, crash."""
    SKIPPED = "skipped"
    """By policy."""


class Availability(StrEnum):
    """Whether a thing is there, by the platform's own answer. `UNKNOWN` is a proper answer."""

    PRESENT = "present"
    UNAVAILABLE = "unavailable"
    PRIVATE = "private or login"
    WITHHELD = "geo-blocked or withheld"
    AGE_GATED = "age-gated"
    RATE_LIMITED = "rate-limited"
    BOT_WALL = "bot wall"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Absence:
    """What the platform's own answer says of a thing's presence.

    `kind`: as the platform words it ("account terminated"). `by`: who made it so, where the platform says it: "author",
    "platform". `said`: its literal words. `where`: countries, as the platform codes them.
    """

    state: Availability
    kind: str | None = None
    by: str | None = None
    said: str | None = None
    where: tuple[str, ...] = ()

    def line(self) -> dict[str, Any]:
        """Return the form in which it is listed, without the fields that say nothing."""
        parts = {"state": str(self.state), "kind": self.kind, "by": self.by, "said": self.said}
        return {name: value for name, value in {**parts, "where": list(self.where) or None}.items() if value}


@dataclass(frozen=True)
class Time:
    """A moment as a platform states it.

    `value` is UTC; None where the text does not determine it. `precision` is "second", "minute", "day", …
    """

    value: datetime | None
    precision: str | None
    zone_known: bool
    literal: str
    source: str
    earliest: datetime | None = None
    latest: datetime | None = None
    """Bounds, UTC, where the text says no more than "5 years ago" or a date without a zone."""

    def text(self) -> str | None:
        """Return `value` as ISO 8601 in UTC; None where it is unknown."""
        return None if self.value is None else _text(self.value)

    def line(self) -> dict[str, Any]:
        """Return the form in which it is listed; `earliest` and `latest` only where both are known."""
        line = {
            "value": self.text(),
            "precision": self.precision,
            "zone_known": self.zone_known,
            "literal": self.literal,
            "source": self.source,
        }
        if self.earliest is not None and self.latest is not None:
            line |= {"earliest": _text(self.earliest), "latest": _text(self.latest)}
        return line


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Attachment:
    """A photo, video, audio, document, poll or place of a post.

    `width`, `height` in pixels, `duration` in seconds, `size` in bytes, all as the platform states them. `reason`
    says why there is no `url`. `extra` has what has no field of its own.
    """

    kind: str
    url: str | None = None
    _: KW_ONLY
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    size: int | None = None
    file_name: str | None = None
    thumbnail: str | None = None
    post_id: str | None = None
    reason: str | None = None
    extract_from: str | None = None
    """The page that a media extractor takes the file from, where its own link is not to be had from the bytes."""
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("url", "thumbnail", "extract_from"):
            if (link := getattr(self, name)) is not None:
                object.__setattr__(self, name, mask_userinfo(link))
        object.__setattr__(self, "extra", _without_passwords(self.extra))

    def line(self) -> dict[str, Any]:
        """Return the form in which the line of its post lists it, `extra` among the fields."""
        names = (
            "kind",
            "url",
            "width",
            "height",
            "duration",
            "size",
            "file_name",
            "thumbnail",
            "post_id",
            "reason",
        )
        return {**{name: getattr(self, name) for name in names}, **self.extra}


COUNTS = ("views", "likes", "replies", "reposts", "quotes", "bookmarks")
"""Fields of a post that count what others did with it: they change without anybody having edited it."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """What a platform says a person published, as one set of bytes shows it."""

    platform: str
    id: str | None
    url: str | None = None
    author_handle: str | None = None
    author_name: str | None = None
    author_id: str | None = None
    published: Time | None = None
    title: str | None = None
    text: str | None = None
    lang: str | None = None
    attachments: tuple[Attachment, ...] = ()
    album_ids: tuple[str, ...] = ()
    reply_to: str | None = None
    forwarded_from: str | None = None
    quoted_id: str | None = None
    views: int | None = None
    likes: int | None = None
    replies: int | None = None
    reposts: int | None = None
    quotes: int | None = None
    bookmarks: int | None = None
    edited: bool | None = None
    edit_history_ids: tuple[str, ...] | None = None
    outcome: Outcome = Outcome.CAPTURED
    reason: str | None = None
    duration: float | None = None
    guessed: dict[str, Any] = field(default_factory=dict)
    """What the program guessed where the bytes do not state it: `published`, `author`, `title`, `text`, `charset`."""
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("url", "reply_to", "forwarded_from"):
            object.__setattr__(self, name, _without_passwords(getattr(self, name)))
        object.__setattr__(self, "extra", _without_passwords(self.extra))

    @property
    def lacks_only_extracts(self) -> bool:
        """Whether all that it lacks are files that a media extractor may still take from their pages."""
        lacking = [item for item in self.attachments if item.reason is not None]
        return (
            self.outcome is Outcome.PARTIAL
            and any(item.reason == self.reason for item in lacking)
            and all(item.extract_from is not None for item in lacking)
        )

    def line(self) -> dict[str, Any]:
        """Return one line of `archiver parse --json` and of posts.jsonl. null: the bytes do not say."""
        return {
            "platform": self.platform,
            "id": self.id,
            "url": self.url,
            "author_handle": self.author_handle,
            "author_name": self.author_name,
            "author_id": self.author_id,
            "published_at": self.published.text() if self.published else None,
            "title": self.title,
            "text": self.text,
            "lang": self.lang,
            "attachments": [item.line() for item in self.attachments],
            "album_ids": list(self.album_ids),
            "reply_to": self.reply_to,
            "forwarded_from": self.forwarded_from,
            "quoted_id": self.quoted_id,
            "views": self.views,
            "likes": self.likes,
            "replies": self.replies,
            "reposts": self.reposts,
            "quotes": self.quotes,
            "bookmarks": self.bookmarks,
            "edited": self.edited,
            "edit_history_ids": list(self.edit_history_ids) if self.edit_history_ids is not None else None,
            "outcome": str(self.outcome),
            "reason": self.reason,
            "duration": self.duration,
            "published": self.published.line() if self.published else None,
            **({"guessed": self.guessed} if self.guessed else {}),
            **self.extra,
        }


@dataclass(frozen=True)
class Census:
    """A count that does not come from the parser, and what the parser found."""

    marker: str
    raw: int
    parsed: int

    @property
    def agrees(self) -> bool:
        """Whether the parser found as many as were counted."""
        return self.raw == self.parsed

    def line(self) -> dict[str, Any]:
        """Return the inventory line of the census."""
        return {
            "kind": "census",
            "marker": self.marker,
            "raw": self.raw,
            "parsed": self.parsed,
            "agrees": self.agrees,
        }


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """What a parser made of some bytes: posts, or a typed reason; a census; where the page points next."""

    platform: str
    layout: str
    """Which shape was met, e.g. `telegram/preview`. `unknown` where none was recognised."""
    posts: tuple[Post, ...] = ()
    census: tuple[Census, ...] = ()
    older: str | None = None
    """Cursor of the next older page; None at the start of the history."""
    outcome: Outcome | None = None
    reason: str | None = None
    requisites: tuple[Attachment, ...] = ()
    """What the page needs to be shown: styles, scripts, images."""
    page: dict[str, Any] = field(default_factory=dict)
    """Facts about the page itself: channel, title, stated counts."""
    hints: dict[str, Any] = field(default_factory=dict, repr=False, metadata={"archiver": False})
    """What a spider needs to ask further: continuation tokens, script links. Not kept beside the WARC, not handed over."""
    parser: str = "1"
    """Version of the parser that read it."""
    absence: Absence | None = None
    """Whether what was asked for is there, where the answer says so itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "page", _without_passwords(self.page))
