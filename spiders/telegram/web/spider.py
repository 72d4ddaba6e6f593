"""Where to go on Telegram's web view. What the bytes mean is `parse`'s business."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import scrapy
from scrapy.http import Response

from spiders.items import Noted, Reached, Seen, Verdict
from spiders.posts import Outcome, Parsed
from spiders.target_spider import TargetSpider, WalkSpider, flag
from spiders.targets import Target
from spiders.telegram.web.comments import parse_comments
from spiders.telegram.web.parse import parse

COMMENTS = 100
"""How many comments are asked for at a time."""


class TelegramPost(TargetSpider):
    """A spider for one public post by its embed; where that is empty, the channel's page around it as a control.

    scrapy crawl telegram-post -a link=https://t.me/durov/523
    """

    name = "telegram-post"

    def __init__(self, *arguments: Any, comments: bool | str = False, **kwargs: Any) -> None:
        super().__init__(*arguments, **kwargs)
        self._comments = flag(comments)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for the post's embed."""
        handle, number = self.target.handle, self.target.id.rpartition("/")[2]
        single = "&single" if self.target.single else ""
        url = f"https://t.me/{handle}/{number}?embed=1&mode=tme{single}"
        yield scrapy.Request(url, self.embed, meta={"tag": "embed"}, dont_filter=True)

    def embed(self, response: Response) -> Iterator[Any]:
        """Read the embed; ask for comments if wanted, or for the page around the post if it is not there."""
        parsed = read(response)
        wanted = self._wanted(parsed)
        found = bool(wanted)
        yield Seen("embed", "embed", response.url, parsed, frozenset(wanted), final=found)
        if found and self._comments:
            yield discussion(wanted[0])
        if not found and response.status == 200:
            handle, number = self.target.handle, self.target.id.rpartition("/")[2]
            url = f"https://t.me/s/{handle}/{number}"
            yield scrapy.Request(url, self.around, meta={"tag": "around", "first": parsed}, dont_filter=True)

    def around(self, response: Response) -> Iterator[Any]:
        """Read the channel's page at that id: it shows the post after all, or others where it should be."""
        first: Parsed = response.meta["first"]
        parsed = read(response)
        wanted = self._wanted(parsed)
        yield Seen("around", "around", response.url, parsed, frozenset(wanted), final=bool(wanted))
        if wanted:
            return
        if parsed.posts and first.outcome is Outcome.UNAVAILABLE:
            newest = max(numbers_of(parsed), default=0)
            control = f"{len(parsed.posts)} other posts of the channel were answered in the same run, up to {newest}"
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


