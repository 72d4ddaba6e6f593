"""Reading kept posts again from their recorded bytes, so that two readings by one version of a parser are compared.

A parser that learns to see more would otherwise make a change of every post that it reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from archiver.home.home import Home
from archiver.recorder.content_coding import decode_body
from spiders.reading import parse_body
from storage.errors import EvidenceError
from storage.times import utc_parse
from storage.warc import WarcRecord, read_warc

OTHER_VERSION = "read by another version"
"""Why two readings cannot be compared."""
LIMIT = 64 << 20
Line = Mapping[str, Any]


class Rereading:
    """Reads posts again by today's parsers; a record that many posts stand in is read once."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._read: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    def pair(self, before: Line, before_in: str, now: Line, now_in: str) -> tuple[Line, Line] | None:
        """Return two lines of posts.jsonl, read by one version. None where their bytes cannot be read again.

        `before_in`, `now_in`: the captures that they are from.
        """
        if before.get("parser") == now.get("parser"):
            return before, now
        # Both, and both in the same way: a spider may have put a line together from more than the one record.
        old, new = self.line(before, before_in), self.line(now, now_in)
        return (old, new) if old is not None and new is not None else None

    def line(self, line: Line, capture: str) -> dict[str, Any] | None:
        """Return a post as its record is read today; None where the record is not here, or does not show the post."""
        record = line.get("record")
        if not isinstance(record, str):
            return None
        if (capture, record) not in self._read:
            self._read[capture, record] = self._posts(capture, record)
        found = self._read[capture, record].get(str(line.get("id")))
        return {**found, "record": record, "role": line.get("role", "target")} if found is not None else None

    def known(self, capture: str, record: str | None, post: str | None = None) -> dict[str, Any] | None:
        """Return the line that a capture keeps of what it read in a record, of that post or the first; None without one."""
        for row in self._home.catalog.posts(capture):
            line: dict[str, Any] = json.loads(row["line"])
            if (
                line.get("record") == record
                and (post is None or line.get("id") == post)
                and line.get("role") != "captions"
            ):
                return line
        return None

    def _posts(self, capture: str, record: str) -> dict[str, dict[str, Any]]:
        row = next((row for row in self._home.catalog.records(capture) if row["id"] == record), None)
        if row is None or row["lender"] is not None:
            return {}
        path = self._home.path / self._home.capture_folder(capture) / row["file"]
        try:
            with open(path, "rb") as stream:
                stream.seek(row["offset"])
                found = next(read_warc(stream), None)
                body = _body(found) if found is not None else None
        except (OSError, EvidenceError):
            return {}
        if found is None or body is None:
            return {}
        kind = found.http("content-type") or found.get("content-type")
        parsed = parse_body(body, row["uri"], kind, utc_parse(row["date"]))
        return {str(post.id): {**post.line(), "parser": parsed.parser} for post in reversed(parsed.posts)}


def _body(record: WarcRecord) -> bytes | None:
    return decode_body(record.stream.read(LIMIT + 1), record.http("content-encoding"), LIMIT)
