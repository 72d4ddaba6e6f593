"""What a finder of articles (trafilatura) takes for text, author and date of a page, in the spelling of the page's own bytes.

A finder normalises: it drops joiners of Persian, capitalises names, writes dates anew, and takes what is in hidden fields
and file names for dates. Each of its answers is looked up in the page's visible text; what is not there is dropped. Total.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from lxml import etree

from spiders import dates
from spiders.html import one_line
from spiders.posts import Time

SOURCE = "a finder of articles"
_UNSEEN = frozenset({"script", "style", "noscript", "template", "title"})
_BULLET = re.compile(r"^(?:[-•*]|\d+\.)\s+")
_DIGITS = "0-9٠-٩۰-۹"
_DATE = re.compile(
    rf"[{_DIGITS}]{{4}}[-./][{_DIGITS}]{{1,2}}[-./][{_DIGITS}]{{1,2}}|[{_DIGITS}]{{1,2}}[-./][{_DIGITS}]{{1,2}}[-./][{_DIGITS}]{{4}}"
    rf"|[{_DIGITS}]{{1,2}}(?:st|nd|rd|th)?\.?\s+[^\W\d]{{3,12}}\.?,?\s+[{_DIGITS}]{{4}}|[^\W\d]{{3,12}}\.?\s+[{_DIGITS}]{{1,2}}(?:st|nd|rd|th)?,?\s+[{_DIGITS}]{{4}}"
)
_NAMED = (
    "date",
    "pubdate",
    "published",
    "posted",
    "post-date",
    "entry-date",
    "article-date",
    "article__date",
    "news-date",
    "datetime",
)
_DATED = (
    "//*[not(self::time[@datetime])]["
    + " or ".join(f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')" for name in _NAMED)
    + "][not(ancestor::*[contains(@class,'comment') or contains(@id,'comment')])][not(ancestor::aside or ancestor::footer or ancestor::nav)]"
)
_BLOCK = re.compile(r"<(?:p|br|li|div|td|dd|dt|h[1-6])[\s>/]", re.IGNORECASE)
_MOST_BLOCKS = 10_000
_LINKED_DATA = re.compile(r"(<script\b[^>]{0,200}ld\+json[^>]{0,200}>)(.*?)(?=</script)", re.IGNORECASE | re.DOTALL)
_MOST_DATA = 1 << 19
"""Characters of JSON-LD that the finder is given: it goes through each value for many patterns. `statements.py` reads it all."""
_WORDS_OF_A_DATE = 80
_LONGEST = 100
"""Dates that are looked at in one page."""


@dataclass(frozen=True)
class Found:
    """What was found. `inside`: the element, of those that were asked about, in which all of the text stands."""

    text: str | None = None
    inside: Any = None
    author: str | None = None
    title: str | None = None
    date: Time | None = None
    language: str | None = None
    site: str | None = None


def found_in(markup: str, document: Any, url: str | None, parts: list[Any]) -> Found:
    """Find the article of a page. `parts`: elements that may be marked as the article."""
    raw = _article(markup, url)
    letters = _Letters(document, parts)
    text, inside = letters.respelled(raw.get("text", ""))
    return Found(
        text=text or None,
        inside=inside,
        author=letters.literal(raw.get("author")),
        title=letters.literal(raw.get("title")),
        date=_date(raw.get("date"), document, letters.raw),
        language=raw.get("language"),
        site=raw.get("sitename"),
    )


def _article(markup: str, url: str | None) -> dict[str, str]:
    """Title, author, date, text, language by trafilatura; {} where it finds nothing or cannot cope."""
    import trafilatura

    if "ld+json" in markup:
        markup = _LINKED_DATA.sub(lambda data: data[0] if len(data[2]) <= _MOST_DATA else data[1], markup)
    try:
        found = trafilatura.bare_extraction(
            markup, url=url, with_metadata=True, include_comments=False, fast=many_blocks(markup)
        )
    except (
        etree.LxmlError, ValueError, TypeError, AttributeError, RecursionError, KeyError, IndexError, AssertionError,
        OverflowError,
    ):  # fmt: skip
        return {}
    if found is None:
        return {}
    names = ("title", "author", "date", "text", "language", "sitename")
    return {name: value for name in names if isinstance(value := getattr(found, name, None), str) and value.strip()}


def many_blocks(markup: str) -> bool:
    """Return whether a page has so many paragraphs that the finder's second opinion, which is quadratic, would take minutes."""
    return sum(1 for _ in _BLOCK.finditer(markup)) > _MOST_BLOCKS


