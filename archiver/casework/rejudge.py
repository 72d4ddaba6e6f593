"""A sealed capture judged by today's promise and parsers, from its sealed bytes alone. Nothing sealed is changed.

The inputs of the verdict are made again: how each page and post ended, with today's reading in place of the one at the
time. A judgement can stay or fall. It never rises: that more can be read today does not undo what a capture ran into.
Pages and posts are read again; media files are not opened again, and stand as they were found at the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from archiver.capture.inventory import Ending, Inventory
from archiver.capture.support import kind_of, platform_of
from archiver.capture.verdict import Statement, at_best, verdict
from archiver.casework.sealed_answers import NOT_READ, Answer, CannotJudge, FolderOf, SealedAnswers
from spiders.link_forms import Target
from spiders.platforms import PAGE, platform_named
from spiders.posts import Attachment, Census, Outcome, Parsed, Post
from spiders.walls.pages import login_wall
from storage.errors import EvidenceError

_RANK = {Outcome.CAPTURED: 2, Outcome.PARTIAL: 1}
"""How much an outcome says is there. All others say that the target is not."""
_UNREAD = (Outcome.FAILED, Outcome.SKIPPED)
"""Outcomes that rest on no answer of the target's."""
A_FILE = "its link leads to a file, and files are not opened again"
_OURS = ("received", "redaction")
"""What comes from no server: nothing was promised of it by a link."""


class Comparison(StrEnum):
    """How today's judgement compares with the first."""

    SAME = "same"
    DIFFERS = "differs"
    CANNOT_TELL = "cannot tell"
    """What would have to be read is not here, or cannot be read."""
    NOT_JUDGED = "not judged"
    """There is no recorded answer about a link that could be read again."""


@dataclass(frozen=True)
class Judgement:
    """A judgement. `records`: the answers that it rests on; `parser`: what read the first of them."""

    outcome: Outcome
    reason: str | None
    parser: str | None = None
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejudged:
    """A capture that was judged again. `note`: why nothing can be said, or why the first judgement stays."""

    comparison: Comparison
    was: Judgement
    now: Judgement | None = None
    note: str | None = None

    @property
    def fell(self) -> bool:
        """Whether less is there than the first judgement says."""
        return self.now is not None and rank(self.now.outcome) < rank(self.was.outcome)


def rank(outcome: Outcome) -> int:
    """Return how much an outcome says is there: 2 all of it, 1 a part, 0 nothing."""
    return _RANK.get(outcome, 0)


def rejudge(folder: Path, folder_of: FolderOf) -> Rejudged:
    """Judge a sealed capture again. `folder_of`: where other captures lie, whose bytes it may refer to."""
    nothing = Judgement(Outcome.FAILED, None)
    try:
        sealed = SealedAnswers(folder, folder_of)
    except CannotJudge as error:
        return Rejudged(Comparison.CANNOT_TELL, nothing, None, str(error))
    except (EvidenceError, OSError, ValueError, KeyError) as error:
        why = error.found if isinstance(error, EvidenceError) else str(error)
        return Rejudged(Comparison.CANNOT_TELL, nothing, None, f"its lines cannot be read: {why}")
    was = Judgement(*sealed.was, parser=next((line.get("parser") for line in sealed.posts), None))
    if sealed.about[0] in _OURS:
        return Rejudged(Comparison.NOT_JUDGED, was, None, "no server answered for it")
    if any("claimed_by" in line for line in (*sealed.posts, *sealed.inventory)):
        return Rejudged(
            Comparison.NOT_JUDGED, was, None, "a spider of another program read it, and claims what it says"
        )
    if was.outcome in _UNREAD:
        return Rejudged(Comparison.SAME, was, None, "it says itself that nothing was kept of it")
    try:
        now = _today(sealed)
    except CannotJudge as error:
        return Rejudged(Comparison.CANNOT_TELL, was, None, str(error))
    except (EvidenceError, OSError) as error:
        found = error.found if isinstance(error, EvidenceError) else str(error)
        return Rejudged(Comparison.CANNOT_TELL, was, None, f"its bytes cannot be read: {found}")
    if now is None:
        why = A_FILE if sealed.leads_to_file else "it holds no answer about its link that is read"
        return Rejudged(Comparison.NOT_JUDGED, was, None, why)
    if rank(now.outcome) > rank(was.outcome):
        stays = "more is read in it today; what the capture ran into at the time stays"
        return Rejudged(Comparison.SAME, was, now, stays)
    return Rejudged(Comparison.SAME if now.outcome is was.outcome else Comparison.DIFFERS, was, now)


def _today(sealed: SealedAnswers) -> Judgement | None:
    """Judge by what is read today; None where there is nothing to read. Raises `CannotJudge`."""
    target = sealed.target()
    if target is None:
        raise CannotJudge("its link is not recognised today")
    keys = sealed.keys(target)
    answers = [answer for key in keys if (answer := sealed.read(key, target)) is not None]
    if not answers:
        return _of_objects(sealed, target) if not keys else None
    readings = {answer.record: answer.parsed for answer in answers}
    for answer in answers:
        _require_the_same_posts(sealed, answer)
    inventory = _inventory_of(sealed, answers)
    first = answers[0]
    statement = Statement(first.ending, _login_page(sealed, first, target), at_best(target))
    outcome, reason = verdict(inventory, {}, statement, None, platform_of(target).promise, kind_of(target).promised())
    return Judgement(outcome, reason, first.parsed.parser, tuple(readings))


