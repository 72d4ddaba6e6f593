"""Items of a case that a list, a tag or a search names, as annotations hold what they are about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.visibility import is_hidden
from storage.catalog_find import Wanted, find_posts

About = dict[str, Any]


def by_links(home: Home, case: str, links: Iterable[str]) -> tuple[list[About], list[str]]:
    """Return (items, links that no capture of the case has): of each link the newest capture. Raises `CatalogError`."""
    found: list[About] = []
    absent = []
    for link in links:
        rows = home.catalog.select(
            "SELECT c.id FROM captures c JOIN case_captures m ON m.capture=c.id "
            'WHERE c.target=? AND m."case"=? ORDER BY c.seq DESC LIMIT 1',
            (link, case),
        )
        posts = home.catalog.select(
            "SELECT p.capture, p.id FROM posts p JOIN case_captures m ON m.capture=p.capture "
            'WHERE p.url=? AND m."case"=? ORDER BY p.seen DESC LIMIT 1',
            (link, case),
        )
        if rows:
            found.append({"capture": rows[0]["id"]})
        elif posts and posts[0]["id"] is not None:
            found.append({"capture": posts[0]["capture"], "post": posts[0]["id"]})
        else:
            absent.append(link)
    return found, absent


def by_tag(home: Home, case: str, tag: str) -> list[About]:
    """List what was given a tag in a case, as it was tagged, oldest first; without what is quarantined.

    Raises `CatalogError`.
    """
    captures = {
        row["capture"] for row in home.catalog.select('SELECT capture FROM case_captures WHERE "case"=?', (case,))
    }
    return [
        about
        for body in home.catalog.standing("tag")
        if (about := body["detail"]["about"]).get("capture") in captures
        and str(body["detail"]["text"]).casefold() == tag.casefold()
        and not is_hidden(home, about["capture"], about.get("post"))
    ]


def by_search(home: Home, case: str, text: str, most: int) -> list[About]:
    """List the posts of a case that hold every word, each once. Raises `UsageError` where there are more than `most`."""
    page = find_posts(home.catalog, Wanted(text=text, case=case), "published", most)
    if page.total > most:
        raise UsageError(
            f"up to {most} posts at once", f"{page.total:,} with these words", "Search for more words, or use --list."
        )
    return [{"capture": row["capture"], **({"post": row["id"]} if row["id"] is not None else {})} for row in page.rows]
