"""What all our spiders are told, from a capture as from `scrapy crawl NAME -a link=…`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import scrapy

from spiders.date_range import DateRange
from spiders.targets import Target, given


class TargetSpider(scrapy.Spider):
    """A spider for one target, which is given or named by its link."""

    def __init__(
        self,
        link: str = "",
        target: Target | None = None,
        *,
        enough: Callable[[], bool] = lambda: False,
        **kwargs: Any,
    ) -> None:
        """`enough`: asked after each page whether to pause here. Raises `ValueError` where the link names nothing."""
        super().__init__(**kwargs)
        self.target = given(link, target)
        self._enough = enough


class WalkSpider(TargetSpider):
    """A spider that goes from page to page and can be continued later."""

    def __init__(
        self,
        link: str = "",
        target: Target | None = None,
        *,
        cursor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        **kwargs: Any,
    ) -> None:
        """`cursor`: where to go on, as `Reached` said. `since`, `until`: the dates that the walk is about."""
        super().__init__(link, target, **kwargs)
        self._cursor, self._span = cursor, DateRange(since, until)
