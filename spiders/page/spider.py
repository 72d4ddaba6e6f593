"""Where to go for any page: the page itself. Its files are fetched as they stream, outside Scrapy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import scrapy
from scrapy.http import Response

from spiders.items import Led, Noted, Seen, Verdict
from spiders.link_forms import Form
from spiders.page.document import named_file
from spiders.page.landing import landed
from spiders.page.onward import onward
from spiders.page.parse import A_PAGE_CAME, FILE, parse
from spiders.posts import Outcome, Parsed
from spiders.redirects import led_by
from spiders.target_spider import TargetSpider, flag
from spiders.targets import leads_to, page
from spiders.walls.pages import login_wall


class PageSpider(TargetSpider):
    """A spider for any page.

    scrapy crawl page -a link=https://example.org/article
    """

    name = "page"

    def __init__(self, *arguments: Any, follow: bool | str = False, **kwargs: Any) -> None:
        """`follow`: posts and videos that the page embeds or links to are captured on their own."""
        super().__init__(*arguments, **kwargs)
        self._follow = flag(follow)
        if self.target.platform != "page" and self.target.form is Form.KNOWN:
            self.target = page(self.target.url)
        # A mirror is asked in the same capture as the original, which may have had a page too.
        self._tag = "mirror" if self.target.mirror == self.target.url else "page"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for the page."""
        meta = {"tag": self._tag, "recognise": self.target}
        yield scrapy.Request(self.target.url, self.page, meta=meta, dont_filter=True)

    def page(self, response: Response) -> Iterator[Any]:
        """Read the page, and note the posts and videos of other platforms that it points to."""
        if (led := led_by(response) or self._onward(response)) is not None:
            yield led
            return
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        if "not-read" in response.flags:
            parsed = Parsed(platform="page", layout=FILE, page={"content_type": content_type})
        else:
            parsed = parse(response.body, response.url, content_type)
        parsed = landed(parsed, self.target, response.url)
        if said := response.headers.get("Memento-Datetime"):
            parsed = replace(parsed, page={**parsed.page, "memento_datetime": said.decode("latin-1")})
        yield Seen(self._tag, self._tag, response.url, parsed, final=True)
        for pointer in parsed.hints.get("pointers", ()):
            target = pointer.target
            then = "captured on its own in this run" if self._follow else "--follow-embeds captures it"
            yield Noted(
                f"target {target.key}", pointer.how, Outcome.SKIPPED, f"{pointer.how} here; {then}", target.url,
                target if self._follow else None,
            )  # fmt: skip
        if login_wall(response.url) and response.url != self.target.url:
            yield Verdict(Outcome.REFUSED, f"led to a login page: {response.url}")
        elif response.url != self.target.url and parsed.outcome is None and parsed.layout != FILE:
            yield from self._not_a_file(response.url)

    def _not_a_file(self, url: str) -> Iterator[Verdict]:
        """Say that the link names a file and led to a page. Where it led nowhere, the page's parser says so."""
        if (ending := named_file(self.target.url)) is not None:
            yield Verdict(Outcome.PARTIAL, f"{A_PAGE_CAME}: the link ends in {ending}, and led to {url}")

    def _onward(self, response: Response) -> Led | None:
        """Where the page of a short link leads, which sends browsers on by a script."""
        if self.target.form is not Form.SHORT or "not-read" in response.flags:
            return None
        url = onward(response.body, response.url)
        target = leads_to(self.target, url) if url is not None else None
        hops = (*response.meta.get("redirect_urls", ()), response.url)
        return Led(hops, url, target) if url is not None and target is not None else None
