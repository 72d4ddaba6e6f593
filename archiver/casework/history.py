"""`archiver history`: one post as it was seen over time, with its edits and its removal."""

from __future__ import annotations

from typing import Any

from archiver.capture.post_digests import attached, other_files
from spiders.platforms import platform_named
from spiders.targets import Target, parse_target

SHOWN = ("text", "title", "attachments", "reply_to", "forwarded_from", "album_ids")
"""What of a post makes an observation differ from the one before."""

IF_SAID = ("edited", "author_handle", "author_name")
"""These too, where both say it: not every page of a platform does."""


def post_of(text: str) -> str:
    """A post's id, from its link or as it stands in the captures."""
    target = parse_target(text) if "/" in text and "." in text.partition("/")[0] + text else None
    named = platform_named(target.platform).links.post_id(target) if isinstance(target, Target) else None
    return text if named is None else named


def _changed(before: dict[str, Any], line: dict[str, Any]) -> list[str]:
    def differs(name: str) -> bool:
        if name == "attachments":  # their links differ each time
            return other_files(attached(before), attached(line))
        return bool(before.get(name) != line.get(name))

    said = [name for name in IF_SAID if None not in (before.get(name), line.get(name))]
    return [name for name in (*SHOWN, *said) if differs(name)]


def _changes(changed: list[str]) -> str:
    return f"changed: {', '.join(changed)}" if changed else "as before"
