"""What happened when in a case, in one list: posts as their platforms date them, times that people found, incidents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archiver.home.home import Home
from archiver.home.visibility import is_hidden
from archiver.text.cells import csv_bytes
from storage.catalog_find import Wanted, find_posts

COLUMNS = (
    "earliest",
    "latest",
    "what",
    "basis",
    "by",
    "incident",
    "link",
    "author",
    "words",
    "capture",
    "post",
    "event",
)
_AT_ONCE = 500
_WORDS = 200


def chronology(home: Home, case: str) -> list[dict[str, Any]]:
    """List posts, stated times and incidents of a case by their earliest possible moment; unknown ones last.

    What is quarantined is left out. Raises `NotFound`, `CatalogError`.
    """
    home.require_case(case)
    rows = [*_posts(home, case), *_stated(home, case)]
    return sorted(rows, key=lambda row: (row["earliest"] is None, row["earliest"] or "", row["latest"] or ""))


def _posts(home: Home, case: str) -> Iterable[dict[str, Any]]:
    offset = 0
    while found := find_posts(home.catalog, Wanted(case=case), "published", _AT_ONCE, offset).rows:
        offset += len(found)
        for row in found:
            if row["role"] == "captions":
                continue
            words = " ".join(str(row["text"] or row["title"] or "").split())
            yield _row(
                earliest=row["published_earliest"], latest=row["published_latest"], what="post", basis="the platform states it",
                by=row["platform"], link=row["url"], author=row["author_name"] or row["author_handle"], words=words[:_WORDS],
                capture=row["capture"], post=row["id"],
            )  # fmt: skip


def _stated(home: Home, case: str) -> Iterable[dict[str, Any]]:
    rows = home.catalog.select(
        'SELECT t.* FROM moment t WHERE t."case"=? OR t.capture IN (SELECT m.capture FROM case_captures m WHERE m."case"=?)',
        (case, case),
    )
    for row in rows:
        if row["capture"] is not None and is_hidden(home, row["capture"], row["post"]):
            continue
        yield _row(
            earliest=row["earliest"], latest=row["latest"], what="incident" if row["incident"] else "time of a post",
            basis=row["basis"], by=row["said_by"], incident=row["incident"], capture=row["capture"], post=row["post"],
            event=row["seq"],
        )  # fmt: skip


def _row(**known: Any) -> dict[str, Any]:
    return {column: known.get(column) for column in COLUMNS}


def as_csv(rows: Iterable[dict[str, Any]]) -> bytes:
    """Write a chronology for spreadsheets, which run no cell of it as a formula."""
    return csv_bytes(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))
