"""Hand the items of a Scrapy spider to the capture that `archiver record` has open.

In the settings of any Scrapy project:

    ITEM_PIPELINES = {"archiver.scrapy_pipeline.CapturePipeline": 900}

and then `archiver record -- scrapy crawl NAME`. This module imports the standard library and Scrapy alone, so a project
may have packages of its own called `spiders` or `storage`. docs/how-to/spiders.md says how items are read.

Each message is one line of JSON on a Unix socket, whose path `archiver record` puts into the environment. The other side
trusts none of it: `archiver/capture/item_messages.py` says what it takes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import math
import os
import re
import socket
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from itemadapter import ItemAdapter, is_item
from scrapy import signals

VARIABLE = "ARCHIVER_ITEMS"
"""Environment variable with the path of the socket."""
NO_RECORDER = (
    "refused: no open capture records this request. "
    "Use `archiver capture LINK`, or `archiver record -- scrapy crawl …` to record an ordinary crawl."
)
MOST_BYTES = 1 << 20
"""The longest message, in bytes; the capture takes no longer one."""
DEEPEST = 40
MOST_REFUSED = 1000
"""Items that a spider may yield after the capture has taken its last, while Scrapy brings the crawl to its end."""
SECONDS = 60.0
"""How long the capture may take to receive a message."""
NOT_HANDED_OVER = "archiver"
"""A dataclass field whose metadata has this name with the value False is not handed over."""
_LONE = re.compile("[\ud800-\udfff]")
_log = logging.getLogger(__name__)


class NotJSON(ValueError):
    """An item, or a value in it, has no form in JSON."""


class CapturePipeline:
    """Hands each item to the open capture, and returns it unchanged to the pipelines and feeds that follow."""

    def __init__(self, crawler: Any, path: str) -> None:
        self._crawler, self._path = crawler, path
        self._socket: socket.socket | None = None
        self._number = 0
        self._errors = self._dropped = self._refused = 0
        self._first: str | None = None

    @classmethod
    def from_crawler(cls, crawler: Any) -> CapturePipeline:
        """Make the pipeline of a crawl. Raises `SystemExit` where no open capture would record it."""
        path = os.environ.get(VARIABLE)
        if not path or not os.environ.get("ARCHIVER_RECORDER"):
            # Anything else that is raised here would be shown as a traceback, and the exit code would be 0.
            raise SystemExit(NO_RECORDER)
        made = cls(crawler, path)
        crawler.signals.connect(made.failed, signal=signals.spider_error)
        crawler.signals.connect(made.item_failed, signal=signals.item_error)
        crawler.signals.connect(made.dropped, signal=signals.item_dropped)
        crawler.signals.connect(made.closed, signal=signals.spider_closed)
        return made

    def open_spider(self, spider: Any = None) -> None:
        """Connect to the capture, and say which spider runs."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(SECONDS)
        try:
            made.connect(self._path)
        except OSError as error:
            made.close()
            raise SystemExit(f"refused: the capture takes no items from here ({error}).") from error
        self._socket = made
        self._send({"type": "spider", "name": _text(str(self._crawler.spider.name))[:200]})

    def process_item(self, item: Any, spider: Any = None) -> Any:
        """Hand an item to the capture. Raises `SystemExit` where a spider goes on long after the capture has had enough."""
        if self._refused:
            self._refused += 1
            if self._refused > MOST_REFUSED:  # its callback never ends, and Scrapy waits for it
                raise SystemExit("The spider was ended: the capture takes no more items.")
            return item
        self._number += 1
        name = f"{type(item).__module__}.{type(item).__qualname__}"[:300]
        head = {"type": "item", "number": self._number, "class": name}
        try:
            line = _line({**head, "item": plain(_fields(item))})
            if len(line) > MOST_BYTES:
                raise NotJSON(f"it is longer than {MOST_BYTES >> 20} MiB as JSON")
        except NotJSON as error:
            _log.warning("item %d (%s) was not handed to the capture: %s", self._number, name, error)
            line = _line({"type": "unsent", "number": self._number, "class": name, "reason": str(error)[:300]})
        self._write(line)
        return item

    # -- what happens in the crawl -------------------------------------------------------------------------

    def failed(self, failure: Any, response: Any, spider: Any = None) -> None:
        """Count an exception of the spider."""
        self._count(failure, f" on {response.url}")

    def item_failed(self, item: Any, failure: Any = None, **_: Any) -> None:
        """Count an exception of a pipeline."""
        self._count(failure, f" in a pipeline, on an item of {type(item).__qualname__}")

    def _count(self, failure: Any, where: str) -> None:
        self._errors += 1
        if self._first is None and failure is not None:
            self._first = _text(f"{type(failure.value).__name__}: {failure.value}{where}")[:300]

    def dropped(self, **_: Any) -> None:
        """Count an item that another pipeline dropped."""
        self._dropped += 1

    def closed(self, reason: str, spider: Any = None) -> None:
        """Say how the crawl ended. Scrapy sends this once every item is through."""
        end = {"type": "end", "reason": _text(str(reason))[:200], "errors": self._errors, "dropped": self._dropped}
        self._send({**end, "first": self._first})
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # -- the socket ----------------------------------------------------------------------------------------

    def _send(self, message: Mapping[str, Any]) -> None:
        self._write(_line(message))

    def _write(self, line: bytes) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendall(line)
        except OSError as error:
            _log.error("the capture takes no more items (%s): the crawl is stopped", error)
            self._socket.close()
            self._socket = None
            self._refused = 1
            self._stop()

    def _stop(self) -> None:
        stopping = self._crawler.stop_async()
        try:
            self._stopping = asyncio.get_running_loop().create_task(stopping)
        except RuntimeError:  # another reactor than asyncio's
            from scrapy.utils.defer import deferred_from_coro

            deferred_from_coro(stopping)


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON can carry it. Raises `NotJSON`."""
    if depth > DEEPEST:
        raise NotJSON(f"it is nested more than {DEEPEST} deep")
    if isinstance(value, Enum):
        return plain(value.value, depth + 1)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJSON(f"the number {value}")
        return value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item, depth + 1) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if is_item(value):
        return plain(_fields(value), depth + 1)
    raise NotJSON(f"a value of {type(value).__module__}.{type(value).__qualname__}")


def _fields(item: Any) -> dict[Any, Any]:
    """The fields of an item, of whatever class that Scrapy takes as one."""
    if dataclasses.is_dataclass(item):
        fields = [field for field in dataclasses.fields(item) if field.metadata.get(NOT_HANDED_OVER) is not False]
        return {field.name: getattr(item, field.name) for field in fields}
    return dict(ItemAdapter(item).items())


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise NotJSON(f"a key of {type(key).__qualname__}: keys are text")
    return _text(key)


def _text(text: str) -> str:
    """The text with halves of a character (lone surrogates), which no UTF-8 holds, as codes."""
    return _LONE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _line(message: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    except (ValueError, TypeError, RecursionError) as error:
        raise NotJSON(str(error)) from error