class _Letters:
    """The visible text of a page, with the letters by which a finder's text is found again in it."""

    def __init__(self, document: Any, parts: list[Any]) -> None:
        self.raw = ""
        self._spans: list[tuple[Any, int, int]] = []
        pieces: list[str] = []
        starts: dict[Any, int] = {}
        wanted, at, hidden = set(parts), 0, 0
        for event, node in etree.iterwalk(document, events=("start", "end")):
            unseen = not isinstance(node.tag, str) or node.tag in _UNSEEN
            if event == "start":
                hidden += unseen
                if node in wanted:
                    starts[node] = at
                text = node.text if not hidden else None
            else:
                hidden -= unseen
                if node in wanted:
                    self._spans.append((node, starts[node], at))
                text = node.tail if not hidden else None
            if text:
                pieces.append(text)
                at += len(text)
        self._spans.sort(key=lambda span: parts.index(span[0]))
        self.raw = "".join(pieces)
        self._key, self._at = _folded(self.raw)

    def respelled(self, text: str) -> tuple[str, Any]:
        """Return a text in the page's spelling, line by line, and the element in which all lines stand, or None."""
        lines, cursor, ranges = [], 0, []
        whole = True
        for line in text.split("\n"):
            if not line.strip():
                lines.append("")
                continue
            place = self._find(line, cursor)
            if place is None:
                whole = False
                lines.append(line)
                continue
            start, end = place
            cursor = end
            ranges.append((self._at[start], self._at[end - 1]))
            kept = self.raw[self._at[start] : self._at[end - 1] + 1]
            lines.append(" ".join(part for part in kept.split()))
        inside = next(
            (node for node, first, last in self._spans if ranges and all(first <= a and b < last for a, b in ranges)),
            None,
        )
        return "\n".join(lines).strip(), inside if whole else None

    def literal(self, words: str | None) -> str | None:
        """Return words as the page spells them; None where it does not say them."""
        if not words:
            return None
        parts = [self._literal(part.strip()) for part in words.split(";") if part.strip()]
        return "; ".join(part for part in parts if part) if parts and all(parts) else None

    def _literal(self, words: str) -> str | None:
        at = self.raw.casefold().find(words.casefold())
        if at >= 0 and len(self.raw.casefold()) == len(self.raw):
            return self.raw[at : at + len(words)]
        place = self._find(words, 0)
        return None if place is None else " ".join(self.raw[self._at[place[0]] : self._at[place[1] - 1] + 1].split())

    def _find(self, line: str, cursor: int) -> tuple[int, int] | None:
        for form in (line, _BULLET.sub("", line)):
            key, _ = _folded(form)
            for start in (cursor, 0):
                if key and (at := self._key.find(key, start)) >= 0:
                    return at, at + len(key)
        return None


def _folded(text: str) -> tuple[str, list[int]]:
    """Letters without blanks and invisible characters, decomposed; and where in the text each of them stands."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        if letter.isspace() or (letter > "\x7f" and unicodedata.category(letter) in ("Cf", "Cc")):
            continue
        for part in letter if letter < "\x80" else unicodedata.normalize("NFKD", letter):
            if not part.isspace():
                letters.append(part)
                places.append(place)
    return "".join(letters), places


def _date(day: str | None, document: Any, visible: str) -> Time | None:
    """The words of the page from which that day can have been read, with what they can mean; None where there are none.

    Without a day: what stands in an element that is named after a date, before the text of the page.
    """
    for node in document.xpath(_DATED)[:_LONGEST]:
        words = one_line(node)
        days = [str(one) for one in dates.days_in(words)] if len(words) <= _WORDS_OF_A_DATE else []
        if days and (day is None or day in days):
            return dates.written(words, SOURCE)
    for number, match in enumerate(_DATE.finditer(visible) if day is not None else ()):
        if number >= _LONGEST:
            break
        if day in [str(one) for one in dates.days_in(match[0])]:
            return dates.written(match[0], SOURCE)
    return None
