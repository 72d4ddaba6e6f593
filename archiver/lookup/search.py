"""Posts and notes that fit what is looked for, in a home and in what others of the team keep of theirs; by pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archiver.home.home import Home
from storage.catalog_find import CAPTURE_ORDERS, POST_ORDERS, Page, Wanted, find, find_captures

__all__ = ["CAPTURE_ORDERS", "POST_ORDERS", "Hit", "Page", "SearchResult", "Wanted", "captures_of", "search"]

MOST = 500
"""Rows that are read together at most."""


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
    """A page of hits, one's own home before others'. `total`: how many there are of one's own.

    `hidden`: how many of one's own are quarantined.
    """

    hits: tuple[Hit, ...]
    hidden: int = 0
    total: int = 0


def search(
    home: Home, wanted: Wanted, limit: int, beside: Sequence[Home] = (), *, order: str = "best", offset: int = 0
) -> SearchResult:
    """Find a page of posts and annotations of each home. A post that was seen several times is found once.

    Annotations are looked for by words, and by their case. Raises `CatalogError`.
    """
    own = find(home.catalog, wanted, order, limit, offset)
    hits = [Hit(row, None, _judged(home, row)) for row in own.rows]
    for other in beside:
        rows = find(other.catalog, wanted, order, limit, offset).rows
        hits += [Hit(row, other.path.name, _judged(other, row)) for row in rows]
    return SearchResult(tuple(hits), own.hidden, own.total)


def captures_of(home: Home, wanted: Wanted, order: str, limit: int, offset: int = 0) -> Page:
    """List a page of captures, each with the words of its first post. Raises `CatalogError`, `NotFound`."""
    if wanted.case is not None:
        home.require_case(wanted.case)
    return find_captures(home.catalog, replace(wanted, text=None), order, min(limit, MOST), offset)


def _judged(home: Home, row: Mapping[str, Any]) -> dict[str, Any] | None:
    return home.catalog.reassessment(row["capture"]) if row["kind"] == "post" else None
