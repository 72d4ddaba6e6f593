"""What has to be looked at before a package for everybody, in the order in which to do it, with the command for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archiver.casework.same_recording import open_copies
from archiver.export.marks import OFFICIAL, Marks, reviewed
from archiver.home.home import Home
from archiver.lookup.items import Item, Observation
from archiver.lookup.material import Material

FREE_TEXTS = ("incident", "conclusion", "translation")
"""Kinds of people's words that go out once a second person has agreed."""
BEGINNING = 60


@dataclass(frozen=True)
class ReviewStep:
    """One thing to look at. `what`: in a sentence; `command`: what to give then, with REASON to be filled in."""

    what: str
    command: str
    capture: str | None = None
    post: str | None = None
    event: int | None = None


def steps_before_public(home: Home, material: Material, reviewers: Sequence[str]) -> list[ReviewStep]:
    """List what is left to do. `reviewers`: names of people here who may review."""
    marks = Marks(material)
    steps = [
        ReviewStep(f"{one.words()}.", one.command(), one.media.capture, one.media.post)
        for one in open_copies(home, material)
    ]
    by = f"archiver --as {reviewers[0] if reviewers else 'NAME'} review"
    left = [step for item in material.items for step in _of_item(marks, item, by)]
    left += _of_words(material, by)
    if left and not reviewers:
        what = "Nobody here can review: it takes a second person, with a key of their own."
        steps.append(ReviewStep(what, "archiver keys new NAME --role reviewer"))
    return steps + left


def _of_item(marks: Marks, item: Item, by: str) -> Iterator[ReviewStep]:
    """What of a post waits for a decision; what a later capture saw in the same way is named once."""
    decided: set[tuple[object, ...]] = set()
    waiting: dict[tuple[object, ...], tuple[Observation, list[str]]] = {}
    for one in item.observations:
        form = (one.line.get("text"), one.line.get("title"), *sorted(media.sha256 for media in one.media))
        left = _left(marks, one)
        if left:
            waiting[form] = (one, left)
        else:
            decided.add(form)
    for form, (one, left) in waiting.items():
        if form not in decided:
            said = " ".join(str(one.line.get("title") or one.line.get("text") or "no words").split())
            begins = said if len(said) <= BEGINNING else f"{said[:BEGINNING]}…"
            post = one.line.get("id")
            part = f" --post {post}" if post else ""
            what = f"{item.number} ({begins}): {'; '.join(left)}."
            yield ReviewStep(what, f"{by} {one.capture} publish|withhold REASON{part}", one.capture, post)


def _left(marks: Marks, one: Observation) -> list[str]:
    """What of an observation nobody has decided, or not so that it counts."""
    post, found = one.line.get("id"), []
    if marks.quarantined(one.capture, post):
        return []
    open_account = marks.author(one.line) in OFFICIAL and marks.sensitivity(one.capture, post) in (None, "none")
    if (one.line.get("text") or one.line.get("title")) and not open_account:
        decision, why = marks.looked_at(one.capture, post)
        if why and decision != "withhold":
            found.append(f"words {why}")
    for media in one.media:
        decision, why = marks.looked_at(one.capture, post, media.attachment, media.sha256)
        if why and decision != "withhold":
            found.append(f"{media.kind} {media.attachment + 1} {why}")
    return list(dict.fromkeys(found))


def _of_words(material: Material, by: str) -> Iterator[ReviewStep]:
    """People's words that nobody else has decided on, and such as hold words that were masked elsewhere."""
    masked = [words for one in material.redactions for words in one.masked]
    judged = {
        event["detail"]["about"].get("event") for event in material.standing if event["detail"]["kind"] == "review"
    }
    for event in material.standing:
        detail, seq = event["detail"], event["seq"]
        if detail["kind"] not in FREE_TEXTS or detail.get("privileged"):
            continue
        if reviewed(event, material.standing):
            if any(words in str(detail) for words in masked):
                what = f"The {detail['kind']} of event {seq} holds words that are masked in a post."
                yield ReviewStep(what, f"{by} {seq} withhold REASON", event=seq)
        elif seq not in judged:
            what = f"The {detail['kind']} of event {seq} has been read by nobody else."
            yield ReviewStep(what, f"{by} {seq} publish|withhold REASON", event=seq)
