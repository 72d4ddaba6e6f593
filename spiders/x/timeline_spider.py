"""Where to go on X for an account or a search: the public timeline, and with the person's own cookies all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import scrapy
from scrapy.http import Response

from spiders.items import Noted, Reached, Seen, Verdict
from spiders.posts import Outcome, Parsed, Post
from spiders.x.graphql_queries import TIMELINE, Query, bearer, login_headers, main_script, queries, query_url, switches
from spiders.x.parse import parse
from spiders.x.spider import XSpider

PUBLIC = "https://syndication.twitter.com/srv/timeline-profile/screen-name/"
EMPTY_PAGES = 2
"""X goes on giving cursors at the end of a timeline: it has ended when so many pages in a row show no post."""


class XTimeline(XSpider):
    """A spider for the posts of a profile or a search, newest first.

    scrapy crawl x-timeline -a link=https://x.com/jack
    """

    name = "x-timeline"

    def __init__(self, *arguments: Any, **kwargs: Any) -> None:
        super().__init__(*arguments, **kwargs)
        self._named: dict[str, Query] = {}
        self._known: dict[str, bool] = {}
        self._token = ""
        self._account: str | None = None
        self._pages = self._empty = 0

    async def start(self) -> AsyncIterator[scrapy.Request | Verdict]:
        """Ask for the page when logged in, else for the public timeline; searches need a login."""
        if "ct0" in self._cookies:
            yield scrapy.Request(self.target.url, self.shell, meta={"tag": "page"}, dont_filter=True)
        elif self.target.kind == "search":
            yield Verdict(Outcome.REFUSED, "X shows searches only after a login: set cookies in [accounts] x")
        else:
            url = PUBLIC + quote(self.target.handle or "", safe="")
            yield scrapy.Request(url, self.public, meta={"tag": "timeline"}, dont_filter=True)

    # -- nobody logged in ------------------------------------------------------------------------------------------

    def public(self, response: Response) -> Iterator[Any]:
        """Read the timeline that X shows to everybody, which has no further pages."""
        parsed = parse(response.body, response.url)
        wanted = frozenset(
            post.id
            for post in parsed.posts
            if post.id in (parsed.page.get("shown") or ()) and post.id and self._span.may_hold(post.published)
        )
        yield Seen("timeline", "timeline", response.url, parsed, wanted, final=True)
        if response.status == 200 and parsed.outcome is None:
            yield Reached(None)
            count = len(wanted)
            yield Verdict(
                Outcome.PARTIAL,
                f"only the {count} posts that X shows without a login; set cookies in [accounts] x for the whole timeline",
            )

    # -- logged in -----------------------------------------------------------------------------------------------------

    def shell(self, response: Response) -> Iterator[Any]:
        """Read the page's feature switches, and ask for the main script that it names."""
        text = response.body.decode("utf-8", "replace")
        parsed = Parsed(platform="x", layout="x/shell", page={"main_script": main_script(text)})
        yield Seen("page", "page", response.url, parsed, frozenset())
        self._known = {**switches(text), **self._features}
        if script := main_script(text):
            yield scrapy.Request(script, self.script, meta={"tag": "script"}, dont_filter=True)
        else:
            yield Verdict(Outcome.PARTIAL, "login not used: the page names no script")

    def script(self, response: Response) -> Iterator[Any]:
        """Read the queries and the token in the main script; ask for the account, or for the search."""
        text = response.text if response.body else ""
        self._named = queries(text)
        for name, chosen in self._query_ids.items():
            known = self._named.get(name, Query(""))
            self._named[name] = Query(chosen, known.features, known.toggles)
        self._token = bearer(text) or ""
        yield Seen(
            "script",
            "script",
            response.url,
            Parsed(platform="x", layout="x/script", page={"queries": len(self._named)}),
            frozenset(),
        )
        wanted = ["SearchTimeline"] if self.target.kind == "search" else ["UserByScreenName", "UserTweets"]
        missing = [name for name in wanted if name not in self._named]
        if missing or not self._token:
            why = (
                f"the site's script names no {missing[0]} query; name it in [x.queries]"
                if missing
                else "no client token"
            )
            yield Verdict(Outcome.PARTIAL, f"login not used: {why}")
        elif self.target.kind == "search":
            yield self._page(self._cursor)
        else:
            yield self._call("UserByScreenName", {"screen_name": self.target.handle}, self.account, "account")

    def _call(self, name: str, variables: dict[str, Any], then: Any, tag: str, **meta: Any) -> scrapy.Request:
        url = query_url(name, self._named[name], variables, self._known)
        headers = login_headers(self._cookies, self._token)
        return scrapy.Request(url, then, headers=headers, meta={"tag": tag, **meta}, dont_filter=True)

    def account(self, response: Response) -> Iterator[Any]:
        """Read the account's id, and ask for its posts."""
        parsed = parse(response.body, response.url)
        self._account = parsed.page.get("id")
        there = self._account is not None and parsed.outcome is None
        yield Seen("account", "account", response.url, parsed, frozenset(), final=not there)
        if response.status in (401, 403):
            yield Verdict(
                Outcome.REFUSED, "X does not accept the cookies: expired, or another account's. Export them again"
            )
        elif there:
            yield self._page(self._cursor)

    def _page(self, cursor: str | None) -> scrapy.Request:
        self._pages += 1
        at = {"cursor": cursor} if cursor else {}
        tag = f"page {self._pages}"
        if self.target.kind == "search":
            asked = {"rawQuery": self.target.id, "count": 20, "querySource": "typed_query", "product": "Latest"}
            return self._call("SearchTimeline", {**asked, **at}, self.page, tag, cursor=cursor)
        return self._call("UserTweets", {"userId": self._account, **TIMELINE, **at}, self.page, tag, cursor=cursor)

    def page(self, response: Response) -> Iterator[Any]:
        """Read a page of posts, and ask for the next one until the timeline or the range of dates ends."""
        parsed = parse(response.body, response.url)
        tag, asked = response.meta["tag"], response.meta["cursor"]
        own = [post for post in parsed.posts if self._is_own(post, parsed)]
        wanted = frozenset(post.id for post in own if post.id and self._span.may_hold(post.published))
        yield Seen(tag, tag, response.url, parsed, wanted, final=tag == "page 1", needed=True)
        for kind in ("promoted", "who_to_follow"):
            if parsed.page.get(kind):
                reason = f"{parsed.page[kind]} entries of X's own among the posts: {kind.replace('_', ' ')}"
                yield Noted(f"{kind} {tag}", kind, Outcome.SKIPPED, reason)
        if response.status != 200 or parsed.outcome is not None:
            return
        self._empty = 0 if own else self._empty + 1
        older = parsed.older
        if (
            older is None
            or older == asked
            or self._empty >= EMPTY_PAGES
            or self._span.is_past(post.published for post in own)
        ):
            yield Reached(None)
            return
        yield Reached(older)
        if not self._enough():
            yield self._page(older)

    def _is_own(self, post: Post, parsed: Parsed) -> bool:
        """A post of the timeline itself; what it quotes or reposts stands beside it."""
        if self.target.kind == "search":
            return post.id not in {other.quoted_id for other in parsed.posts} | {o.forwarded_from for o in parsed.posts}
        return post.author_id == self._account or post.author_id is None
