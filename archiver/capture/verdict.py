"""The outcome of a capture, from what is in its inventory and what was recorded. Pure.

The rules, in order; the first that applies decides:

1. Something stopped the capture: the person, the disk, a limit.
2. Something of the program's own broke.
3. The driver drew a conclusion of its own about the target.
4. No answer about the target was read: the exchange of its first request says why.
5. The answer about the target says that it is not there, or not to be had.
6. Something that the link promises (`Kind.needs`) is not there: a part, the post, a file, a count.

Only what passes all of them is `captured`, and only if the form of the link allows it: of a link that is not known, or
of which no more than the page can be kept, that page is not the thing that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from archiver.capture.inventory import ITEM, MEDIA_OF_PAGE, SPIDER, Ending, Inventory
from archiver.capture.outcomes import STOPPED_BY_PERSON, of_exchange
from archiver.recorder.exchange import ExchangeDone
from archiver.text.plain import many
from spiders.link_forms import Form, Target
from spiders.links import mask_userinfo
from spiders.platform import A_PAGE, Needed, Promise
from spiders.posts import Outcome

WHOLE = (Outcome.CAPTURED, Outcome.SKIPPED)
"""Outcomes of a part that leave the whole as it is: kept, or left out by a rule."""


@dataclass(frozen=True)
class Statement:
    """Statement about the target itself.

    `answer`: how the page or answer that stands for it ended; None where none was read. `conclusion`: what the driver
    makes of it, where that differs. `at_best`: why it is partial however much is kept, by the form of its link.
    `asked`: how often each tag was asked for.
    """

    answer: Ending | None = None
    conclusion: Ending | None = None
    at_best: str | None = None
    asked: Mapping[str, int] = field(default_factory=dict)


def at_best(target: Target) -> str | None:
    """Return why a capture of the target is partial at best; None where its form is known."""
    match target.form:
        case Form.KNOWN:
            return None
        case Form.UNKNOWN:
            return "kept as a page only, this form of link is not known"
        case Form.NOT_CAPTURED:
            return f"kept as a page only: {target.what} is not captured by this release"
        case Form.NO_READER:
            return f"layout of this platform is not read ({target.what}): kept as a page only"
        case Form.SHORT:
            return "kept as a page only: this short link led to no other page"
        case Form.MIRROR:
            return "a mirror's copy, not the platform's"
        case Form.ARCHIVE:
            return "an archive's copy, not the platform's"


def by_mirror(original: Ending, copy: Ending) -> Ending:
    """Return the outcome of a link to a mirror whose original was not to be had, from how both ended."""
    why = f"{original[0]}, {original[1]}" if original[1] else str(original[0])
    if copy[0] is Outcome.PARTIAL:
        return Outcome.PARTIAL, f"{copy[1]}; the original: {why}"
    return original[0], f"{original[1] or original[0]}; the mirror: {copy[0]}, {copy[1]}"


def stop_reason(interrupted: bool, disk: str | None, port: str | None, posts: int) -> Ending | None:
    """Return how a capture ends that was stopped, or None.

    `disk`, `port`: the reasons that they give for having stopped.
    """
    if interrupted:
        return Outcome.PARTIAL, STOPPED_BY_PERSON
    if disk is not None:
        return Outcome.PARTIAL, f"the disk failed: {disk}"
    if port:
        return Outcome.PARTIAL if posts else Outcome.FAILED, port
    return None


def verdict(
    inventory: Inventory,
    exchanges: Mapping[str, ExchangeDone],
    statement: Statement,
    stop: Ending | None,
    promise: Promise,
    needs: Sequence[Needed] = A_PAGE,
) -> Ending:
    """Return the outcome of a capture and its reason. `exchanges`: by tag; `needs`: what the link promises."""
    if stop is not None:
        return stop
    if inventory.faults:
        return Outcome.PARTIAL, inventory.faults[0]
    said = statement.conclusion or statement.answer
    if said is None:
        return _without_answer(exchanges, promise, statement.asked)
    if statement.at_best is not None and said[0] in (Outcome.CAPTURED, Outcome.PARTIAL):
        best = _with_media(inventory, statement.at_best)
        return Outcome.PARTIAL, f"{best}; {said[1]}" if said[1] else best
    if said[0] is not Outcome.CAPTURED:
        return said
    return _missing_part(inventory, needs) or (Outcome.CAPTURED, None)


@dataclass(frozen=True)
class ProgramRun:
    """A program that has run behind the recorder: its exit code, and how many of its requests were `answered`."""

    exit_code: int
    requests: int
    answered: int


def of_program(inventory: Inventory, run: ProgramRun, statement: Statement, stop: Ending | None) -> Ending:
    """Return the outcome of a capture of what a program asked, and its reason.

    What a program fetches is recorded whatever it is; `captured` is said where it was read too: where spiders handed
    over items, all of them are kept, and every spider came to its end. What they say of a page is their claim, so it
    makes a capture partial and nothing else.
    """
    if stop is not None:
        return stop
    if inventory.faults:
        return Outcome.PARTIAL, inventory.faults[0]
    lost = _not_taken(inventory)
    if run.exit_code != 0:
        code = f"the program ended with exit code {run.exit_code}"
        return Outcome.PARTIAL, f"{code}; {lost}" if lost else code
    if not run.requests:
        return Outcome.FAILED, "nothing was recorded: the program sent no request through the recorder"
    if not run.answered:
        return Outcome.FAILED, "nothing was recorded: no request of the program was answered"
    if lost is not None:
        return Outcome.PARTIAL, lost
    said = statement.conclusion or statement.answer
    if said is not None and said[0] is not Outcome.CAPTURED:
        return Outcome.PARTIAL, f"the spider says: {said[0]}" + (f", {said[1]}" if said[1] else "")
    if not inventory.subjects and said is None:
        return Outcome.PARTIAL, NOTHING_READ
    return _missing_part(inventory, A_PAGE) or (Outcome.CAPTURED, None)


NOTHING_READ = "recorded, but nothing was read in it: the program handed over no items (docs/how-to/spiders.md)"


def _not_taken(inventory: Inventory) -> str | None:
    """What is missing of what spiders read: the first that broke off, or the items that could not be kept."""
    kinds = inventory.kinds
    ended = inventory.ended.items()
    spiders = [f"{key}: {why}" for key, (how, why) in ended if kinds[key] == SPIDER and how is not Outcome.CAPTURED]
    lost = [why for key, (how, why) in ended if kinds[key] == ITEM and how is Outcome.FAILED]
    if lost:
        count = sum(kind == ITEM for kind in kinds.values())
        return f"{len(lost)} of {many(count, 'item')} not kept: {lost[0]}"
    return spiders[0] if spiders else None


def _with_media(inventory: Inventory, at_best: str) -> str:
    """What is said of a page that is not read, where an extractor was asked about its media."""
    outcome, reason = inventory.ended.get(MEDIA_OF_PAGE, (Outcome.SKIPPED, None))
    if outcome is Outcome.CAPTURED:
        return at_best.replace("kept as a page only", "kept as a page, with the media that yt-dlp found")
    return at_best if outcome is Outcome.SKIPPED else f"{at_best}; its media: {reason or outcome}"


def _missing_part(inventory: Inventory, needs: Sequence[Needed]) -> Ending | None:
    """What keeps a target that is there from being whole, or None: the first thing that it needs and that is not there."""
    for need, missing in _CHECKS.items():
        if need in needs and (why := missing(inventory)) is not None:
            return Outcome.PARTIAL, why
    return None


def _part(inventory: Inventory) -> str | None:
    parts = [_ending(inventory, key) for key in inventory.required]
    return next((f"a page of it: {why}" for how, why in parts if how not in WHOLE), None)


def _post(inventory: Inventory) -> str | None:
    return None if inventory.subjects else "the answer was read, and the post that the link names is not in it"


def _files(inventory: Inventory) -> str | None:
    posts = [inventory.ended[key] for key in inventory.subjects if key in inventory.ended]
    bad = [why for how, why in posts if how not in WHOLE]
    if not bad:
        return None
    many = f"{len(bad)} of {len(posts)} posts incomplete: {bad[0]}"
    return bad[0] if len(posts) == 1 else many


def _counts(inventory: Inventory) -> str | None:
    return f"counts differ: {'; '.join(inventory.disagreements[:3])}" if inventory.disagreements else None


def _shown_with(inventory: Inventory) -> str | None:
    ours = (Outcome.FAILED, Outcome.BLOCKED, Outcome.PARTIAL)
    files = [why for key, (how, why) in inventory.ended.items() if key.startswith("requisite ") and how in ours]
    return f"{len(files)} files of the page not kept: {files[0]}" if files else None


_CHECKS: Mapping[Needed, Callable[[Inventory], str | None]] = {
    Needed.PARTS: _part,
    Needed.POST: _post,
    Needed.FILES: _files,
    Needed.COUNTS: _counts,
    Needed.SHOWN_WITH: _shown_with,
}
"""What tells whether a need is met, in the order in which the first reason is given. The others are told by the answer
itself: a document by its exchange, an article by its parser, the end of a list by its spider."""


def _ending(inventory: Inventory, key: str) -> Ending:
    return inventory.ended.get(key, (Outcome.FAILED, "ended without an outcome"))


def _without_answer(exchanges: Mapping[str, ExchangeDone], promise: Promise, asked: Mapping[str, int]) -> Ending:
    """No driver read an answer: what the recorder saw of the target's own request says why."""
    for tag in promise.first_tags:
        done = exchanges.get(tag)
        if done is None:
            continue
        outcome, reason = of_exchange(done)
        if done.problem == "unsupported link":  # nothing was asked, so nobody refused
            return Outcome.FAILED, reason
        if outcome is Outcome.CAPTURED and done.status is not None:
            return Outcome.PARTIAL, "the answer was recorded but could not be read"
        if done.status is not None and 300 <= done.status < 400:
            return Outcome.FAILED, "more than ten redirects, or a redirect that leads nowhere"
        if outcome is Outcome.SKIPPED and asked.get(tag, 0) > 1:  # our rule, and nobody refused
            return outcome, f"it led to {mask_userinfo(done.uri)}: {reason}"
        return outcome, reason
    return Outcome.FAILED, "no request was answered"
