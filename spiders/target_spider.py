"""What all our spiders are told, from a capture as from `scrapy crawl NAME -a link=…`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

import scrapy

from spiders.date_range import DateRange
from spiders.targets import Target, given


def flag(value: bool | str) -> bool:
    """Return whether an argument is switched on: `-a comments=0` on a command line is the text "0"."""
    return value if isinstance(value, bool) else value.strip().lower() not in ("", "0", "no", "false", "off")


def _moment(value: datetime | str | None) -> datetime | None:
    """The moment that `-a since=2022-01-05` means: in UTC where no zone is given. Raises `ValueError`."""
    if not isinstance(value, str):
        return value
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a date like 2022-01-05 or 2022-01-05T10:00+05:00") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


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

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Self:
        """Make the spider. Raises `SystemExit` with a line for the person where `link` names nothing.

        Any other exception is shown by Scrapy as a traceback.
        """
        try:
            return super().from_crawler(crawler, *args, **kwargs)  # type: ignore[no-any-return]
        except ValueError as error:
            link = f"scrapy crawl {cls.name} -a link=LINK"
            raise SystemExit(f"{link}: {error}" if kwargs.get("link") else f"A link is missing: {link}") from error


class WalkSpider(TargetSpider):
    """A spider that goes from page to page and can be continued later."""

    def __init__(
        self,
        link: str = "",
        target: Target | None = None,
        *,
        cursor: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        **kwargs: Any,
    ) -> None:
        """`cursor`: where to go on, as `Reached` said. `since`, `until`: the dates that the walk is about.

        Raises `ValueError` for a date that is none.
        """
        super().__init__(link, target, **kwargs)
        self._cursor, self._span = cursor, DateRange(_moment(since), _moment(until))
