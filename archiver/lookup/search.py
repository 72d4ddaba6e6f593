"""Posts and notes that hold given words, in a home and in what others of the team keep of theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archiver.home.home import Home
from archiver.home.visibility import is_hidden


@dataclass(frozen=True)
class Hit:
    """A post or an annotation that was found.

    `row`: of the catalog; `beside`: the folder of somebody else's home, None for one's own.
    """

    row: Mapping[str, Any]
    beside: str | None = None
    judged: Mapping[str, Any] | None = None
    """The latest judgement of its capture that was signed after the first one."""

    @property
    def is_post(self) -> bool:
        """Whether it is a post, and not an annotation."""
        return bool(self.row["kind"] == "post")

    @property
    def is_guessed(self) -> bool:
        """Whether the program guessed which words of a page are its article."""
        return not self.row.get("text") and bool(self.row.get("guessed_text"))

    @property
    def words(self) -> str:
        """Its text, or its title where it has none."""
        return str(self.row.get("text") or self.row.get("guessed_text") or self.row.get("title") or "")


@dataclass(frozen=True)
class SearchResult:
    """Hits, best first, one's own home before others'. `hidden`: how many of one's own are quarantined."""

    hits: tuple[Hit, ...]
    hidden: int = 0


def search(home: Home, text: str, limit: int, beside: Sequence[Home] = ()) -> SearchResult:
    """Find up to `limit` posts and annotations of each home that hold every word of `text`.

    Raises `CatalogError`.
    """
    rows = home.catalog.find(text, limit)
    hits = [Hit(row, None, _judged(home, row)) for row in rows if _is_shown(home, row)]
    hidden = len(rows) - len(hits)
    for other in beside:
        hits += [
            Hit(row, other.path.name, _judged(other, row))
            for row in other.catalog.find(text, limit)
            if _is_shown(other, row)
        ]
    return SearchResult(tuple(hits), hidden)


def _judged(home: Home, row: Mapping[str, Any]) -> dict[str, Any] | None:
    return home.catalog.reassessment(row["capture"]) if row["kind"] == "post" else None


def _is_shown(home: Home, row: Mapping[str, Any]) -> bool:
    return row["kind"] != "post" or not is_hidden(home, row["capture"], row["id"])
