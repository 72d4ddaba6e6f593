"""Facts of a post's files by which two observations are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FILE_FACTS = ("kind", "duration", "file_name", "photo_id", "file_id", "media_id")
"""What stays of an attachment while its links change, and tells it from another that takes its place."""


def attached(line: Mapping[str, Any]) -> list[list[Any]]:
    """Return `FILE_FACTS` and digest of each attachment.

    The digest is given where `line` has `digests` and the platform links to the file itself.
    What is put together from pieces is left out: the platform offers others tomorrow.
    """
    files = line.get("attachments") or []
    digests = line.get("digests") or [None] * len(files)
    return [
        [*(one.get(name) for name in FILE_FACTS), digest if one.get("url") else None]
        for one, digest in zip(files, digests, strict=True)
    ]


def other_files(before: Sequence[Sequence[Any]], now: Sequence[Sequence[Any]]) -> bool:
    """Return whether a post has other attachments than before.

    A fact that one of the two does not state counts as no difference.
    """
    pairs = zip(before, now, strict=False)
    differ = any(x != y for old, new in pairs for x, y in zip(old, new, strict=False) if None not in (x, y))
    return differ or len(before) != len(now)
