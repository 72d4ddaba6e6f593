"""`archiver diff A B`: what two captures of the same thing say differently, as text and as a page."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.errors import UsageError
from archiver.showing import HIDDEN, is_hidden
from archiver.text.html import Markup, table, tag
from archiver.text.plain import harmless, many
from storage.errors import disk_error
from storage.files import write_synced

if TYPE_CHECKING:
    from archiver.cli import Context
    from archiver.home import Home

FIELDS = (
    "title", "text", "author_handle", "author_name", "author_id", "published_at", "edited", "edited_at", "reply_to",
    "forwarded_from", "album_ids", "views", "likes", "replies", "reposts", "quotes", "bookmarks", "outcome", "reason",
)  # fmt: skip
WORDS = ("title", "text")
_PIECE = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Difference:
    """One field of a post. None: that capture does not say."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Compared:
    """A post in one capture or both. `where`: `both`, or the capture that alone has it, `a` or `b`."""

    post: str
    link: str | None
    where: str
    hidden: bool = False
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Diff:
    """`a` and `b`: rows of the catalog."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    posts: tuple[Compared, ...]
    same: int
    """How many posts say the same in both."""
    other: tuple[Difference, ...] = field(default=())
    """The captures themselves: outcome and reason."""

    def line(self) -> dict[str, Any]:
        def values(found: tuple[Difference, ...]) -> list[dict[str, Any]]:
            return [{"field": one.name, "before": one.before, "after": one.after} for one in found]

        return {
            "a": self.a["id"], "b": self.b["id"], "same": self.same, "captures": values(self.other),
            "posts": [
                {"post": one.post, "link": one.link, "where": one.where, "hidden": one.hidden, "changes": values(one.differences)}
                for one in self.posts
            ],
        }  # fmt: skip


def diff(home: Home, a: str, b: str) -> Diff:
    """Compares two captures by their ids, the earlier one first. Raises `UsageError` where they have no post in common and other targets."""
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
    for post in dict.fromkeys([*before, *after]):
        old, new = before.get(post), after.get(post)
        hidden = is_hidden(home, a, post) or is_hidden(home, b, post)
        link = (new or old or {}).get("url")
        if old is None or new is None:
            found.append(Compared(post, link, "b" if old is None else "a", hidden))
            continue
        differences = tuple(_differences(old, new))
        if differences:
            found.append(Compared(post, link, "both", hidden, () if hidden else differences))
        else:
            same += 1
    other = tuple(
        Difference(name, rows[0][name], rows[1][name])
        for name in ("outcome", "reason")
        if rows[0][name] != rows[1][name]
    )
    return Diff(rows[0], rows[1], tuple(found), same, other)


def posts_with_digests(home: Home, capture: str) -> dict[str, dict[str, Any]]:
    """Post → its line, with the digest of each of its files that the capture has whole."""
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


def _differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    for name in FIELDS:
        if old.get(name) != new.get(name):
            yield Difference(name, old.get(name), new.get(name))
    was, now = (
        [(one.get("kind"), one.get("file_name")) for one in line.get("attachments") or []] for line in (old, new)
    )
    if was != now:
        yield Difference("attachments", _kinds(old), _kinds(new))
    else:
        for number, (one, other) in enumerate(zip(old["digests"], new["digests"], strict=True)):
            if one and other and one != other:
                yield Difference(f"bytes of attachment {number}", one, other)


def _kinds(line: dict[str, Any]) -> str:
    return ", ".join(one.get("kind") or "file" for one in line.get("attachments") or []) or "none"


def words(before: str, after: str) -> list[tuple[str, str]]:
    """(`same`, `gone` or `new`, piece), word by word."""
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


def diff_command(context: Context, home: Home) -> int:
    """The command. 0, whether they differ or not. Raises `NotFound`, `UsageError`, `DiskError`."""
    arguments, console = context.arguments, context.console
    home.project()
    a, b = (home.resolve_capture(one) for one in (arguments.a, arguments.b))
    found = diff(home, a, b)
    console.data(found.line())
    console.say(f"A  {found.a['id']}  {found.a['opened'][:19]}Z  {harmless(str(found.a['target']))}")
    console.say(f"B  {found.b['id']}  {found.b['opened'][:19]}Z  {harmless(str(found.b['target']))}")
    for one in found.other:
        console.say(f"  {one.name}: {_shown(one.before)} → {_shown(one.after)}")
    for post in found.posts:
        console.say(f"\n{harmless(post.link or post.post)}{WHERE[post.where]}")
        if post.hidden:
            console.say(f"  {HIDDEN}")
        for one in post.differences:
            if one.name in WORDS and one.before and one.after:
                marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
                console.say(
                    f"  {one.name}: "
                    + harmless("".join(marks[how].format(piece) for how, piece in words(one.before, one.after)))
                )
            else:
                console.say(f"  {one.name}: {_shown(one.before)} → {_shown(one.after)}")
    console.say(f"\n{many(found.same, 'post')} the same in both" if found.same else "\nno post is the same in both")
    if arguments.html is not None:
        _write(arguments.html, found)
        console.say(f"page  {arguments.html}")
    return 0


WHERE = {"both": "", "a": "  only in A", "b": "  only in B"}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    return "not said" if value is None else harmless(str(value))


def _write(path: Path, found: Diff) -> None:
    try:
        write_synced(path, str(_page(found)).encode())
    except OSError as error:
        raise disk_error(error, f"writing {path.name}") from error


def _page(found: Diff) -> Markup:
    head = table(
        ("", "A", "B"),
        [
            ("capture", found.a["id"], found.b["id"]), ("opened (UTC)", found.a["opened"][:19], found.b["opened"][:19]),
            ("link", str(found.a["target"]), str(found.b["target"])), ("outcome", found.a["outcome"], found.b["outcome"]),
            ("manifest SHA-256", found.a["manifest_sha256"], found.b["manifest_sha256"]),
        ],
    )  # fmt: skip
    rules = tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'")
    title = "What two captures say differently"
    top = tag("head", tag("meta", charset="utf-8"), rules, tag("title", title), tag("style", Markup(STYLE)))
    body = tag("body", tag("h1", title), head, *_cards(found))
    return Markup("<!DOCTYPE html>\n" + tag("html", top, body, lang="en"))


def _cards(found: Diff) -> Iterator[Markup]:
    for post in found.posts:
        rows = [tag("h2", f"{post.link or post.post}{WHERE[post.where]}")]
        if post.hidden:
            rows.append(tag("p", HIDDEN))
        for one in post.differences:
            rows.append(tag("h3", one.name.replace("_", " ")))
            if one.name in WORDS and one.before and one.after:
                names = {"same": "span", "gone": "del", "new": "ins"}
                rows.append(
                    tag("p", *(tag(names[how], piece) for how, piece in words(one.before, one.after)), class_="words")
                )
            else:
                rows.append(table(("A", "B"), [(_shown(one.before), _shown(one.after))]))
        yield tag("section", *rows)
    yield tag("p", f"{many(found.same, 'post')} the same in both.")


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse; width: 100% } td, th { border: 1px solid #999; padding: .3rem .5rem; text-align: left; vertical-align: top;
 overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin-top: 2rem; overflow-wrap: anywhere } h3 { font-size: 1rem; margin-bottom: .2rem }
.words { white-space: pre-wrap; border-left: 3px solid #999; padding-left: .8rem } del { background: #fde0dc } ins { background: #d9f2dd }
"""
