"""How the report and the viewer word times, counts and people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from archiver.export.dossier import Figures
from archiver.export.profiles import Card, PackageView
from archiver.text.pages import isolated

MOST_ROWS = 200
NOT_SAID = "not stated"


def published(card: Card) -> str:
    """Format the time as the platform states it: exact, within bounds, or in its own words."""
    if not card.views:
        return NOT_SAID
    view = card.views[0]
    said = view.published
    if said.get("value") or view.post.get("published_at"):
        return short(said.get("value") or view.post.get("published_at"))
    if said.get("earliest") and said.get("latest"):
        bounds = Markup("between {} and {}").format(short(said["earliest"]), short(said["latest"]))
        return bounds + Markup(" (stated: {})").format(isolated(said["literal"])) if said.get("literal") else bounds
    if said.get("literal"):
        return Markup("stated: {}").format(isolated(said["literal"]))
    guessed = view.post.get("guessed_published")
    return Markup("{}; guessed by the program: {}").format(NOT_SAID, isolated(guessed)) if guessed else NOT_SAID


def words(post: Mapping[str, Any]) -> str | None:
    """Return the words of a post; words that the program guessed are marked as guessed."""
    if said := post.get("text"):
        return str(said)
    if guessed := post.get("guessed_text"):
        return f"[text guessed by the program: the page does not mark its article] {guessed}"
    return post.get("title") or (
        f"[title guessed by the program] {post['guessed_title']}" if post.get("guessed_title") else None
    )


def beginning(card: Card, most: int) -> str:
    """Return the first words of an item, as it was last seen, on one line."""
    said = " ".join(str(words(card.views[-1].post) or "").split()) if card.views else ""
    return said if len(said) <= most else f"{said[:most]} …"


def short(value: str | None) -> str:
    """Format a moment as `2022-01-05 10:31:00 UTC`; a day stays a day."""
    if not value:
        return NOT_SAID
    return f"{value[:19].replace('T', ' ')} UTC" if "T" in value else value


def plural(kind: str, count: int) -> str:
    """Return the name of a kind of file, in the plural unless `count` is 1."""
    return kind if count == 1 or kind in ("captions", "audio") else f"{kind}s"


def by_outcome(f: Figures) -> dict[str, int]:
    """Count what was not kept by outcome, leaving out the reasons."""
    found: dict[str, int] = {}
    for (how, _), count in f.not_kept.most_common():
        found[how] = found.get(how, 0) + count
    return found


def who(shown: PackageView, event: dict[str, Any]) -> str:
    """Return who made an event; in a public package only the role."""
    role = event["agent"].get("role") or "collector"
    return (
        f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
        if shown.profile == "public"
        else f"{event['agent']['id']} ({role})"
    )
