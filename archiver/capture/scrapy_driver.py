"""Running one of our spiders for one capture, inside our own asyncio loop (Scrapy without a Twisted reactor)."""

from __future__ import annotations

import logging
from typing import Any

from archiver.capture.options import CaptureOptions
from archiver.capture.session import CaptureSession
from archiver.capture.support import kind_of, platform_of, unsupported
from archiver.home.log import Telling
from spiders.platform import imported
from spiders.posts import Outcome
from spiders.targets import Target


class ScrapyDriver:
    """Captures what is on the public web, by the spiders that the table of platforms names."""

    def takes(self, target: Target, options: CaptureOptions) -> bool:
        """Return True: this driver takes every target that no other does."""
        return True

    def refusal(self, target: Target, walk: bool) -> tuple[Outcome, str] | None:
        """Return why no spider can capture or walk it, or None."""
        return unsupported(target, walk)

    async def run(self, session: CaptureSession) -> None:
        """Run the spider that fits the target until it has nothing more to request."""
        # Late: Scrapy takes longer to load than most commands to run.
        from scrapy import signals
        from scrapy.crawler import AsyncCrawlerRunner

        from archiver.capture.scrapy_settings import spider_settings

        log = logging.getLogger(
            "scrapy"
        )  # what went wrong is in the inventory, with its reason, and in the log of the home
        log.handlers[:] = [logging.NullHandler()]
        log.setLevel(logging.ERROR)
        spider, arguments = chosen(session)
        context = session.context
        port, config = context.port, context.config
        settings = spider_settings(port.address, port.authorization, config.user_agent, config.retries)
        runner = AsyncCrawlerRunner(settings)
        crawler = runner.create_crawler(spider)

        def scraped(item: Any) -> None:
            with Telling(session.broken):  # Scrapy only logs what is raised here, and goes on
                session.seen(item)

        def failed(failure: Any, response: Any) -> None:
            session.parser_failed(failure.value.with_traceback(failure.getTracebackObject()), response.url)

        crawler.signals.connect(scraped, signal=signals.item_scraped)
        crawler.signals.connect(failed, signal=signals.spider_error)
        await runner.crawl(crawler, target=context.target, **arguments)

    async def close(self) -> None:
        """Do nothing: nothing outlives a capture."""


def chosen(session: CaptureSession) -> tuple[Any, dict[str, Any]]:
    """Return the spider that fits the target, and the arguments that it is given."""
    context = session.context
    options, config, walk = context.options, context.config, context.walk
    platform, kind = platform_of(context.target), kind_of(context.target)
    use = kind.walk.use if walk is not None and kind.walk is not None else kind.capture
    assert use is not None, "what has no spider was refused before"
    offered: dict[str, Any] = {
        "enough": session.enough,
        "comments": options.comments,
        "holes": options.holes,
        "quick": options.quick,
        "follow": options.follow,
        "limited": options.limit is not None,
        "thread": walk is not None,
        "clock": context.home.clock,
        "query_ids": config.x_queries,
        "features": config.x_features,
    }
    if platform.cookies_of is not None:
        offered["cookies"] = config.cookies_for(platform.cookies_of, platform.name)
    if walk is not None:
        offered |= {"cursor": walk.state.cursor, "since": options.since, "until": options.until}
    return imported(use.spider), {name: offered[name] for name in use.takes if name in offered}
