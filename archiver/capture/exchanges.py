"""What the recorder has recorded for one capture so far."""

from __future__ import annotations

from collections import Counter

from archiver.recorder.exchange import ExchangeDone
from archiver.recorder.url import split_url
from spiders.links import LinkProblem
from storage.records import RecordRef


class RecordedExchanges:
    """Exchanges of one capture, as the recorder reports them from its own thread."""

    def __init__(self) -> None:
        self.by_tag: dict[str, ExchangeDone] = {}
        """The last exchange under each tag."""
        self.asked: Counter[str] = Counter()
        """How often each tag was asked for."""
        self.records: dict[str, RecordRef] = {}
        """Where the records of this capture lie, by record id."""
        self._by_uri: dict[str, str] = {}
        self.count = 0
        """How many exchanges have ended, answered or not."""
        self.answered = 0
        """How many of them a server has answered."""

    def add(self, done: ExchangeDone) -> None:
        """Add an exchange that has ended."""
        self.count += 1
        self.answered += done.status is not None
        if done.tag:
            self.by_tag[done.tag] = done
            self.asked[done.tag] += 1
        if done.record is not None:
            self.records[done.record.record_id] = done.record
            if done.complete:
                self._by_uri[done.uri] = done.record.record_id

    def record_of(self, link: str) -> str | None:
        """Return the record of the last whole answer to a link, however the link is written."""
        for as_sent in (True, False):
            wire = split_url(link, as_sent=as_sent)
            uri = link if isinstance(wire, LinkProblem) else wire.uri
            if record := self._by_uri.get(uri):
                return record
        return None
