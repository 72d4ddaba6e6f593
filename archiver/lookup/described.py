"""What a capture, or a post of it, is in a line: link, author, first words. So that a person sees what is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver.home.home import Home
from archiver.home.visibility import HIDDEN
from storage.catalog_find import captures_since, first_post


@dataclass(frozen=True)
class Described:
    """Link, author and first words; each None where it is not known."""

    capture: str
    link: str | None
    author: str | None
    words: str | None

    def line(self, most: int = 80) -> str:
        """Return it as a line; the words are cut after `most` letters."""
        words = " ".join((self.words or "").split())
        short = words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
        said = f"“{short}”" if short and short != HIDDEN else short
        return " · ".join(part for part in (self.link or self.capture, self.author, said) if part)


def described(home: Home, about: Mapping[str, Any]) -> Described:
    """Describe what an annotation is about. Raises `CatalogError`."""
    capture = str(about.get("capture"))
    row = home.catalog.capture(capture)
    post = first_post(home.catalog, capture, about.get("post"))
    if post is None:
        return Described(capture, row["target"] if row else None, None, None)
    link = (post["url"] if about.get("post") else None) or (row["target"] if row else None)
    if not post["kept"]:
        return Described(capture, link, None, HIDDEN)
    words = post["text"] or post["title"] or post["guessed_text"] or post["guessed_title"]
    return Described(capture, link, post["author_name"] or post["author_handle"], words)


def came_since(home: Home, capture: str, own: set[str], most: int = 5) -> list[str]:
    """List captures that others made since one was sealed, newest first: a worker, a watch, another person.

    Received files are not counted: LAST never means one. `own`: captures of the same person's commands, which are not meant. Raises `CatalogError`.
    """
    row = home.catalog.capture(capture)
    if row is None:
        return []
    found = captures_since(home.catalog, row["seq"], most + len(own))
    others = [one["id"] for one in found.rows if one["id"] not in own and one["platform"] != "received"]
    return others[:most]
