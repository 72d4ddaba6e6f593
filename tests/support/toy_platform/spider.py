"""Where to go on the toy: the note's own answer; a board's answer lists its notes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from scrapy.http import Response

from spiders.items import Reached, Seen
from spiders.target_spider import TargetSpider, WalkSpider
from tests.support.toy_platform.parse import parse


class ToyNote(TargetSpider):
    """One note."""

    name = "toy-note"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        yield scrapy.Request(self.target.url, self.note, meta={"tag": "note"}, dont_filter=True)

    def note(self, response: Response) -> Iterator[Any]:
        yield Seen("note", "note", response.url, parse(response.body, response.url), final=True)


class ToyBoard(WalkSpider):
    """A board's notes, each to be captured on its own."""

    name = "toy-board"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        yield scrapy.Request(self.target.url, self.board, meta={"tag": "board"}, dont_filter=True)

    def board(self, response: Response) -> Iterator[Any]:
        parsed = parse(response.body, response.url)
        yield Seen("board", "board", response.url, parsed, final=True, apart=True, needed=True)
        yield Reached(None)
