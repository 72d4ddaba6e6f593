"""Two captures side by side, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

from archiver.casework.diff import COPY, WORDS, CaptureDiff, words
from archiver.home.visibility import HIDDEN
from archiver.text.html import Markup, table, tag
from archiver.text.plain import harmless, many

WHERE = {"both": "", "a": "  only in A", "b": "  only in B"}


def shown_value(value: Any) -> str:
    """Format a field's value for people; None is what a capture does not say."""
    if isinstance(value, dict):
        value = value.get("value")
    return "not said" if value is None else harmless(str(value))


def diff_page(found: CaptureDiff) -> Markup:
    """Return the page: one HTML file without scripts, which loads nothing."""
    head = table(
        ("", "A", "B"),
        [
            ("capture", found.a["id"], found.b["id"]), ("opened (UTC)", found.a["opened"][:19], found.b["opened"][:19]),
            ("link", str(found.a["target"]), str(found.b["target"])), ("outcome", found.a["outcome"], found.b["outcome"]),
            ("shows", *(COPY if row["id"] in found.copies else "what answered" for row in (found.a, found.b))),
            ("manifest SHA-256", found.a["manifest_sha256"], found.b["manifest_sha256"]),
        ],
    )  # fmt: skip
    rules = tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'")
    title = "What two captures say differently"
    style = (resources.files("archiver.casework") / "diff.css").read_text("utf-8")
    top = tag("head", tag("meta", charset="utf-8"), rules, tag("title", title), tag("style", Markup(style)))
    body = tag("body", tag("h1", title), head, *_cards(found))
    return Markup("<!DOCTYPE html>\n" + tag("html", top, body, lang="en"))


def _cards(found: CaptureDiff) -> Iterator[Markup]:
    for post in found.posts:
        rows = [tag("h2", f"{post.link or post.post}{WHERE[post.where]}")]
        if post.hidden:
            rows.append(tag("p", HIDDEN))
        if post.unsure:
            rows.append(tag("p", f"cannot tell: {post.unsure}"))
        for one in post.differences:
            rows.append(tag("h3", one.name.replace("_", " ")))
            if one.name in WORDS and one.before and one.after:
                names = {"same": "span", "gone": "del", "new": "ins"}
                rows.append(
                    tag("p", *(tag(names[how], piece) for how, piece in words(one.before, one.after)), class_="words")
                )
            else:
                rows.append(table(("A", "B"), [(shown_value(one.before), shown_value(one.after))]))
        yield tag("section", *rows)
    yield tag("p", f"{many(found.same, 'post')} the same in both.")
