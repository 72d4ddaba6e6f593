"""Running one of our spiders for one capture, inside our own asyncio loop (Scrapy without a Twisted reactor)."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings, SettingsAttribute

from spiders.platform import imported
from spiders.platforms import platform_named

if TYPE_CHECKING:
    from archiver.capture.session import Act


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


def spider_settings(address: tuple[str, int], authorization: str, user_agent: str, retries: int = 2) -> Settings:
    settings = _base().copy()
    settings.set("RECORDER_ADDRESS", list(address), priority="cmdline")
    settings.set("RECORDER_AUTHORIZATION", authorization, priority="cmdline")
    settings.set("USER_AGENT", user_agent, priority="cmdline")
    settings.set("RETRIES", retries, priority="cmdline")
    return settings


def chosen(act: Act) -> tuple[Any, dict[str, Any]]:
    """(the spider that fits the target, what it is told beside it)."""
    options, config = act.options, act.home.config
    platform = platform_named(act.target.platform)
    kind = platform.kind(act.target.kind)
    use = kind.walk.use if act.going is not None and kind.walk is not None else kind.capture
    assert use is not None, "what has no spider was refused before"
    offered: dict[str, Any] = {
        "enough": act.enough,
        "comments": options.comments,
        "holes": options.holes,
        "quick": options.quick,
        "follow": options.follow,
        "limited": options.limit is not None,
        "thread": act.going is not None,
        "clock": act.home.clock,
        "query_ids": config.x_queries,
        "features": config.x_features,
    }
    if platform.cookies_of is not None:
        offered["cookies"] = config.cookies_for(platform.cookies_of, platform.name)
    if act.going is not None:
        offered |= {"cursor": act.going.state.cursor, "since": options.since, "until": options.until}
    return imported(use.spider), {name: offered[name] for name in use.takes if name in offered}


async def run_spider(act: Act) -> None:
    """Runs the spider that fits the target until it has nothing more to ask."""
    logging.getLogger("scrapy").setLevel(logging.CRITICAL)  # what went wrong is in the inventory, with its reason
    spider, arguments = chosen(act)
    config = act.home.config
    settings = spider_settings(act.port.address, act.port.authorization, config.user_agent, config.retries)
    runner = AsyncCrawlerRunner(settings)
    crawler = runner.create_crawler(spider)

    def scraped(item: Any) -> None:
        act.seen(item)

    def failed(failure: Any, response: Any) -> None:
        act.parser_failed(f"{failure.type.__name__} on {response.url}")

    crawler.signals.connect(scraped, signal=signals.item_scraped)
    crawler.signals.connect(failed, signal=signals.spider_error)
    await runner.crawl(crawler, target=act.target, **arguments)
