"""What people decided about authors, posts and files, as far as it binds what a package shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archiver.lookup.covered import covered_places
from archiver.lookup.items import MediaFile
from archiver.lookup.material import Material, Redaction
from storage.post_lines import guesses

ABOUT_PEOPLE = ("source", "consent", "author", "statement", "another-recording")
"""Kinds of annotations that tell of givers, witnesses, accounts, and of what is withheld: they are in `full` packages only."""
OFFICIAL = ("official", "institutional")
"""Marks of accounts that packages for everybody name."""


class Marks:
    """Marks that people set on authors, items and files: the latest one counts."""

    def __init__(self, material: Material) -> None:
        self._authors: dict[str, str] = {}
        self._sensitivity: dict[tuple[str, str | None, int | None], str] = {}
        self._reviews: dict[tuple[str, str | None, int | None], tuple[str, str, int]] = {}
        self._redactions = material.redactions
        self._covered = covered_places(material)
        self._quarantined: set[tuple[str, str | None]] = set()
        self._collectors = {
            event["detail"]["capture"]: event["agent"]["key"]
            for event in material.events
            if event["type"] in ("captured", "recovered")
        }
        for event in material.standing:
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        detail = event["detail"]
        about, kind = detail["about"], detail["kind"]
        place = (about.get("capture", ""), about.get("post"), about.get("attachment"))
        if kind == "author":
            self._authors[f"{about['platform']}:{about['author']}".lower()] = detail["mark"]
        elif kind == "sensitivity":
            self._sensitivity[place] = detail["level"]
        elif kind == "review" and "capture" in about:
            self._reviews[place] = (detail["decision"], event["agent"]["key"], event["seq"])
        elif kind == "quarantine":
            self._quarantined.add((place[0], place[1]))

    def author(self, post: dict[str, Any]) -> str | None:
        """Return the mark of the account that made a post, or None."""
        guessed = guesses(post).get("guessed_author")
        names = (post.get("author_handle"), post.get("author_id"), post.get("author_name"), guessed)
        found = (self._authors.get(f"{post.get('platform')}:{name}".lower()) for name in names if name)
        return next((mark for mark in found if mark), None)

    def _places(
        self, capture: str, post: str | None, attachment: int | None
    ) -> list[tuple[str, str | None, int | None]]:
        """From the narrowest to the widest."""
        return list(dict.fromkeys([(capture, post, attachment), (capture, post, None), (capture, None, None)]))

    def sensitivity(self, capture: str, post: str | None, attachment: int | None = None) -> str | None:
        """Return how sensitive it is: `none`, or what was found; None where nobody has looked."""
        found = (self._sensitivity.get(place) for place in self._places(capture, post, attachment))
        return next((level for level in found if level), None)

    def approved(
        self, capture: str, post: str | None, attachment: int | None = None, sha256: str | None = None
    ) -> bool:
        """Return whether it is approved for publication, as it is now.

        The approval must come from a person other than whoever collected or redacted it.
        """
        decision, why_not = self.looked_at(capture, post, attachment, sha256)
        return decision == "publish" and not why_not

    def looked_at(
        self, capture: str, post: str | None, attachment: int | None = None, sha256: str | None = None
    ) -> tuple[str | None, str]:
        """Return what a reviewer decided, None where nobody did, and why that does not count, where it does not."""
        redacted = [one for one in self._redactions if self._is_about(one, capture, post) or one.original == sha256]
        if attachment is not None:
            redacted = [one for one in redacted if one.original in (None, sha256)]
        for place in self._places(capture, post, attachment):
            if place in self._reviews:
                decision, key, seq = self._reviews[place]
                if key == self._collectors.get(capture) or key in {one.by for one in redacted}:
                    return decision, "reviewed by the person who captured or redacted it"
                late = any(one.seq > seq for one in redacted)
                return decision, "redacted since it was reviewed" if late else ""
        return None, "not reviewed"

    @staticmethod
    def _is_about(one: Redaction, capture: str, post: str | None) -> bool:
        return one.about.get("capture") == capture and one.about.get("post") in (None, post)

    def redaction(self, sha256: str) -> MediaFile | None:
        """Return the latest copy that stands in place of a file, or None.

        It counts for the same bytes wherever they were found.
        """
        fitting = [one.media for one in self._redactions if one.media is not None and one.original == sha256]
        return fitting[-1] if fitting else None

    def redacted_in_another_copy(self, post: str | None, attachment: int) -> bool:
        """Return whether this file of the post was redacted as other bytes.

        It may have been sent again, or in another size.
        """
        return (post, attachment) in self._covered

    def masked(self, capture: str, post: str | None) -> list[str]:
        """List the words that packages for others do not show.

        A mask on one observation of a post counts for all of them.
        """
        return [
            words
            for one in self._redactions
            for words in one.masked
            if one.about.get("post") == post or (one.about.get("capture") == capture and one.about.get("post") is None)
        ]

    def quarantined(self, capture: str, post: str | None) -> bool:
        """Return whether a post or its whole capture is quarantined."""
        return bool({(capture, None), (capture, post)} & self._quarantined)


def not_told(event: dict[str, Any], profile: str, privileged: bool, material: Material) -> str | None:
    """Return why a profile leaves an annotation out, or None."""
    detail = event["detail"]
    if detail.get("privileged") and not privileged:
        return "privileged"
    if profile == "full":
        return None
    # What retracts such a word is about the same person.
    if (detail.get("retracts") or detail["kind"]) in ABOUT_PEOPLE:
        return "about a person, or what is withheld"
    if profile == "partner":
        return None
    if event["seq"] in material.retracted:
        return "retracted"
    # Free words of people name who is to be protected, in reasons most of all: a second person has read what goes out.
    if detail["kind"] in ("incident", "conclusion", "translation") and reviewed(event, material.standing):
        return None
    return "not reviewed for publication"


def reviewed(event: dict[str, Any], annotations: Iterable[dict[str, Any]]) -> str | None:
    """Return the other person who has agreed with an annotation, by their latest word, or None."""
    said = [
        other
        for other in annotations
        if other["detail"]["kind"] == "review" and other["detail"]["about"].get("event") == event["seq"]
    ]
    last = said[-1] if said else None
    if last and last["detail"]["decision"] == "publish" and last["agent"]["key"] != event["agent"]["key"]:
        return str(last["agent"]["id"])
    return None
