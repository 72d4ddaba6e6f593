"""The table of wordings of `wordings.toml`, and what of it a piece of text says as a whole. Pure but for reading the table."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from spiders.posts import Outcome

TABLE = Path(__file__).with_name("wordings.toml")
PLACES = ("title", "heading", "text", "whole")
"""`whole`: all that the page shows, but for what stands around it on every page of its site."""
ANY_WORDS = "…"
_ALIKE = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "ʻ": "'",
        "`": "'",
        "\N{NO-BREAK SPACE}": " ",
        "ё": "е",
        "Ё": "Е",
        "ı": "i",
        "İ": "i",
    }
)
_EDGES = " \t\r\n.!?…,;:|-–—·•«»\"'“”„()[]؟،。「」_"
_STATUS = re.compile(r"(?:(?:http|error|ошибка|помилка|қате|fehler|hata|خطا|erreur)\s*)?[1-5]\d\d\b[\s.:|–—-]*(?=\S)")
_SEPARATORS = re.compile(r"\s+[|–—·•»«/-]\s+|\s*[|｜]\s*|(?<=[\u3040-\u30ff\u4e00-\u9fff])[_-]")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_SENTENCES = re.compile(r"(?<=[.!?…؟。])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True)
class Row:
    """Wordings of one language and kind. `kind`: a row of `KINDS`, or None; `source`: where they were read."""

    language: str
    kind: str | None
    outcome: Outcome
    places: tuple[str, ...]
    source: str
    words: tuple[str, ...]


class Said(NamedTuple):
    """What a page says of itself: the row, and the page's own words."""

    row: Row
    words: str


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """Return the rows of the table, in its order."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    return tuple(
        Row(
            row["language"], row.get("kind"), Outcome(row["outcome"]), tuple(row["places"]), row["source"],
            tuple(row["words"]),
        )
        for row in table["row"]
    )  # fmt: skip


def plain(text: str) -> str:
    """Fold what makes no difference: capitals, accents, invisible characters, apostrophes, digits of other scripts, edges."""
    folded = unicodedata.normalize("NFKD", text.translate(_ALIKE).casefold().translate(_ALIKE))
    kept = (
        str(unicodedata.digit(letter)) if letter.isdigit() and unicodedata.digit(letter, None) is not None else letter
        for letter in folded
        if unicodedata.category(letter) not in ("Mn", "Cf")
    )
    return " ".join("".join(kept).split()).strip(_EDGES)


def said_by(place: str, text: str) -> Said | None:
    """Return what a text in one of `PLACES` says as a whole, or None. A part of it that says something is not enough."""
    for words in _tries(place, text):
        if (row := _exact(place).get(words)) is not None:
            return Said(row, " ".join(text.split())[:200])
        for pattern, row in _open(place):
            if pattern.fullmatch(words):
                return Said(row, " ".join(text.split())[:200])
    return None


def sentences(text: str) -> list[str]:
    """List the lines and sentences of a text."""
    return [part.strip() for part in _SENTENCES.split(text) if part and part.strip()]


def _tries(place: str, text: str) -> list[str]:
    """The forms of a text that are looked up: whole, without a status before it, and a title without the site's name."""
    found = [text]
    if place == "title":
        marks = list(_SEPARATORS.finditer(text))
        found += [text[: mark.start()] for mark in (marks[:1] + marks[-1:])] + [
            text[mark.end() :] for mark in (marks[:1] + marks[-1:])
        ]
        host, mark, after = text.partition(": ")
        found += [after] if mark and _HOST.fullmatch(host) else []
    folded = [plain(one) for one in found]
    folded += [_STATUS.sub("", one, count=1).strip(_EDGES) for one in folded if _STATUS.match(one)]
    return [one for one in dict.fromkeys(folded) if one]


@lru_cache(maxsize=len(PLACES))
def _exact(place: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows():
        if place in row.places:
            for words in row.words:
                if ANY_WORDS not in words:
                    found.setdefault(plain(words), row)
    return found


@lru_cache(maxsize=len(PLACES))
def _open(place: str) -> list[tuple[re.Pattern[str], Row]]:
    return [
        (re.compile(".{1,80}".join(re.escape(_inner(part)) for part in words.split(ANY_WORDS))), row)
        for row in rows()
        if place in row.places
        for words in row.words
        if ANY_WORDS in words
    ]


def _inner(part: str) -> str:
    """A part of a wording, folded, with the blanks and apostrophes at its ends."""
    folded = plain(part)
    if not folded:
        return ""
    before = " " if part[:1].isspace() else "'" if part[:1] in "'’" else ""
    after = " " if part[-1:].isspace() else ""
    return f"{before}{folded}{after}"
