"""What the program behind the recorder says that it read, entered in the open capture as claims of its spiders.

Each item is in the inventory with an outcome: kept as a post, or not kept and why. So is each spider: it ended, it raised,
or nobody heard its end.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from archiver.capture.inventory import ITEM, SPIDER
from archiver.capture.item_messages import (
    EndMessage,
    ItemMessage,
    Message,
    NotUnderstood,
    OurItem,
    ReadItem,
    SpiderMessage,
    UnsentMessage,
    read_item,
)
from archiver.capture.posts import Sighting
from archiver.capture.session import CaptureSession
from archiver.home.log import Telling
from archiver.text.plain import harmless
from spiders.items import Led, Noted, Seen
from spiders.posts import Attachment, Outcome

MOST_REASON = 300


@dataclass
class _Crawl:
    """One connection. `key`: of its spider in the inventory."""

    name: str
    key: str
    ended: bool = False


class ProgramIntake:
    """Takes the messages of the programs that run behind the recorder of one capture. Runs on its loop."""

    def __init__(self, session: CaptureSession) -> None:
        self._session, self._inventory = session, session.inventory
        self._crawls: dict[int, _Crawl] = {}
        self._items = 0
        self._keys: Counter[str] = Counter()

    def take(self, connection: int, message: Message) -> None:
        """Enter what a message says. A fault of our own leaves the capture partial. Raises `NotUnderstood`."""
        crawl = self._crawls.get(connection)
        if (crawl is None) is not isinstance(message, SpiderMessage) or (crawl is not None and crawl.ended):
            raise NotUnderstood("messages in another order than a crawl sends them")
        with Telling(self._session.broken):
            if isinstance(message, SpiderMessage):
                self._crawls[connection] = self._begun(message)
                return
            assert crawl is not None
            if isinstance(message, ItemMessage):
                self._item(crawl, message)
            elif isinstance(message, UnsentMessage):
                self._not_kept(crawl, message.kind, f"the spider could not send it: {_line(message.reason)}")
            else:
                self._end(crawl, message)

    def lost(self, connection: int, reason: str) -> None:
        """Enter that a connection ended otherwise than by the program's own end."""
        crawl = self._crawls.setdefault(connection, self._begun(SpiderMessage("unknown")))
        if not crawl.ended:
            crawl.ended = True
            self._inventory.end(crawl.key, Outcome.PARTIAL, f"its items are not all here: {_line(reason)}")

    def close(self) -> None:
        """End the spiders of which no end was heard."""
        for crawl in self._crawls.values():
            if not crawl.ended:
                crawl.ended = True
                self._inventory.end(crawl.key, Outcome.PARTIAL, "it broke off before its end")

    def _begun(self, message: SpiderMessage) -> _Crawl:
        name = _line(message.name)[:200] or "unnamed"
        key = self._free(f"{SPIDER} {name}")
        self._inventory.discover(key, SPIDER, None, "target")
        return _Crawl(name, key)

    def _end(self, crawl: _Crawl, message: EndMessage) -> None:
        crawl.ended = True
        dropped: dict[str, Any] = {"dropped": message.dropped} if message.dropped > 0 else {}
        if message.errors > 0:
            times = "once" if message.errors == 1 else f"{message.errors} times"
            outcome, reason = Outcome.PARTIAL, f"it raised an exception {times}: {_line(message.first or 'unknown')}"
        elif message.reason == "finished":
            outcome, reason = Outcome.CAPTURED, None
        else:
            outcome, reason = Outcome.PARTIAL, f"it was stopped: {_line(message.reason)}"
        self._inventory.end(crawl.key, outcome, reason, **dropped)

    # -- items ---------------------------------------------------------------------------------------------

    def _item(self, crawl: _Crawl, message: ItemMessage) -> None:
        claimed = {"claimed_by": {"spider": crawl.name, "class": _line(message.kind)}}
        try:
            found = read_item(message)
        except NotUnderstood as error:
            self._not_kept(crawl, message.kind, f"it is not understood: {error}", item=message.item)
            return
        if found.own is not None:
            self._own(found.own, claimed)
        else:
            self._post(crawl, found, message, claimed)

    def _not_kept(self, crawl: _Crawl, kind: str, reason: str, **facts: Any) -> None:
        self._items += 1
        key = self._free(f"{ITEM} {self._items}")
        claimed = {"claimed_by": {"spider": crawl.name, "class": _line(kind)}}
        self._inventory.discover(key, ITEM, None, crawl.key, **claimed, **facts)
        self._inventory.end(key, Outcome.FAILED, reason)

    def _post(self, crawl: _Crawl, found: ReadItem, message: ItemMessage, claimed: dict[str, Any]) -> None:
        """Enter an item as a post, and fetch the files that it names and the spider did not fetch itself."""
        assert found.post is not None
        self._items += 1
        post = replace(found.post, extra={"item": message.item})
        name = post.id or post.url
        key = self._free(f"post {name}" if name else f"{ITEM} {self._items}")
        facts: dict[str, Any] = {
            "record": self._session.context.exchanges.record_of(post.url) if post.url else None,
            "parser": f"{SPIDER} {crawl.name}",
            "layout": "item",
            **claimed,
            **({"not_read": list(found.not_read)} if found.not_read else {}),
        }
        self._session.take_post(post, Sighting(crawl.key, facts, key=key), self._want)

    def _own(self, item: OurItem, claimed: dict[str, Any]) -> None:
        """Enter what one of our own spiders reports. Its keys are its own, and never those of another thing."""
        if isinstance(item, Seen):
            self._items += 1
            self._session.seen(replace(item, key=self._free(item.key)), claimed)
        elif isinstance(item, Noted):
            self._session.seen(replace(item, key=self._free(item.key)), claimed)
        elif not isinstance(item, Led) or item.hops:
            self._session.seen(item, claimed)

    def _want(self, key: str, attachment: Attachment, parent: str, required: bool) -> bool:
        """Find the file among what the program fetched; else fetch it as any other file of a post."""
        record = self._session.context.exchanges.record_of(attachment.url) if attachment.url else None
        if record is None:
            return self._session.fetch_file(key, attachment, parent, required)
        if self._inventory.discover(key, attachment.kind, attachment.url, parent):
            self._inventory.end(key, Outcome.CAPTURED, "fetched by the program", record)
        return False

    def _free(self, key: str) -> str:
        """The key, with a number where it is another thing's already."""
        name = key = key[:2000]
        while self._inventory.has(name):
            self._keys[key] += 1
            name = f"{key} ({self._keys[key] + 1})"
        return name


def _line(text: str) -> str:
    """A stranger's words on one line, of bounded length."""
    return " ".join(harmless(text).split())[:MOST_REASON]
