"""Where to go on YouTube for lists: a channel's tabs and feed, a playlist. Each video is then captured on its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import scrapy
from scrapy.http import Response

from spiders.items import Counted, Noted, Reached, Seen, Verdict
from spiders.posts import Outcome, Parsed
from spiders.target_spider import WalkSpider, flag
from spiders.youtube.parse import parse
from spiders.youtube.video_spider import CONSENT, HOST, api_call

TABS = ("videos", "shorts", "streams")


class YouTubeList(WalkSpider):
    """A spider for a channel (videos, shorts, streams, feed) or a playlist, in YouTube's own order.

    scrapy crawl youtube-list -a link=https://www.youtube.com/@name
    """

    name = "youtube-list"

    def __init__(
        self,
        *arguments: Any,
        clock: Callable[[], datetime] | None = None,
        limited: bool | str = False,
        **kwargs: Any,
    ) -> None:
        """`cursor`: JSON of the tab, how many videos were listed so far, and YouTube's own continuation token."""
        super().__init__(*arguments, **kwargs)
        self._clock, self._limited = clock, flag(limited)
        self._tabs = TABS if self.target.kind == "channel" else ("list",)
        at: dict[str, Any] = json.loads(self._cursor) if self._cursor else {}
        self._tab: str = at.get("tab", self._tabs[0])
        self._token: str | None = at.get("token")
        self._listed: int = at.get("listed", 0)
        self._stated: int | None = at.get("stated")
        self._channel: str | None = at.get("channel")
        self._config: dict[str, Any] = {}
        self._pages = 0
        self._ids: set[str] = set()

    def _place(self) -> str:
        """The cursor of where the walk stands."""
        where = {"tab": self._tab, "token": self._token, "listed": self._listed, "stated": self._stated}
        return json.dumps({**where, "channel": self._channel})

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for the first page, or for the one at the cursor."""
        yield self._next()

    def _next(self) -> scrapy.Request:
        self._pages += 1
        tag = f"page {self._pages}"
        if self._token is not None:
            return api_call(self._config, "browse", self._token, self.page, tag)
        if self._tab == "feed":
            url = f"{HOST}/feeds/videos.xml?channel_id={self._channel}"
            return scrapy.Request(url, self.feed, meta={"tag": "feed"}, dont_filter=True)
        base = self.target.url.rstrip("/")
        url = base if self._tab == "list" else f"{_channel_url(base)}/{self._tab}"
        return scrapy.Request(url, self.page, headers={"Cookie": CONSENT}, meta={"tag": tag}, dont_filter=True)

    def page(self, response: Response) -> Iterator[Any]:
        """Read a page of a list, and ask for the next one, the next tab or the feed."""
        parsed = parse(response.body, response.url, self._clock() if self._clock else None)
        tag = response.meta["tag"]
        first = self._token is None
        self._config = {name: value for name, value in parsed.hints.items() if value} or self._config
        shown = parsed.page.get("tab")
        if first and self._tab != "list" and shown is not None and shown != self._tab and not parsed.outcome:
            bare = replace(parsed, posts=(), census=())
            yield Seen(tag, tag, response.url, bare, frozenset(), final=tag == "page 1")
            yield Noted(f"tab {self._tab}", "tab", Outcome.SKIPPED, f"the channel has no tab {self._tab!r}")
            yield from self._turn(None)
            return
        wanted = frozenset(post.id for post in parsed.posts if post.id and self._span.may_hold(post.published))
        final = tag == "page 1"
        yield Seen(tag, tag, response.url, parsed, wanted, final=final, apart=True, needed=True)
        if response.status != 200 or (parsed.outcome is not None and not parsed.posts):
            if first and not final:
                yield Noted(f"tab {self._tab}", "tab", Outcome.PARTIAL, parsed.reason or f"HTTP {response.status}")
            return
        ids = {post.id for post in parsed.posts if post.id}
        new = ids - self._ids
        self._ids |= ids
        self._listed += len(new)
        self._channel = self._channel or parsed.page.get("channel_id")
        self._stated = parsed.page.get("stated_videos", self._stated)
        older = None if self._past_range(parsed) else parsed.older
        if older is not None and (older == self._token or not new):
            yield Verdict(Outcome.PARTIAL, f"{self._tab}: the next page repeats this one: the crawl would not end")
            return
        yield from self._turn(older)

    def _turn(self, token: str | None) -> Iterator[Any]:
        """The next page of this tab, or the next tab, or the feed, or the end."""
        self._token = token
        if token is None:
            order = [*self._tabs, "feed"] if self._channel and self.target.kind == "channel" else list(self._tabs)
            position = order.index(self._tab) + 1 if self._tab in order else len(order)
            if position >= len(order):
                yield from self._end()
                return
            self._tab = order[position]
        yield Reached(self._place())
        if not self._enough():
            yield self._next()

    def feed(self, response: Response) -> Iterator[Any]:
        """Read the feed: the fifteen newest with exact times. Videos that no tab lists are found here."""
        parsed = parse(response.body, response.url)
        wanted = frozenset(post.id for post in parsed.posts if post.id and self._span.may_hold(post.published))
        if response.status == 404:
            parsed = replace(parsed, outcome=Outcome.SKIPPED, reason="the channel has no feed", posts=())
        yield Seen("feed", "feed", response.url, parsed, wanted, apart=True, final=self._pages == 1)
        yield from self._end()

    def _end(self) -> Iterator[Any]:
        whole = self._span.open and not self._limited
        if whole and self._stated is not None:
            yield Counted(f"videos of the {self.target.kind}", self._stated, self._listed)
        yield Reached(None)

    def _past_range(self, parsed: Parsed) -> bool:
        """Whether everything on the page is older than the range. Playlists have an order of their own."""
        return self._tab != "list" and self._span.is_past(post.published for post in parsed.posts)


def _channel_url(url: str) -> str:
    """The channel's own link without the tab that was asked for."""
    for name in ("videos", "shorts", "streams", "playlists", "community", "featured", "about", "posts"):
        url = url.removesuffix(f"/{name}")
    return url
