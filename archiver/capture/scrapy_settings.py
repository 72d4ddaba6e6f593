"""Scrapy's settings for one capture: those of `spiders/settings.py`, and where its recorder is."""

from __future__ import annotations

from functools import lru_cache

from scrapy.settings import Settings, SettingsAttribute


class QuickSettings(Settings):  # type: ignore[misc]
    """Settings that are quick to copy.

    Scrapy copies all its settings, deeply, for each crawler: that takes as long as capturing a small page.
    """

    def copy(self) -> QuickSettings:
        """Copy its own values and priorities; what is inside a value is shared, since nothing here changes it."""
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
    # Those of `scrapy crawl`: here the session hears of items by a signal, and nothing else is wanted.
    settings.set("EXTENSIONS_BASE", {}, priority="cmdline")
    settings.set("ITEM_PIPELINES", {}, priority="cmdline")
    return settings


def spider_settings(address: tuple[str, int], authorization: str, user_agent: str, retries: int = 2) -> Settings:
    """Return the settings of one crawl. `address`, `authorization`: of the capture's port at the recorder."""
    settings = _base().copy()
    settings.set("RECORDER_ADDRESS", list(address), priority="cmdline")
    settings.set("RECORDER_AUTHORIZATION", authorization, priority="cmdline")
    settings.set("USER_AGENT", user_agent, priority="cmdline")
    settings.set("RETRIES", retries, priority="cmdline")
    return settings
