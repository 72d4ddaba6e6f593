"""Where to go on Telegram's web view. What the bytes mean is `parse`'s business."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from typing import Any

import scrapy
from scrapy.http import Response

from spiders.items import Reached, Seen, Verdict
from spiders.posts import Outcome, Parsed
from spiders.targets import Target, given
from spiders.telegram.parse import parse


class TelegramPost(scrapy.Spider):
    """One public post by its embed; where that shows nothing, the channel's page around it, as a control.

    scrapy crawl telegram-post -a link=https://t.me/durov/523
    """

    name = "telegram-post"

    def __init__(self, link: str = "", target: Target | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = given(link, target)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        handle, number = self.target.handle, self.target.id.rpartition("/")[2]
        single = "&single" if self.target.single else ""
        url = f"https://t.me/{handle}/{number}?embed=1&mode=tme{single}"
        yield scrapy.Request(url, self.embed, meta={"tag": "embed"}, dont_filter=True)

    def embed(self, response: Response) -> Iterator[Any]:
        parsed = read(response)
        wanted = self._wanted(parsed)
        found = bool(wanted)
        yield Seen("embed", "embed", response.url, parsed, frozenset(wanted), final=found)
        if not found and response.status == 200:
            handle, number = self.target.handle, self.target.id.rpartition("/")[2]
            url = f"https://t.me/s/{handle}/{number}"
            yield scrapy.Request(url, self.around, meta={"tag": "around", "first": parsed}, dont_filter=True)

    def around(self, response: Response) -> Iterator[Any]:
        """The channel's page at that id: shows the post after all, or that others are there and it is not."""
        first: Parsed = response.meta["first"]
        parsed = read(response)
        wanted = self._wanted(parsed)
        yield Seen("around", "around", response.url, parsed, frozenset(wanted), final=bool(wanted))
        if wanted:
            return
        if parsed.posts and first.outcome is Outcome.UNAVAILABLE:
            control = f"{len(parsed.posts)} other posts of the channel were answered in the same run"
            yield Verdict(Outcome.UNAVAILABLE, f"{first.reason} ({control})")
        elif first.outcome is not None:
            yield Verdict(first.outcome, first.reason or "no post in the answer")
        else:
            yield Verdict(Outcome.PARTIAL, "no post in the answer")

    def _wanted(self, parsed: Parsed) -> list[str]:
        """Ids of the posts that are the target: the post, or the album it belongs to."""
        number = self.target.id.rpartition("/")[2]
        return [
            post.id
            for post in parsed.posts
            if post.id
            and (post.id.lower() == self.target.id or number in post.album_ids)
            and _same_channel(post.id, self.target)
        ]


class TelegramChannel(scrapy.Spider):
    """A channel's public page, newest first, by `?before=`.

    scrapy crawl telegram-channel -a link=https://t.me/s/durov
    """

    name = "telegram-channel"

    def __init__(
        self,
        link: str = "",
        target: Target | None = None,
        cursor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        enough: Callable[[], bool] = lambda: False,
        **kwargs: Any,
    ) -> None:
        """`cursor`: where to go on. `enough`: asked after each page whether to pause here."""
        super().__init__(**kwargs)
        self.target = given(link, target)
        self._cursor, self._since, self._until, self._enough = cursor, since, until, enough
        self._pages = 0

    def _page(self, cursor: str | None) -> scrapy.Request:
        url = f"https://t.me/s/{self.target.handle}" + (f"?before={cursor}" if cursor else "")
        self._pages += 1
        tag = f"page {self._pages}"
        return scrapy.Request(url, self.page, meta={"tag": tag, "cursor": cursor}, dont_filter=True)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        yield self._page(self._cursor)

    def page(self, response: Response) -> Iterator[Any]:
        parsed = read(response)
        tag = response.meta["tag"]
        wanted = frozenset(
            post.id
            for post in parsed.posts
            if post.id and self._in_range(post.published.value if post.published else None)
        )
        yield Seen(tag, tag, response.url, parsed, wanted, final=response.meta["cursor"] is None)
        if response.status != 200 or (not parsed.posts and parsed.older is None):
            if response.meta["cursor"] is not None and response.status == 200 and parsed.layout.endswith("empty"):
                yield Reached(None)
            return
        older = parsed.older
        asked = response.meta["cursor"]
        if older is not None and asked is not None and int(older) >= int(asked):
            yield Verdict(Outcome.PARTIAL, f"the page before {asked} points to {older}: the walk would not end")
            return
        if older is None or self._past_range(parsed):
            yield Reached(None)
            return
        yield Reached(older)
        if not self._enough():
            yield self._page(older)

    def _in_range(self, moment: datetime | None) -> bool:
        if moment is None:
            return True
        return (self._since is None or moment >= self._since) and (self._until is None or moment < self._until)

    def _past_range(self, parsed: Parsed) -> bool:
        moments = [post.published.value for post in parsed.posts if post.published and post.published.value]
        return self._since is not None and bool(moments) and max(moments) < self._since


def _same_channel(post_id: str, target: Target) -> bool:
    return post_id.rpartition("/")[0].lower() == (target.handle or "").lower()


def read(response: Response) -> Parsed:
    """The parser's reading of an answer. An error status keeps its body and gets no posts invented from it."""
    return parse(response.body, response.url)
