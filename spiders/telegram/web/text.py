"""How Telegram's public pages write text and numbers. Pure."""

from __future__ import annotations

import re
from typing import Any

from spiders.html import has_class, text_and_spans

_COUNT = re.compile(r"([\d.,\s\u00a0\u202f]+)\s*([KMB]?)")


def count(text: str | None) -> int | None:
    """Parse a count as Telegram rounds it: `8.67M` → 8670000. The caller keeps the literal beside it."""
    match = _COUNT.fullmatch((text or "").strip())
    if not match:
        return None
    digits = re.sub(r"[\s\u00a0\u202f,]", "", match[1])
    scale = {"": 0, "K": 3, "M": 6, "B": 9}[match[2]]
    whole, _, fraction = digits.partition(".")
    if not (whole + fraction).isdigit() or len(fraction) > scale:
        return None
    return int(whole + fraction.ljust(scale, "0"))


_KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline", "s": "strike",
    "del": "strike", "strike": "strike", "code": "code", "pre": "pre", "blockquote": "blockquote", "tg-spoiler": "spoiler",
    "tg-emoji": "custom emoji",
}  # fmt: skip
_TAGS = frozenset(_KINDS)


def with_entities(body: Any) -> tuple[str, list[dict[str, Any]]]:
    """Return the text of a message and its formatting, in the form in which Telegram's API gives it.

    `offset` and `length` count UTF-16 code units. Links are not among them: they are listed apart.
    """
    text, spans = text_and_spans(body, _TAGS, folded=True)
    units = _units(text, {at for span in spans for at in (span.start, span.end)})
    found = []
    for span in spans:
        node = span.node
        if has_class(node, "emoji") or (node.getparent() is not None and has_class(node.getparent(), "emoji")):
            continue  # a drawn emoji is an <i> with a <b>; it is neither
        said = {"kind": _KINDS[node.tag], "offset": units[span.start], "length": units[span.end] - units[span.start]}
        if node.tag == "tg-emoji" and node.get("emoji-id"):
            said["document_id"] = node.get("emoji-id")
        if node.tag == "blockquote" and node.get("expandable") is not None:
            said["collapsed"] = True
        found.append(said)
    return text, found


def _units(text: str, places: set[int]) -> dict[int, int]:
    """Places in a text, counted in code points → the same in UTF-16 code units."""
    found, before, units = {}, 0, 0
    for place in sorted(places):
        units += sum(2 if ord(letter) > 0xFFFF else 1 for letter in text[before:place])
        found[place] = units
        before = place
    return found
