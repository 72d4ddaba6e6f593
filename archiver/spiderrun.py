"""Running one of our spiders for one capture, inside our own asyncio loop (Scrapy without a Twisted reactor)."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings, SettingsAttribute

from spiders.facebook.spider import FacebookPost
from spiders.page.spider import Page
from spiders.telegram.web.spider import TelegramChannel, TelegramPost
from spiders.x.post_spider import XPost
from spiders.x.timeline_spider import XTimeline
from spiders.youtube.list_spider import YouTubeList
from spiders.youtube.video_spider import YouTubeVideo

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


def spider_settings(address: tuple[str, int], authorization: str, user_agent: str, retries: int = 2) -> Settings:
    settings = _base().copy()
    settings.set("RECORDER_ADDRESS", list(address), priority="cmdline")
    settings.set("RECORDER_AUTHORIZATION", authorization, priority="cmdline")
    settings.set("USER_AGENT", user_agent, priority="cmdline")
    settings.set("RETRIES", retries, priority="cmdline")
    return settings


def chosen(act: Act) -> tuple[Any, dict[str, Any]]:
    """(the spider that fits the target, what it is told beside it)."""
    target, options, config = act.target, act.options, act.home.config
    walk: dict[str, Any] = {"enough": act.enough}
    if act.going is not None:
        walk |= {"cursor": act.going.state.cursor, "since": options.since, "until": options.until}
    login = {
        "cookies": config.cookies_for("x.com", "x"), "query_ids": config.x_queries, "features": config.x_features,
    }  # fmt: skip
    if target.platform == "telegram":
        more = {"comments": options.comments}
        if act.going is None:
            return TelegramPost, {**walk, **more}
        return TelegramChannel, {**walk, **more, "holes": options.holes}
    if target.platform == "x":
        if target.kind == "post":
            return XPost, {**login, **walk, "quick": options.quick, "thread": act.going is not None}
        return XTimeline, {**login, **walk}
    if target.platform == "youtube":
        if target.kind == "video":
            return YouTubeVideo, {**walk, "comments": options.comments, "clock": act.home.clock}
        return YouTubeList, {**walk, "clock": act.home.clock, "limited": options.limit is not None}
    if target.platform == "facebook":
        return FacebookPost, {"cookies": config.cookies_for("facebook.com", "facebook")}
    return Page, {"follow": options.follow}


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
