"""What two captures of the same thing say differently."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.visibility import is_hidden
from archiver.lookup.rereading import OTHER_VERSION, Rereading
from storage.post_lines import guesses

FIELDS = (
    "title", "text", "author_handle", "author_name", "author_id", "published_at", "edited", "edited_at", "reply_to",
    "forwarded_from", "album_ids", "views", "likes", "replies", "reposts", "quotes", "bookmarks", "outcome", "reason",
    "guessed_published", "guessed_author", "guessed_title", "guessed_text",
)  # fmt: skip
WORDS = ("title", "text", "guessed_title", "guessed_text")
MIRROR = "mirror"
"""Key in the inventory of the page of a mirror, which was asked in place of the original."""
COPY = "a mirror's copy, not the platform's"
_PIECE = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Difference:
    """One field of a post. None: that capture does not say."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ComparedPost:
    """A post in one capture or both. `where`: `both`, or the capture that alone has it, `a` or `b`."""

    post: str
    link: str | None
    where: str
    hidden: bool = False
    differences: tuple[Difference, ...] = ()
    unsure: str | None = None
    """Why the two cannot be compared."""


@dataclass(frozen=True)
class CaptureDiff:
    """`a` and `b`: rows of the catalog."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    posts: tuple[ComparedPost, ...]
    same: int
    """How many posts say the same in both."""
    other: tuple[Difference, ...] = field(default=())
    """The captures themselves: outcome and reason."""
    copies: tuple[str, ...] = ()
    """Which of the two captures show a mirror's copy, not what the platform answered."""

    def line(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""

        def values(found: tuple[Difference, ...]) -> list[dict[str, Any]]:
            return [{"field": one.name, "before": one.before, "after": one.after} for one in found]

        return {
            "a": self.a["id"], "b": self.b["id"], "mirror": list(self.copies), "same": self.same, "captures": values(self.other),
            "posts": [
                {"post": one.post, "link": one.link, "where": one.where, "hidden": one.hidden, "changes": values(one.differences),
                 "cannot_tell": one.unsure}
                for one in self.posts
            ],
        }  # fmt: skip


def diff(home: Home, a: str, b: str) -> CaptureDiff:
    """Compare two captures by their ids, the earlier one first.

    Raises `UsageError` where they have no post in common and other targets.
    """
    rows = sorted(
        (row for one in (a, b) if (row := home.catalog.capture(one))), key=lambda row: (row["opened"], row["seq"])
    )
    a, b = (row["id"] for row in rows)
    before, after = posts_with_digests(home, a), posts_with_digests(home, b)
    if rows[0]["target"] != rows[1]["target"] and not set(before) & set(after):
        raise UsageError(
            "two captures of the same link, or with a post in common", f"{rows[0]['target']} and {rows[1]['target']}",
            "List the observations of a post: archiver history LINK",
        )  # fmt: skip
    found, same = [], 0
    reading = Rereading(home)
    for post in dict.fromkeys([*before, *after]):
        old, new = before.get(post), after.get(post)
        hidden = is_hidden(home, a, post) or is_hidden(home, b, post)
        link = (new or old or {}).get("url")
        if old is None or new is None:
            found.append(ComparedPost(post, link, "b" if old is None else "a", hidden))
            continue
        pair = reading.pair(old, a, new, b)
        if pair is None:
            found.append(ComparedPost(post, link, "both", hidden, unsure=OTHER_VERSION))
            continue
        differences = tuple(_differences(*pair))
        if differences:
            found.append(ComparedPost(post, link, "both", hidden, () if hidden else differences))
        else:
            same += 1
    other = tuple(
        Difference(name, rows[0][name], rows[1][name])
        for name in ("outcome", "reason")
        if rows[0][name] != rows[1][name]
    )
    return CaptureDiff(
        rows[0], rows[1], tuple(found), same, other, tuple(one for one in (a, b) if shows_copy(home, one))
    )


def shows_copy(home: Home, capture: str) -> bool:
    """Return whether what a capture shows is a mirror's page, since the original was not to be had."""
    return any(
        line.get("key") == MIRROR and line.get("outcome") in ("captured", "partial")
        for line in home.catalog.inventory(capture)
    )


def posts_with_digests(home: Home, capture: str) -> dict[str, dict[str, Any]]:
    """Read each post's line, by its name.

    With it come the digests of those of its files that the capture has complete.
    """
    records = {row["id"]: row["payload_digest"] for row in home.catalog.records(capture)}
    kept = {}
    for line in home.catalog.inventory(capture):
        if line.get("outcome") == "captured":
            kept[line["key"]] = line.get("sha256") or records.get(line.get("record", ""))
    found: dict[str, dict[str, Any]] = {}
    for row in home.catalog.posts(capture):
        line = json.loads(row["line"])
        name = line.get("id") or line.get("url") or f"the {row['n']}th"
        if line.get("role") != "captions" and name not in found:
            digests = [kept.get(f"post {name} #{n}") for n in range(len(line.get("attachments") or []))]
            found[name] = {**line, "digests": digests}
    return found


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = {**old, **guesses(old)}, {**new, **guesses(new)}
    for name in FIELDS:
        if old.get(name) != new.get(name):
            yield Difference(name, old.get(name), new.get(name))
    was, now = (
        [(one.get("kind"), one.get("file_name")) for one in line.get("attachments") or []] for line in (old, new)
    )
    if was != now:
        yield Difference("attachments", _kinds(old), _kinds(new))
    else:
        for number, (one, other) in enumerate(zip(old.get("digests", ()), new.get("digests", ()), strict=True)):
            if one and other and one != other:
                yield Difference(f"bytes of attachment {number}", one, other)


def _kinds(line: Mapping[str, Any]) -> str:
    return ", ".join(one.get("kind") or "file" for one in line.get("attachments") or []) or "none"


def words(before: str, after: str) -> list[tuple[str, str]]:
    """Compare two texts word by word, as (`same`, `gone` or `new`, piece)."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    found = []
    for how, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "equal":
            found.append(("same", "".join(old[a:b])))
            continue
        if b > a:
            found.append(("gone", "".join(old[a:b])))
        if d > c:
            found.append(("new", "".join(new[c:d])))
    return found
