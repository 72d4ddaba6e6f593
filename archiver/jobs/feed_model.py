"""A feed: a list of links that grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.jobs.job import known, letters


@dataclass(frozen=True)
class Feed:
    """A list of links, and how far it has been read."""

    id: str
    source: str
    """A path, a link of RSS or Atom, or a link of a Google Sheet."""
    kind: str
    """`file`, `folder`, `rss` or `sheet`."""
    column: str | None
    cases: tuple[str, ...]
    every: float
    """Seconds between two looks at it."""
    made: str
    """When it was added, as job ids begin: 20261128T170000."""
    ledger: str
    """Name of the ledger of the home that reads it: files lie on one machine."""
    media: bool = True
    columns: Mapping[str, str] = field(default_factory=dict)
    """For a sheet: `status`, `link`, `hash` → the heading of the column that it is written to."""
    prefix: str = ""
    """What stands before a capture's id in the link column."""
    account: str | None = None
    """The account by which Telegram is asked."""
    digest: str | None = None
    """SHA-256 of what was read last."""
    left: int = 0
    """How many links of it are still to be queued."""
    said: str | None = None
    """What the last look found, in words."""

    def value(self) -> dict[str, Any]:
        """Return the feed as its entry stores it."""
        return {
            "source": self.source, "kind": self.kind, "column": self.column, "cases": list(self.cases), "every": self.every,
            "made": self.made, "ledger": self.ledger, "media": self.media, "columns": dict(self.columns), "prefix": self.prefix,
            "account": self.account, "digest": self.digest, "left": self.left, "said": self.said,
        }  # fmt: skip

    @classmethod
    def of(cls, name: str, value: Mapping[str, Any]) -> Feed:
        """Read what `value` returned, also of a later version."""
        return cls(id=name, **known(cls, {**value, "cases": tuple(value["cases"])}))

    def job(self, key: str) -> str:
        """Return the id of the job of the link with that key."""
        return f"{self.made}-" + letters({"feed": self.id, "link": key})
