"""Looking for posts and captures in the catalog: by words, case, platform, author, time, kind, outcome, video; by pages.

Each query reads a page of rows and counts the rest. A post that several captures saw is one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from storage.catalog_schema import TABLES
from storage.catalog_views import shown
from storage.fold import query


class Catalog(Protocol):
    """What is asked of the catalog: `storage.catalog.Catalog`, which imports this module."""

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a SELECT."""
        ...

    def quarantined_captures(self) -> set[str]:
        """Return the ids of captures of which something is kept from view."""
        ...


MOVING = ("video", "round video")
"""Kinds of attachments that are videos."""
POST_ORDERS = {
    "best": "best, seen DESC",
    "published": "published_earliest IS NULL, published_earliest",
    "seen": "seen DESC",
}
"""SQL of each order of posts: by rank, oldest publication first, last seen first."""
CAPTURE_ORDERS = {
    "sealed": "c.seq", "opened": "c.opened", "link": "c.target", "platform": "c.platform, c.seq", "outcome": "c.outcome, c.seq",
    "posts": "c.posts DESC, c.seq",
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None where it does not matter. Times are UTC, ISO 8601.

    `since` and `until` (not included): of posts, when they can have been published; of captures, when they began.
    """

    text: str | None = None
    case: str | None = None
    platform: str | None = None
    author: str | None = None
    since: str | None = None
    until: str | None = None
    kind: str | None = None
    """What the link of the capture names."""
    outcome: str | None = None
    """Of the capture."""
    video: bool = False


@dataclass(frozen=True)
class Page:
    """Rows of one page, and how many there are in all. `hidden`: posts left out since they are quarantined."""

    rows: list[dict[str, Any]]
    total: int
    hidden: int = 0


def find_posts(catalog: Catalog, wanted: Wanted, order: str, limit: int, offset: int = 0) -> Page:
    """Find posts, each as it was seen last among those that fit, with `observations`: how often it was seen at all.

    With words `found_rank` says how well it fits: the lower, the better. Raises `CatalogError`.
    """
    hits, values = _post_hits(catalog, wanted)
    if hits is None:
        return Page([], 0)
    newest = "ORDER BY seen DESC, capture DESC, n DESC"
    same = "PARTITION BY kept, platform, COALESCE('i' || id, 'r' || row), captions"
    every = (
        f"WITH hit AS ({hits}), one AS (SELECT *, ROW_NUMBER() OVER ({same} {newest}) AS place, "
        f"MIN(rank) OVER ({same}) AS best FROM hit) "
    )
    rows = catalog.select(
        f"{every} SELECT row, best, COUNT(*) OVER () AS total FROM one WHERE place=1 AND kept "
        f"ORDER BY {POST_ORDERS[order]}, row LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    seen = "SELECT COUNT(*) FROM posts o WHERE o.id=p.id AND o.platform=p.platform"
    found = []
    for row in rows:
        (post,) = catalog.select(
            f"SELECT p.*, MAX(1, ({seen})) AS observations FROM posts p WHERE p.rowid=?", (row["row"],)
        )
        found.append({**post, "found_rank": row["best"], "kind": "post"})
    hidden = 0
    if catalog.quarantined_captures():
        counted = catalog.select(f"{every} SELECT COUNT(*) AS count FROM one WHERE place=1 AND NOT kept", values)
        hidden = int(counted[0]["count"])
    total = rows[0]["total"] if rows else _total(catalog, every, values, offset)
    return Page(found, int(total), hidden)


def _total(catalog: Catalog, every: str, values: Sequence[Any], offset: int) -> int:
    """Count the posts where the page lies behind their end."""
    if not offset:
        return 0
    return int(catalog.select(f"{every} SELECT COUNT(*) AS count FROM one WHERE place=1 AND kept", values)[0]["count"])


def _post_hits(catalog: Catalog, wanted: Wanted) -> tuple[str | None, list[Any]]:
    """Write the SELECT of every row of `posts` that fits, with the values in it; None: nothing can."""
    tables, rank, where, values = "posts p", "0", ["1"], []
    if wanted.text is not None:
        *columns, _ = TABLES["posts"].searched
        expression = query(wanted.text, columns)
        if not expression:
            return None, []
        tables, rank = "posts_fts f JOIN posts p ON p.rowid=f.rowid", "f.rank"
        where, values = ["posts_fts MATCH ?"], [expression]
    of_captures = [(f"p.capture IN ({sql})", value) for sql, value in _of_captures(wanted)]
    for sql, value in (*of_captures, ("p.platform=?", wanted.platform)):
        if value is not None:
            where.append(sql)
            values.append(value)
    if wanted.since is not None:
        where.append("p.published_latest>=?")
        values.append(wanted.since)
    if wanted.until is not None:
        where.append("p.published_earliest<?")
        values.append(wanted.until)
    if wanted.author is not None:
        sql, names = _author(catalog, wanted.author)
        where.append(sql)
        values += names
    if wanted.video:
        where.append(
            "EXISTS (SELECT 1 FROM attachments t WHERE t.capture=p.capture AND t.post=p.n AND t.kind IN ('video', 'round video'))"
        )
    read = "p.rowid AS row, p.platform, p.id, p.capture, p.n, p.seen, p.published_earliest, p.role IS 'captions' AS captions"
    return (
        f"SELECT {read}, {rank} AS rank, {shown('p.id', 'p.capture')} AS kept FROM {tables} WHERE {' AND '.join(where)}",
        values,
    )


def _of_captures(wanted: Wanted) -> list[tuple[str, str | None]]:
    """Pair the SELECT of the captures that a filter leaves with its value."""
    return [
        ('SELECT capture FROM case_captures WHERE "case"=?', wanted.case),
        ("SELECT id FROM captures WHERE kind=?", wanted.kind),
        ("SELECT id FROM captures WHERE outcome=?", wanted.outcome),
    ]


def _author(catalog: Catalog, name: str) -> tuple[str, list[str]]:
    """Write the condition that an author is meant: by the handle in any case, or else by the whole name."""
    handle = name.removeprefix("@").casefold()
    rows = catalog.select("SELECT DISTINCT author_handle FROM posts WHERE author_handle IS NOT NULL")
    handles = [row["author_handle"] for row in rows if row["author_handle"].removeprefix("@").casefold() == handle]
    if handles:
        return f"p.author_handle IN ({','.join('?' for _ in handles)})", handles
    return "p.author_name=?", [name]


def find_annotations(catalog: Catalog, wanted: Wanted, limit: int, offset: int = 0) -> Page:
    """Find annotations that hold every word, of all cases or one, best first. Those that were retracted are not found.

    Raises `CatalogError`.
    """
    *columns, _ = TABLES["annotations"].searched
    expression = query(wanted.text or "", columns)
    if not expression:
        return Page([], 0)
    where, values = "", [expression]
    if wanted.case is not None:
        where = (
            'AND (a.capture IN (SELECT m.capture FROM case_captures m WHERE m."case"=?) '
            "OR json_extract(a.body, '$.about.case')=?)"
        )
        values += [wanted.case, wanted.case]
    rows = catalog.select(
        "SELECT a.*, e.time, f.rank AS found_rank, COUNT(*) OVER () AS total FROM annotations_fts f "
        "JOIN annotations a ON a.rowid=f.rowid JOIN events e ON e.seq=a.seq "
        f"WHERE annotations_fts MATCH ? AND a.retracted IS NULL {where} ORDER BY f.rank, f.rowid LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    total = int(rows[0]["total"]) if rows else 0
    return Page([{**row, "annotation": row["kind"], "kind": "annotation"} for row in rows], total)


def find(catalog: Catalog, wanted: Wanted, order: str, limit: int, offset: int = 0) -> Page:
    """Find a page of posts and annotations. Annotations are looked for by words, and in a case.

    Raises `CatalogError`.
    """
    posts, said = find_posts(catalog, wanted, order, offset + limit), Page([], 0)
    if wanted.text is not None and wanted == Wanted(text=wanted.text, case=wanted.case):
        said = find_annotations(catalog, wanted, offset + limit)
    rows = posts.rows + said.rows
    if order == "best":
        rows.sort(key=lambda row: row["found_rank"])
    return Page(rows[offset : offset + limit], posts.total + said.total, posts.hidden)


def find_captures(catalog: Catalog, wanted: Wanted, order: str, limit: int, offset: int = 0) -> Page:
    """Find captures, each with `words` and `author` of its first post, and `files`: how many are held of it.

    What is quarantined says nothing of its words. Raises `CatalogError`.
    """
    where, values = ["1"], []
    of_captures = [(f"c.id IN ({sql})", value) for sql, value in _of_captures(wanted)]
    times = [("c.opened>=?", wanted.since), ("c.opened<?", wanted.until)]
    for sql, value in (*of_captures, ("c.platform=?", wanted.platform), *times):
        if value is not None:
            where.append(sql)
            values.append(value)
    if wanted.author is not None:
        sql, names = _author(catalog, wanted.author)
        where.append(f"EXISTS (SELECT 1 FROM posts p WHERE p.capture=c.id AND {sql})")
        values += names
    if wanted.video:
        where.append(
            "EXISTS (SELECT 1 FROM inventory i WHERE i.capture=c.id AND i.kind IN ('video', 'round video') "
            "AND i.outcome IN ('captured', 'partial'))"
        )
    rows = catalog.select(
        f"SELECT c.*, COUNT(*) OVER () AS total FROM captures c WHERE {' AND '.join(where)} "
        f"ORDER BY {CAPTURE_ORDERS[order]} LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    total = int(rows[0]["total"]) if rows else 0
    return Page([_with_words(catalog, row) for row in rows], total)


def _with_words(catalog: Catalog, row: dict[str, Any]) -> dict[str, Any]:
    first = first_post(catalog, row["id"]) or {}
    (kept,) = catalog.select(
        "SELECT COUNT(DISTINCT sha256) AS count FROM inventory WHERE capture=? AND sha256 IS NOT NULL "
        "AND outcome IN ('captured', 'partial')",
        (row["id"],),
    )
    found = {key: row[key] for key in row if key != "total"}
    return {
        **found, "files": kept["count"], "hidden": bool(first and not first["kept"]), "author": first.get("author_name"),
        "words": first.get("text") or first.get("title") or "",
    }  # fmt: skip


def first_post(catalog: Catalog, capture: str, post: str | None = None) -> dict[str, Any] | None:
    """Return the post that a capture was made for, or the one that is named; `kept`: 0 where it is quarantined.

    Then it has no words, title or author. None: there is no such post. Raises `CatalogError`.
    """
    rows = catalog.select(
        f"SELECT p.*, {shown('p.id', 'p.capture')} AS kept FROM posts p WHERE p.capture=? AND (?2 IS NULL OR p.id=?2) "
        "ORDER BY p.role IS NOT 'target', p.n LIMIT 1",
        (capture, post),
    )
    if not rows or rows[0]["kept"]:
        return rows[0] if rows else None
    return {**rows[0], "text": None, "title": None, "author_name": None, "author_handle": None, "line": "{}"}


def captures_since(catalog: Catalog, seq: int, limit: int) -> Page:
    """List the captures that were sealed after an event, newest first. Raises `CatalogError`."""
    rows = catalog.select(
        "SELECT c.*, COUNT(*) OVER () AS total FROM captures c WHERE c.seq>? ORDER BY c.seq DESC LIMIT ?", (seq, limit)
    )
    return Page(rows, int(rows[0]["total"]) if rows else 0)


def events_concerning(
    catalog: Catalog, captures: Sequence[str], case: str | None, limit: int, after: int = -1
) -> list[str]:
    """List the events about captures or a case, as JSON, in the ledger's order, from the one after `after` on.

    With a case, those about its captures too. Raises `CatalogError`.
    """
    marks = ",".join("?" for _ in captures)
    seqs = [f"SELECT seq FROM mentions WHERE about IN ({marks})"]
    values: list[Any] = list(captures)
    if case is not None:
        seqs += [
            "SELECT seq FROM mentions WHERE about='case:' || ?",
            'SELECT m.seq FROM case_captures k JOIN mentions m ON m.about=k.capture WHERE k."case"=?',
        ]
        values += [case, case]
    rows = catalog.select(
        f"SELECT body FROM events WHERE seq IN ({' UNION '.join(seqs)}) AND body IS NOT NULL AND seq>? ORDER BY seq LIMIT ?",
        (*values, after, limit),
    )
    return [row["body"] for row in rows]
