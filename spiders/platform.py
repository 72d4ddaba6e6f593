"""What is known of a platform before it is asked anything: its links, its answers, its promise, its wordings.

Values only. What is heavy (spiders, parsers) is named as "module:name" and imported by who runs it, so that recognising a
link costs no start-up time. A new platform is a folder with such a value, and one line in `spiders/platforms.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

from spiders.availability import Wordings
from spiders.link_forms import LinkForms

Named = str
"""Something that is imported when it is needed: "spiders.x.post_spider:XPost"."""


def imported(named: Named) -> Any:
    """Import the object that a row of the table names as "module:name"."""
    module, _, name = named.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class SpiderUse:
    """A spider, and which of the settings of a capture it takes.

    On offer: `comments`, `holes`, `quick`, `follow`, `limited`, `thread`, `clock`, `cookies`, `query_ids`, `features`,
    `enough`, and in a walk `cursor`, `since`, `until`.
    """

    spider: Named
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WalkUse:
    """A walk of a kind of target. `called`: what people call what is walked."""

    called: str
    use: SpiderUse


class Needed(StrEnum):
    """Something that a link of a kind promises. `captured` is said where each of them is there, and not before."""

    DOCUMENT = "document"
    ARTICLE = "article"
    POST = "post"
    END = "end"
    FILES = "files"
    PARTS = "parts"
    COUNTS = "counts"
    SHOWN_WITH = "shown with"


NEEDED_MEANS: Mapping[Needed, str] = {
    Needed.DOCUMENT: "its own document, to the last byte",
    Needed.ARTICLE: "the article, where the page says that it is one",
    Needed.POST: "the post or video that the link names",
    Needed.END: "the list to its end, or to the bounds that were given",
    Needed.FILES: "every file of its posts",
    Needed.PARTS: "the comments, replies and further pages that were asked for",
    Needed.COUNTS: "as many things as the bytes and the platform state",
    Needed.SHOWN_WITH: "the styles, scripts and pictures that it is shown with",
}
ONE_POST = (Needed.POST, Needed.FILES, Needed.PARTS, Needed.COUNTS, Needed.SHOWN_WITH)
A_LIST = (Needed.END, Needed.FILES, Needed.PARTS, Needed.COUNTS, Needed.SHOWN_WITH)
A_PAGE = (Needed.DOCUMENT, Needed.ARTICLE, Needed.FILES, Needed.PARTS, Needed.COUNTS, Needed.SHOWN_WITH)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of target of a platform, and how it can be captured. Without any way it is only recognised."""

    needs: tuple[Needed, ...] = ONE_POST
    """What must be there, so that a capture of one is whole."""
    walk_needs: tuple[Needed, ...] = A_LIST
    """What must be there, so that a walk of one is whole."""
    capture: SpiderUse | None = None
    walk: WalkUse | None = None
    account: bool = False
    """An account can capture one."""
    account_walk: str | None = None
    """What people call what an account walks; None: nothing to walk."""
    embeddable: bool = False
    """One thing that other pages embed or quote: a page's links to it are followed on request."""
    members_only: bool = False
    """Nothing that a browser without the account could show."""
    list_skips: bool = False
    """In a list of links it is not even tried: it is walked, and by a command of its own."""
    extractor: bool = False
    """Its media are taken by the media extractor, which is made ready when many of them are asked for."""

    def promised(self, walk: bool = False) -> tuple[Needed, ...]:
        """Return what must be there, so that a capture of one, or a part of a walk, is whole."""
        names_one = self.capture is not None or self.account
        return self.needs if names_one and not walk else self.walk_needs


RECOGNISED_ONLY = Kind()


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What `captured` says of a target of the platform, so that a verdict can be found without knowing the platform."""

    first_tags: tuple[str, ...]
    """Tags of the requests that ask for the target itself, the most telling first."""
    told: frozenset[str] = frozenset()
    """Kinds of attachments that are told in the page or message itself and have no file."""
    whole_layouts: frozenset[str] = frozenset()
    """Layouts that give whole posts; any other one that is met is drift, or a wall."""
    post_word: str = "post"
    """What a post of it is called in the inventory."""
    extractor_despite_wall: bool = False
    """Where the page meets a wall, the media extractor asks in another way and may still reach the file."""
    second_pass: bool = False
    """A second pass over a list finds more: captions, comments, threads, a page's own files."""
    server_speaks: bool = False
    """Each server speaks for itself, without an `absence` of its own: only a page of the same server is a control."""


class Trust(StrEnum):
    """When a platform's marks in a body count."""

    OVER_HOST = "whatever the host"
    WITHOUT_HOST = "where no host is known"
    LAST = "where neither the host nor the shape of JSON told"


@dataclass(frozen=True, kw_only=True)
class BodyMarks:
    """Bytes by which a body shows whose it is. `within`: how many bytes from its beginning are searched."""

    trust: Trust
    literals: tuple[bytes, ...] = ()
    pattern: re.Pattern[bytes] | None = None
    begins: tuple[bytes, ...] = ()
    within: int | None = None

    def are_in(self, data: bytes) -> bool:
        """Return whether one of the marks is in the body."""
        start = data if self.within is None else data[: self.within]
        if any(mark in start for mark in self.literals):
            return True
        if self.pattern is not None and self.pattern.search(start):
            return True
        return bool(self.begins) and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(self.begins)


@dataclass(frozen=True)
class ParserUse:
    """A parser of bytes and their link, and what else it takes: `content_type`, `observed`."""

    parser: Named
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlatformAnswers:
    """How answers of a platform are told from those of others, and what reads them."""

    parse: ParserUse
    hosts: frozenset[str] = frozenset()
    marks: BodyMarks | None = None
    is_json: Named | None = None
    """Whether a JSON value without its link has one of the platform's shapes."""
    parse_json: ParserUse | None = None
    """What reads such a value; None: `parse`."""
    objects_urn: str | None = None
    """How the addresses begin of objects that were kept one each."""
    parse_objects: Named | None = None
    """What reads those of one file together, since who is who stands in objects of its own."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform: one line of `spiders/platforms.py`."""

    name: str
    title: str
    """As people call it."""
    links: LinkForms
    kinds: Mapping[str, Kind]
    promise: Promise
    answers: PlatformAnswers
    wordings: tuple[Wordings, ...]
    """How it says that something is not to be had, each with its source."""
    cookies_of: str | None = None
    """The domain whose cookies of the person's own account its spiders send."""
    known_post: str | None = None
    """A public post that has stood for years: what a look at the platform asks for."""

    def kind(self, name: str) -> Kind:
        """Return the row of a kind of target; one without a row is only recognised."""
        return self.kinds.get(name, RECOGNISED_ONLY)

    @property
    def by_account(self) -> bool:
        """Whether the program can ask it through one of the person's accounts."""
        return any(kind.account or kind.account_walk for kind in self.kinds.values())
