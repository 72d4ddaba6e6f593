"""Two captures side by side, as a page."""

from __future__ import annotations

from importlib import resources
from typing import Any

from markupsafe import Markup

from archiver.casework.diff import COPY, WORDS, CaptureDiff, ComparedPost, Difference, words
from archiver.home.visibility import HIDDEN
from archiver.text.pages import templates
from archiver.text.plain import harmless

WHERE = {"both": "", "a": "  only in A", "b": "  only in B"}


def shown_value(value: Any) -> str:
    """Format a field's value for people; None is what a capture does not say."""
    if isinstance(value, dict):
        value = value.get("value")
    return "not said" if value is None else harmless(str(value))


def diff_page(found: CaptureDiff) -> bytes:
    """Return the page: one HTML file without scripts, which loads nothing."""
    style = (resources.files("archiver.casework") / "diff.css").read_text("utf-8")
    page = templates("archiver.casework").get_template("diff.html.j2")
    return page.render(
        style=Markup(style),
        captures=_captures(found),
        posts=[_post(post) for post in found.posts],
        hidden=HIDDEN,
        same=found.same,
    ).encode("utf-8", "backslashreplace")


def _captures(found: CaptureDiff) -> list[tuple[str, ...]]:
    return [
        ("capture", found.a["id"], found.b["id"]), ("opened (UTC)", found.a["opened"][:19], found.b["opened"][:19]),
        ("link", str(found.a["target"]), str(found.b["target"])), ("outcome", found.a["outcome"], found.b["outcome"]),
        ("shows", *(COPY if row["id"] in found.copies else "what answered" for row in (found.a, found.b))),
        ("manifest SHA-256", found.a["manifest_sha256"], found.b["manifest_sha256"]),
    ]  # fmt: skip


def _post(post: ComparedPost) -> dict[str, Any]:
    return {
        "name": post.link or post.post,
        "where": WHERE[post.where],
        "hidden": post.hidden,
        "unsure": post.unsure,
        "fields": [_field(one) for one in post.differences],
    }


def _field(one: Difference) -> dict[str, Any]:
    pieces = words(one.before, one.after) if one.name in WORDS and one.before and one.after else None
    return {
        "name": one.name.replace("_", " "),
        "pieces": pieces,
        "before": shown_value(one.before),
        "after": shown_value(one.after),
    }
