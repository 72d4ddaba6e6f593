"""Where to go on Facebook: the page, and where that is a wall, the embed that any site may show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import scrapy
from scrapy.http import Response

from spiders.facebook.parse import parse
from spiders.items import Seen, Verdict
from spiders.posts import Outcome, Parsed
from spiders.redirects import led_by
from spiders.target_spider import TargetSpider
from spiders.walls.pages import login_wall

PLUGINS = "https://www.facebook.com/plugins"


class FacebookPost(TargetSpider):
    """A spider for one public post or video; for a profile, its page as far as it is public.

    scrapy crawl facebook-post -a link=https://www.facebook.com/name/posts/123
    """

    name = "facebook-post"

    def __init__(self, *arguments: Any, cookies: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        """`cookies`: the person's own account's; without them most of Facebook is a login wall."""
        super().__init__(*arguments, **kwargs)
        self._cookies = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
        self._first: Parsed | None = None

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
        whole = bool(parsed.posts) and parsed.layout != "facebook/head"
        yield Seen("page", "page", response.url, parsed, self._wanted(parsed), final=whole)
        if whole:
            return
        if self.target.kind == "profile":
            yield Verdict(parsed.outcome or Outcome.PARTIAL, parsed.reason or "no post in the answer")
            return
        self._first = parsed
        plugin = "video" if self.target.kind == "video" else "post"
        url = f"{PLUGINS}/{plugin}.php?href={quote(self.target.url, safe='')}&show_text=true&width=500"
        yield scrapy.Request(url, self.embed, meta={"tag": "embed"}, dont_filter=True)

    def embed(self, response: Response) -> Iterator[Any]:
        """Read what Facebook shows of the post to any site that embeds it."""
        parsed = parse(response.body, response.url)
        yield Seen("embed", "embed", response.url, parsed, self._wanted(parsed), final=bool(parsed.posts))
        first = self._first
        if not parsed.posts and first is not None:
            if first.posts:
                yield Verdict(Outcome.PARTIAL, first.posts[0].reason or "only the page's head shows the post")
            else:
                said = parsed if parsed.outcome is Outcome.UNAVAILABLE else first
                yield Verdict(said.outcome or Outcome.PARTIAL, said.reason or "no post in the answer")

    def _wanted(self, parsed: Parsed) -> frozenset[str]:
        """The post that was asked for. Facebook writes one id in two ways, so a single post on its own page is it."""
        ids = [post.id for post in parsed.posts if post.id]
        return frozenset(ids if len(ids) == 1 else [item for item in ids if item == self.target.id])
