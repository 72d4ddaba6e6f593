"""People's words: notes, tags, places, quarantine. Signed events about a capture, post, attachment or segment."""

from __future__ import annotations

import re
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
    """What an annotation is about. `segment`: {"from_ms", "to_ms"} and/or {"region": [x, y, w, h] in percent}."""

    capture: str
    post: str | None = None
    attachment: int | None = None
    segment: dict[str, Any] | None = None

    def detail(self) -> dict[str, Any]:
        parts = {
            "capture": self.capture,
            "post": self.post,
            "attachment": self.attachment,
            "segment": self.segment,
        }
        return {key: value for key, value in parts.items() if value is not None}


def about(
    home: Home,
    capture: str,
    post: str | None,
    attachment: int | None,
    start: str | None,
    end: str | None,
    region: str | None,
) -> About:
    """Resolves what a person named. Raises `NotFound`, `UsageError`."""
    capture_id = home.resolve_capture(capture)
    posts = {row["id"]: row for row in home.catalog.posts(capture_id)}
    if post is not None and post not in posts:
        near = [key for key in posts if key and key.endswith(f"/{post}")]
        if len(near) != 1:
            raise NotFound(
                f"a post {post!r} in {capture_id}",
                f"posts: {', '.join(str(key) for key in list(posts)[:8]) or 'none'}",
                "See `archiver show`.",
            )
        post = near[0]
    if attachment is not None and post is None:
        if len(posts) != 1:
            raise UsageError("--post beside --attachment", f"{len(posts)} posts in the capture", "Say which post.")
        post = next(iter(posts))
    if attachment is not None:
        import json

        count = len(json.loads(posts[post]["line"]).get("attachments") or [])
        if not 0 <= attachment < count:
            raise NotFound(
                f"attachment {attachment} of {post}",
                f"{count} attachments, counted from 0",
                "See `archiver show`.",
            )
    segment: dict[str, Any] = {}
    if start is not None or end is not None:
        segment = {"from_ms": milliseconds(start or "0"), "to_ms": milliseconds(end) if end else None}
        if segment["to_ms"] is not None and segment["to_ms"] < segment["from_ms"]:
            raise UsageError("--to after --from", f"{start} … {end}", "Swap them.")
        segment = {key: value for key, value in segment.items() if value is not None}
    if region is not None:
        numbers = re.fullmatch(r"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})", region)
        if not numbers or any(int(n) > 100 for n in numbers.groups()):
            raise UsageError("--region x,y,width,height in percent", repr(region), "For example --region 10,20,30,40")
        segment["region"] = [int(n) for n in numbers.groups()]
    return About(capture_id, post, attachment, segment or None)


def milliseconds(text: str) -> int:
    """`1:02:03.5`, `02:03` or `63.5` → milliseconds. Raises `UsageError`."""
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
    """Signs and seals one annotation, and brings the catalog up to date. Raises `LedgerError`, `UsageError`."""
    if kind not in KINDS:
        raise UsageError(f"one of {', '.join(KINDS)}", repr(kind), "Choose one.")
    if not (text or "").strip():
        raise UsageError("some words", "none", "Say what is to be recorded.")
    detail = {"kind": kind, "about": what.detail(), "text": text, **(extra or {})}
    sealed = signer.append([Event("annotated", home.clock(), detail)])[0]
    home.project()
    return sealed


def coordinates(text: str | None) -> dict[str, str]:
    """`43.3412,52.8619` as latitude and longitude, kept as the text that was given. Raises `UsageError`."""
    if text is None:
        return {}
    match = re.fullmatch(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\s*", text)
    if not match or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:
        raise UsageError("--at latitude,longitude", repr(text), "For example --at 43.3412,52.8619")
    return {"latitude": match[1], "longitude": match[2]}
