"""Posts of a capture: entered in the inventory, written down, and ended once their files have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.capture.context import CaptureContext
from archiver.capture.inventory import ITEM
from archiver.capture.outcomes import TRIED_AGAIN, UNASKABLE
from archiver.capture.walk_state import KNOWN
from spiders.platforms import platform_named
from spiders.posts import Attachment, Outcome, Post
from spiders.targets import Target, parse_target
from spiders.youtube.captions import parse_track
from spiders.youtube.player import info as parse_info

Want = Callable[[str, Attachment, str, bool], bool]
"""(inventory key, attachment, parent, required) → whether the file counts for its parent."""


BROKEN_OFF = (Outcome.FAILED, "its fetching broke off")
"""What became of a file that has no outcome though nothing fetches it any more."""


@dataclass(frozen=True)
class Sighting:
    """One sighting of a post: where and how it was met.

    `facts`: what its line says of where it was read. `wanted`: the capture is about it. `apart`: an entry of a list,
    to be captured on its own. `key`: its key in the inventory, other than `post ID` where one capture sees a post
    more than once.
    """

    parent: str
    facts: dict[str, Any] = field(default_factory=dict)
    wanted: bool = True
    apart: bool = False
    key: str | None = None


@dataclass(frozen=True)
class CaptionTrack:
    """A caption track as it was fetched. `automatic`: a machine wrote it."""

    url: str
    body: bytes
    lang: str
    automatic: bool


class PostIntake:
    """Enters the posts that one capture meets."""

    def __init__(self, context: CaptureContext) -> None:
        self._context, self._inventory = context, context.inventory
        self.count = 0
        """Posts that the capture is about; comments are not counted among them."""
        self.found: list[Target] = []
        """What can be captured on its own, not yet handed on."""

    def take(self, post: Post, sighting: Sighting, want: Want, want_requisite: Want) -> None:
        """Enter a post and start fetching its files. `want_requisite`: fetches what is only shown with it."""
        context, inventory = self._context, self._inventory
        key, record = sighting.key or f"post {post.id}", sighting.facts.get("record")
        remark = post.extra.get("kind") in ("comment", "chat")
        limit = context.options.limit
        over = not remark and limit is not None and self.count >= limit
        claimed = {"claimed_by": facts["claimed_by"]} if "claimed_by" in (facts := sighting.facts) else {}
        if not inventory.discover(key, _kind(post, key, remark, facts), post.url, sighting.parent, **claimed):
            return
        if context.walk is not None and context.walk.met(key):
            inventory.end(key, Outcome.SKIPPED, KNOWN)
            if sighting.apart:  # what that part had found it could no longer hand on
                self._hand_on(post.url)
            return
        subject = sighting.wanted and not over
        self._write(post, "target" if subject else "beside the target", sighting.facts)
        if not subject:
            self._skip_files(key, post, "belongs to a post beside the target")
            inventory.end(key, Outcome.SKIPPED, "beside the target: read, its files not fetched")
            return
        self.count += not remark
        inventory.subjects.append(key)
        if sighting.apart:
            self._skip_files(key, post, "belongs to something captured separately")
            self._hand_on(post.url)
            said = "as listed; captured separately in this run"
            inventory.end(key, Outcome.CAPTURED, said, record)
            return
        if parts := self._start_files(key, post, record, want, want_requisite):
            context.tasks.follow(self._finish(key, post, parts, record))
        else:
            inventory.end(key, post.outcome, post.reason, record)

    def _start_files(self, key: str, post: Post, record: str | None, want: Want, want_requisite: Want) -> list[str]:
        """Start fetching a post's files; return the keys of those that it waits for."""
        told = platform_named(post.platform).promise.told
        parts = []
        for number, attachment in enumerate(post.attachments):
            part = f"{key} #{number}"
            if attachment.kind in told and attachment.reason is None:
                self._inventory.discover(part, attachment.kind, attachment.url, key)
                self._inventory.end(part, Outcome.CAPTURED, "in the page itself", record)
                continue
            if want(part, attachment, key, True):
                parts.append(part)
            if attachment.thumbnail and not self._context.options.quick:
                thumbnail = Attachment("thumbnail", attachment.thumbnail)
                want_requisite(f"requisite {attachment.thumbnail}", thumbnail, key, False)
        return parts

    def _skip_files(self, key: str, post: Post, reason: str) -> None:
        for number, attachment in enumerate(post.attachments):
            self._inventory.discover(f"{key} #{number}", attachment.kind, attachment.url, key)
            self._inventory.end(f"{key} #{number}", Outcome.SKIPPED, reason)

    def _hand_on(self, url: str | None) -> None:
        found = parse_target(url or "")
        if isinstance(found, Target):
            self.found.append(found)

    async def _finish(self, key: str, post: Post, parts: list[str], record: str | None) -> None:
        """End a post once its files have ended."""
        await self._context.tasks.wait_for(parts)
        ends = [self._inventory.ended.get(part, BROKEN_OFF) for part in parts]
        bad = [end for end in ends if end[0] is not Outcome.CAPTURED]
        by_rule = all(outcome is Outcome.SKIPPED and not (why or "").startswith(UNASKABLE) for outcome, why in bad)
        if self._context.walk is not None and any(outcome in TRIED_AGAIN for outcome, _ in bad):
            self._hand_on(post.url)  # the walk goes past it, and comes back to it at its end
        if bad and not by_rule:
            reason = f"{len(bad)} of {len(parts)} attachments not kept: {bad[0][1]}"
            self._inventory.end(key, Outcome.PARTIAL, reason, record)
        elif post.outcome is not Outcome.CAPTURED and not post.lacks_only_extracts:
            self._inventory.end(key, post.outcome, post.reason, record)
        else:
            self._inventory.end(key, Outcome.CAPTURED, "without its files, as asked" if bad else None, record)

    def take_captions(self, key: str, track: CaptionTrack, record: str | None) -> None:
        """Write a caption track as posts, so that what was said can be searched."""
        parsed = parse_track(track.body, track.url, track.lang, track.automatic)
        for post in parsed.posts:
            facts = {"record": record, "parser": parsed.parser, "layout": parsed.layout}
            self._write(post, "captions", facts, id=post.id or key)

    def take_description(self, whole: Any, record: str | None) -> None:
        """Write the extractor's description of a video as its post.

        This is for a video of which no page could be read.
        """
        if self.count or not isinstance(whole, dict):
            return
        parsed = parse_info(whole)
        for post in parsed.posts:
            self.count += 1
            self._write(post, "target", {"record": record, "parser": parsed.parser, "layout": parsed.layout})

    def _write(self, post: Post, role: str, facts: dict[str, Any], **more: Any) -> None:
        self._context.writer.post(self._context.secrets.clean({**post.line(), "role": role, **facts, **more}))


def _kind(post: Post, key: str, remark: bool, facts: Mapping[str, Any]) -> str:
    """What a post is called in the inventory."""
    if facts.get("layout") == ITEM:
        return ITEM
    if remark:
        return str(post.extra["kind"])
    word = key.partition(" ")[0]
    return platform_named(post.platform).promise.post_word if word == "post" else word
