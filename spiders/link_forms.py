"""A link taken apart, and the target that it names. What each platform's links look like is in its own `links.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs

from spiders.links import (
    LinkProblem,
    mask_userinfo,
    read_http,
    safe_split,
    scheme_of,
    with_slashes,
    without_dot_segments,
)

USUAL_PORTS = (None, 80, 443)
MISTYPED = "Check the link for missing or extra characters."
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Controls, and bytes of a command line that are no text."""
Row = tuple[str, str]
"""(pattern of a path, kind). The first row that fits the whole path names the kind."""


class Form(StrEnum):
    """How well the form of a link is known. It bounds what can be said of a capture of it."""

    KNOWN = "known"
    """A form of the platform's table that this release captures, or any page of a host that is no platform's."""
    UNKNOWN = "unknown"
    """On a platform's host, and not in its table."""
    NOT_CAPTURED = "not captured"
    """In the table, but this release keeps no more than the page."""
    NO_READER = "no reader"
    """On the host of a platform that this release does not read."""
    SHORT = "short link"
    """A link that only leads on: what it names is known once its host was asked."""
    MIRROR = "mirror"
    """A page that shows what a platform holds, on somebody else's host."""
    ARCHIVE = "archive"
    """A web archive's copy of a platform's page."""


@dataclass(frozen=True)
class Target:
    """What to capture. `url` is requested for pages and shown to people; `key` is equal for equal targets."""

    platform: str
    kind: str
    id: str
    url: str
    handle: str | None = None
    single: bool = False
    """Telegram `?single`: one member of an album, not the album."""
    form: Form = Form.KNOWN
    what: str | None = None
    """What people call it, where the form is known and more than its page cannot be kept: "a Space of X"."""
    mirror: str | None = None
    """The page of a mirror that was named in place of the platform's own link; asked only if the original is gone."""
    given: str | None = None
    """The text as it was given, where it was cleaned, unwrapped or led back from a mirror."""

    @property
    def key(self) -> str:
        """The target in one text: platform, kind and id."""
        single = "?single" if self.single else ""
        return f"{self.platform}:{self.kind}:{self.id}{single}"

    @property
    def link(self) -> str:
        """The text that gives this target again, mirror and literal included."""
        return self.given or self.url


@dataclass(frozen=True)
class NoTarget:
    """Why a text is not a link that can be captured, and what to do."""

    reason: str
    next_step: str


@dataclass(frozen=True)
class Link:
    """An http link as browsers ask for it: without `.` and `..` in its path.

    `host` in lower case, `path` without doubled slashes, the first value of each query field.
    """

    text: str
    host: str
    port: int | None
    path: str
    query: dict[str, str] = field(default_factory=dict)
    fragment: str = ""


def unreadable(text: str) -> NoTarget | None:
    """Return why no link of any form can be read from a text; None where there may be one."""
    if _UNPRINTABLE.search(text):
        return NoTarget("a control character in the link", "Copy the link again, in one line.")
    return None


def split_link(text: str) -> Link | NoTarget:
    """Split an http link into its parts, also one without its scheme. Total."""
    if (wrong := unreadable(text)) is not None:
        return wrong
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) and re.match(r"[^\s/]+\.[^\s/]{2,}(?:/|$|\?)", text):
        text = "https://" + text
    text = with_slashes(text)
    read = read_http(text)
    if read is LinkProblem.USERINFO or (read is LinkProblem.PORT and mask_userinfo(text) != text):
        return NoTarget("a name or password in the link", "Remove everything before the last @ of the link.")
    scheme = scheme_of(text)
    if scheme not in ("http", "https"):
        known = "Only http and https links, @names and tg: links can be captured."
        if scheme is None:
            return NoTarget("not a link: it has no https:// and is not an @name", known)
        return NoTarget(f"unknown scheme {scheme!r}", known)
    if any(c.isspace() for c in text):
        return NoTarget("a blank in the link", "Write %20 for each space, or give each link on its own.")
    parts = safe_split(text)
    if not parts.scheme:
        return NoTarget("not a link: its host cannot be read", MISTYPED)
    if isinstance(read, LinkProblem):
        return NoTarget(f"not a link: {read}", MISTYPED)
    # In ASCII, as it is looked up: `x%2ecom` and `𝐱.com` are x.com, and no page of somebody else's.
    host, port = read.host.rstrip("."), parts.port
    path = re.sub(r"/{2,}", "/", without_dot_segments(parts.path)) or "/"
    # Without an empty name before an @, so that one page has one link.
    text = f"{read.scheme}://{read.written_host}{read.written_port}{without_dot_segments(read.tail)}{read.fragment}"
    return Link(text, host, port, path, query_of(parts.query), parts.fragment)


def query_of(query: str) -> dict[str, str]:
    """Return the first value of each field of a query, also where it is empty."""
    return {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}


def first_match(rows: Sequence[Row], path: str, flags: re.RegexFlag = re.NOFLAG) -> tuple[str, dict[str, str]] | None:
    """Return the kind of the first row that fits the whole path, with the groups that are named and not empty."""
    for pattern, kind in rows:
        if match := re.fullmatch(pattern, path, flags):
            return kind, {key: value for key, value in match.groupdict().items() if value}
    return None


def mistyped(what: str, expected: str, found: str) -> NoTarget:
    """Refuse a link whose id is no id of its kind. It is never shortened to one: that would be another post's."""
    return NoTarget(f"not {what}: expected {expected}, found {found[:60]!r}", MISTYPED)


def number(text: str, most: int) -> int | None:
    """Return a number of ASCII digits from 1 to `most`; None for anything else."""
    if not re.fullmatch(r"[0-9]{1,30}", text):
        return None
    value = int(text)
    return value if 0 < value <= most else None


def no_text(text: str) -> Target | NoTarget | None:
    """Return None: the platform has no form of link but http links."""
    return None


def id_of(target: Target) -> str | None:
    """Return the id of the post that a target names, where parsers write it as the link does."""
    return target.id


@dataclass(frozen=True, kw_only=True)
class LinkForms:
    """How links of one platform look."""

    owns: Callable[[str], bool]
    """Whether a host is the platform's."""
    read: Callable[[Link], Target | NoTarget | None]
    """What a link on one of its hosts names; None: a form that its table does not know."""
    read_text: Callable[[str], Target | NoTarget | None] = no_text
    """What a text names that is no http link (`@name`); None: this is no such text."""
    bare: tuple[str, ...] = ()
    """Hosts that people write without `https://`, so that a list of links is read as they mean it."""
    post_id: Callable[[Target], str | None] = id_of
    """The id under which parsers know the post that a target names; None: it has none but its link."""
    tracking: str | None = None
    """Pattern of the query fields on its hosts that say who shared a link, and nothing of what it names."""
