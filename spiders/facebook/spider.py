"""Where to go on Facebook: the page, and where that is a wall, the embed that any site may show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import scrapy
from scrapy.http import Response
from twisted.python.failure import Failure

from spiders.facebook.names import asked_for, post_id
from spiders.facebook.parse import parse
from spiders.items import Seen, Verdict
from spiders.posts import Outcome, Parsed
from spiders.redirects import led_by
from spiders.target_spider import TargetSpider
from spiders.walls.pages import login_wall

PLUGINS = "https://www.facebook.com/plugins"
BEGINNINGS = ("facebook/head", "facebook/mobile")
"""Layouts that show less than the post: the embed is asked for as well."""


class FacebookPost(TargetSpider):
    """A spider for one public post or video; for a profile, its page as far as it is public.

    scrapy crawl facebook-post -a link=https://www.facebook.com/name/posts/123
    """

    name = "facebook-post"

    def __init__(self, *arguments: Any, cookies: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        """`cookies`: the person's own account's; without them most of Facebook is a login wall."""
        super().__init__(*arguments, **kwargs)
        self._cookies = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
        self._first: Seen | None = None

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for the page itself, with the person's cookies where there are any."""
        headers = {"Cookie": self._cookies} if self._cookies else {}
        meta: dict[str, Any] = {"tag": "page"}
        if self.target.kind == "share link":  # which post it shares is known once Facebook was asked
            meta["recognise"] = self.target
        yield scrapy.Request(self.target.url, self.page, headers=headers, meta=meta, dont_filter=True)

    def page(self, response: Response) -> Iterator[Any]:
        """Read the page; where it does not show the whole post, ask for its embed. A profile has none."""
        if (led := led_by(response)) is not None:
            yield led
            return
        parsed = parse(response.body, response.url)
        if login_wall(response.url) and not parsed.posts:
            parsed = replace(parsed, outcome=Outcome.REFUSED, reason=f"led to a login page: {response.url}")
        whole = bool(parsed.posts) and parsed.layout not in BEGINNINGS
        profile = self.target.kind == "profile"
        wanted = None if profile else self._wanted(parsed, response.url)
        seen = Seen("page", "page", response.url, parsed, wanted, final=whole)
        if profile:
            yield seen
            yield _of_profile(parsed)
            return
        if whole:
            yield seen
            yield from _doubt(parsed, wanted)
            return
        self._first = seen
        plugin = "video" if self.target.kind == "video" else "post"
        url = f"{PLUGINS}/{plugin}.php?href={quote(self.target.url, safe='')}&show_text=true&width=500"
        yield scrapy.Request(url, self.embed, errback=self.without_embed, meta={"tag": "embed"}, dont_filter=True)

    def embed(self, response: Response) -> Iterator[Any]:
        """Read what Facebook shows of the post to any site that embeds it."""
        parsed = parse(response.body, response.url)
        wanted = self._wanted(parsed, response.url)
        yield Seen("embed", "embed", response.url, parsed, wanted, final=bool(parsed.posts))
        first = self._first
        assert first is not None
        if parsed.posts:
            # What the page's head cuts is here whole, under another name maybe: the beginning is not a second target.
            yield replace(first, wanted=frozenset())
            yield from _doubt(parsed, wanted)
            return
        yield first
        if first.parsed.posts:
            yield Verdict(Outcome.PARTIAL, first.parsed.posts[0].reason or "only the page's head shows the post")
        else:
            said = parsed if parsed.outcome is Outcome.UNAVAILABLE else first.parsed
            yield Verdict(said.outcome or Outcome.PARTIAL, said.reason or "no post in the answer")

    def without_embed(self, _: Failure) -> Iterator[Any]:
        """Report what the page showed, where nothing answered for its embed."""
        first = self._first
        assert first is not None
        yield first
        said = first.parsed
        reason = said.posts[0].reason if said.posts else said.reason
        yield Verdict(said.outcome or Outcome.PARTIAL, reason or "no post in the answer")

    def _wanted(self, parsed: Parsed, url: str) -> frozenset[str] | None:
        """The post that was asked for, with what it shares; None where it cannot be told, and all are kept.

        `url`: where a share link has led, which names the post in another way.
        """
        return asked_for(parsed.posts, {self.target.id, post_id(self.target.url), post_id(url)} - {None})


def _doubt(parsed: Parsed, wanted: frozenset[str] | None) -> Iterator[Verdict]:
    if wanted is None:
        many = f"the page shows {len(parsed.posts)} posts, and none of them has the name that the link gives"
        yield Verdict(Outcome.PARTIAL, f"{many}: all are kept, and which one is meant is not known")


def _of_profile(parsed: Parsed) -> Verdict:
    if not parsed.posts:
        return Verdict(parsed.outcome or Outcome.PARTIAL, parsed.reason or "no post in the answer")
    return Verdict(
        Outcome.PARTIAL, f"Facebook's page of a profile shows only some of its posts: {len(parsed.posts)} kept"
    )