class TelegramChannel(WalkSpider):
    """A spider for a channel's public page, newest first, by `?before=`.

    scrapy crawl telegram-channel -a link=https://t.me/s/durov
    """

    name = "telegram-channel"

    def __init__(self, *arguments: Any, comments: bool | str = False, holes: bool | str = False, **kwargs: Any) -> None:
        """`holes`: ask for each id that the pages leave out."""
        super().__init__(*arguments, **kwargs)
        self._comments, self._holes = flag(comments), flag(holes)
        self._pages = 0

    def _page(self, cursor: str | None) -> scrapy.Request:
        url = f"https://t.me/s/{self.target.handle}" + (f"?before={cursor}" if cursor else "")
        self._pages += 1
        tag = f"page {self._pages}"
        return scrapy.Request(url, self.page, meta={"tag": tag, "cursor": cursor}, dont_filter=True)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for the newest page, or for the one at the cursor."""
        yield self._page(self._cursor)

    def page(self, response: Response) -> Iterator[Any]:
        """Read a page; ask for comments and missing ids where wanted, then for the next older page."""
        parsed = read(response)
        tag = response.meta["tag"]
        asked: str | None = response.meta["cursor"]
        wanted = frozenset(post.id for post in parsed.posts if post.id and self._span.may_hold(post.published))
        yield Seen(tag, tag, response.url, parsed, wanted, final=tag == "page 1", needed=True)
        if response.status != 200 or (not parsed.posts and parsed.older is None):
            if asked is not None and response.status == 200 and parsed.layout.endswith("empty"):
                yield Reached(None)
            return
        yield from self._renamed(parsed)
        older = parsed.older
        turn = _Turn(older)
        for item in self._gaps(parsed, asked):
            yield turn.awaiting(item, self._end) if isinstance(item, scrapy.Request) else item
        for post_id in sorted(wanted) if self._comments else ():
            yield turn.awaiting(discussion(post_id), self._end)
        if older is not None and asked is not None and int(older) >= int(asked):
            yield Verdict(Outcome.PARTIAL, f"the page before {asked} points to {older}: the crawl would not end")
            return
        if self._span.is_past(post.published for post in parsed.posts):
            turn.cursor = None
        yield from turn.ended(self._end)

    def _end(self, cursor: str | None) -> Iterator[Any]:
        """A page is done, with everything that was asked for because of it."""
        yield Reached(cursor)
        if cursor is not None and not self._enough():
            yield self._page(cursor)

    def _renamed(self, parsed: Parsed) -> Iterator[Noted]:
        """The channel answers under another name than was asked for."""
        names = {post.id.rpartition("/")[0] for post in parsed.posts if post.id}
        others = sorted(name for name in names if name.lower() != (self.target.handle or "").lower())
        for name in others:
            reason = f"asked for {self.target.handle}, the posts are those of {name}"
            yield Noted(f"name {name}", "name", Outcome.CAPTURED, reason, f"https://t.me/{name}")

    def _gaps(self, parsed: Parsed, asked: str | None) -> Iterator[Any]:
        """Ids between posts that the page does not show, once album members are taken into account."""
        numbers = numbers_of(parsed)
        if not numbers:
            return
        top = int(asked) - 1 if asked is not None else max(numbers)
        bottom = min(numbers) if parsed.older is not None else 1
        for first, last in gaps(numbers, bottom, top):
            named = f"{first}" if first == last else f"{first}–{last}"
            if self._holes:
                yield from (self._hole(number) for number in range(first, last + 1))
                continue
            reason = (
                f"id{'' if first == last else 's'} {named} not on the channel's pages: deleted, hidden or never used; "
                "--holes asks for each"
            )
            yield Noted(f"ids {named}", "hole", Outcome.SKIPPED, reason, facts={"first": first, "last": last})

    def _hole(self, number: int) -> scrapy.Request:
        url = f"https://t.me/{self.target.handle}/{number}?embed=1&mode=tme"
        return scrapy.Request(url, self.hole, meta={"tag": f"hole {number}"}, dont_filter=True)

    def hole(self, response: Response) -> Iterator[Any]:
        """Read what Telegram says of an id that its pages leave out; sometimes the post is there after all."""
        tag = response.meta["tag"]
        yield Seen(tag, tag, response.url, read(response))


def numbers_of(parsed: Parsed) -> set[int]:
    """Return the ids that a page accounts for: its posts, and the members of their albums."""
    texts = [text for post in parsed.posts if post.id for text in (post.id.rpartition("/")[2], *post.album_ids)]
    return {int(text) for text in texts if text.isdigit()}


def gaps(numbers: set[int], bottom: int, top: int) -> Iterator[tuple[int, int]]:
    """Yield ranges (first, last) between `bottom` and `top` without any of `numbers`, newest first."""
    last = top
    for number in [*sorted((n for n in numbers if bottom <= n <= top), reverse=True), bottom - 1]:
        if number < last:
            yield number + 1, last
        last = number - 1


class _Turn:
    """A page of a walk, and the requests that belong to it: the next page is asked for when all are answered."""

    def __init__(self, cursor: str | None) -> None:
        self.cursor = cursor
        self._waiting = 1

    def awaiting(self, request: scrapy.Request, then: Callable[[str | None], Iterator[Any]]) -> scrapy.Request:
        """The request, wrapped so that its answer, or its failure, is waited for."""
        self._waiting += 1
        inner: Callable[[Response], Iterator[Any]] = request.callback

        def answered(response: Response) -> Iterator[Any]:
            for item in inner(response):
                yield self.awaiting(item, then) if isinstance(item, scrapy.Request) else item
            yield from self.ended(then)

        def failed(failure: Any) -> Iterator[Any]:
            yield from self.ended(then)

        return request.replace(callback=answered, errback=failed)

    def ended(self, then: Callable[[str | None], Iterator[Any]]) -> Iterator[Any]:
        self._waiting -= 1
        if self._waiting == 0:
            yield from then(self.cursor)


def discussion(post_id: str, before: str | None = None, turn: int = 1) -> scrapy.Request:
    """Make the request for comments on a post, as Telegram's own widget shows them to any site."""
    url = f"https://t.me/{post_id}?embed=1&discussion=1&comments_limit={COMMENTS}"
    url += f"&before={before}" if before else ""
    meta = {"tag": f"comments {post_id} {turn}", "post": post_id, "turn": turn, "before": before}
    return scrapy.Request(url, commented, meta=meta, dont_filter=True)


def commented(response: Response) -> Iterator[Any]:
    """Read a page of comments, and ask for the older ones."""
    meta = response.meta
    parsed = parse_comments(response.body, response.url, meta["post"])
    if parsed.outcome is Outcome.UNAVAILABLE and meta["turn"] == 1:
        # Most channels have no comments; that the widget says so takes nothing from the post.
        parsed = replace(parsed, outcome=Outcome.SKIPPED)
    yield Seen(meta["tag"], meta["tag"], response.url, parsed, needed=True)
    older = parsed.older
    onwards = older is not None and (meta["before"] is None or int(older) < int(meta["before"]))
    if onwards and parsed.posts:
        yield discussion(meta["post"], older, meta["turn"] + 1)


def _same_channel(post_id: str, target: Target) -> bool:
    return post_id.rpartition("/")[0].lower() == (target.handle or "").lower()


def read(response: Response) -> Parsed:
    """Parse an answer. One with an error status keeps its body, and no posts are invented from it."""
    return parse(response.body, response.url)