def _of_objects(sealed: SealedAnswers, target: Target) -> Judgement | None:
    """Judge what an account read, object by object: no page of it could be a wall."""
    parsed = sealed.objects() if rank(sealed.was[0]) else None
    if parsed is None:
        return None
    records = tuple({str(line["record"]): None for line in sealed.posts if line.get("record") in sealed.records})
    inventory = _inventory(sealed)
    _judge_posts(sealed, inventory, parsed, (line for line in sealed.posts if line.get("role") == "target"))
    _end_rest(sealed, inventory)
    statement = Statement((Outcome.CAPTURED, None), None, at_best(target))
    outcome, reason = verdict(inventory, {}, statement, None, platform_of(target).promise, kind_of(target).promised())
    return Judgement(outcome, reason, parsed.parser, records)


def _require_the_same_posts(sealed: SealedAnswers, answer: Answer) -> None:
    """Raise `CannotJudge` where today's parser reads other posts in an answer, and gives no reason."""
    then = sealed.posts_in(answer.record)
    today = {post.id for post in answer.parsed.posts}
    if then and answer.parsed.outcome is None and answer.parsed.layout != NOT_READ and today.isdisjoint(then):
        raise CannotJudge(f"{answer.parsed.parser} reads other posts in it than {next(iter(then))}")


def _login_page(sealed: SealedAnswers, answer: Answer, target: Target) -> Ending | None:
    """The conclusion about any page whose link led to a login page."""
    url = str(sealed.found.get(answer.key, {}).get("url") or "")
    if platform_of(target) is PAGE and login_wall(url) and url != target.url:
        return Outcome.REFUSED, f"led to a login page: {url}"
    return None


# -- the inventory, as it would be today ---------------------------------------------------------------------------


class _Unwritten:
    """Takes the lines of an inventory that is only judged."""

    def inventory(self, line: dict[str, Any], /) -> None:
        """Write nothing."""


def _inventory(sealed: SealedAnswers) -> Inventory:
    """Everything that the capture discovered, without outcomes, and what it is about."""
    inventory = Inventory(_Unwritten())
    for key, line in sealed.ended.items():
        inventory.discover(key, line["kind"], None, None)
    targets = (line for line in sealed.posts if line.get("role") == "target")
    keys = [f"post {line.get('id')}" for line in targets] + ["video"]
    inventory.subjects = [key for key in dict.fromkeys(keys) if key in sealed.ended]
    return inventory


def _inventory_of(sealed: SealedAnswers, answers: list[Answer]) -> Inventory:
    """The inventory with today's readings of these pages, and all else as it ended."""
    inventory = _inventory(sealed)
    for answer in answers:
        inventory.end(answer.key, *answer.ending)
        inventory.census(answer.parsed.census, answer.key)
        _judge_posts(sealed, inventory, answer.parsed, sealed.posts_in(answer.record).values())
        if answer.key.startswith("page ") and rank(answer.ending[0]):
            _missed(inventory, answer)
    inventory.required = [answer.key for answer in answers[1:]]
    read = {answer.key for answer in answers}
    for line in sealed.inventory:  # what the platform states, and pages that are not read again
        if line.get("kind") == "census" and line.get("page") not in read:
            inventory.census([Census(line["marker"], line["raw"], line["parsed"])], str(line.get("page")))
    _end_rest(sealed, inventory)
    return inventory


def _end_rest(sealed: SealedAnswers, inventory: Inventory) -> None:
    for key, line in sealed.ended.items():
        if key not in inventory.ended:
            inventory.end(key, Outcome(line["outcome"]), line["reason"])


def _missed(inventory: Inventory, answer: Answer) -> None:
    """Enter posts of a page of a list that nobody entered at the time: everything on such a page was entered then."""
    for post in answer.parsed.posts:
        if post.id is not None and inventory.discover(f"post {post.id}", "post", post.url, answer.key):
            inventory.subjects.append(f"post {post.id}")
            inventory.end(f"post {post.id}", Outcome.PARTIAL, "read today, and not when it was captured")


def _judge_posts(sealed: SealedAnswers, inventory: Inventory, parsed: Parsed, lines: Iterable[dict[str, Any]]) -> None:
    """End posts that ended whole by what is read of them today."""
    today = {post.id: post for post in parsed.posts}
    known = {line.get("url") for line in sealed.found.values()}
    for line in lines:
        key, post = f"post {line.get('id')}", today.get(line.get("id"))
        ended = sealed.ended.get(key)
        if post is None or ended is None or key in inventory.ended:
            continue
        if (ended["outcome"], ended["reason"]) == (str(Outcome.CAPTURED), None):
            inventory.end(key, *_post_ending(post, line, known))


def _post_ending(post: Post, line: dict[str, Any], known: set[Any]) -> Ending:
    """How a post that ended whole would end today: by its own reading, and by the files that it names."""
    if post.outcome is not Outcome.CAPTURED:
        return post.outcome, post.reason
    attached: list[dict[str, Any]] = line.get("attachments") or []
    more = len(post.attachments) - len(attached)
    known = known | {item.get("url") for item in attached}
    new = [item for item in post.attachments if _counts(item, post.platform) and _link(item) not in known]
    if more > 0 and new:
        kinds = ", ".join(dict.fromkeys(item.kind for item in new))
        return Outcome.PARTIAL, f"{min(more, len(new))} files read today were not looked for then ({kinds})"
    return Outcome.CAPTURED, None


def _counts(item: Attachment, platform: str) -> bool:
    """Whether a post is not whole without the attachment."""
    return item.kind != "frame" and item.kind not in platform_named(platform).promise.told


def _link(item: Attachment) -> str | None:
    link = item.extract_from or item.url
    return f"https:{link}" if link is not None and link.startswith("//") else link
