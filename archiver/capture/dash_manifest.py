"""What the manifest of a DASH stream (ISO/IEC 23009-1) says of the stream as a whole. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spiders.page.media_links import iso_length

_MPD = re.compile(r"<(?:\w+:)?MPD\b[^>]{0,4000}>")
_ATTRIBUTE = re.compile(r"\b(type|mediaPresentationDuration)\s*=\s*[\"']([^\"']{1,80})[\"']")


@dataclass(frozen=True)
class DashStream:
    """A stream. `seconds`: its whole length, over all of its periods; `live`: it has no end yet."""

    seconds: float | None
    live: bool


def dash_stream(start: bytes) -> DashStream:
    """Read the beginning of a manifest (5.3.1.2)."""
    found = _MPD.search(start.decode("utf-8", "replace"))
    told = dict(_ATTRIBUTE.findall(found[0])) if found is not None else {}
    live = told.get("type") == "dynamic"
    return DashStream(None if live else iso_length(told.get("mediaPresentationDuration")), live)
