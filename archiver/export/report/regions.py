"""What people marked of a file: moments of a video, and regions of its picture, which the stills show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver.export.dossier import segment
from archiver.export.profiles import Card

Region = tuple[int, int, int, int]
"""Left, top, width and height, in percent of the picture."""


@dataclass(frozen=True)
class Mark:
    """What an annotation marks of a file. `at`: its first moment in milliseconds, None where it is the whole file."""

    event: int
    at: int | None
    region: Region | None


def marks_of(card: Card, number: int) -> list[Mark]:
    """Return what people marked of one file of an item, in the order in which they did. `number`: from 0."""
    found = []
    for event in card.annotations:
        about = event["detail"]["about"]
        part = about.get("segment") or {}
        region = tuple(part.get("region") or ())
        if about.get("attachment") == number and part:
            found.append(Mark(event["seq"], part.get("from_ms"), region if len(region) == 4 else None))
    return found


def moments_of(card: Card, number: int) -> tuple[int, ...]:
    """Return the moments of a file, in milliseconds, that people marked."""
    return tuple(sorted({mark.at for mark in marks_of(card, number) if mark.at is not None}))


def segment_of(about: Mapping[str, Any]) -> str:
    """Word which file of an item, and what part of it, an annotation is about; empty where it is the whole item."""
    if about.get("attachment") is None:
        return ""
    part = about.get("segment") or {}
    said = [f"file {about['attachment'] + 1}", segment(part)]
    if len(part.get("region") or ()) == 4:
        left, top, width, height = part["region"]
        said.append(f"region {left} % from the left, {top} % from the top, {width} % wide, {height} % high")
    return ", ".join(one for one in said if one)
