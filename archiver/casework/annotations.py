"""People's words: notes, tags, places, quarantine. Signed events about a capture, post, attachment or segment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.events import Event
from storage.ledger import Sealed

KINDS = ("note", "tag", "place", "quarantine")


@dataclass(frozen=True)
class About:
    """Subject of an annotation.

    `segment`: {"from_ms", "to_ms"} and/or {"region": [x, y, w, h] in percent}.
    """

    capture: str
    post: str | None = None
    attachment: int | None = None
    segment: dict[str, Any] | None = None

    def detail(self) -> dict[str, Any]:
        """Return the subject as events hold it."""
        parts = {
            "capture": self.capture,
            "post": self.post,
            "attachment": self.attachment,
            "segment": self.segment,
        }
        return {key: value for key, value in parts.items() if value is not None}


def about_of(
    home: Home,
    capture: str,
    post: str | None = None,
    attachment: int | None = None,
    *,
    start: str | None = None,
    end: str | None = None,
    region: str | None = None,
) -> About:
    """Resolve the capture, post or attachment that a person named. Raises `NotFound`, `UsageError`."""
    capture_id = home.resolve_capture(capture)
    posts = {row["id"]: row for row in home.catalog.posts(capture_id)}
    if post is not None:
        post = _post_in(posts, post, capture_id)
    if attachment is not None:
        if post is None:
            post = _only_post(posts)
        _check_attachment(posts[post], attachment)
    segment = {**_stretch(start, end), **_region(region)}
    return About(capture_id, post, attachment, segment or None)


def _post_in(posts: Mapping[Any, Any], named: str, capture: str) -> str:
    """Find a post by its id, or by the end of it."""
    if named in posts:
        return named
    near = [str(key) for key in posts if key and key.endswith(f"/{named}")]
    if len(near) != 1:
        raise NotFound(
            f"a post {named!r} in {capture}",
            f"posts: {', '.join(str(key) for key in list(posts)[:8]) or 'none'}",
            "See `archiver show`.",
        )
    return near[0]


def _only_post(posts: Mapping[Any, Any]) -> Any:
    if len(posts) != 1:
        raise UsageError("--post together with --attachment", f"{len(posts)} posts in the capture", "Say which post.")
    return next(iter(posts))


def _check_attachment(post: Mapping[str, Any], attachment: int) -> None:
    count = len(json.loads(post["line"]).get("attachments") or [])
    if not 0 <= attachment < count:
        raise NotFound(
            f"attachment {attachment} of {post['id']}",
            f"{count} attachments, counted from 0",
            "See `archiver show`.",
        )


def _stretch(start: str | None, end: str | None) -> dict[str, int]:
    if start is None and end is None:
        return {}
    stretch = {"from_ms": milliseconds(start or "0")}
    if end:
        stretch["to_ms"] = milliseconds(end)
        if stretch["to_ms"] < stretch["from_ms"]:
            raise UsageError("--to after --from", f"{start} … {end}", "Swap them.")
    return stretch


def _region(text: str | None) -> dict[str, list[int]]:
    if text is None:
        return {}
    numbers = re.fullmatch(r"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})", text)
    if not numbers or any(int(n) > 100 for n in numbers.groups()):
        raise UsageError("--region x,y,width,height in percent", repr(text), "For example --region 10,20,30,40")
    return {"region": [int(n) for n in numbers.groups()]}


def milliseconds(text: str) -> int:
    """Parse `1:02:03.5`, `02:03` or `63.5` into milliseconds. Raises `UsageError`."""
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d{1,5})(?:\.(\d{1,3}))?", text.strip())
    if not match:
        raise UsageError("a time like 1:02:03.5, 02:03 or 63.5", repr(text), "Give it in that form.")
    hours, minutes, seconds, fraction = match.groups()
    return (int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)) * 1000 + int(
        (fraction or "0").ljust(3, "0")
    )


def annotate(
    home: Home, signer: Signer, kind: str, what: About, text: str | None, extra: dict[str, Any] | None = None
) -> Sealed:
    """Sign a note, tag, place or quarantine. Raises `LedgerError`, `UsageError`."""
    if kind not in KINDS:
        raise UsageError(f"one of {', '.join(KINDS)}", repr(kind), "Choose one.")
    return record(home, signer, kind, what.detail(), text, extra)


def record(
    home: Home,
    signer: Signer,
    kind: str,
    about: dict[str, Any],
    text: str | None,
    extra: dict[str, Any] | None = None,
    *,
    may_be_empty: bool = False,
) -> Sealed:
    """Sign what a person says as an event, and bring the catalog up to date. Raises `LedgerError`, `UsageError`."""
    if not may_be_empty and not (text or "").strip():
        raise UsageError("some words", "none", "Give the words to record.")
    detail = {"kind": kind, "about": about, "text": text, **(extra or {})}
    sealed = signer.append([Event("annotated", home.clock(), detail)])[0]
    home.project()
    return sealed
