"""`archiver redact`: a new record in which something is covered, silenced or masked, and an event that says why.

What was recorded stays as it is, with its proofs. The copy is a `conversion` in a capture of its own; packages for
partners and the public then show it in place of what was recorded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.casework.annotations import milliseconds
from archiver.errors import UsageError
from archiver.tools.reencode import Box, Silence, Track

if TYPE_CHECKING:
    pass

_BOX = re.compile(r"(?:(?P<at>[\d:.]+)=)?(?P<box>[\d.]+,[\d.]+,[\d.]+,[\d.]+)")
_STRETCH = re.compile(r"(?P<from>[\d:.]+)-(?P<to>[\d:.]+)")


def tracks_of(texts: list[list[str]]) -> list[Track]:
    """Each `--box` is one thing: `10,20,30,40`, or several of `0:01=10,20,30,40` along its way; `0:01-0:05` limits it."""
    found = []
    for words in texts:
        boxes, start, end = [], None, None
        for word in words:
            if match := _STRETCH.fullmatch(word):
                start, end = milliseconds(match["from"]), milliseconds(match["to"])
                continue
            match = _BOX.fullmatch(word)
            numbers = [float(part) for part in match["box"].split(",")] if match else []
            if match is None or any(n > 100 for n in numbers) or min(numbers[2:], default=0) <= 0:
                raise UsageError(
                    "--box x,y,width,height in percent, or 0:01=x,y,width,height", repr(word), "Correct it."
                )
            boxes.append(Box(milliseconds(match["at"] or "0"), *numbers))
        if not boxes or (end is not None and start is not None and end <= start):
            raise UsageError("--box with a box, and an end after its start", " ".join(words), "Correct it.")
        found.append(Track(tuple(boxes), start, end))
    return found


def silences_of(mute: list[str], tone: list[str]) -> list[Silence]:
    found = []
    for text, replaced in (*((text, False) for text in mute), *((text, True) for text in tone)):
        match = _STRETCH.fullmatch(text)
        if match is None or milliseconds(match["to"]) <= milliseconds(match["from"]):
            raise UsageError("a stretch like 0:01-0:03", repr(text), "Correct it.")
        found.append(Silence(milliseconds(match["from"]), milliseconds(match["to"]), replaced))
    return found
