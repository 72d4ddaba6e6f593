"""What a page itself has to say: its text without links, quotations and teasers of other pages. Pure and total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from lxml import etree

from spiders.html import text_of
from spiders.walls.wordings import sentences

_QUOTATIONS = frozenset({"q", "blockquote", "cite", "code", "samp", "kbd", "pre"})
_QUOTES = "\"'«»“”„‟‘‚‹›「『《"
_LINKED_HEADING = ".//*[self::h2 or self::h3 or self::h4 or self::h5 or self::h6][.//a or ancestor::a]"
_A_TEASER = 400
"""Characters of a teaser, at most: heading, some sentences, a date."""
_AN_EXCLAMATION = 24
_FEWEST = 3
"""Linked headings that make a list of teasers; fewer may be the page's own."""
_MOST = 500
"""Linked headings that are looked at in one page."""


class Piece(NamedTuple):
    """A sentence. `begins`: it is the first of its block, or follows a word or two, as "Oops!"; a notice stands there."""

    text: str
    begins: bool = True


def prose(element: Any, skip: frozenset[str]) -> str:
    """Return the text of an element without links and without teasers of other pages."""
    teasers = _teasers(element)
    if not teasers:
        return text_of(element, skip | {"a"})
    return " ".join(part for part in _texts(element, skip | {"a"}, teasers) if part)


def pieces(element: Any, skip: frozenset[str]) -> list[Piece]:
    """List the sentences of an element's blocks. What is quoted is what somebody else said."""
    found = []
    for line in text_of(element, skip | _QUOTATIONS).split("\n"):
        before = 0
        for text in sentences(line):
            if not text.startswith(tuple(_QUOTES)):
                found.append(Piece(text, before <= _AN_EXCLAMATION))
            before += len(text)
    return found


def _teasers(element: Any) -> set[Any]:
    """The elements around linked headings that hold one such heading each, and little more."""
    headings = element.xpath(_LINKED_HEADING)[:_MOST]
    if len(headings) < _FEWEST:
        return set()
    held = Counter(around for heading in headings for around in heading.iterancestors())
    found = set()
    for heading in headings:
        chosen = heading
        for around in islice(heading.iterancestors(), 4):
            if around is element or held[around] > 1 or _is_longer(around, _A_TEASER):
                break
            chosen = around
        found.add(chosen)
    return found


def _is_longer(element: Any, most: int) -> bool:
    size = 0
    for text in element.itertext():
        size += len(text.strip())
        if size > most:
            return True
    return False


def _texts(element: Any, skip: frozenset[str], teasers: set[Any]) -> Iterable[str]:
    hidden = 0
    for event, node in etree.iterwalk(element, events=("start", "end")):
        unseen = not isinstance(node.tag, str) or node.tag in skip or node in teasers
        if event == "start":
            hidden += unseen
            yield (node.text or "").strip() if not hidden else ""
        else:
            hidden -= unseen
            yield (node.tail or "").strip() if not hidden and node is not element else ""
