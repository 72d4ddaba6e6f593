"""What lines of posts.jsonl say, told apart: what was stated, and what the program guessed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GUESSES = ("guessed_published", "guessed_author", "guessed_title", "guessed_text", "guessed_charset")
"""Names under which guesses stand beside the fields of a post."""


def guesses(line: Mapping[str, Any]) -> dict[str, str]:
    """Return the guesses of a line by `GUESSES`; of a date, its words as the page has them.

    Lines of the first page parser hold a guessed day among the statements: its source tells it.
    """
    guessed = dict(line.get("guessed") or {})
    published = line.get("published") or {}
    if published.get("source") == "trafilatura":
        guessed.setdefault("published", published)
    found = {}
    for name in GUESSES:
        value = guessed.get(name.removeprefix("guessed_"))
        value = value.get("literal") if isinstance(value, Mapping) else value
        if isinstance(value, str) and value:
            found[name] = value
    return found


def published(line: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the time of publication that a line states, as it is listed; None where it states none."""
    said = line.get("published")
    return None if not said or said.get("source") == "trafilatura" else said


def words(line: Mapping[str, Any]) -> str | None:
    """Return the text of a post; where none is stated, the text that was guessed."""
    return line.get("text") or guesses(line).get("guessed_text")
