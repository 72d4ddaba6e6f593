"""Feeds of `scrapy crawl NAME -O FILE`: a line for each post that was read, as `archiver parse --json` prints it.

What else our spiders report (where a walk stands, gaps, counts) steers a capture and is no data of anybody's; the capture
has it in its inventory. Items of other spiders are exported as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scrapy.exporters import JsonItemExporter, JsonLinesItemExporter, XmlItemExporter

from spiders import items

_STEERING = (items.Noted, items.Led, items.Counted, items.Reached, items.Verdict)


def exported(item: Any) -> Iterator[Any]:
    """Yield what a feed holds of an item."""
    if isinstance(item, items.Seen):
        parsed = item.parsed
        for post in parsed.posts:
            yield {**post.line(), "parser": parsed.parser, "layout": parsed.layout, "read_at": item.url}
    elif not isinstance(item, _STEERING):
        yield item


class PostsAsJsonLines(JsonLinesItemExporter):
    """JSON, a post a line."""

    def export_item(self, item: Any) -> None:
        """Write the posts of an item."""
        for one in exported(item):
            super().export_item(one)


class PostsAsJson(JsonItemExporter):
    """JSON, all posts in a list."""

    def export_item(self, item: Any) -> None:
        """Write the posts of an item."""
        for one in exported(item):
            super().export_item(one)


class PostsAsXml(XmlItemExporter):
    """XML, an element a post."""

    def export_item(self, item: Any) -> None:
        """Write the posts of an item."""
        for one in exported(item):
            super().export_item(one)
