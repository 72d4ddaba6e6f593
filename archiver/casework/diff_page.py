"""Two captures side by side, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.casework.diff import WORDS, Diff, words
from archiver.home.visibility import HIDDEN
from archiver.text.html import Markup, table, tag
from archiver.text.plain import harmless, many

WHERE = {"both": "", "a": "  only in A", "b": "  only in B"}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    return "not said" if value is None else harmless(str(value))


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
