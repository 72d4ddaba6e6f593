"""What a handed-over file is by its own bytes, and whether it is whole: said while its source can still be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archiver.tools.media.judgement import by_name, of_unknown, probe_facts, unreadable
from archiver.tools.media.kinds import HEAD, Ends, media_type


def kind_of(copy: Path) -> str:
    """Return a file's media type by its first and last bytes alone. Raises `OSError`."""
    size = copy.stat().st_size
    with open(copy, "rb") as stream:
        head = stream.read(HEAD)
        stream.seek(max(0, size - HEAD))
        return media_type(Ends(head, stream.read(HEAD), size))


def looked_at(copy: Path, suffix: str) -> tuple[str, str | None]:
    """Return a file's media type, and in words what is wrong with it, or None. `suffix`: the ending of its name.

    Raises `OSError`.
    """
    size = copy.stat().st_size
    with open(copy, "rb") as stream:

        def read(start: int, length: int) -> bytes:
            stream.seek(start)
            return stream.read(length)

        ends = Ends(read(0, HEAD), read(max(0, size - HEAD), HEAD), size)
        found, lack = of_unknown(ends, read)
    return found, lack or by_name(suffix, found)


def by_tools(found: str, facts: dict[str, Any]) -> str | None:
    """Return in words that the tools cannot open a film or recording, or None. `facts`: what they said of it."""
    return unreadable(found, probe_facts(facts.get("ffprobe")) if "ffprobe" in facts else None)
