"""Running one of our spiders for one capture, inside our own asyncio loop (Scrapy without a Twisted reactor)."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings, SettingsAttribute

from spiders.page.spider import Page
from spiders.telegram.spider import TelegramChannel, TelegramPost
from spiders.x.spider import XPost
from spiders.youtube.spider import YouTubeVideo

if TYPE_CHECKING:
    from archiver.capture import Act


class QuickSettings(Settings):  # type: ignore[misc]
    """Scrapy copies all its settings, deeply, for each crawler: as long as capturing a small page takes."""

    def copy(self) -> QuickSettings:
        """Its own values and priorities; what is inside a value is shared, since nothing here changes it."""
        made = QuickSettings.__new__(QuickSettings)
        made.__dict__ = {
            **self.__dict__,
            "attributes": {
                name: SettingsAttribute(item.value, item.priority) for name, item in self.attributes.items()
            },
        }
        return made


@lru_cache(maxsize=1)
def _base() -> QuickSettings:
    settings = QuickSettings()
    settings.setmodule("spiders.settings", priority="project")
    settings.set("TWISTED_REACTOR_ENABLED", False, priority="cmdline")
    return settings


def spider_settings(address: tuple[str, int], authorization: str, user_agent: str) -> Settings:
    settings = _base().copy()
    settings.set("RECORDER_ADDRESS", list(address), priority="cmdline")
    settings.set("RECORDER_AUTHORIZATION", authorization, priority="cmdline")
    settings.set("USER_AGENT", user_agent, priority="cmdline")
    return settings


async def run_spider(act: Act, cursor: str | None) -> None:
    """Runs the spider that fits the target until it has nothing more to ask."""
    target = act.target
    logging.getLogger("scrapy").setLevel(logging.CRITICAL)  # what went wrong is in the inventory, with its reason
    arguments: dict[str, Any] = {"target": target}
    if target.platform == "telegram" and target.kind == "post":
        spider: Any = TelegramPost
    elif target.platform == "telegram":
        spider = TelegramChannel
        arguments |= {
            "cursor": cursor,
            "since": act.options.since,
            "until": act.options.until,
            "enough": act.enough,
        }
    elif target.platform == "x":
        config = act.home.config
        spider = XPost
        arguments |= {
            "cookies": config.cookies_for("x.com"),
            "query_ids": config.x_queries,
            "features": config.x_features,
            "quick": act.options.quick,
            "enough": act.enough,
        }
    elif target.platform == "youtube":
        spider = YouTubeVideo
        arguments |= {"comments": act.options.comments, "clock": act.home.clock, "enough": act.enough}
    else:
        spider = Page
    runner = AsyncCrawlerRunner(spider_settings(act.port.address, act.port.authorization, act.home.config.user_agent))
    crawler = runner.create_crawler(spider)

    def scraped(item: Any) -> None:
        act.seen(item)

    def failed(failure: Any, response: Any) -> None:
        act.parser_failed(f"{failure.type.__name__} on {response.url}")

    crawler.signals.connect(scraped, signal=signals.item_scraped)
    crawler.signals.connect(failed, signal=signals.spider_error)
    await runner.crawl(crawler, **arguments)
