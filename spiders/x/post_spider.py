"""Where to go on X: syndication, the page, and with the person's own cookies the site's GraphQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import scrapy
from scrapy.http import Response

from spiders.items import Reached, Seen, Verdict
from spiders.posts import Outcome, Parsed, Post
from spiders.target_spider import flag
from spiders.x.graphql_queries import (
    Query,
    bearer,
    detail_url,
    login_headers,
    main_script,
    queries,
    switches,
    syndication_token,
)
from spiders.x.parse import parse
from spiders.x.spider import XSpider

THREAD = 100
"""How many posts of a self-thread are followed upwards."""


class XPost(XSpider):
    """A spider for one post with what it quotes and the author's own posts that it continues.

    scrapy crawl x-post -a link=https://x.com/jack/status/20
    """

    name = "x-post"

    def __init__(self, *arguments: Any, quick: bool | str = False, thread: bool | str = False, **kwargs: Any) -> None:
        """`thread`: with cookies, every answer to the post, page by page from `cursor`."""
        super().__init__(*arguments, **kwargs)
        self._quick, self._whole = flag(quick), flag(thread)
        self._pages = 0
        self._thread = 0
        self._found = False
        self._first: Parsed | None = None

    def _syndication(self, post_id: str, tag: str) -> scrapy.Request:
        url = "https://cdn.syndication.twimg.com/tweet-result"
        url += f"?id={post_id}&lang=en&token={syndication_token(post_id)}"
        return scrapy.Request(url, self.syndicated, meta={"tag": tag, "id": post_id}, dont_filter=True)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for the page when logged in, else for syndication.

        Nobody logged in: syndication, then the page. Logged in: page, script, detail; then syndication beside it.
        """
        if self._cookies:
            yield self._page()
        else:
            yield self._syndication(self.target.id, "syndication")

    def _page(self) -> scrapy.Request:
        return scrapy.Request(self.target.url, self.page, meta={"tag": "page"}, dont_filter=True)

    def syndicated(self, response: Response) -> Iterator[Any]:
        """Read what syndication shows of a post; where needed, ask for the page and for the post that it answers."""
        parsed = parse(response.body, response.url)
        if response.status == 404 and not parsed.posts:
            said = "X's public syndication knows no such post: deleted, protected, suspended or never there"
            parsed = Parsed(
                platform="x", layout="x/syndication", outcome=Outcome.UNAVAILABLE, reason=said, parser=parsed.parser
            )
        tag = response.meta["tag"]
        about = _about(parsed, response.meta["id"])
        wanted = [post.id for post in parsed.posts if about is not None and post.id in (about.id, about.quoted_id)]
        first = tag == "syndication" and not self._found
        if tag == "syndication" and self._found:
            # The login has shown the post already: what everybody sees of it is recorded, and says nothing new.
            parsed = Parsed(
                platform="x", layout=parsed.layout, page={"public": about is not None}, parser=parsed.parser
            )
        yield Seen(tag, tag, response.url, parsed, frozenset(item for item in wanted if item), final=first)
        if first:
            self._first = parsed if response.status in (200, 404) else None
            self._found = about is not None and about.outcome is not Outcome.UNAVAILABLE
            if not self._cookies and (not self._quick or not self._found):
                yield self._page()
        if about is not None and not self._quick:
            yield from self._upwards(about)

    def _upwards(self, post: Post) -> Iterator[scrapy.Request]:
        """The author's own post that this one answers. Answers to it can only be had with a login."""
        own = post.author_id is not None and post.extra.get("reply_to_author_id") == post.author_id
        if post.reply_to and own and self._thread < THREAD and not self._enough():
            self._thread += 1
            yield self._syndication(post.reply_to, f"thread {post.reply_to}")

    def page(self, response: Response) -> Iterator[Any]:
        """Read the page; when logged in ask for the script that it names, else draw the conclusion."""
        parsed = parse(response.body, response.url)
        text = response.body.decode("utf-8", "replace")
        about = _about(parsed, self.target.id)
        if parsed.layout == "x/shell":  # what the page is without its scripts; the post comes from elsewhere
            parsed = replace(parsed, outcome=None, reason=None)
        if self._found or self._cookies:  # the head of a page says less than what is, or will be, known of the post
            parsed = replace(parsed, posts=())
        shown = frozenset([about.id]) if about is not None and about.id else frozenset[str]()
        yield Seen("page", "page", response.url, parsed, shown, final=False)
        script = main_script(text)
        if self._cookies and script:
            meta = {"tag": "script", "switches": switches(text)}
            yield scrapy.Request(script, self.script, meta=meta, dont_filter=True)
        elif self._cookies:
            yield from self._without_login("the page names no script")
        elif self._first is not None and not self._found:
            yield self._conclusion(about)
        if self._whole and not self._cookies:
            yield Reached(None)
            if self._found:
                said = "X shows answers only to who is logged in: give cookies in [accounts] x"
                yield Verdict(Outcome.PARTIAL, f"the post and the thread it continues; {said}")

    def _without_login(self, why: str) -> Iterator[Any]:
        yield self._syndication(self.target.id, "syndication")
        yield Verdict(Outcome.PARTIAL, f"login not used: {why}; public content is kept")

    def _conclusion(self, about: Post | None) -> Verdict:
        assert self._first is not None
        said = self._first.reason or "no post in the answer"
        if about is not None:
            return Verdict(Outcome.PARTIAL, f"only the page's metadata shows the post; syndication: {said}")
        return Verdict(self._first.outcome or Outcome.PARTIAL, said)

    def script(self, response: Response) -> Iterator[Any]:
        """Read the site's main script, which names the queries of its own GraphQL, and ask for the detail."""
        text = response.text if isinstance(response.body, bytes) and response.body else ""
        named = queries(text)
        query = named.get("TweetDetail", Query(""))
        if chosen := self._query_ids.get("TweetDetail"):
            query = Query(chosen, query.features, query.toggles)
        token = bearer(text)
        parsed = Parsed(platform="x", layout="x/script", page={"queries": len(named), "detail": query.id or None})
        if not query.id or token is None or "ct0" not in self._cookies:
            why = "the site's script names no TweetDetail query" if token else "the site's script holds no client token"
            why = why if "ct0" in self._cookies else "the cookies have no ct0"
            yield Seen("script", "script", response.url, parsed, frozenset(), final=False)
            yield from self._without_login(why)
            return
        yield Seen("script", "script", response.url, parsed, frozenset(), final=False)
        self._ask = (query, token, {**response.meta["switches"], **self._features})
        yield self._detail(self._cursor)

    def _detail(self, cursor: str | None) -> scrapy.Request:
        query, token, known = self._ask
        url = detail_url(query, self.target.id, known, cursor)
        self._pages += 1
        tag = "detail" if self._pages == 1 else f"page {self._pages}"
        meta = {"tag": tag, "cursor": cursor}
        return scrapy.Request(
            url, self.detail, headers=login_headers(self._cookies, token), meta=meta, dont_filter=True
        )

    def detail(self, response: Response) -> Iterator[Any]:
        """Read the post as the person's own account sees it: long posts whole, the thread both ways."""
        parsed = parse(response.body, response.url)
        about = _about(parsed, self.target.id)
        tag, asked = response.meta["tag"], response.meta["cursor"]
        wanted: set[str] | None = set()
        if self._whole:
            wanted = None
        elif about is not None:
            same = {
                post.id for post in parsed.posts
                if post.id and post.author_id == about.author_id and _same_thread(post, about)
            }  # fmt: skip
            wanted = {item for item in (about.id, about.quoted_id, *same) if item}
        self._found = self._found or about is not None
        later = asked is not None
        if later and parsed.older is not None and not parsed.posts:
            parsed = replace(parsed, outcome=None)
        yield Seen(
            tag, tag, response.url, parsed, None if wanted is None else frozenset(wanted),
            final=(about is not None and not later) or (tag == "detail" and later), needed=later,
        )  # fmt: skip
        if not later and (not self._quick or not self._found):
            yield self._syndication(self.target.id, "syndication")
        if about is None and not later and response.status in (401, 403):
            yield Verdict(
                Outcome.REFUSED, "X does not accept the cookies: expired, or another account's. Export them again"
            )
        if not self._whole or response.status != 200:
            return
        more = list(parsed.hints.get("threads") or [])
        older = parsed.older if parsed.older != asked and (parsed.posts or not later) else None
        onwards = older or next((token for token in more if token != asked), None)
        yield Reached(onwards)
        if onwards is not None and not self._enough():
            yield self._detail(onwards)


def _about(parsed: Parsed, post_id: str) -> Post | None:
    return next((post for post in parsed.posts if post.id == post_id), None)


def _same_thread(post: Post, about: Post) -> bool:
    thread = about.extra.get("conversation_id")
    return thread is not None and post.extra.get("conversation_id") == thread
