"""What a manifest lists and an event names, before a path is made of it: a colleague, or whoever keeps our copies, may have written it.

A name is one part of a path, of plain letters: it can neither leave its folder nor be hidden in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from storage.errors import FormatError

MANIFEST = "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_name(text: object) -> bool:
    """Return whether this can name a file or folder inside another: letters, digits, `.`, `_` and `-`, and no `..`."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and ".." not in text


def listed_files(manifest: Any) -> list[dict[str, Any]]:
    """Return what a manifest lists: name, size and SHA-256 of each file.

    Raises `FormatError` where a name is none, or stands twice, also in other letters: some disks tell no case.
    """
    files = manifest.get("files") if isinstance(manifest, Mapping) else None
    if not isinstance(files, list):
        raise _not_ours("a list of files", "none")
    seen = {MANIFEST}
    for entry in files:
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not is_name(name):
            raise _not_ours("plain names of files", repr(name)[:80])
        if name.lower() in seen:
            raise _not_ours("each file once", repr(name))
        seen.add(name.lower())
        size, digest = entry.get("size"), entry.get("sha256")
        if type(size) is not int or size < 0 or not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise _not_ours(f"size and SHA-256 of {name}", f"{size!r}, {digest!r}"[:80])
    return files


def capture_place(detail: Any) -> str:
    """Return the folder of the capture that an event is about: captures/YEAR/MONTH/DAY/ID. Raises `FormatError`."""
    folder, capture = (detail.get("folder"), detail.get("capture")) if isinstance(detail, Mapping) else (None, None)
    parts = folder.split("/") if isinstance(folder, str) else []
    if len(parts) != 5 or parts[0] != "captures" or parts[4] != capture or not all(map(is_name, parts)):
        raise _not_ours("a folder inside captures/", repr(folder)[:80])
    return "/".join(parts)


def _not_ours(expected: str, found: str) -> FormatError:
    return FormatError(
        f"{expected} in what was sealed", found, "No archiver wrote this. Do not use it; ask whom it came from."
    )
